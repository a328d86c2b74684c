//! What people do with destinations: they are judged, their secrets sealed, and kept. One for the API, the console and the
//! command line.

use std::collections::{BTreeMap, BTreeSet};

use egress::Client;
use store::{
    ChangeContext, DestinationId, Store, StoreError, TenantId,
    destinations::{Destination, DestinationChange, DestinationKind, DestinationState, MOST, NewDestination},
};
use token_service::Vault;

use crate::{Sender, carrier::Refusal, names, ways, webhook};

mod ldap;

pub use ldap::{LdapChange, NewLdap};

/// Longest name, in characters.
const NAME: usize = 100;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// What was sent does not fit: the member, a colon, and what to do.
    #[error("{0}")]
    Unfit(String),
    /// There is none of this id.
    #[error("there is no such destination")]
    Unknown,
    /// A secret cannot be sealed or read; for the log.
    #[error("{0}")]
    Sealing(String),
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A webhook to be made.
#[derive(Clone, Debug, Default)]
pub struct NewWebhook {
    /// Whose events; `None`: those of all tenants.
    pub tenant: Option<TenantId>,
    /// For people.
    pub name: String,
    /// Where to.
    pub url: String,
    /// Headers beside the usual ones, by name.
    pub headers: BTreeMap<String, String>,
    /// Names of events, `user.*` for all of a kind; `None`: all.
    pub events: Option<Vec<String>>,
    /// What comes after this place of the feed; `None`: what happens from now on.
    pub after: Option<i64>,
    /// `whsec_…`; `None`: one is made.
    pub secret: Option<String>,
}

/// What changes of a webhook; `None`: it stays.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// For people.
    pub name: Option<String>,
    /// Where to.
    pub url: Option<String>,
    /// Headers by name; `None` as a value takes one away, those not named stay.
    pub headers: BTreeMap<String, Option<String>>,
    /// Names of events; `Some(None)`: all.
    pub events: Option<Option<Vec<String>>>,
    /// Is it sent anything?
    pub active: Option<bool>,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Destinations {
    store: Store,
    vault: Vault,
    egress: Client,
}

impl Destinations {
    /// Of an installation.
    #[must_use]
    pub fn new(store: Store, vault: Vault, egress: Client) -> Self {
        Self { store, vault, egress }
    }

