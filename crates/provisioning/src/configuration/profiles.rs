//! A tenant's copy of its profile: looking at a new one, saving it, comparing it with the one that ships.

use scim_core::{
    leniency::Leniencies,
    profile::{Profile, ProfileError},
    roles::Role,
    search,
    value_set::ValueSets,
};
use store::{
    ChangeContext, StoreError, TenantId,
    groups::RoleChange,
    tenants::{NewProfile, SavedProfile},
};

use super::{ConfigurationError, DiffLine, Progress, Recheck, diff, protecting};
use crate::{Rules, Tenant, TenantDirectory, attempts::whole, computing::compute, directory::STRICT};

/// Users whose search forms are made anew in one transaction.
const REINDEXED_AT_ONCE: u64 = 200;

/// What would happen if a profile were saved. Nothing has.
#[derive(Clone, Debug)]
pub struct ProfilePreview {
    /// Name and title in the file.
    pub name: String,
    /// For people.
    pub title: String,
    /// From the tenant's text to the new one; `None`: too long to compare.
    pub diff: Option<Vec<DiffLine>>,
    /// Roles that people would gain or lose; without those that stay as they are.
    pub roles: Vec<RoleChange>,
    /// Who would no longer fit. They would stay as they are.
    pub people: Recheck,
}

/// A built-in profile file that differs from a tenant's copy of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The version that the built-in file names.
    pub version: u32,
    /// The version that the tenant's copy names.
    pub from: u32,
    /// Its text.
    pub text: &'static str,
    /// From the tenant's copy to it; `None`: too long to compare.
    pub diff: Option<Vec<DiffLine>>,
}

impl TenantDirectory {
    /// What would happen if this text became the tenant's profile: it must compile and its examples must come out. At
    /// most `limit` users are looked at (`None`: all).
    pub async fn preview_profile(
        &self,
        tenant: &Tenant,
        text: &str,
        limit: Option<u64>,
        progress: Progress<'_>,
    ) -> Result<ProfilePreview, ConfigurationError> {
        let next = Draft::of(tenant, text).await?;
        let scope = self.store().tenant(tenant.id());
        let roles = scope.preview_roles(&next.roles_of()).await?;
        let people = self.recheck_from(tenant, next.rules(), None, limit, progress).await?;
        let diff = compare(&tenant.row.profile, text).await?;
        Ok(ProfilePreview { name: next.profile.name, title: next.profile.title, diff, roles, people })
    }

    /// Does a text offer the console's SCIM page to other tenants, or on other conditions, than the profile that holds?
    pub async fn changes_gates(tenant: &Tenant, text: &str) -> Result<bool, ConfigurationError> {
        let (now, next) = (&tenant.profile, checked(text).await?);
        Ok((now.feature_gate, &now.gates) != (next.feature_gate, &next.gates))
    }

    /// Makes a text the tenant's profile, as the version after `expected_version`: it must compile and its examples must
    /// come out. Roles are given anew at once; existing users stay as they are. When the new profile compares or indexes
    /// values otherwise, users are made anew afterwards: see [`Self::reindex`], which each server does by itself.
    pub async fn save_profile(
        &self,
        tenant: &Tenant,
        text: &str,
        expected_version: i32,
        context: &ChangeContext,
    ) -> Result<SavedProfile, ConfigurationError> {
        let (mut newer, mut repeated) = (None, 0);
        loop {
            let tenant = newer.as_deref().unwrap_or(tenant);
            if tenant.row.profile_version != expected_version {
                return Err(ConfigurationError::Outdated(expected_version));
            }
            // Another profile, or the same one with other value sets: with these the roles are computed anew.
            match self.save_profile_by(tenant, text, context).await {
                Err(ConfigurationError::Store(StoreError::Stale)) => {
                    newer = Some(self.read_again(tenant.id(), &mut repeated).await?);
                }
                outcome => return outcome,
            }
        }
    }

    async fn save_profile_by(
        &self,
        tenant: &Tenant,
        text: &str,
        context: &ChangeContext,
    ) -> Result<SavedProfile, ConfigurationError> {
        let next = Draft::of(tenant, text).await?;
        let roles_of = next.roles_of();
        let new = NewProfile {
            expected_version: tenant.row.profile_version,
            profile_name: &next.profile.name,
            text,
            roles_of: next.changes_roles(tenant).then_some(&roles_of),
            new_layout: search::layout(&next.profile.user) != search::layout(&tenant.profile.user),
        };
        let terms = protecting(tenant, next.profile.roles.protected_keys());
        let scope = self.store().tenant(tenant.id()).under(terms);
        Ok(whole(|| scope.save_profile(&new, context)).await?)
    }

