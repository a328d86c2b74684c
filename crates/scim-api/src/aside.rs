//! Requests with large bodies are carried out beside the threads that serve everybody: reading, checking and applying
//! such a body is computation without a pause, up to a second of it.

use std::{panic::resume_unwind, sync::LazyLock, thread::available_parallelism};

use axum::body::{Body, HttpBody as _};
use futures::future::BoxFuture;
use http::HeaderMap;
use scim_core::ScimError;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
};
use tracing::{Instrument as _, Span};

use crate::{body, routes::Answer};

/// Largest body, in bytes, that is worked on in place: a user has a few thousand.
const SMALL: u64 = 16 * 1024;

/// How many large bodies are worked on at once; others wait for their turn.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(16, |cores| (8 * cores.get()).max(16))));

/// A body, and where it is worked on.
pub(crate) enum Load {
    /// In place.
    Light(Body),
    /// Aside. Read already: whoever sends slowly takes up no place meanwhile.
    Heavy(Body),
}

impl Load {
    /// Weighs a body. 413 when it is larger than [`crate::MAX_BYTES`].
    pub(crate) async fn of(headers: &HeaderMap, body: Body) -> Result<Self, ScimError> {
        let light = |body: &Body| body.size_hint().upper().is_some_and(|bytes| bytes <= SMALL);
        if light(&body) {
            return Ok(Self::Light(body));
        }
        let body = Body::from(body::collect(body::ONE, headers, body).await?);
        Ok(if light(&body) { Self::Light(body) } else { Self::Heavy(body) })
    }

    /// Carries out the work on this body.
    pub(crate) async fn carry_out(self, work: impl FnOnce(Body) -> BoxFuture<'static, Answer>) -> Answer {
        match self {
            Self::Light(body) => work(body).await,
            Self::Heavy(body) => aside(work(body)).await,
        }
    }
}

/// Reads a body that is known to be small; others are given back unread.
pub(crate) async fn small(headers: &HeaderMap, body: Body) -> Result<Body, ScimError> {
    let is_small = body.size_hint().upper().is_some_and(|bytes| bytes <= SMALL);
    if body.is_end_stream() || !is_small {
        return Ok(body);
    }
    Ok(Body::from(body::collect(body::ONE, headers, body).await?))
}

/// Runs work on a thread of its own; it ends with the one who waits for it.
async fn aside(work: BoxFuture<'static, Answer>) -> Answer {
    let place = PLACES.acquire().await.map_err(|_| given_up())?;
    let (_waiting, gone) = oneshot::channel::<()>();
    let (runtime, work) = (Handle::current(), work.instrument(Span::current()));
    let running = spawn_blocking(move || {
        let _place = place;
        runtime.block_on(async {
            tokio::select! {
                answer = work => answer,
                _ = gone => Err(given_up()),
            }
        })
    });
    running.await.unwrap_or_else(|ended| match ended.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => Err(given_up()),
    })
}

/// Nobody reads it: the request was given up, or the server stops.
fn given_up() -> ScimError {
    ScimError::new(503, "The request was given up.")
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        thread,
        time::Duration,
    };

    use http::StatusCode;
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::answer;

    /// Runs on a body of this size; gives whether that happened on a thread of its own.
    async fn is_aside(body: Body) -> bool {
        let here = thread::current().id();
        let size = body.size_hint().exact();
        let elsewhere = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&elsewhere);
        let load = Load::of(&HeaderMap::new(), body).await.expect("a body");
        let answer = load.carry_out(|body| {
            Box::pin(async move {
                // Waiting works there too.
                tokio::time::sleep(Duration::from_millis(1)).await;
                let read = body.collect().await.expect("whole").to_bytes().len() as u64;
                assert!(size.is_none_or(|size| size == read));
                *seen.lock().expect("a lock") = Some(thread::current().id() != here);
                Ok(answer::empty(StatusCode::NO_CONTENT))
            })
        });
        assert_eq!(answer.await.expect("an answer").status(), 204);
        let seen = elsewhere.lock().expect("a lock").take();
        seen.expect("it ran")
    }

    fn chunked(bytes: Vec<u8>) -> Body {
        let chunks: Vec<Result<_, std::io::Error>> =
            bytes.chunks(1000).map(|chunk| Ok(chunk.to_vec())).collect();
        Body::from_stream(futures::stream::iter(chunks))
    }

    #[tokio::test]
    async fn large_bodies_are_worked_on_aside() {
        let small = vec![b' '; 16 * 1024];
        let large = vec![b' '; 16 * 1024 + 1];
        assert!(!is_aside(Body::empty()).await);
        assert!(!is_aside(Body::from(small.clone())).await);
        assert!(is_aside(Body::from(large.clone())).await);
        assert!(!is_aside(chunked(small)).await);
        assert!(is_aside(chunked(large)).await);
    }

    #[tokio::test]
    async fn a_body_without_end_is_refused() {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]));
        let refused = Load::of(&HeaderMap::new(), Body::from_stream(endless)).await;
        assert_eq!(refused.err().expect("refused").status, 413);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_ends() {
        let (mut alive, ended) = oneshot::channel::<()>();
        let work = Box::pin(async move {
            let _ended = ended;
            std::future::pending::<Answer>().await
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), aside(work)).await.is_err());
        alive.closed().await;
    }

    #[tokio::test]
    #[should_panic(expected = "on purpose")]
    async fn a_panic_comes_back() {
        drop(aside(Box::pin(async { panic!("on purpose") })).await);
    }
}
