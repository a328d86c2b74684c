//! The ways by which events are sent, and what each kind of destination is made of. Whoever adds one adds a variant to
//! [`NewWay`], [`WayChange`] and [`Shown`]; then nothing compiles until the functions of this file know it, too.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use egress::Client;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use store::{
    DestinationId, Store,
    destinations::{Destination, DestinationKind},
    feed::FeedEvent,
};
use token_service::Vault;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    DestinationError, Event, Unfit,
    carrier::{Carrier, Message, Refusal},
    ldap::{self, LdapChange, NewLdap},
    redis_stream::{self, NewRedisStream, RedisStream, RedisStreamChange},
    sealed,
    webhook::{self, NewWebhook, Webhook, WebhookChange},
};

/// What a test event is called.
const TEST: &str = "webhook.test";

/// In which way a destination that is to be made gets its events.
#[derive(Clone, Debug)]
pub enum NewWay {
    /// A signed POST for each.
    Webhook(NewWebhook),
    /// An entry of a stream for each.
    RedisStream(NewRedisStream),
    /// A change of the user's entry in a directory.
    Ldap(NewLdap),
}

/// What changes of the way of a destination; it stays of its kind.
#[derive(Clone, Debug)]
pub enum WayChange {
    /// Of a webhook.
    Webhook(WebhookChange),
    /// Of a stream.
    RedisStream(RedisStreamChange),
    /// Of a directory.
    Ldap(LdapChange),
}

/// What may be shown of the way of a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = WaySettings)]
#[serde(untagged)]
pub enum Shown {
    /// Of a webhook.
    Webhook(webhook::Settings),
    /// Of a stream.
    RedisStream(redis_stream::Settings),
    /// Of a directory.
    Ldap(Box<ldap::Settings>),
}

/// What is kept of the way of a new destination.
pub(crate) struct Begun {
    pub(crate) kind: DestinationKind,
    pub(crate) settings: Value,
    pub(crate) sealed: Vec<u8>,
    /// What whoever makes it has to know, and is told only now.
    pub(crate) secret: Option<String>,
}

/// What changes of what is kept; `None`: it stays.
#[derive(Default)]
pub(crate) struct Changed {
    pub(crate) settings: Option<Value>,
    pub(crate) sealed: Option<Vec<u8>>,
}

impl Changed {
    /// The destination as it would be.
    pub(crate) fn laid_over(&self, before: &Destination) -> Destination {
        let mut after = before.clone();
        after.settings = self.settings.clone().unwrap_or(after.settings);
        after.sealed = self.sealed.clone().unwrap_or(after.sealed);
        after
    }
}

/// What ways are made with.
pub(crate) struct Ground<'a> {
    pub(crate) store: &'a Store,
    pub(crate) vault: &'a Vault,
    pub(crate) egress: &'a Client,
}

impl Shown {
    /// Of a destination. The error is for the log.
    pub fn of(destination: &Destination) -> Result<Self, String> {
        Ok(match destination.kind {
            DestinationKind::Webhook => Self::Webhook(settings(destination)?),
            DestinationKind::RedisStream => Self::RedisStream(settings(destination)?),
            DestinationKind::Ldap => Self::Ldap(settings(destination)?),
        })
    }
}

