//! Users as the vendor's application and people read them: the document, the groups, and what gave which role.

use scim_core::{
    catalogue::CatalogueKind,
    projection::{self, Envelope, Projection},
    roles::Role,
};
use serde_json::{Value, json};
use store::{
    ListQuery, Start, StoreError, TenantScope, Total, UserId,
    users::{Membership, RoleGrant, User},
};

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
}

/// The attribute of a user that holds the roles assigned to it, and none that groups give.
pub const ASSIGNED_IN: &str = CatalogueKind::Role.attribute();
/// How people are told of such a role.
pub const ASSIGNED: &str = "assigned by the identity provider";

/// A part of a tenant's users, in the order of their ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Entries {
    /// These.
    pub items: Vec<Entry>,
    /// Are there more after the last one?
    pub more: bool,
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
        Self { id: user.id, user: document, groups, roles, assigned }
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
        let scope = self.directory_of(tenant);
        let start = after.map_or(Start::Offset(0), |id| Start::After(id.0));
        let query = ListQuery { start, limit, total: Total::OfPage, edges: true, ..ListQuery::default() };
        let page = scope.users(&query).await?;
        let ids: Vec<UserId> = page.items.iter().map(|user| user.id).collect();
        let mut granted = scope.roles_of_users(&ids).await?.into_iter().peekable();
        let mut items = Vec::with_capacity(page.items.len());
        for user in page.items {
            // Both are in the order of ids.
            let mut roles = Vec::new();
            while let Some((_, grant)) = granted.next_if(|(of, _)| *of == user.id) {
                roles.push(grant);
            }
            items.push(Entry::new(tenant, base_url, user, roles));
        }
        Ok(Entries { items, more: page.more })
    }

    fn directory_of(&self, tenant: &Tenant) -> TenantScope {
        self.store.tenant(tenant.id()).under(tenant.terms())
    }
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
