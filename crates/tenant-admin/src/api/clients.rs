//! `/api/v1/tenants/{slug}/credentials/clients`: clients of OAuth 2.0 (RFC 6749 §4.4), made. They are listed, limited to
//! networks and revoked as all credentials are.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use scim_core::profile::CredentialKind;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use token_service::{NewClient, scopes};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    credentials::end_of,
    extract::{Body, Segments, Vendor},
    guard::takes,
    networks::allowed,
    problem::{ApiError, Problem},
    tenant,
    view::{Beside, CredentialView},
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create))
}

/// An OAuth client to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewClientBody {
    /// For people, unique among the tenant's live credentials.
    #[schema(example = "Entra production")]
    name: String,
    /// The most that its access tokens may do: scopes, separated by blanks; `scim:read scim:write` if not given.
    scope: Option<String>,
    /// How long it lives (`90d`, `1y`), or a date or instant; at most `10y`. If not given a year, or less where less is
    /// allowed.
    #[schema(example = "2y")]
    expires_in: Option<String>,
    /// Networks that it and its access tokens may come from, as addresses or CIDR; none: from anywhere.
    #[serde(default)]
    allowed_from: Vec<String>,
    /// Only tell in the log when it comes from elsewhere.
    #[serde(default)]
    report_only: bool,
}

/// An OAuth client whose secret is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IssuedClient {
    /// Client id (RFC 6749 §2.2).
    #[schema(example = "rc_…")]
    client_id: String,
    /// Client secret. It cannot be shown again.
    #[schema(example = "rcs_…")]
    client_secret: String,
    /// Where it gets its access tokens.
    token_endpoint: String,
    /// What is kept of it.
    credential: CredentialView,
}

/// Make an OAuth client
///
/// The answer is the only place where its secret ever stands. To replace a secret without an outage make a second client,
/// put it in the identity provider, and revoke the first when the second is in use.
#[utoipa::path(
    post, operation_id = "createClient",
    path = "/api/v1/tenants/{slug}/credentials/clients", tag = "credentials",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path)), request_body = NewClientBody,
    responses((status = 201, body = IssuedClient), (status = "4XX", body = Problem)),
)]
async fn create(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
    Body(new): Body<NewClientBody>,
) -> Result<Response, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    takes(&tenant, CredentialKind::Oauth)?;
    let new = NewClient {
        expires_at: end_of(&state, &tenant, new.expires_in.as_deref())?,
        name: new.name,
        scope: new.scope.unwrap_or_else(|| scopes::DEFAULT.to_owned()),
        allowed_from: allowed(&new.allowed_from, new.report_only)?,
    };
    let issued = state.tokens.create_client(tenant.id(), new, &vendor.context()).await?;
    let made = IssuedClient {
        client_id: issued.client_id,
        client_secret: issued.secret.expose_secret().to_owned(),
        token_endpoint: state.public_url.join("/oauth/token").map(String::from).unwrap_or_default(),
        credential: Beside::of(&state, &tenant, &[]).view(issued.credential),
    };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}
