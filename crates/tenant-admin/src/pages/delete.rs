//! Deleting a user as an identity provider would, after a question. Where that removes it for good, the user name is to be
//! typed.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::Request;
use scim_core::{profile::DeletePolicy, projection::Projection};
use serde::Deserialize;

use super::{
    tenant,
    user::{UserPage, refused, user_page},
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
};

#[derive(Template)]
#[template(path = "delete.html")]
pub(crate) struct DeletePage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) user_name: String,
    /// Can nobody bring it back?
    pub(crate) for_good: bool,
    /// After so many days it is removed for good.
    pub(crate) days: Option<u32>,
    pub(crate) typed: String,
    pub(crate) errors: Errors,
}

/// The typed user name, where it has to be typed.
#[derive(Deserialize)]
pub(crate) struct Confirmation {
    #[serde(default)]
    user_name: String,
}

/// `GET …/users/{id}/delete`: the question.
pub(crate) async fn ask(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let user = user_page(&state, &visit, &tenant, id, None).await?;
    if !user.deletable {
        return Err(PageError::NotFound);
    }
    let policies = tenant.profile.policies;
    let for_good = policies.delete == DeletePolicy::Purge;
    page(StatusCode::OK, &question(&visit, user, for_good, policies.retention_days))
}

/// `POST …/users/{id}/delete`.
pub(crate) async fn delete(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    Fields(Confirmation { user_name }): Fields<Confirmation>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let policies = tenant.profile.policies;
    let for_good = policies.delete == DeletePolicy::Purge;
    let user = user_page(&state, &visit, &tenant, id.clone(), None).await?;
    if !user.deletable {
        return Err(PageError::NotFound);
    }
    if for_good && user_name.trim() != user.user_name.trim() {
        let mut asked = question(&visit, user, for_good, policies.retention_days);
        asked.errors.add("user_name", "That is not the user name. Type it exactly as it is shown.");
        return page(StatusCode::UNPROCESSABLE_ENTITY, &DeletePage { typed: user_name, ..asked });
    }
    let (base_url, context) = (tenant.base_url(&state.public_url), visit.context());
    let projection = Projection::default();
    let request =
        Request { tenant: &tenant, context: &context, base_url: &base_url, projection: &projection };
    match state.provisioner.delete_user(request, &id, None).await {
        Ok(()) if for_good => {
            Ok(Redirect::to(&format!("/console/tenants/{slug}/users?done=purged")).into_response())
        }
        Ok(()) => {
            Ok(Redirect::to(&format!("/console/tenants/{slug}/users/{id}?done=deleted")).into_response())
        }
        Err(error) if error.status == 409 => refused(&state, &visit, &tenant, id, error).await,
        Err(error) => Err(error.into()),
    }
}

fn question(visit: &Visit, user: UserPage, for_good: bool, days: Option<u32>) -> DeletePage {
    let UserPage { head, id, name, user_name, .. } = user;
    let chrome = visit.chrome(format!("Delete {name}"));
    let (typed, errors) = (String::new(), Errors::default());
    DeletePage { chrome, head, id, name, user_name, for_good, days, typed, errors }
}
