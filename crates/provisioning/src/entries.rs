//! Users as the vendor's application and people read them: the document, the groups, and what gave which role.

mod look_up;

use std::collections::HashMap;

use scim_core::{
    catalogue::CatalogueKind,
    fold,
    projection::{self, Envelope, Projection},
    roles::Role,
};
use serde_json::{Value, json};
use store::{
    ListQuery, Start, StoreError, TenantScope, Total, UserId,
    users::{Membership, RoleGrant, User},
};

pub use look_up::{LookUpError, LookedUp};

use crate::{Provisioner, Tenant};

/// A user with what follows from its groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Id.
    pub id: UserId,
    /// The document, as SCIM answers it, without `groups`.
    pub user: Value,
    /// The groups that it is a direct member of, since roles come from these alone; by displayName.
    pub groups: Vec<Membership>,
    /// Roles, by name, each as often as groups give it.
    pub roles: Vec<RoleGrant>,
    /// Roles that the identity provider assigned to the user itself, in its attribute [`ASSIGNED_IN`].
    pub assigned: Vec<Role>,
    /// The userName as names are ordered by.
    pub name_key: String,
}

/// The attribute of a user that holds the roles assigned to it, and none that groups give.
pub const ASSIGNED_IN: &str = CatalogueKind::Role.attribute();
/// How people are told of such a role.
pub const ASSIGNED: &str = "assigned by the identity provider";

/// Some of a tenant's users.
#[derive(Clone, Debug, PartialEq)]
pub struct Entries {
    /// These.
    pub items: Vec<Entry>,
    /// All that events up to this place of the feed tell is in them; later changes may be, too.
    pub position: i64,
}

impl Entry {
    /// `{user, groups: [{id, display}], roles: [{role, via: {id, display}}]}`; of a role that no group gave, `via` is
    /// `{attribute, display}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let group = |one: &Membership| json!({"id": one.group, "display": one.display});
        let groups: Vec<_> = self.groups.iter().map(group).collect();
        let role = |one: &RoleGrant| json!({"role": one.role.name, "via": group(&one.via)});
        let assigned =
            |one: &Role| json!({"role": one.name, "via": {"attribute": ASSIGNED_IN, "display": ASSIGNED}});
        let roles: Vec<_> = self.roles.iter().map(role).chain(self.assigned.iter().map(assigned)).collect();
        json!({"user": self.user, "groups": groups, "roles": roles})
    }

    fn new(tenant: &Tenant, base_url: &str, user: User, roles: Vec<RoleGrant>) -> Self {
        let id = user.id.to_string();
        let envelope = Envelope {
            id: &id,
            created: user.created_at,
            last_modified: user.updated_at,
            version: user.version,
            location: format!("{base_url}/Users/{id}"),
            edges: None,
        };
        let document =
            projection::render(&tenant.profile.user, &user.document, envelope, &Projection::default());
        let groups = user.groups.unwrap_or_default().into_iter().filter(|group| group.direct).collect();
        let assigned = tenant.profile.assigned_roles(&tenant.value_sets, &user.document);
        Self { id: user.id, user: document, groups, roles, assigned, name_key: fold(&user.user_name) }
    }
}

impl Provisioner {
    /// A live user by id. `base_url` begins `meta.location`; it may be empty.
    pub async fn entry(
        &self,
        tenant: &Tenant,
        base_url: &str,
        id: UserId,
    ) -> Result<Option<Entry>, StoreError> {
        let scope = self.directory_of(tenant);
        let user = scope.user(id, true).await?;
        one(tenant, &scope, base_url, user).await
    }

    /// A live user by userName, compared folded.
    pub async fn entry_by_name(
        &self,
        tenant: &Tenant,
        base_url: &str,
        user_name: &str,
    ) -> Result<Option<Entry>, StoreError> {
        let scope = self.directory_of(tenant);
        let user = scope.user_by_name(user_name, true).await?;
        one(tenant, &scope, base_url, user).await
    }

    /// Live users in the order of their ids, at most `limit`: after one of them, or the first ones.
    pub async fn entries(
        &self,
        tenant: &Tenant,
        base_url: &str,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Entries, StoreError> {
        let start = after.map_or(Start::Offset(0), |id| Start::After(id.0));
        self.listed(tenant, base_url, start, limit).await
    }

    /// Those of these users who are live, in this order.
    pub async fn entries_among(
        &self,
        tenant: &Tenant,
        base_url: &str,
        ids: &[UserId],
    ) -> Result<Entries, StoreError> {
        let start = Start::Among(ids.iter().map(|id| id.0).collect());
        self.listed(tenant, base_url, start, ids.len() as u64).await
    }

    /// Live users who are active, or who are not, by userName, at most `limit`: after a folded name, or the first ones.
    pub async fn entries_of_standing(
        &self,
        tenant: &Tenant,
        base_url: &str,
        active: bool,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Entries, StoreError> {
        let position = self.position().await?;
        let scope = self.directory_of(tenant);
        let users = scope.users_of_standing(active, after, limit).await?;
        let items = with_roles(tenant, &scope, base_url, users).await?;
        Ok(Entries { items, position })
    }

    async fn listed(
        &self,
        tenant: &Tenant,
        base_url: &str,
        start: Start,
        limit: u64,
    ) -> Result<Entries, StoreError> {
        let position = self.position().await?;
        let scope = self.directory_of(tenant);
        let query = ListQuery { start, limit, total: Total::OfPage, edges: true, ..ListQuery::default() };
        let users = scope.users(&query).await?.items;
        let items = with_roles(tenant, &scope, base_url, users).await?;
        Ok(Entries { items, position })
    }

    /// Up to which place of the feed all is true that is read from here on: changes get their place after their commit.
    pub async fn position(&self) -> Result<i64, StoreError> {
        Ok(self.store.platform().feed_ends().await?.last)
    }

    fn directory_of(&self, tenant: &Tenant) -> TenantScope {
        self.store.tenant(tenant.id()).under(tenant.terms())
    }
}

/// Adds the roles; the users stay in their order.
async fn with_roles(
    tenant: &Tenant,
    scope: &TenantScope,
    base_url: &str,
    users: Vec<User>,
) -> Result<Vec<Entry>, StoreError> {
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let mut roles: HashMap<UserId, Vec<RoleGrant>> = HashMap::new();
    for (user, grant) in scope.roles_of_users(&ids).await? {
        roles.entry(user).or_default().push(grant);
    }
    let entry = |user: User| {
        let granted = roles.remove(&user.id).unwrap_or_default();
        Entry::new(tenant, base_url, user, granted)
    };
    Ok(users.into_iter().map(entry).collect())
}

async fn one(
    tenant: &Tenant,
    scope: &TenantScope,
    base_url: &str,
    user: Option<User>,
) -> Result<Option<Entry>, StoreError> {
    let Some(user) = user else { return Ok(None) };
    let roles = scope.roles_of_user(user.id).await?;
    Ok(Some(Entry::new(tenant, base_url, user, roles)))
}
