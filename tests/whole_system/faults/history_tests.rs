//! The judge of histories finds what it is there to find, and nothing where all is well.

use std::time::{Duration, Instant};

use super::history::{Change, Seen, Step, Values, Verdict, judge};

/// Makes steps whose times are milliseconds of one clock.
struct Clock(Instant);

impl Clock {
    fn done(&self, (from, to): (u64, u64), change: Change, seen: Seen) -> Step {
        Step { change, if_match: None, sent: self.at(from), answer: Some((self.at(to), seen)) }
    }

    fn unknown(&self, from: u64, change: Change) -> Step {
        Step { change, if_match: None, sent: self.at(from), answer: None }
    }

    fn at(&self, milliseconds: u64) -> Instant {
        self.0 + Duration::from_millis(milliseconds)
    }
}

fn values(title: u32) -> Values {
    Values { title, active: true, members: 0 }
}

fn seen(title: u32, version: u64) -> Seen {
    Seen::Values(values(title), version)
}

/// A user that is made with title 1, and given title 2.
fn begun(clock: &Clock) -> Vec<Step> {
    vec![
        clock.done((0, 1), Change::Create(values(1)), seen(1, 1)),
        clock.done((2, 3), Change::Title(2), seen(2, 2)),
    ]
}

fn with(more: impl FnOnce(&Clock) -> Vec<Step>) -> Verdict {
    let clock = Clock(Instant::now());
    let mut history = begun(&clock);
    history.extend(more(&clock));
    judge(&history)
}

#[test]
fn what_happened_one_after_the_other_is_explained() {
    assert_eq!(with(|_| Vec::new()), Verdict::Explained);
    let went = |clock: &Clock| {
        vec![
            clock.done((4, 5), Change::Read, seen(2, 2)),
            clock.done((6, 7), Change::Delete, Seen::Success),
            clock.done((8, 9), Change::Read, Seen::Nothing),
        ]
    };
    assert_eq!(with(went), Verdict::Explained);
}

#[test]
fn what_was_under_way_at_once_comes_in_either_order() {
    for (first, second) in [(3, 4), (4, 3)] {
        let crossed = |clock: &Clock| {
            vec![
                clock.done((4, 9), Change::Title(3), seen(3, if first == 3 { 3 } else { 4 })),
                clock.done((4, 9), Change::Title(4), seen(4, if first == 4 { 3 } else { 4 })),
                clock.done((10, 11), Change::Read, seen(second, 4)),
            ]
        };
        assert_eq!(with(crossed), Verdict::Explained);
    }
    // The answers say another order than the read.
    let crossed = |clock: &Clock| {
        vec![
            clock.done((4, 9), Change::Title(3), seen(3, 3)),
            clock.done((4, 9), Change::Title(4), seen(4, 4)),
            clock.done((10, 11), Change::Read, seen(3, 4)),
        ]
    };
    assert_ne!(with(crossed), Verdict::Explained);
}

#[test]
fn a_lost_write_is_found() {
    let forgotten = |clock: &Clock| vec![clock.done((4, 5), Change::Read, seen(1, 1))];
    assert_eq!(with(forgotten), Verdict::Lost(1));
    // Also where another one was written over it.
    let covered = |clock: &Clock| vec![clock.done((4, 5), Change::Title(3), seen(3, 2))];
    assert_eq!(with(covered), Verdict::Lost(1));
    // And a lost edge.
    let members =
        |members| Seen::Values(Values { title: 2, active: true, members }, 3 + u64::from(members == 3));
    let edges = |clock: &Clock| {
        vec![
            clock.done((4, 9), Change::Add(1), Seen::Success),
            clock.done((4, 9), Change::Add(2), Seen::Success),
            clock.done((10, 11), Change::Read, members(2)),
        ]
    };
    assert_eq!(with(edges), Verdict::Lost(2));
}

#[test]
fn a_stale_read_is_found() {
    let stale = |clock: &Clock| {
        vec![clock.done((4, 5), Change::Read, seen(1, 1)), clock.done((6, 7), Change::Read, seen(2, 2))]
    };
    assert_eq!(with(stale), Verdict::Wrong);
    // While the change was under way it may not have happened yet.
    let early = |clock: &Clock| {
        vec![clock.done((4, 8), Change::Title(3), seen(3, 3)), clock.done((5, 6), Change::Read, seen(2, 2))]
    };
    assert_eq!(with(early), Verdict::Explained);
    // But not once somebody has seen it.
    let back = |clock: &Clock| {
        vec![
            clock.done((4, 10), Change::Title(3), seen(3, 3)),
            clock.done((5, 6), Change::Read, seen(3, 3)),
            clock.done((7, 8), Change::Read, seen(2, 2)),
        ]
    };
    assert_eq!(with(back), Verdict::Wrong);
}

