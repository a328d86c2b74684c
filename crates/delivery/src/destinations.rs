//! What people do with destinations: they are judged, their secrets sealed, and kept. One for the API, the console and the
//! command line.

use std::collections::BTreeSet;

use egress::Client;
use store::{
    ChangeContext, DestinationId, Store, StoreError, TenantId,
    destinations::{self as kept, Destination, DestinationKind, DestinationState, MOST},
};
use token_service::Vault;

use crate::{
    NewWay, Sender, Unfit, WayChange,
    carrier::Refusal,
    ldap, names,
    ways::{Begun, Changed, Ground},
};

/// Longest name, in characters.
const NAME: usize = 100;

/// Within how many seconds events shall be there, if nobody says otherwise.
pub const TARGET: u32 = 60;

/// The longest target: a day.
const LONGEST_TARGET: u32 = 24 * 3_600;

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

/// What is wrong with what was sent.
impl From<Unfit> for DestinationError {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit.to_string())
    }
}

/// A destination to be made.
#[derive(Clone, Debug)]
pub struct NewDestination {
    /// Whose events; `None`: those of all tenants.
    pub tenant: Option<TenantId>,
    /// For people.
    pub name: String,
    /// Names of events, `user.*` for all of a kind, `*` for all; `None`: all.
    pub events: Option<Vec<String>>,
    /// What comes after this place of the feed; `None`: what happens from now on.
    pub after: Option<i64>,
    /// Within how many seconds its events shall be there; `None`: [`TARGET`].
    pub target: Option<u32>,
    /// How it gets them.
    pub way: NewWay,
}

/// What changes of a destination; `None`: it stays.
#[derive(Clone, Debug, Default)]
pub struct DestinationChange {
    /// For people.
    pub name: Option<String>,
    /// Names of events; `Some(None)`: all.
    pub events: Option<Option<Vec<String>>>,
    /// Is it sent anything?
    pub active: Option<bool>,
    /// Within how many seconds its events shall be there.
    pub target: Option<u32>,
    /// How it gets them.
    pub way: Option<WayChange>,
    /// The next secret of a webhook; the old one signs beside it for a day.
    pub secret: Option<String>,
    /// Of this version alone: [`StoreError::Stale`]. `None`: of the one that is there.
    pub version: Option<i64>,
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

    /// Makes a destination; gives its secret, if it has one, which is told nowhere else.
    pub async fn create(
        &self,
        new: NewDestination,
        context: &ChangeContext,
    ) -> Result<(Destination, Option<String>), DestinationError> {
        self.keep_new(self.judged(new, DestinationState::Active)?, context).await
    }

    /// The same in a state, since a paused one is sent nothing until somebody says so, and only where there is none of that
    /// name: [`StoreError::Conflict`].
    pub async fn create_unique(
        &self,
        new: NewDestination,
        state: DestinationState,
        context: &ChangeContext,
    ) -> Result<(Destination, Option<String>), DestinationError> {
        let (new, secret) = self.judged(new, state)?;
        self.keep_new((kept::NewDestination { is_unique: true, ..new }, secret), context).await
    }

    async fn keep_new(
        &self,
        (new, secret): (kept::NewDestination, Option<String>),
        context: &ChangeContext,
    ) -> Result<(Destination, Option<String>), DestinationError> {
        let platform = self.store.platform();
        if let Some(after) = new.after {
            let ends = platform.feed_ends().await?;
            if after < ends.forgotten || after > ends.last {
                let (first, last) = (ends.forgotten, ends.last);
                return Err(
                    Unfit::new("after", format!("events are there after {first}, up to {last}")).into()
                );
            }
        }
        let made = platform.create_destination(new, context).await?;
        let full = || Unfit::new("destinations", format!("there are {MOST} already; delete one first"));
        Ok((made.ok_or_else(full)?, secret))
    }

    /// A destination as it would be kept.
    pub(crate) fn judged(
        &self,
        new: NewDestination,
        state: DestinationState,
    ) -> Result<(kept::NewDestination, Option<String>), DestinationError> {
        let NewDestination { tenant, name, events, after, target, way } = new;
        let name = named(&name)?;
        let target = target_of(target.unwrap_or(TARGET))?;
        let id = DestinationId::generate();
        let Begun { kind, settings, sealed, secret } = self.ground().begin(id, way)?;
        if kind == DestinationKind::Ldap && tenant.is_none() {
            return Err(of_one_tenant().into());
        }
        let events = events_for(kind, events)?;
        let is_unique = false;
        let new = kept::NewDestination {
            id,
            tenant,
            kind,
            name,
            settings,
            sealed,
            events,
            state,
            target,
            after,
            is_unique,
        };
        Ok((new, secret))
    }

    /// Changes a destination; it holds from the next attempt on.
    pub async fn change(
        &self,
        id: DestinationId,
        change: DestinationChange,
        context: &ChangeContext,
    ) -> Result<Destination, DestinationError> {
        let before = self.one(id).await?;
        let change = self.judged_change(&before, change)?;
        self.keep(id, change, context).await
    }

    /// A change as it would be kept.
    pub(crate) fn judged_change(
        &self,
        before: &Destination,
        change: DestinationChange,
    ) -> Result<kept::DestinationChange, DestinationError> {
        let DestinationChange { name, events, active, target, way, secret, version } = change;
        let way = self.judged_way(before, way, secret)?;
        Ok(kept::DestinationChange {
            version: Some(version.unwrap_or(before.version)),
            name: name.as_deref().map(named).transpose()?,
            events: events.map(|events| events_for(before.kind, events)).transpose()?,
            state: active.map(|active| match active {
                true => DestinationState::Active,
                false => DestinationState::Paused,
            }),
            target: target.map(target_of).transpose()?,
            settings: way.settings,
            sealed: way.sealed,
        })
    }

