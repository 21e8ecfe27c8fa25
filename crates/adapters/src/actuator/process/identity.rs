//! Whether the process of a pidfile is the program of the inventory.
//!
//! Invariant: a process that is not known to be the program is never signalled. Where this cannot tell, it says no: then
//! the program is started, and a second one that finds its port taken says so, while a stranger killed cannot be undone.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::files::{self, Links};

use super::argv;
use super::pidfile::Note;
use super::program::Program;
use super::table::Process;

/// Whether `process` is the program. What Selfheal noted at the start decides; without a note its file and arguments do.
pub fn is_ours(process: Process, program: &Program, note: Option<&Note>) -> bool {
    match note {
        Some(Note::Started { pid, start_ticks }) if *pid == process.pid.number() => *start_ticks == process.start_ticks,
        Some(Note::Starting(begun)) if process.has_variable(&begun.variable()) => true,
        _ => is_like(process, program),
    }
}

/// Whether a process runs the program's file with its arguments.
pub fn is_like(process: Process, program: &Program) -> bool {
    looks_like(process.program().as_deref(), &process.arguments(), program)
}

fn looks_like(file: Option<&Path>, arguments: &[String], program: &Program) -> bool {
    let Some((name, rest)) = program.start.split_first() else { return false };
    let Some(file) = file else {
        // Its file may not be seen, so all its words have to be the same.
        return arguments == program.start;
    };
    let Ok(found) = argv::find(name, program.directory()) else { return false };
    if found.canonicalize().is_ok_and(|real| real == file) {
        // A daemon often gives itself a title for its arguments, so its file has to do, unless many programs share it.
        return arguments.get(1..) == Some(rest) || (program.daemonizes && !is_interpreter(file));
    }
    // A script is run by its interpreter, which has the script's path and its arguments behind its own.
    let is_script = |word: &String| word == name || Path::new(word) == found;
    interpreter(&found).is_some_and(|interpreter| interpreter == file)
        && arguments.iter().skip(1).position(is_script).is_some_and(|at| &arguments[at + 2..] == rest)
}

/// Programs that run other programs, without the version at the end of their name.
const INTERPRETERS: &[&str] = &[
    "ash", "bash", "beam.smp", "bun", "busybox", "dash", "deno", "dotnet", "java", "ksh", "lua", "mono", "node",
    "perl", "php", "pypy", "python", "ruby", "sh", "zsh",
];

fn is_interpreter(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    INTERPRETERS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

/// The program that a script names in its first line (`#!/bin/sh`, `#!/usr/bin/env python3`).
fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut head = Vec::new();
    files::open(script, Links::Follow).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    let head = String::from_utf8_lossy(&head);
    let mut words = head.lines().next()?.strip_prefix("#!")?.split_whitespace();
    let mut name = words.next()?;
    if name.ends_with("/env") {
        name = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    }
    argv::find(name, None).ok()?.canonicalize().ok()
}

/// Bytes of a first line that the kernel looks at.
const HEAD: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_programs_that_run_others() {
        for (name, expected) in [("python3.11", true), ("sh", true), ("beam.smp", true), ("nginx", false), ("", false)]
        {
            assert_eq!(is_interpreter(Path::new(name)), expected, "{name}");
        }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn tells_the_program_from_others() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let script = directory.path().join("run.sh");
        std::fs::write(&script, "#!/bin/sh\n").expect("writes");
        let mut permissions = script.metadata().expect("is there").permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
        std::fs::set_permissions(&script, permissions).expect("may be changed");
        let script = script.to_str().expect("UTF-8");
        let sleep = Path::new("/bin/sleep").canonicalize().expect("sleep is there");
        let sh = Path::new("/bin/sh").canonicalize().expect("a shell is there");
        for (name, start, daemonizes, file, arguments, expected) in [
            ("the same", &["sleep", "6"][..], false, Some(&sleep), &["sleep", "6"][..], true),
            ("by another path", &["/bin/sleep", "6"], false, Some(&sleep), &["sleep", "6"], true),
            ("other arguments", &["sleep", "6"], false, Some(&sleep), &["sleep", "7"], false),
            ("a daemon with its title", &["/bin/sleep", "6"], true, Some(&sleep), &["sleep: master"], true),
            ("another program", &["sleep", "6"], false, Some(&sh), &["sleep", "6"], false),
            ("a script", &[script, "a"], false, Some(&sh), &["/bin/sh", script, "a"], true),
            ("a script with other arguments", &[script, "a"], false, Some(&sh), &["/bin/sh", script, "b"], false),
            ("an editor of the script", &[script], false, Some(&sleep), &["vi", script], false),
            ("an interpreter that is a daemon", &["/bin/sh", script], true, Some(&sh), &["sh", script], true),
            ("another script in the background", &["/bin/sh", script], true, Some(&sh), &["sh", "x.sh"], false),
            ("its file may not be seen", &["sleep", "6"], false, None, &["sleep", "6"], true),
            ("a thread of the kernel", &["sleep", "6"], false, None, &[], false),
        ] {
            let program = Program { daemonizes, ..Program::example(start) };
            assert_eq!(looks_like(file.map(|f| f.as_path()), &words(arguments), &program), expected, "{name}");
        }
    }
}
