//! How long a client waits for an engine in another process.
//!
//! Invariant: no wait is without an end. Slow work may take its time as long as the engine answers a question beside it; an
//! engine that takes a request and does nothing (suspended, hung, behind a disk that does not come back) is given up after
//! [`Patience::answer`] and [`Patience::sign_of_life`] together.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::{Client, ClientError};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// How long an answer, or its next piece, is waited for before the engine is asked whether it is there at all.
    pub answer: Duration,
    /// How long the engine has for saying that it is. Longer than it would ever need: a machine may be loaded.
    pub sign_of_life: Duration,
    /// The end of the wait for one answer of an engine that says it is there.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(5),
            sign_of_life: Duration::from_secs(10),
            longest: Duration::from_secs(30 * 60),
        }
    }
}

/// How long a socket of this machine has for taking a connection. The kernel does that; it waits only where the engine has
/// taken none for a while.
const CONNECT: Duration = Duration::from_secs(2);

/// An address of the interface that asks nothing of the engine's database. Whatever it answers, it is alive.
const ALIVE: &str = "/api/v1/alive";

impl Client {
    /// Waits for `work`, and looks meanwhile whether the engine is alive.
    pub(crate) async fn patiently<T>(
        &self,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        self.with(Patience::default(), work).await
    }

    async fn with<T>(
        &self,
        patience: Patience,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let began = Instant::now();
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(patience.answer) => {}
            }
            let alive = tokio::select! {
                done = &mut work => return done,
                alive = tokio::time::timeout(patience.sign_of_life, self.is_alive()) => alive.unwrap_or(false),
            };
            if !alive || began.elapsed() >= patience.longest {
                return Err(ClientError::Silent {
                    place: self.place(),
                    process: self.process().await,
                    seconds: began.elapsed().as_secs(),
                });
            }
        }
    }

    /// Whether the engine answers anything. A connection that it closes is an answer too.
    async fn is_alive(&self) -> bool {
        let Ok((request, _)) = self.raw("GET", ALIVE) else { return true };
        match request.send().await {
            Ok(_) => true,
            Err(error) => !error.is_connect(),
        }
    }

    /// The process that listens, where it is one of this machine.
    async fn process(&self) -> Option<i32> {
        let Self::Socket { path, .. } = self else { return None };
        let stream = tokio::time::timeout(CONNECT, tokio::net::UnixStream::connect(path)).await.ok()?.ok()?;
        stream.peer_cred().ok()?.pid()
    }

    fn place(&self) -> String {
        match self {
            Self::InProcess { .. } => "this process".into(),
            Self::Socket { path, .. } => path.display().to_string(),
            Self::Http { base, .. } => base.clone(),
        }
    }
}

/// Whether an engine listens at a socket. One whose queue of connections is full is there, too: it does not come to them.
pub(crate) fn is_listening(socket: &Path) -> bool {
    let (tell, told) = mpsc::channel();
    let path = socket.to_owned();
    // A thread of its own, since connecting may wait for ever.
    std::thread::spawn(move || {
        let _ = tell.send(std::os::unix::net::UnixStream::connect(path).is_ok());
    });
    told.recv_timeout(CONNECT).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    const SHORT: Patience = Patience {
        answer: Duration::from_millis(50),
        sign_of_life: Duration::from_millis(200),
        longest: Duration::from_secs(60),
    };

    fn client(address: std::net::SocketAddr) -> Client {
        Client::remote(&format!("http://{address}"), None).expect("a client")
    }

    #[tokio::test]
    async fn who_accepts_and_does_not_answer_is_given_up() {
        // The kernel takes the connection; nobody ever does.
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let client = client(silent.local_addr().expect("an address"));
        let nothing = std::future::pending::<Result<(), ClientError>>();
        let error = client.with(SHORT, nothing).await.expect_err("it ends");
        assert!(matches!(&error, ClientError::Silent { .. }), "{error}");
        assert!(error.to_string().contains("does not answer"), "{error}");
    }

    #[tokio::test]
    async fn slow_work_of_an_engine_that_is_alive_goes_on() {
        let alive = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let client = client(alive.local_addr().expect("an address"));
        let (asked, mut heard) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for stream in alive.incoming() {
                let mut stream = stream.expect("a connection");
                let _ = stream.read(&mut [0; 1_024]);
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = asked.send(());
            }
        });
        // Done only after the engine was asked twice whether it is there.
        let work = async {
            heard.recv().await;
            heard.recv().await;
            Ok(7)
        };
        let patience = Patience { sign_of_life: Duration::from_secs(60), ..SHORT };
        assert_eq!(client.with(patience, work).await.expect("it goes on"), 7);
    }

    #[tokio::test]
    async fn an_engine_that_is_gone_is_given_up() {
        let gone = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("an address");
        let nothing = std::future::pending::<Result<(), ClientError>>();
        let error = client(gone).with(SHORT, nothing).await.expect_err("it ends");
        assert!(matches!(error, ClientError::Silent { .. }), "{error}");
    }

    #[test]
    fn a_socket_is_listened_at_or_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s");
        assert!(!is_listening(&path));
        let _listener = std::os::unix::net::UnixListener::bind(&path).expect("bound");
        assert!(is_listening(&path));
    }
}
