//! What tenants' identity providers send: the log of requests ([`LoggedRequest`], kept for a few days and for the
//! tenant's people only), counters per hour ([`Traffic`]) and milestones ([`Heard`]), which last longer, hold no personal
//! data and are read for all tenants at once by the installation's overview.
//!
//! Nothing here is written while a request is served: whole batches come in one transaction
//! ([`Platform::write_activity`]).

mod heard;
mod log;
mod traffic;
mod write;

pub use heard::{Heard, HeardChange, Milestone};
pub use log::{LoggedRequest, Position, RequestLine, RequestQuery};
pub use traffic::{HOUR, HourOfTraffic, Traffic, hour_of};
pub use write::{ActivityBatch, MAX_SUBJECTS, NewRequest};

use scim_core::{Document, fold};
use serde_json::Value;

#[cfg(doc)]
use crate::Platform;

/// Longest subject, in characters: longer texts are no names.
const LONGEST_SUBJECT: usize = 320;

/// The form in which an entry of the log names a resource or a person: folded. `None` for what can be no name.
#[must_use]
pub fn subject(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= LONGEST_SUBJECT && !text.contains('\0');
    fits.then(|| fold(text))
}

/// By what a user is named in the log, beside its id: user name, external id, e-mail addresses.
pub(crate) fn subjects_of(document: &Document) -> impl Iterator<Item = String> {
    let own = ["userName", "externalId"].into_iter().filter_map(|name| document.get(name)?.as_str());
    let emails = document.get("emails").and_then(Value::as_array).into_iter().flatten();
    own.chain(emails.filter_map(|email| email.get("value")?.as_str())).filter_map(subject)
}