    /// What sends to them on this node.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender::new(self.store.clone(), self.vault.clone(), self.egress.clone())
    }

    /// Makes a webhook; gives its secret, which is told nowhere else.
    pub async fn create(
        &self,
        new: NewWebhook,
        context: &ChangeContext,
    ) -> Result<(Destination, String), DestinationError> {
        let name = named(&new.name)?;
        let url = webhook::check_url(&new.url, &self.egress).map_err(unfit)?;
        webhook::check_headers(&new.headers).map_err(unfit)?;
        let secret = secret_of(new.secret)?;
        let id = DestinationId::generate();
        let headers = new.headers.keys().cloned().collect();
        let settings = webhook::Settings { url: url.into(), headers }.to_json();
        let secrets = webhook::Secrets::new(secret.clone(), new.headers);
        let new = NewDestination {
            id,
            tenant: new.tenant,
            kind: DestinationKind::Webhook,
            name,
            settings,
            sealed: self.seal(id, &secrets)?,
            events: events_of(new.events)?,
            after: new.after,
        };
        Ok((self.made(new, context).await?, secret))
    }

    /// Keeps a new one, if there may be another.
    async fn made(
        &self,
        new: NewDestination,
        context: &ChangeContext,
    ) -> Result<Destination, DestinationError> {
        let platform = self.store.platform();
        if let Some(after) = new.after {
            let ends = platform.feed_ends().await?;
            if after < ends.forgotten || after > ends.last {
                let (first, last) = (ends.forgotten, ends.last);
                return Err(DestinationError::Unfit(format!(
                    "after: events are there after {first}, up to {last}"
                )));
            }
        }
        let made = platform.create_destination(new, context).await?;
        made.ok_or_else(|| {
            DestinationError::Unfit(format!("destinations: there are {MOST} already; delete one first"))
        })
    }

    /// Changes a webhook; it holds from the next attempt on.
    pub async fn change(
        &self,
        id: DestinationId,
        change: WebhookChange,
        context: &ChangeContext,
    ) -> Result<Destination, DestinationError> {
        let before = self.of_kind(id, DestinationKind::Webhook).await?;
        let mut kept = changed(&before, change.name.as_deref(), change.active)?;
        kept.events = change.events.map(events_of).transpose()?;
        if change.url.is_some() || !change.headers.is_empty() {
            let mut settings = webhook::Settings::of(&before.settings).map_err(DestinationError::Sealing)?;
            if let Some(url) = &change.url {
                settings.url = webhook::check_url(url, &self.egress).map_err(unfit)?.into();
            }
            if !change.headers.is_empty() {
                let mut secrets = self.open(&before)?;
                for (name, value) in change.headers {
                    // Names of headers know no case.
                    secrets.headers.retain(|old, _| !old.eq_ignore_ascii_case(&name));
                    secrets.headers.extend(value.map(|value| (name, value)));
                }
                webhook::check_headers(&secrets.headers).map_err(unfit)?;
                settings.headers = secrets.headers.keys().cloned().collect();
                kept.sealed = Some(self.seal(id, &secrets)?);
            }
            kept.settings = Some(settings.to_json());
        }
        self.keep(id, kept, context).await
    }

    /// Gives a webhook another secret; the old one signs beside it for a day. Gives the new one, which is told nowhere else.
    /// Where the old ones cannot be read any more, they and the headers are gone.
    pub async fn rotate(
        &self,
        id: DestinationId,
        secret: Option<String>,
        context: &ChangeContext,
    ) -> Result<(Destination, String), DestinationError> {
        let before = self.of_kind(id, DestinationKind::Webhook).await?;
        let secret = secret_of(secret)?;
        let mut kept = DestinationChange { version: Some(before.version), ..DestinationChange::default() };
        let secrets = match self.open(&before) {
            Ok(mut secrets) => {
                secrets.rotate(secret.clone(), self.store.now());
                secrets
            }
            Err(_) => {
                let settings = webhook::Settings::of(&before.settings).map_err(DestinationError::Sealing)?;
                kept.settings = Some(webhook::Settings { headers: Vec::new(), ..settings }.to_json());
                webhook::Secrets::new(secret.clone(), BTreeMap::new())
            }
        };
        kept.sealed = Some(self.seal(id, &secrets)?);
        Ok((self.keep(id, kept, context).await?, secret))
    }

    /// Removes one: what it was not sent yet it never is.
    pub async fn delete(&self, id: DestinationId, context: &ChangeContext) -> Result<(), DestinationError> {
        match self.store.platform().delete_destination(id, context).await? {
            true => Ok(()),
            false => Err(DestinationError::Unknown),
        }
    }

    /// Sends it a message that says nothing, whatever else is under way; gives the status of the answer, or why there was
    /// none that counts.
    pub async fn test(&self, id: DestinationId) -> Result<Result<Option<u16>, Refusal>, DestinationError> {
        let destination = self.one(id).await?;
        Ok(ways::send_test(&destination, &self.vault, &self.egress, self.store.now()).await)
    }

    /// One of this kind; what was asked for is for others.
    async fn of_kind(
        &self,
        id: DestinationId,
        kind: DestinationKind,
    ) -> Result<Destination, DestinationError> {
        let found = self.one(id).await?;
        if found.kind == kind {
            return Ok(found);
        }
        Err(DestinationError::Unfit(match found.kind {
            DestinationKind::Webhook => {
                "kind: this is a webhook; change `url`, `headers` or its secret".to_owned()
            }
            DestinationKind::Ldap => {
                "kind: this is an LDAP destination; change `url`, `ldap` or `password`".to_owned()
            }
        }))
    }

    async fn one(&self, id: DestinationId) -> Result<Destination, DestinationError> {
        self.store.platform().destination(id).await?.ok_or(DestinationError::Unknown)
    }

    async fn keep(
        &self,
        id: DestinationId,
        change: DestinationChange,
        context: &ChangeContext,
    ) -> Result<Destination, DestinationError> {
        let kept = self.store.platform().change_destination(id, change, context).await?;
        kept.ok_or(DestinationError::Unknown)
    }

    fn open(&self, destination: &Destination) -> Result<webhook::Secrets, DestinationError> {
        webhook::Secrets::open(&self.vault, destination.id, &destination.sealed)
            .map_err(|problem| DestinationError::Unfit(format!("headers: {problem}")))
    }

    fn seal(&self, id: DestinationId, secrets: &webhook::Secrets) -> Result<Vec<u8>, DestinationError> {
        secrets.seal(&self.vault, id).map_err(DestinationError::Sealing)
    }
}

/// What changes of any kind of destination.
fn changed(
    before: &Destination,
    name: Option<&str>,
    active: Option<bool>,
) -> Result<DestinationChange, DestinationError> {
    Ok(DestinationChange {
        version: Some(before.version),
        name: name.map(named).transpose()?,
        state: active.map(|active| match active {
            true => DestinationState::Active,
            false => DestinationState::Paused,
        }),
        ..DestinationChange::default()
    })
}

fn unfit(error: webhook::Unfit) -> DestinationError {
    DestinationError::Unfit(error.to_string())
}

fn named(name: &str) -> Result<String, DestinationError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
        let text = format!("name: use 1 to {NAME} characters in one line");
        return Err(DestinationError::Unfit(text));
    }
    Ok(name.to_owned())
}

fn secret_of(given: Option<String>) -> Result<String, DestinationError> {
    let Some(secret) = given else { return Ok(webhook::generate_secret()) };
    webhook::check_secret(&secret).map_err(unfit)?;
    Ok(secret)
}

/// The names that patterns mean, in order.
fn events_of(patterns: Option<Vec<String>>) -> Result<Option<Vec<String>>, DestinationError> {
    let Some(patterns) = patterns else { return Ok(None) };
    let mut found = BTreeSet::new();
    for pattern in &patterns {
        let names = names::matching(pattern).ok_or_else(|| {
            DestinationError::Unfit(format!(
                "events: there is no event {pattern:?}; docs/delivery.md lists all"
            ))
        })?;
        found.extend(names.into_iter().map(str::to_owned));
    }
    if found.is_empty() {
        return Err(DestinationError::Unfit("events: name one, or leave it out for all".to_owned()));
    }
    Ok(Some(found.into_iter().collect()))
}
