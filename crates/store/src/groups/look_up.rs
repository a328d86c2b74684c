//! A group looked up by its id or its name, with its members, by one statement (PostgreSQL).

use scim_core::{
    ResourceKind,
    filter::{CompareOp, Filter, Literal},
};
use sea_orm::{QueryResult, Statement};
use uuid::Uuid;

use super::{
    Group, MEMBERS_AT_ONCE, Member,
    read::{GROUPS, group},
};
use crate::{ListQuery, Page, Start, StoreError, TenantScope, error::unreadable, statement::Sql};

/// What a group is looked up by.
pub(super) enum Key {
    Id(Uuid),
    /// displayName, folded: no two live groups share one.
    Name(String),
}

impl Key {
    /// The key that says all that this query asks for, if there is one.
    pub(super) fn of(query: &ListQuery) -> Option<Self> {
        let (Some(filter), None, Start::Offset(0)) = (&query.filter, &query.sort, &query.start) else {
            return None;
        };
        match filter {
            Filter::Compare { target, op: CompareOp::Eq, value: Literal::String(text) }
                if target.extension.is_none()
                    && target.attribute.name == "displayName"
                    && target.sub.is_none()
                    && !target.leaf().case_exact
                    && !text.contains('\0') =>
            {
                Some(Self::Name(text.clone()))
            }
            _ => None,
        }
    }
}

impl TenantScope {
    /// The live group of a key. Of its members, if asked for, the first [`MEMBERS_AT_ONCE`].
    pub(super) async fn look_up_group(&self, key: &Key, members: bool) -> Result<Option<Group>, StoreError> {
        let rows = self.inner.read_once(self.statement_of_group(key, members)).await?;
        // Of no group there is a row of nothing.
        let Some(row) = rows.first().filter(|row| !matches!(row.try_get::<Option<Uuid>>("", "id"), Ok(None)))
        else {
            return Ok(None);
        };
        let mut group = group(row)?;
        if members {
            let mut members = members_of(row)?;
            group.more_members = members.len() > MEMBERS_AT_ONCE;
            members.truncate(MEMBERS_AT_ONCE);
            group.members = Some(members);
        }
        Ok(Some(group))
    }

    /// The page that such a key gives.
    pub(super) async fn page_of_group(
        &self,
        key: &Key,
        query: &ListQuery,
    ) -> Result<Page<Group>, StoreError> {
        let found = self.look_up_group(key, query.edges && query.limit > 0).await?;
        let total = u64::from(found.is_some());
        let items: Vec<Group> = found.into_iter().filter(|_| query.limit > 0).collect();
        let total = match query.total {
            crate::Total::OfPage => items.len() as u64,
            crate::Total::Whole | crate::Total::Remaining => total,
        };
        Ok(Page { total, items, more: false })
    }

    /// It sets the tenant before it reads, as the look-ups of users do.
    fn statement_of_group(&self, key: &Key, members: bool) -> Statement {
        let mut sql = Sql::new(self.inner.backend, self.tenant);
        sql.push("WITH s AS MATERIALIZED (SELECT set_config('rollcall.tenant', ")
            .bind(self.tenant.to_string());
        sql.push(", true) AS tenant) SELECT x.* FROM s LEFT JOIN LATERAL (SELECT ").push(GROUPS.columns);
        if members {
            sql.push(", members_of_group(r.tenant_id, r.id, ")
                .bind(MEMBERS_AT_ONCE as i32 + 1)
                .push(") AS members");
        }
        sql.push(" FROM groups r WHERE r.tenant_id = ").tenant();
        match key {
            Key::Id(id) => sql.push(" AND r.id = ").bind(*id),
            Key::Name(name) => sql.push(" AND r.display_name_key = ").bind(name.as_str()),
        };
        sql.push(" AND ").push(GROUPS.rows).push(" AND s.tenant IS NOT NULL) x ON TRUE");
        sql.into_statement()
    }
}

/// The column `members`: `[[id, isUser, displayName], …]`.
pub(super) fn members_of(row: &QueryResult) -> Result<Vec<Member>, StoreError> {
    let Some(text) = row.try_get::<Option<String>>("", "members")? else { return Ok(Vec::new()) };
    let found: Vec<(Uuid, bool, Option<String>)> =
        serde_json::from_str(&text).map_err(|error| unreadable("members", error))?;
    let member = |(id, is_user, display)| Member {
        id,
        kind: if is_user { ResourceKind::User } else { ResourceKind::Group },
        display,
    };
    Ok(found.into_iter().map(member).collect())
}
