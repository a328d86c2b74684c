//! From what the store gives to what the client reads: resources with their edges, and errors.

use scim_core::{
    Document, ResourceKind, ResourceType, ScimError, ScimType,
    projection::{self, Envelope},
};
use serde_json::{Value, json};
use store::{
    StoreError, TenantScope, UserId,
    groups::{Group, Member},
    users::{KeptUser, Membership, User},
};
use uuid::Uuid;

use crate::{MoreMembers, Rendered, Request, Shown};

/// Unknown members named in an error, at most.
const NAMED_MEMBERS: usize = 5;

/// A user as answered: its text is passed on where all of it is shown.
pub(crate) fn user(request: Request<'_>, user: &User) -> Rendered {
    let times = Times { created: user.created_at, last_modified: user.updated_at, version: user.version };
    passed_on(request, user.id, &user.text, times, user.groups.as_deref()).unwrap_or_else(|| {
        let groups = user.groups.as_ref();
        let edges = groups.map(|groups| groups.iter().map(|one| group_of(request.base_url, one)).collect());
        resource(request, &request.tenant.profile.user, user.id.0, &user.document, times, edges)
    })
}

/// A group as answered.
pub(crate) fn group(
    request: Request<'_>,
    scope: &TenantScope,
    kind: &ResourceType,
    group: &Group,
) -> Rendered {
    let edges = group
        .members
        .as_ref()
        .map(|members| members.iter().map(|one| member_of(request.base_url, one)).collect());
    let times = Times { created: group.created_at, last_modified: group.updated_at, version: group.version };
    let rendered = resource(request, kind, group.id.0, &group.document, times, edges);
    Rendered { more_members: group.more_members.then(|| MoreMembers::new(request, scope, group)), ..rendered }
}

/// A user as it is kept, likewise.
pub(crate) fn kept_user(request: Request<'_>, user: KeptUser) -> Result<Rendered, ScimError> {
    let times = Times { created: user.created_at, last_modified: user.updated_at, version: user.version };
    match passed_on(request, user.id, &user.document, times, user.groups.as_deref()) {
        Some(rendered) => Ok(rendered),
        None => Ok(self::user(request, &user.read().map_err(scim_error)?)),
    }
}

/// The text of a user's document with what is not part of it; `None` where some of it is not shown.
fn passed_on(
    request: Request<'_>,
    id: UserId,
    text: &str,
    times: Times,
    groups: Option<&[Membership]>,
) -> Option<Rendered> {
    let kind = &request.tenant.profile.user;
    let location = location(request.base_url, kind.kind, id.0);
    let envelope = Envelope {
        id: &id.to_string(),
        created: times.created,
        last_modified: times.last_modified,
        version: times.version,
        location: location.clone(),
        edges: None,
    };
    let groups = groups.map(|groups| match groups {
        [] => "[]".to_owned(),
        groups => Value::from_iter(groups.iter().map(|one| group_of(request.base_url, one))).to_string(),
    });
    let text = projection::render_text(kind, text, &envelope, groups.as_deref(), request.projection)?;
    let etag = projection::etag(times.version);
    Some(Rendered { body: Shown::of_text(text), more_members: None, location, etag })
}

#[derive(Clone, Copy)]
struct Times {
    created: i64,
    last_modified: i64,
    version: i64,
}

fn resource(
    request: Request<'_>,
    kind: &ResourceType,
    id: Uuid,
    document: &Document,
    times: Times,
    edges: Option<Vec<Value>>,
) -> Rendered {
    let location = location(request.base_url, kind.kind, id);
    let envelope = Envelope {
        id: &id.to_string(),
        created: times.created,
        last_modified: times.last_modified,
        version: times.version,
        location: location.clone(),
        edges,
    };
    let body = projection::render(kind, document, envelope, request.projection);
    Rendered { body: body.into(), more_members: None, location, etag: projection::etag(times.version) }
}

fn location(base_url: &str, kind: ResourceKind, id: Uuid) -> String {
    format!("{base_url}{}/{id}", kind.endpoint())
}

/// An element of a user's `groups` (RFC 7643 §4.1.2).
fn group_of(base_url: &str, membership: &Membership) -> Value {
    let id = membership.group.0;
    json!({
        "value": id,
        "$ref": location(base_url, ResourceKind::Group, id),
        "display": membership.display,
        "type": membership.kind(),
    })
}

