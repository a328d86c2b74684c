//! The chain over a trail: each numbered entry holds a hash over itself and the hash of the one before.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What stands before the first entry.
pub(crate) const START: [u8; 32] = [0; 32];

/// Names the form of the bytes that are hashed, so that another one can come later.
const FORM: &str = "rollcall.audit.1";

/// What is hashed of an entry. The payload is in it by its digest alone, so it can be purged.
pub(crate) struct Link<'a> {
    pub(crate) owner: Uuid,
    pub(crate) seq: i64,
    pub(crate) id: Uuid,
    /// Event, object type, object id, kind, id and name of the actor, cause.
    pub(crate) texts: [&'a str; 7],
    pub(crate) object_version: i64,
    pub(crate) at: i64,
    pub(crate) digest: &'a [u8],
}

impl Link<'_> {
    /// SHA-256 over the hash of the entry before, then: the name of the form, owner, number, id, the texts, version and
    /// time, digest. Ids have 16 bytes, numbers 8 (big-endian), texts and the digest their length before them (8 bytes,
    /// big-endian), so that no two entries have the same bytes.
    pub(crate) fn hash(&self, before: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(before);
        sized(&mut hash, FORM.as_bytes());
        hash.update(self.owner.as_bytes());
        hash.update(self.seq.to_be_bytes());
        hash.update(self.id.as_bytes());
        for text in self.texts {
            sized(&mut hash, text.as_bytes());
        }
        hash.update(self.object_version.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        sized(&mut hash, self.digest);
        hash.finalize().into()
    }
}

fn sized(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link<'static> {
        Link {
            owner: Uuid::from_u128(1),
            seq: 1,
            id: Uuid::from_u128(2),
            texts: ["user.created", "User", "u", "cli", "", "root", "r"],
            object_version: 1,
            at: 5,
            digest: &[7; 32],
        }
    }

    /// Computed by another program from what docs/console.md says.
    #[test]
    fn the_form_is_the_described_one() {
        let hex: String = link().hash(&START).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0ddc7ed9bd419228a9cdb52c3b6de85957a7397b96de730b08be680393ccd1e6");
    }

    /// Whatever is changed, moved from one field to the next, or comes after something else, has another hash.
    #[test]
    fn every_field_counts() {
        let same = link().hash(&START);
        assert_eq!(same, link().hash(&START));
        let mut moved = link();
        moved.texts[4] = "root";
        moved.texts[5] = "";
        let others = [
            link().hash(&[1; 32]),
            moved.hash(&START),
            Link { owner: Uuid::from_u128(9), ..link() }.hash(&START),
            Link { seq: 2, ..link() }.hash(&START),
            Link { id: Uuid::from_u128(9), ..link() }.hash(&START),
            Link { object_version: 2, ..link() }.hash(&START),
            Link { at: 6, ..link() }.hash(&START),
            Link { digest: &[8; 32], ..link() }.hash(&START),
            Link { digest: &[], ..link() }.hash(&START),
        ];
        for (place, other) in others.iter().enumerate() {
            assert_ne!(*other, same, "{place}");
        }
        for field in 0..7 {
            let mut changed = link();
            changed.texts[field] = "x";
            assert_ne!(changed.hash(&START), same, "{field}");
        }
    }
}
