//! Users and entries side by side. Nothing is changed, here or there.

use std::collections::HashMap;

use provisioning::Tenant;
use scim_core::fold;
use serde::Serialize;
use store::{Store, UserId, users::User};

use super::{
    LdapError,
    carry::Writer,
    mapping::{Difference, Entry},
    template::Subject,
    walk::{Index, Walk, link_of_entry, users_of},
};
use crate::shared::Had;

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reconciliation {
    /// Users that there are.
    pub users: u64,
    /// Entries that there are.
    pub entries: u64,
    /// Entries that are what their users make them.
    pub agreeing: u64,
    /// Entries that are linked to nobody.
    pub entries_without_user: Vec<LoneEntry>,
    /// Users that no entry is linked to.
    pub users_without_entry: Vec<LoneUser>,
    /// Attributes that differ, the name (`dn`) among them.
    pub attributes: Vec<Differing>,
    /// Who is active on one side alone.
    pub active: Vec<Differing>,
    /// Several entries of one user; what else differs in them is not told.
    pub several_entries: Vec<Several>,
}

/// An entry without a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoneEntry {
    /// Its name.
    pub dn: String,
    /// Its link, or what is wrong with it.
    pub link: String,
}

/// A user without an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoneUser {
    /// Id.
    pub id: String,
    /// Name.
    pub user_name: String,
    /// Why there can be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A user and its entry, which differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Differing {
    /// Id of the user.
    pub user: String,
    /// Its name.
    pub user_name: String,
    /// Name of the entry.
    pub dn: String,
    /// In what.
    pub differences: Vec<Difference>,
}

/// Several entries of one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Several {
    /// Id of the user.
    pub user: String,
    /// Names of the entries.
    pub dns: Vec<String>,
}

impl Reconciliation {
    /// How much differs.
    #[must_use]
    pub fn findings(&self) -> usize {
        self.entries_without_user.len()
            + self.users_without_entry.len()
            + self.attributes.len()
            + self.active.len()
            + self.several_entries.len()
    }
}

impl Writer {
    /// Compares all users with all entries. `progress` is told of the entries that are done.
    pub async fn reconcile(
        &self,
        store: &Store,
        tenant: &Tenant,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Reconciliation, LdapError> {
        let scope = store.tenant(tenant.id());
        let index = Index::of(&scope, &self.mapping).await?;
        let mut found = Reconciliation {
            users: (index.users.len() + index.unlinked.len() + index.shared.len()) as u64,
            ..Reconciliation::default()
        };
        let session = self.connection.open(&Had::default()).await?;
        let mut walk = Walk::begin(&session, &self.mapping, self.mapping.looked_at()).await?;
        let mut seen: HashMap<UserId, Vec<String>> = HashMap::new();
        loop {
            progress(found.entries);
            let entries = walk.next().await?;
            if entries.is_empty() {
                break;
            }
            found.entries += entries.len() as u64;
            let mut known = Vec::new();
            for entry in entries {
                let link = link_of_entry(&self.mapping, &entry);
                match link.as_ref().ok().and_then(|link| index.users.get(&fold(link))) {
                    Some(id) => {
                        seen.entry(*id).or_default().push(entry.dn.clone());
                        known.push((entry, *id));
                    }
                    None => {
                        let link = link.unwrap_or_else(|problem| problem);
                        found.entries_without_user.push(LoneEntry { dn: entry.dn, link });
                    }
                }
            }
            let users = users_of(&scope, known.iter().map(|(_, id)| *id).collect()).await?;
            for (entry, id) in known {
                if let Some(user) = users.get(&id) {
                    self.compare(&mut found, user, &entry);
                }
            }
        }
        // Who came since was not looked for; who went is no user without an entry.
        let missing: Vec<UserId> = index.users.into_values().filter(|id| !seen.contains_key(id)).collect();
        for ids in missing.chunks(super::walk::BATCH) {
            for user in users_of(&scope, ids.to_vec()).await?.into_values() {
                found.users_without_entry.push(lone(&user, None));
            }
        }
        let shared = |link: &str| format!("another user has its link, {link}, too");
        found.users_without_entry.extend(
            index.shared.iter().map(|(user, link)| lone(user, Some(shared(link)))).chain(
                index
                    .unlinked
                    .iter()
                    .map(|user| lone(user, Some("it lacks what the link is made of".to_owned()))),
            ),
        );
        found.users_without_entry.sort_by(|one, other| one.user_name.cmp(&other.user_name));
        let mut several = HashMap::new();
        for (id, dns) in seen.into_iter().filter(|(_, dns)| dns.len() > 1) {
            several.insert(id.to_string(), dns);
        }
        found.attributes.retain(|one| !several.contains_key(&one.user));
        found.active.retain(|one| !several.contains_key(&one.user));
        found.several_entries = several.into_iter().map(|(user, dns)| Several { user, dns }).collect();
        found.several_entries.sort_by(|one, other| one.dns.cmp(&other.dns));
        Ok(found)
    }

    fn compare(&self, found: &mut Reconciliation, user: &User, entry: &Entry) {
        let id = user.id.to_string();
        let wanted = self.mapping.wanted(Subject { id: &id, document: &user.document });
        let differences = match wanted {
            Ok(wanted) => self.mapping.all_differences(&wanted, entry),
            // What cannot be written differs, whatever it is.
            Err(problem) => {
                vec![Difference {
                    attribute: "dn".to_owned(),
                    wanted: vec![problem],
                    found: vec![entry.dn.clone()],
                }]
            }
        };
        if differences.is_empty() {
            found.agreeing += 1;
            return;
        }
        let (active, others): (Vec<_>, Vec<_>) =
            differences.into_iter().partition(|one| self.mapping.is_active_attribute(&one.attribute));
        let differing = |differences: Vec<Difference>| Differing {
            user: id.clone(),
            user_name: user.user_name.clone(),
            dn: entry.dn.clone(),
            differences,
        };
        if !active.is_empty() {
            found.active.push(differing(active));
        }
        if !others.is_empty() {
            found.attributes.push(differing(others));
        }
    }
}

fn lone(user: &User, problem: Option<String>) -> LoneUser {
    LoneUser { id: user.id.to_string(), user_name: user.user_name.clone(), problem }
}
