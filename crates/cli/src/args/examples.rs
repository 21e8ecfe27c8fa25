//! Every command in use. `--help` and the manual page show it; a test parses each line.

use clap::CommandFactory;

use super::Arguments;

/// A command and how it is called.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("init", &["selfheal init", "selfheal --home /srv/selfheal init"]),
    ("run", &["selfheal run", "selfheal run --observe"]),
    ("serve", &["selfheal serve", "selfheal serve --listen 127.0.0.1:0"]),
    (
        "ingest",
        &[
            "selfheal ingest app.log --service shop-web --dry-run",
            "journalctl -u shop-web | selfheal ingest - --service shop-web",
        ],
    ),
    ("config", &["selfheal config check"]),
    ("config check", &["selfheal config check"]),
    ("config accept", &["selfheal config accept", "selfheal config accept --yes"]),
    ("incidents", &["selfheal incidents", "selfheal incidents show 7", "selfheal incidents approve 7"]),
    (
        "incidents list",
        &[
            "selfheal incidents list --group needs-you",
            "selfheal incidents list --search \"pool exhausted\" --limit 200",
        ],
    ),
    ("incidents show", &["selfheal incidents show 7"]),
    ("incidents approve", &["selfheal incidents approve 7 --plan ee60708e2716"]),
    ("incidents reject", &["selfheal incidents reject 7 --reason wrong-cause --comment \"the disk is full\""]),
    ("incidents ack", &["selfheal incidents ack 7"]),
    ("incidents snooze", &["selfheal incidents snooze 7 30m"]),
    (
        "incidents resolve",
        &[
            "selfheal incidents resolve 7 --comment \"renewed the certificate\"",
            "selfheal incidents resolve 7 --fixed-by service.restart",
        ],
    ),
    ("incidents escalate", &["selfheal incidents escalate 7 --comment \"needs the database team\""]),
    ("incidents note", &["selfheal incidents note 7 \"the deploy of 02:10 is suspicious\""]),
    ("incidents choose", &["selfheal incidents choose 7 --action service.restart"]),
    ("incidents retry", &["selfheal incidents retry 7"]),
    ("incidents edit", &["selfheal incidents edit 7 --param replicas=3"]),
    ("incidents redact", &["selfheal incidents redact 7 --text hunter2 --reason \"a password was logged\""]),
    ("knowledge", &["selfheal knowledge search certificate expired", "selfheal knowledge show certificate-expired"]),
    (
        "knowledge add",
        &[
            "selfheal knowledge add \"Pool exhausted\" --rule \"pool exhausted\" --root-cause \"too few connections\" --action service.restart",
            "selfheal knowledge add \"Pool exhausted\" --auto-healable",
            "selfheal knowledge add pattern.yaml",
        ],
    ),
    ("knowledge edit", &["selfheal knowledge edit pool-exhausted", "selfheal knowledge edit pool-exhausted --print"]),
    ("knowledge remove", &["selfheal knowledge remove pool-exhausted"]),
    ("knowledge import", &["selfheal knowledge import pack.yaml --dry-run", "selfheal knowledge import icdev.db"]),
    (
        "knowledge export",
        &["selfheal knowledge export --out pack.yaml", "selfheal knowledge export --pattern pool-exhausted"],
    ),
    (
        "knowledge list",
        &["selfheal knowledge list --auto-healable", "selfheal knowledge list --search disk --sort uses"],
    ),
    ("knowledge search", &["selfheal knowledge search certificate expired"]),
    ("knowledge show", &["selfheal knowledge show pool-exhausted"]),
    (
        "knowledge match",
        &["selfheal knowledge match app.log --service shop-web", "tail -f app.log | selfheal knowledge match - --json"],
    ),
    ("knowledge analyze", &["selfheal knowledge analyze app.log", "selfheal knowledge analyze --incident 7"]),
    ("knowledge recommend", &["selfheal knowledge recommend app.log", "selfheal knowledge recommend --incident 7"]),
    (
        "knowledge test",
        &["selfheal knowledge test --all", "selfheal knowledge test pool-exhausted --line \"ERROR pool exhausted\""],
    ),
    (
        "knowledge replay",
        &[
            "selfheal knowledge replay pool-exhausted --file edited.yaml",
            "selfheal knowledge replay pool-exhausted --disabled",
        ],
    ),
    ("knowledge stats", &["selfheal knowledge stats"]),
    ("knowledge drafts", &["selfheal knowledge drafts"]),
    ("knowledge accept", &["selfheal knowledge accept vault-sealed --root-cause \"the vault restarted\""]),
    ("knowledge reject-draft", &["selfheal knowledge reject-draft vault-sealed --reason \"a test\""]),
    ("knowledge review", &["selfheal knowledge review"]),
    ("knowledge merge", &["selfheal knowledge merge \"Lease is lost\" \"Lease lost\" --dry-run"]),
    ("knowledge unmerge", &["selfheal knowledge unmerge lease-is-lost"]),
    ("knowledge enable", &["selfheal knowledge enable pool-exhausted"]),
    ("knowledge disable", &["selfheal knowledge disable pool-exhausted"]),
    ("audit", &["selfheal audit list --incident 7", "selfheal audit verify"]),
    ("audit list", &["selfheal audit list --incident 7", "selfheal audit list --event approval. --since 7d"]),
    ("audit verify", &["selfheal audit verify", "selfheal audit verify trail.jsonl --key key.pub"]),
    ("audit export", &["selfheal audit export trail.jsonl --since 30d"]),
    ("audit case", &["selfheal audit case 7 --output case.html"]),
    ("pause", &["selfheal pause", "selfheal pause 30m --reason \"failover test\""]),
    ("resume", &["selfheal resume"]),
    ("observe", &["selfheal observe"]),
    ("queue", &["selfheal queue"]),
    ("maintenance", &["selfheal maintenance start 2h --service db"]),
    ("maintenance list", &["selfheal maintenance list"]),
    ("maintenance start", &["selfheal maintenance start 2h --service db --reason \"upgrade\""]),
    ("maintenance end", &["selfheal maintenance end 3"]),
    ("change", &["selfheal change record --service shop-web --kind deployment --version 2.4.1"]),
    ("change record", &["selfheal change record --service shop-web --kind deployment --version 2.4.1"]),
    ("change list", &["selfheal change list --service shop-web"]),
    ("backup", &["selfheal backup monday.selfheal"]),
    ("restore", &["selfheal restore monday.selfheal"]),
    ("token", &["selfheal token add ci --role viewer", "selfheal token list"]),
    ("token add", &["selfheal token add ada --role approver"]),
    ("token list", &["selfheal token list"]),
    ("token remove", &["selfheal token remove ci"]),
    ("notify", &["selfheal notify list", "selfheal notify test"]),
    ("notify list", &["selfheal notify list"]),
    ("notify test", &["selfheal notify test chat"]),
    ("doctor", &["selfheal doctor"]),
    ("demo", &["selfheal demo", "selfheal demo kill-service", "selfheal demo needs-approval --approve"]),
    ("completions", &["selfheal completions bash > /etc/bash_completion.d/selfheal"]),
    ("man", &["selfheal man > /usr/local/share/man/man1/selfheal.1"]),
];

