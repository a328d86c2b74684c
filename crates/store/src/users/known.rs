//! Who somebody is, in one statement: the users of a key with their groups and roles, and up to which place of the feed that is
//! true. The vendor's application asks it at each sign-in.

use scim_core::{fold, roles::Role};
use sea_orm::{QueryResult, Statement};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{
    KeptUser, Membership, RoleGrant, USERS, User,
    look_up::{Key, kept_of_sqlite, push_rows},
    read,
};
use crate::{
    GroupId, Platform, StoreError, TenantScope, UserId, at_hand::AtHand, error::unreadable, statement::Sql,
    store::Backend,
};

/// What somebody is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy<'q> {
    /// Id.
    Id(UserId),
    /// userName, in any case.
    UserName(&'q str),
    /// externalId, as it was sent.
    ExternalId(&'q str),
    /// What the index of values holds at a path, in the form in which it is compared.
    Value(&'q str, &'q str),
}

/// Whom to look for.
#[derive(Clone, Copy, Debug)]
pub struct KnownQuery<'q> {
    /// By this.
    pub by: KnownBy<'q>,
    /// Active ones alone, or inactive ones.
    pub active: Option<bool>,
    /// Those after this one, in the order of ids.
    pub after: Option<UserId>,
    /// Most of them.
    pub limit: u64,
}

/// Who was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Live users with the groups that they are direct members of, in the order of ids, and their roles, by name then group.
    pub users: Vec<(User, Vec<RoleGrant>)>,
    /// All that events up to this place of the feed tell is in them.
    pub position: i64,
}

impl TenantScope {
    /// Live users of a key, active or not. Where the index of values may lack some, a value finds those that it holds.
    pub async fn known(&self, query: &KnownQuery<'_>) -> Result<Known, StoreError> {
        let name = match query.by {
            KnownBy::UserName(name) => fold(name),
            _ => String::new(),
        };
        let (key, text) = match query.by {
            KnownBy::Id(id) => (Key::Id(id.0), ""),
            KnownBy::UserName(_) => (Key::Name(&name), name.as_str()),
            KnownBy::ExternalId(id) => (Key::ExternalId(id), id),
            KnownBy::Value(path, value) => (Key::Value(path.to_owned(), value), value),
        };
        if text.contains('\0') {
            // PostgreSQL takes none in a text, so nobody has it.
            let position = Platform { inner: self.inner.clone() }.feed_ends().await?.last;
            return Ok(Known { users: Vec::new(), position });
        }
        let statement = self.statement_of_known(&key, query);
        let rows = match &self.inner.at_hand {
            AtHand::Sqlite(sqlite) => sqlite.read(&statement, Row::of_sqlite).await?,
            AtHand::Postgres(_) => {
                let rows = self.inner.read_once(statement).await?;
                rows.iter().map(Row::of_postgres).collect::<Result<_, _>>()?
            }
        };
        let position = rows.first().map_or(0, |row| row.position);
        let users =
            rows.into_iter().filter_map(|row| row.found).map(Found::read).collect::<Result<_, _>>()?;
        Ok(Known { users, position })
    }

    /// As the look-ups do, on PostgreSQL it sets the tenant before it reads. Both are read in one snapshot, so what is numbered
    /// up to the place is in the rows.
    fn statement_of_known(&self, key: &Key<'_>, query: &KnownQuery<'_>) -> Statement {
        let mut sql = Sql::new(self.inner.backend, self.tenant);
        if self.inner.backend == Backend::Postgres {
            sql.push("WITH s AS MATERIALIZED (SELECT set_config('rollcall.tenant', ")
                .bind(self.tenant.to_string());
            sql.push(", true) AS tenant) ");
        }
        sql.push("SELECT x.*, e.position AS place FROM ")
            .dialect("s CROSS JOIN feed_ends e LEFT JOIN LATERAL (", "feed_ends e LEFT JOIN (");
        sql.push("SELECT ").push(USERS.columns).push(", ");
        push_groups(&mut sql);
        sql.push(" AS groups, ");
        push_roles(&mut sql);
        sql.push(" AS roles");
        push_rows(&mut sql, key);
        sql.dialect(" AND s.tenant IS NOT NULL", "");
        if let Some(active) = query.active {
            // The plus keeps SQLite from going through all who are active.
            sql.dialect(" AND r.active", " AND +r.active").push(if active { " = TRUE" } else { " = FALSE" });
        }
        let by_value = matches!(key, Key::Value(..));
        if let Some(after) = query.after {
            match by_value {
                true => sql.push(" AND v.user_id > "),
                false => sql.dialect(" AND r.id > ", " AND +r.id > "),
            };
            sql.bind(after.0);
        }
        match by_value {
            // The order of the index.
            true => sql.push(" ORDER BY v.user_id"),
            // In no index's order: either database might go through the whole tenant in it.
            false => sql.dialect(" ORDER BY CAST(r.id AS text) COLLATE \"C\"", " ORDER BY +r.id"),
        };
        sql.push(" LIMIT ").bind(i64::try_from(query.limit).unwrap_or(i64::MAX));
        sql.push(") x ON TRUE WHERE e.name = 'last'");
        sql.into_statement()
    }
}

