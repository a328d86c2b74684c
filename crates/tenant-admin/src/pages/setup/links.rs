//! Links to the set-up page for people without an account (`parts/setup_links.html`): operators make and revoke them.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::Tenant;
use secrecy::ExposeSecret;
use serde::Deserialize;
use store::{SetupLinkId, setup_links::SetupLink};

use super::{super::tenant, closed, setup_page, unfit};
use crate::{
    ConsoleState,
    chrome::{Badge, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
    when::Moment,
};

/// The links of a tenant, for operators.
#[derive(Default)]
pub(crate) struct SetupLinks {
    pub(crate) rows: Vec<LinkRow>,
    /// The one that was just made: the only time that it stands anywhere.
    pub(crate) issued: Option<IssuedLink>,
    /// What was typed into the form.
    pub(crate) note: String,
}

/// A link that is shown once.
pub(crate) struct IssuedLink {
    pub(crate) url: String,
    pub(crate) until: Moment,
}

/// A link in its list.
pub(crate) struct LinkRow {
    pub(crate) id: String,
    pub(crate) note: String,
    pub(crate) made: Moment,
    pub(crate) made_by: String,
    pub(crate) opened: Option<Moment>,
    pub(crate) openings: i32,
    pub(crate) used: Option<Moment>,
    pub(crate) ends: Moment,
    pub(crate) state: Badge,
    pub(crate) live: bool,
}

impl SetupLinks {
    /// Of a tenant.
    pub(crate) async fn of(state: &ConsoleState, tenant: &Tenant) -> Result<Self, PageError> {
        let now = state.store.now();
        let rows = state.tokens.setup_links(tenant.id()).await?;
        Ok(Self { rows: rows.into_iter().map(|link| row(link, now)).collect(), ..Self::default() })
    }
}

fn row(link: SetupLink, now: i64) -> LinkRow {
    let moment = |at| Moment::new(at, now);
    let (state, live) = match () {
        () if link.revoked_at.is_some() => (Badge::new("quiet", "Revoked"), false),
        () if link.expires_at <= now => (Badge::new("quiet", "Expired"), false),
        () if link.credential.is_some() => (Badge::new("ok", "Used"), true),
        () if link.openings > 0 => (Badge::new("ok", "Opened"), true),
        () => (Badge::new("warn", "Not opened yet"), true),
    };
    LinkRow {
        id: link.id.to_string(),
        note: if link.note.is_empty() { "Somebody".into() } else { link.note },
        made: moment(link.created_at),
        made_by: link.issuer_name,
        opened: link.opened_at.map(moment),
        openings: link.openings,
        used: link.used_at.map(moment),
        ends: moment(link.expires_at),
        state,
        live,
    }
}

/// The form that makes a link.
#[derive(Deserialize)]
pub(crate) struct LinkForm {
    #[serde(default)]
    note: String,
}

/// `POST …/setup/links`: the answer is the only place where the link ever stands.
pub(crate) async fn create(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(form): Fields<LinkForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::FORBIDDEN)? {
        return Ok(closed);
    }
    let made = if tenant.is_active() {
        match state.tokens.create_setup_link(tenant.id(), visit.admin.id, &form.note, &visit.context()).await
        {
            Ok(issued) => Ok(issued),
            Err(error) => Err(unfit(error, &["note"])?),
        }
    } else {
        let mut errors = Errors::default();
        errors.add("note", "A link opens nothing while the tenant is inactive. Activate it first.");
        Err(errors)
    };
    let mut setup = setup_page(&state, &visit, &tenant).await?;
    let links = setup.links.get_or_insert_default();
    match made {
        Ok(issued) => {
            let path = format!("/setup/{}", issued.secret.expose_secret());
            links.issued = Some(IssuedLink {
                url: format!("{}{path}", state.public_url.origin().ascii_serialization()),
                until: Moment::new(issued.link.expires_at, state.store.now()),
            });
            setup.chrome.title = format!("New setup link · {}", setup.head.name);
            page(StatusCode::CREATED, &setup)
        }
        Err(errors) => {
            links.note = form.note;
            setup.with_errors(errors)
        }
    }
}

/// `POST …/setup/links/{id}/revoke`.
pub(crate) async fn revoke(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let id: SetupLinkId = id.parse().map_err(|()| PageError::NotFound)?;
    if !state.tokens.revoke_setup_link(tenant.id(), id, &visit.context()).await? {
        return Err(PageError::NotFound);
    }
    Ok(Redirect::to(&format!("/console/tenants/{slug}/setup?done=revoked-link#setup-links")).into_response())
}
