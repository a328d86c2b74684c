//! Events that the installation sends: is it really ours?

use http::HeaderMap;
use serde::Deserialize;

use crate::Event;

/// What a test of a destination is called.
const TEST: &str = "webhook.test";

/// Verifies what arrives at the address of a destination ([Standard Webhooks](https://www.standardwebhooks.com)).
///
/// ```
/// use rollcall_client::{Delivered, Webhook, WebhookError};
///
/// fn take(headers: &http::HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
///     // The secret is in the answer that made the destination.
///     let webhook = Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
///     // The body as it came, to the byte.
///     match webhook.verify(body, headers)? {
///         // It may come twice: remember the ids that are done.
///         Delivered::Event(event) => println!("{} of {}", event.kind, event.object.id),
///         Delivered::Test { .. } => println!("somebody tries whether we are here"),
///     }
///     Ok(())
/// }
/// assert!(take(&http::HeaderMap::new(), b"{}").is_err(), "nobody signed that");
/// ```
pub struct Webhook {
    inner: standardwebhooks::Webhook,
}

/// What was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivered {
    /// Something has happened.
    Event(Box<Event>),
    /// Somebody tries the destination.
    Test {
        /// Id of the message.
        id: String,
    },
}

/// Why a call is not believed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The secret is none.
    #[error("the secret of the destination is none: {0}")]
    Secret(#[source] standardwebhooks::WebhookError),
    /// It is not signed with the secret, or was signed more than five minutes ago.
    #[error("the call is not signed by the installation: {0}")]
    Forged(#[source] standardwebhooks::WebhookError),
    /// It is signed, and no event.
    #[error("the body is no event: {0}")]
    NoEvent(#[source] serde_json::Error),
}

/// What all messages have.
#[derive(Deserialize)]
struct Message {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Webhook {
    /// With the secret of a destination.
    pub fn new(secret: &str) -> Result<Self, WebhookError> {
        let inner = standardwebhooks::Webhook::new(secret).map_err(WebhookError::Secret)?;
        Ok(Self { inner })
    }

    /// What was sent, if the installation has sent it in the last five minutes. While a secret is replaced both sign, so the old
    /// one and the new one are good for a day.
    pub fn verify(&self, body: &[u8], headers: &HeaderMap) -> Result<Delivered, WebhookError> {
        self.inner.verify(body, headers).map_err(WebhookError::Forged)?;
        let Message { id, kind } = serde_json::from_slice(body).map_err(WebhookError::NoEvent)?;
        if kind == TEST {
            return Ok(Delivered::Test { id });
        }
        serde_json::from_slice(body).map(Box::new).map(Delivered::Event).map_err(WebhookError::NoEvent)
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Webhook").finish_non_exhaustive()
    }
}
