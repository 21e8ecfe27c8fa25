//! How long another side may take: with the rest of a request, and with reading what it asked for.
//!
//! A header has [`HEADERS`], and so has a connection on which nothing is asked. What keeps one waiting without an end holds
//! a file descriptor that others need.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// For the whole head of a request, and for the next request on a connection that is kept.
pub const HEADERS: Duration = Duration::from_secs(15);
/// For the beginning of a body; each byte that came gives more.
const BODY: Duration = Duration::from_secs(30);
/// Slower than this is nobody who wants to get something done.
const BYTES_PER_SECOND: u64 = 4 * 1024;
/// How long what is answered may wait to be read.
const UNREAD: Duration = Duration::from_secs(30);

/// The body of a request, which fails when it does not come.
pub struct Timely<B> {
    body: B,
    began: Instant,
    received: u64,
    beginning: Duration,
    patience: Pin<Box<Sleep>>,
}

impl<B> Timely<B> {
    pub fn new(body: B) -> Self {
        Self::within(body, BODY)
    }

    fn within(body: B, beginning: Duration) -> Self {
        Self { body, began: Instant::now(), received: 0, beginning, patience: Box::pin(sleep(beginning)) }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Timely<B>
where
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                let until = this.began + this.beginning + Duration::from_secs(this.received / BYTES_PER_SECOND);
                this.patience.as_mut().reset(until);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(io::Error::other(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(this.patience.as_mut().poll(cx));
                Poll::Ready(Some(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the rest of the request did not come in time",
                ))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection whose other side has to read what it is sent.
pub struct Attentive<S> {
    stream: S,
    limit: Duration,
    unread: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl<S> Attentive<S> {
    pub fn new(stream: S) -> Self {
        Self::within(stream, UNREAD)
    }

    fn within(stream: S, limit: Duration) -> Self {
        Self { stream, limit, unread: Box::pin(sleep(limit)), is_waiting: false }
    }

    /// A write that has to wait starts the clock; one that gets through stops it.
    fn timed<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.is_waiting = false;
            return written;
        }
        if !self.is_waiting {
            self.is_waiting = true;
            self.unread.as_mut().reset(Instant::now() + self.limit);
        }
        ready!(self.unread.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "what was answered is not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Attentive<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Attentive<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.timed(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, pieces);
        this.timed(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.timed(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.timed(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use http_body_util::combinators::UnsyncBoxBody;
    use tokio::io::AsyncWriteExt;

    fn pieces(every: Duration, count: usize) -> UnsyncBoxBody<Bytes, io::Error> {
        let stream = futures::stream::unfold(0, move |n| async move {
            if n == count {
                return std::future::pending().await;
            }
            tokio::time::sleep(every).await;
            Some((Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"x"))), n + 1))
        });
        UnsyncBoxBody::new(http_body_util::StreamBody::new(stream))
    }

    const SHORT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_body_that_stops_or_drips_ends() {
        for (what, body) in
            [("stops", pieces(Duration::ZERO, 3)), ("drips", pieces(Duration::from_millis(20), usize::MAX))]
        {
            let error = Timely::within(body, SHORT).collect().await.expect_err("it ends");
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{what}");
        }
    }

    #[tokio::test]
    async fn who_does_not_read_is_let_go() {
        let (ours, _theirs) = tokio::io::duplex(64);
        let error = Attentive::within(ours, SHORT).write_all(&[0; 1_000]).await.expect_err("it ends");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
