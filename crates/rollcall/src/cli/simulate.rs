//! `rollcall simulate …`: a provider played against any SCIM server.

use clap::{Args, Subcommand};

/// `rollcall simulate …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Simulate {
    /// Okta: wizard apps (PUT) and catalogue apps (PATCH), half of the people each
    Okta(SimulateOptions),
    /// Entra ID: each of its habits on the wire, in the older and in the compliant style
    Entra(SimulateOptions),
}

/// `rollcall simulate okta|entra`.
#[derive(Debug, Args)]
pub(crate) struct SimulateOptions {
    /// Base URL of the SCIM server, as pasted into the identity provider
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: String,
    /// The whole Authorization header, such as `Bearer rcl_…`
    #[arg(long, value_name = "HEADER")]
    pub(crate) authorization: String,
    /// People
    #[arg(long, default_value_t = 50)]
    pub(crate) users: usize,
    /// Groups to push
    #[arg(long, default_value_t = 5)]
    pub(crate) groups: usize,
    /// What the groups' names begin with, such as Envi_ where that makes them roles
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with = "load")]
    pub(crate) group_prefix: String,
    /// Operations in flight at once; with --load see --connections
    #[arg(long, default_value_t = 4)]
    pub(crate) concurrency: usize,
    /// The same seed gives the same people
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print the whole report as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) load: Load,
}

/// `rollcall simulate … --load`.
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// Measure instead of judging: makes the people and groups, sends a usual day's requests (look-ups, reads, changes,
    /// members in and out) as fast as they are answered, reads back what was written, removes what it made
    #[arg(long)]
    pub(crate) load: bool,
    /// With --load: connections, each with one request under way; at most one for each of the people
    #[arg(long, default_value_t = 16, requires = "load", conflicts_with = "concurrency")]
    pub(crate) connections: usize,
    /// With --load: how long, in seconds
    #[arg(long, default_value_t = 30, requires = "load")]
    pub(crate) seconds: u64,
    /// With --load: leave the people and groups there
    #[arg(long, requires = "load")]
    pub(crate) keep: bool,
}
