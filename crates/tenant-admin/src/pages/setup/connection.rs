//! What the set-up page says for the tenant's identity provider (`parts/connection.html`, `parts/guide.html`,
//! `parts/mapping.html`, `parts/progress.html`): for people of the console and for who comes by a link.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::Tenant;
use serde::Deserialize;

use super::{
    super::tenant,
    address::{BaseUrl, base_urls},
    closed,
    progress::Progress,
};
use crate::{
    ConsoleState,
    connect::{self, Connect, providers},
    error::PageError,
    extract::{Fields, Segments, Visit},
};

/// See the module.
pub(crate) struct Connection {
    pub(crate) base_urls: Vec<BaseUrl>,
    pub(crate) connect: Connect,
    pub(crate) progress: Progress,
    /// Where the choice of an identity provider goes.
    pub(crate) choose_to: String,
    /// Where the checklist's changes come from.
    pub(crate) live: String,
}

impl Connection {
    /// Of a tenant; `asked` is the identity provider that the address names, `home` the address of the page.
    pub(crate) async fn of(
        state: &ConsoleState,
        tenant: &Tenant,
        asked: Option<&str>,
        home: &str,
    ) -> Result<Self, PageError> {
        let chosen = state.store.tenant(tenant.id()).setup_choice().await?;
        let provider = connect::provider_of(&tenant.profile, asked, chosen.as_deref());
        let url = tenant.base_url(&state.public_url);
        Ok(Self {
            base_urls: base_urls(state, tenant, provider.url_label, provider.url_suffix).await?,
            connect: Connect::of(&tenant.profile, provider, &url),
            progress: Progress::of(state, tenant, provider, home).await?,
            choose_to: format!("{home}/provider"),
            live: format!("{home}/live"),
        })
    }
}

/// The form that chooses an identity provider.
#[derive(Deserialize)]
pub(crate) struct ChoiceForm {
    #[serde(rename = "for")]
    provider: String,
}

/// `POST …/setup/provider`: remembers for which identity provider the page speaks.
pub(crate) async fn choose(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(form): Fields<ChoiceForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::FORBIDDEN)? {
        return Ok(closed);
    }
    remember(&state, &tenant, &form).await?;
    Ok(Redirect::to(&format!("/console/tenants/{slug}/setup#connection")).into_response())
}

/// Keeps a choice.
pub(crate) async fn remember(
    state: &ConsoleState,
    tenant: &Tenant,
    form: &ChoiceForm,
) -> Result<(), PageError> {
    let provider = providers::by_word(&form.provider)
        .ok_or(PageError::BadRequest("Choose one of the identity providers that are offered."))?;
    Ok(state.store.tenant(tenant.id()).choose_setup(provider.word).await?)
}
