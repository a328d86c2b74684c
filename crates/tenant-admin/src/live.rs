//! Parts of pages that stay fresh while somebody looks at them: server-sent events, each a piece of HTML.
//!
//! A page says `data-live="URL"` on an element with an id; `app.js` puts what comes into it (`data-live-mode="prepend"`: in
//! front of what is there). What is new is looked for in the database, so it does not matter which node did it.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use store::TenantId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Interval, MissedTickBehavior, interval},
};
use tower_sessions::Session;

use crate::{
    ConsoleState,
    error::PageError,
    rights::{Named, Right, Verdict},
    session,
};

/// Streams that a node keeps open: each looks into the database once a second.
const STREAMS: usize = 200;
/// Those of one person, or of one setup link, so that nobody takes the places of all others.
const OF_ONE: usize = 12;
/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Looks after which it is asked whether whoever watches still may.
const ASK_AFTER: u32 = 5;

/// The streams of this node; cheap to clone.
#[derive(Clone)]
pub struct Live {
    places: Arc<Semaphore>,
    watchers: Watchers,
    stopped: watch::Sender<bool>,
    /// Time between two looks.
    pause: Duration,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(STREAMS)),
            watchers: Watchers::default(),
            stopped: watch::Sender::new(false),
            pause: LOOK,
        }
    }
}

/// How many streams each has open who has any.
type Watchers = Arc<Mutex<HashMap<uuid::Uuid, usize>>>;

/// A place among the streams; free again when it is dropped.
struct Place {
    watchers: Watchers,
    who: uuid::Uuid,
    _of_all: OwnedSemaphorePermit,
}

impl Place {
    /// `None`: too many watch, or this one watches too much.
    fn take(live: &Live, who: uuid::Uuid) -> Option<Self> {
        let of_all = Arc::clone(&live.places).try_acquire_owned().ok()?;
        let mut watchers = live.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let open = watchers.entry(who).or_default();
        if *open >= OF_ONE {
            return None;
        }
        *open += 1;
        drop(watchers);
        Some(Self { watchers: Arc::clone(&live.watchers), who, _of_all: of_all })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = watchers.get_mut(&self.who) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                watchers.remove(&self.who);
            }
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
    /// May they still see it? Asked at the beginning and every few seconds.
    async fn is_allowed(&mut self) -> Result<bool, PageError>;

    /// What is new since the last look.
    async fn look(&mut self) -> Result<Option<Piece>, PageError>;
}

struct Streaming<W> {
    watched: W,
    ticks: Interval,
    looks: u32,
    stopped: watch::Receiver<bool>,
    _place: Place,
}

impl Live {
    /// Ends all streams, so that nothing holds up a server that stops.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Streams what is new until whoever watches (the id of a person or of a setup link) goes or may not any more, or
    /// the server stops. 503 when too many watch, or this one watches too much.
    pub(crate) fn stream(&self, who: uuid::Uuid, watched: impl Watched) -> Result<Response, PageError> {
        let Some(place) = Place::take(self, who) else { return Err(PageError::Busy) };
        let mut ticks = interval(self.pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let streaming =
            Streaming { watched, ticks, looks: 0, stopped: self.stopped.subscribe(), _place: place };
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
            let may =
                if self.looks.is_multiple_of(ASK_AFTER) { self.watched.is_allowed().await } else { Ok(true) };
            self.looks = self.looks.wrapping_add(1);
            let found = match may {
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
    tenant: TenantId,
    right: Right,
}

impl Pass {
    /// Of whoever was let in to a page with this right.
    pub(crate) fn new(state: &ConsoleState, session: Session, tenant: TenantId, right: Right) -> Self {
        Self { state: state.clone(), session, tenant, right }
    }

    /// Would they be let in now?
    pub(crate) async fn holds(&self) -> Result<bool, PageError> {
        let person = session::still(&self.state.store, &self.session).await?;
        let named = Named::Tenant(self.tenant);
        Ok(person.is_some_and(|person| self.right.verdict(&person.admin, named) == Verdict::Granted))
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
        async fn is_allowed(&mut self) -> Result<bool, PageError> {
            Ok(!self.0.is_empty())
        }

        async fn look(&mut self) -> Result<Option<Piece>, PageError> {
            Ok(self.0.pop().map(|html| Piece { html: html.into(), id: Some("7".into()) }))
        }
    }

    struct Nothing;

    #[async_trait]
    impl Watched for Nothing {
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
        let response =
            live.stream(uuid::Uuid::nil(), Pieces(vec!["<p>2</p>", "<p>\r\n1</p>"])).expect("a stream");
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
        let response = live.stream(uuid::Uuid::nil(), Nothing).expect("a stream");
        let reading = tokio::spawn(response.into_body().collect());
        live.clone().stop();
        reading.await.expect("it ended").expect("whole");
        let late = live.stream(uuid::Uuid::nil(), Nothing).expect("a stream");
        late.into_body().collect().await.expect("one that begins later, too");
    }

    #[tokio::test]
    async fn too_many_are_refused() {
        let live = Live::default();
        let open: Vec<_> = (0..STREAMS)
            .map(|number| live.stream(uuid::Uuid::from_u128(number as u128), Nothing).expect("a stream"))
            .collect();
        assert!(matches!(live.stream(uuid::Uuid::max(), Nothing), Err(PageError::Busy)));
        drop(open);
        assert!(live.stream(uuid::Uuid::max(), Nothing).is_ok());
    }

    #[tokio::test]
    async fn nobody_takes_the_places_of_others() {
        let live = Live::default();
        let (one, other) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let open: Vec<_> = (0..OF_ONE).map(|_| live.stream(one, Nothing).expect("a stream")).collect();
        assert!(matches!(live.stream(one, Nothing), Err(PageError::Busy)));
        assert_eq!(live.places.available_permits(), STREAMS - OF_ONE, "what was refused holds no place");
        assert!(live.stream(other, Nothing).is_ok());
        drop(open);
        assert!(live.stream(one, Nothing).is_ok());
        assert!(live.watchers.lock().expect("whole").is_empty(), "nobody who has gone is remembered");
    }
}