/// An element of a group's `members` (RFC 7643 §4.2). Rendering leaves out the `display` of a member without
/// displayName.
pub(crate) fn member_of(base_url: &str, member: &Member) -> Value {
    json!({
        "value": member.id,
        "$ref": location(base_url, member.kind, member.id),
        "type": member.kind.name(),
        "display": member.display,
    })
}

/// Turns a store error into an answer: conflicts 409, stale 412, unavailable 503, not known 504, the rest 500 (logged here,
/// once).
#[must_use]
pub fn scim_error(error: StoreError) -> ScimError {
    match error {
        StoreError::Conflict { attribute } => ScimError::uniqueness(taken(attribute)),
        StoreError::Stale => ScimError::precondition_failed(),
        StoreError::UnknownMembers(ids) => ScimError::invalid_value("members", unknown_members(&ids)),
        StoreError::LastHolder(role) => ScimError::new(409, last_holder(&role)),
        StoreError::Reconfigured => {
            unavailable("The tenant's configuration is being changed; nothing was changed.")
        }
        StoreError::TooMany(text) => ScimError::bad_request(ScimType::TooMany, text),
        StoreError::Contended(cause) | StoreError::Unavailable(cause) => {
            tracing::warn!(%cause, "the database did not answer");
            unavailable("The database is busy or unreachable; nothing was changed.")
        }
        StoreError::Unknown(cause) => {
            tracing::error!(%cause, "the database was lost during a commit");
            ScimError::new(
                504,
                "Whether this was done is not known. Read the resource, or send the request again.",
            )
        }
        fault @ (StoreError::Database(_) | StoreError::Setup(_)) => {
            tracing::error!(error = %fault, "the store failed");
            ScimError::new(
                500,
                "The server failed on this request, and nothing was changed. Give the request id to its operator.",
            )
        }
    }
}

/// 503 with what happened; the caller is told to come back.
pub(crate) fn unavailable(what: &str) -> ScimError {
    ScimError::new(503, format!("{what} Try again in a few seconds."))
}

fn taken(attribute: &str) -> String {
    let (owner, remedy) = match attribute {
        "userName" => ("user", "Choose another userName, or update the user that has it."),
        "displayName" => ("group", "Choose another displayName, or update the group that has it."),
        _ => ("resource", "Choose another value."),
    };
    format!("{attribute}: another {owner} of this tenant already has this value. {remedy}")
}

fn last_holder(role: &str) -> String {
    format!(
        "roles: {role:?} is a protected role, and nobody who is active would have it any more. Give it to somebody else \
         first; a person who must not sign in any more can be deactivated at once."
    )
}

fn unknown_members(ids: &[String]) -> String {
    let shown: Vec<String> = ids
        .iter()
        .take(NAMED_MEMBERS)
        .map(|id| format!("{:?}", id.chars().take(64).collect::<String>()))
        .collect();
    let more = if ids.len() > shown.len() { ", …" } else { "" };
    format!(
        "{} of the values given are no users or groups of this tenant ({}{more}). Provision them first, or leave them \
         out.",
        ids.len(),
        shown.join(", ")
    )
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn each_store_error_has_its_answer() {
        let conflict = scim_error(StoreError::Conflict { attribute: "userName" });
        assert_eq!((conflict.status, conflict.scim_type), (409, Some(ScimType::Uniqueness)));
        assert!(conflict.detail.starts_with("userName: another user"), "{}", conflict.detail);
        assert_eq!(scim_error(StoreError::Stale).status, 412);
        assert_eq!(scim_error(StoreError::Reconfigured).status, 503);
        let last = scim_error(StoreError::LastHolder("Owner".into()));
        assert_eq!((last.status, last.scim_type), (409, None));
        assert!(last.detail.contains("\"Owner\"") && last.detail.contains("deactivated"), "{}", last.detail);
        let setup = scim_error(StoreError::Setup("secret host name".into()));
        assert_eq!(setup.status, 500);
        assert!(!setup.detail.contains("secret host name"));
    }

    #[test]
    fn unknown_members_are_named_up_to_a_bound() {
        let ids: Vec<String> = (0..9).map(|at| format!("{at}{}", "x".repeat(100))).collect();
        let error = scim_error(StoreError::UnknownMembers(ids));
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
        assert!(error.detail.starts_with("members: 9 of the values"), "{}", error.detail);
        assert!(error.detail.contains('…') && error.detail.len() < 600, "{}", error.detail);
    }
}
