//! Things as the API shows them; never a secret.

use scim_core::timestamp;
use serde::Serialize;
use store::{
    credentials::{AllowedFrom, Credential},
    platform_tokens::PlatformToken,
};
use token_service::expiry;
use utoipa::ToSchema;

/// A credential of a tenant, or a token of the installation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialView {
    /// Id.
    id: String,
    /// `bearer`, `basic` or `oauth`.
    #[schema(example = "bearer")]
    kind: String,
    /// Name, for people.
    name: String,
    /// Scopes, separated by blanks.
    #[schema(example = "scim:read scim:write")]
    scope: String,
    /// User name or client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    /// Last four characters of a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// `live`, `expired` or `revoked`.
    #[schema(example = "live")]
    state: &'static str,
    /// It was rotated: a newer one has its name, and it ends at `expiresAt`.
    replaced: bool,
    /// The only user that it reaches, at `/Me`.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Networks that it may come from; none: from anywhere.
    allowed_from: Vec<String>,
    /// Coming from elsewhere is only told in the log.
    report_only: bool,
    /// When it was made.
    created_at: String,
    /// Who made it.
    created_by: String,
    /// When it ends; not there: when it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    /// When it was last used; a few seconds late.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
    /// Address and user agent of the last use.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_from: Option<String>,
}

/// A token that is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct IssuedToken {
    /// The token. It cannot be shown again.
    #[schema(example = "rcl_eyJ…")]
    pub(super) token: String,
    /// What is kept of it.
    pub(super) credential: CredentialView,
    /// The one whose place it took, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) old: Option<CredentialView>,
}

impl CredentialView {
    /// Of a tenant's credential.
    pub(super) fn new(credential: Credential, now: i64) -> Self {
        Self {
            id: credential.id.to_string(),
            kind: word(credential.kind),
            name: credential.name,
            scope: credential.scope,
            login: credential.login,
            hint: Some(credential.hint).filter(|hint| !hint.is_empty()),
            state: expiry::state(credential.revoked_at, credential.expires_at, now),
            replaced: credential.replaced,
            user_id: credential.user.map(|user| user.to_string()),
            allowed_from: networks(&credential.allowed_from),
            report_only: credential.allowed_from.report_only,
            created_at: time(credential.created_at),
            created_by: credential.created_by,
            expires_at: credential.expires_at.map(time),
            revoked_at: credential.revoked_at.map(time),
            last_used_at: credential.last_used_at.map(time),
            last_used_from: credential.last_used_from,
        }
    }

    /// Of a token of the installation.
    pub(super) fn platform(token: PlatformToken, now: i64) -> Self {
        Self {
            id: token.id.to_string(),
            kind: "bearer".to_owned(),
            name: token.name,
            scope: token.scope,
            login: None,
            hint: Some(token.hint),
            state: expiry::state(token.revoked_at, Some(token.expires_at), now),
            replaced: token.replaced,
            user_id: None,
            allowed_from: networks(&token.allowed_from),
            report_only: token.allowed_from.report_only,
            created_at: time(token.created_at),
            created_by: token.created_by,
            expires_at: Some(time(token.expires_at)),
            revoked_at: token.revoked_at.map(time),
            last_used_at: token.last_used_at.map(time),
            last_used_from: token.last_used_from,
        }
    }
}

fn networks(allowed: &AllowedFrom) -> Vec<String> {
    allowed.networks.iter().map(ToString::to_string).collect()
}

/// RFC 3339 of milliseconds.
pub(super) fn time(millis: i64) -> String {
    timestamp::to_rfc3339(millis)
}

/// The word of an enumeration, as JSON has it.
pub(super) fn word(value: impl Serialize) -> String {
    let word = serde_json::to_value(value).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}
