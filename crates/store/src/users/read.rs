//! Reading users, their groups and their roles.

use std::collections::HashMap;

use scim_core::{ResourceKind, filter::Filter, fold, roles::Role};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::{KeptUser, Membership, RoleGrant, User, look_up::Key};
use crate::{
    GroupId, ListQuery, Page, StoreError, TenantScope, UserId,
    filter::asks_groups,
    rows::{ALL, DELETED, LIVE, Table},
    statement::Sql,
    tx::TenantTx,
};

/// How many levels of groups in groups count, above the group that a user is a direct member of. Identity providers
/// nest a few; without an end a thousand groups could be made to cost a million steps.
pub(crate) const LEVELS: i32 = 10;

/// Most memberships, direct and indirect, that the users of one page may have in all.
pub(super) const MEMBERSHIPS_OF_PAGE: i64 = 50_000;

const TOO_MANY_GROUPS: &str = "groups: the users of this page are in more than 50000 groups in all. Ask for fewer users \
                               with count, or leave their groups out with excludedAttributes=groups.";

/// The table of users.
pub(crate) const USERS: Table = Table {
    kind: ResourceKind::User,
    from: "users r",
    columns: "r.id, r.user_name, r.active, r.document, r.version, r.created_at, r.updated_at, r.deleted_at",
    rows: LIVE,
};

/// Soft-deleted users.
pub(super) const DELETED_USERS: Table = Table { rows: DELETED, ..USERS };

/// Both.
pub(super) const KEPT_USERS: Table = Table { rows: ALL, ..USERS };

impl TenantScope {
    /// A live user (active or not).
    pub async fn user(&self, id: UserId, groups: bool) -> Result<Option<User>, StoreError> {
        self.kept_user(id, groups).await?.map(KeptUser::read).transpose()
    }

    /// A live user (active or not), its document as it lies in the database.
    pub async fn kept_user(&self, id: UserId, groups: bool) -> Result<Option<KeptUser>, StoreError> {
        self.look_up(Key::Id(id.0), groups).await
    }

    /// A live user by userName, compared folded.
    pub async fn user_by_name(&self, user_name: &str, groups: bool) -> Result<Option<User>, StoreError> {
        if user_name.contains('\0') {
            return Ok(None);
        }
        let found = self.look_up(Key::Name(&fold(user_name)), groups).await?;
        found.map(KeptUser::read).transpose()
    }

    /// Live users that match.
    pub async fn users(&self, query: &ListQuery) -> Result<Page<User>, StoreError> {
        let Page { total, items, more } = self.kept_users(query).await?;
        let items = items.into_iter().map(KeptUser::read).collect::<Result<_, _>>()?;
        Ok(Page { total, items, more })
    }

    /// Live users that match, their documents as they lie in the database.
    pub async fn kept_users(&self, query: &ListQuery) -> Result<Page<KeptUser>, StoreError> {
        if let Some(page) = self.page_by_key(query).await? {
            return Ok(page);
        }
        if self.has_page_by_place(query) {
            return self.page_by_place(query, None).await;
        }
        let tx = self.read_for([query.filter.as_ref()]).await?;
        let page = tx.users(query).await?;
        tx.commit().await?;
        Ok(page)
    }

    /// Begins a read-only use for lists with these filters.
    pub(crate) async fn read_for(
        &self,
        filters: impl IntoIterator<Item = Option<&Filter>>,
    ) -> Result<TenantTx, StoreError> {
        let mut tx = self.read().await?;
        if filters.into_iter().flatten().any(asks_groups) {
            tx.nested_groups = tx.nests_groups().await?;
        }
        Ok(tx)
    }

    /// How the database would find a page of users, a line a step: to see whether an index serves it.
    pub async fn explain_users(&self, query: &ListQuery) -> Result<Vec<String>, StoreError> {
        let tx = self.read_for([query.filter.as_ref()]).await?;
        let plan = tx.plan(query.select(USERS), query.window()).await?;
        tx.commit().await?;
        Ok(plan)
    }

    /// The roles of a user and where each comes from, by role name then group.
    pub async fn roles_of_user(&self, id: UserId) -> Result<Vec<RoleGrant>, StoreError> {
        let pairs = self.roles_of_users(&[id]).await?;
        Ok(pairs.into_iter().map(|(_, grant)| grant).collect())
    }

    /// The roles of several users at once (for lists): pairs, grouped by user in id order.
    pub async fn roles_of_users(&self, ids: &[UserId]) -> Result<Vec<(UserId, RoleGrant)>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.push("SELECT rg.user_id, rg.role_key, ro.name, g.id, g.display_name FROM role_grants rg")
            .join_each("roles", "ro", "ro.tenant_id = rg.tenant_id AND ro.key = rg.role_key")
            .join_each("groups", "g", "g.tenant_id = rg.tenant_id AND g.id = rg.group_id")
            .add(" WHERE rg.tenant_id = ? AND ", [tx.tenant_value()]);
        sql.is_one_of("rg.user_id", ids.iter().map(|id| &id.0))
            .push(" ORDER BY rg.user_id, rg.role_key")
            .by_code_point();
        sql.push(", g.display_name_key").by_code_point().push(", g.id");
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(role_grant).collect()
    }
}

impl TenantScope {
    /// Is there any live user?
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(
            "SELECT r.id FROM users r WHERE r.tenant_id = ? AND r.deleted_at IS NULL LIMIT 1",
            [tx.tenant_value()],
        );
        let found = tx.one(sql).await?.is_some();
        tx.commit().await?;
        Ok(found)
    }
}

