//! While a token and the one that took its place both live: which of the two the identity provider uses, told by their
//! last uses.

use scim_core::{fold, timestamp};
use store::{CredentialId, credentials::Credential};

/// An old token that was not used for so long (milliseconds) is done with, if the new one is used: Entra ID, the slowest
/// of the known ones, comes every 40 minutes.
pub const QUIET: i64 = 3_600_000;

/// Which of the two is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InUse {
    /// None, since the new one was made.
    Neither,
    /// The old one alone.
    Old,
    /// Both: somebody has the old one still, or had it until just now.
    Both,
    /// The new one; the old one has been quiet for [`QUIET`].
    New,
}

impl InUse {
    /// A word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Neither => "neither",
            Self::Old => "old",
            Self::Both => "both",
            Self::New => "new",
        }
    }

    /// Would nobody be shut out if the old one were revoked now, as far as uses tell?
    #[must_use]
    pub fn safe_to_revoke(self) -> bool {
        self == Self::New
    }
}

/// One token of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Id.
    pub id: CredentialId,
    /// Last four characters.
    pub hint: String,
    /// Last use, in milliseconds.
    pub used_at: Option<i64>,
    /// Address and user agent of it.
    pub used_from: String,
}

/// A rotation whose old token lives still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationState {
    /// The name of both.
    pub name: String,
    /// The token that was rotated.
    pub old: Party,
    /// The one that has its name now.
    pub new: Party,
    /// When the old one ends, in milliseconds.
    pub old_ends_at: Option<i64>,
    /// Which is used.
    pub in_use: InUse,
}

impl RotationState {
    /// Of all rotations of a tenant whose old token is live at `now` (milliseconds) and whose new one is, too.
    #[must_use]
    pub fn all(credentials: &[Credential], now: i64) -> Vec<Self> {
        let live = |one: &&Credential| one.revoked_at.is_none() && one.expires_at.is_none_or(|at| at > now);
        let old_ones = credentials.iter().filter(live).filter(|one| one.replaced);
        let newest = |old: &Credential| {
            let has_its_name =
                |one: &&Credential| !one.replaced && one.kind == old.kind && fold::same(&one.name, &old.name);
            credentials.iter().filter(live).find(has_its_name)
        };
        old_ones.filter_map(|old| Some(Self::of(old, newest(old)?, now))).collect()
    }

    fn of(old: &Credential, new: &Credential, now: i64) -> Self {
        let old_used_since = old.last_used_at.is_some_and(|at| at >= new.created_at);
        let old_is_quiet = old.last_used_at.is_none_or(|at| now.saturating_sub(at) >= QUIET);
        let in_use = match (new.last_used_at, old_used_since) {
            (None, true) => InUse::Old,
            (None, false) => InUse::Neither,
            (Some(_), _) if old_is_quiet => InUse::New,
            (Some(_), _) => InUse::Both,
        };
        Self {
            name: new.name.clone(),
            old: Party::of(old),
            new: Party::of(new),
            old_ends_at: old.expires_at,
            in_use,
        }
    }

    /// What is known, and what to do, in a sentence for people.
    #[must_use]
    pub fn advice(&self, now: i64) -> String {
        let (new, old) = (&self.new.hint, &self.old.hint);
        let used = |party: &Party| party.used_at.map(|at| timestamp::relative(at.saturating_sub(now)));
        let old_used =
            used(&self.old).map_or_else(|| "never used".to_owned(), |ago| format!("last used {ago}"));
        let by = self.old_ends_at.map(|at| {
            let text = timestamp::to_rfc3339(at);
            format!(" before {} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
        });
        let by = by.unwrap_or_default();
        let from = if self.new.used_from.is_empty() {
            String::new()
        } else {
            format!(" from {}", self.new.used_from)
        };
        let new_used = used(&self.new).unwrap_or_default();
        match self.in_use {
            InUse::Neither => format!(
                "Neither token was used since the rotation. Paste the new one, …{new}, in the identity provider{by}."
            ),
            InUse::Old => format!(
                "Still the old token, …{old}, {old_used}; the new one never. Paste the new one, …{new}, in the identity \
                 provider{by}."
            ),
            InUse::Both => format!(
                "The new token, …{new}, was used {new_used}{from}; the old one, …{old}, was {old_used}. Leave the old one \
                 until it was not used for an hour; if it goes on, another app has it still: paste the new one there{by}."
            ),
            InUse::New => format!(
                "The new token, …{new}, was used {new_used}{from}; the old one, …{old}, was {old_used}: it is safe to revoke."
            ),
        }
    }
}

impl Party {
    fn of(credential: &Credential) -> Self {
        Self {
            id: credential.id,
            hint: credential.hint.clone(),
            used_at: credential.last_used_at,
            used_from: credential.last_used_from.clone().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
#[path = "handover_tests.rs"]
mod tests;
