//! One file a page; its template of the same name is in `web/templates`.

pub(crate) mod account;
pub(crate) mod activity;
pub(crate) mod admin;
pub(crate) mod admins;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod closed;
pub(crate) mod configuration;
pub(crate) mod deactivate;
pub(crate) mod delete;
pub(crate) mod delete_tenant;
pub(crate) mod deleted_tenants;
pub(crate) mod delivery;
pub(crate) mod destination;
pub(crate) mod destinations;
pub(crate) mod domains;
pub(crate) mod export;
pub(crate) mod federation;
pub(crate) mod group;
pub(crate) mod groups;
pub(crate) mod guest;
pub(crate) mod import;
pub(crate) mod import_run;
pub(crate) mod installation;
pub(crate) mod invitation;
pub(crate) mod keys;
pub(crate) mod networks;
pub(crate) mod new_tenant;
pub(crate) mod overview;
pub(crate) mod platform_token;
pub(crate) mod platform_tokens;
pub(crate) mod profile;
pub(crate) mod purge;
pub(crate) mod request;
pub(crate) mod revoke;
pub(crate) mod role;
pub(crate) mod roles;
pub(crate) mod rotate;
pub(crate) mod second_factor;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod sign_in_code;
pub(crate) mod sign_in_with;
pub(crate) mod tenants;
pub(crate) mod user;
pub(crate) mod users;
pub(crate) mod value_set;
pub(crate) mod value_sets;

use std::sync::Arc;

use provisioning::Tenant;
use serde::Deserialize;

use crate::{ConsoleState, error::PageError};

/// What was just done: a page that is led to after a change tells it.
#[derive(Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    done: String,
}

/// The tenant of a page.
async fn tenant(state: &ConsoleState, slug: &str) -> Result<Arc<Tenant>, PageError> {
    if provisioning::slug::check(slug).is_err() {
        return Err(PageError::NotFound);
    }
    state.tenants.by_slug(slug).await?.ok_or(PageError::NotFound)
}
