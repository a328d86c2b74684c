//! Looking up users by a key: the reads that identity providers do before everything else, one statement each.

use std::collections::BTreeSet;

use scim_core::{
    filter::{CompareOp, Filter, Literal},
    resource::AttrRef,
    search::MAX_INDEXED,
};
use sea_orm::{QueryResult, Statement};
use uuid::Uuid;

use super::{KeptUser, LEVELS, Membership, USERS, read};
use crate::{
    GroupId, ListQuery, Page, Start, StoreError, TenantScope, UserId, at_hand::AtHand, error::unreadable,
    statement::Sql, store::Backend,
};

/// Users that a look-up reads at most; where more hold a value, the list is read as any other.
const MOST: i64 = 100;

/// Members of the search form that are read one by one; PostgreSQL takes a hundred arguments.
const MEMBERS: usize = 20;

/// What a user is looked up by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key<'q> {
    /// Of the user.
    Id(Uuid),
    /// userName, folded.
    Name(&'q str),
    /// As sent.
    ExternalId(&'q str),
    /// What the index holds at a path.
    Value(String, &'q str),
}

impl<'q> Key<'q> {
    /// A key that every user that fits this filter has.
    fn of(filter: &'q Filter, indexed: bool) -> Option<Self> {
        match filter {
            Filter::Compare { target, op: CompareOp::Eq, value: Literal::String(text) } => {
                Self::compared(target, text, indexed)
            }
            Filter::Element { filter, .. } => Self::in_element(filter, indexed),
            Filter::And(parts) => parts.iter().find_map(|part| Self::of(part, indexed)),
            _ => None,
        }
    }

    fn in_element(filter: &'q Filter, indexed: bool) -> Option<Self> {
        match filter {
            Filter::Compare { target, op: CompareOp::Eq, value: Literal::String(text) } => {
                Self::valued(target, text, indexed)
            }
            Filter::And(parts) => parts.iter().find_map(|part| Self::in_element(part, indexed)),
            _ => None,
        }
    }

    fn compared(target: &AttrRef, text: &'q str, indexed: bool) -> Option<Self> {
        if text.contains('\0') {
            return None;
        }
        match (&target.extension, target.attribute.name.as_str(), &target.sub) {
            // The key is folded; where case counts, the literal is not.
            (None, "userName", None) if target.leaf().case_exact => None,
            (None, "userName", None) => Some(Self::Name(text)),
            (None, "externalId", None) => Some(Self::ExternalId(text)),
            _ => Self::valued(target, text, indexed),
        }
    }

    fn valued(target: &AttrRef, text: &'q str, indexed: bool) -> Option<Self> {
        let held = indexed
            && target.leaf().indexed
            && !text.is_empty()
            && text.len() <= MAX_INDEXED
            && !text.contains('\0');
        held.then(|| Self::Value(target.path(), text))
    }
}

/// Does it look at nothing but what the search form of the row holds?
fn stays_in_the_form(filter: &Filter) -> bool {
    let in_form = |target: &AttrRef| {
        target.extension.is_some() || !["id", "meta", "groups"].contains(&target.attribute.name.as_str())
    };
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().all(stays_in_the_form),
        Filter::Not(inner) => stays_in_the_form(inner),
        Filter::Compare { target, .. } | Filter::Present(target) | Filter::Element { target, .. } => {
            in_form(target)
        }
        Filter::Never => true,
    }
}

/// The members of the search form that it looks at: attributes, and extensions as a whole.
fn looked_at<'f>(filter: &'f Filter, found: &mut BTreeSet<&'f str>) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| looked_at(part, found)),
        Filter::Not(inner) => looked_at(inner, found),
        Filter::Compare { target, .. } | Filter::Present(target) | Filter::Element { target, .. } => {
            found.insert(target.extension.as_deref().unwrap_or(&target.attribute.name));
        }
        Filter::Never => {}
    }
}

impl TenantScope {
    /// The one user of a key that is unique.
    pub(super) async fn look_up(&self, key: Key<'_>, groups: bool) -> Result<Option<KeptUser>, StoreError> {
        let rows = self.rows_of(&key, groups, None).await?;
        rows.into_iter().next().map(|row| row.into_user(groups)).transpose()
    }

