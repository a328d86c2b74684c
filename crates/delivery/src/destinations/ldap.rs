//! Directories, as operators set them up for one tenant.

use scim_core::ResourceType;
use store::{
    ChangeContext, DestinationId, TenantId,
    destinations::{Destination, DestinationKind, NewDestination},
};

use super::{DestinationError, Destinations, changed, events_of, named, unfit};
use crate::ldap::{Directory, Secrets, Settings, Writer};

/// What it is told of unless somebody says otherwise; other events change no entry.
const EVENTS: &str = "user.*";

/// A directory to be written to.
#[derive(Clone, Debug)]
pub struct NewLdap {
    /// Whose users.
    pub tenant: TenantId,
    /// For people.
    pub name: String,
    /// `ldaps://…`, or `ldap://…` for StartTLS.
    pub url: String,
    /// The directory, and how users are written there.
    pub ldap: Directory,
    /// Of the bind DN.
    pub password: String,
    /// Names of events of users; `None`: all of them.
    pub events: Option<Vec<String>>,
    /// What comes after this place of the feed; `None`: what happens from now on.
    pub after: Option<i64>,
}

/// What changes of one; `None`: it stays.
#[derive(Clone, Debug, Default)]
pub struct LdapChange {
    /// For people.
    pub name: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// All of it.
    pub ldap: Option<Directory>,
    /// Of the bind DN.
    pub password: Option<String>,
    /// Names of events of users; `Some(None)`: all of them.
    pub events: Option<Option<Vec<String>>>,
    /// Is it sent anything?
    pub active: Option<bool>,
}

impl Destinations {
    /// Makes an LDAP destination for users of this kind; nothing is written there before the next event.
    pub async fn create_ldap(
        &self,
        new: NewLdap,
        kind: &ResourceType,
        context: &ChangeContext,
    ) -> Result<Destination, DestinationError> {
        let name = named(&new.name)?;
        let settings = Settings { url: new.url, ldap: new.ldap };
        let settings = settings.checked(kind, &self.egress).map_err(unfit)?;
        let secrets = Secrets::checked(new.password).map_err(unfit)?;
        let id = DestinationId::generate();
        let new = NewDestination {
            id,
            tenant: Some(new.tenant),
            kind: DestinationKind::Ldap,
            name,
            settings: settings.to_json(),
            sealed: secrets.seal(&self.vault, id).map_err(DestinationError::Sealing)?,
            events: Some(of_users(new.events)?),
            after: new.after,
        };
        self.made(new, context).await
    }

    /// Changes an LDAP destination; it holds from the next attempt on.
    pub async fn change_ldap(
        &self,
        id: DestinationId,
        change: LdapChange,
        kind: &ResourceType,
        context: &ChangeContext,
    ) -> Result<Destination, DestinationError> {
        let before = self.of_kind(id, DestinationKind::Ldap).await?;
        let mut kept = changed(&before, change.name.as_deref(), change.active)?;
        kept.events = change.events.map(of_users).transpose()?.map(Some);
        if change.url.is_some() || change.ldap.is_some() {
            let mut settings = Settings::of(&before.settings).map_err(DestinationError::Sealing)?;
            settings.url = change.url.unwrap_or(settings.url);
            settings.ldap = change.ldap.unwrap_or(settings.ldap);
            kept.settings = Some(settings.checked(kind, &self.egress).map_err(unfit)?.to_json());
        }
        if let Some(password) = change.password {
            let secrets = Secrets::checked(password).map_err(unfit)?;
            kept.sealed = Some(secrets.seal(&self.vault, id).map_err(DestinationError::Sealing)?);
        }
        self.keep(id, kept, context).await
    }

    /// The directory of a tenant's destination that has this name or id, to be read and written.
    pub async fn directory(&self, tenant: TenantId, name: &str) -> Result<Writer, DestinationError> {
        let mut all = self.store.platform().destinations(Some(tenant)).await?;
        all.retain(|one| {
            one.kind == DestinationKind::Ldap && (one.name == name || one.id.to_string() == name)
        });
        let destination = match all.as_slice() {
            [] => return Err(DestinationError::Unknown),
            [only] => only,
            _ => {
                let text = format!("several LDAP destinations are called {name}; name one by its id");
                return Err(DestinationError::Unfit(text));
            }
        };
        let settings = Settings::of(&destination.settings).map_err(DestinationError::Sealing)?;
        let secrets = Secrets::open(&self.vault, destination.id, &destination.sealed)
            .map_err(|problem| DestinationError::Unfit(format!("password: {problem}")))?;
        Writer::new(self.egress.clone(), &settings, secrets).map_err(DestinationError::Unfit)
    }
}

/// The names that patterns mean, of users alone.
fn of_users(patterns: Option<Vec<String>>) -> Result<Vec<String>, DestinationError> {
    let names = events_of(Some(patterns.unwrap_or_else(|| vec![EVENTS.to_owned()])))?.unwrap_or_default();
    match names.iter().find(|name| !name.starts_with("user.")) {
        Some(other) => Err(DestinationError::Unfit(format!(
            "events: {other} changes no entry; an LDAP destination takes events of users alone, such as user.*"
        ))),
        None => Ok(names),
    }
}
