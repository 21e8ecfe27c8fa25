//! Starts a program so that it outlives the engine, and looks whether it stays.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use selfheal_core::Outcome;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::pidfile::{self, Note, Pidfile};
use super::program::Program;
use super::table::{Pid, Process};
use super::{State, command};

/// A program that ends within this time did not start.
const SETTLE: Duration = Duration::from_millis(300);
/// How long a program may take to put itself into the background, and then to write its pidfile.
const BACKGROUND_LIMIT: Duration = Duration::from_secs(30);
const PIDFILE_LIMIT: Duration = Duration::from_secs(3);
/// Bytes of a program's last words that are told.
const TAIL: u64 = 2_048;

/// Starts the program. That it runs already is what was wanted.
pub async fn start(program: &Program<'_>) -> Outcome {
    if let State::Running(process) = State::of(program) {
        return Outcome::Succeeded { detail: format!("it was running already (pid {})", process.pid) };
    }
    let started = if program.daemonizes { background(program).await } else { foreground(program).await };
    match started {
        Ok(pid) => Outcome::Succeeded { detail: format!("started (pid {pid})") },
        Err(detail) => Outcome::Failed { detail },
    }
}

/// A program that stays what was started. Selfheal writes its pidfile.
async fn foreground(program: &Program<'_>) -> Result<Pid, String> {
    let (mut child, words) = spawn(program)?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::new).ok_or("it has no process id")?;
    if let Err(error) = record(program.pidfile, pid) {
        // A program that nobody could find again must not run on.
        let _ = child.kill().await;
        pidfile::remove(program.pidfile, true);
        return Err(format!("{} cannot be written: {error}", program.pidfile.display()));
    }
    if let Ok(status) = timeout(SETTLE, child.wait()).await {
        pidfile::remove(program.pidfile, true);
        let status = status.map_err(|error| error.to_string())?;
        let hint =
            if status.success() { ". If it puts itself into the background, set `daemonizes: true`" } else { "" };
        return Err(words.ended(status, hint));
    }
    // Whoever starts a process has to wait for its end: otherwise it stays a zombie, which looks alive to others.
    tokio::spawn(async move { child.wait().await });
    Ok(pid)
}

/// A program that puts itself into the background and writes its own pidfile.
async fn background(program: &Program<'_>) -> Result<Pid, String> {
    let before = running_in(program.pidfile);
    let (mut child, words) = spawn(program)?;
    match command::wait(&mut child, BACKGROUND_LIMIT).await.map_err(|error| error.to_string())? {
        Some(status) if status.success() => {}
        Some(status) => return Err(words.ended(status, "")),
        None => return Err(format!("it did not go into the background within {}s", BACKGROUND_LIMIT.as_secs())),
    }
    let deadline = Instant::now() + PIDFILE_LIMIT;
    loop {
        match running_in(program.pidfile) {
            Some(process) if Some(process) != before => {
                let note = Note { pid: process.pid.number(), start_ticks: process.start_ticks };
                note.write(program.pidfile).map_err(|error| format!("its start cannot be noted: {error}"))?;
                return Ok(process.pid);
            }
            _ if Instant::now() < deadline => sleep(SETTLE / 10).await,
            _ => return Err(format!("it wrote no running process into {}{}", program.pidfile.display(), words.read())),
        }
    }
}

fn running_in(path: &Path) -> Option<Process> {
    match pidfile::read(path) {
        Pidfile::Pid(pid) => Process::running(pid),
        _ => None,
    }
}

fn record(path: &Path, pid: Pid) -> io::Result<()> {
    if let Some(process) = Process::running(pid) {
        Note { pid: pid.number(), start_ticks: process.start_ticks }.write(path)?;
    }
    pidfile::write(path, pid)
}

fn spawn(program: &Program<'_>) -> Result<(Child, LastWords), String> {
    let mut command = command::prepare(program.start, program.working_directory)?;
    let words = LastWords::direct(&mut command, program.output)?;
    let child = command.spawn().map_err(|error| format!("{}: {error}", program.start[0]))?;
    Ok((child, words))
}

/// Where a program's output goes, and from where on it is that of this start.
struct LastWords(Option<(File, u64)>);

impl LastWords {
    fn direct(command: &mut Command, output: Option<&Path>) -> Result<Self, String> {
        let Some(path) = output else { return Ok(Self(None)) };
        let mut open = || {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            command.stdout(Stdio::from(file.try_clone()?)).stderr(Stdio::from(file));
            Ok::<_, io::Error>((File::open(path)?, fs::metadata(path)?.len()))
        };
        open()
            .map(|from| Self(Some(from)))
            .map_err(|error| format!("its output {} cannot be opened: {error}", path.display()))
    }

    fn ended(&self, status: ExitStatus, hint: &str) -> String {
        format!("it ended at once ({status}){hint}{}", self.read())
    }

    /// The end of what was printed, as the rest of a sentence.
    fn read(&self) -> String {
        let Some((mut file, from)) = self.0.as_ref().map(|(file, from)| (file, *from)) else {
            return ". Its output is not kept; name a file in `output` to see it".to_owned();
        };
        let mut bytes = Vec::new();
        let length = file.metadata().map_or(0, |file| file.len());
        let begin = from.max(length.saturating_sub(TAIL));
        if file.seek(SeekFrom::Start(begin)).and_then(|_| file.take(TAIL).read_to_end(&mut bytes)).is_err()
            || bytes.is_empty()
        {
            return ". It printed nothing".to_owned();
        }
        format!(": {}", String::from_utf8_lossy(&bytes).trim())
    }
}
