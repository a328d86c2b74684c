//! What was asked of one resource, what was answered and when, and whether some order explains all of it.
//!
//! A resource is a register: it is not there, or it has values and a version. Each request that may have had an effect is a
//! step from one state to the next, and each answer says something about the state at its step. The history of a resource is
//! *explained* if its steps can be put into one order such that
//!
//! - each acknowledged request has its place in it, between the moment at which it was sent and the moment at which its answer
//!   came: so of two requests of which one was answered before the other was sent, the first one comes first;
//! - requests whose outcome nobody knows have a place after they were sent, however late, or none;
//! - refused requests have none, so a value that only such a one had must not be seen by anybody;
//! - every answer says what the state at its place is: values, version, or that there is nothing. The version is 1 when the
//!   resource is made and grows by one with each change, so it never goes back, and tells of a change that nobody sees.
//!
//! The search is that of Wing and Gong with Lowe's memory of where it has been. Crates that do it (`stateright`,
//! `todc-utils`) want steps that are certain to happen, or bring a web server along.

use std::{collections::HashSet, time::Instant};

/// States that the search looks at before it gives up.
const LONGEST: usize = 1_000_000;

/// What a user or a group has. Titles are numbers that are given once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Values {
    /// Users: `title`. Groups: the end of `displayName`.
    pub(super) title: u32,
    pub(super) active: bool,
    /// A bit for each of those who may be members.
    pub(super) members: u64,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Create(Values),
    Put(Values),
    Title(u32),
    Active(bool),
    Add(u64),
    Remove(u64),
    Delete,
    Read,
    /// Finds another version than this (412), or nothing.
    Differs(u64),
}

impl Change {
    /// Is it there to change something?
    pub(super) fn is_write(self) -> bool {
        !matches!(self, Self::Read | Self::Differs(_))
    }
}

/// What an answer says about the state after the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// These values at this version.
    Values(Values, u64),
    /// This version.
    Version(u64),
    /// There is nothing.
    Nothing,
    /// That it was carried out.
    Success,
}

/// One request that may have had an effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) change: Change,
    /// Only at this version (`If-Match`).
    pub(super) if_match: Option<u64>,
    pub(super) sent: Instant,
    /// When it was answered with success, and with what. `None`: nobody knows what became of it.
    pub(super) answer: Option<(Instant, Seen)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    values: Option<Values>,
    version: u64,
}

impl State {
    /// The state after a step; `None` when the step cannot be taken here.
    fn after(self, step: &Step) -> Option<Self> {
        if step.if_match.is_some_and(|version| self.values.is_none() || self.version != version) {
            return None;
        }
        let patched = |change: &dyn Fn(&mut Values)| {
            let mut values = self.values?;
            change(&mut values);
            Some(Some(values))
        };
        let values = match step.change {
            Change::Create(values) if self.version == 0 => Some(values),
            Change::Create(_) => return None,
            Change::Put(values) => patched(&|now| *now = values)?,
            Change::Title(title) => patched(&|now| now.title = title)?,
            Change::Active(active) => patched(&|now| now.active = active)?,
            Change::Add(members) => patched(&|now| now.members |= members)?,
            Change::Remove(members) => patched(&|now| now.members &= !members)?,
            Change::Delete => self.values.and(Some(None))?,
            Change::Read => self.values,
            Change::Differs(version) if self.values.is_none() || self.version != version => self.values,
            Change::Differs(_) => return None,
        };
        let next = Self { values, version: self.version + u64::from(values != self.values) };
        let explained = match step.answer {
            None | Some((_, Seen::Success)) => true,
            Some((_, Seen::Values(seen, version))) => next.values == Some(seen) && next.version == version,
            Some((_, Seen::Version(version))) => next.values.is_some() && next.version == version,
            Some((_, Seen::Nothing)) => next.values.is_none(),
        };
        explained.then_some(next)
    }
}

/// What came of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Explained,
    /// It would be explained if this acknowledged write had never been made.
    Lost(usize),
    /// Some answer is explained by no order.
    Wrong,
    /// There are too many orders to try.
    Undecided,
}

/// Judges the history of one resource.
pub(super) fn judge(history: &[Step]) -> Verdict {
    match is_explained(history) {
        Some(true) => return Verdict::Explained,
        Some(false) => {}
        None => return Verdict::Undecided,
    }
    let without = |left_out: usize| {
        let mut others = history.to_vec();
        others.remove(left_out);
        is_explained(&others) == Some(true)
    };
    let is_acknowledged = |at: &usize| history[*at].answer.is_some() && history[*at].change.is_write();
    (0..history.len()).filter(is_acknowledged).find(|at| without(*at)).map_or(Verdict::Wrong, Verdict::Lost)
}

/// Is there an order? `None`: not found out.
fn is_explained(history: &[Step]) -> Option<bool> {
    let mut steps = history.to_vec();
    steps.sort_by_key(|step| step.sent);
    let left = steps.iter().filter(|step| step.answer.is_some()).count();
    let mut search = Search { taken: vec![false; steps.len()], steps, left, been: HashSet::new() };
    let found = search.goes_on(State::default());
    if found || search.been.len() < LONGEST { Some(found) } else { None }
}

struct Search {
    /// In the order in which they were sent.
    steps: Vec<Step>,
    taken: Vec<bool>,
    /// Acknowledged steps that are not taken.
    left: usize,
    /// Where the search has been in vain.
    been: HashSet<(Vec<bool>, State)>,
}

impl Search {
    fn goes_on(&mut self, state: State) -> bool {
        if self.left == 0 {
            return true;
        }
        if self.been.len() >= LONGEST || !self.been.insert((self.taken.clone(), state)) {
            return false;
        }
        // Whatever comes next was sent before any of those that are left was answered.
        let open = |at: &usize| !self.taken[*at];
        let answers = (0..self.steps.len()).filter(open).filter_map(|at| self.steps[at].answer);
        let Some(first) = answers.map(|(answered, _)| answered).min() else { return false };
        let next: Vec<usize> = (0..self.steps.len())
            .take_while(|at| self.steps[*at].sent <= first)
            .filter(|at| !self.taken[*at])
            .collect();
        // What is certain first: most of the others are never needed.
        let (certain, others): (Vec<usize>, _) =
            next.into_iter().partition(|at| self.steps[*at].answer.is_some());
        certain.into_iter().chain(others).any(|at| self.takes(at, state))
    }

    fn takes(&mut self, at: usize, state: State) -> bool {
        let Some(next) = state.after(&self.steps[at]) else { return false };
        let certain = usize::from(self.steps[at].answer.is_some());
        self.taken[at] = true;
        self.left -= certain;
        let found = self.goes_on(next);
        self.left += certain;
        self.taken[at] = false;
        found
    }
}
