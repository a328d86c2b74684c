//! Deleting a user for good, after a question that wants the user name typed.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::Request;
use scim_core::projection::Projection;
use serde::Deserialize;

use super::{
    tenant,
    user::{UserPage, user_page},
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
};

#[derive(Template)]
#[template(path = "purge.html")]
pub(crate) struct PurgePage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) user_name: String,
    pub(crate) typed: String,
    pub(crate) errors: Errors,
}

/// The typed user name.
#[derive(Deserialize)]
pub(crate) struct Confirmation {
    #[serde(default)]
    user_name: String,
}

/// `GET …/users/{id}/purge`: the question. Of a user who may not be deleted for good there is none.
pub(crate) async fn ask(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let user = user_page(&state, &visit, &tenant, id, None).await?;
    if !user.erasable {
        return Err(PageError::NotFound);
    }
    page(StatusCode::OK, &question(&visit, user, String::new(), Errors::default()))
}

/// `POST …/users/{id}/purge`.
pub(crate) async fn purge(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    Fields(Confirmation { user_name }): Fields<Confirmation>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let (base_url, context) = (tenant.base_url(&state.public_url), visit.context());
    let projection = Projection::default();
    let request =
        Request { tenant: &tenant, context: &context, base_url: &base_url, projection: &projection };
    let Err(error) = state.provisioner.erase_user(request, &id, &user_name).await else {
        return Ok(Redirect::to(&format!("/console/tenants/{slug}/users?done=purged")).into_response());
    };
    let status = match error.status {
        400 => StatusCode::UNPROCESSABLE_ENTITY,
        409 => StatusCode::CONFLICT,
        _ => return Err(error.into()),
    };
    let mut user = user_page(&state, &visit, &tenant, id, None).await?;
    if status == StatusCode::CONFLICT {
        user.problem = Some(error.detail);
        return page(status, &user);
    }
    let mut errors = Errors::default();
    errors.add("user_name", "That is not the user name. Type it exactly as it is shown.");
    page(status, &question(&visit, user, user_name, errors))
}

fn question(visit: &Visit, user: UserPage, typed: String, errors: Errors) -> PurgePage {
    let UserPage { head, id, name, user_name, .. } = user;
    let chrome = visit.chrome(format!("Delete {name} permanently"));
    PurgePage { chrome, head, id, name, user_name, typed, errors }
}
