//! Reading groups and their members.

use std::collections::HashMap;

use scim_core::ResourceKind;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::{Group, MEMBERS_AT_ONCE, Member, look_up::Key};
use crate::{
    GroupId, ListQuery, Page, StoreError, TenantScope,
    rows::{self, LIVE, Table},
    store::Backend,
    tx::TenantTx,
};

/// The table of groups.
pub(crate) const GROUPS: Table = Table {
    kind: ResourceKind::Group,
    from: "groups r",
    columns: "r.id, r.display_name, r.document, r.version, r.created_at, r.updated_at",
    rows: LIVE,
};

/// Members that a page reads at once, of all its groups together.
const MEMBERS_OF_PAGE: usize = 5 * MEMBERS_AT_ONCE;

/// Chooses edges; what follows is their condition, order, limit and [`END`]. Names are looked up one by one for those
/// that are chosen: PostgreSQL would rather read all users of a tenant than join a thousand of them by their ids.
const MEMBERS: &str = "SELECT m.group_id, m.member_id, CASE WHEN m.user_id IS NULL THEN 0 ELSE 1 END, COALESCE(\
    (SELECT u.display_name FROM users u WHERE u.tenant_id = m.tenant_id AND u.id = m.user_id), \
    (SELECT g.display_name FROM groups g WHERE g.tenant_id = m.tenant_id AND g.id = m.subgroup_id)) FROM \
    (SELECT m.tenant_id, m.group_id, m.member_id, m.user_id, m.subgroup_id FROM members m WHERE ";

/// Ends what [`MEMBERS`] begins; what may follow is the order of the whole.
const END: &str = ") m";

impl TenantScope {
    /// A live group. Of its members, if asked for, the first [`MEMBERS_AT_ONCE`].
    pub async fn group(&self, id: GroupId, members: bool) -> Result<Option<Group>, StoreError> {
        if self.inner.backend == Backend::Postgres {
            return self.look_up_group(&Key::Id(id.0), members).await;
        }
        let tx = self.read().await?;
        let mut sql = tx.select(GROUPS);
        sql.add(" AND r.id = ?", [id.0.into()]);
        let Some(row) = tx.one(sql).await? else { return Ok(None) };
        let mut group = group(&row)?;
        if members {
            tx.add_first_members(&mut group).await?;
        }
        tx.commit().await?;
        Ok(Some(group))
    }

    /// The next members of a group, by id, at most `limit`: after one of them, or the first ones. Fewer are the last ones.
    /// `None` when there is no such group (any more). Each call is a transaction of its own: a member that stays is found once,
    /// whatever comes and goes between two calls.
    pub async fn members_after(
        &self,
        group: GroupId,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Option<Vec<Member>>, StoreError> {
        let tx = self.read().await?;
        let members = tx.batch(group, after, limit).await?;
        // A group that was deleted meanwhile has no members either. It is looked for last, so that its end cannot pass
        // for the end of its members.
        let mut is_there = true;
        if members.len() < limit {
            let mut sql = tx.select(GROUPS);
            sql.add(" AND r.id = ?", [group.0.into()]);
            is_there = tx.one(sql).await?.is_some();
        }
        tx.commit().await?;
        Ok(is_there.then_some(members))
    }

    /// Live groups that match.
    pub async fn groups(&self, query: &ListQuery) -> Result<Page<Group>, StoreError> {
        if let (Backend::Postgres, Some(key)) = (self.inner.backend, Key::of(query)) {
            return self.page_of_group(&key, query).await;
        }
        let tx = self.read().await?;
        let page = tx.groups(query).await?;
        tx.commit().await?;
        Ok(page)
    }
}

impl TenantTx {
    /// Live groups that match.
    pub(crate) async fn groups(&self, query: &ListQuery) -> Result<Page<Group>, StoreError> {
        let found = self.page(query.select(GROUPS), query.window()).await?;
        let mut items = found.rows.iter().map(group).collect::<Result<Vec<_>, _>>()?;
        if query.edges {
            self.add_members(&mut items).await?;
        }
        Ok(Page { total: found.total, items, more: found.more })
    }

    /// Reads the first members of a group.
    async fn add_first_members(&self, group: &mut Group) -> Result<(), StoreError> {
        let mut members = self.batch(group.id, None, MEMBERS_AT_ONCE + 1).await?;
        group.more_members = members.len() > MEMBERS_AT_ONCE;
        members.truncate(MEMBERS_AT_ONCE);
        group.members = Some(members);
        Ok(())
    }

    /// Reads the members of a group unless there are many: then none.
    pub(super) async fn add_few_members(&self, group: &mut Group) -> Result<(), StoreError> {
        group.more_members = self.has_many_members(group.id).await?;
        group.members = Some(match group.more_members {
            true => Vec::new(),
            false => self.batch(group.id, None, MEMBERS_AT_ONCE).await?,
        });
        Ok(())
    }

    /// Is there one after the first [`MEMBERS_AT_ONCE`]?
    async fn has_many_members(&self, group: GroupId) -> Result<bool, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT m.member_id FROM members m WHERE m.tenant_id = ? AND m.group_id = ? \
             ORDER BY m.member_id LIMIT 1 OFFSET ?",
            [self.tenant_value(), group.0.into(), number(MEMBERS_AT_ONCE)],
        );
        Ok(self.one(sql).await?.is_some())
    }

    /// Members of a group by id, after one of them or from the first.
    async fn batch(
        &self,
        group: GroupId,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let mut edges = self.sql();
        edges.push(MEMBERS).add("m.tenant_id = ? AND m.group_id = ?", [self.tenant_value(), group.0.into()]);
        if let Some(after) = after {
            edges.add(" AND m.member_id > ?", [after.into()]);
        }
        edges.add(" ORDER BY m.member_id LIMIT ?", [number(limit)]);
        edges.push(END).push(" ORDER BY m.member_id");
        self.all(edges).await?.iter().map(member).collect()
    }

    /// Reads the members of all these groups at once, by group and member, as many as a page may hold; the groups for
    /// which they do not reach have more.
    pub(crate) async fn add_members(&self, groups: &mut [Group]) -> Result<(), StoreError> {
        if groups.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql();
        sql.push(MEMBERS).add("m.tenant_id = ? AND ", [self.tenant_value()]);
        sql.is_one_of("m.group_id", groups.iter().map(|group| &group.id.0));
        sql.add(" ORDER BY m.group_id, m.member_id LIMIT ?", [number(MEMBERS_OF_PAGE + 1)]);
        sql.push(END).push(" ORDER BY m.group_id, m.member_id");
        let mut found: HashMap<Uuid, Vec<Member>> = HashMap::new();
        let mut unread = None;
        for (position, row) in self.all(sql).await?.iter().enumerate() {
            let group: Uuid = row.try_get_by_index(0)?;
            if position == MEMBERS_OF_PAGE {
                unread = Some(group);
                break;
            }
            found.entry(group).or_default().push(member(row)?);
        }
        for group in groups {
            group.members = Some(found.remove(&group.id.0).unwrap_or_default());
            group.more_members = unread.is_some_and(|first| group.id.0 >= first);
        }
        Ok(())
    }
}

/// A count, to bind.
fn number(count: usize) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
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
        more_members: false,
    })
}

fn member(row: &QueryResult) -> Result<Member, StoreError> {
    let is_user: i32 = row.try_get_by_index(2)?;
    let kind = if is_user == 1 { ResourceKind::User } else { ResourceKind::Group };
    Ok(Member { id: row.try_get_by_index(1)?, kind, display: row.try_get_by_index(3)? })
}