impl TenantTx {
    /// Live users that match.
    pub(crate) async fn users(&self, query: &ListQuery) -> Result<Page<KeptUser>, StoreError> {
        let found = self.page(query.select(USERS), query.window()).await?;
        let mut items = found.rows.iter().map(kept).collect::<Result<Vec<_>, _>>()?;
        if query.edges {
            self.add_groups(items.iter_mut().map(|user| (user.id, &mut user.groups))).await?;
        }
        Ok(Page { total: found.total, items, more: found.more })
    }

    /// Is any group a member of another one?
    async fn nests_groups(&self) -> Result<bool, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT m.member_id FROM members m WHERE m.tenant_id = ? AND m.subgroup_id IS NOT NULL LIMIT 1",
            [self.tenant_value()],
        );
        Ok(self.one(sql).await?.is_some())
    }

    /// A live user by id.
    pub(super) async fn user_by_id(&self, id: UserId, groups: bool) -> Result<Option<User>, StoreError> {
        let mut sql = self.select(USERS);
        sql.add(" AND r.id = ?", [id.0.into()]);
        self.one_user(sql, groups).await
    }

    pub(super) async fn one_user(&self, sql: Sql, groups: bool) -> Result<Option<User>, StoreError> {
        let Some(row) = self.one(sql).await? else { return Ok(None) };
        let mut user = user(&row)?;
        if groups {
            self.add_groups([(user.id, &mut user.groups)]).await?;
        }
        Ok(Some(user))
    }

    /// Reads the groups of all these users at once: their own, and upwards from group to group what contains those. An
    /// edge found again ends the way, so groups that contain each other do no harm, and so do [`LEVELS`] of them. Of a
    /// page [`StoreError::TooMany`] when its users are in very many groups in all.
    pub(crate) async fn add_groups<'u>(
        &self,
        users: impl IntoIterator<Item = (UserId, &'u mut Option<Vec<Membership>>)>,
    ) -> Result<(), StoreError> {
        let users: Vec<_> = users.into_iter().collect();
        if users.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql();
        sql.add(
            "WITH RECURSIVE up (tenant_id, member_id, group_id, level) AS \
             (SELECT m.tenant_id, m.member_id, m.group_id, 0 FROM members m WHERE m.tenant_id = ? AND ",
            [self.tenant_value()],
        );
        sql.is_one_of("m.member_id", users.iter().map(|(id, _)| &id.0));
        sql.push(" UNION SELECT up.tenant_id, up.member_id, s.group_id, up.level + 1 FROM up")
            .join_each(
                "members",
                "s",
                "s.tenant_id = up.tenant_id AND s.member_id = up.group_id AND s.subgroup_id IS NOT NULL",
            )
            .add(" WHERE up.level < ?) ", [LEVELS.into()])
            .push("SELECT up.member_id, g.id, g.display_name, MIN(up.level) FROM up")
            .join_each("groups", "g", "g.tenant_id = up.tenant_id AND g.id = up.group_id")
            .push(
                " GROUP BY up.member_id, g.id, g.display_name, g.display_name_key \
                 ORDER BY up.member_id, g.display_name_key",
            );
        sql.by_code_point().push(", g.id");
        if users.len() > 1 {
            sql.add(" LIMIT ?", [(MEMBERSHIPS_OF_PAGE + 1).into()]);
        }
        let rows = self.all(sql).await?;
        if users.len() > 1 && rows.len() as i64 > MEMBERSHIPS_OF_PAGE {
            return Err(StoreError::TooMany(TOO_MANY_GROUPS.into()));
        }
        let mut found: HashMap<Uuid, Vec<Membership>> = HashMap::new();
        for row in rows {
            let member = row.try_get_by_index(0)?;
            let level: i32 = row.try_get_by_index(3)?;
            found.entry(member).or_default().push(membership(&row, level == 0)?);
        }
        for (id, groups) in users {
            *groups = Some(found.remove(&id.0).unwrap_or_default());
        }
        Ok(())
    }
}

/// A row of [`USERS`], groups not read.
pub(crate) fn user(row: &QueryResult) -> Result<User, StoreError> {
    kept(row)?.read()
}

/// The same, its document as it is.
pub(super) fn kept(row: &QueryResult) -> Result<KeptUser, StoreError> {
    Ok(KeptUser {
        id: UserId(row.try_get("", "id")?),
        user_name: row.try_get("", "user_name")?,
        active: row.try_get("", "active")?,
        document: row.try_get("", "document")?,
        version: row.try_get("", "version")?,
        created_at: row.try_get("", "created_at")?,
        updated_at: row.try_get("", "updated_at")?,
        deleted_at: row.try_get("", "deleted_at")?,
        groups: None,
    })
}

/// A row whose second and third column name a group.
fn membership(row: &QueryResult, direct: bool) -> Result<Membership, StoreError> {
    Ok(Membership { group: GroupId(row.try_get_by_index(1)?), display: row.try_get_by_index(2)?, direct })
}

fn role_grant(row: &QueryResult) -> Result<(UserId, RoleGrant), StoreError> {
    let role = Role { key: row.try_get_by_index(1)?, name: row.try_get_by_index(2)? };
    let via = Membership {
        group: GroupId(row.try_get_by_index(3)?),
        display: row.try_get_by_index(4)?,
        direct: true,
    };
    Ok((UserId(row.try_get_by_index(0)?), RoleGrant { role, via }))
}
