//! The manual page: one for all commands, made from the command line itself.

use clap::{Arg, Command};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use crate::args;

/// Exit codes, in the words of the README.
const EXIT: [(&str, &str); 4] = [
    ("0", "It is done."),
    ("1", "It failed. Standard error says what, why and what next."),
    ("2", "Wrong usage."),
    (
        "3",
        "What it looked for was found, and it is bad: a failing check of doctor, a broken audit chain, failing examples, a damaged backup.",
    ),
];

const ENVIRONMENT: [(&str, &str); 8] = [
    ("SELFHEAL_HOME", "The home, where --home does not name it. The demo does not use it."),
    ("SELFHEAL_DATABASE", "The database, where --database does not name it."),
    ("SELFHEAL_SERVER", "The daemon to talk to, where --server does not name it."),
    ("SELFHEAL_TOKEN", "The token for that daemon."),
    ("SELFHEAL_LOG", "What is logged, e.g. info,sqlx=warn. It goes before -v."),
    ("NO_COLOR, CLICOLOR, CLICOLOR_FORCE", "Whether there is colour, where --color does not say it."),
    ("COLUMNS", "The width that tables keep to."),
    ("VISUAL, EDITOR", "The editor of knowledge edit."),
];

const FILES: [(&str, &str); 7] = [
    ("args/monitoring_config.yaml", "The configuration. The engine takes up changes by itself."),
    ("args/knowledge/", "Packs of patterns that init adds to the database."),
    ("data/icdev.db", "The database, unless --database names another one."),
    (
        "data/pause",
        "The emergency brake: while it is there nothing runs. pause makes it, resume and observe remove it.",
    ),
    ("data/engine.sock", "Where the running engine of this home answers its owner."),
    ("data/audit.key, data/audit.checkpoints", "What signs the audit trail, and what was signed."),
    ("demo.json", "Marks the home of a demo: init, run and serve leave it alone."),
];

const EXAMPLES: [(&str, &str); 5] = [
    ("What needs me, and what is known about it?", "selfheal incidents\nselfheal incidents show 7"),
    ("Run the fix that waits.", "selfheal incidents approve 7"),
    ("Stop everything for half an hour.", "selfheal pause 30m"),
    ("What is wrong with Selfheal itself?", "selfheal doctor"),
    ("Watch it work, with nothing to install.", "selfheal demo kill-service"),
];

/// The page, as `man` reads it.
pub fn page() -> String {
    let mut command = args::command();
    command.build();
    let mut page = Roff::new();
    let version = format!("selfheal {}", env!("CARGO_PKG_VERSION"));
    page.control("TH", ["SELFHEAL", "1", "", version.as_str(), "Selfheal"]);
    section(&mut page, "NAME");
    page.text([roman(format!("selfheal - {}", about(&command)))]);
    section(&mut page, "SYNOPSIS");
    page.text([bold("selfheal"), roman(" [GLOBAL OPTIONS] "), italic("COMMAND"), roman(" [OPTIONS]")]);
    section(&mut page, "DESCRIPTION");
    for text in [
        "Selfheal watches logs and health checks, matches what goes wrong against a knowledge base of failure patterns, fixes what it \
         knows well, asks a person about what it half knows, and hands the rest to a person with everything it found.",
        "A command finds the engine that runs for its home by itself, through a socket in the home. Without one it opens the home: \
         facts are recorded, and nothing runs until an engine does. An engine that does not answer is given up after some seconds.",
        "Called without a command it says how it stands, and the commands that one needs at night.",
    ] {
        page.control("PP", []);
        page.text([roman(text)]);
    }
    section(&mut page, "COMMANDS");
    commands(&mut page, &command, "selfheal");
    section(&mut page, "GLOBAL OPTIONS");
    for argument in command.get_arguments().filter(|argument| argument.is_global_set()) {
        option(&mut page, argument);
    }
    for (name, entries) in [("EXIT STATUS", &EXIT[..]), ("ENVIRONMENT", &ENVIRONMENT), ("FILES", &FILES)] {
        section(&mut page, name);
        if name == "FILES" {
            page.text([roman("In the home:")]);
        }
        for (term, text) in entries {
            entry(&mut page, vec![bold(*term)], text);
        }
    }
    section(&mut page, "EXAMPLES");
    for (what, calls) in EXAMPLES {
        page.control("PP", []);
        page.text([roman(what)]);
        code(&mut page, calls.lines());
    }
    page.to_roff()
}

