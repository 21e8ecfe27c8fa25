//! Mail, against a real SMTP server that parses it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use selfheal_engine::ports::{Notifier, Retry};
use selfheal_tests::port::HeldPort;
use selfheal_tests::smtp::{Smtp, SmtpServer};

use super::{Bench, holds, notice, open};

const PASSWORD: &str = "p4ssword-of-mail";

/// A certificate for `localhost` that vouches for itself, and its key, as files.
struct Certificate {
    _folder: tempfile::TempDir,
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificate {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        // Without rcgen's own PEM, which is a feature of it.
        for (file, label, bytes) in [
            (&certificate, "CERTIFICATE", made.cert.der().to_vec()),
            (&key, "PRIVATE KEY", made.signing_key.serialize_der()),
        ] {
            std::fs::write(file, pem(label, &bytes)).expect("written");
        }
        Self { _folder: folder, certificate, key }
    }
}

fn pem(label: &str, bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, at| word << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn entry(port: u16, more: &str) -> String {
    format!("email: {{ host: localhost, port: {port}, from: \"Selfheal <selfheal@example.org>\", {more} }}")
}

struct MailBench {
    server: SmtpServer,
    certificate: Certificate,
    notifier: Arc<dyn Notifier>,
    /// Nobody listens there.
    nobody: HeldPort,
}

fn login(certificate: &Certificate, port: u16) -> Arc<dyn Notifier> {
    let ca = certificate.certificate.display();
    let more = format!(
        "security: starttls, ca_file: \"{ca}\", username: ops, password_env: PW, to: [\"Ada <ada@example.org>\"]"
    );
    open(&entry(port, &more), &[("PW", PASSWORD)]).expect("opened")
}

#[async_trait]
impl Bench for MailBench {
    fn notifier(&self) -> &dyn Notifier {
        &*self.notifier
    }
    fn works(&self) {
        self.server.refuse(None);
    }
    fn refuses_for_now(&self) {
        self.server.refuse(Some(&format!("451 4.7.1 not yet, {PASSWORD}")));
    }
    fn refuses_for_good(&self) {
        self.server.refuse(Some(&format!("554 5.7.1 never, {PASSWORD}")));
    }
    fn hangs(&self) {
        self.server.hang();
    }
    fn asked(&self) -> usize {
        self.server.tries()
    }
    fn heard(&self) -> Vec<String> {
        let title = |mail: &serde_json::Value| {
            let subject = mail["headers"]["Subject"].as_str().expect("a subject").to_owned();
            subject.trim_start_matches("[high] ").trim_end_matches(" (incident 7)").to_owned()
        };
        self.server.mails().iter().map(title).collect()
    }
    fn secrets(&self) -> Vec<String> {
        vec![PASSWORD.to_owned()]
    }
    fn nobody(&self) -> Arc<dyn Notifier> {
        login(&self.certificate, self.nobody.number())
    }
}

#[tokio::test]
async fn mail_keeps_the_promises() {
    let certificate = Certificate::make();
    let server = SmtpServer::start(&Smtp {
        security: "starttls",
        certificate: Some((&certificate.certificate, &certificate.key)),
        login: Some(("ops", PASSWORD)),
    });
    let notifier = login(&certificate, server.port());
    holds(&MailBench { server, certificate, notifier, nobody: HeldPort::any() }).await;
}

#[tokio::test]
async fn a_mail_says_it_all_and_threads_by_incident() {
    let server = SmtpServer::start(&Smtp { security: "none", ..Smtp::default() });
    let more = "security: none, to: [ada@example.org, \"Bob <bob@example.org>\"]";
    let notifier = open(&entry(server.port(), more), &[]).expect("opened");
    let forged = "web needs you\r\nBcc: eve@example.org – naïve";
    let answer = notifier.notify(&notice(forged, "Zeile eins – ü\n.\nFrom here\nlast")).await.expect("told");
    assert_eq!(answer, "250 2.0.0 OK: queued as 42");
    notifier.notify(&notice("another", "b")).await.expect("told");
    let [mail, other] = &server.mails()[..] else { panic!("{:?}", server.mails()) };
    let header = |mail: &serde_json::Value, name: &str| mail["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(mail["defects"], serde_json::json!([]));
    assert_eq!(header(mail, "Subject"), "[high] web needs you  Bcc: eve@example.org – naïve (incident 7)");
    assert_eq!((header(mail, "Bcc"), header(mail, "Auto-Submitted")), (String::new(), "auto-generated".to_owned()));
    assert_eq!(header(mail, "From"), "Selfheal <selfheal@example.org>");
    assert_eq!(header(mail, "To"), "ada@example.org, Bob <bob@example.org>");
    assert_eq!(mail["rcpt_to"], serde_json::json!(["ada@example.org", "bob@example.org"]));
    assert_eq!(mail["mail_from"], "selfheal@example.org");
    let id = &notice(forged, "").id;
    assert_eq!(header(mail, "Message-ID"), format!("<{id}@example.org>"));
    assert_eq!(header(mail, "References"), "<incident-7-1772000000000000@example.org>");
    assert_eq!(header(mail, "References"), header(other, "References"), "one thread");
    assert_eq!(header(mail, "In-Reply-To"), header(mail, "References"));
    assert_ne!(header(mail, "Message-ID"), header(other, "Message-ID"));
    assert!(!header(mail, "Date").is_empty());
    let text = mail["text"].as_str().expect("a text").replace("\r\n", "\n");
    assert!(text.contains("Zeile eins – ü\n.\nFrom here\nlast\n"), "{text}");
    assert!(
        text.contains("Service: web\nIncident: 7 (escalated)") && text.contains("At: 2026-02-28T14:02:00Z"),
        "{text}"
    );
}

#[tokio::test]
async fn each_kind_of_protection_is_used_or_nothing_is_sent() {
    let certificate = Certificate::make();
    let files = Some((certificate.certificate.as_path(), certificate.key.as_path()));
    let ca = format!("ca_file: \"{}\", ", certificate.certificate.display());
    for (server, client, trusted, works) in [
        ("tls", "tls", true, true),
        ("starttls", "starttls", true, true),
        ("none", "none", true, true),
        // A certificate that nobody vouches for.
        ("tls", "tls", false, false),
        ("starttls", "starttls", false, false),
        // A server, or somebody in between, that leaves STARTTLS out.
        ("none", "starttls", true, false),
        ("none", "tls", true, false),
        ("starttls", "none", true, false),
    ] {
        let running = SmtpServer::start(&Smtp { security: server, certificate: files, login: None });
        let ca = if trusted && client != "none" { ca.as_str() } else { "" };
        let more = format!("security: {client}, {ca}to: [ada@example.org]");
        let result = open(&entry(running.port(), &more), &[]).expect("opened").notify(&notice("a", "b")).await;
        assert_eq!(result.is_ok(), works, "{server} {client} {trusted}: {result:?}");
        let mails = running.mails();
        assert_eq!(mails.len(), usize::from(works), "{server} {client} {trusted}");
        if works {
            assert_eq!(mails[0]["tls"], client != "none", "{server} {client}");
        }
    }
}

#[tokio::test]
async fn a_login_that_is_refused_is_final_and_names_the_answer() {
    let certificate = Certificate::make();
    let server = SmtpServer::start(&Smtp {
        security: "tls",
        certificate: Some((&certificate.certificate, &certificate.key)),
        login: Some(("ops", "another")),
    });
    let ca = certificate.certificate.display();
    let more = format!("security: tls, ca_file: \"{ca}\", username: ops, password_env: PW, to: [ada@example.org]");
    let notifier = open(&entry(server.port(), &more), &[("PW", PASSWORD)]).expect("opened");
    let error = notifier.notify(&notice("a", "b")).await.expect_err("refused");
    assert_eq!(error.retry, Retry::Never, "{error}");
    assert!(error.why.contains("535") && !error.to_string().contains(PASSWORD), "{error}");
}

/// Some repeat what they did not like, and what they were sent is the password in another coding.
#[tokio::test]
async fn a_server_that_repeats_the_login_gives_nothing_away() {
    let certificate = Certificate::make();
    let server = SmtpServer::start(&Smtp {
        security: "starttls",
        certificate: Some((&certificate.certificate, &certificate.key)),
        login: Some(("ops", PASSWORD)),
    });
    let notifier = login(&certificate, server.port());
    // What `AUTH PLAIN` and `AUTH LOGIN` send, and the same in other codings.
    let hexadecimal: String = PASSWORD.bytes().map(|byte| format!("{byte:02X}")).collect();
    let percent: String = PASSWORD.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for repeated in ["AG9wcwBwNHNzd29yZC1vZi1tYWls", "cDRzc3dvcmQtb2YtbWFpbA==", hexadecimal.as_str(), percent.as_str()]
    {
        for answer in [format!("554 5.7.1 this is not for me: {repeated}"), format!("451 4.7.1 {repeated} later")] {
            server.refuse(Some(&answer));
            let error = notifier.notify(&notice("a", "b")).await.expect_err("refused").to_string();
            assert!(error.contains("[secret]") && !error.contains(&repeated[..8]), "{repeated}: {error}");
        }
        server.refuse(None);
    }
}

#[tokio::test]
async fn one_recipient_who_is_gone_does_not_silence_the_others() {
    let server = SmtpServer::start(&Smtp { security: "none", ..Smtp::default() });
    let more = |to: &str| format!("security: none, to: [{to}]");
    let open = |to: &str| open(&entry(server.port(), &more(to)), &[]).expect("opened");
    let answer = open("ada@example.org, gone@example.org, bob@example.org").notify(&notice("a", "b")).await;
    let answer = answer.expect("told");
    assert!(answer.starts_with("250") && answer.contains("gone@example.org: ") && answer.contains("550"), "{answer}");
    let told: Vec<_> = server.mails().iter().map(|mail| mail["rcpt_to"].clone()).collect();
    assert_eq!(told, [serde_json::json!(["ada@example.org"]), serde_json::json!(["bob@example.org"])]);
    let error = open("gone@example.org, gone2@example.org").notify(&notice("a", "b")).await.expect_err("nobody");
    assert_eq!(error.retry, Retry::Never, "{error}");
}