    /// A page of a list whose filter names a key that few have; `None`: it has to be read as any other list.
    pub(super) async fn page_by_key(&self, query: &ListQuery) -> Result<Option<Page<KeptUser>>, StoreError> {
        let (Some(filter), None, Start::Offset(offset)) = (&query.filter, &query.sort, &query.start) else {
            return Ok(None);
        };
        let Some(key) = Key::of(filter, !self.terms.index_incomplete).filter(|_| stays_in_the_form(filter))
        else {
            return Ok(None);
        };
        // Of a comparison by itself the key says all.
        let whole = matches!(filter, Filter::Compare { .. });
        let rows = self.rows_of(&key, query.edges, (!whole).then_some(filter)).await?;
        if rows.len() as i64 > MOST {
            return Ok(None);
        }
        let mut users = Vec::with_capacity(rows.len());
        for row in rows {
            if !whole {
                let mut form: serde_json::Value =
                    serde_json::from_str(row.search.as_deref().unwrap_or_default())
                        .map_err(|error| unreadable("search", error))?;
                // As everywhere else the column decides.
                if let Some(members) = form.as_object_mut() {
                    // Those that a user has not.
                    members.retain(|_, value| !value.is_null());
                    members.insert("active".into(), row.user.active.into());
                }
                if !filter.matches(&form) {
                    continue;
                }
            }
            users.push(row.into_user(query.edges)?);
        }
        users.sort_unstable_by_key(|user| user.id);
        let all = users.len() as u64;
        let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let items: Vec<KeptUser> = users.into_iter().skip(place(*offset)).take(place(query.limit)).collect();
        let more = offset.saturating_add(items.len() as u64) < all && query.limit > 0;
        let total = match query.total {
            crate::Total::Whole => all,
            crate::Total::Remaining => all.saturating_sub(*offset),
            crate::Total::OfPage => items.len() as u64,
        };
        Ok(Some(Page { total, items, more }))
    }

    /// `filter`: of the search form what it looks at is read, too.
    async fn rows_of(
        &self,
        key: &Key<'_>,
        groups: bool,
        filter: Option<&Filter>,
    ) -> Result<Vec<Found>, StoreError> {
        let statement = self.statement(key, groups, filter);
        if let AtHand::Sqlite(sqlite) = &self.inner.at_hand {
            return sqlite.read(&statement, Found::of_sqlite).await;
        }
        let rows = self.inner.read_once(statement).await?;
        // Nobody: a row of nothing.
        if let [only] = rows.as_slice()
            && only.try_get::<Option<Uuid>>("", "id")?.is_none()
        {
            return Ok(Vec::new());
        }
        rows.iter().map(Found::of_postgres).collect()
    }

    /// One statement, which is a transaction by itself. On PostgreSQL it sets the tenant, too, before it reads: an outer join
    /// reads its left side first, and were it not so, row-level security would show nothing.
    fn statement(&self, key: &Key<'_>, groups: bool, filter: Option<&Filter>) -> Statement {
        let mut sql = Sql::new(self.inner.backend, self.tenant);
        if self.inner.backend == Backend::Postgres {
            sql.push("WITH s AS MATERIALIZED (SELECT set_config('rollcall.tenant', ")
                .bind(self.tenant.to_string());
            sql.push(", true) AS tenant) SELECT x.* FROM s LEFT JOIN LATERAL (");
        }
        sql.push("SELECT ").push(USERS.columns);
        match (filter, self.inner.backend) {
            (None, _) => {
                sql.push(", NULL AS search, ");
            }
            (Some(filter), Backend::Postgres) => push_looked_at(&mut sql, filter),
            (Some(_), Backend::Sqlite) => {
                sql.push(", r.search AS search, ");
            }
        }
        if groups {
            push_groups_column(&mut sql);
        } else {
            sql.push("NULL");
        }
        sql.push(" AS groups");
        push_rows(&mut sql, key);
        sql.dialect(" AND s.tenant IS NOT NULL", "");
        if !matches!(key, Key::Id(_) | Key::Name(_)) {
            // Not in an order: SQLite would go through the whole tenant in that order.
            sql.push(" LIMIT ").bind(MOST + 1);
        }
        sql.dialect(") x ON TRUE", "");
        sql.into_statement()
    }
}

/// Appends `FROM …` and the condition that finds the live users of a key, `r`.
pub(super) fn push_rows(sql: &mut Sql, key: &Key<'_>) {
    sql.push(" FROM ");
    match key {
        Key::Value(path, value) => {
            // The index of values leads, and each user is looked up by id. PostgreSQL might merge both in the order of ids
            // where few users have values; SQLite takes a cross join as it is written.
            sql.push("user_values v CROSS JOIN ");
            sql.dialect(
                "LATERAL (SELECT u.* FROM users u WHERE u.tenant_id = v.tenant_id AND u.id = v.user_id LIMIT 1) r \
                 WHERE v.tenant_id = ",
                "users r ON r.tenant_id = v.tenant_id AND r.id = v.user_id WHERE v.tenant_id = ",
            );
            sql.tenant();
            sql.add(" AND v.path = ? AND v.value = ?", [path.as_str().into(), (*value).into()]);
        }
        Key::Id(id) => {
            push_users(sql).add(" AND r.id = ?", [(*id).into()]);
        }
        Key::Name(name) => {
            push_users(sql).add(" AND r.user_name_key = ?", [(*name).into()]);
        }
        Key::ExternalId(id) => {
            push_users(sql).add(" AND r.external_id = ?", [(*id).into()]);
        }
    }
    sql.push(" AND r.deleted_at IS NULL");
}

