//! What operators see of the lines.

use metrics::{Counter, Gauge, counter, gauge};
use telemetry::metrics::{ADMITTED, TURNED_AWAY, WAITING, WORKING};

use crate::Full;

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
        let turned_away = |reason| counter!(TURNED_AWAY.name, "reason" => reason);
        Self {
            admitted: counter!(ADMITTED.name),
            working: gauge!(WORKING.name),
            waiting: gauge!(WAITING.name),
            line: turned_away("line"),
            lines: turned_away("lines"),
            late: turned_away("late"),
        }
    }
}

impl Meter {
    /// Says again what the gauges show: a gauge that nobody touches for long is taken for one whose subject is gone.
    pub(crate) fn show(&self) {
        self.working.increment(0.0);
        self.waiting.increment(0.0);
    }

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
