//! A connection that does not wait for its client for ever.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use super::life::{Life, Patience};

/// What a client is told that began a head and did not end it (RFC 9110 §15.5.9).
const HEAD_IS_LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Reading fails when the client says nothing for too long while it is its turn; writing when it takes nothing.
pub(super) struct Wire {
    stream: TcpStream,
    life: Arc<Life>,
    patience: Patience,
    /// Rings at the deadline or before: then the deadline is looked at again. So requests that come in time set no timer.
    reading: Pin<Box<Sleep>>,
    writing: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, life: Arc<Life>, patience: Patience) -> Self {
        Self { stream, life, patience, reading: Box::pin(sleep(patience.idle)), writing: None }
    }

    /// While nothing comes.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Some(deadline) = self.life.deadline(self.patience) else { return Poll::Pending };
            if self.life.is_given_up() || deadline <= Instant::now() {
                if self.life.is_in_head() {
                    // Whoever does not read it, does not.
                    drop(self.stream.try_write(HEAD_IS_LATE));
                }
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            if self.reading.is_elapsed() || self.reading.deadline() > deadline {
                self.reading.as_mut().reset(deadline);
            }
            if self.reading.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// What became of a try to write.
    fn poll_taken<T>(
        &mut self,
        context: &mut Context<'_>,
        tried: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if tried.is_ready() {
            self.writing = None;
            return tried;
        }
        let longest = self.patience.client;
        let writing = self.writing.get_or_insert_with(|| Box::pin(sleep(longest)));
        writing.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() {
            return self.poll_patience(context);
        }
        if buffer.filled().len() > before {
            self.life.heard();
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.poll_taken(context, tried)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.poll_taken(context, tried)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    const SHORT: Patience = Patience { client: Duration::from_millis(60), idle: Duration::from_millis(200) };

    /// A client and the other end.
    async fn pair() -> (TcpStream, Wire, Arc<Life>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let life = Arc::new(Life::new());
        let wire = Wire::new(listener.accept().await.unwrap().0, life.clone(), SHORT);
        (client, wire, life)
    }

    async fn read(wire: &mut Wire) -> io::Result<usize> {
        wire.read(&mut [0; 64]).await
    }

    #[tokio::test]
    async fn whoever_says_nothing_is_hung_up_on() {
        let (_client, mut wire, _) = pair().await;
        let begun = Instant::now();
        assert_eq!(read(&mut wire).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= SHORT.idle, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_head_that_trickles_in_is_answered_408() {
        let (mut client, mut wire, _) = pair().await;
        let begun = Instant::now();
        let trickle = tokio::spawn(async move {
            while client.write_all(b"G").await.is_ok() && begun.elapsed() < SHORT.client * 4 {
                tokio::time::sleep(SHORT.client / 4).await;
            }
            let mut answer = String::new();
            drop(client.read_to_string(&mut answer).await);
            answer
        });
        let late = loop {
            match read(&mut wire).await {
                Ok(bytes) => assert!(bytes > 0 && begun.elapsed() < SHORT.client * 4),
                Err(error) => break error,
            }
        };
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        wire.shutdown().await.unwrap();
        assert!(trickle.await.unwrap().starts_with("HTTP/1.1 408 "));
    }

    #[tokio::test]
    async fn nobody_is_late_who_waits_for_us() {
        let (mut client, mut wire, life) = pair().await;
        client.write_all(b"GET").await.unwrap();
        assert_eq!(read(&mut wire).await.unwrap(), 3);
        life.begun();
        let reading = tokio::time::timeout(SHORT.idle * 2, read(&mut wire)).await;
        assert!(reading.is_err(), "{reading:?}");
        life.answered();
        client.write_all(b"GET").await.unwrap();
        assert_eq!(read(&mut wire).await.unwrap(), 3, "and the connection goes on");
    }

    #[tokio::test]
    async fn whoever_takes_nothing_is_hung_up_on() {
        let (_client, mut wire, life) = pair().await;
        life.begun();
        let large = vec![0; 32 * 1024 * 1024];
        assert_eq!(wire.write_all(&large).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_place_that_is_needed_is_given_up_at_once() {
        let (_client, mut wire, life) = pair().await;
        life.give_up();
        let begun = Instant::now();
        assert_eq!(read(&mut wire).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < SHORT.idle);
    }
}
