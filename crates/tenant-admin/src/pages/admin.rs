//! One person of the console: role and tenants, a new link, second factor, sessions, removal.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use store::{
    AdminId, TenantId,
    admins::{Admin, AdminRole},
};

use super::{
    Done,
    account::SessionLine,
    admins::{self, Link, PersonForm, Row, unfit},
};
use crate::{
    ConsoleState,
    chrome::{Chrome, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
};

#[derive(Template)]
#[template(path = "admin.html")]
pub(crate) struct AdminPage {
    pub(crate) chrome: Chrome,
    pub(crate) notice: Option<&'static str>,
    pub(crate) issued: Option<Link>,
    pub(crate) person: Row,
    /// Have they a password already?
    pub(crate) has_password: bool,
    pub(crate) typed: PersonForm,
    /// How many of their tenants are deleted, so that the form does not name them.
    pub(crate) deleted: usize,
    pub(crate) sessions: Vec<SessionLine>,
    pub(crate) errors: Errors,
}

/// `GET /console/admins/{id}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let mut shown = person_page(&state, &visit, find(&state, &id).await?).await?;
    shown.notice = match query.done.as_str() {
        "saved" => Some("Saved. It holds at once, in open sessions too."),
        "factor" => Some(
            "The second factor is taken away, and all sessions have ended. The password is asked for alone now.",
        ),
        "sessions" => Some("All sessions have ended."),
        _ => None,
    };
    page(StatusCode::OK, &shown)
}

/// `POST /console/admins/{id}`.
pub(crate) async fn change(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
    Fields(typed): Fields<PersonForm>,
) -> Result<Response, PageError> {
    let admin = find(&state, &id).await?;
    let errors = match typed.read(&state).await? {
        Ok((role, mut tenants)) => {
            // The form cannot name them; without them an auditor of one deleted tenant would become one of all.
            if role != AdminRole::Operator {
                tenants.extend(deleted(&state, &admin).await?);
            }
            match state.tokens.change_person(admin.id, role, &tenants, &visit.context()).await {
                // Who is no operator any more must not be led to what is for operators.
                Ok(after) if after.id == visit.admin.id && after.role != AdminRole::Operator => {
                    return Ok(Redirect::to("/console/").into_response());
                }
                Ok(_) => return Ok(back(&id, "saved")),
                Err(error) => unfit(error)?,
            }
        }
        Err(errors) => errors,
    };
    let mut shown = person_page(&state, &visit, admin).await?;
    shown.typed = typed;
    shown.wrong(errors)
}

/// `POST /console/admins/{id}/invitation`: the answer is the only place where the link ever stands.
pub(crate) async fn invite(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let admin = find(&state, &id).await?;
    let invited = state.tokens.invite_again(admin.id, &visit.context()).await?;
    let mut shown = person_page(&state, &visit, admin).await?;
    shown.issued = Some(Link::of(&state, &invited));
    page(StatusCode::CREATED, &shown)
}

/// `POST /console/admins/{id}/second-factor`.
pub(crate) async fn reset_second_factor(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let admin = find(&state, &id).await?;
    state.tokens.reset_second_factor(admin.id, &visit.context()).await?;
    Ok(back(&id, "factor"))
}

/// `POST /console/admins/{id}/sessions`.
pub(crate) async fn end_sessions(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let admin = find(&state, &id).await?;
    state.store.platform().end_sessions(admin.id, None, &visit.context()).await?;
    Ok(back(&id, "sessions"))
}

/// `POST /console/admins/{id}/remove`.
pub(crate) async fn remove(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let admin = find(&state, &id).await?;
    match state.tokens.remove_person(admin.id, &visit.context()).await {
        Ok(_) => Ok(Redirect::to("/console/admins?done=removed").into_response()),
        Err(error) => {
            let errors = unfit(error)?;
            person_page(&state, &visit, admin).await?.wrong(errors)
        }
    }
}

impl AdminPage {
    fn wrong(mut self, errors: Errors) -> Result<Response, PageError> {
        self.errors = errors;
        self.chrome.title = format!("Error: {}", self.chrome.title);
        page(StatusCode::UNPROCESSABLE_ENTITY, &self)
    }
}

fn back(id: &str, done: &str) -> Response {
    Redirect::to(&format!("/console/admins/{id}?done={done}")).into_response()
}

/// The tenants of somebody that are deleted.
async fn deleted(state: &ConsoleState, admin: &Admin) -> Result<Vec<TenantId>, PageError> {
    let mut deleted = Vec::new();
    for id in &admin.tenants {
        if state.tenants.by_id(*id).await?.is_none() {
            deleted.push(*id);
        }
    }
    Ok(deleted)
}

async fn find(state: &ConsoleState, id: &str) -> Result<Admin, PageError> {
    let id: AdminId = id.parse().map_err(|()| PageError::NotFound)?;
    state.store.platform().admin_by_id(id).await?.ok_or(PageError::NotFound)
}

async fn person_page(state: &ConsoleState, visit: &Visit, admin: Admin) -> Result<AdminPage, PageError> {
    let (platform, now) = (state.store.platform(), state.store.now());
    let standings: BTreeMap<_, _> = platform.standings(&[admin.id]).await?;
    let mut slugs = Vec::with_capacity(admin.tenants.len());
    for id in &admin.tenants {
        slugs.extend(state.tenants.by_id(*id).await?.map(|tenant| tenant.row.slug.clone()));
    }
    slugs.sort();
    let sessions = platform.sessions_of(admin.id).await?;
    let has_password = !admin.password_hash.is_empty();
    let role = admins::role_value(admin.role).to_owned();
    Ok(AdminPage {
        deleted: admin.tenants.len().saturating_sub(slugs.len()),
        chrome: visit.chrome(admin.email.clone()),
        notice: None,
        issued: None,
        typed: PersonForm { email: admin.email.clone(), role, tenants: slugs.join(", ") },
        has_password,
        person: admins::row(state, visit, admin, &standings).await?,
        sessions: sessions.into_iter().filter_map(|row| SessionLine::of(row, visit.session(), now)).collect(),
        errors: Errors::default(),
    })
}
