//! Groups, members and roles as people look at them: a page at a time, numbers up to a bound.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{GroupId, StoreError, TenantScope, UserId, rows::LIVE, users::Bounded};

/// Most members of a group that are counted.
pub const COUNTED: u64 = 10_000;

/// Most people who have a role that are counted: a page shows many roles.
pub const HOLDERS_COUNTED: u64 = 2_000;

/// What the rules of a role mapping look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupLabel {
    /// Id.
    pub id: GroupId,
    /// displayName.
    pub display_name: String,
    /// externalId.
    pub external_id: Option<String>,
}

/// A role that some group gives or has given, and how many people have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRole {
    /// Folded name.
    pub key: String,
    /// As it is spelled.
    pub name: String,
    /// People, up to [`HOLDERS_COUNTED`].
    pub holders: Bounded,
}

impl TenantScope {
    /// Names of live groups in their order, after one of them: at most `limit`.
    pub async fn group_labels(&self, after: Option<&str>, limit: u64) -> Result<Vec<GroupLabel>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(LABELS, [tx.tenant_value()]).push(LIVE);
        if let Some(after) = after {
            sql.push(" AND r.display_name_key").by_code_point().push(" > ").bind(scim_core::fold(after));
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        sql.add(" ORDER BY r.display_name_key LIMIT ?", [limit.into()]);
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(label).collect()
    }

