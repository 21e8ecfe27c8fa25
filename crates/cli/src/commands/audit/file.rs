//! `selfheal audit export` and `selfheal audit case`: what is written to a file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use selfheal_api::files::Beside;

use super::bundle;
use crate::args::{CaseArgument, Place};
use crate::commands::escaped;
use crate::{connect, output};

/// Written beside its place and then moved there, so that a file of that name is always a whole one.
struct Whole {
    to: PathBuf,
    beside: Beside,
}

impl Whole {
    fn create(to: &Path) -> anyhow::Result<Self> {
        let beside = Beside::create(to, 0o600).with_context(|| format!("{} cannot be written", to.display()))?;
        Ok(Self { to: to.to_owned(), beside })
    }

    fn write(&mut self, piece: &[u8]) -> std::io::Result<()> {
        self.beside.file.write_all(piece)
    }

    fn finish(self) -> anyhow::Result<()> {
        self.beside.finish().with_context(|| format!("{} cannot be written", self.to.display()))
    }
}

pub async fn export(
    place: &Place,
    as_json: bool,
    to: &Path,
    incident: Option<&str>,
    since: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    let incident = incident.map(|id| format!("incident={}", escaped(id.trim_start_matches('#'))));
    let since = since.map(|time| format!("since={}", escaped(time)));
    let query: Vec<String> = incident.into_iter().chain(since).collect();
    let path = format!("/api/v1/audit/export?{}", query.join("&"));
    if to == Path::new("-") {
        let mut out = std::io::stdout().lock();
        client.download("GET", &path, |piece| out.write_all(piece)).await?;
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut whole = Whole::create(to)?;
    client.download("GET", &path, |piece| whole.write(piece)).await?;
    whole.finish()?;
    if !as_json {
        output::line(format!("Wrote {}.", to.display()));
    }
    // What is handed on is what was read back: a trail that is broken is exported too, and said to be.
    bundle::verify(to, &[], as_json)
}

pub async fn case(
    place: &Place,
    incident: &str,
    format: Option<CaseArgument>,
    to: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    let by_name = || match to.and_then(Path::extension).and_then(|ending| ending.to_str()) {
        Some("html" | "htm") => CaseArgument::Html,
        _ => CaseArgument::Md,
    };
    let format = match format.unwrap_or_else(by_name) {
        CaseArgument::Md => "md",
        CaseArgument::Html => "html",
    };
    let path = format!("/api/v1/incidents/{}/case?format={format}", escaped(incident.trim_start_matches('#')));
    let Some(to) = to else {
        let mut text = Vec::new();
        client.download("GET", &path, |piece| text.write_all(piece)).await?;
        output::line(String::from_utf8_lossy(&text).trim_end());
        return Ok(ExitCode::SUCCESS);
    };
    let mut whole = Whole::create(to)?;
    client.download("GET", &path, |piece| whole.write(piece)).await?;
    whole.finish()?;
    output::line(format!("Wrote {}.", to.display()));
    Ok(ExitCode::SUCCESS)
}
