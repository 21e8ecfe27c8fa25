//! Colour for severity and state, where somebody looks at a terminal.
//!
//! Red means that a person must act. What is coloured says the same in words, so nothing is lost without it.

use std::io::IsTerminal;
use std::sync::OnceLock;

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR or CLICOLOR=0 says otherwise; CLICOLOR_FORCE=1 colours pipes too.
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    #[default]
    Plain,
    Strong,
    Dim,
    Good,
    Attention,
    Bad,
}

static ON: OnceLock<bool> = OnceLock::new();

/// Decides once for this process.
pub fn decide(when: When) {
    let variable = |name: &str| std::env::var(name).ok();
    let _ = ON.set(wanted(when, variable, std::io::stdout().is_terminal()));
}

/// What asks for colour, and what asks for none, in their order.
fn wanted(when: When, variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if set("NO_COLOR") => false,
        When::Auto if set("CLICOLOR_FORCE") && variable("CLICOLOR_FORCE").as_deref() != Some("0") => true,
        When::Auto if variable("CLICOLOR").as_deref() == Some("0") => false,
        When::Auto => is_terminal && variable("TERM").as_deref() != Some("dumb"),
    }
}

/// A text in a style. It must be free of what drives a terminal already.
pub fn paint(style: Style, text: &str) -> String {
    let code = match style {
        _ if !ON.get().copied().unwrap_or(false) || text.is_empty() => return text.to_owned(),
        Style::Plain => return text.to_owned(),
        Style::Strong => "1",
        Style::Dim => "2",
        Style::Good => "32",
        Style::Attention => "33",
        Style::Bad => "1;31",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// The style of a severity's word.
pub fn of_severity(word: &str) -> Style {
    match word {
        "critical" => Style::Bad,
        "high" => Style::Attention,
        "info" => Style::Dim,
        _ => Style::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_and_may_be_asked_for_and_against() {
        type Variables = &'static [(&'static str, &'static str)];
        let table: &[(When, Variables, bool, bool)] = &[
            (When::Auto, &[], true, true),
            (When::Auto, &[], false, false),
            (When::Auto, &[("TERM", "dumb")], true, false),
            (When::Auto, &[("NO_COLOR", "1")], true, false),
            (When::Auto, &[("NO_COLOR", "")], true, true),
            (When::Auto, &[("CLICOLOR", "0")], true, false),
            (When::Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (When::Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (When::Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true, false),
            (When::Always, &[("NO_COLOR", "1")], false, true),
            (When::Never, &[("CLICOLOR_FORCE", "1")], true, false),
        ];
        for (when, variables, is_terminal, expected) in table {
            let variable =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(wanted(*when, variable, *is_terminal), *expected, "{when:?} {variables:?} {is_terminal}");
        }
    }
}
