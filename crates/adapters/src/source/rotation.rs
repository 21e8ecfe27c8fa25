//! Where rotation by rename puts a log: `app.log.1`, `app.log.2` (older), or `app.log-20260228` (by date).
//!
//! Files that were rotated while nobody looked are found again through their names, so that a restart of the engine
//! over one or several rotations loses no line. Compressed files are past reading.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

/// A number up to this many digits counts backwards; a longer one is a date.
const NUMBER_DIGITS: usize = 4;

/// The log and what was rotated away from it, oldest first; the log itself, which may not exist, is last.
pub fn chain(log: &Path) -> Vec<PathBuf> {
    let mut rotated: Vec<_> = rotated(log).unwrap_or_default();
    rotated.sort();
    rotated.into_iter().map(|(_, path)| path).chain([log.to_owned()]).collect()
}

fn rotated(log: &Path) -> Option<Vec<(Age, PathBuf)>> {
    let name = log.file_name()?.to_str()?;
    let directory = log.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let age = |entry: fs::DirEntry| {
        let age = age(entry.file_name().to_str()?.strip_prefix(name)?)?;
        entry.file_type().ok()?.is_file().then(|| (age, entry.path()))
    };
    Some(fs::read_dir(directory).ok()?.flatten().filter_map(age).collect())
}

/// Ordered from old to new.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Number(Reverse<u32>),
    Date(String),
}

fn age(suffix: &str) -> Option<Age> {
    let rest = suffix.strip_prefix(['.', '-'])?;
    let dated = rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.chars().all(|c| c.is_ascii_digit() || ['-', '.', '_', 'T'].contains(&c));
    match rest.parse() {
        _ if !dated => None,
        Ok(number) if rest.len() <= NUMBER_DIGITS => Some(Age::Number(Reverse(number))),
        _ => Some(Age::Date(rest.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_what_was_rotated_from_old_to_new() {
        for (names, expected) in [
            (
                &["app.log", "app.log.1", "app.log.10", "app.log.2"][..],
                &["app.log.10", "app.log.2", "app.log.1", "app.log"][..],
            ),
            (&["app.log-20260302", "app.log-20260228"], &["app.log-20260228", "app.log-20260302", "app.log"]),
            (&["app.log.1.gz", "app.log.bak", "app.logger.1", "other.1", "app.log.+1x"], &["app.log"]),
        ] {
            let directory = tempfile::tempdir().expect("a temporary directory");
            for name in names {
                fs::write(directory.path().join(name), "").expect("writes");
            }
            let found = chain(&directory.path().join("app.log"));
            let found: Vec<_> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
            assert_eq!(found, expected);
        }
    }
}
