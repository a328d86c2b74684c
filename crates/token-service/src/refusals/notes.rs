//! What was refused and is not written yet: bounded, whoever sends whatever.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use store::{CredentialId, TenantId};

use super::{mistake::Mistake, sent::Fingerprint};

/// Different ones that a node keeps between two writes.
const CAPACITY: usize = 1_000;
/// Of them from one address, so that one sender leaves room for the others.
const OF_ONE: usize = 50;

/// What is alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The tenant that the address names.
    pub(super) slug: Option<String>,
    /// Base URL.
    pub(super) address: String,
    pub(super) mistake: Mistake,
    /// Whose credential it is, if that is proven.
    pub(super) whose: Option<(TenantId, CredentialId)>,
    /// User name as sent.
    pub(super) login: Option<String>,
    pub(super) sender: Option<IpAddr>,
    pub(super) digest: String,
}

/// How often, and what is only kept of the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) print: Fingerprint,
    pub(super) agent: String,
    /// The scope that is needed, or the scheme that was sent.
    pub(super) word: Option<String>,
    /// When the access token ends that was sent, in milliseconds; `None`: it was none.
    pub(super) access_until: Option<i64>,
    pub(super) count: u64,
    /// Milliseconds.
    pub(super) first_at: i64,
    /// Milliseconds.
    pub(super) last_at: i64,
    /// Too many wrong ones have come: to be told to people.
    pub(super) news: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Notes(Mutex<Kept>);

/// What was taken out to be written.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) notes: HashMap<Key, Note>,
    /// Those that found no room.
    pub(super) lost: u64,
    senders: HashMap<Option<IpAddr>, usize>,
}

impl Notes {
    /// Notes one, or what could not be written.
    pub(super) fn add(&self, key: Key, note: Note) {
        self.lock().add(key, note);
    }

    /// Takes all.
    pub(super) fn take(&self) -> Kept {
        std::mem::take(&mut *self.lock())
    }

    /// A panic while the lock was held can have broken no more than a count.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn add(&mut self, key: Key, note: Note) {
        let room = self.notes.len() < CAPACITY;
        let sender = key.sender;
        match self.notes.entry(key) {
            Entry::Occupied(mut kept) => kept.get_mut().add(note),
            Entry::Vacant(place) => {
                let of_sender = self.senders.entry(sender).or_default();
                if room && *of_sender < OF_ONE {
                    *of_sender += 1;
                    place.insert(note);
                } else {
                    self.lost = self.lost.saturating_add(note.count);
                    if *of_sender == 0 {
                        self.senders.remove(&sender);
                    }
                }
            }
        }
    }
}

impl Note {
    fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.first_at = self.first_at.min(other.first_at);
        self.news |= other.news;
        if other.last_at >= self.last_at {
            (self.last_at, self.agent, self.print) = (other.last_at, other.agent, other.print);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(sender: u32, digest: u32) -> Key {
        Key {
            slug: Some("acme".into()),
            address: "https://scim.example.com/t/acme/scim/v2".into(),
            mistake: Mistake::NotOurs,
            whose: None,
            login: None,
            sender: Some(IpAddr::from(sender.to_be_bytes())),
            digest: digest.to_string(),
        }
    }

    fn note(at: i64, agent: &str) -> Note {
        Note {
            print: Fingerprint::default(),
            agent: agent.into(),
            word: None,
            access_until: None,
            count: 1,
            first_at: at,
            last_at: at,
            news: false,
        }
    }

    #[test]
    fn alike_ones_are_counted() {
        let notes = Notes::default();
        notes.add(key(1, 1), note(5, "new"));
        notes.add(key(1, 1), note(3, "old"));
        notes.add(key(1, 2), note(4, "other"));
        let kept = notes.take();
        let one = &kept.notes[&key(1, 1)];
        assert_eq!((one.count, one.first_at, one.last_at, one.agent.as_str()), (2, 3, 5, "new"));
        assert_eq!((kept.notes.len(), kept.lost), (2, 0));
        assert!(notes.take().notes.is_empty());
    }

    #[test]
    fn room_is_bounded_and_shared() {
        let notes = Notes::default();
        for digest in 0..200 {
            notes.add(key(1, digest), note(1, ""));
        }
        let kept = notes.take();
        assert_eq!((kept.notes.len(), kept.lost), (OF_ONE, 200 - OF_ONE as u64));
        for sender in 0..3_000 {
            notes.add(key(sender, 1), note(1, ""));
        }
        // What is known already is counted all the same.
        notes.add(key(7, 1), note(1, ""));
        let kept = notes.take();
        assert_eq!((kept.notes.len(), kept.senders.len(), kept.lost), (CAPACITY, CAPACITY, 2_000));
        assert_eq!(kept.notes[&key(7, 1)].count, 2);
    }
}
