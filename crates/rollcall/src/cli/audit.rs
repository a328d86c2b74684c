//! The commands for audit trails.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Subcommand};

/// `rollcall audit`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Audit {
    /// Something else than to show entries
    #[command(subcommand)]
    pub(crate) command: Option<AuditCommand>,
    /// Of this tenant, not of the installation
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: Option<String>,
    /// Only what happened to the token, person, key, user, … of this id
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) object: Option<String>,
    /// Most entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) limit: u64,
    /// As JSON: `[{id, event, object_type, object_id, object_version, actor: {kind, id, name}, cause, at, payload}]`
    #[arg(long)]
    pub(crate) json: bool,
}

/// `rollcall audit …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Compute the chain of hashes anew and say whether a trail is what was written
    ///
    /// Finds entries that were changed, removed, moved or inserted in the database, and names the first one; the exit code is
    /// 1 then. What was purged with a person is proven all the same. Without --tenant and --all it is the trail of the
    /// installation itself. The console shows the result, too.
    Verify(Verify),
    /// Print a signed statement of how long a trail is and what its last hash is, to be kept elsewhere
    ///
    /// Later `rollcall audit verify --checkpoint FILE` says whether the trail still has that hash at that place: then nothing
    /// up to there was cut off or written anew, not even as a whole. One line a trail, in the form of a JWS (RFC 7515). Only
    /// a trail that is whole is signed. Without --tenant and --all it is the trail of the installation itself.
    Checkpoint(Checkpoint),
    /// Print a signed receipt of the purge of a user, or of a whole tenant
    ///
    /// It says who did it, when, why, how many rows of each table held something, where the trail tells of it, and that no
    /// row is left; no personal data but the name of whoever did it. `rollcall audit verify --checkpoint` takes it, too.
    Receipt(Receipt),
}

/// `rollcall audit receipt`.
#[derive(Debug, Args)]
pub(crate) struct Receipt {
    /// The tenant that was purged, or whose user was
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,
    /// Id of the user
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// Where the signed receipt goes; stdout if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// What it says, as JSON, instead of the signed form
    #[arg(long, conflicts_with = "output")]
    pub(crate) json: bool,
}

/// `rollcall audit checkpoint`.
#[derive(Debug, Args)]
pub(crate) struct Checkpoint {
    /// The trail of this tenant
    #[arg(long, value_name = "SLUG", conflicts_with = "all")]
    pub(crate) tenant: Option<String>,
    /// The trails of the installation and of all tenants
    #[arg(long)]
    pub(crate) all: bool,
    /// Where to; stdout if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `rollcall audit verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The trail of this tenant
    #[arg(long, value_name = "SLUG", conflicts_with = "all")]
    pub(crate) tenant: Option<String>,
    /// The trails of the installation and of all tenants
    #[arg(long)]
    pub(crate) all: bool,
    /// That this entry has this hash, as an earlier run printed it: so nothing up to it was written anew
    #[arg(long, value_name = "NUMBER:HASH", conflicts_with = "all")]
    pub(crate) expect: Option<Expected>,
    /// The trails that these signed statements of `rollcall audit checkpoint` are about, and that each still holds; `-` is
    /// stdin. It needs the master key
    #[arg(long = "checkpoint", value_name = "FILE", conflicts_with_all = ["tenant", "all", "expect"])]
    pub(crate) checkpoints: Vec<PathBuf>,
    /// As JSON: `[{trail, entries, verified, purged, fault: {number, what} | null, end: "NUMBER:HASH", expected}]`
    #[arg(long)]
    pub(crate) json: bool,
}

/// An entry and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) number: i64,
    /// Hexadecimal, lower case.
    pub(crate) hash: String,
}

impl FromStr for Expected {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write NUMBER:HASH, as `rollcall audit verify` prints it";
        let (number, hash) = text.trim().split_once(':').ok_or(FORM)?;
        let number = number.parse().ok().filter(|number| *number > 0).ok_or(FORM)?;
        let hash = hash.to_ascii_lowercase();
        let whole = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if whole { Ok(Self { number, hash }) } else { Err(FORM) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_a_number_and_a_hash() {
        let hash = "AB".repeat(32);
        let read = Expected::from_str(&format!("7:{hash}")).expect("one");
        assert_eq!((read.number, read.hash), (7, hash.to_lowercase()));
        for text in [
            "7",
            "7:",
            &hash,
            &format!("0:{hash}"),
            &format!("x:{hash}"),
            &format!("7:{hash}0"),
            &format!("7:{}", "zz".repeat(32)),
        ] {
            assert!(Expected::from_str(text).is_err(), "{text}");
        }
    }
}
