//! `rollcall oauth …`.

use clap::Subcommand;

use super::places::{AllowFrom, Change};

/// `rollcall oauth …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Oauth {
    /// Make a client and print its id and secret; the secret cannot be shown again
    ///
    /// Two lines, client_id=… and client_secret=…. The identity provider gets access tokens for them at /oauth/token
    /// (client_credentials). To replace a secret without an outage make a second client, put it in the identity
    /// provider, and revoke the first when `oauth list` shows that the second is in use.
    Create {
        /// Tenant
        slug: String,
        /// Name for people, unique among the tenant's live credentials
        #[arg(long)]
        name: String,
        /// How long it lives: 90d, 1y, … or a date; at most 10y [default: 1y, or less where less is allowed]
        #[arg(long, value_name = "TIME")]
        expires_in: Option<String>,
        /// The most that its access tokens may do, separated by blanks
        #[arg(long, default_value = token_service::scopes::DEFAULT)]
        scope: String,
        #[command(flatten)]
        from: AllowFrom,
        /// As JSON: `{client_id, client_secret, token_endpoint, scope, expires}`
        #[arg(long)]
        json: bool,
    },
    /// Say anew where a live client and its access tokens may come from; holds within a second
    Allow {
        /// Tenant
        slug: String,
        /// Its name, or its client id
        name: String,
        #[command(flatten)]
        change: Change,
    },
    /// List a tenant's clients
    List {
        /// Tenant
        slug: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a client: it gets no more access tokens, and those that it has are refused from the next request on
    Revoke {
        /// Tenant
        slug: String,
        /// Its name, or its client id
        name: String,
    },
}
