//! Mail through an SMTP server: plain text in UTF-8, in one thread per incident.
//!
//! The `Message-ID` is made of the notice's id, so that a notice sent twice is one mail to whoever compares; all mails of
//! an incident refer to one root (RFC 5322, 3.6.4). `Auto-Submitted` (RFC 3834) keeps absence replies away.

use std::time::Duration;

use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use selfheal_core::config::{EmailNotifier, SmtpSecurity};
use selfheal_core::{About, Notice};
use selfheal_engine::ports::{Notifier, NotifyError, Retry};

use crate::Secret;
use crate::files::{self, Links};
use crate::hide::Hidden;

/// How long the connection and one mail may take. Servers that keep spammers waiting take some seconds.
const CONNECT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of a file with certificates: those of a whole system have about 250,000.
const PEM_BYTES: u64 = 4 << 20;

type SmtpError = lettre::transport::smtp::Error;

pub struct Email {
    name: String,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    hidden: Hidden,
}

impl Email {
    pub fn new(name: &str, spec: &EmailNotifier, password: Option<Secret>) -> Result<Self, NotifyError> {
        // As for HTTP: an error means that one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = match spec.security {
            SmtpSecurity::Tls => Tls::Wrapper(parameters(spec)?),
            SmtpSecurity::Starttls => Tls::Required(parameters(spec)?),
            SmtpSecurity::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&spec.host)
            .port(spec.port())
            .tls(tls)
            .timeout(Some(CONNECT));
        let mut hidden = Hidden::default();
        if let (Some(username), Some(password)) = (&spec.username, &password) {
            hidden = hidden.secret(password.expose());
            transport = transport.credentials(Credentials::new(username.clone(), password.expose().to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            transport: transport.build(),
            from: mailbox(&spec.from)?,
            to: spec.to.iter().map(|address| mailbox(address)).collect::<Result<_, _>>()?,
            hidden,
        })
    }

    async fn send(&self, to: &[&Mailbox], mail: &[u8]) -> Result<String, NotifyError> {
        let envelope = Envelope::new(Some(self.from.email.clone()), to.iter().map(|to| to.email.clone()).collect());
        let envelope = envelope.map_err(|error| unusable(format!("the mail has no recipient: {error}")))?;
        // The transport's own limit holds for the connection only.
        let sent = tokio::time::timeout(TIMEOUT, self.transport.send_raw(&envelope, mail)).await;
        let answer = sent.map_err(|_| slow())?.map_err(|error| self.refused(&error))?;
        let said: Vec<&str> = answer.message().collect();
        Ok(self.hidden.apply(&format!("{} {}", answer.code(), said.join(" "))))
    }

    fn refused(&self, error: &SmtpError) -> NotifyError {
        let (retry, next) = if error.is_permanent() {
            (Retry::Never, "The mail server will not take it: check the login, the sender and the recipients")
        } else if error.is_client() {
            (Retry::Never, "The mail server cannot do what `security` and `username` ask for: check them and the port")
        } else if error.is_transient() {
            (Retry::Later, "The mail server asks to be tried again")
        } else {
            (Retry::Later, "Check host, port, `security` and that the mail server is reachable from here")
        };
        NotifyError { why: self.hidden.apply(&words(error)), next: next.into(), retry }
    }
}

#[async_trait]
impl Notifier for Email {
    fn name(&self) -> &str {
        &self.name
    }

    /// One mail to all. Where the server refuses it for good, each recipient is tried alone: one that has left the company
    /// must not keep the others from being told.
    async fn notify(&self, notice: &Notice) -> Result<String, NotifyError> {
        let mail =
            mail(notice, &self.from, &self.to).map_err(|error| unusable(format!("no mail can be made: {error}")))?;
        let bytes = mail.formatted();
        let all: Vec<&Mailbox> = self.to.iter().collect();
        let refusal = match self.send(&all, &bytes).await {
            Err(error) if error.retry == Retry::Never && all.len() > 1 => error,
            result => return result,
        };
        let (mut answers, mut refused) = (Vec::new(), Vec::new());
        for to in all {
            match self.send(&[to], &bytes).await {
                Ok(answer) => answers.push(answer),
                Err(error) => refused.push(format!("{}: {}", to.email, error.why)),
            }
        }
        match answers.pop() {
            Some(answer) => {
                tracing::warn!(notifier = self.name, ?refused, "not every recipient was told");
                Ok(format!("{answer}; refused for {}", refused.join("; ")))
            }
            None => Err(refusal),
        }
    }
}

fn mail(notice: &Notice, from: &Mailbox, to: &[Mailbox]) -> Result<Message, lettre::error::Error> {
    let domain = from.email.domain();
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(subject(notice))
        .message_id(Some(format!("<{}@{domain}>", notice.id)))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
        .header(ContentType::TEXT_PLAIN);
    for to in to {
        builder = builder.to(to.clone());
    }
    if let About::Incident { incident, opened_at, .. } = &notice.about {
        let root = format!("<incident-{incident}-{}@{domain}>", opened_at.as_micros());
        builder = builder.in_reply_to(root.clone()).references(root);
    }
    builder.body(text(notice))
}

/// One line, whatever a log line brought into the title.
fn subject(notice: &Notice) -> String {
    let title: String = notice.title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let number = notice.incident().map_or_else(String::new, |incident| format!(" (incident {incident})"));
    format!("[{}] {title}{number}", notice.severity.as_str())
}

fn text(notice: &Notice) -> String {
    let mut text = format!("{}\n\n{}\n\nSeverity: {}\n", notice.title, notice.body, notice.severity.as_str());
    if let About::Incident { incident, service, state, .. } = &notice.about {
        let service = selfheal_core::visible_line(service.as_str());
        text.push_str(&format!("Service: {service}\nIncident: {incident} ({})\n", state.replace('_', " ")));
        text.push_str(&format!("\nselfheal incidents show {incident}\n"));
    }
    text.push_str(&format!("At: {}\n", notice.at));
    text
}

fn parameters(spec: &EmailNotifier) -> Result<TlsParameters, NotifyError> {
    let mut parameters = TlsParameters::builder(spec.host.clone());
    if let Some(file) = &spec.ca_file {
        let problem = |why: String| unusable(format!("the certificate in {} cannot be used: {why}", file.display()));
        let pem = files::read(file, Links::Follow, PEM_BYTES).map_err(|error| problem(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| problem(words(&error)))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build_rustls().map_err(|error| unusable(format!("TLS cannot be set up: {}", words(&error))))
}

fn mailbox(text: &str) -> Result<Mailbox, NotifyError> {
    text.parse().map_err(|error| unusable(format!("`{text}` is no mail address: {error}")))
}

/// What only another configuration can mend: it waits for that.
fn unusable(why: String) -> NotifyError {
    NotifyError { why, next: "Correct the notifier in the configuration".into(), retry: Retry::Later }
}

fn slow() -> NotifyError {
    NotifyError {
        why: format!("the mail server did not answer within {TIMEOUT:?}"),
        next: "Check host, port and `security`: a server that speaks TLS says nothing to who does not".into(),
        retry: Retry::Later,
    }
}

/// The error and its causes, without one that repeats another.
fn words(error: &dyn std::error::Error) -> String {
    let (mut text, mut current) = (error.to_string(), error.source());
    while let Some(cause) = current {
        if !text.contains(&cause.to_string()) {
            text.push_str(&format!(": {cause}"));
        }
        current = cause.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
