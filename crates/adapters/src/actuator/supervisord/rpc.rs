//! XML-RPC to supervisord, over its Unix socket or TCP.
//!
//! Invariant: an error tells whether the call may have been carried out. Only what failed before a connection stood, and
//! what the server itself answered, surely was not.

use std::fmt;
use std::time::Duration;

use dxr::{FaultResponse, MethodCall, MethodResponse, Value};
use reqwest::{Client, StatusCode, Url};

use crate::hide::Hidden;
use crate::secret::Secret;
use crate::{hostname, tls};

/// How long a question may take.
pub const ASK_LIMIT: Duration = Duration::from_secs(5);
/// How long a start or stop may take: supervisord waits for `startsecs` and `stopwaitsecs` (10 seconds by default).
pub const ACT_LIMIT: Duration = Duration::from_secs(60);
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Bytes of a response.
const RESPONSE_LIMIT: usize = 1024 * 1024;

/// Why a call did not give a value.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection: nothing was sent.
    #[error("{0}")]
    Refused(String),
    /// Sent, but not answered.
    #[error("the connection was lost before the answer: {0}")]
    Lost(String),
    #[error("the login was refused")]
    Denied,
    #[error("{text} (fault {code})")]
    Fault { code: i32, text: String },
    /// An answer that is none of XML-RPC.
    #[error("the answer cannot be understood: {0}")]
    Strange(String),
}

impl CallError {
    /// Whether the call may have been carried out although it gave an error.
    pub const fn may_have_run(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Strange(_))
    }
}

/// A supervisord and how to log in there.
#[derive(Debug)]
pub struct Server {
    /// As the inventory writes it.
    name: String,
    client: Client,
    url: Url,
    login: Option<(String, Option<Secret>)>,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Server {
    pub fn new(name: &str, username: Option<&str>, password_env: Option<&str>) -> Result<Self, String> {
        let (url, socket) = address(name)?;
        let password = password_env.map(Secret::from_env).transpose().map_err(|missing| missing.to_string())?;
        let client = tls::build(|client| {
            let client = client.connect_timeout(CONNECT_LIMIT);
            #[cfg(unix)]
            let client = match &socket {
                Some(path) => client.unix_socket(path.as_str()),
                None => client,
            };
            #[cfg(not(unix))]
            let _ = &socket;
            client
        })
        .map_err(|error| format!("no client for {name}: {error}"))?;
        let login = username.map(|username| (username.to_owned(), password));
        Ok(Self { name: name.to_owned(), client, url, login })
    }

    /// The host that it runs on.
    pub fn host(&self) -> String {
        match self.url.host_str() {
            Some(host) if self.name.starts_with("http") => host.to_owned(),
            _ => hostname(),
        }
    }

    pub async fn call(&self, method: &str, parameters: Vec<Value>, limit: Duration) -> Result<Value, CallError> {
        let call = MethodCall { name: method.into(), params: parameters };
        let body = call.to_xml().map_err(|error| CallError::Refused(error.to_string()))?;
        let mut request =
            self.client.post(self.url.clone()).header("content-type", "text/xml").timeout(limit).body(body);
        if let Some((username, password)) = &self.login {
            request = request.basic_auth(username, password.as_ref().map(Secret::expose));
        }
        let mut response = request.send().await.map_err(|error| self.failed(&error, limit))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(CallError::Denied),
            status => return Err(CallError::Strange(format!("HTTP {}", status.as_u16()))),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error, limit))? {
            if body.len() + chunk.len() > RESPONSE_LIMIT {
                return Err(CallError::Strange("it is longer than 1 MiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        read(&String::from_utf8_lossy(&body)).map_err(|error| match error {
            CallError::Fault { code, text } => CallError::Fault { code, text: self.hidden().apply(&text) },
            other => other,
        })
    }

    /// What must not be shown of what supervisord and its programs say.
    pub fn hidden(&self) -> Hidden {
        let password = self.login.as_ref().and_then(|(_, password)| password.as_ref());
        password.map_or_else(Hidden::default, |password| Hidden::default().secret(password.expose()))
    }

    fn failed(&self, error: &reqwest::Error, limit: Duration) -> CallError {
        let why = match deepest(error) {
            _ if error.is_timeout() && !error.is_connect() => format!("no answer within {}s", limit.as_secs()),
            why if error.is_timeout() => format!("no connection within {}s ({why})", CONNECT_LIMIT.as_secs()),
            why => why,
        };
        if error.is_connect() || error.is_builder() { CallError::Refused(why) } else { CallError::Lost(why) }
    }
}

/// Reads a response: its value, or the fault.
pub fn read(xml: &str) -> Result<Value, CallError> {
    if let Ok(response) = MethodResponse::from_xml(xml) {
        return Ok(response.value);
    }
    // What the parser says repeats the whole response, so its kind has to do.
    let fault = FaultResponse::from_xml(xml).map_err(|_| CallError::Strange("it is no XML-RPC".to_owned()))?.fault;
    Err(CallError::Fault { code: fault.code(), text: fault.string().to_owned() })
}

/// The URL to post to, and the socket to reach it by.
fn address(name: &str) -> Result<(Url, Option<String>), String> {
    let wrong = || format!("`{name}` is no address of supervisord. Write `unix:/path/to.sock` or `http://host:port`");
    if let Some(path) = name.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        let url = "http://localhost/RPC2".parse().map_err(|_| wrong())?;
        return if path.starts_with('/') && cfg!(unix) { Ok((url, Some(path.to_owned()))) } else { Err(wrong()) };
    }
    let base = name.trim_end_matches('/').trim_end_matches("/RPC2");
    let url: Url = format!("{base}/RPC2").parse().map_err(|_| wrong())?;
    if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() && url.username().is_empty() {
        Ok((url, None))
    } else {
        Err(wrong())
    }
}

