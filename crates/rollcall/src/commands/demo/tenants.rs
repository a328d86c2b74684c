//! The tenants of the demo, each with what its product's guide takes for granted.

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use idp_simulator::{FeatureOutcome, scenario};
use provisioning::{Request, Tenant, configuration::ConsolePage};
use scim_core::{profile::CredentialKind, projection::Projection, value_set::AllowedValue};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use store::tenants::TenantSettings;
use token_service::{NewBasic, NewToken, expiry, scopes};

use super::shown;
use crate::{
    installation::{Installation, cli_context},
    settings::Settings,
};

/// A tenant of the demo.
#[derive(Clone, Serialize)]
pub(super) struct DemoTenant {
    pub(super) slug: String,
    pub(super) profile: String,
    pub(super) base_url: String,
    pub(super) authorization: String,
    /// What was seen of the guide while the tenant was made.
    #[serde(skip)]
    pub(super) shown: Vec<FeatureOutcome>,
}

/// Makes a tenant as the vendor does: inactive, then with its lists, account and people, then active, then a credential.
pub(super) async fn create(
    installation: &Installation,
    settings: &Settings,
    profile: &str,
    seed: u64,
) -> anyhow::Result<DemoTenant> {
    let context = cli_context();
    let new = installation.tenants.create(profile, None, profile, "lenient", false, &context).await?;
    let hidden = new.console_page_open() != ConsolePage::Open;
    prepare(installation, profile, seed).await?;
    installation.tenants.activate(&*installation.tenant(profile).await?, &context).await?;
    let tenant = installation.tenant(profile).await?;
    let open = tenant.console_page_open() == ConsolePage::Open;
    let authorization = authorization(installation, &tenant).await?;
    Ok(DemoTenant {
        slug: profile.to_owned(),
        profile: profile.to_owned(),
        base_url: tenant.base_url(&settings.public_url()),
        authorization,
        shown: shown::console_page(profile, hidden, open),
    })
}

async fn prepare(installation: &Installation, slug: &str, seed: u64) -> anyhow::Result<()> {
    let context = cli_context();
    let prepared = scenario::prepared(slug, seed);
    for (name, values) in prepared.value_sets {
        let tenant = installation.tenant(slug).await?;
        let values: Vec<AllowedValue> = values.iter().map(|value| AllowedValue::from(*value)).collect();
        installation.tenants.set_value_set(&tenant, name, values, &context).await?;
    }
    let properties = prepared.properties.iter();
    let settings = TenantSettings {
        organization: prepared.organization.map(|name| Some(name.to_owned())),
        properties: properties.map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect(),
        ..TenantSettings::default()
    };
    let tenant = installation.tenant(slug).await?;
    installation.tenants.configure(&tenant, &settings, &context).await?;
    let tenant = installation.tenant(slug).await?;
    let projection = Projection::default();
    for user in &prepared.users {
        let request = Request { tenant: &tenant, context: &context, base_url: "", projection: &projection };
        installation.provisioner.create_user(request, user).await.context("people from before Okta")?;
    }
    Ok(())
}

/// The header of a new credential, of the kind that the product's guide is about.
async fn authorization(installation: &Installation, tenant: &Tenant) -> anyhow::Result<String> {
    let (tokens, context, scope) = (&installation.tokens, cli_context(), scopes::DEFAULT.to_owned());
    if tenant.profile.credentials.contains(&CredentialKind::Bearer) {
        let expires_at = expiry::parse("10y", installation.store.now()).map_err(anyhow::Error::msg)?;
        let new = NewToken {
            name: "Okta".to_owned(),
            scope,
            expires_at,
            user: None,
            allowed_from: Default::default(),
        };
        let issued = tokens.issue(tenant.id(), new, &context).await?;
        return Ok(format!("Bearer {}", issued.token.expose_secret()));
    }
    let username = format!("okta@{}", tenant.row.slug);
    let new = NewBasic {
        username: username.clone(),
        name: None,
        scope,
        expires_at: None,
        allowed_from: Default::default(),
    };
    let issued = tokens.create_basic(tenant.id(), new, &context).await?;
    let pair = format!("{username}:{}", issued.password.expose_secret());
    Ok(format!("Basic {}", BASE64_STANDARD.encode(pair)))
}
