//! What `data` of an event holds. Only a description: what is told is written by the store, with the change itself.
#![allow(dead_code, reason = "the schema is made of these; no value ever is")]

use schemars::JsonSchema;
use serde_json::{Map, Value};

/// A user or group as SCIM has it (RFC 7643 sections 4.1 and 4.2), with the attributes of the tenant's profile, without `id`,
/// `meta`, `groups` and `members`.
#[derive(JsonSchema)]
struct Resource(Map<String, Value>);

/// What was left out or changed of what was sent, and why; without values.
#[derive(JsonSchema)]
struct Note {
    /// Of the attribute.
    path: String,
    /// For people.
    text: String,
}

/// A user or group that is there from here on.
#[derive(JsonSchema)]
pub(super) struct ResourceMade {
    /// Afterwards.
    state: Resource,
    /// If there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Note>,
}

/// A user or group that has changed.
#[derive(JsonSchema)]
pub(super) struct ResourceChanged {
    /// Afterwards.
    state: Resource,
    /// Before.
    before: Resource,
    /// Paths of the attributes that differ: `title`, `name.familyName`, `urn:…:User:department`.
    changed: Vec<String>,
    /// If there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Note>,
}

/// A user or group that is gone.
#[derive(JsonSchema)]
pub(super) struct ResourceDeleted {
    /// As it was.
    before: Resource,
}

/// A user of whom nothing is kept.
#[derive(JsonSchema)]
pub(super) struct ResourcePurged {
    /// Was the user there until then, or deleted before?
    live: bool,
}

/// A group, by name.
#[derive(JsonSchema)]
struct GroupName {
    /// Id.
    id: String,
    /// Its `displayName`.
    display: String,
}

/// Who is in a group.
#[derive(JsonSchema)]
struct Member {
    /// Id.
    id: String,
    /// `User` or `Group`.
    r#type: ResourceType,
}

#[derive(JsonSchema)]
enum ResourceType {
    User,
    Group,
}

/// Somebody came into a group, or left it. The object is the member.
#[derive(JsonSchema)]
pub(super) struct MembershipMoved {
    /// Which.
    group: GroupName,
    /// Who.
    member: Member,
}

/// A role.
#[derive(JsonSchema)]
struct Role {
    /// By which it is compared.
    key: String,
    /// For people.
    name: String,
}

/// Somebody got a role, or has it no more. The object is the user.
#[derive(JsonSchema)]
pub(super) struct RoleMoved {
    /// Which.
    role: Role,
    /// By which it was given. The user may have the role by other groups, too.
    group: GroupName,
}

/// A tenant.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TenantState {
    /// Never changes.
    slug: String,
    /// For people.
    name: String,
    /// `active` or `inactive`.
    status: TenantStatus,
    /// Name of its profile.
    profile: String,
    /// Version of its profile, from 1.
    profile_version: i32,
    /// `lenient` or `strict`.
    compatibility: String,
    /// Are the console's pages of SCIM offered to its managers?
    gate_open: bool,
    /// The customer's organization, where the product asks for one.
    organization: Option<String>,
    /// Longest life of a new credential, in days; null: what the installation allows.
    credential_days: Option<i32>,
    /// Requests a second that a node takes of it; null: what the installation sets.
    rate_limit: Option<i32>,
    /// By name.
    properties: Map<String, Value>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum TenantStatus {
    Active,
    Inactive,
}

/// A tenant that is there from here on.
#[derive(JsonSchema)]
pub(super) struct TenantMade {
    /// Afterwards.
    state: TenantState,
    /// Nothing.
    before: (),
}

/// A tenant that has changed, in whichever way the type says.
#[derive(JsonSchema)]
pub(super) struct TenantChanged {
    /// Afterwards.
    state: TenantState,
    /// Before.
    before: TenantState,
    /// Names of what differs.
    changed: Vec<String>,
}

/// What may be known of a credential: no secret.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CredentialState {
    /// Id.
    id: String,
    /// `bearer`, `basic`, `oauth`, …
    kind: String,
    /// For people.
    name: String,
    /// Scopes, separated by a blank.
    scope: String,
    /// User name or id of a client.
    login: Option<String>,
    /// The last characters of a token, for people.
    hint: String,
    /// Milliseconds since 1970.
    created_at: i64,
    /// Who made it.
    created_by: String,
    /// Milliseconds since 1970.
    expires_at: Option<i64>,
    /// Milliseconds since 1970.
    revoked_at: Option<i64>,
    /// The user that it stands for.
    user_id: Option<String>,
    /// Networks that it may come from (CIDR); none: any.
    allowed_from: Vec<String>,
    /// Coming from elsewhere is only logged.
    report_only: bool,
}

/// A credential that is there from here on.
#[derive(JsonSchema)]
pub(super) struct CredentialMade {
    /// Afterwards.
    state: CredentialState,
    /// Nothing.
    before: (),
}

