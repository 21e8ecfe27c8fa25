//! Takes connections in and serves each, for as long as the process runs: no error of one connection, nor a lack of file
//! descriptors, ends the server.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceExt;

use super::guests::{Guests, Limits, Pass, Peer};
use super::patience::{Attentive, HEADERS, Timely};

/// Bytes of a request's head, and of what is read ahead of its body.
const BUFFER: usize = 64 * 1024;
/// Pauses after a connection could not be taken in, for example because there is no file descriptor left.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often the log says so.
const TOLD: Duration = Duration::from_secs(60);

/// Where a request came in, over TCP.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    /// The address of ours that was connected to.
    pub at: SocketAddr,
}

pub trait Listener: Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer, Option<Arrived>)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Peer, Option<Arrived>)> {
        let (stream, from) = Self::accept(self).await?;
        // An event is small, and is to be there at once.
        stream.set_nodelay(true)?;
        let at = stream.local_addr()?;
        Ok((stream, Peer::of(from.ip()), Some(Arrived { at })))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Peer, Option<Arrived>)> {
        let (stream, _) = Self::accept(self).await?;
        Ok((stream, Peer::LOCAL, None))
    }
}

/// Serves until it is dropped, and with it every connection.
pub async fn serve(listener: impl Listener, limits: Limits, service: Router) {
    let guests = Guests::new(limits);
    let mut connections = JoinSet::new();
    let (mut pause, mut told) = (PAUSE, None::<Instant>);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer, arrived)) => {
                pause = PAUSE;
                // Where there is no room the connection is closed: whoever asks tries again.
                if let Some(stay) = guests.take(peer) {
                    let service = service.clone();
                    connections.spawn(async move {
                        tokio::select! {
                            () = one(stream, stay.pass(), arrived, service) => {}
                            () = stay.asked_to_leave() => {}
                        }
                    });
                } else if told.is_none_or(|told| told.elapsed() > TOLD) {
                    told = Some(Instant::now());
                    tracing::warn!(?limits, "too many connections at once: more are refused until some end");
                }
            }
            // Nothing but this one connection was lost.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if told.is_none_or(|told| told.elapsed() > TOLD) {
                    told = Some(Instant::now());
                    tracing::error!(%error, "no connection can be taken in now; trying on");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput | NotConnected)
}

async fn one<S>(stream: S, pass: Pass, arrived: Option<Arrived>, service: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(|body| Body::new(Timely::new(body)));
        request.extensions_mut().insert(pass.clone());
        if let Some(arrived) = arrived {
            request.extensions_mut().insert(arrived);
        }
        let service = service.clone();
        async move {
            let Ok(response) = service.oneshot(request).await;
            Ok::<_, Infallible>(response)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Attentive::new(stream)), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    /// Fails a few times, as where there is no file descriptor left, and then has a connection.
    struct Short {
        fails: AtomicUsize,
        then: Mutex<Option<DuplexStream>>,
    }

    impl Listener for Short {
        type Stream = DuplexStream;

        async fn accept(&self) -> io::Result<(DuplexStream, Peer, Option<Arrived>)> {
            let left = self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if let Ok(left) = left {
                let code = if left % 2 == 0 { nix::libc::EMFILE } else { nix::libc::ECONNABORTED };
                return Err(io::Error::from_raw_os_error(code));
            }
            let then = self.then.lock().expect("one at a time").take();
            match then {
                Some(stream) => Ok((stream, Peer::LOCAL, None)),
                None => std::future::pending().await,
            }
        }
    }

    #[tokio::test]
    async fn a_lack_of_descriptors_ends_nothing() {
        let (ours, mut theirs) = tokio::io::duplex(1_024);
        let listener = Short { fails: AtomicUsize::new(4), then: Mutex::new(Some(ours)) };
        let service = Router::new().fallback(async || "here");
        let server = tokio::spawn(serve(listener, Limits { total: 4, per_peer: 4 }, service));
        theirs.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("written");
        let mut answer = String::new();
        theirs.read_to_string(&mut answer).await.expect("read");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
        server.abort();
    }
}
