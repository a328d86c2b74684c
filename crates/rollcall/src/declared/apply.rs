//! A plan is put in place: each tenant's own configuration in one transaction, then its destinations one by one.

use delivery::DestinationError;
use provisioning::configuration::ConfigurationError;
use serde::Serialize;
use store::TenantId;

use super::{
    destinations::{Action, DestinationStep},
    plan::{Plan, TenantSteps},
    show::destination_name,
};
use crate::installation::{Installation, cli_context};

/// Something that was put in place.
#[derive(Debug, Serialize)]
pub(crate) struct Applied {
    /// `tenant acme`, `destination App of acme`.
    pub(crate) what: String,
    /// `created`, `changed` or `removed`.
    pub(crate) done: &'static str,
    /// Role grants that were added.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) grants_added: u64,
    /// Role grants that ended.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) grants_ended: u64,
    /// What signs, of a webhook for which it was made: shown only now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Puts a plan in place, in its order, and tells of each thing when it is there. The error says at what it ended; what was told
/// before stays, what would have come after was not touched.
pub(crate) async fn apply(
    installation: &Installation,
    plan: &Plan,
    mut told: impl FnMut(Applied),
) -> anyhow::Result<()> {
    for tenant in &plan.tenants {
        let id = put(installation, tenant, &mut told).await?;
        for step in &tenant.destinations {
            settle(installation, step, Some((id, tenant.slug.as_str())), &mut told).await?;
        }
    }
    for step in &plan.destinations {
        settle(installation, step, None, &mut told).await?;
    }
    Ok(())
}

async fn put(
    installation: &Installation,
    tenant: &TenantSteps,
    told: &mut impl FnMut(Applied),
) -> anyhow::Result<TenantId> {
    let Some(_) = tenant.deed() else { return Ok(tenant.judged.before().id()) };
    let what = format!("tenant {}", tenant.slug);
    let put = installation.tenants.put(&tenant.judged, &cli_context()).await;
    let (id, done) = put.map_err(|error| match error {
        // It says itself which field.
        ConfigurationError::Unfit(text) => anyhow::anyhow!("{what}: {text}"),
        other => anyhow::Error::new(other).context(what.clone()),
    })?;
    told(Applied {
        what,
        done: if tenant.judged.is_new() { "created" } else { "changed" },
        grants_added: done.granted,
        grants_ended: done.revoked,
        secret: None,
    });
    // What is left is to make the index complete, which a server would do as well.
    if let Some(tenant) = installation.tenants.by_id(id).await? {
        installation.tenants.reindex(&tenant, &|_, _| ()).await?;
    }
    Ok(id)
}

async fn settle(
    installation: &Installation,
    step: &DestinationStep,
    of: Option<(TenantId, &str)>,
    told: &mut impl FnMut(Applied),
) -> anyhow::Result<()> {
    let what = destination_name(&step.name, of.map(|(_, slug)| slug));
    let (done, secret) =
        settled(installation, step, of.map(|(id, _)| id)).await.map_err(|error| match error {
            DestinationError::Unfit(text) => anyhow::anyhow!("{what}: {text}"),
            other => anyhow::Error::new(other).context(what.clone()),
        })?;
    told(Applied { what, done, grants_added: 0, grants_ended: 0, secret });
    Ok(())
}

async fn settled(
    installation: &Installation,
    step: &DestinationStep,
    tenant: Option<TenantId>,
) -> Result<(&'static str, Option<String>), DestinationError> {
    let (destinations, context) = (&installation.destinations, cli_context());
    match &step.action {
        Action::Create { new, state, shows_secret } => {
            let mut new = new.as_ref().clone();
            new.tenant = tenant;
            let (_, made) = destinations.create_in(new, *state, &context).await?;
            Ok(("created", made.filter(|_| *shows_secret)))
        }
        Action::Change { id, change, secret } => {
            destinations.change(*id, change.as_ref().clone(), &context).await?;
            if let Some(secret) = secret {
                destinations.rotate(*id, Some(secret.clone()), &context).await?;
            }
            Ok(("changed", None))
        }
        Action::Remove { id } => {
            destinations.delete(*id, &context).await?;
            Ok(("removed", None))
        }
    }
}
