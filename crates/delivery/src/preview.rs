//! What would come of a destination, without anything coming of it; and whether secrets that somebody has are those that it
//! has.

use std::collections::BTreeMap;

use store::destinations::{Destination, DestinationState};

use crate::{DestinationChange, DestinationError, Destinations, NewDestination};

/// What is known of the secrets of a destination: never what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSecrets {
    /// By the member that holds it (`secret`, `headers.NAME`, `user`, `password`): is it the one that was shown? `None`: none
    /// was.
    pub members: BTreeMap<String, Option<bool>>,
    /// Can they be read with this installation's master key? Otherwise there are no members.
    pub readable: bool,
}

impl Destinations {
    /// A destination as it would be made.
    pub fn preview(&self, new: NewDestination) -> Result<Destination, DestinationError> {
        let (new, _) = self.judged(new, DestinationState::Active)?;
        Ok(Destination {
            id: new.id,
            tenant: new.tenant,
            kind: new.kind,
            name: new.name,
            settings: new.settings,
            sealed: new.sealed,
            events: new.events,
            state: new.state,
            target: new.target,
            version: 1,
            created_at: 0,
            created_by: String::new(),
            position: 0,
            missed: 0,
            failing_since: None,
            failures: 0,
            problem: None,
        })
    }

    /// A destination as it would be after a change.
    pub fn preview_change(
        &self,
        before: &Destination,
        change: DestinationChange,
    ) -> Result<Destination, DestinationError> {
        let change = self.judged_change(before, change)?;
        let mut after = before.clone();
        after.name = change.name.unwrap_or(after.name);
        after.settings = change.settings.unwrap_or(after.settings);
        after.events = change.events.unwrap_or(after.events);
        after.state = change.state.unwrap_or(after.state);
        after.target = change.target.unwrap_or(after.target);
        Ok(after)
    }

    /// Compares secrets, by member, with those that a destination has.
    #[must_use]
    pub fn known_secrets(&self, destination: &Destination, shown: &BTreeMap<String, String>) -> KnownSecrets {
        match self.ground().secrets(destination) {
            Ok(kept) => {
                let is_same = |(member, secret): (String, String)| {
                    let same = shown.get(&member).map(|shown| *shown == secret);
                    (member, same)
                };
                KnownSecrets { members: kept.into_iter().map(is_same).collect(), readable: true }
            }
            Err(_) => KnownSecrets { members: BTreeMap::new(), readable: false },
        }
    }
}