fn push_users(sql: &mut Sql) -> &mut Sql {
    sql.push("users r WHERE r.tenant_id = ").tenant()
}

/// Appends the groups of the user `r` as `[[id, displayName, level], …]`.
fn push_groups_column(sql: &mut Sql) {
    match sql.backend() {
        Backend::Postgres => {
            sql.push(
                // No EXISTS: it may be made into a hash of all members.
                "CASE WHEN (SELECT m.group_id FROM members m WHERE m.tenant_id = r.tenant_id AND m.member_id = r.id \
                 LIMIT 1) IS NOT NULL THEN groups_of_user(r.tenant_id, r.id, ",
            );
            sql.bind(LEVELS).push(") END");
        }
        Backend::Sqlite => push_groups(sql),
    }
}

/// Appends a column of PostgreSQL: of the search form what a filter looks at. The rest need not be made into text, sent and
/// read.
fn push_looked_at(sql: &mut Sql, filter: &Filter) {
    let mut names = BTreeSet::new();
    looked_at(filter, &mut names);
    if names.len() > MEMBERS {
        sql.push(", r.search::text AS search, ");
        return;
    }
    sql.push(", jsonb_build_object(");
    for (at, name) in names.into_iter().enumerate() {
        sql.push(if at == 0 { "" } else { ", " }).bind(name).push("::text, r.search -> ");
        sql.bind(name).push("::text");
    }
    sql.push(")::text AS search, ");
}

/// Appends an expression of SQLite: the groups of the user `r` as `[[id, displayName, level], …]`, by displayName. Cross joins
/// are taken as they are written: without statistics SQLite would rather go through all groups of the tenant.
fn push_groups(sql: &mut Sql) {
    sql.push(
        "(WITH RECURSIVE up (group_id, level) AS \
         (SELECT m.group_id, 0 FROM members m WHERE m.tenant_id = r.tenant_id AND m.member_id = r.id \
         UNION SELECT s.group_id, up.level + 1 FROM up CROSS JOIN members s \
         ON s.tenant_id = r.tenant_id AND s.member_id = up.group_id AND s.subgroup_id IS NOT NULL \
         WHERE up.level < ",
    );
    sql.bind(LEVELS).push(
        ") SELECT json_group_array(json_array(lower(hex(f.id)), f.display_name, f.level)) FROM \
         (SELECT g.id, g.display_name, MIN(up.level) AS level FROM up \
         CROSS JOIN groups g ON g.tenant_id = r.tenant_id AND g.id = up.group_id \
         GROUP BY g.id, g.display_name, g.display_name_key ORDER BY g.display_name_key, g.id) f)",
    );
}

/// SQLite: the groups of one user.
pub(crate) fn groups_statement(tenant: Uuid, id: Uuid) -> Statement {
    let mut sql = Sql::new(Backend::Sqlite, tenant);
    sql.push("SELECT ");
    push_groups(&mut sql);
    sql.push(" FROM users r WHERE r.tenant_id = ").tenant();
    sql.push(" AND r.id = ").bind(id);
    sql.into_statement()
}

/// A row of a look-up.
struct Found {
    user: KeptUser,
    /// Of a filter that has to be looked at.
    search: Option<String>,
    /// If they were asked for; see [`groups_of`].
    groups: Option<String>,
}

impl Found {
    fn of_postgres(row: &QueryResult) -> Result<Self, StoreError> {
        Ok(Self {
            user: read::kept(row)?,
            search: row.try_get("", "search")?,
            groups: row.try_get("", "groups")?,
        })
    }

    fn of_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { user: kept_of_sqlite(row)?, search: row.get(8)?, groups: row.get(9)? })
    }

    fn into_user(self, groups: bool) -> Result<KeptUser, StoreError> {
        let groups = groups.then(|| groups_of(self.groups.as_deref())).transpose()?;
        Ok(KeptUser { groups, ..self.user })
    }
}

/// A row of SQLite, by the places in [`USERS`].
pub(super) fn kept_of_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<KeptUser> {
    Ok(KeptUser {
        id: UserId(Uuid::from_bytes(row.get(0)?)),
        user_name: row.get(1)?,
        active: row.get(2)?,
        document: row.get(3)?,
        version: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
        deleted_at: row.get(7)?,
        groups: None,
    })
}

/// Groups as `[[id, displayName, level], …]`; `None`: none.
pub(super) fn groups_of(text: Option<&str>) -> Result<Vec<Membership>, StoreError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let found: Vec<(Uuid, String, i32)> =
        serde_json::from_str(text).map_err(|error| unreadable("groups", error))?;
    let membership = |(id, display, level)| Membership { group: GroupId(id), display, direct: level == 0 };
    Ok(found.into_iter().map(membership).collect())
}
