//! Programs and their arguments: where a program is, and how a command is shown.
//!
//! No shell reads a command. It is quoted for people only, so that what they see has one meaning.

use std::env;
use std::path::{self, Path, PathBuf};

use nix::unistd::{AccessFlags, access};

/// A command as a person would type it.
pub fn shown(argv: &[String]) -> String {
    argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoProgram {
    #[error("there is no such program")]
    Missing,
    #[error("it is not executable")]
    NotExecutable,
}

/// Where the program is that a command names: a bare name is looked for in `PATH`, a relative path is one from the
/// working directory.
pub fn find(program: &str, working_directory: Option<&Path>) -> Result<PathBuf, NoProgram> {
    let base = working_directory.unwrap_or(Path::new(""));
    if program.contains('/') {
        // A relative path would be looked for in the working directory once more when it is run.
        let path = path::absolute(base.join(program)).map_err(|_| NoProgram::Missing)?;
        return check(&path).map(|()| path);
    }
    let mut found = Err(NoProgram::Missing);
    for directory in env::split_paths(&env::var_os("PATH").unwrap_or_default()).filter(|path| path.is_absolute()) {
        let path = directory.join(program);
        match check(&path) {
            Ok(()) => return Ok(path),
            Err(NoProgram::NotExecutable) => found = Err(NoProgram::NotExecutable),
            Err(NoProgram::Missing) => {}
        }
    }
    found
}

fn check(path: &Path) -> Result<(), NoProgram> {
    match path.metadata() {
        Ok(file) if !file.is_file() => Err(NoProgram::NotExecutable),
        Ok(_) => access(path, AccessFlags::X_OK).map_err(|_| NoProgram::NotExecutable),
        Err(_) => Err(NoProgram::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_command_with_one_meaning() {
        for (argv, expected) in [
            (&["/bin/sleep", "600"][..], "/bin/sleep 600"),
            (&["sh", "-c", "echo $HOME; exit"], "sh -c 'echo $HOME; exit'"),
            (&["x", "", "it's"], r"x '' 'it'\''s'"),
        ] {
            assert_eq!(shown(&argv.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()), expected);
        }
    }

    #[test]
    fn finds_programs() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("data"), "").expect("writes");
        let here = Some(directory.path());
        assert!(find("sh", None).is_ok_and(|path| path.is_absolute()));
        assert!(find("/bin/sh", here).is_ok());
        for (program, expected) in [
            ("no-such-program-anywhere", NoProgram::Missing),
            ("./missing", NoProgram::Missing),
            ("./data", NoProgram::NotExecutable),
            ("/", NoProgram::NotExecutable),
            ("", NoProgram::NotExecutable),
        ] {
            assert_eq!(find(program, here), Err(expected), "{program}");
        }
    }
}
