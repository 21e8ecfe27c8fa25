//! Tables for people, JSON for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// Prints to standard output. A reader that went away (`| head`) is no error.
pub fn line(text: impl std::fmt::Display) {
    use std::io::Write;
    if writeln!(std::io::stdout().lock(), "{text}").is_err() {
        std::process::exit(0);
    }
}

pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// One document on one line.
pub fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value)?);
    Ok(())
}

pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.map(str::to_uppercase));
    let mut any = false;
    for row in rows {
        any = true;
        table.add_row(row);
    }
    if any {
        // Borderless tables are padded at their edges.
        for text in table.to_string().lines() {
            line(text.trim_end());
        }
    }
}

/// A time as people at a terminal read it: UTC, to the second.
pub fn time(rfc3339: &str) -> String {
    let date = rfc3339.get(..10).unwrap_or_default();
    let clock = rfc3339.get(11..19).unwrap_or_default();
    format!("{date} {clock}Z")
}