    /// Another secret comes before another way: where the old secrets cannot be read any more, there are new ones by then.
    fn judged_way(
        &self,
        before: &Destination,
        way: Option<WayChange>,
        secret: Option<String>,
    ) -> Result<Changed, DestinationError> {
        let mut changed = Changed::default();
        if secret.is_some() {
            (changed, _) = self.ground().rotate(before, secret, self.store.now())?;
        }
        let Some(way) = way else { return Ok(changed) };
        let Changed { settings, sealed } = self.ground().change(&changed.laid_over(before), way)?;
        Ok(Changed { settings: settings.or(changed.settings), sealed: sealed.or(changed.sealed) })
    }

    /// Gives a webhook another secret; the old one signs beside it for a day. Gives the new one, which is told nowhere else.
    /// Where the old ones cannot be read any more, they and the headers are gone.
    pub async fn rotate(
        &self,
        id: DestinationId,
        secret: Option<String>,
        context: &ChangeContext,
    ) -> Result<(Destination, String), DestinationError> {
        let before = self.one(id).await?;
        let (changed, secret) = self.ground().rotate(&before, secret, self.store.now())?;
        let change = kept::DestinationChange {
            version: Some(before.version),
            settings: changed.settings,
            sealed: changed.sealed,
            ..kept::DestinationChange::default()
        };
        Ok((self.keep(id, change, context).await?, secret))
    }

    /// Removes one: what it was not sent yet it never is. Where a version is named, that one alone: [`StoreError::Stale`].
    pub async fn delete(
        &self,
        id: DestinationId,
        version: Option<i64>,
        context: &ChangeContext,
    ) -> Result<(), DestinationError> {
        match self.store.platform().delete_destination(id, version, context).await? {
            true => Ok(()),
            false => Err(DestinationError::Unknown),
        }
    }

    /// Sends it a message that says nothing, whatever else is under way; gives the status of the answer, or why there was
    /// none that counts.
    pub async fn test(&self, id: DestinationId) -> Result<Result<Option<u16>, Refusal>, DestinationError> {
        let destination = self.one(id).await?;
        Ok(self.ground().send_test(&destination, self.store.now()).await)
    }

    /// The directory of a tenant's destination that has this name or id, to be read and written.
    pub async fn directory(&self, tenant: TenantId, name: &str) -> Result<ldap::Writer, DestinationError> {
        let mut all = self.store.platform().destinations(Some(tenant)).await?;
        all.retain(|one| {
            one.kind == DestinationKind::Ldap && (one.name == name || one.id.to_string() == name)
        });
        match all.as_slice() {
            [] => Err(DestinationError::Unknown),
            [only] => self.ground().directory(only).map_err(DestinationError::Unfit),
            _ => {
                let text = format!("several LDAP destinations are called {name}; name one by its id");
                Err(DestinationError::Unfit(text))
            }
        }
    }

    /// One, as it is now.
    pub async fn one(&self, id: DestinationId) -> Result<Destination, DestinationError> {
        self.store.platform().destination(id).await?.ok_or(DestinationError::Unknown)
    }

    async fn keep(
        &self,
        id: DestinationId,
        change: kept::DestinationChange,
        context: &ChangeContext,
    ) -> Result<Destination, DestinationError> {
        let kept = self.store.platform().change_destination(id, change, context).await?;
        kept.ok_or(DestinationError::Unknown)
    }

    pub(crate) fn ground(&self) -> Ground<'_> {
        Ground { store: &self.store, vault: &self.vault, egress: &self.egress }
    }
}

fn named(name: &str) -> Result<String, DestinationError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
        let text = format!("name: use 1 to {NAME} characters in one line");
        return Err(DestinationError::Unfit(text));
    }
    Ok(name.to_owned())
}

/// In milliseconds.
fn target_of(seconds: u32) -> Result<i64, DestinationError> {
    match seconds {
        1..=LONGEST_TARGET => Ok(i64::from(seconds) * 1_000),
        _ => Err(Unfit::new("targetSeconds", format!("use 1 to {LONGEST_TARGET}")).into()),
    }
}

/// Why a directory is not of the installation.
#[must_use]
pub fn of_one_tenant() -> Unfit {
    let detail =
        "a directory is written the users of one tenant; make it at /api/v1/tenants/{slug}/destinations";
    Unfit::new("kind", detail)
}

/// What a destination of a kind is told of: a directory of users alone, as other events change no entry.
fn events_for(
    kind: DestinationKind,
    patterns: Option<Vec<String>>,
) -> Result<Option<Vec<String>>, DestinationError> {
    if kind != DestinationKind::Ldap {
        return events_of(patterns);
    }
    let names = events_of(Some(patterns.unwrap_or_else(|| vec!["user.*".to_owned()])))?;
    let all = [names::ALL.to_owned()];
    let named = names.as_deref().unwrap_or(&all);
    match named.iter().find(|name| !name.starts_with("user.")) {
        Some(other) => Err(DestinationError::Unfit(format!(
            "events: {other} changes no entry; an LDAP destination takes events of users alone, such as user.*"
        ))),
        None => Ok(names),
    }
}

/// The names that patterns mean, in order.
fn events_of(patterns: Option<Vec<String>>) -> Result<Option<Vec<String>>, DestinationError> {
    // Who names all is sent those of later versions, too, as who names none.
    let Some(patterns) = patterns.filter(|all| !all.iter().any(|one| one == names::ALL)) else {
        return Ok(None);
    };
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
        return Err(DestinationError::Unfit("events: choose one or more, or all of them".to_owned()));
    }
    Ok(Some(found.into_iter().collect()))
}
