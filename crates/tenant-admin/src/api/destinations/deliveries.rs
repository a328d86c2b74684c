//! What became of the events of a destination, and what is sent again: as it is asked for and told.

use serde::{Deserialize, Serialize};
use store::destinations::{Delivery, Fate};
use utoipa::{IntoParams, ToSchema};

use super::super::view::{time, word};

/// An event and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryView {
    /// Place in the feed.
    pub(super) position: i64,
    /// Id of the tenant.
    pub(super) tenant: String,
    /// Number among the events of the tenant.
    pub(super) sequence: i64,
    /// What has happened.
    pub(super) r#type: String,
    /// What it happened to.
    pub(super) object_id: String,
    /// `behind` one of the same object that is not ended; `due`; `done`; `dead`: given up.
    pub(super) state: String,
    /// Attempts until now.
    pub(super) attempts: i32,
    /// When it was committed, a moment later at most.
    pub(super) committed_at: String,
    /// The first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_attempt_at: Option<String>,
    /// The last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_attempt_at: Option<String>,
    /// Of one that is due: the next attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_attempt_at: Option<String>,
    /// When it was first taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delivered_at: Option<String>,
    /// When the receiver said that it is done: see `noteReceipts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) applied_at: Option<String>,
    /// Status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<i32>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

/// What is to be sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Again {
    /// Only those that were given up; else all in the stretch, also what it was never sent.
    #[serde(default)]
    pub(super) dead: bool,
    /// Those after this place of the feed.
    #[serde(default)]
    pub(super) after: i64,
    /// Up to this place; if not given up to its last one.
    pub(super) last: Option<i64>,
}

/// What is sent again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AgainView {
    /// With `dead`: how many; 1,000: there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u64>,
    /// Up to this place. Is it lower than was asked for, go on with `after` set to it.
    pub(super) last: i64,
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichDeliveries {
    /// `behind`, `due`, `done` or `dead`; if not given all.
    #[param(value_type = Option<String>)]
    pub(super) state: Option<Fate>,
    /// Most rows, 1 to 200; 50 if not given.
    pub(super) limit: Option<u64>,
    /// `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl From<Delivery> for DeliveryView {
    fn from(one: Delivery) -> Self {
        Self {
            position: one.position,
            tenant: one.tenant.to_string(),
            sequence: one.number,
            r#type: one.event,
            object_id: one.object_id,
            state: word(one.fate),
            attempts: one.attempts,
            committed_at: time(one.numbered_at),
            first_attempt_at: one.tried.map(|(first, _)| time(first)),
            last_attempt_at: one.tried.map(|(_, last)| time(last)),
            next_attempt_at: (one.fate == Fate::Due).then(|| time(one.next_at)),
            delivered_at: one.delivered_at.map(time),
            applied_at: one.applied_at.map(time),
            status: one.status,
            problem: one.problem,
        }
    }
}
