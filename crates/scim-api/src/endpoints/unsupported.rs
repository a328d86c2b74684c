//! Endpoints of RFC 7644 that are optional and not offered: they say so.

use axum::body::Body;
use scim_core::ScimError;

use crate::{call::Call, routes::Answer};

fn not_offered(detail: &str) -> Answer {
    Err(ScimError::new(501, detail))
}

/// `/Me` (RFC 7644 §3.11): a credential stands for an identity provider, not for a user.
pub(crate) async fn me(_call: Call, _body: Body) -> Answer {
    not_offered("/Me is not offered: this credential stands for no user. Use /Users/{id}.")
}

/// A query over all resource types (RFC 7644 §3.4.2.1).
pub(crate) async fn search_all(_call: Call, _body: Body) -> Answer {
    not_offered("A search over all resource types is not offered; search /Users or /Groups.")
}