#[test]
fn a_value_that_comes_back_is_found() {
    let back = |clock: &Clock| {
        vec![
            clock.done((4, 5), Change::Delete, Seen::Success),
            clock.done((6, 7), Change::Read, Seen::Nothing),
            clock.done((8, 9), Change::Read, seen(2, 2)),
        ]
    };
    assert_eq!(with(back), Verdict::Wrong);
    let old = |clock: &Clock| {
        vec![
            clock.done((4, 5), Change::Read, seen(2, 2)),
            clock.done((6, 7), Change::Read, Seen::Values(values(1), 3)),
        ]
    };
    assert_eq!(with(old), Verdict::Wrong);
}

#[test]
fn a_refused_value_that_is_seen_is_found() {
    // The write of 3 was refused, so it is no step.
    let refused = |clock: &Clock| vec![clock.done((4, 5), Change::Read, seen(3, 3))];
    assert_eq!(with(refused), Verdict::Wrong);
    // A refused POST.
    let clock = Clock(Instant::now());
    assert_eq!(judge(&[clock.done((0, 1), Change::Read, seen(1, 1))]), Verdict::Wrong);
    assert_eq!(judge(&[clock.done((0, 1), Change::Read, Seen::Nothing)]), Verdict::Explained);
}

#[test]
fn what_nobody_knows_of_may_have_been_done_at_any_time_after_or_never() {
    let never = |clock: &Clock| {
        vec![clock.unknown(4, Change::Title(3)), clock.done((6, 7), Change::Read, seen(2, 2))]
    };
    assert_eq!(with(never), Verdict::Explained);
    let late = |clock: &Clock| {
        vec![
            clock.unknown(4, Change::Title(3)),
            clock.done((6, 7), Change::Read, seen(2, 2)),
            clock.done((8, 9), Change::Read, seen(3, 3)),
        ]
    };
    assert_eq!(with(late), Verdict::Explained);
    let before = |clock: &Clock| {
        vec![clock.done((4, 5), Change::Read, seen(3, 3)), clock.unknown(6, Change::Title(3))]
    };
    assert_eq!(with(before), Verdict::Wrong);
    // Done and written over: its version tells.
    let covered = |clock: &Clock| {
        vec![clock.unknown(4, Change::Title(3)), clock.done((6, 7), Change::Title(4), seen(4, 4))]
    };
    assert_eq!(with(covered), Verdict::Explained);
    let twice = |clock: &Clock| {
        vec![clock.unknown(4, Change::Title(3)), clock.done((6, 7), Change::Title(4), seen(4, 5))]
    };
    assert_ne!(with(twice), Verdict::Explained);
}

#[test]
fn a_version_that_goes_back_is_found() {
    let back = |clock: &Clock| {
        vec![clock.done((4, 5), Change::Read, seen(2, 2)), clock.done((6, 7), Change::Read, seen(2, 1))]
    };
    assert_eq!(with(back), Verdict::Wrong);
    let repeated = |clock: &Clock| vec![clock.done((4, 5), Change::Title(3), seen(3, 2))];
    assert_ne!(with(repeated), Verdict::Explained);
}

#[test]
fn of_those_who_name_one_version_one_wins() {
    let named = |mut step: Step| {
        step.if_match = Some(2);
        step
    };
    let two = |clock: &Clock| {
        vec![
            named(clock.done((4, 9), Change::Title(3), Seen::Success)),
            named(clock.done((4, 9), Change::Title(4), Seen::Success)),
        ]
    };
    assert_ne!(with(two), Verdict::Explained);
    let one = |clock: &Clock| {
        vec![
            named(clock.done((4, 9), Change::Title(3), Seen::Success)),
            clock.done((4, 9), Change::Differs(2), Seen::Success),
        ]
    };
    assert_eq!(with(one), Verdict::Explained);
    let nobody = |clock: &Clock| vec![clock.done((4, 9), Change::Differs(2), Seen::Success)];
    assert_ne!(with(nobody), Verdict::Explained);
}