    /// How the built-in profile of the same name differs from the tenant's copy; `None` when it does not, or when there
    /// is none of that name.
    pub async fn upgrade_diff(&self, tenant: &Tenant) -> Result<Option<Upgrade>, StoreError> {
        let Some(text) = Profile::builtin(&tenant.row.profile_name) else { return Ok(None) };
        if text == tenant.row.profile {
            return Ok(None);
        }
        let (from, own) = (tenant.profile.version, tenant.row.profile.clone());
        let upgrade = compute(move || {
            let version = Profile::from_saved_toml(text).map_or(0, |profile| profile.version);
            Upgrade { version, from, text, diff: diff(&own, text) }
        });
        upgrade.await.map(Some)
    }

    /// Makes the search forms and the indexed values of the tenant's users anew where its layout has changed; until then
    /// filters find everybody by looking at the documents. May be broken off and begun again.
    pub async fn reindex(&self, tenant: &Tenant, progress: Progress<'_>) -> Result<(), ConfigurationError> {
        if tenant.row.indexed {
            return Ok(());
        }
        let scope = self.store().tenant(tenant.id());
        let total = self.store().platform().tenant_counts(tenant.id()).await?.users;
        scope.earlier_changes_end().await?;
        let (mut done, mut last) = (0, None);
        loop {
            let (kind, layout) = (&tenant.profile.user, tenant.row.layout_version);
            let page = match whole(|| scope.reindex_users(kind, layout, last, REINDEXED_AT_ONCE)).await {
                // Another layout holds by now, and will be made by whoever knows it.
                Err(StoreError::Reconfigured) => return Ok(()),
                page => page?,
            };
            done += page.users;
            progress(done, total.max(done));
            match page.last {
                Some(_) => last = page.last,
                None => break,
            }
        }
        whole(|| scope.finish_reindex(tenant.row.layout_version)).await?;
        Ok(())
    }

    /// [`Self::reindex`] for some of the tenants that need it; gives how many are done. One that fails does not stand in
    /// the way of the others; the error is the last one.
    pub async fn reindex_pending(&self, tenants: u64) -> Result<usize, ConfigurationError> {
        let (mut done, mut failure) = (0, None);
        for id in self.store().platform().tenants_to_reindex(tenants).await? {
            match self.reindex_by_id(id).await {
                Ok(()) => done += 1,
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(done), Err)
    }

    async fn reindex_by_id(&self, id: TenantId) -> Result<(), ConfigurationError> {
        match self.by_id(id).await? {
            Some(tenant) => self.reindex(&tenant, &|_, _| ()).await,
            None => Ok(()),
        }
    }
}

/// [`diff`], away from the threads that serve requests.
pub async fn compare(old: &str, new: &str) -> Result<Option<Vec<DiffLine>>, StoreError> {
    let (old, new) = (old.to_owned(), new.to_owned());
    compute(move || diff(&old, &new)).await
}

/// A profile that may become the tenant's, with the value sets that would hold then.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) profile: Profile,
    pub(super) value_sets: ValueSets,
}

impl Draft {
    /// Of a text that could be saved: it compiles, and its examples come out.
    pub async fn of(tenant: &Tenant, text: &str) -> Result<Self, ConfigurationError> {
        Ok(Self::with(tenant, checked(text).await?))
    }

    /// Of a text that compiles, whatever its examples come to: to be tried, not to be saved.
    pub async fn unproven(tenant: &Tenant, text: &str) -> Result<Self, ConfigurationError> {
        let text = text.to_owned();
        Ok(Self::with(tenant, compute(move || Profile::from_saved_toml(&text)).await??))
    }

    /// What judges a request by it.
    #[must_use]
    pub fn rules(&self) -> Rules<'_> {
        Rules { profile: &self.profile, value_sets: &self.value_sets }
    }

    fn with(tenant: &Tenant, mut profile: Profile) -> Self {
        if tenant.row.compatibility == STRICT {
            profile.set_leniencies(Leniencies::STRICT);
        }
        let value_sets = profile.value_sets_of(&tenant.own_sets);
        Self { profile, value_sets }
    }

    pub(super) fn roles_of(&self) -> impl Fn(&str, Option<&str>) -> Vec<Role> + Send + Sync {
        |name: &str, external_id: Option<&str>| {
            self.profile.roles_of_group(&self.value_sets, name, external_id)
        }
    }

    /// May any group give other roles than by the tenant's present profile?
    pub(super) fn changes_roles(&self, tenant: &Tenant) -> bool {
        let (now, next) = (&tenant.profile.roles, &self.profile.roles);
        let catalogue =
            |name: &Option<String>, sets: &ValueSets| name.as_ref().and_then(|name| sets.get(name)).cloned();
        !now.is_same_as(next)
            || catalogue(&now.catalogue, &tenant.value_sets) != catalogue(&next.catalogue, &self.value_sets)
    }
}

/// A profile text that may be saved.
pub(crate) async fn checked(text: &str) -> Result<Profile, ConfigurationError> {
    if let Some(at) = text.find('\0') {
        let line = text[..at].matches('\n').count() + 1;
        let error = ProfileError { line, column: 1, problem: "holds a NUL character; remove it".to_owned() };
        return Err(error.into());
    }
    let text = text.to_owned();
    Ok(compute(move || Profile::from_toml(&text)).await??)
}
