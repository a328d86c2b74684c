//! What other rules would make of the groups that there are.

use store::groups::GroupLabel;

use super::{ConfigurationError, Draft};
use crate::{Tenant, TenantDirectory};

/// Groups that are read at once.
const READ: u64 = 500;

/// A group that would give other roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    /// Its name.
    pub name: String,
    /// Roles that it gives.
    pub before: Vec<String>,
    /// Roles that it would give.
    pub after: Vec<String>,
}

impl TenantDirectory {
    /// The groups, by name, that would give other roles if this text became the tenant's profile; and whether all groups
    /// were looked at, which are at most `most`.
    pub async fn preview_groups(
        &self,
        tenant: &Tenant,
        text: &str,
        most: u64,
    ) -> Result<(Vec<GroupChange>, bool), ConfigurationError> {
        let next = Draft::of(tenant, text).await?;
        let (scope, roles_of) = (self.store().tenant(tenant.id()), next.roles_of());
        let (mut changes, mut looked_at, mut after) = (Vec::new(), 0, None);
        while looked_at < most {
            let labels = scope.group_labels(after.as_deref(), READ.min(most - looked_at)).await?;
            let Some(last) = labels.last() else { return Ok((changes, true)) };
            looked_at += labels.len() as u64;
            after = Some(last.display_name.clone());
            for GroupLabel { display_name: name, external_id, .. } in labels {
                let external_id = external_id.as_deref();
                let names = |roles: Vec<scim_core::roles::Role>| -> Vec<String> {
                    roles.into_iter().map(|role| role.name).collect()
                };
                let before = names(tenant.profile.roles_of_group(&tenant.value_sets, &name, external_id));
                let after = names(roles_of(&name, external_id));
                if before != after {
                    changes.push(GroupChange { name, before, after });
                }
            }
        }
        let whole = scope.group_labels(after.as_deref(), 1).await?.is_empty();
        Ok((changes, whole))
    }
}
