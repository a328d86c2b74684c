//! What the page says of the chain: whether the trail is what was written, and what to do if not.

use store::trail::verify::{Fault, TrailState, Wrong};

use crate::when::Moment;

/// The state of a trail's chain.
#[derive(Clone, Debug)]
pub(crate) struct ChainCard {
    /// Address of the page.
    pub(crate) base: String,
    /// Number of the newest entry.
    pub(crate) head: i64,
    /// Its hash, hexadecimal.
    pub(crate) hash: String,
    /// Entries that have no number yet.
    pub(crate) waiting: i64,
    /// How far a check is that is under way.
    pub(crate) running: Option<i64>,
    /// The last one that ended.
    pub(crate) check: Option<Checked>,
}

/// What a check came to.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) through: i64,
    pub(crate) purged: i64,
    pub(crate) at: Moment,
    /// Entries that came since.
    pub(crate) newer: i64,
    pub(crate) fault: Option<Told>,
}

/// A fault in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) number: i64,
    /// What is wrong.
    pub(crate) what: String,
    /// Is there an entry of this number to look at?
    pub(crate) there: bool,
}

impl ChainCard {
    pub(crate) fn new(state: &TrailState, base: &str, now: i64) -> Self {
        Self {
            base: base.to_owned(),
            head: state.head,
            hash: hex(&state.chain),
            waiting: state.waiting,
            running: state.running.map(|(through, _)| through),
            check: state.check.map(|check| Checked {
                through: check.through,
                purged: check.purged,
                at: Moment::new(check.at, now),
                newer: (state.head - check.through).max(0),
                fault: check.fault.map(told),
            }),
        }
    }

    /// The fault that was found at an entry.
    pub(crate) fn fault_at(&self, number: i64) -> Option<&Told> {
        self.check.as_ref()?.fault.as_ref().filter(|fault| fault.number == number)
    }
}

fn told(fault: Fault) -> Told {
    Told { number: fault.number, what: fault.to_string(), there: fault.what != Wrong::Missing }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
