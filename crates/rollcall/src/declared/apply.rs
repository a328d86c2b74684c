//! A plan is put in place: each tenant's own configuration in one transaction, then its destinations one by one.

use delivery::DestinationError;
use provisioning::configuration::ConfigurationError;
use serde::Serialize;
use store::{StoreError, TenantId};

use super::{
    destinations::{Action, DestinationStep},
    plan::{Plan, TenantSteps},
    show::{destination_name, tenant_name},
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

/// Puts a plan in place, in its order, and tells of each thing when it is there: each is there as a whole, or not at all. The
/// error says at what it ended; what was told before stays, and what would have come after was not touched.
pub(crate) async fn apply(
    installation: &Installation,
    plan: &Plan,
    mut told: impl FnMut(Applied) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for tenant in &plan.tenants {
        let (id, done) = put(installation, tenant).await?;
        if let Some(done) = done {
            told(done)?;
            // What is left is to make the index complete, which a server would do as well.
            if let Err(error) = reindexed(installation, id).await {
                tracing::warn!(tenant = tenant.slug, %error, "its index is made anew by the next server");
            }
        }
        for step in &tenant.destinations {
            told(settle(installation, step, Some((id, tenant.slug.as_str()))).await?)?;
        }
    }
    for step in &plan.destinations {
        told(settle(installation, step, None).await?)?;
    }
    Ok(())
}

/// Does nobody know whether that was done which this error ended?
pub(crate) fn is_open(error: &anyhow::Error) -> bool {
    let of_store = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<StoreError>() {
        Some(error) => matches!(error, StoreError::Unknown(_)),
        None => match cause.downcast_ref::<DestinationError>() {
            Some(DestinationError::Store(StoreError::Unknown(_))) => true,
            _ => matches!(
                cause.downcast_ref::<ConfigurationError>(),
                Some(ConfigurationError::Store(StoreError::Unknown(_)))
            ),
        },
    };
    error.chain().any(of_store)
}

async fn put(
    installation: &Installation,
    tenant: &TenantSteps,
) -> anyhow::Result<(TenantId, Option<Applied>)> {
    let Some(_) = tenant.deed() else { return Ok((tenant.judged.before().id(), None)) };
    let what = tenant_name(&tenant.slug);
    let put = installation.tenants.put(&tenant.judged, &cli_context()).await;
    let (id, done) = put.map_err(|error| match error {
        // It says itself which field.
        ConfigurationError::Unfit(text) => anyhow::anyhow!("{what}: {text}"),
        other => anyhow::Error::new(other).context(what.clone()),
    })?;
    let applied = Applied {
        what,
        done: if tenant.judged.is_new() { "created" } else { "changed" },
        grants_added: done.granted,
        grants_ended: done.revoked,
        secret: None,
    };
    Ok((id, Some(applied)))
}

async fn reindexed(installation: &Installation, id: TenantId) -> Result<(), ConfigurationError> {
    match installation.tenants.by_id(id).await? {
        Some(tenant) => installation.tenants.reindex(&tenant, &|_, _| ()).await,
        None => Ok(()),
    }
}

async fn settle(
    installation: &Installation,
    step: &DestinationStep,
    of: Option<(TenantId, &str)>,
) -> anyhow::Result<Applied> {
    let what = destination_name(&step.name, of.map(|(_, slug)| slug));
    let meanwhile = |what: &str, done: &str| {
        anyhow::anyhow!("{what}: somebody else has {done} it meanwhile; look at the plan again")
    };
    let settled = settled(installation, step, of.map(|(id, _)| id)).await;
    let (done, secret) = settled.map_err(|error| match error {
        DestinationError::Unfit(text) => anyhow::anyhow!("{what}: {text}"),
        DestinationError::Store(StoreError::Stale) => meanwhile(&what, "changed"),
        DestinationError::Store(StoreError::Conflict { .. }) => meanwhile(&what, "made"),
        DestinationError::Unknown => meanwhile(&what, "removed"),
        other => anyhow::Error::new(other).context(what.clone()),
    })?;
    Ok(Applied { what, done, grants_added: 0, grants_ended: 0, secret })
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
            let (_, made) = destinations.create_unique(new, *state, &context).await?;
            Ok(("created", made.filter(|_| *shows_secret)))
        }
        Action::Change { id, change } => {
            destinations.change(*id, change.as_ref().clone(), &context).await?;
            Ok(("changed", None))
        }
        Action::Remove { id, version } => {
            destinations.delete(*id, Some(*version), &context).await?;
            Ok(("removed", None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        declared::{Permitted, plan, read},
        installation::Migrations,
        settings::{SettingFlags, Settings},
    };

    fn app(name: &str, rest: &str) -> String {
        format!("[[tenant.destination]]\nname = \"{name}\"\nurl = \"https://app.example.com/\"\n{rest}")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_somebody_changed_since_the_plan_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        let flags = SettingFlags { data_dir: Some(dir.path().join("data")), ..SettingFlags::default() };
        let settings = Settings::load(&flags).expect("settings");
        let installation = Installation::open(&settings, Migrations::Apply).await.expect("made");
        let planned = async |destinations: &[String]| {
            let path = dir.path().join("acme.toml");
            let head = "[[tenant]]\nslug = \"acme\"\nprofile = \"generic\"\nprune = true\n";
            std::fs::write(&path, format!("{head}{}", destinations.concat())).expect("written");
            let permitted = Permitted::new(&[], &settings, None).expect("permitted");
            plan(&installation, read(&[path], &permitted).expect("read")).await.expect("planned")
        };
        let both = [app("App", ""), app("Old", "")];
        apply(&installation, &planned(&both).await, |_| Ok(())).await.expect("applied");
        let changes = planned(&[app("App", "target-seconds = 5\n"), app("Old", "")]).await;
        let removes = planned(&both[..1]).await;
        let makes = planned(&[&both[..], &[app("New", "")]].concat()).await;
        let makes_it_again = planned(&[&both[..], &[app("New", "")]].concat()).await;

        let id = installation.tenant("acme").await.expect("there").id();
        let all = async || installation.store.platform().destinations(Some(id)).await.expect("read");
        for found in all().await {
            let paused = delivery::DestinationChange { active: Some(false), ..Default::default() };
            installation.destinations.change(found.id, paused, &cli_context()).await.expect("paused");
        }
        let ended = async |plan: &Plan| {
            apply(&installation, plan, |_| Ok(())).await.expect_err("refused").to_string()
        };
        let told = ended(&changes).await;
        assert!(told.starts_with("destination App of acme: somebody else has changed it"), "{told}");
        let told = ended(&removes).await;
        assert!(told.starts_with("destination Old of acme: somebody else has changed it"), "{told}");
        apply(&installation, &makes, |_| Ok(())).await.expect("nobody else has made it");
        let told = ended(&makes_it_again).await;
        assert!(told.starts_with("destination New of acme: somebody else has made it"), "{told}");
        let all = all().await;
        assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["App", "Old", "New"]);
        assert!(all.iter().all(|one| one.target == 60_000), "{all:?}");
    }
}
