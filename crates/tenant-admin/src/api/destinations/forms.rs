//! A destination as it is made, changed and shown. Each kind has members of its own, so a form is read by its kind.

use std::collections::BTreeMap;

use delivery::{
    DestinationChange, DestinationError, NewDestination, NewWay, Shown, WayChange,
    ldap::{Directory, LdapChange, NewLdap},
    of_one_tenant,
    redis_stream::{NewRedisStream, RedisStreamChange},
    webhook::{NewWebhook, WebhookChange},
};
use http::StatusCode;
use provisioning::Tenant;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::destinations::{Destination, DestinationKind, Waiting};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr,
        schema::{AnyOfBuilder, Schema},
    },
};

use super::{
    super::{
        extract::{named, of_value, there},
        problem::ApiError,
        view::{time, word},
    },
    none,
};

/// What was sent, until it is known of which kind it is.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Form(Map<String, Value>);

/// A destination to be made.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the description's: a form is read by its kind")]
pub(super) enum NewDestinationBody {
    Webhook(NewWebhookBody),
    RedisStream(NewRedisStreamBody),
    Ldap(NewLdapBody),
}

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewWebhookBody {
    /// `webhook`, and so it is if nothing is given.
    #[serde(default, rename = "kind")]
    #[schema(value_type = Option<String>, example = "webhook")]
    _kind: Option<Value>,
    /// For people.
    #[schema(example = "Our application")]
    name: String,
    /// Types of events, `user.*` for all of a kind; none: all.
    events: Option<Vec<String>>,
    /// It is sent what comes after this place of the feed, 0 for all that is kept; if not given what happens from now on.
    after: Option<i64>,
    /// Within how many seconds of a change its event shall be there, up to a day; 60 if not given. What comes later is
    /// counted, and shown in the console.
    target_seconds: Option<u32>,
    /// Where each event is sent: https, on the public internet or in a network that the operator has opened.
    #[schema(example = "https://example.com/rollcall")]
    url: String,
    /// Headers beside the usual ones, by name. Their values are shown nowhere.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// `whsec_` and 24 to 64 bytes in Base64; if not given one is made.
    secret: Option<String>,
}

/// A stream of Redis to be written to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewRedisStreamBody {
    /// `redis-stream`.
    #[serde(rename = "kind")]
    #[schema(value_type = String, example = "redis-stream")]
    _kind: Value,
    /// For people.
    #[schema(example = "Our queue")]
    name: String,
    /// Types of events, `user.*` for all of a kind; none: all.
    events: Option<Vec<String>>,
    /// It is sent what comes after this place of the feed, 0 for all that is kept; if not given what happens from now on.
    after: Option<i64>,
    /// Within how many seconds of a change its event shall be there, up to a day; 60 if not given. What comes later is
    /// counted, and shown in the console.
    target_seconds: Option<u32>,
    /// `rediss://USER:PASSWORD@HOST:PORT/DATABASE`; `redis://` where the operator has opened the network. User and password
    /// are shown nowhere.
    #[schema(example = "rediss://rollcall:secret@redis.example.com:6380/0")]
    url: String,
    /// Key of the stream.
    #[schema(example = "rollcall")]
    stream: String,
    /// Entries that are kept, a few more at times; if not given all.
    max_len: Option<u64>,
    /// Consumer groups that are made, and made again when they are lost.
    #[serde(default)]
    groups: Vec<String>,
}

/// A directory that a tenant's users are written to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewLdapBody {
    /// `ldap`.
    #[serde(rename = "kind")]
    #[schema(value_type = String, example = "ldap")]
    _kind: Value,
    /// For people.
    #[schema(example = "Epic EMP")]
    name: String,
    /// Types of events of users; none: all of them.
    events: Option<Vec<String>>,
    /// It is told what comes after this place of the feed, 0 for all that is kept; if not given what happens from now on.
    after: Option<i64>,
    /// Within how many seconds of a change its event shall be there, up to a day; 60 if not given. What comes later is
    /// counted, and shown in the console.
    target_seconds: Option<u32>,
    /// `ldaps://HOST`, or `ldap://HOST` for StartTLS.
    #[schema(example = "ldaps://ldap.example.com")]
    url: String,
    /// The directory, and how users are written there.
    #[schema(value_type = Directory)]
    ldap: Box<Directory>,
    /// Of the bind DN. It is shown nowhere.
    password: String,
}

/// What changes; what is not there stays as it is.
pub(super) struct DestinationChangeBody;

