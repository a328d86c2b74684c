//! Counts how long whoever asks waits for the database before anything is asked of it.

use std::time::Instant;

use metrics::histogram;
use telemetry::metrics::DATABASE_WAIT;

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum For {
    /// A connection of the pool, with its BEGIN.
    Transaction,
    /// A connection at hand, where none was free: of a place there, or of the pool.
    Statement,
    /// The turn of SQLite's one writer.
    Writer,
}

/// The wait is over, one way or the other.
pub(crate) fn waited(what: For, asked: Instant) {
    let what = match what {
        For::Transaction => "transaction",
        For::Statement => "statement",
        For::Writer => "writer",
    };
    histogram!(DATABASE_WAIT.name, "for" => what).record(asked.elapsed());
}
