//! Starts a program so that it outlives the engine, and looks whether it stays.
//!
//! Invariant: at every moment either nothing was started, or what was started can be found. The note is written before the
//! program is started, with a mark that the program carries; the process id follows as soon as there is one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use selfheal_core::Outcome;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::pidfile::{self, Begun, Note, Pidfile};
use super::program::Program;
use super::state::{self, State};
use super::table::{Pid, Process};
use super::{apart, command};
use crate::files::{self, Links};

/// A program that ends within this time did not start: most that find their port taken have said so by then. One that dies
/// later is found by the verification, which looks at the target too.
const SETTLE: Duration = Duration::from_secs(1);
/// How long a program may take to put itself into the background, and then to write its pidfile.
const BACKGROUND_LIMIT: Duration = Duration::from_secs(30);
const PIDFILE_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(30);
/// Bytes of a program's last words that are told.
const TAIL: u64 = 2_048;
/// Of an output file that is made. Others may read logs.
const OUTPUT_MODE: u32 = 0o644;

/// Starts the program. That it runs already is what was wanted.
pub async fn start(program: &Arc<Program>) -> Outcome {
    let state = apart(program, |program| {
        let state = State::of(program);
        match &state {
            State::Running(process) => state::adopt(program, *process).map(|()| state),
            _ => Ok(state),
        }
    });
    match state.await {
        Ok(Ok(State::Running(process))) => {
            return Outcome::Succeeded { detail: format!("it was running already (pid {})", process.pid) };
        }
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Outcome::Failed { detail: unwritable(program, &error) },
        Err(detail) => return Outcome::Failed { detail },
    }
    let started = if program.daemonizes { background(program).await } else { foreground(program).await };
    match started {
        Ok(pid) => Outcome::Succeeded { detail: format!("started (pid {pid})") },
        Err(detail) => Outcome::Failed { detail },
    }
}

/// A program that stays what was started. Selfheal writes its pidfile.
async fn foreground(program: &Arc<Program>) -> Result<Pid, String> {
    let (mut child, words) = spawn(program).await?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::new).ok_or("it has no process id")?;
    // A zombie has ended, and its end is told below.
    let recorded = apart(program, move |program| match Process::running(pid) {
        Some(process) => pidfile::record(&program.pidfile, process),
        None => Ok(()),
    });
    if let Err(error) = recorded.await? {
        // A program that nobody could find again must not run on.
        let _ = child.kill().await;
        forget(program).await?;
        return Err(unwritable(program, &error));
    }
    if let Ok(status) = timeout(SETTLE, child.wait()).await {
        forget(program).await?;
        let status = status.map_err(|error| error.to_string())?;
        let hint =
            if status.success() { ". If it puts itself into the background, set `daemonizes: true`" } else { "" };
        return Err(words.ended(status, hint).await);
    }
    // Whoever starts a process has to wait for its end: otherwise it stays a zombie, which looks alive to others.
    tokio::spawn(async move { child.wait().await });
    Ok(pid)
}

/// A program that puts itself into the background and writes its own pidfile.
async fn background(program: &Arc<Program>) -> Result<Pid, String> {
    let before = apart(program, |program| running_in(&program.pidfile)).await?;
    let (mut child, words) = spawn(program).await?;
    match command::wait(&mut child, BACKGROUND_LIMIT).await.map_err(|error| error.to_string())? {
        Some(status) if status.success() => {}
        Some(status) => return Err(words.ended(status, "").await),
        None => return Err(format!("it did not go into the background within {}s", BACKGROUND_LIMIT.as_secs())),
    }
    let deadline = Instant::now() + PIDFILE_LIMIT;
    loop {
        let noted = apart(program, move |program| match running_in(&program.pidfile) {
            Some(process) if Some(process) != before => {
                Note::of(process).write(&program.pidfile).map(|()| Some(process.pid))
            }
            _ => Ok(None),
        });
        match noted.await?.map_err(|error| format!("its start cannot be noted: {error}"))? {
            Some(pid) => return Ok(pid),
            None if Instant::now() < deadline => sleep(POLL).await,
            None => {
                let path = program.pidfile.display();
                return Err(format!("it wrote no running process into {path}{}", words.read().await));
            }
        }
    }
}

fn running_in(path: &Path) -> Option<Process> {
    match pidfile::read(path) {
        Pidfile::Pid(pid) => Process::running(pid),
        _ => None,
    }
}

async fn forget(program: &Arc<Program>) -> Result<(), String> {
    apart(program, |program| pidfile::remove(&program.pidfile, !program.daemonizes)).await
}

fn unwritable(program: &Program, error: &io::Error) -> String {
    format!("{} cannot be written: {error}", program.pidfile.display())
}

/// Notes that a start begins, and begins it.
async fn spawn(program: &Arc<Program>) -> Result<(Child, LastWords), String> {
    let prepared = apart(program, |program| {
        let mut command = command::prepare(&program.start, program.directory())?;
        let words = LastWords::direct(&mut command, program.output.as_deref())?;
        let begun = Begun::now().map_err(|error| error.to_string())?;
        command.env(Begun::VARIABLE, begun.mark());
        Note::Starting(begun).write(&program.pidfile).map_err(|error| unwritable(program, &error))?;
        Ok::<_, String>((command, words))
    });
    let (mut command, words) = prepared.await??;
    match command.spawn() {
        Ok(child) => {
            tracing::debug!(pid = child.id(), "started, and not on record yet");
            Ok((child, words))
        }
        Err(error) => {
            forget(program).await?;
            Err(format!("{}: {error}", program.start[0]))
        }
    }
}

/// Where a program's output goes, and from where on it is that of this start.
struct LastWords(Option<(File, u64)>);

impl LastWords {
    fn direct(command: &mut Command, output: Option<&Path>) -> Result<Self, String> {
        let Some(path) = output else { return Ok(Self(None)) };
        let mut open = || {
            let file = files::append(path, OUTPUT_MODE)?;
            command.stdout(Stdio::from(file.try_clone()?)).stderr(Stdio::from(file));
            let file = files::open(path, Links::Refuse)?;
            let length = file.metadata()?.len();
            Ok::<_, io::Error>((file, length))
        };
        open()
            .map(|from| Self(Some(from)))
            .map_err(|error| format!("its output {} cannot be opened: {error}", path.display()))
    }

    async fn ended(self, status: ExitStatus, hint: &str) -> String {
        format!("it ended at once ({status}){hint}{}", self.read().await)
    }

    /// The end of what was printed, as the rest of a sentence.
    async fn read(self) -> String {
        let Some((mut file, from)) = self.0 else {
            return ". Its output is not kept; name a file in `output` to see it".to_owned();
        };
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            let begin = from.max(file.metadata()?.len().saturating_sub(TAIL));
            file.seek(SeekFrom::Start(begin))?;
            file.take(TAIL).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        });
        match read.await {
            Ok(Ok(bytes)) if !bytes.is_empty() => format!(": {}", String::from_utf8_lossy(&bytes).trim()),
            _ => ". It printed nothing".to_owned(),
        }
    }
}
