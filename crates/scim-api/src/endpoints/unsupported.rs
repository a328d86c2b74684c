//! Endpoints of RFC 7644 that are optional and not offered: they say so.

use axum::body::Body;
use scim_core::ScimError;

use crate::{call::Call, routes::Answer};

fn not_offered(detail: &str) -> Answer {
    Err(ScimError::new(501, detail))
}

/// A query over all resource types (RFC 7644 §3.4.2.1).
pub(crate) async fn search_all(_call: Call, _body: Body) -> Answer {
    not_offered("A search over all resource types is not offered; search /Users or /Groups.")
}