/// The command line, with its examples.
pub fn command() -> clap::Command {
    with_examples(Arguments::command(), "")
}

fn with_examples(command: clap::Command, path: &str) -> clap::Command {
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = names.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}").trim().to_owned();
        command.mut_subcommand(name, |below| with_examples(below, &path))
    });
    match of(path) {
        [] => command,
        examples => command.after_help(format!("Examples:\n  {}", examples.join("\n  "))),
    }
}

/// How a command is called.
pub fn of(path: &str) -> &'static [&'static str] {
    EXAMPLES.iter().find(|(command, _)| *command == path).map_or(&[], |(_, examples)| examples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    /// The words of a line, as a shell has them: quotes hold words together.
    fn words(line: &str) -> Vec<String> {
        let pieces = line.split('"').enumerate().flat_map(|(number, piece)| match number % 2 {
            0 => piece.split_whitespace().map(str::to_owned).collect(),
            _ => vec![piece.to_owned()],
        });
        pieces.collect()
    }

    #[test]
    fn every_command_has_examples_and_every_example_is_one_of_it() {
        fn walk(command: &clap::Command, path: &str, paths: &mut Vec<String>) {
            for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
                let path = format!("{path} {}", below.get_name()).trim().to_owned();
                walk(below, &path, paths);
                paths.push(path);
            }
        }
        let mut paths = Vec::new();
        walk(&Arguments::command(), "", &mut paths);
        for path in &paths {
            assert!(!of(path).is_empty(), "`{path}` has no example");
        }
        for (path, examples) in EXAMPLES {
            assert!(paths.iter().any(|there| there == path), "there is no command `{path}`");
            for example in *examples {
                let call = example.rsplit(" | ").next().and_then(|call| call.split(" > ").next()).unwrap_or(example);
                Arguments::try_parse_from(words(call)).unwrap_or_else(|error| panic!("{example}: {error}"));
                assert!(call.contains(path.rsplit(' ').next().unwrap_or(path)), "{path}: {example}");
            }
        }
    }

    #[test]
    fn the_table_of_the_readme_has_every_command_and_no_other() {
        let readme = include_str!("../../../../README.md");
        let table = readme.split("## Commands").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a table");
        let called: Vec<&str> = table.split('`').skip(1).step_by(2).collect();
        let command = command();
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            let name = below.get_name();
            // `selfheal pause [DURATION]`, or `observe` beside it.
            let rows: Vec<&str> = called
                .iter()
                .map(|call| call.trim_start_matches("selfheal "))
                .filter(|call| call.split([' ', '[']).next() == Some(name))
                .collect();
            assert!(!rows.is_empty(), "the README has no `{name}`");
            let mut told: Vec<&str> =
                rows.iter().filter_map(|call| call.split(' ').nth(1)).flat_map(|names| names.split("\\|")).collect();
            told.retain(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
            let mut there: Vec<&str> = below.get_subcommands().map(clap::Command::get_name).collect();
            if !there.is_empty() {
                told.sort_unstable();
                there.sort_unstable();
                assert_eq!(told, there, "{name}");
            }
        }
    }
}
