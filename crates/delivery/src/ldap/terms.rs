//! A directory as somebody sets it up, and changes it.

use std::sync::Arc;

use egress::Client;
use scim_core::ResourceType;

use super::settings::{Directory, Secrets, Settings};
use crate::Unfit;

/// A directory to be written to, for one tenant.
#[derive(Clone, Debug)]
pub struct NewLdap {
    /// `ldaps://…`, or `ldap://…` for StartTLS.
    pub url: String,
    /// The directory, and how users are written there.
    pub ldap: Box<Directory>,
    /// Of the bind DN.
    pub password: String,
    /// The tenant's users.
    pub users: Arc<ResourceType>,
}

/// What changes of one; `None`: it stays.
#[derive(Clone, Debug)]
pub struct LdapChange {
    /// Where it is.
    pub url: Option<String>,
    /// All of it.
    pub ldap: Option<Box<Directory>>,
    /// Of the bind DN.
    pub password: Option<String>,
    /// The tenant's users.
    pub users: Arc<ResourceType>,
}

impl NewLdap {
    /// What is kept of it.
    pub(crate) fn check(self, egress: &Client) -> Result<(Settings, Secrets), Unfit> {
        let settings = Settings { url: self.url, ldap: *self.ldap };
        Ok((settings.checked(&self.users, egress)?, Secrets::checked(self.password)?))
    }
}

impl LdapChange {
    /// Changes what is kept; gives the secrets where they change.
    pub(crate) fn apply(self, settings: &mut Settings, egress: &Client) -> Result<Option<Secrets>, Unfit> {
        if self.url.is_some() || self.ldap.is_some() {
            let mut changed = settings.clone();
            changed.url = self.url.unwrap_or(changed.url);
            changed.ldap = self.ldap.map_or(changed.ldap, |ldap| *ldap);
            let changed = changed.checked(&self.users, egress)?;
            // A password never goes along to another server, or to another who says that it is this one.
            let to = |settings: &Settings| {
                let Settings { url, ldap } = settings;
                (url.clone(), ldap.ca.clone(), ldap.bind_dn.clone())
            };
            if self.password.is_none() && to(&changed) != to(settings) {
                let detail = "give it anew: url, ldap.ca or ldap.bindDn changes";
                return Err(Unfit::new("password", detail));
            }
            *settings = changed;
        }
        self.password.map(Secrets::checked).transpose()
    }
}
