//! A home with one service that Selfheal heals when its log says so, for tests of what must keep it from doing that.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use selfheal_tests::wait::eventually;

use crate::support::{Place, Ran};

/// Long enough for the engine to do what it must not do.
const LOOK: Duration = Duration::from_secs(3);
const SOON: Duration = Duration::from_secs(30);

pub struct Patient {
    pub place: Place,
    /// What the service is made of: apart from the home, whose disk may fail.
    ward: tempfile::TempDir,
    database: Option<String>,
}

/// An engine in a process of its own, stopped when dropped.
pub struct Running {
    child: Child,
    pub url: String,
    pub token: String,
}

impl Patient {
    pub fn new(database: Option<String>) -> Self {
        let patient = Self { place: Place::empty(), ward: tempfile::tempdir().expect("a folder"), database };
        patient.ok(&["init"]);
        let (ward, started) = (patient.ward.path().display(), patient.started_file());
        let config = format!(
            "verification: {{ stabilisation_seconds: 1, timeout_seconds: 5, interval_seconds: 1 }}\n\
             services:\n\
             - name: pay\n  managed: true\n  target:\n    kind: process\n    pidfile: {ward}/pay.pid\n    \
             start: [/bin/sh, -c, \"echo started >> {}; exec sleep 600\"]\n\
             sources:\n- {{ name: pay-log, file: {{ path: {ward}/pay.log }}, service: pay }}\n",
            started.display()
        );
        std::fs::write(patient.place.config(), config).expect("written");
        std::fs::write(patient.log_file(), "").expect("written");
        patient.ok(&[
            "knowledge",
            "add",
            "Pool exhausted",
            "--rule",
            "pool exhausted",
            "--root-cause",
            "too few connections",
            "--action",
            "service.restart",
            "--auto-healable",
            "--confidence",
            "0.9",
            "--service",
            "pay",
        ]);
        patient.ok(&["resume"]);
        // Followed from its end on at the first sight: from here on.
        patient.serve().stop();
        patient
    }

    fn log_file(&self) -> PathBuf {
        self.ward.path().join("pay.log")
    }

    fn started_file(&self) -> PathBuf {
        self.ward.path().join("started")
    }

    pub fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    pub fn command(&self) -> Command {
        let mut command = self.place.command();
        if let Some(database) = &self.database {
            command.env("SELFHEAL_DATABASE", database);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command().args(arguments).output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    pub fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out
    }

    /// Starts `selfheal serve` and waits until it answers.
    pub fn serve(&self) -> Running {
        self.served(self.command().args(["serve", "--listen", "127.0.0.1:0"]))
    }

    /// The same with no more file descriptors than that.
    pub fn serve_within(&self, descriptors: u32) -> Running {
        let plain = self.command();
        let mut limited = Command::new("/bin/sh");
        limited.args(["-c", &format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"")]).arg(plain.get_program());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        self.served(limited.stdin(Stdio::null()).stdout(Stdio::piped()).args(["serve", "--listen", "127.0.0.1:0"]))
    }

    fn served(&self, command: &mut Command) -> Running {
        let mut child = command.stderr(Stdio::null()).spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("read");
        let url = line.trim().strip_prefix("Selfheal is at ").unwrap_or_else(|| panic!("no address: {line:?}"));
        assert!(!line.contains("token"), "a token is shown to a terminal alone: {line:?}");
        let token = std::fs::read_to_string(self.data().join("serve.token")).expect("kept").trim().to_owned();
        let running = Running { child, url: url.trim_end_matches('/').to_owned(), token };
        eventually(SOON, "the engine leads", || self.run(&["doctor"]).out.contains("healed by").then_some(()));
        // Each source is looked at once.
        std::thread::sleep(Duration::from_secs(1));
        running
    }

    /// Over HTTP, as another machine would.
    pub fn over_http(&self, engine: &Running, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.place.command();
        command.env("SELFHEAL_SERVER", &engine.url).env("SELFHEAL_TOKEN", &engine.token);
        let mut child = command.args(arguments).stdin(Stdio::piped()).spawn().expect("the binary runs");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The failure that is healed by itself, in the log that the engine follows.
    pub fn fails(&self) {
        let mut log = std::fs::OpenOptions::new().append(true).open(self.log_file()).expect("opens");
        writeln!(log, "ERROR pool exhausted").expect("written");
    }

    pub fn starts(&self) -> usize {
        std::fs::read_to_string(self.started_file()).map_or(0, |text| text.lines().count())
    }

    #[track_caller]
    pub fn is_not_touched(&self) {
        let deadline = std::time::Instant::now() + LOOK;
        while std::time::Instant::now() < deadline {
            assert_eq!(self.starts(), 0, "an action was started");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Healed once, and once only.
    #[track_caller]
    pub fn is_healed(&self) {
        eventually(SOON, "the service is started", || (self.starts() > 0).then_some(()));
        eventually(SOON, "the incident is resolved", || {
            let ran = self.run(&["incidents", "list", "--json", "--group", "recently-fixed"]);
            ran.out.contains("\"automatic_fix\"").then_some(())
        });
        assert_eq!(self.starts(), 1);
        let audit = self.run(&["audit", "verify", "--json"]);
        assert_eq!(audit.code, 0, "{audit:?}");
    }

    /// `doctor` says so, with exit code 3.
    #[track_caller]
    pub fn doctor_says(&self, word: &str) {
        eventually(SOON, word, || {
            let ran = self.run(&["doctor"]);
            (ran.code == 3 && ran.out.contains(word)).then_some(())
        });
    }

    /// Everything that was acknowledged is there.
    #[track_caller]
    pub fn holds(&self, acknowledged: &[String]) {
        let listed = self.ok(&["incidents", "list", "--json", "--limit", "500"]);
        let shown = self.everything(&listed);
        for text in acknowledged {
            assert!(shown.contains(text.as_str()), "`{text}` was acknowledged and is lost");
        }
    }

    fn everything(&self, listed: &str) -> String {
        let page: serde_json::Value = serde_json::from_str(listed).expect("JSON");
        let incidents = page["incidents"].as_array().expect("incidents");
        incidents
            .iter()
            .map(|incident| self.ok(&["incidents", "show", incident["id"].as_str().expect("an id"), "--json"]))
            .collect()
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.ward.path().join("pay.pid")) {
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
        }
    }
}

impl Running {
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn stop(mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
