//! What a request hands over to the journal: copies of bodies up to a size, taken while they pass, and nothing that would
//! have to be waited for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use activity::{Exchange, Journal, MAX_CAPTURED, Outline, Payload};
use axum::{
    body::{Body, HttpBody as _},
    http::{Method, request::Parts},
    response::Response,
};
use bytes::Bytes;
use http_body_util::BodyExt as _;

use crate::caller::Caller;

/// A request that a caller was found for, on its way through the service.
pub(crate) struct Record {
    caller: Caller,
    method: Method,
    path: String,
    query: Option<String>,
    /// Endpoint, as soon as it is known.
    pub(crate) route: &'static str,
    /// `{id}` of the path.
    pub(crate) id: String,
    heard: Heard,
}

/// What of a body has passed.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Passed>>);

#[derive(Default)]
struct Passed {
    bytes: Vec<u8>,
    size: u64,
}

impl Record {
    /// Begins one, and gives back the body, which is copied while it is read. `path`: what follows the base URL.
    pub(crate) fn begin(caller: &Caller, parts: &Parts, path: &str, body: Body) -> (Self, Body) {
        let heard = Heard::default();
        let body = if body.is_end_stream() { body } else { heard.listen(body) };
        let record = Self {
            caller: caller.clone(),
            method: parts.method.clone(),
            path: path.to_owned(),
            query: parts.uri.query().map(str::to_owned),
            route: "",
            id: String::new(),
            heard,
        };
        (record, body)
    }

    /// Hands it over with its answer, and gives that back.
    pub(crate) async fn hand_over(
        self,
        journal: &Journal,
        request_id: &str,
        begun: Instant,
        response: Response,
    ) -> Response {
        let (tenant, status) = (self.caller.tenant.id(), response.status().as_u16());
        let (at, duration) = (journal.now(), begun.elapsed());
        let outline =
            Outline { tenant, at, duration, method: self.method.as_str(), route: self.route, status };
        if !journal.admits(&outline) {
            return response;
        }
        let (request, answered) = (self.heard.payload(), told(&response));
        let copies = match answered {
            Payload::Large(size) => {
                usize::try_from(size).ok().filter(|size| *size <= MAX_CAPTURED).unwrap_or(0)
            }
            _ => 0,
        };
        let (request, whole) = if journal.admits_bodies(&outline, request.weight() + copies) {
            (request, true)
        } else {
            // The answer says why, and is small where it is an error.
            (request.without_bytes(), journal.admits_bodies(&outline, copies))
        };
        let (response, answered) = if whole { copied(response).await } else { (response, answered) };
        journal.note(Exchange {
            tenant,
            profile: Arc::clone(&self.caller.tenant.profile),
            at,
            duration,
            request_id: request_id.to_owned(),
            credential: self.caller.principal.credential,
            credential_name: self.caller.principal.name,
            method: self.method.as_str().to_owned(),
            route: self.route,
            id: self.id,
            path: self.path,
            query: self.query,
            status,
            request,
            response: answered,
        });
        response
    }
}

impl Heard {
    fn listen(&self, body: Body) -> Body {
        let heard = self.clone();
        Body::new(body.inspect_frame(move |frame| {
            if let Some(data) = frame.data_ref() {
                heard.add(data);
            }
        }))
    }

    fn add(&self, data: &Bytes) {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passed.size += data.len() as u64;
        if passed.size > MAX_CAPTURED as u64 {
            passed.bytes = Vec::new();
        } else {
            passed.bytes.extend_from_slice(data);
        }
    }

    fn payload(&self) -> Payload {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match passed.size {
            0 => Payload::None,
            size if size > MAX_CAPTURED as u64 => Payload::Large(size),
            _ => Payload::Whole(std::mem::take(&mut passed.bytes).into()),
        }
    }
}

/// What can be said of a body without a copy of it.
fn told(response: &Response) -> Payload {
    match response.body().size_hint().exact() {
        None => Payload::Streamed,
        Some(0) => Payload::None,
        Some(size) => Payload::Large(size),
    }
}

/// A body whose length is known is there already, in one piece; what is streamed is left alone.
async fn copied(response: Response) -> (Response, Payload) {
    match told(&response) {
        Payload::Large(size) if size <= MAX_CAPTURED as u64 => {}
        payload => return (response, payload),
    }
    let (parts, body) = response.into_parts();
    match body.collect().await {
        Ok(collected) => {
            let bytes = collected.to_bytes();
            (Response::from_parts(parts, Body::from(bytes.clone())), Payload::Whole(bytes))
        }
        // A body in memory cannot fail.
        Err(_) => (Response::from_parts(parts, Body::empty()), Payload::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn heard(body: Body) -> Payload {
        let heard = Heard::default();
        let size = body.size_hint().exact();
        let body = heard.listen(body);
        assert_eq!(body.size_hint().exact(), size, "it is weighed as before");
        body.collect().await.expect("a body");
        heard.payload()
    }

    #[tokio::test]
    async fn bodies_are_copied_up_to_a_size() {
        assert_eq!(heard(Body::empty()).await, Payload::None);
        assert_eq!(heard(Body::from("{}")).await, Payload::Whole("{}".into()));
        let pieces = ["{\"a\"", ":1}"].map(Ok::<_, std::io::Error>);
        let pieces = Body::from_stream(futures::stream::iter(pieces));
        assert_eq!(heard(pieces).await, Payload::Whole("{\"a\":1}".into()));
        let large = vec![b' '; MAX_CAPTURED + 1];
        assert_eq!(heard(Body::from(large)).await, Payload::Large(MAX_CAPTURED as u64 + 1));
    }

    #[tokio::test]
    async fn answers_are_sent_as_they_are() {
        let large = "x".repeat(MAX_CAPTURED + 1);
        let table = [
            (Body::empty(), "", Payload::None),
            (Body::from("{}"), "{}", Payload::Whole("{}".into())),
            (Body::from(large.clone()), large.as_str(), Payload::Large(large.len() as u64)),
            (
                Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>("[]")])),
                "[]",
                Payload::Streamed,
            ),
        ];
        for (body, text, wanted) in table {
            let size = body.size_hint().exact();
            let (response, payload) = copied(Response::new(body)).await;
            assert_eq!(payload, wanted);
            assert_eq!(response.body().size_hint().exact(), size);
            let sent = response.into_body().collect().await.expect("a body").to_bytes();
            assert_eq!(sent, text);
        }
    }
}
