//! What the database knows of a user whose entry is to be written: how it stands now, and what the directory was told of it.

use scim_core::Document;
use store::{
    DestinationId, TenantScope, UserId,
    destinations::{Delivery, Fate},
};

use super::connection::Fault;

/// Events of a user that are looked at, the last ones.
const LOOKED_AT: usize = 100;

/// The users of a tenant, and a destination that is told of them.
pub(crate) struct People {
    scope: TenantScope,
    destination: DestinationId,
}

/// A user, as seen from one of its events.
#[derive(Clone, Copy)]
pub(super) struct Story<'p> {
    people: &'p People,
    pub(super) id: &'p str,
    position: i64,
}

/// A user as it stands.
#[derive(Debug)]
pub(super) enum Now {
    Live(Document),
    /// It was deleted, and may come back.
    Deleted(Document),
    /// It was purged.
    Gone,
}

/// What became of the events of a user, as far as that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// No event of it has come to an end: it may be older than all that is kept.
    Unknown,
    /// Its making was given up, and nothing was taken since.
    Unmade,
    /// An event was taken, so that there was an entry.
    Written,
    /// An event was given up, and none was taken since: the entry may be as it was before.
    GivenUp,
    /// The last that was taken was its end.
    Ended,
}

impl People {
    pub(crate) fn new(scope: TenantScope, destination: DestinationId) -> Self {
        Self { scope, destination }
    }

    /// What is known of a user whom an event in this place is about.
    pub(super) fn story<'p>(&'p self, id: &'p str, position: i64) -> Story<'p> {
        Story { people: self, id, position }
    }
}

impl Story<'_> {
    /// The user as it stands now.
    pub(super) async fn now(&self) -> Result<Now, Fault> {
        let Ok(id) = self.id.parse::<UserId>() else { return Ok(Now::Gone) };
        Ok(match self.people.scope.user_as_kept(id).await.map_err(|error| unread(&error))? {
            None => Now::Gone,
            Some(user) if user.deleted_at.is_some() => Now::Deleted(user.document),
            Some(user) => Now::Live(user.document),
        })
    }

    /// What became of the events before this one.
    pub(super) async fn past(&self) -> Result<Past, Fault> {
        Ok(Past::of(&self.events().await?, self.position))
    }

    /// Was it taken before, or one that came after it? Then its entry has what it has now.
    pub(super) async fn is_told(&self) -> Result<bool, Fault> {
        let events = self.events().await?;
        Ok(events.iter().any(|one| one.delivered_at.is_some() && one.position >= self.position))
    }

    async fn events(&self) -> Result<Vec<Delivery>, Fault> {
        let People { scope, destination } = self.people;
        scope.deliveries_of(*destination, self.id, LOOKED_AT).await.map_err(|error| unread(&error))
    }
}

impl Past {
    /// Of deliveries, the last one first. One that was taken once and is sent again was taken.
    fn of(events: &[Delivery], position: i64) -> Self {
        let dead: Vec<&Delivery> =
            events.iter().filter(|one| one.fate == Fate::Dead && one.position < position).collect();
        let Some(last) = events.iter().find(|one| one.delivered_at.is_some()) else {
            return match dead.as_slice() {
                [] => Self::Unknown,
                some if some.iter().any(|one| one.event == "user.created") => Self::Unmade,
                _ => Self::GivenUp,
            };
        };
        if matches!(last.event.as_str(), "user.deleted" | "user.purged") {
            return Self::Ended;
        }
        let given_up = dead.iter().any(|one| one.position > last.position);
        if given_up { Self::GivenUp } else { Self::Written }
    }
}

/// Of the directory nothing is to be learned then.
fn unread(error: &store::StoreError) -> Fault {
    tracing::warn!(%error, "a user could not be read for its directory");
    Fault::Conflict("the user could not be read in Rollcall's database; the log says why".to_owned())
}

#[cfg(test)]
mod tests {
    use store::TenantId;

    use super::*;

    /// Events by places from 1 on: what they are called, where they stand, and whether they were ever taken.
    fn past(events: &[(&str, Fate, bool)], position: i64) -> Past {
        let delivery = |(place, (event, fate, taken)): (usize, &(&str, Fate, bool))| Delivery {
            destination: DestinationId::generate(),
            position: i64::try_from(place).expect("small") + 1,
            tenant: TenantId::generate(),
            number: 1,
            event: (*event).to_owned(),
            object_id: String::new(),
            numbered_at: 0,
            fate: *fate,
            attempts: 1,
            next_at: 0,
            tried: None,
            status: None,
            problem: None,
            delivered_at: taken.then_some(1),
            applied_at: None,
        };
        let mut events: Vec<Delivery> = events.iter().enumerate().map(delivery).collect();
        events.reverse();
        Past::of(&events, position)
    }

    #[test]
    fn what_is_known_of_an_entry() {
        use Fate::{Behind, Dead, Done, Due};
        let (made, changed, deleted, restored) =
            ("user.created", "user.updated", "user.deleted", "user.restored");
        let (taken, dead, due) =
            (|event| (event, Done, true), |event| (event, Dead, false), |event| (event, Due, false));
        for (events, position, expected) in [
            (&[][..], 9, Past::Unknown),
            (&[due(deleted)], 1, Past::Unknown),
            (&[taken(made), due(deleted)], 2, Past::Written),
            (&[dead(made), due(deleted)], 2, Past::Unmade),
            (&[dead(made), dead(changed), due(deleted)], 3, Past::Unmade),
            (&[dead(made), taken(changed), due(deleted)], 3, Past::Written),
            (&[taken(made), dead(changed), due(deleted)], 3, Past::GivenUp),
            (&[taken(made), dead(changed), taken(changed), due(deleted)], 4, Past::Written),
            // Of the making nobody knows any more.
            (&[dead(changed), due(deleted)], 2, Past::GivenUp),
            (&[taken(made), taken(deleted), due("user.purged")], 3, Past::Ended),
            (&[taken(made), taken(deleted), taken(restored), due(deleted)], 4, Past::Written),
            // Sent again: the end was taken already; and what was given up after it says nothing of it.
            (&[taken(made), (deleted, Due, true)], 2, Past::Ended),
            (&[(made, Due, true), (deleted, Behind, true)], 1, Past::Ended),
            (&[taken(made), due(changed), dead(deleted)], 2, Past::Written),
        ] {
            assert_eq!(past(events, position), expected, "{events:?} before {position}");
        }
    }
}
