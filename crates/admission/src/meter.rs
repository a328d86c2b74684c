//! What operators see of the lines.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use crate::Full;

const ADMITTED: &str = "rollcall_requests_admitted_total";
const TURNED_AWAY: &str = "rollcall_requests_turned_away_total";
const WORKING: &str = "rollcall_requests_working";
const WAITING: &str = "rollcall_requests_waiting";

/// Tells what is counted.
pub fn describe() {
    describe_counter!(ADMITTED, "Requests that were let in");
    describe_counter!(TURNED_AWAY, "Requests that found no room (503), by reason: line, lines or late");
    describe_gauge!(WORKING, "Requests that are worked on");
    describe_gauge!(WAITING, "Requests that wait for their turn");
}

/// What is counted, found once.
pub(crate) struct Meter {
    pub(crate) admitted: Counter,
    pub(crate) working: Gauge,
    pub(crate) waiting: Gauge,
    line: Counter,
    lines: Counter,
    late: Counter,
}

impl Default for Meter {
    fn default() -> Self {
        let turned_away = |reason| counter!(TURNED_AWAY, "reason" => reason);
        Self {
            admitted: counter!(ADMITTED),
            working: gauge!(WORKING),
            waiting: gauge!(WAITING),
            line: turned_away("line"),
            lines: turned_away("lines"),
            late: turned_away("late"),
        }
    }
}

impl Meter {
    /// Counts it, and gives it back.
    pub(crate) fn turned_away(&self, full: Full) -> Full {
        let counter = match full {
            Full::Line => &self.line,
            Full::Lines => &self.lines,
            Full::Late => &self.late,
        };
        counter.increment(1);
        full
    }
}
