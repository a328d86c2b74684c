//! Things as the API shows them; never a secret.

use provisioning::Tenant;
use scim_core::timestamp;
use serde::Serialize;
use store::{
    credentials::{AllowedFrom, Credential},
    platform_tokens::PlatformToken,
};
use token_service::{Longest, RotationState, expiring, expiry};
use utoipa::ToSchema;

use super::ApiState;

/// The word of [`expiry::state`] for what is neither revoked nor expired.
const LIVE: &str = "live";

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
    /// User name or client id; `directory:…` of what stands for an identity provider's own tokens.
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
    /// It is live and ends within so many days: 60, 30, 7 or 1, the steps at which people are warned.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_within_days: Option<i32>,
    /// It is live, and lives longer than one that were made now may.
    exceeds_policy: bool,
    /// Of a token that was rotated and the one that took its place, while both live: which is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<InRotation>,
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

/// A rotation whose old token lives still.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InRotation {
    /// Id of the token that was rotated.
    old: String,
    /// Id of the one that took its place.
    new: String,
    /// Which of them was used since: `neither`, `old`, `both`, `new`.
    #[schema(example = "old")]
    in_use: &'static str,
    /// As far as uses tell, nobody would be shut out if the old one were revoked now.
    safe_to_revoke: bool,
    /// What is known, and what to do, for people.
    advice: String,
}

/// What is shown of a tenant's credential and does not stand in its row.
pub(super) struct Beside {
    longest: Longest,
    rotations: Vec<RotationState>,
    now: i64,
}

impl Beside {
    /// Of a tenant, and of these of its credentials: a rotation is known where both of its tokens are among them.
    pub(super) fn of(state: &ApiState, tenant: &Tenant, credentials: &[Credential]) -> Self {
        let now = state.store.now();
        let longest = state.tokens.longest(tenant.row.credential_days);
        Self { longest, rotations: RotationState::all(credentials, now), now }
    }

    /// A credential as it is shown.
    pub(super) fn view(&self, credential: Credential) -> CredentialView {
        let has_part = |state: &&RotationState| [state.old.id, state.new.id].contains(&credential.id);
        let rotation = self.rotations.iter().find(has_part).map(|state| InRotation {
            old: state.old.id.to_string(),
            new: state.new.id.to_string(),
            in_use: state.in_use.word(),
            safe_to_revoke: state.in_use.safe_to_revoke(),
            advice: state.advice(self.now),
        });
        CredentialView { rotation, ..CredentialView::new(credential, self.longest, self.now) }
    }
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
    fn new(credential: Credential, longest: Longest, now: i64) -> Self {
        let state = expiry::state(credential.revoked_at, credential.expires_at, now);
        Self {
            expires_within_days: ends_within(state, credential.expires_at, now),
            exceeds_policy: state == LIVE && longest.is_exceeded_by(&credential),
            rotation: None,
            id: credential.id.to_string(),
            kind: word(credential.kind),
            name: credential.name,
            scope: credential.scope,
            login: credential.login,
            hint: Some(credential.hint).filter(|hint| !hint.is_empty()),
            state,
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
    pub(super) fn platform(token: PlatformToken, longest: Longest, now: i64) -> Self {
        let state = expiry::state(token.revoked_at, Some(token.expires_at), now);
        Self {
            expires_within_days: ends_within(state, Some(token.expires_at), now),
            exceeds_policy: state == LIVE && longest.is_exceeded(token.created_at, Some(token.expires_at)),
            rotation: None,
            id: token.id.to_string(),
            kind: "bearer".to_owned(),
            name: token.name,
            scope: token.scope,
            login: None,
            hint: Some(token.hint),
            state,
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

/// The step that the end of something live has reached.
fn ends_within(state: &str, expires_at: Option<i64>, now: i64) -> Option<i32> {
    expires_at.filter(|_| state == LIVE).and_then(|at| expiring::step(at, now))
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