/// Every command below one, with its arguments and how it is called.
fn commands(page: &mut Roff, above: &Command, path: &str) {
    for command in above.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name() != "help") {
        let path = format!("{path} {}", command.get_name());
        if command.has_subcommands() && command.get_name() != "incidents" {
            commands(page, command, &path);
            continue;
        }
        let own: Vec<&Arg> =
            command.get_arguments().filter(|one| !one.is_global_set() && one.get_id() != "help").collect();
        let places: String = own.iter().filter(|one| one.is_positional()).map(|one| format!(" {one}")).collect();
        let options = if own.iter().any(|one| !one.is_positional()) { " [OPTIONS]" } else { "" };
        page.control("SS", [format!("{path}{options}{places}").as_str()]);
        page.text([roman(sentence(&long_about(command)))]);
        for argument in own {
            option(page, argument);
        }
        let called = args::examples_of(path.trim_start_matches("selfheal "));
        if !called.is_empty() {
            code(page, called.iter().copied());
        }
        commands(page, command, &path);
    }
}

fn option(page: &mut Roff, argument: &Arg) {
    let mut names: Vec<Inline> = Vec::new();
    if argument.is_positional() {
        names.push(italic(argument.to_string()));
    } else {
        let short = argument.get_short().map(|short| format!("-{short}"));
        let long = argument.get_long().map(|long| format!("--{long}"));
        names.push(bold(short.into_iter().chain(long).collect::<Vec<_>>().join(", ")));
        if argument.get_action().takes_values() {
            let values = argument.get_value_names().unwrap_or_default();
            names.push(roman(" "));
            names.push(italic(values.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ")));
        }
    }
    let mut text = sentence(&argument.get_help().map(ToString::to_string).unwrap_or_default());
    let possible: Vec<String> =
        argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !possible.is_empty() && argument.get_action().takes_values() && possible != ["true", "false"] {
        text.push_str(&format!(" One of {}.", possible.join(", ")));
    }
    let default: Vec<String> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if !default.is_empty() && argument.get_action().takes_values() {
        text.push_str(&format!(" Default: {}.", default.join(" ")));
    }
    entry(page, names, &text);
}

fn section(page: &mut Roff, name: &str) {
    page.control("SH", [name]);
}

fn entry(page: &mut Roff, term: Vec<Inline>, text: &str) {
    page.control("TP", []);
    page.text(term);
    page.text([roman(text)]);
}

/// Lines that are copied: as they are.
fn code<'a>(page: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    page.control("PP", []);
    page.control("RS", ["4"]);
    page.control("nf", []);
    for line in lines {
        page.text([roman(line)]);
    }
    page.control("fi", []);
    page.control("RE", []);
}

/// With the full stop that help has not.
fn sentence(text: &str) -> String {
    if text.ends_with(['.', ':']) { text.to_owned() } else { format!("{text}.") }
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn long_about(command: &Command) -> String {
    command.get_long_about().map_or_else(|| about(command), ToString::to_string).replace("\n\n", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whole_and_refers_to_no_other() {
        let page = page();
        for name in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "COMMANDS",
            "\"GLOBAL OPTIONS\"",
            "\"EXIT STATUS\"",
            "ENVIRONMENT",
            "FILES",
            "EXAMPLES",
        ] {
            assert!(page.contains(&format!(".SH {name}\n")), "{name}: {page}");
        }
        assert!(!page.contains("(1)"), "there is no other page");
        for word in ["openapi", "demo\\-service", "emergency brake", "incidents approve", "knowledge add"] {
            assert_eq!(page.contains(word), !word.starts_with("openapi") && !word.starts_with("demo"), "{word}");
        }
        // What begins with a dot or a quote is a request: only those that are known.
        for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
            let request = line.split_whitespace().next().unwrap_or_default();
            let known = [".TH", ".SH", ".SS", ".TP", ".PP", ".RS", ".RE", ".nf", ".fi", ".ie", ".el"];
            assert!(known.contains(&request) || line.starts_with(".ie ") || line.starts_with(".el "), "{line}");
        }
    }

    #[test]
    fn every_example_of_the_page_is_one() {
        for (_, calls) in EXAMPLES {
            for call in calls.lines() {
                let given = call.split_whitespace().map(Into::into).collect();
                args::parse(given).unwrap_or_else(|error| panic!("{call}: {error}"));
            }
        }
    }
}