/// A change of the name alone fits each kind; an `enum` would be described as fitting one.
impl PartialSchema for DestinationChangeBody {
    fn schema() -> RefOr<Schema> {
        AnyOfBuilder::new()
            .description(Some("What changes; what is not there stays as it is."))
            .item(Ref::from_schema_name("WebhookChangeBody"))
            .item(Ref::from_schema_name("RedisStreamChangeBody"))
            .item(Ref::from_schema_name("LdapChangeBody"))
            .into()
    }
}

impl ToSchema for DestinationChangeBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("WebhookChangeBody".to_owned(), WebhookChangeBody::schema()));
        schemas.push(("RedisStreamChangeBody".to_owned(), RedisStreamChangeBody::schema()));
        schemas.push(("LdapChangeBody".to_owned(), LdapChangeBody::schema()));
        LdapChangeBody::schemas(schemas);
    }
}

/// What changes of a webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WebhookChangeBody {
    /// For people.
    name: Option<String>,
    /// Types of events; null: all.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<Vec<String>>)]
    events: Option<Option<Vec<String>>>,
    /// false: it is sent nothing, and its events wait; true: it is tried at once.
    active: Option<bool>,
    /// Within how many seconds of a change its event shall be there.
    target_seconds: Option<u32>,
    /// Where each event is sent.
    url: Option<String>,
    /// Headers by name; null takes one away, those not named stay. Where `url` leads to another server than before they have
    /// to be given anew, and those not named are gone: {} for none.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = BTreeMap<String, Option<String>>)]
    headers: Option<BTreeMap<String, Option<String>>>,
}

/// What changes of a stream.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RedisStreamChangeBody {
    /// For people.
    name: Option<String>,
    /// Types of events; null: all.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<Vec<String>>)]
    events: Option<Option<Vec<String>>>,
    /// false: nothing is written, and its events wait; true: it is tried at once.
    active: Option<bool>,
    /// Within how many seconds of a change its event shall be there.
    target_seconds: Option<u32>,
    /// Where the stream is, with user and password: without these there are none any more.
    url: Option<String>,
    /// Key of the stream.
    stream: Option<String>,
    /// Entries that are kept; null: all.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<u64>)]
    max_len: Option<Option<u64>>,
    /// Consumer groups. Those that are not among them stay in Redis.
    groups: Option<Vec<String>>,
}

/// What changes of a directory.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LdapChangeBody {
    /// For people.
    name: Option<String>,
    /// Types of events of users; null: all of them.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<Vec<String>>)]
    events: Option<Option<Vec<String>>>,
    /// false: nothing is written, and its events wait; true: it is tried at once.
    active: Option<bool>,
    /// Within how many seconds of a change its event shall be there.
    target_seconds: Option<u32>,
    /// Where it is.
    url: Option<String>,
    /// All of the directory and the mapping anew.
    #[schema(value_type = Option<Directory>)]
    ldap: Option<Box<Directory>>,
    /// Of the bind DN.
    password: Option<String>,
}

/// A new secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewSecret {
    /// `whsec_` and 24 to 64 bytes in Base64; if not given one is made.
    pub(super) secret: Option<String>,
}

/// A destination.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DestinationView {
    /// Id.
    pub(super) id: String,
    /// `webhook`, `redis-stream` or `ldap`.
    pub(super) kind: String,
    /// For people.
    pub(super) name: String,
    /// What its kind has beside.
    #[serde(flatten)]
    pub(super) settings: Shown,
    /// Types of events; null: all.
    pub(super) events: Option<Vec<String>>,
    /// `active`; `paused` by somebody; `disabled`, as it has failed for five days or answered 410.
    pub(super) state: String,
    /// Within how many seconds of a change its event shall be there.
    pub(super) target_seconds: i64,
    /// The last place of the feed whose event it is sent, or was not to be sent.
    pub(super) position: i64,
    /// Places of the feed that were forgotten while it waited.
    pub(super) missed: i64,
    /// Events that it is still to be sent, up to 10,000.
    pub(super) waiting: u64,
    /// Events that were given up, up to 10,000; see `replayDestination`.
    pub(super) dead: u64,
    /// When the oldest event that waits was committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waiting_since: Option<String>,
    /// Since when it takes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failing_since: Option<String>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    /// When it was made.
    pub(super) created_at: String,
    /// Who made it.
    pub(super) created_by: String,
}

/// A destination and its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DestinationWithSecret {
    /// What signs. It stands here and nowhere else.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub(super) secret: String,
    /// What was made.
    pub(super) destination: DestinationView,
}

/// A destination that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MadeDestination {
    /// Of a webhook: what signs. It stands here and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub(super) secret: Option<String>,
    /// What was made.
    pub(super) destination: DestinationView,
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TestView {
    /// Was it taken?
    pub(super) taken: bool,
    /// Status of the answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// Why it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    /// How long it took, in milliseconds.
    pub(super) took: u64,
}

