//! The commands for an identity provider's own tokens.

use clap::Subcommand;

use super::places::AllowFrom;

/// `rollcall federation …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Federation {
    /// Take the tokens of a tenant's identity provider, and no longer those of the one before
    ///
    /// Microsoft offers this for testing: every app of the directory that is not from the gallery gets such a token, so
    /// whoever receives one of another app could show it here. For daily use make a token: rollcall token create.
    Set {
        /// Tenant
        slug: String,
        /// The customer's Tenant ID in Entra ID (Overview); no other tenant may have it
        #[arg(long, value_name = "ID")]
        directory: String,
        /// `iss` of the tokens, if it is not https://sts.windows.net/ID/
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// `aud` of the tokens, if it is not that of Entra's custom apps
        #[arg(long, value_name = "TEXT")]
        audience: Option<String>,
        /// Where the issuer's keys are (JWKS), if its OpenID configuration does not say
        #[arg(long, value_name = "URL")]
        keys_url: Option<String>,
        /// How long it is trusted: 90d, 1y, … or a date, at most 10y; without it, until it is removed
        #[arg(long, value_name = "TIME")]
        expires_in: Option<String>,
        /// What the tokens may do, separated by blanks
        #[arg(long, default_value = token_service::scopes::DEFAULT)]
        scope: String,
        #[command(flatten)]
        from: AllowFrom,
    },
    /// Show whose tokens a tenant takes
    Show {
        /// Tenant
        slug: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Refuse the identity provider's tokens from the next request on
    Remove {
        /// Tenant
        slug: String,
    },
}
