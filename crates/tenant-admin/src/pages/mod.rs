//! One file a page; its template of the same name is in `web/templates`.

pub(crate) mod deactivate;
pub(crate) mod group;
pub(crate) mod groups;
pub(crate) mod new_tenant;
pub(crate) mod overview;
pub(crate) mod revoke;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod tenants;
pub(crate) mod user;
pub(crate) mod users;

use std::sync::Arc;

use provisioning::Tenant;

use crate::{ConsoleState, error::PageError};

/// The tenant of a page.
async fn tenant(state: &ConsoleState, slug: &str) -> Result<Arc<Tenant>, PageError> {
    if provisioning::slug::check(slug).is_err() {
        return Err(PageError::NotFound);
    }
    state.tenants.by_slug(slug).await?.ok_or(PageError::NotFound)
}
