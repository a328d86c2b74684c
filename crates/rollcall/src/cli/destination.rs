//! The commands for destinations of events.

use clap::{Subcommand, ValueEnum};

/// `rollcall destination …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Destination {
    /// List to whom events are sent, and how many wait
    List {
        /// Those of a tenant; without it those of the installation, which are sent the events of all tenants
        slug: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a webhook and print the secret that signs; it cannot be shown again
    ///
    /// Each event is sent as a signed POST, in the order of its object, until it is taken: docs/delivery.md.
    Create {
        /// Sent the events of this tenant alone; without it those of all
        slug: Option<String>,
        /// Where to: https, on the public internet or in a network of ROLLCALL_EGRESS_ALLOW
        #[arg(long)]
        url: String,
        /// Name for people
        #[arg(long)]
        name: String,
        /// Types of events with commas, such as user.*,role.granted; all if not given
        #[arg(long, value_delimiter = ',', value_name = "TYPES")]
        events: Option<Vec<String>>,
        /// From the events after this place of the feed on, 0: all that are kept; from now on if not given
        #[arg(long, value_name = "PLACE")]
        after: Option<i64>,
    },
    /// Send it nothing until it is resumed; its events wait
    Pause {
        /// Its id, as `destination list` shows it
        id: String,
    },
    /// Send it what waits, at once; also when it was disabled
    Resume {
        /// Its id, as `destination list` shows it
        id: String,
    },
    /// Remove it: what it was not sent yet it never is
    Delete {
        /// Its id, as `destination list` shows it
        id: String,
    },
    /// Send it an event of the type webhook.test from here, and say what came of it
    Test {
        /// Its id, as `destination list` shows it
        id: String,
    },
    /// Send it events again: those that were given up, or a stretch of the feed whatever became of it
    Replay {
        /// Its id, as `destination list` shows it
        id: String,
        /// Those that were given up; with --after and --last only in this stretch
        #[arg(long, required_unless_present = "after")]
        dead: bool,
        /// What comes after this place of the feed
        #[arg(long, value_name = "PLACE", value_parser = clap::value_parser!(i64).range(0..))]
        after: Option<i64>,
        /// Up to this place; to the last one that it was sent if not given
        #[arg(long, value_name = "PLACE")]
        last: Option<i64>,
    },
    /// Show what became of its events, the last one first
    Deliveries {
        /// Its id, as `destination list` shows it
        id: String,
        /// Only those that stand so
        #[arg(long, value_enum)]
        state: Option<Fate>,
        /// Most rows
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Fate {
    /// Behind one of the same object that is not ended
    Behind,
    /// Sent when its time has come
    Due,
    /// Taken
    Done,
    /// Given up
    Dead,
}
