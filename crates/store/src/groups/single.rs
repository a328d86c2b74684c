//! One member that comes into a group or leaves it, by one statement (PostgreSQL): what identity providers do with groups
//! most.

use sea_orm::{Value, sea_query::ArrayType};
use uuid::Uuid;

use super::{
    GroupOutcome, GroupState, MEMBERS_AT_ONCE, edges::parse, look_up::members_of, mapping::lock_key,
    net::Net, read::group,
};
use crate::{ChangeContext, GroupId, StoreError, TenantScope, record::salt, rows::text, words::word};

/// Grants that a leaving member may lose here, at least.
const GRANTS: usize = 4;

impl TenantScope {
    /// Changes a group as [`TenantScope::change_group`] does where all that is asked for is that one user comes or goes.
    /// `None`: it is more than that, or less; nothing was done.
    pub(super) async fn move_one(
        &self,
        id: GroupId,
        state: &GroupState,
        edges: bool,
        context: &ChangeContext,
    ) -> Result<Option<GroupOutcome>, StoreError> {
        let Some((member, joins)) =
            Net::of(&state.members).only().and_then(|(id, joins)| Some((parse(id)?, joins)))
        else {
            return Ok(None);
        };
        let event = Uuid::now_v7();
        // Ids in the order of what happens.
        let ids = std::iter::once(event)
            .chain(std::iter::repeat_with(Uuid::now_v7))
            .take(1 + state.roles.len().max(GRANTS));
        let ids: Vec<Value> = ids.map(Value::from).collect();
        let salts = ids.iter().map(|_| salt().to_vec().into()).collect();
        let (keys, names) =
            state.roles.iter().map(|role| (role.key.as_str().into(), role.name.as_str().into())).unzip();
        let protected = self.terms.protected.iter().map(|key| key.as_str().into()).collect();
        let few = i32::try_from(MEMBERS_AT_ONCE).ok().filter(|_| edges);
        let values = vec![
            self.tenant.into(),
            self.terms.mapping_version.into(),
            lock_key(self.tenant).into(),
            id.0.into(),
            text(&state.document, "displayName").unwrap_or_default().into(),
            text(&state.document, "externalId").map(str::to_owned).into(),
            member.into(),
            joins.into(),
            list(ArrayType::String, keys),
            list(ArrayType::String, names),
            list(ArrayType::String, protected),
            few.into(),
            word("actor_kind", context.actor.kind)?.into(),
            context.actor.id.clone().into(),
            context.actor.name.clone().into(),
            context.cause.clone().into(),
            (self.inner.clock)().into(),
            list(ArrayType::Uuid, ids),
            list(ArrayType::Bytes, salts),
        ];
        let rows = self.call("move_member", values, event).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let outcome: String = row.try_get("", "outcome")?;
        if outcome == "other" {
            return Ok(None);
        }
        let mut group = group(row)?;
        if edges {
            group.more_members = row.try_get("", "more_members")?;
            group.members = Some(members_of(row)?);
        }
        Ok(Some(GroupOutcome { group, changed: outcome == "changed", skipped: Vec::new() }))
    }
}

fn list(kind: ArrayType, values: Vec<Value>) -> Value {
    Value::Array(kind, Some(Box::new(values)))
}
