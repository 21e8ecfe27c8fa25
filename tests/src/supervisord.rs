//! A real supervisord in a directory of its own.

use std::fmt::Write;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::port::HeldPort;
use crate::wait::eventually;

const READY: Duration = Duration::from_secs(15);

/// A program of the server: never restarted by supervisord itself, so that whoever heals it is the one under test.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: String,
    pub command: String,
    pub autostart: bool,
}

impl Program {
    pub fn new(name: impl Into<String>, command: impl Into<String>) -> Self {
        Self { name: name.into(), command: command.into(), autostart: true }
    }

    /// Left stopped until it is started.
    pub fn stopped(name: impl Into<String>, command: impl Into<String>) -> Self {
        Self { autostart: false, ..Self::new(name, command) }
    }
}

/// Where the server listens beside its socket: on a port of loopback, with a login.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    pub username: &'a str,
    pub password: &'a str,
}

/// A running supervisord. Stopped with its programs when dropped.
#[derive(Debug)]
pub struct Supervisord {
    child: Child,
    directory: TempDir,
    port: Option<HeldPort>,
}

impl Supervisord {
    /// Starts supervisord and waits until it listens. Panics with what to do where it is not installed.
    pub fn start(programs: &[Program]) -> Self {
        Self::listen(programs, None)
    }

    /// The same, listening on TCP too and asking for a login there.
    pub fn start_with_login(programs: &[Program], login: Login<'_>) -> Self {
        Self::listen(programs, Some(login))
    }

    fn listen(programs: &[Program], login: Option<Login<'_>>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let configuration = directory.path().join("supervisord.conf");
        let port = login.map(|_| HeldPort::any());
        let mut text = write_configuration(directory.path(), programs);
        if let (Some(Login { username, password }), Some(port)) = (login, &port) {
            let login = format!("username={username}\npassword={password}\n");
            let _ = write!(text, "[inet_http_server]\nport=127.0.0.1:{}\n{login}", port.number());
        }
        fs::write(&configuration, text).expect("the configuration is written");
        let mut child = command()
            .arg("-n")
            .arg("-c")
            .arg(&configuration)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("supervisord starts (run `npm run setup` to install it)");
        let socket = directory.path().join("s.sock");
        eventually(READY, "supervisord listens (run `npm run setup` if it is not installed)", || {
            let ended = child.try_wait().expect("the child can be waited for");
            let log = || fs::read_to_string(directory.path().join("supervisord.log")).unwrap_or_default();
            assert!(ended.is_none(), "supervisord ended at once; run `npm run setup` to install it\n{}", log());
            UnixStream::connect(&socket).ok()
        });
        Self { child, directory, port }
    }

    /// The address as the inventory writes it: `unix:/…/s.sock`.
    pub fn server(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// The address over TCP, where it was started with a login: `http://127.0.0.1:PORT`.
    pub fn http_server(&self) -> Option<String> {
        self.port.as_ref().map(|port| format!("http://127.0.0.1:{}", port.number()))
    }

    /// The process id of a program that runs, as supervisord itself says.
    pub fn pid(&self, program: &str) -> Option<i32> {
        let output = Command::new("supervisorctl")
            .arg("-s")
            .arg(format!("unix://{}", self.socket().display()))
            .args(["pid", program])
            .output();
        String::from_utf8(output.ok()?.stdout).ok()?.trim().parse().ok().filter(|pid| *pid > 0)
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("s.sock")
    }

    /// Where the server runs; relative paths in a program's command start here.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Supervisord {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // Asked, so that it takes its programs with it.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        for _ in 0..500 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let installed = Path::new("/usr/bin/supervisord");
    let module = || Command::new("python3").args(["-c", "import supervisor.supervisord"]).output();
    if installed.exists() {
        Command::new(installed)
    } else if module().is_ok_and(|tried| tried.status.success()) {
        let mut command = Command::new("python3");
        command.args(["-m", "supervisor.supervisord"]);
        command
    } else {
        panic!("supervisord is not installed: run `npm run setup`")
    }
}

fn write_configuration(directory: &Path, programs: &[Program]) -> String {
    let directory = directory.display();
    let mut text = format!(
        "[unix_http_server]\nfile={directory}/s.sock\n\
         [supervisord]\nlogfile={directory}/supervisord.log\npidfile={directory}/supervisord.pid\n\
         childlogdir={directory}\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
    );
    for Program { name, command, autostart } in programs {
        let command = command.replace('%', "%%");
        let _ = write!(
            text,
            "[program:{name}]\ncommand={command}\nautostart={autostart}\nautorestart=false\nstartsecs=1\n\
             startretries=0\nstopwaitsecs=2\n"
        );
    }
    text
}