impl Ground<'_> {
    /// A new destination's way, once it fits.
    pub(crate) fn begin(&self, id: DestinationId, way: NewWay) -> Result<Begun, DestinationError> {
        Ok(match way {
            NewWay::Webhook(new) => {
                let (settings, secrets, secret) = new.check(self.egress)?;
                Begun {
                    kind: DestinationKind::Webhook,
                    settings: json!(settings),
                    sealed: self.seal(id, &secrets)?,
                    secret: Some(secret),
                }
            }
            NewWay::RedisStream(new) => {
                let (settings, secrets) = new.check(self.egress)?;
                Begun {
                    kind: DestinationKind::RedisStream,
                    settings: json!(settings),
                    sealed: self.seal(id, &secrets)?,
                    secret: None,
                }
            }
            NewWay::Ldap(new) => {
                let (settings, secrets) = new.check(self.egress)?;
                Begun {
                    kind: DestinationKind::Ldap,
                    settings: json!(settings),
                    sealed: self.seal(id, &secrets)?,
                    secret: None,
                }
            }
        })
    }

    /// Another way of the same kind, once it fits.
    pub(crate) fn change(&self, before: &Destination, way: WayChange) -> Result<Changed, DestinationError> {
        match (way, before.kind) {
            (WayChange::Webhook(change), DestinationKind::Webhook) => {
                let mut kept: webhook::Settings = settings(before).map_err(DestinationError::Sealing)?;
                let open = || self.open(before).map_err(|problem| Unfit::new("headers", problem).into());
                let secrets: Option<webhook::Secrets> =
                    change.apply::<DestinationError>(&mut kept, self.egress, open)?;
                let sealed = secrets.map(|secrets| self.seal(before.id, &secrets)).transpose()?;
                Ok(Changed { settings: Some(json!(kept)), sealed })
            }
            (WayChange::RedisStream(change), DestinationKind::RedisStream) => {
                let mut kept: redis_stream::Settings = settings(before).map_err(DestinationError::Sealing)?;
                let secrets = change.apply(&mut kept, self.egress)?;
                let sealed = secrets.map(|secrets| self.seal(before.id, &secrets)).transpose()?;
                Ok(Changed { settings: Some(json!(kept)), sealed })
            }
            (WayChange::Ldap(change), DestinationKind::Ldap) => {
                let mut kept: ldap::Settings = settings(before).map_err(DestinationError::Sealing)?;
                let secrets = change.apply(&mut kept, self.egress)?;
                let sealed = secrets.map(|secrets| self.seal(before.id, &secrets)).transpose()?;
                Ok(Changed { settings: Some(json!(kept)), sealed })
            }
            _ => Err(Unfit::new("kind", "a destination stays of its kind; make another one").into()),
        }
    }

    /// Another secret of a webhook, beside the old one for a day, at `now` (milliseconds). Gives it, too. Where the old ones
    /// cannot be read any more, they and the headers are gone.
    pub(crate) fn rotate(
        &self,
        before: &Destination,
        secret: Option<String>,
        now: i64,
    ) -> Result<(Changed, String), DestinationError> {
        if before.kind != DestinationKind::Webhook {
            return Err(Unfit::new("secret", "only a webhook has one; a new url brings its password").into());
        }
        let secret = webhook::secret_of(secret)?;
        let mut changed = Changed::default();
        let secrets = match self.open::<webhook::Secrets>(before) {
            Ok(mut secrets) => {
                secrets.rotate(secret.clone(), now);
                secrets
            }
            Err(_) => {
                let kept: webhook::Settings = settings(before).map_err(DestinationError::Sealing)?;
                changed.settings = Some(json!(webhook::Settings { headers: Vec::new(), ..kept }));
                webhook::Secrets::new(secret.clone(), BTreeMap::new())
            }
        };
        changed.sealed = Some(self.seal(before.id, &secrets)?);
        Ok((changed, secret))
    }

    /// The secrets of a destination by the member that holds each: `secret`, `headers.NAME`, `user`, `password`. The error is
    /// for people.
    pub(crate) fn secrets(&self, destination: &Destination) -> Result<BTreeMap<String, String>, String> {
        let mut found = BTreeMap::new();
        match destination.kind {
            DestinationKind::Webhook => {
                let webhook::Secrets { signing, headers } = self.open(destination)?;
                found.extend(signing.into_iter().next().map(|newest| ("secret".to_owned(), newest.secret)));
                found.extend(headers.into_iter().map(|(name, value)| (format!("headers.{name}"), value)));
            }
            DestinationKind::RedisStream => {
                let redis_stream::Secrets { user, password } = self.open(destination)?;
                found.extend(user.map(|user| ("user".to_owned(), user)));
                found.extend(password.map(|password| ("password".to_owned(), password)));
            }
            DestinationKind::Ldap => {
                let ldap::Secrets { password } = self.open(destination)?;
                found.insert("password".to_owned(), password);
            }
        }
        Ok(found)
    }

    /// What carries to a destination. The error says why nothing can.
    pub(crate) fn carrier(&self, destination: &Destination) -> Result<Arc<dyn Carrier>, String> {
        Ok(match destination.kind {
            DestinationKind::Webhook => {
                let (settings, secrets) = (settings(destination)?, self.open(destination)?);
                let webhook = Webhook::new(self.egress.clone(), &settings, &secrets);
                Arc::new(webhook.map_err(|unfit| unfit.to_string())?)
            }
            DestinationKind::RedisStream => {
                let (settings, secrets) = (settings(destination)?, self.open(destination)?);
                let stream = RedisStream::new(self.egress.clone(), settings, &secrets);
                Arc::new(stream.map_err(|unfit| unfit.to_string())?)
            }
            DestinationKind::Ldap => Arc::new(self.directory(destination)?),
        })
    }

    /// The directory of a destination, to be read and written. The error says why it cannot be.
    pub(crate) fn directory(&self, destination: &Destination) -> Result<ldap::Writer, String> {
        let kept: ldap::Settings = settings(destination)?;
        let tenant = destination.tenant.ok_or("a directory is written the users of one tenant")?;
        let people = ldap::People::new(self.store.tenant(tenant), destination.id);
        ldap::Writer::new(self.egress.clone(), &kept, self.open(destination)?, people)
    }

    /// Sends a message that says nothing, at `now` (milliseconds); gives the status of the answer.
    pub(crate) async fn send_test(
        &self,
        destination: &Destination,
        now: i64,
    ) -> Result<Option<u16>, Refusal> {
        let carrier =
            self.carrier(destination).map_err(|problem| Refusal { problem, ..Refusal::default() })?;
        let id = Uuid::now_v7().to_string();
        let body = json!({
            "id": id,
            "type": TEST,
            "timestamp": scim_core::timestamp::to_rfc3339(now),
            "data": {"destination": {"id": destination.id, "name": destination.name}},
        });
        let body = Bytes::from(body.to_string());
        carrier.carry(&Message { id, name: TEST.to_owned(), event: None, body, now }).await
    }

    fn open<T: DeserializeOwned>(&self, destination: &Destination) -> Result<T, String> {
        sealed::open(self.vault, destination.id, &destination.sealed)
    }

    fn seal<T: Serialize>(&self, id: DestinationId, secrets: &T) -> Result<Vec<u8>, DestinationError> {
        sealed::seal(self.vault, id, secrets).map_err(DestinationError::Sealing)
    }
}

fn settings<T: DeserializeOwned>(destination: &Destination) -> Result<T, String> {
    serde_json::from_value(destination.settings.clone())
        .map_err(|error| format!("its settings cannot be read: {error}"))
}

/// An event as this destination gets it. That of a tenant is not told the names of people of the console.
pub(crate) fn message(event: FeedEvent, is_of_tenant: bool, now: i64) -> Message {
    let event = Event::from(event);
    let event = if is_of_tenant { event.without_admins() } else { event };
    // It is made of texts, numbers and JSON.
    let body = serde_json::to_vec(&event).unwrap_or_default();
    Message { id: event.id.clone(), name: event.name.clone(), event: Some(event), body: body.into(), now }
}
