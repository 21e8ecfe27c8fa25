//! Other names of the binary: whoever calls it by one of them has named a command already.

use std::ffi::OsString;
use std::path::Path;

use crate::args;

/// A name, and the command that it stands for.
const NAMES: [(&str, &str); 2] = [("icdev-knowledge", "knowledge"), ("icdev-monitor", "monitor")];

/// The arguments with the command that the binary's name stands for, where this build has it.
pub fn arguments(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = given.into_iter().collect();
    let called = arguments.first().and_then(|first| Path::new(first).file_stem()).and_then(|stem| stem.to_str());
    let command = NAMES.iter().find(|(name, _)| Some(*name) == called).map(|(_, command)| *command);
    if let Some(command) = command.filter(|command| args::command().find_subcommand(command).is_some()) {
        arguments.insert(1, command.into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_its_command() {
        for (given, expected) in [
            (&["selfheal", "queue"][..], &["selfheal", "queue"][..]),
            (&["/usr/bin/icdev-knowledge", "stats"], &["/usr/bin/icdev-knowledge", "knowledge", "stats"]),
            (&["icdev-knowledge"], &["icdev-knowledge", "knowledge"]),
            (&["icdev-knowledge.exe", "--json", "stats"], &["icdev-knowledge.exe", "knowledge", "--json", "stats"]),
            (&["icdev-other", "stats"], &["icdev-other", "stats"]),
            (&[], &[]),
        ] {
            let got = arguments(given.iter().map(OsString::from));
            assert_eq!(got, expected.iter().map(OsString::from).collect::<Vec<_>>(), "{given:?}");
        }
    }
}
