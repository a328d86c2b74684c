//! The command for the installation's audit trail.

use clap::Args;

/// `rollcall audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only what happened to the token, person or key of this id
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) object: Option<String>,
    /// Most entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) limit: u64,
    /// As JSON: `[{id, event, object_type, object_id, object_version, actor: {kind, id, name}, cause, at, payload}]`
    #[arg(long)]
    pub(crate) json: bool,
}
