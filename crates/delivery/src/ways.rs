//! From what is kept of a destination to what carries its messages: one line for each kind.

use std::sync::Arc;

use bytes::Bytes;
use egress::Client;
use serde_json::json;
use store::{
    destinations::{Destination, DestinationKind},
    feed::FeedEvent,
};
use token_service::Vault;
use uuid::Uuid;

use crate::{
    Event,
    carrier::{Carrier, Message, Refusal},
    ldap,
    webhook::{self, Webhook},
};

/// What a test event is called.
const TEST: &str = "webhook.test";

/// What carries to a destination. The error says why nothing can.
pub(crate) fn carrier(
    destination: &Destination,
    vault: &Vault,
    egress: &Client,
) -> Result<Arc<dyn Carrier>, String> {
    match destination.kind {
        DestinationKind::Webhook => {
            let settings = webhook::Settings::of(&destination.settings)?;
            let secrets = webhook::Secrets::open(vault, destination.id, &destination.sealed)?;
            let webhook =
                Webhook::new(egress.clone(), &settings, &secrets).map_err(|unfit| unfit.to_string())?;
            Ok(Arc::new(webhook))
        }
        DestinationKind::Ldap => {
            let settings = ldap::Settings::of(&destination.settings)?;
            let secrets = ldap::Secrets::open(vault, destination.id, &destination.sealed)?;
            Ok(Arc::new(ldap::Writer::new(egress.clone(), &settings, secrets)?))
        }
    }
}

/// An event as this destination gets it. That of a tenant is not told the names of people of the console.
pub(crate) fn message(event: FeedEvent, is_of_tenant: bool, now: i64) -> Message {
    let event = Event::from(event);
    let event = if is_of_tenant { event.without_admins() } else { event };
    // It is made of texts, numbers and JSON.
    let body = serde_json::to_vec(&event).unwrap_or_default();
    Message { id: event.id, body: body.into(), now }
}

/// Sends a message that says nothing, at `now` (milliseconds); gives the status of the answer.
pub(crate) async fn send_test(
    destination: &Destination,
    vault: &Vault,
    egress: &Client,
    now: i64,
) -> Result<Option<u16>, Refusal> {
    let carrier =
        carrier(destination, vault, egress).map_err(|problem| Refusal { problem, ..Refusal::default() })?;
    let id = Uuid::now_v7().to_string();
    let body = json!({
        "id": id,
        "type": TEST,
        "timestamp": scim_core::timestamp::to_rfc3339(now),
        "data": {"destination": {"id": destination.id, "name": destination.name}},
    });
    carrier.carry(&Message { id, body: Bytes::from(body.to_string()), now }).await
}
