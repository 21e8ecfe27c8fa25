//! A real PostgreSQL for tests: started once per test process on a port of its own, in a temporary folder, gone afterwards.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use crate::port::HeldPort;
use crate::wait::eventually;

pub struct Postgres {
    port: HeldPort,
    bin: PathBuf,
    databases: Mutex<u32>,
    folder: PathBuf,
    server: Mutex<Child>,
    /// The process that stops the server when this one is gone.
    _watcher: Child,
}

static SERVER: OnceLock<Postgres> = OnceLock::new();

impl Postgres {
    /// The server of this test process. It stops with the process.
    pub fn server() -> &'static Self {
        SERVER.get_or_init(Self::start)
    }

    /// A server of one test's own, which may stop it and start it again.
    pub fn own() -> Self {
        Self::start()
    }

    fn start() -> Self {
        let bin = find_bin();
        let folder = tempfile::Builder::new().prefix("selfheal-pg-").tempdir().expect("a temporary folder").keep();
        let port = HeldPort::any();
        let data = folder.join("data");
        give_to_postgres(&folder);
        let mut initdb = as_postgres(&bin.join("initdb"));
        initdb.args(["--no-sync", "--auth=trust", "--username=selfheal", "--encoding=UTF8", "--pgdata"]).arg(&data);
        run(initdb, "initdb");
        let child = launch(&bin, &folder, port.number());
        let watcher = watch(&folder);
        let this = Self { port, bin, databases: Mutex::new(0), folder, server: Mutex::new(child), _watcher: watcher };
        this.answers();
        this
    }

    fn answers(&self) {
        eventually(Duration::from_secs(20), "PostgreSQL answers", || {
            Command::new(self.bin.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.number().to_string()])
                .status()
                .is_ok_and(|status| status.success())
                .then_some(())
        });
    }

    /// Stops the server: connections are cut off.
    pub fn stop(&self) {
        let mut server = self.server.lock().expect("no test panicked here");
        let pid = nix::unistd::Pid::from_raw(server.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("sent");
        server.wait().expect("it ends");
    }

    /// Starts it again, with what it held.
    pub fn start_again(&self) {
        *self.server.lock().expect("no test panicked here") = launch(&self.bin, &self.folder, self.port.number());
        self.answers();
    }

    /// A new empty database; its address.
    pub fn database(&self) -> String {
        let name = {
            let mut count = self.databases.lock().expect("no test panicked here");
            *count += 1;
            format!("test_{count}")
        };
        let mut createdb = Command::new(self.bin.join("createdb"));
        createdb.args(["-h", "127.0.0.1", "-p", &self.port.number().to_string(), "-U", "selfheal", &name]);
        run(createdb, "createdb");
        format!("postgres://selfheal@127.0.0.1:{}/{name}", self.port.number())
    }

    /// Where the server's log is.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

fn launch(bin: &Path, folder: &Path, port: u16) -> Child {
    let mut server = as_postgres(&bin.join("postgres"));
    server
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-p", &port.to_string(), "-k"])
        .arg(folder)
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.join("log")).expect("a log"));
    server.spawn().expect("postgres starts")
}

/// Stops the server when this process is gone, however it ends: a process of its own waits for that.
fn watch(folder: &Path) -> Child {
    let script = r#"while [ -d "/proc/$1" ]; do sleep 0.5; done
        kill -INT "$(head -n 1 "$2/data/postmaster.pid")" 2>/dev/null; sleep 1; rm -rf "$2""#;
    Command::new("sh")
        .args(["-c", script, "watch", &std::process::id().to_string()])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the watcher starts")
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    if !nix::unistd::getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

fn give_to_postgres(folder: &Path) {
    if nix::unistd::getuid().is_root() {
        let user = nix::unistd::User::from_name("postgres").ok().flatten().expect("the user postgres exists");
        nix::unistd::chown(folder, Some(user.uid), Some(user.gid)).expect("chown");
    }
}

fn find_bin() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("postgres").exists() && bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().expect("PostgreSQL is not installed: run `npm run setup -- --test`")
}

fn run(mut command: Command, what: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
}
