//! A real SMTP server for tests, which really parses the mails it is given: `smtpd.py` says why this one.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const SCRIPT: &str = include_str!("smtpd.py");

/// How it is to be reached.
#[derive(Clone, Debug, Default)]
pub struct Smtp<'a> {
    /// `none`, `starttls` or `tls`.
    pub security: &'a str,
    /// PEM files; for `starttls` and `tls`.
    pub certificate: Option<(&'a Path, &'a Path)>,
    pub login: Option<(&'a str, &'a str)>,
}

/// A running server. Stopped when dropped.
#[derive(Debug)]
pub struct SmtpServer {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl SmtpServer {
    pub fn start(smtp: &Smtp<'_>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let options = json!({
            "security": smtp.security,
            "certificate": smtp.certificate.map(|(certificate, _)| certificate),
            "key": smtp.certificate.map(|(_, key)| key),
            "login": smtp.login.map(|(name, password)| [name, password]),
        });
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut child = Command::new(python())
            .args(["-c", SCRIPT])
            .arg(folder.path())
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("python3 starts");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut port).expect("readable");
        let log = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        let port = port.trim().parse();
        let port = port.unwrap_or_else(|_| panic!("no SMTP server: run `npm run setup -- --test`\n{}", log()));
        Self { child, folder, port }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The mails so far, as Python's parser reads them: `headers`, `text`, `defects`, `mail_from`, `rcpt_to`, `tls`,
    /// `login`.
    pub fn mails(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.file("mails")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// How often a mail was handed over, taken or not.
    pub fn tries(&self) -> usize {
        std::fs::read(self.file("tries")).map_or(0, |tries| tries.len())
    }

    /// What is answered to a mail: `451 ...`, `550 ...`; `None` to take it.
    pub fn refuse(&self, answer: Option<&str>) {
        match answer {
            Some(answer) => std::fs::write(self.file("refuse"), answer).expect("written"),
            None => drop(std::fs::remove_file(self.file("refuse"))),
        }
    }

    /// From now on a mail that was handed over is not answered.
    pub fn hang(&self) {
        std::fs::write(self.file("hang"), "").expect("written");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The distribution's, for which its packages are; another one may come first in the path.
fn python() -> &'static str {
    if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" }
}
