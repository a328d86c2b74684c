//! Existing entries into a tenant's users. Nothing in the directory changes, and no user who is there already; so it can be
//! stopped and begun again at any time.

use std::collections::{HashMap, HashSet};

use provisioning::{Provisioner, Request, Tenant};
use scim_core::{Document, fold, projection::Projection};
use serde::Serialize;
use serde_json::Value;
use store::{ChangeContext, Store, UserId};

use super::{
    LdapError,
    carry::Writer,
    mapping::{Difference, Entry, Mapping},
    template::Subject,
    walk::{Index, Walk, link_of_entry, users_of},
};
use crate::shared::Had;

/// What an import did, or with `dry_run` would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Entries that were looked at.
    pub entries: u64,
    /// Users made.
    pub created: u64,
    /// Entries of users who are there and agree with them.
    pub linked: u64,
    /// Entries that differ from their user, or from the one that they would be; several of one user.
    pub conflicts: u64,
    /// Entries of which no user can be made.
    pub failed: u64,
    /// Nothing was written.
    pub dry_run: bool,
    /// Why, for each entry that is in conflict or failed.
    pub findings: Vec<Finding>,
}

/// An entry that was left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Its name.
    pub dn: String,
    /// Its link, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Id of the user, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What is wrong, for people.
    pub problem: String,
    /// Attributes that would be written otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// What is known beforehand.
struct Import<'i> {
    mapping: &'i Mapping,
    store: &'i Store,
    provisioner: &'i Provisioner,
    tenant: Tenant,
    context: &'i ChangeContext,
    projection: Projection,
    /// Names of entries by folded links, where several have one.
    several: HashMap<String, Vec<String>>,
    index: Index,
    report: ImportReport,
}

impl Writer {
    /// Makes users of the entries that have none. `progress` is told of entries done and of all.
    pub async fn import(
        &self,
        store: &Store,
        provisioner: &Provisioner,
        tenant: &Tenant,
        context: &ChangeContext,
        dry_run: bool,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<ImportReport, LdapError> {
        let mapping = &self.mapping;
        mapping.check_read().map_err(LdapError::Directory)?;
        let session = self.connection.open(&Had::default()).await?;
        let (several, total) = links(&session, mapping).await?;
        let index = Index::of(&store.tenant(tenant.id()), mapping).await?;
        let mut import = Import {
            mapping,
            store,
            provisioner,
            tenant: tenant.without_linking(),
            context,
            projection: Projection { attributes: Some(vec!["id".to_owned()]), excluded: Vec::new() },
            several,
            index,
            report: ImportReport { dry_run, ..ImportReport::default() },
        };
        let mut walk = Walk::begin(&session, mapping, mapping.looked_at()).await?;
        loop {
            progress(import.report.entries, total.max(import.report.entries));
            let entries = walk.next().await?;
            if entries.is_empty() {
                return Ok(import.report);
            }
            import.report.entries += entries.len() as u64;
            import.batch(entries).await?;
        }
    }
}

/// Names of entries by folded links, where several have one; and how many entries there are.
async fn links(
    session: &super::connection::Session,
    mapping: &Mapping,
) -> Result<(HashMap<String, Vec<String>>, u64), LdapError> {
    let mut walk = Walk::begin(session, mapping, vec![mapping.link().to_owned()]).await?;
    let (mut names, mut total) = (HashMap::<String, Vec<String>>::new(), 0);
    loop {
        let entries = walk.next().await?;
        if entries.is_empty() {
            names.retain(|_, names| names.len() > 1);
            return Ok((names, total));
        }
        total += entries.len() as u64;
        for entry in entries {
            let links: HashSet<String> = entry.values(mapping.link()).map(fold).collect();
            for link in links {
                names.entry(link).or_default().push(entry.dn.clone());
            }
        }
    }
}

impl Import<'_> {
    async fn batch(&mut self, entries: Vec<Entry>) -> Result<(), LdapError> {
        let (mut known, mut new) = (Vec::new(), Vec::new());
        for entry in entries {
            let link = match link_of_entry(self.mapping, &entry) {
                Ok(link) => link,
                Err(problem) => {
                    self.failed(&entry, None, problem);
                    continue;
                }
            };
            if let Some(names) = self.several.get(&fold(&link)) {
                let problem = format!("several entries are linked to one user: {}", names.join(" and "));
                let user = self.index.users.get(&fold(&link)).copied();
                self.conflict(&entry, Some(link), user, problem, Vec::new());
                continue;
            }
            match self.index.users.get(&fold(&link)) {
                Some(id) => known.push((entry, link, *id)),
                None => new.push((entry, link)),
            }
        }
        self.compare(known).await?;
        self.create(new).await
    }

