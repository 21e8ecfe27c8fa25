//! Commands with nothing of the engine's in them: no shell, no input, a clean environment, a process group of their own.

use std::env;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::argv;

/// The engine's environment may hold secrets. These names hold none, and programs are lost without them.
const ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "LANG", "USER", "TZ"];

/// Bytes of a command's output that are kept.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// How long output is waited for after a command ended: a process it left behind may hold its pipes open for good.
const OUTPUT_GRACE: Duration = Duration::from_millis(200);

/// Prepares a command. Its output goes nowhere until the caller says where.
pub fn prepare(words: &[String], working_directory: Option<&Path>) -> Result<Command, String> {
    let (name, arguments) = words.split_first().ok_or("the command is empty")?;
    let program = argv::find(name, working_directory).map_err(|why| format!("{name}: {why}"))?;
    #[expect(clippy::disallowed_methods, reason = "the one place that starts programs: clean environment, no shell")]
    let mut command = Command::new(program);
    command
        .arg0(name)
        .args(arguments)
        .env_clear()
        .envs(ENVIRONMENT.iter().filter_map(|name| Some((name, env::var_os(name)?))))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(directory) = working_directory {
        command.current_dir(directory);
    }
    Ok(command)
}

/// Runs a person's own program (an editor) on their terminal, with their environment, and waits for its end. No shell reads
/// the words.
pub async fn run_foreground(words: &[String]) -> Result<ExitStatus, String> {
    let (name, arguments) = words.split_first().ok_or("the command is empty")?;
    let program = argv::find(name, None).map_err(|why| format!("{name}: {why}"))?;
    #[expect(clippy::disallowed_methods, reason = "the one place that starts programs: no shell")]
    let mut command = Command::new(program);
    command.arg0(name).args(arguments).status().await.map_err(|error| format!("{name}: {error}"))
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` when it took too long and was killed.
    pub status: Option<ExitStatus>,
    /// What it printed, at most 64 KiB.
    pub output: String,
}

/// Runs a command to its end. After `limit` its whole process group is killed.
pub async fn run(mut command: Command, limit: Duration) -> Result<Ended, String> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let output = Arc::new(Mutex::new(Vec::new()));
    let readers = [
        child.stdout.take().map(|pipe| tokio::spawn(keep(pipe, Arc::clone(&output)))),
        child.stderr.take().map(|pipe| tokio::spawn(keep(pipe, Arc::clone(&output)))),
    ];
    let status = wait(&mut child, limit).await.map_err(|error| error.to_string())?;
    for mut reader in readers.into_iter().flatten() {
        if timeout(OUTPUT_GRACE, &mut reader).await.is_err() {
            reader.abort();
        }
    }
    let output = output.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Ended { status, output: String::from_utf8_lossy(&output).into_owned() })
}

/// Waits for a child's end; after `limit` kills its process group and returns `None`.
pub async fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    // Once it was waited for its id may be another process's, so the id is taken before.
    let group = child.id();
    if let Ok(status) = timeout(limit, child.wait()).await {
        return status.map(Some);
    }
    if let Some(group) = group.and_then(|id| i32::try_from(id).ok()) {
        let _ = killpg(nix::unistd::Pid::from_raw(group), Signal::SIGKILL);
    }
    child.wait().await?;
    Ok(None)
}

/// Reads a pipe to its end, so that its writer never waits, and keeps the first of it.
async fn keep(mut pipe: impl AsyncRead + Unpin, output: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = vec![0; 8 * 1024];
    while let Ok(length @ 1..) = pipe.read(&mut chunk).await {
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        let room = OUTPUT_LIMIT.saturating_sub(output.len());
        output.extend_from_slice(&chunk[..length.min(room)]);
    }
}

/// The last bytes of an output, for an outcome: at most `limit`, from a character on.
pub fn tail(output: &str, limit: usize) -> &str {
    let text = output.trim();
    &text[text.ceil_char_boundary(text.len().saturating_sub(limit))..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    async fn shell(script: &str, limit: Duration) -> Ended {
        let words = ["/bin/sh", "-c", script].map(str::to_owned);
        run(prepare(&words, None).expect("a shell is there"), limit).await.expect("it runs")
    }

    #[tokio::test]
    async fn tells_status_and_output() {
        let ended = shell("echo out; echo err >&2; exit 3", Duration::from_secs(5)).await;
        assert_eq!(ended.status.and_then(|status| status.code()), Some(3));
        assert!(ended.output.contains("out") && ended.output.contains("err"), "{}", ended.output);
    }

    #[tokio::test]
    async fn the_environment_is_clean() {
        let ended = shell("env", Duration::from_secs(5)).await;
        for line in ended.output.lines() {
            let name = line.split('=').next().unwrap_or_default();
            // The shell adds the last three itself.
            assert!(ENVIRONMENT.contains(&name) || ["PWD", "SHLVL", "_"].contains(&name), "{line}");
        }
    }

    #[tokio::test]
    async fn output_is_capped_and_never_blocks() {
        let ended = shell("head -c 1000000 /dev/zero | tr '\\0' x", Duration::from_secs(5)).await;
        assert_eq!(ended.output.len(), OUTPUT_LIMIT);
        assert!(ended.status.is_some_and(|status| status.success()));
    }

    #[tokio::test]
    async fn the_whole_group_is_killed_at_the_limit() {
        let started = Instant::now();
        let ended = shell("sleep 61.5 & echo $!; wait", Duration::from_millis(300)).await;
        assert!(ended.status.is_none() && started.elapsed() < Duration::from_secs(3));
        let child = ended.output.trim().parse().ok().and_then(super::super::table::Pid::new).expect("a process id");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(super::super::table::Process::running(child).is_none(), "the child went with its group");
    }

    #[test]
    fn a_tail_begins_with_a_character() {
        assert_eq!(tail("  abcdef\n", 3), "def");
        assert_eq!(tail("aé", 1), "");
        assert_eq!(tail("short", 100), "short");
    }
}
