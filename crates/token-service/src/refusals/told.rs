//! Rows of refusals as people are told of them.

use std::net::IpAddr;

use scim_core::{profile::CredentialKind, timestamp};
use serde_json::{Value, json};
use store::{CredentialId, refusals::RefusalRow};

use super::{Fingerprint, Mistake, settle::Details};

/// Refusals that are alike, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What was likely done wrong.
    pub mistake: Mistake,
    /// The same in a sentence.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
    /// Base URL that was used.
    pub base_url: String,
    /// What was sent.
    pub sent: Fingerprint,
    /// User name or client id, if it is this tenant's.
    pub username: Option<String>,
    /// Its credential, if it is this tenant's.
    pub credential: Option<CredentialId>,
    /// Address of the sender.
    pub sender: Option<IpAddr>,
    /// Its User-Agent.
    pub agent: String,
    /// How often.
    pub count: u64,
    /// Milliseconds.
    pub first_at: i64,
    /// Milliseconds.
    pub last_at: i64,
}

impl Refused {
    /// The status that it was answered with.
    #[must_use]
    pub fn status(&self) -> u16 {
        if self.sent.many { 429 } else { self.mistake.status() }
    }

    /// For the command line and the API.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "status": self.status(),
            "mistake": self.mistake,
            "what": self.what,
            "remedy": self.remedy,
            "base_url": self.base_url,
            "sent": self.sent,
            "username": self.username,
            "credential": self.credential,
            "sender": self.sender,
            "agent": self.agent,
            "count": self.count,
            "first": timestamp::to_rfc3339(self.first_at),
            "last": timestamp::to_rfc3339(self.last_at),
        })
    }
}

/// Rows as people see them, of a tenant that takes these kinds of credentials.
pub(super) fn read(rows: Vec<RefusalRow>, takes: Option<&[CredentialKind]>) -> Vec<Refused> {
    // A row that a later version of this program has written may say what this one does not know.
    rows.into_iter()
        .filter_map(|row| {
            let Details { mistake, facts, base_url, sent, username, credential, sender, agent } =
                serde_json::from_str(&row.details).ok()?;
            let mistake = takes.map_or(mistake, |takes| mistake.where_taken(takes));
            Some(Refused {
                what: mistake.what(&facts),
                remedy: mistake.remedy(),
                mistake,
                base_url,
                sent,
                username,
                credential,
                sender,
                agent,
                count: u64::try_from(row.count).unwrap_or_default(),
                first_at: row.first_at,
                last_at: row.last_at,
            })
        })
        .collect()
}
