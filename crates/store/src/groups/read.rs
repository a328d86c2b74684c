//! Reading groups and their members.

use std::collections::HashMap;

use scim_core::ResourceKind;
use sea_orm::QueryResult;
use uuid::Uuid;

use super::{Group, Member};
use crate::{
    GroupId, ListQuery, Page, StoreError, TenantScope,
    rows::{self, Table},
    tx::TenantTx,
};

/// The table of groups.
pub(crate) const GROUPS: Table = Table {
    kind: ResourceKind::Group,
    from: "groups r",
    columns: "r.id, r.display_name, r.document, r.version, r.created_at, r.updated_at",
};

impl TenantScope {
    /// A live group.
    pub async fn group(&self, id: GroupId, members: bool) -> Result<Option<Group>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.select(GROUPS);
        sql.add(" AND r.id = ?", [id.0.into()]);
        let Some(row) = tx.one(sql).await? else { return Ok(None) };
        let mut group = group(&row)?;
        if members {
            tx.add_members(std::slice::from_mut(&mut group)).await?;
        }
        tx.commit().await?;
        Ok(Some(group))
    }

    /// Live groups that match.
    pub async fn groups(&self, query: &ListQuery) -> Result<Page<Group>, StoreError> {
        let tx = self.read().await?;
        let found = tx.page(query.select(GROUPS), query.window()).await?;
        let mut items = found.rows.iter().map(group).collect::<Result<Vec<_>, _>>()?;
        if query.edges {
            tx.add_members(&mut items).await?;
        }
        tx.commit().await?;
        Ok(Page { total: found.total, items, more: found.more })
    }
}

impl TenantTx {
    /// Reads the members of all these groups at once.
    pub(crate) async fn add_members(&self, groups: &mut [Group]) -> Result<(), StoreError> {
        if groups.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql();
        sql.add(
            "SELECT m.group_id, m.member_id, CASE WHEN m.user_id IS NULL THEN 0 ELSE 1 END, \
             COALESCE(u.display_name, g.display_name) FROM members m \
             LEFT JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id \
             LEFT JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.subgroup_id \
             WHERE m.tenant_id = ? AND ",
            [self.tenant_value()],
        );
        sql.is_one_of("m.group_id", groups.iter().map(|group| &group.id.0))
            .push(" ORDER BY m.group_id, m.member_id");
        let mut found: HashMap<Uuid, Vec<Member>> = HashMap::new();
        for row in self.all(sql).await? {
            found.entry(row.try_get_by_index(0)?).or_default().push(member(&row)?);
        }
        for group in groups {
            group.members = Some(found.remove(&group.id.0).unwrap_or_default());
        }
        Ok(())
    }
}

/// A row of [`GROUPS`], members not read.
pub(crate) fn group(row: &QueryResult) -> Result<Group, StoreError> {
    Ok(Group {
        id: GroupId(row.try_get("", "id")?),
        display_name: row.try_get("", "display_name")?,
        document: rows::document(row)?,
        version: row.try_get("", "version")?,
        created_at: row.try_get("", "created_at")?,
        updated_at: row.try_get("", "updated_at")?,
        members: None,
    })
}

fn member(row: &QueryResult) -> Result<Member, StoreError> {
    let is_user: i32 = row.try_get_by_index(2)?;
    let kind = if is_user == 1 { ResourceKind::User } else { ResourceKind::Group };
    Ok(Member { id: row.try_get_by_index(1)?, kind, display: row.try_get_by_index(3)? })
}