    /// Names of these groups, as far as they are live.
    pub async fn labels_of(&self, groups: &[GroupId]) -> Result<Vec<GroupLabel>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(LABELS, [tx.tenant_value()]).push(LIVE).push(" AND ");
        sql.is_one_of("r.id", groups.iter().map(|group| &group.0)).push(" ORDER BY r.display_name_key");
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(label).collect()
    }

    /// How many direct members (users and groups) each of these groups has, up to [`COUNTED`].
    pub async fn member_counts(&self, groups: &[GroupId]) -> Result<HashMap<GroupId, Bounded>, StoreError> {
        let mut found = HashMap::new();
        if groups.is_empty() {
            return Ok(found);
        }
        let tx = self.read().await?;
        let mut sql = tx.sql();
        for (at, group) in groups.iter().enumerate() {
            sql.push(if at == 0 { "SELECT " } else { " UNION ALL SELECT " }).bind(at as i32);
            sql.add(
                " AS at, CAST(COUNT(*) AS bigint) FROM (SELECT m.member_id FROM members m \
                 WHERE m.tenant_id = ? AND m.group_id = ? LIMIT ?) x",
                [tx.tenant_value(), group.0.into(), one_more(COUNTED)],
            );
        }
        for row in tx.all(sql).await? {
            let at: i32 = row.try_get_by_index(0)?;
            let group = usize::try_from(at).ok().and_then(|at| groups.get(at));
            let count = Bounded::of(row.try_get_by_index(1)?, COUNTED);
            found.extend(group.map(|group| (*group, count)));
        }
        tx.commit().await?;
        Ok(found)
    }

    /// Users that are direct members of a group, by id: after one of them, or the first ones.
    pub async fn member_users(
        &self,
        group: GroupId,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<UserId>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(MEMBER_USERS, [tx.tenant_value(), group.0.into()]);
        if let Some(after) = after {
            sql.add(" AND m.member_id > ?", [after.0.into()]);
        }
        sql.add(" ORDER BY m.member_id LIMIT ?", [i64::try_from(limit).unwrap_or(i64::MAX).into()]);
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(user_id).collect()
    }

    /// Likewise, before one of them or the last ones; the last one comes first.
    pub async fn member_users_before(
        &self,
        group: GroupId,
        before: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<UserId>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(MEMBER_USERS, [tx.tenant_value(), group.0.into()]);
        if let Some(before) = before {
            sql.add(" AND m.member_id < ?", [before.0.into()]);
        }
        sql.add(" ORDER BY m.member_id DESC LIMIT ?", [i64::try_from(limit).unwrap_or(i64::MAX).into()]);
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(user_id).collect()
    }

    /// Those of these users who are direct members of a group.
    pub async fn members_among(&self, group: GroupId, users: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(
            "SELECT m.member_id FROM members m WHERE m.tenant_id = ? AND m.group_id = ? AND ",
            [tx.tenant_value(), group.0.into()],
        );
        sql.is_looked_up("m.member_id", users.iter().map(|user| &user.0));
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(user_id).collect()
    }

    /// The roles that somebody has, by name, after one of them (its key): at most `limit`.
    pub async fn held_roles(&self, after: Option<&str>, limit: u64) -> Result<Vec<HeldRole>, StoreError> {
        self.roles(true, after, limit).await
    }

    /// All roles that a group gives or has ever given, likewise.
    pub async fn role_catalogue(&self, after: Option<&str>, limit: u64) -> Result<Vec<HeldRole>, StoreError> {
        self.roles(false, after, limit).await
    }

    async fn roles(&self, held: bool, after: Option<&str>, limit: u64) -> Result<Vec<HeldRole>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.push("SELECT r.key, r.name, (SELECT CAST(COUNT(*) AS bigint) FROM (SELECT DISTINCT rg.user_id ");
        sql.add(
            "FROM role_grants rg WHERE rg.tenant_id = ? AND rg.role_key = r.key LIMIT ?) x) FROM roles r \
             WHERE r.tenant_id = ?",
            [tx.tenant_value(), one_more(HOLDERS_COUNTED), tx.tenant_value()],
        );
        if held {
            sql.add(
                " AND EXISTS (SELECT 1 FROM role_grants rg WHERE rg.tenant_id = ? AND rg.role_key = r.key LIMIT 1)",
                [tx.tenant_value()],
            );
        }
        if let Some(after) = after {
            sql.push(" AND r.key").by_code_point().push(" > ").bind(after);
        }
        sql.add(" ORDER BY r.key LIMIT ?", [i64::try_from(limit).unwrap_or(i64::MAX).into()]);
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        let role = |row: &sea_orm::QueryResult| {
            Ok(HeldRole {
                key: row.try_get_by_index(0)?,
                name: row.try_get_by_index(1)?,
                holders: Bounded::of(row.try_get_by_index(2)?, HOLDERS_COUNTED),
            })
        };
        rows.iter().map(role).collect()
    }

    /// The name of a role that was ever given.
    pub async fn role_name(&self, key: &str) -> Result<Option<String>, StoreError> {
        if key.contains('\0') {
            return Ok(None);
        }
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(
            "SELECT r.name FROM roles r WHERE r.tenant_id = ? AND r.key = ?",
            [tx.tenant_value(), key.into()],
        );
        let row = tx.one(sql).await?;
        tx.commit().await?;
        row.map(|row| Ok(row.try_get_by_index(0)?)).transpose()
    }

    /// People who have a role, by id: after one of them, or the first ones; each with the groups that gave it.
    pub async fn role_holders(
        &self,
        key: &str,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<(UserId, Vec<GroupId>)>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(
            "SELECT rg.user_id, rg.group_id FROM role_grants rg WHERE rg.tenant_id = ? AND rg.role_key = ? \
             AND rg.user_id IN (SELECT x.user_id FROM (SELECT DISTINCT h.user_id FROM role_grants h \
             WHERE h.tenant_id = ? AND h.role_key = ?",
            [tx.tenant_value(), key.into(), tx.tenant_value(), key.into()],
        );
        if let Some(after) = after {
            sql.add(" AND h.user_id > ?", [after.0.into()]);
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        sql.add(" ORDER BY h.user_id LIMIT ?) x) ORDER BY rg.user_id, rg.group_id", [limit.into()]);
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        let mut holders: Vec<(UserId, Vec<GroupId>)> = Vec::new();
        for row in rows {
            let (user, group) = (user_id(&row)?, GroupId(row.try_get_by_index(1)?));
            match holders.last_mut() {
                Some((last, groups)) if *last == user => groups.push(group),
                _ => holders.push((user, vec![group])),
            }
        }
        Ok(holders)
    }
}

const LABELS: &str = "SELECT r.id, r.display_name, r.external_id FROM groups r WHERE r.tenant_id = ? AND ";

const MEMBER_USERS: &str = "SELECT m.member_id FROM members m WHERE m.tenant_id = ? AND m.group_id = ? \
     AND m.user_id IS NOT NULL";

/// One more than is counted, to bind.
fn one_more(most: u64) -> sea_orm::Value {
    i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1).into()
}

fn label(row: &sea_orm::QueryResult) -> Result<GroupLabel, StoreError> {
    let id: Uuid = row.try_get_by_index(0)?;
    Ok(GroupLabel {
        id: GroupId(id),
        display_name: row.try_get_by_index(1)?,
        external_id: row.try_get_by_index(2)?,
    })
}

fn user_id(row: &sea_orm::QueryResult) -> Result<UserId, StoreError> {
    Ok(UserId(row.try_get_by_index(0)?))
}