impl Form {
    /// A destination that is to be made.
    pub(super) fn destination(self, of: Option<&Tenant>) -> Result<NewDestination, ApiError> {
        let (form, tenant) = (Value::Object(self.0), of.map(Tenant::id));
        Ok(match kind(&form)? {
            DestinationKind::Webhook => {
                let NewWebhookBody {
                    _kind: _,
                    name,
                    events,
                    after,
                    target_seconds: target,
                    url,
                    headers,
                    secret,
                } = of_value(form)?;
                let way = NewWay::Webhook(NewWebhook { url, headers, secret });
                NewDestination { tenant, name, events, after, target, way }
            }
            DestinationKind::RedisStream => {
                let NewRedisStreamBody {
                    _kind: _,
                    name,
                    events,
                    after,
                    target_seconds: target,
                    url,
                    stream,
                    max_len,
                    groups,
                } = of_value(form)?;
                let way = NewWay::RedisStream(NewRedisStream { url, stream, max_len, groups });
                NewDestination { tenant, name, events, after, target, way }
            }
            DestinationKind::Ldap => {
                let of = of.ok_or_else(|| DestinationError::from(of_one_tenant()))?;
                let NewLdapBody {
                    _kind: _,
                    name,
                    events,
                    after,
                    target_seconds: target,
                    url,
                    ldap,
                    password,
                } = of_value(form)?;
                let users = of.profile.user.clone();
                let way = NewWay::Ldap(NewLdap { url, ldap, password, users });
                NewDestination { tenant, name, events, after, target, way }
            }
        })
    }

    /// A change of one that is of this kind.
    pub(super) fn change(
        self,
        kind: DestinationKind,
        of: Option<&Tenant>,
    ) -> Result<DestinationChange, ApiError> {
        let form = Value::Object(self.0);
        Ok(match kind {
            DestinationKind::Webhook => {
                let WebhookChangeBody { name, events, active, target_seconds: target, url, headers } =
                    of_value(form)?;
                let way = Some(WayChange::Webhook(WebhookChange { url, headers }));
                DestinationChange { name, events, active, target, way, ..DestinationChange::default() }
            }
            DestinationKind::RedisStream => {
                let RedisStreamChangeBody {
                    name,
                    events,
                    active,
                    target_seconds: target,
                    url,
                    stream,
                    max_len,
                    groups,
                } = of_value(form)?;
                let way = RedisStreamChange { url, stream, max_len, groups };
                let way = Some(WayChange::RedisStream(way));
                DestinationChange { name, events, active, target, way, ..DestinationChange::default() }
            }
            DestinationKind::Ldap => {
                let LdapChangeBody { name, events, active, target_seconds: target, url, ldap, password } =
                    of_value(form)?;
                let of = of.ok_or_else(none)?;
                let way = LdapChange { url, ldap, password, users: of.profile.user.clone() };
                let way = Some(WayChange::Ldap(way));
                DestinationChange { name, events, active, target, way, ..DestinationChange::default() }
            }
        })
    }
}

/// Of which kind a form is: a webhook, if it does not say.
fn kind(form: &Value) -> Result<DestinationKind, ApiError> {
    let Some(kind) = form.get("kind") else { return Ok(DestinationKind::Webhook) };
    let known: Option<DestinationKind> = serde_json::from_value(kind.clone()).ok();
    known.ok_or_else(|| ApiError::unfit("kind", "kind: use webhook, redis-stream or ldap"))
}

impl DestinationView {
    pub(super) fn new(destination: Destination, waiting: &Waiting) -> Result<Self, ApiError> {
        let settings = Shown::of(&destination).map_err(ApiError::internal)?;
        Ok(Self {
            id: destination.id.to_string(),
            kind: word(destination.kind),
            name: destination.name,
            settings,
            events: destination.events,
            state: word(destination.state),
            target_seconds: destination.target / 1_000,
            position: destination.position,
            missed: destination.missed,
            waiting: waiting.open,
            dead: waiting.dead,
            waiting_since: waiting.oldest_at.map(time),
            failing_since: destination.failing_since.map(time),
            problem: destination.problem,
            created_at: time(destination.created_at),
            created_by: destination.created_by,
        })
    }
}

impl From<DestinationError> for ApiError {
    fn from(error: DestinationError) -> Self {
        match error {
            DestinationError::Unfit(text) => {
                let field = text.split_once(": ").map(|(field, _)| field.to_owned());
                let error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, text);
                match field {
                    Some(field) => error.at(field),
                    None => error,
                }
            }
            DestinationError::Unknown => none(),
            DestinationError::Sealing(reason) => Self::internal(reason),
            DestinationError::Store(error) => error.into(),
        }
    }
}