/// From where a credential may come.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Limits {
    /// Networks (CIDR); none: any.
    allowed_from: Vec<String>,
    /// Coming from elsewhere is only logged.
    report_only: bool,
}

/// A credential with other limits.
#[derive(JsonSchema)]
pub(super) struct CredentialUpdated {
    /// Afterwards.
    state: CredentialState,
    /// What has changed, as it was.
    before: Limits,
    /// Names of what differs.
    changed: Vec<String>,
}

/// When a credential was to end.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
struct End {
    /// Milliseconds since 1970.
    expires_at: Option<i64>,
}

/// One of the two of a rotation; each has its event.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialRotated {
    /// Afterwards.
    state: CredentialState,
    /// Of the old one: its end, as it was.
    before: Option<End>,
    /// Of the old one: names of what differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
    /// Of the old one: id of the new one.
    #[serde(skip_serializing_if = "String::is_empty")]
    replaced_by: String,
    /// Of the new one: id of the old one.
    #[serde(skip_serializing_if = "String::is_empty")]
    replaces: String,
}

/// That a credential was not revoked.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Unrevoked {
    /// Null.
    revoked_at: (),
}

/// A credential that is valid no more.
#[derive(JsonSchema)]
pub(super) struct CredentialRevoked {
    /// Afterwards.
    state: CredentialState,
    /// What has changed, as it was.
    before: Unrevoked,
    /// Names of what differs.
    changed: Vec<String>,
}

/// A credential that ends soon.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialExpiring {
    /// As it is.
    state: CredentialState,
    /// Nothing.
    before: (),
    /// Of which warning this is: so many days before the end.
    step: i32,
    /// Days until the end; one that has begun counts.
    days_left: i64,
}

/// An access token.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TokenState {
    /// Its `jti`.
    id: String,
    /// The client that it was made for.
    client_id: String,
    /// Milliseconds since 1970.
    expires_at: i64,
}

/// An access token that is valid no more.
#[derive(JsonSchema)]
pub(super) struct TokenRevoked {
    /// Which.
    state: TokenState,
    /// Nothing.
    before: (),
}

/// A profile in one of its versions.
#[derive(JsonSchema)]
struct ProfileVersion {
    /// Name.
    profile: String,
    /// From 1.
    version: i32,
}

/// Another version of a tenant's profile.
#[derive(JsonSchema)]
pub(super) struct ProfileUpdated {
    /// Afterwards.
    state: ProfileVersion,
    /// Before.
    before: ProfileVersion,
    /// Names of what differs.
    changed: Vec<String>,
}

/// How long a list is.
#[derive(JsonSchema)]
struct ListLength {
    /// Values in it; null: the tenant has no list of its own.
    values: Option<u64>,
}

/// Another list of allowed values.
#[derive(JsonSchema)]
pub(super) struct ValueSetUpdated {
    /// Name of the list.
    set: String,
    /// Afterwards.
    state: ListLength,
    /// Before.
    before: ListLength,
    /// Names of what differs: none where other values are as many.
    changed: Vec<String>,
}

/// A host name.
#[derive(JsonSchema)]
struct DomainState {
    /// In lower case, international names encoded.
    host: String,
    /// Does it lead to the tenant?
    proven: bool,
}

/// What became of a host name.
#[derive(JsonSchema)]
pub(super) struct DomainMoved {
    /// Afterwards; of one that was removed: before.
    state: DomainState,
    /// Nothing.
    before: (),
}

/// What may be known of a destination: no secret.
#[derive(JsonSchema)]
struct DestinationState {
    /// Id.
    id: String,
    /// `webhook`, `redis-stream`, …
    kind: String,
    /// For people.
    name: String,
    /// Scheme, host and port of its address.
    server: Option<String>,
    /// Types of events; null: all.
    events: Option<Vec<String>>,
    /// `active`, `paused` or `disabled`.
    state: DestinationStatus,
    /// Within how many milliseconds its events shall be there.
    target: i64,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum DestinationStatus {
    Active,
    Paused,
    Disabled,
}

/// A destination that is there from here on.
#[derive(JsonSchema)]
pub(super) struct DestinationMade {
    /// Afterwards.
    state: DestinationState,
    /// Nothing.
    before: (),
}

/// A destination that has changed.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DestinationChanged {
    /// Afterwards.
    state: DestinationState,
    /// Before.
    before: DestinationState,
    /// Names of what differs.
    changed: Vec<String>,
    /// Names of its settings that differ, which are not told themselves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    settings_changed: Vec<String>,
    /// true: what is not shown of it has changed, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    secrets_changed: bool,
}

/// A destination that is no more.
#[derive(JsonSchema)]
pub(super) struct DestinationDeleted {
    /// Nothing.
    state: (),
    /// As it was.
    before: DestinationState,
}
