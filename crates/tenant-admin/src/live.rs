//! Parts of pages that stay fresh while somebody looks at them: server-sent events, each a piece of HTML.
//!
//! A page says `data-live="URL"` on an element with an id; `app.js` puts what comes into it (`data-live-mode="prepend"`: in
//! front of what is there). What is new is looked for in the database, so it does not matter which node did it.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use store::{AdminId, TenantId};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Interval, MissedTickBehavior, interval},
};
use tower_sessions::Session;

use crate::{
    ConsoleState,
    error::PageError,
    extract::Visit,
    guard::lacks_second_factor,
    rights::{Named, Right, Verdict},
    session,
};

/// Streams that a node keeps open: each looks into the database once a second.
const STREAMS: usize = 200;
/// Of these, streams of one person, or of those who came by one link: nobody takes all places.
const STREAMS_OF_ONE: usize = 20;
/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Looks after which a person's session is read anew although the epoch stands: it may have ended by itself.
const ASK_AFTER: u32 = 5;

/// A stream of events shows that it lives so often; proxies close what is silent for longer than a minute.
const BEAT: Duration = Duration::from_secs(15);
/// Then it ends, and whoever reads it comes again: perhaps to another node.
const LONGEST: Duration = Duration::from_secs(600);

/// The streams of this node; cheap to clone.
#[derive(Clone)]
pub struct Live {
    places: Arc<Semaphore>,
    /// How many each has who watches.
    watching: Arc<Mutex<HashMap<String, usize>>>,
    stopped: watch::Sender<bool>,
    /// Time between two looks.
    pause: Duration,
    /// Of streams of events: the time between two signs of life, and the end.
    pub(crate) pace: (Duration, Duration),
}

impl Default for Live {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(STREAMS)),
            watching: Arc::default(),
            stopped: watch::Sender::new(false),
            pause: LOOK,
            pace: (BEAT, LONGEST),
        }
    }
}

/// A piece of HTML that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The HTML.
    pub(crate) html: String,
    /// From where a client that comes back goes on: its `Last-Event-ID`, or `after` in the address.
    pub(crate) id: Option<String>,
}

/// What somebody watches.
#[async_trait]
pub(crate) trait Watched: Send + 'static {
    /// Who watches: a person or a link.
    fn who(&self) -> String;

    /// May they still see it? Asked before each look.
    async fn is_allowed(&mut self) -> Result<bool, PageError>;

    /// What is new since the last look.
    async fn look(&mut self) -> Result<Option<Piece>, PageError>;
}

struct Streaming<W> {
    watched: W,
    ticks: Interval,
    stopped: watch::Receiver<bool>,
    _place: Place,
}

/// A stream that is open, or somebody who waits, until this is dropped.
pub(crate) struct Place {
    live: Live,
    who: String,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut watching = self.live.lock();
        if let Some(count) = watching.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                watching.remove(&self.who);
            }
        }
    }
}

impl Live {
    /// Ends all streams, so that nothing holds up a server that stops.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// With another time between two signs of life of a stream of events, and another end of it; for tests.
    #[must_use]
    pub fn with_pace(self, beat: Duration, longest: Duration) -> Self {
        Self { pace: (beat, longest), ..self }
    }

    /// Does the server stop?
    pub(crate) fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Waits until the server stops.
    pub(crate) async fn stopped(&self) {
        // Whoever could stop it is this itself.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// A panic while the lock was held cannot have broken the map: every change to it is one number.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for one more who watches. `None`: too many do, or this one does too often.
    pub(crate) fn place(&self, who: String) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut watching = self.lock();
        let count = watching.entry(who.clone()).or_default();
        if *count >= STREAMS_OF_ONE {
            return None;
        }
        *count += 1;
        drop(watching);
        Some(Place { live: self.clone(), who, _permit: permit })
    }

    /// Streams what is new until whoever watches goes or may not any more, or the server stops. 503 when too many watch,
    /// or they watch too much.
    pub(crate) fn stream(&self, watched: impl Watched) -> Result<Response, PageError> {
        let place = self.place(watched.who()).ok_or(PageError::Busy)?;
        let mut ticks = interval(self.pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let streaming = Streaming { watched, ticks, stopped: self.stopped.subscribe(), _place: place };
        let events = stream::unfold(streaming, async |mut streaming| {
            let piece = streaming.next().await?;
            // A carriage return would end a line of the event.
            let event = Event::default().data(piece.html.replace('\r', ""));
            let event = match piece.id {
                Some(id) => event.id(id),
                None => event,
            };
            Some((Ok::<_, Infallible>(event), streaming))
        });
        let mut response = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Proxies of nginx's kind hold answers back otherwise.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Ok(response)
    }
}

impl<W: Watched> Streaming<W> {
    /// The next piece; `None` ends the stream.
    async fn next(&mut self) -> Option<Piece> {
        loop {
            tokio::select! {
                _ = self.ticks.tick() => {}
                _ = self.stopped.wait_for(|stopped| *stopped) => return None,
            }
            let found = match self.watched.is_allowed().await {
                Ok(true) => self.watched.look().await,
                Ok(false) => return None,
                Err(error) => Err(error),
            };
            match found {
                Ok(Some(piece)) => return Some(piece),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(?error, "a live page ended; the browser asks again");
                    return None;
                }
            }
        }
    }
}

