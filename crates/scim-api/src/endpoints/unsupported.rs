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

/// `/Bulk` (RFC 7644 §3.7).
pub(crate) async fn bulk(_call: Call, _body: Body) -> Answer {
    not_offered("/Bulk is not offered; send the operations one by one.")
}
