//! An event as others get it, whichever way: the feed, a webhook, a stream.

use std::borrow::Cow;

use schemars::JsonSchema;
use scim_core::timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use store::{ActorKind, feed::FeedEvent};
use utoipa::ToSchema;

use crate::changed::changed;

/// Of which `before` holds only what has changed.
const CREDENTIAL: &str = "Credential";

/// Its entry in the trail tells how many rows of each table are gone.
const PURGED: &str = "user.purged";

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, JsonSchema)]
pub struct Event {
    /// Of the event; the same however often it is delivered.
    #[schema(example = "01a2199e-7c8e-71ea-9b27-4aead58c69d9")]
    pub id: String,
    /// What has happened.
    #[serde(rename = "type")]
    #[schema(example = "user.updated")]
    pub name: String,
    /// When it was committed (RFC 3339, UTC, milliseconds).
    #[schema(example = "2026-11-26T10:00:00.123Z")]
    pub timestamp: String,
    /// Its place in the feed; it grows. Go on after it.
    pub position: i64,
    /// Whose it is.
    pub tenant: EventTenant,
    /// Its place among the events of the tenant, from 1, without gaps.
    pub sequence: i64,
    /// What it happened to.
    pub object: EventObject,
    /// Who did it.
    pub actor: EventActor,
    /// Id of the request that it was done by, or the command.
    pub cause: String,
    /// What is known of it: `state` and `before` (the object after and before the change, in full), `changed` (paths of the
    /// attributes that differ between them), `notes`; of memberships and roles `group`, `member` and `role`; of a purge
    /// `live`. Null: it was erased, as the user was purged.
    #[schema(value_type = Option<Object>)]
    pub data: Option<Map<String, Value>>,
}

/// A tenant as events name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, JsonSchema)]
pub struct EventTenant {
    /// Id.
    pub id: String,
    /// Slug.
    #[schema(example = "acme")]
    pub slug: String,
}

/// What an event happened to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, JsonSchema)]
pub struct EventObject {
    /// Kind: `User`, `Group`, `Tenant`, `Credential`, …
    #[serde(rename = "type")]
    #[schema(example = "User")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its version after that. Events of one object come in the order of its versions.
    pub version: i64,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, JsonSchema)]
pub struct EventActor {
    /// `credential`, `admin`, `cli`, `system`, …
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "credential")]
    #[schemars(with = "String")]
    pub kind: ActorKind,
    /// Id of the credential or person; empty of the command line.
    pub id: String,
    /// Name at that time.
    pub name: String,
}

impl Event {
    /// Without the names of people of the console, who are nobody's business but the installation's.
    #[must_use]
    pub fn without_admins(mut self) -> Self {
        if self.actor.kind == ActorKind::Admin {
            self.actor.name.clear();
        }
        self
    }
}

impl From<FeedEvent> for Event {
    fn from(told: FeedEvent) -> Self {
        let record = told.record;
        let kind = record.object_type;
        let mut data = record.payload.and_then(|payload| data(payload, &kind));
        if record.event == PURGED {
            // For those who keep receipts.
            data.as_mut().map(|data| data.remove("rows"));
        }
        Self {
            id: record.id.to_string(),
            name: record.event,
            timestamp: timestamp::to_rfc3339(record.at),
            position: told.position,
            tenant: EventTenant { id: told.tenant.to_string(), slug: told.slug },
            sequence: told.number,
            actor: EventActor { kind: record.actor.kind, id: record.actor.id, name: record.actor.name },
            cause: record.cause,
            data,
            object: EventObject { kind, id: record.object_id, version: record.object_version },
        }
    }
}

/// What was recorded of an object of a kind, with the paths that differ where there is a state before and after.
fn data(payload: Value, kind: &str) -> Option<Map<String, Value>> {
    let Value::Object(mut data) = payload else { return None };
    let state = |name: &str| data.get(name).and_then(Value::as_object);
    if let (Some(before), Some(after)) = (state("before"), state("state")) {
        let mut after = Cow::Borrowed(after);
        if kind == CREDENTIAL {
            after.to_mut().retain(|name, _| before.contains_key(name));
        }
        let paths = changed(before, &after).into_iter().map(Value::from).collect();
        data.insert("changed".to_owned(), Value::Array(paths));
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use store::{Actor, TenantId, audit::Record};
    use uuid::Uuid;

    use super::*;

    fn told(payload: Option<Value>) -> FeedEvent {
        let actor = Actor { kind: ActorKind::Credential, id: "c".to_owned(), name: "Okta".to_owned() };
        FeedEvent {
            position: 9,
            tenant: TenantId(Uuid::from_u128(1)),
            slug: "acme".to_owned(),
            number: 4,
            record: Record {
                id: Uuid::from_u128(2),
                event: "user.updated".to_owned(),
                object_type: "User".to_owned(),
                object_id: "u".to_owned(),
                object_version: 3,
                actor,
                cause: "r-1".to_owned(),
                at: 1_764_151_200_123,
                payload,
            },
        }
    }

    #[test]
    fn the_form_is_the_described_one() {
        let payload = json!({"state": {"userName": "ann", "title": "Dr"}, "before": {"userName": "ann"}});
        let event = serde_json::to_value(Event::from(told(Some(payload.clone())))).expect("JSON");
        assert_eq!(
            event,
            json!({
                "id": "00000000-0000-0000-0000-000000000002", "type": "user.updated",
                "timestamp": "2025-11-26T10:00:00.123Z", "position": 9,
                "tenant": {"id": "00000000-0000-0000-0000-000000000001", "slug": "acme"}, "sequence": 4,
                "object": {"type": "User", "id": "u", "version": 3},
                "actor": {"type": "credential", "id": "c", "name": "Okta"}, "cause": "r-1",
                "data": {"state": payload["state"], "before": payload["before"], "changed": ["title"]},
            })
        );
        let erased = serde_json::to_value(Event::from(told(None))).expect("JSON");
        assert_eq!(erased["data"], Value::Null);
    }

    #[test]
    fn of_a_credential_only_what_has_changed_is_told_twice() {
        let payload =
            json!({"state": {"id": "c", "expiresAt": 2, "name": "Okta"}, "before": {"expiresAt": 1}});
        let data = |kind| data(payload.clone(), kind).expect("data")["changed"].clone();
        assert_eq!(data(CREDENTIAL), json!(["expiresAt"]));
        assert_eq!(data("Tenant"), json!(["id", "expiresAt", "name"]));
    }
}
