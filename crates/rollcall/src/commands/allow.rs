//! `rollcall token allow` and `rollcall basic allow`: networks of a credential that is there.

use anyhow::Context as _;
use store::credentials::{AllowedFrom, Credential};
use token_service::Networks;

use super::output;
use crate::{
    cli::places::Change,
    installation::{Installation, cli_context},
};

/// Changes the networks of these credentials, and tells what they are now.
pub(super) async fn run(
    installation: &Installation,
    tenant: store::TenantId,
    credentials: &[Credential],
    change: &Change,
) -> anyhow::Result<()> {
    for credential in credentials {
        let shown = shown(credential);
        let allowed =
            change.of(&credential.allowed_from).map_err(anyhow::Error::msg).context(shown.clone())?;
        let id = credential.id;
        let changed = installation.tokens.allow_from(tenant, id, &allowed, &cli_context()).await?;
        output::line(format_args!("{shown} {}", words(&changed.allowed_from)));
    }
    Ok(())
}

fn shown(credential: &Credential) -> String {
    match &credential.login {
        Some(login) => login.clone(),
        None => format!("{} (…{})", credential.name, credential.hint),
    }
}

/// `from 203.0.113.0/24`, `from anywhere`.
pub(super) fn words(allowed: &AllowedFrom) -> String {
    if allowed.networks.is_empty() {
        return "from anywhere".to_owned();
    }
    let networks = Networks(allowed.networks.clone());
    format!("from {networks}{}", if allowed.report_only { ", elsewhere only reported" } else { "" })
}