    /// Entries of users who are there.
    async fn compare(&mut self, known: Vec<(Entry, String, UserId)>) -> Result<(), LdapError> {
        let ids = known.iter().map(|(.., id)| *id).collect();
        let users = users_of(&self.store.tenant(self.tenant.id()), ids).await?;
        for (entry, link, id) in known {
            // Who is gone by now is imported by the next run.
            let Some(user) = users.get(&id) else { continue };
            let text = id.to_string();
            match self.mapping.wanted(Subject { id: &text, document: &user.document }) {
                Err(problem) => self.conflict(&entry, Some(link), Some(id), problem, Vec::new()),
                Ok(wanted) => {
                    let differences = self.mapping.all_differences(&wanted, &entry);
                    if differences.is_empty() {
                        self.report.linked += 1;
                    } else {
                        let problem = "it differs from its user".to_owned();
                        self.conflict(&entry, Some(link), Some(id), problem, differences);
                    }
                }
            }
        }
        Ok(())
    }

    /// Entries of nobody yet. One that would not be written back as it is makes no user: its user's first event would change it.
    async fn create(&mut self, new: Vec<(Entry, String)>) -> Result<(), LdapError> {
        let (mut entries, mut bodies) = (Vec::new(), Vec::new());
        for (entry, link) in new {
            match self.mapping.body(&self.tenant.profile.user, &entry) {
                Ok(body) => {
                    entries.push((entry, link));
                    bodies.push(body);
                }
                Err(problem) => self.failed(&entry, Some(link), problem),
            }
        }
        let judged = self.provisioner.check_users(self.request(), bodies.clone()).await;
        let (mut fit, mut fit_bodies): (Vec<(Entry, String)>, Vec<Value>) = (Vec::new(), Vec::new());
        for (((entry, link), body), judged) in entries.into_iter().zip(bodies).zip(judged) {
            match judged.map_err(|error| error.detail).and_then(|document| self.changed(&entry, &document)) {
                Ok(differences) if differences.is_empty() => {
                    fit.push((entry, link));
                    fit_bodies.push(body);
                }
                Ok(differences) => {
                    let problem =
                        "the user that it would be is written otherwise: mend `read` or `attributes`";
                    self.conflict(&entry, Some(link), None, problem.to_owned(), differences);
                }
                Err(problem) => self.failed(&entry, Some(link), problem),
            }
        }
        if self.report.dry_run {
            self.report.created += fit.len() as u64;
            return Ok(());
        }
        // As they are not made whole or not at all, there is an outcome for each.
        let made = self.provisioner.create_users(self.request(), fit_bodies, false).await.unwrap_or_default();
        for ((entry, link), made) in fit.into_iter().zip(made) {
            match made {
                Ok(_) => self.report.created += 1,
                Err(error) if error.status >= 500 => return Err(LdapError::Stopped(error.detail)),
                Err(error) => self.failed(&entry, Some(link), error.detail),
            }
        }
        Ok(())
    }

    fn changed(&self, entry: &Entry, document: &Document) -> Result<Vec<Difference>, String> {
        let wanted = self.mapping.wanted(Subject { id: "", document })?;
        Ok(self.mapping.all_differences(&wanted, entry))
    }

    fn request(&self) -> Request<'_> {
        Request { tenant: &self.tenant, context: self.context, base_url: "", projection: &self.projection }
    }

    fn conflict(
        &mut self,
        entry: &Entry,
        link: Option<String>,
        user: Option<UserId>,
        problem: String,
        differences: Vec<Difference>,
    ) {
        self.report.conflicts += 1;
        let user = user.map(|id| id.to_string());
        self.report.findings.push(Finding { dn: entry.dn.clone(), link, user, problem, differences });
    }

    fn failed(&mut self, entry: &Entry, link: Option<String>, problem: String) {
        self.report.failed += 1;
        let differences = Vec::new();
        self.report.findings.push(Finding { dn: entry.dn.clone(), link, user: None, problem, differences });
    }
}
