//! Webhooks: each event a POST, signed as Standard Webhooks 1.0.0 says.

mod terms;

use std::time::Duration;

use egress::{Call, Client, Limits};
use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use standardwebhooks::Webhook as Signer;
use url::Url;

use crate::{
    Unfit,
    carrier::{Carrier, Message, Refusal, TIME},
};

use terms::{check_headers, check_secret};

pub(crate) use terms::secret_of;
pub use terms::{NewWebhook, OVERLAP, Secrets, Settings, SigningSecret, WebhookChange};

/// An answer is not read for what it says, only for its end.
const ANSWER: usize = 64 * 1024;

/// A receiver is believed for so long that it wants nothing.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// A webhook, ready to send.
pub struct Webhook {
    egress: Client,
    url: Url,
    headers: HeaderMap,
    signers: Vec<(Signer, Option<i64>)>,
}

impl Webhook {
    /// Of what is kept. The error names what cannot be used.
    pub fn new(egress: Client, settings: &Settings, secrets: &Secrets) -> Result<Self, Unfit> {
        check_headers(&secrets.headers)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &secrets.headers {
            let at = |_| Unfit::new(format!("headers.{name}"), "it cannot be sent");
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| at(()))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| at(()))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let signers: Result<Vec<_>, Unfit> = secrets.signing.iter().map(signer).collect();
        let url = Url::parse(&settings.url).map_err(|error| Unfit::new("url", error.to_string()))?;
        Ok(Self { egress, url, headers, signers: signers? })
    }

    /// The headers of Standard Webhooks: id, time of the attempt in seconds, and a signature by each secret that is valid.
    fn signed(&self, message: &Message) -> Result<HeaderMap, Refusal> {
        let seconds = message.now.div_euclid(1_000);
        let valid = self.signers.iter().filter(|(_, end)| end.is_none_or(|end| end > message.now));
        let signatures: Result<Vec<String>, _> =
            valid.map(|(signer, _)| signer.sign(&message.id, seconds, &message.body)).collect();
        let cannot =
            |_| Refusal { problem: "the message could not be signed".to_owned(), ..Refusal::default() };
        let signatures = signatures.map_err(|error| cannot(error.to_string()))?.join(" ");
        let mut headers = self.headers.clone();
        for (name, value) in [
            (standardwebhooks::HEADER_WEBHOOK_ID, message.id.clone()),
            (standardwebhooks::HEADER_WEBHOOK_TIMESTAMP, seconds.to_string()),
            (standardwebhooks::HEADER_WEBHOOK_SIGNATURE, signatures),
        ] {
            let value = HeaderValue::from_str(&value).map_err(|error| cannot(error.to_string()))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(headers)
    }

    async fn post(&self, message: &Message) -> Result<Option<u16>, Refusal> {
        let call = Call {
            method: Method::POST,
            url: self.url.clone(),
            headers: self.signed(message)?,
            body: message.body.clone(),
            limits: Limits { total: TIME, answer: ANSWER },
        };
        match self.egress.status_of(call).await {
            Ok(answer) => judge(answer.status, &answer.headers),
            Err(error) => Err(Refusal { problem: error.to_string(), ..Refusal::default() }),
        }
    }
}

impl Carrier for Webhook {
    fn carry<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Option<u16>, Refusal>> {
        self.post(message).boxed()
    }
}

fn signer(secret: &SigningSecret) -> Result<(Signer, Option<i64>), Unfit> {
    check_secret(&secret.secret)?;
    let signer = Signer::new(&secret.secret).map_err(|error| Unfit::new("secret", error.to_string()))?;
    Ok((signer, secret.ends_at))
}

/// What a status means (Standard Webhooks, "Responses").
fn judge(status: StatusCode, headers: &HeaderMap) -> Result<Option<u16>, Refusal> {
    if status.is_success() {
        return Ok(Some(status.as_u16()));
    }
    let hint =
        if status.is_redirection() { "; redirects are not followed: set the final address" } else { "" };
    let asks = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Err(Refusal {
        problem: format!("it answered {}{hint}", status.as_u16()),
        status: Some(status.as_u16()),
        retry_after: seconds
            .filter(|_| asks)
            .map(|seconds| Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER)),
        is_gone: status == StatusCode::GONE,
        // A status may mean anything: receivers that are down answer 404 as often as not.
        of_event: false,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn message() -> Message {
        Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".into(),
            name: "test".into(),
            event: None,
            body: Bytes::from_static(br#"{"test": 2432232314}"#),
            now: 1_614_265_330_000,
        }
    }

    fn webhook(secrets: &Secrets) -> Webhook {
        let settings = Settings { url: "https://example.com/hook".into(), headers: Vec::new() };
        Webhook::new(Client::default(), &settings, secrets).expect("a webhook")
    }

    /// The example of the specification.
    #[test]
    fn the_signature_is_the_specified_one() {
        let headers =
            webhook(&Secrets::new(SECRET.into(), BTreeMap::new())).signed(&message()).expect("signed");
        assert_eq!(headers["webhook-id"], "msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_replaced_secret_signs_for_a_day() {
        let mut secrets = Secrets::new(SECRET.into(), BTreeMap::new());
        let now = message().now;
        let new = || secret_of(None).expect("a secret");
        secrets.rotate(new(), now);
        let signatures = |now| {
            let headers = webhook(&secrets).signed(&Message { now, ..message() }).expect("signed");
            headers["webhook-signature"].to_str().expect("text").split(' ').count()
        };
        assert_eq!((signatures(now), signatures(now + OVERLAP - 1), signatures(now + OVERLAP)), (2, 2, 1));
        assert!(secrets.signing.len() <= 3);
        for _ in 0..9 {
            secrets.rotate(new(), now + OVERLAP + 1);
        }
        assert!(secrets.signing.iter().skip(1).all(|old| old.ends_at == Some(now + 2 * OVERLAP + 1)));
    }

    #[test]
    fn statuses_say_what_to_do() {
        let none = HeaderMap::new();
        assert_eq!(judge(StatusCode::ACCEPTED, &none), Ok(Some(202)));
        let moved = judge(StatusCode::FOUND, &none).expect_err("refused");
        assert!(moved.problem.contains("302") && moved.problem.contains("redirects"), "{moved:?}");
        assert!(judge(StatusCode::GONE, &none).expect_err("refused").is_gone);
        let mut headers = HeaderMap::new();
        for (text, seconds) in
            [("120", Some(120)), ("999999", Some(3_600)), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
        {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(text));
            let refusal = judge(StatusCode::SERVICE_UNAVAILABLE, &headers).expect_err("refused");
            assert_eq!(refusal.retry_after, seconds.map(Duration::from_secs), "{text}");
        }
    }
}
