//! Bodies of requests, which have to come in time, and of answers, whose end is noted.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::life::Life;

/// Beyond its first seconds a body has to come at this rate, in bytes a second: a mobile phone is faster, and one that
/// trickles in to keep a connection is not.
const SLOWEST: u64 = 4 * 1024;

/// The body of a request, as axum takes it.
pub(super) fn timed(body: Incoming, life: &Arc<Life>, first: Duration) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::new(Timed { body, life: Arc::clone(life), first, came: 0, alarm: None })
}

struct Timed<B> {
    body: B,
    life: Arc<Life>,
    first: Duration,
    came: u64,
    /// With the time at which somebody began to read.
    alarm: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<B> Timed<B> {
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let allowed = self.first + Duration::from_millis(self.came.saturating_mul(1000) / SLOWEST);
        let (begun, alarm) = self.alarm.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + allowed)))
        });
        let deadline = *begun + allowed;
        loop {
            ready!(alarm.as_mut().poll(context));
            if deadline <= Instant::now() {
                self.life.is_late();
                return Poll::Ready(());
            }
            alarm.as_mut().reset(deadline);
        }
    }
}

impl<B: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Unpin> HttpBody for Timed<B> {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame
                    && let Some(data) = frame.data_ref()
                {
                    self.came += data.len() as u64;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                ready!(self.poll_patience(context));
                Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())))
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

/// The body of an answer. The next request is awaited once it is dropped.
pub(super) struct Noted {
    body: Body,
    life: Arc<Life>,
}

impl Noted {
    pub(super) fn new(body: Body, life: Arc<Life>) -> Self {
        Self { body, life }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.life.answered();
    }
}

impl HttpBody for Noted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures::StreamExt as _;

    use super::*;

    const FIRST: Duration = Duration::from_millis(150);

    /// A body of pieces of this size, so many of them, each so long after the one before.
    fn pieces(size: usize, count: usize, pause: Duration) -> (Body, Arc<Life>) {
        let life = Arc::new(Life::new());
        let pieces = futures::stream::iter(0..count).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, io::Error>(vec![b' '; size])
        });
        let body = Body::from_stream(pieces);
        (Body::new(Timed { body, life: life.clone(), first: FIRST, came: 0, alarm: None }), life)
    }

    #[tokio::test]
    async fn a_body_has_to_come_in_time() {
        for (size, count, millis, whole) in [
            (100, 3, 10, true),
            (20, 10, 50, false),
            // Longer than the first moments, but fast enough.
            (2048, 8, 50, true),
            (1, 100, 10, false),
        ] {
            let begun = Instant::now();
            let (body, life) = pieces(size, count, Duration::from_millis(millis));
            let read = to_bytes(body, usize::MAX).await;
            let case = format!("{count} pieces of {size} bytes in {:?}", begun.elapsed());
            assert_eq!((read.is_ok(), life.take_late()), (whole, !whole), "{case}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_dropped_is_answered() {
        let life = Arc::new(Life::new());
        life.begun();
        let body = Noted::new(Body::from("text"), life.clone());
        assert_eq!(body.size_hint().exact(), Some(4));
        drop(body);
        let patience = super::super::life::Patience { client: FIRST, idle: FIRST };
        assert!(life.deadline(patience).is_some(), "the client's turn again");
    }
}
