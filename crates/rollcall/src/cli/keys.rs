//! The commands for keys.

use clap::Subcommand;

/// What is typed to end every token.
pub(crate) const CONFIRMATION: &str = "end-all-tokens";

/// `rollcall key …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// List the keys that sign tokens, how many live tokens hang on each, and what others need to check tokens themselves
    List {
        /// As JSON: `{issuer, audience, jwks_uri, keys: [{kid, state, created, signs_since, signed_until, covers_until,
        /// live_tokens}]}`
        #[arg(long)]
        json: bool,
    },
    /// Sign with the next key from now on
    ///
    /// Tokens that were issued stay as they are. The key that signed until now only verifies, until its last token has
    /// ended; its private half is destroyed. Running servers take the new key up within a second.
    Rotate,
    /// Put another master key in the place of the one that guards the keys
    ///
    /// With ROLLCALL_MASTER_KEY: set it to the new key and ROLLCALL_FORMER_MASTER_KEY to the old one, then run this.
    /// With master.key in the data folder: makes a new one; the old one stays beside it, for backups of the database from
    /// before. Tokens stay as they are, and servers that run go on. It can be run again at any time.
    Rewrap,
    /// Make new keys in the place of those that nobody can open any more: every token ends
    Replace {
        /// The master key is lost for good
        #[arg(long, required = true)]
        lost_master_key: bool,
        /// Type end-all-tokens
        #[arg(long, value_name = "WORDS")]
        confirm: Option<String>,
    },
}