/// Appends the groups that the user `r` is a direct member of as `[[id, displayName], …]`, in no order; NULL or `[]`: none. Names
/// are looked up one by one: there are few, and PostgreSQL might rather read all groups of the tenant to join them.
fn push_groups(sql: &mut Sql) {
    sql.dialect(
        "(SELECT json_agg(json_build_array(y.id, y.display))::text FROM ",
        "(SELECT json_group_array(json_array(lower(hex(y.id)), y.display)) FROM ",
    );
    sql.push(
        "(SELECT m.group_id AS id, \
         (SELECT g.display_name FROM groups g WHERE g.tenant_id = m.tenant_id AND g.id = m.group_id) AS display \
         FROM members m WHERE m.tenant_id = r.tenant_id AND m.member_id = r.id) y)",
    );
}

/// Appends the roles of the user `r` as `[[key, name, group, displayName], …]`; likewise.
fn push_roles(sql: &mut Sql) {
    sql.dialect(
        "(SELECT json_agg(json_build_array(y.key, y.name, y.group_id, y.display))::text FROM ",
        "(SELECT json_group_array(json_array(y.key, y.name, lower(hex(y.group_id)), y.display)) FROM ",
    );
    sql.push(
        "(SELECT rg.role_key AS key, \
         (SELECT ro.name FROM roles ro WHERE ro.tenant_id = rg.tenant_id AND ro.key = rg.role_key) AS name, rg.group_id, \
         (SELECT g.display_name FROM groups g WHERE g.tenant_id = rg.tenant_id AND g.id = rg.group_id) AS display \
         FROM role_grants rg WHERE rg.tenant_id = r.tenant_id AND rg.user_id = r.id) y)",
    );
}

/// A row of the statement: the place stands in it also where nobody was found.
struct Row {
    position: i64,
    found: Option<Found>,
}

struct Found {
    user: KeptUser,
    groups: Option<String>,
    roles: Option<String>,
}

impl Row {
    fn of_postgres(row: &QueryResult) -> Result<Self, StoreError> {
        let found = match row.try_get::<Option<Uuid>>("", "id")? {
            Some(_) => Some(Found {
                user: read::kept(row)?,
                groups: row.try_get("", "groups")?,
                roles: row.try_get("", "roles")?,
            }),
            None => None,
        };
        Ok(Self { position: row.try_get("", "place")?, found })
    }

    fn of_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let found = match row.get::<_, Option<[u8; 16]>>(0)? {
            Some(_) => Some(Found { user: kept_of_sqlite(row)?, groups: row.get(8)?, roles: row.get(9)? }),
            None => None,
        };
        Ok(Self { position: row.get(10)?, found })
    }
}

impl Found {
    fn read(self) -> Result<(User, Vec<RoleGrant>), StoreError> {
        let groups = groups_of(self.groups.as_deref())?;
        let roles = roles_of(self.roles.as_deref())?;
        Ok((KeptUser { groups: Some(groups), ..self.user }.read()?, roles))
    }
}

/// Groups as [`push_groups`] gives them, by displayName.
fn groups_of(text: Option<&str>) -> Result<Vec<Membership>, StoreError> {
    let mut found: Vec<(Uuid, String)> = list("groups", text)?;
    found.sort_by_cached_key(|(group, display)| (fold(display), *group));
    let membership = |(group, display)| Membership { group: GroupId(group), display, direct: true };
    Ok(found.into_iter().map(membership).collect())
}

/// Roles as [`push_roles`] gives them, by name then group.
fn roles_of(text: Option<&str>) -> Result<Vec<RoleGrant>, StoreError> {
    let mut found: Vec<(String, String, Uuid, String)> = list("roles", text)?;
    found.sort_by_cached_key(|(key, _, group, display)| (key.clone(), fold(display), *group));
    let grant = |(key, name, group, display)| RoleGrant {
        role: Role { key, name },
        via: Membership { group: GroupId(group), display, direct: true },
    };
    Ok(found.into_iter().map(grant).collect())
}

fn list<T: DeserializeOwned>(column: &str, text: Option<&str>) -> Result<Vec<T>, StoreError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}