/// A signed-in person at a page of a tenant, for as long as both are what they were.
pub(crate) struct Pass {
    state: ConsoleState,
    session: Session,
    admin: AdminId,
    tenant: TenantId,
    right: Right,
    /// The epoch at which they held it, and how often that was believed since.
    held: Option<(u64, u32)>,
}

impl Pass {
    /// Of whoever was let in to a page with this right.
    pub(crate) fn new(
        state: &ConsoleState,
        session: Session,
        visit: &Visit,
        tenant: TenantId,
        right: Right,
    ) -> Self {
        Self { state: state.clone(), session, admin: visit.admin.id, tenant, right, held: None }
    }

    /// Whose it is.
    pub(crate) fn who(&self) -> String {
        self.admin.to_string()
    }

    /// Would they be let in now? What ends a session or changes a person moves the epoch.
    pub(crate) async fn holds(&mut self) -> Result<bool, PageError> {
        let epoch = self.state.store.epoch();
        if let Some((at, times)) = self.held
            && at == epoch
            && times + 1 < ASK_AFTER
        {
            self.held = Some((at, times + 1));
            return Ok(true);
        }
        let Some(person) = session::still(&self.state.store, &self.session).await? else { return Ok(false) };
        self.held = Some((epoch, 0));
        let granted = self.right.verdict(&person.admin, Named::Tenant(self.tenant)) == Verdict::Granted;
        Ok(granted && !lacks_second_factor(self.state.second_factor, &person))
    }
}

/// Where a client that comes back goes on: the browser says so in a header.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id")?.to_str().ok().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    /// Gives the pieces one after the other; may be watched until there are none.
    struct Pieces(Vec<&'static str>);

    #[async_trait]
    impl Watched for Pieces {
        fn who(&self) -> String {
            "ada".into()
        }

        async fn is_allowed(&mut self) -> Result<bool, PageError> {
            Ok(!self.0.is_empty())
        }

        async fn look(&mut self) -> Result<Option<Piece>, PageError> {
            Ok(self.0.pop().map(|html| Piece { html: html.into(), id: Some("7".into()) }))
        }
    }

    /// Has much to tell, and may be told only once.
    struct Ended(bool);

    #[async_trait]
    impl Watched for Ended {
        fn who(&self) -> String {
            "ada".into()
        }

        async fn is_allowed(&mut self) -> Result<bool, PageError> {
            Ok(!std::mem::replace(&mut self.0, true))
        }

        async fn look(&mut self) -> Result<Option<Piece>, PageError> {
            Ok(Some(Piece { html: "x".into(), id: None }))
        }
    }

    #[tokio::test]
    async fn nothing_is_told_once_a_session_has_ended() {
        let live = Live { pause: Duration::from_millis(1), ..Live::default() };
        let response = live.stream(Ended(false)).expect("a stream");
        let body = response.into_body().collect().await.expect("whole").to_bytes();
        assert_eq!(String::from_utf8_lossy(&body), "data: x\n\n");
    }

    /// Of somebody.
    struct Nothing(usize);

    #[async_trait]
    impl Watched for Nothing {
        fn who(&self) -> String {
            self.0.to_string()
        }

        async fn is_allowed(&mut self) -> Result<bool, PageError> {
            Ok(true)
        }

        async fn look(&mut self) -> Result<Option<Piece>, PageError> {
            Ok(None)
        }
    }

    #[tokio::test]
    async fn pieces_come_until_nobody_may_watch() {
        let live = Live { pause: Duration::from_millis(1), ..Live::default() };
        let response = live.stream(Pieces(vec!["<p>2</p>", "<p>\r\n1</p>"])).expect("a stream");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = response.into_body().collect().await.expect("whole").to_bytes();
        let text = String::from_utf8_lossy(&body);
        assert_eq!(text, "data: <p>\ndata: 1</p>\nid: 7\n\ndata: <p>2</p>\nid: 7\n\n");
        assert_eq!(live.places.available_permits(), STREAMS, "the place is free again");
    }

    #[tokio::test]
    async fn a_server_that_stops_ends_all_streams() {
        let live = Live::default();
        let response = live.stream(Nothing(0)).expect("a stream");
        let reading = tokio::spawn(response.into_body().collect());
        live.clone().stop();
        reading.await.expect("it ended").expect("whole");
        let late = live.stream(Nothing(0)).expect("a stream");
        late.into_body().collect().await.expect("one that begins later, too");
    }

    #[tokio::test]
    async fn too_many_are_refused() {
        let live = Live::default();
        let own: Vec<_> = (0..STREAMS_OF_ONE).map(|_| live.stream(Nothing(0)).expect("a stream")).collect();
        assert!(matches!(live.stream(Nothing(0)), Err(PageError::Busy)), "nobody takes all places");
        let others: Vec<_> =
            (STREAMS_OF_ONE..STREAMS).map(|who| live.stream(Nothing(who)).expect("a stream")).collect();
        assert!(matches!(live.stream(Nothing(1)), Err(PageError::Busy)));
        drop((own, others));
        assert!(live.stream(Nothing(0)).is_ok());
        assert!(live.lock().is_empty(), "nothing is kept of those who left");
    }
}
