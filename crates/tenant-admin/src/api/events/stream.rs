//! The feed as server-sent events: the pages that a long poll would bring, one after the other, for as long as the caller may.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::response::{
    IntoResponse, Response,
    sse::{Event as Sent, Sse},
};
use delivery::Event;
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use store::feed::{FeedEvent, FeedQuery};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{
    super::{ApiState, guard::Door, problem::ApiError},
    Asker, may_all, next, page, too_many_wait, who,
};
use crate::live::Place;

/// What a stream is called in `Accept`.
const EVENT_STREAM: &str = "text/event-stream";

/// So long a client should wait before it comes again.
const RETRY: Duration = Duration::from_secs(1);

/// A reader takes what is sent within so many signs of life, or loses its place: a page waits for it until then.
const PATIENCE: u32 = 4;

/// So long a token is believed while events are sent one after the other.
const BELIEVED: Duration = Duration::from_secs(1);

/// A stream that somebody reads. It holds one page at most: while nobody takes what is there nothing more is read.
struct Following {
    state: ApiState,
    door: Arc<Door>,
    /// With `after` as the place up to which the feed was read.
    query: FeedQuery,
    /// Are they told of the names of people of the console?
    all: bool,
    ready: VecDeque<FeedEvent>,
    /// The place that the client knows.
    told: i64,
    ends: Instant,
    /// When the token was looked at.
    asked: Instant,
    _place: Place,
}

/// Does the client ask for a stream?
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(',')).filter_map(|kind| kind.split(';').next());
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case(EVENT_STREAM))
}

/// After which place a client that comes again goes on.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().unwrap_or("?").trim();
    if text.is_empty() {
        return Ok(None);
    }
    let place = text.parse().ok().filter(|place| *place >= 0);
    let unfit = || ApiError::unfit("Last-Event-ID", "Last-Event-ID: send the id of an event of this stream");
    place.map(Some).ok_or_else(unfit)
}

/// A stream. What is wrong with the query is told before it begins.
pub(super) async fn open(state: &ApiState, mut query: FeedQuery, asker: Asker) -> Result<Response, ApiError> {
    let Asker { caller, door, .. } = asker;
    let place = state.live.place(who(&caller)).ok_or_else(too_many_wait)?;
    let first = page(state, &query).await?;
    let told = std::mem::replace(&mut query.after, first.last);
    let now = Instant::now();
    let following = Following {
        state: state.clone(),
        door,
        query,
        all: may_all(&caller),
        ready: first.items.into(),
        told,
        ends: now + state.live.pace.1,
        asked: now,
        _place: place,
    };
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(following.send_to(sender));
    let begin = stream::once(async { Ok::<_, Infallible>(Sent::default().retry(RETRY)) });
    let events = stream::unfold(receiver, async |mut receiver| Some((Ok(receiver.recv().await?), receiver)));
    let mut response = Sse::new(stream::StreamExt::chain(begin, events)).into_response();
    // Proxies of nginx's kind hold answers back otherwise.
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

impl Following {
    /// Sends until the end, or until nobody takes it. By itself, since a server asks for nothing more while a client that went
    /// away without a word takes nothing.
    async fn send_to(mut self, sender: mpsc::Sender<Sent>) {
        let patience = self.state.live.pace.0 * PATIENCE;
        loop {
            let next = tokio::select! {
                next = self.next() => next,
                () = sender.closed() => return,
            };
            let Some(next) = next else { return };
            if !matches!(timeout(patience, sender.send(next)).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// What is sent next; `None` ends the stream.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            let now = Instant::now();
            if now >= self.ends || self.state.live.is_stopped() {
                return None;
            }
            let step = if self.ready.is_empty() {
                self.read((now + self.state.live.pace.0).min(self.ends)).await
            } else if now >= self.asked + BELIEVED {
                self.ask().await.map(|()| true)
            } else {
                Ok(true)
            };
            match step {
                Ok(true) => {}
                Ok(false) => return Some(self.sign_of_life()),
                Err(error) => {
                    tracing::debug!(
                        ?error,
                        "a stream of events ended; its reader is told why when it comes again"
                    );
                    return None;
                }
            }
            if let Some(told) = self.ready.pop_front() {
                return Some(self.event(told));
            }
        }
    }

    /// May the reader still be told? The wait may have been long.
    async fn ask(&mut self) -> Result<(), ApiError> {
        if may_all(&self.door.let_in().await?) != self.all {
            return Err(ApiError::internal("the token holds other scopes than before"));
        }
        self.asked = Instant::now();
        Ok(())
    }

    /// Reads on, and waits where there is nothing; gives whether there may be something to send.
    async fn read(&mut self, until: Instant) -> Result<bool, ApiError> {
        let page = next(&self.state, self.query.clone(), until).await?;
        self.ask().await?;
        self.query.after = page.last;
        self.ready.extend(page.items);
        Ok(page.more || !self.ready.is_empty() || self.state.live.is_stopped())
    }

    fn event(&mut self, told: FeedEvent) -> Sent {
        self.told = told.position;
        let event = Event::from(told);
        let event = if self.all { event } else { event.without_admins() };
        // It is made of texts, numbers and JSON.
        let data = serde_json::to_string(&event).unwrap_or_default();
        Sent::default().id(self.told.to_string()).event(event.name).data(data)
    }

    /// A comment. Where others' events were passed over it brings the place, which clients keep: so they are not told one day
    /// that they were away for too long.
    fn sign_of_life(&mut self) -> Sent {
        let sent = Sent::default().comment("");
        if self.query.after == self.told {
            return sent;
        }
        self.told = self.query.after;
        sent.id(self.told.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().expect("a value"))])
    }

    #[test]
    fn who_accepts_a_stream_gets_one() {
        for (accept, expected) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            ("application/json, text/event-stream;q=0.9", true),
            ("application/json", false),
            ("*/*", false),
            ("text/*", false),
            ("text/event-streams", false),
        ] {
            assert_eq!(is_wanted(&headers("accept", accept)), expected, "{accept}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }

    #[test]
    fn places_are_numbers() {
        let place = |text: &str| last_event_id(&headers("last-event-id", text)).ok();
        assert_eq!((place("17"), place("0"), place("")), (Some(Some(17)), Some(Some(0)), Some(None)));
        assert_eq!((place("-1"), place("x"), place("9223372036854775808")), (None, None, None));
    }
}