/// The innermost cause, which is the one that says something.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses() {
        for (name, expected) in [
            ("unix:/run/s.sock", Some(("http://localhost/RPC2", Some("/run/s.sock")))),
            ("unix:///run/s.sock", Some(("http://localhost/RPC2", Some("/run/s.sock")))),
            ("http://10.0.0.1:9001", Some(("http://10.0.0.1:9001/RPC2", None))),
            ("http://10.0.0.1:9001/RPC2/", Some(("http://10.0.0.1:9001/RPC2", None))),
            ("unix:run/s.sock", None),
            ("ftp://host", None),
            // A password in the inventory would end up in plans and the audit trail.
            ("http://user:password@host:9001", None),
            ("/run/s.sock", None),
            ("", None),
        ] {
            let found = address(name).ok();
            let found = found.as_ref().map(|(url, socket)| (url.as_str(), socket.as_deref()));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn reads_values_faults_and_nonsense() {
        let value = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><boolean>1</boolean></value>\n\
                     </param>\n</params>\n</methodResponse>\n";
        let fault = "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n\
                     <value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n\
                     <value><string>BAD_NAME: web</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n";
        assert!(matches!(read(value), Ok(Value::Boolean(true))));
        assert!(matches!(read(fault), Err(CallError::Fault { code: 10, .. })));
        for nonsense in ["", "<html></html>", "not xml <"] {
            assert!(matches!(read(nonsense), Err(CallError::Strange(_))), "{nonsense}");
        }
    }

    #[test]
    fn a_login_is_not_printed() {
        let mut server = Server::new("http://127.0.0.1:9", Some("admin"), None).expect("an address");
        server.login = Some(("admin".to_owned(), Some(Secret::new("hunter2"))));
        assert!(!format!("{server:?}").contains("hunter2"));
        let missing = Server::new("http://127.0.0.1:9", Some("admin"), Some("SELFHEAL_TEST_NO_SUCH_VARIABLE"));
        assert!(missing.expect_err("it is not set").contains("SELFHEAL_TEST_NO_SUCH_VARIABLE"));
    }
}
