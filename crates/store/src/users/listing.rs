//! Users as people look for them: by the order of their names, from page to page by key, found by what their names and
//! numbers begin with or hold. Every answer is bounded, whatever the size of the tenant.

use scim_core::{ResourceKind, filter::Filter, fold};

use super::{
    User,
    read::{DELETED_USERS, USERS, user},
};
use crate::{
    StoreError, TenantScope, UserId,
    filter::{condition, prefix_range},
    statement::Sql,
    store::Backend,
    tx::TenantTx,
};

/// Ids that are found by one attribute, at most. More people than that are found by typing more letters.
pub const FOUND: usize = 500;

/// Values of one attribute that a search inside of them looks at, at most, on PostgreSQL.
pub const SCANNED: i64 = 200_000;

/// Of which users a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Live and active.
    Active,
    /// Live and not active.
    Inactive,
    /// Live.
    Live,
    /// Soft-deleted: the last one deleted comes first.
    Deleted,
}

/// Where a page stands in its list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// At its beginning.
    #[default]
    First,
    /// After this user; at the beginning when that one is no longer in such a list.
    After(UserId),
    /// Before this user; likewise.
    Before(UserId),
    /// At its end.
    Last,
}

/// A list of users in the order of their names.
#[derive(Clone, Debug)]
pub struct NameQuery {
    /// Which users.
    pub standing: Standing,
    /// What they must fit.
    pub filter: Option<Filter>,
    /// Only these, if given.
    pub among: Option<Vec<UserId>>,
    /// Where the page stands.
    pub place: Place,
    /// Most users of the page.
    pub limit: usize,
}

/// A page of such a list.
#[derive(Clone, Debug, Default)]
pub struct NamePage {
    /// The users; groups are not read.
    pub users: Vec<User>,
    /// Are there any before them?
    pub before: bool,
    /// Are there any after them?
    pub after: bool,
}

/// What people type to find somebody.
#[derive(Clone, Debug)]
pub struct Sought<'a> {
    /// The text as it was typed.
    pub text: &'a str,
    /// May it stand anywhere in a value? If not, a value begins with it.
    pub inside: bool,
    /// Indexed attributes (see [`scim_core::search::indexed_paths`]): path, and whether it is compared with case.
    /// `userName` and `externalId` are looked at in any case.
    pub paths: &'a [(String, bool)],
}

/// Who was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundUsers {
    /// Live users, each once.
    pub ids: Vec<UserId>,
    /// Are these all? If not, more are found by an attribute than [`FOUND`].
    pub whole: bool,
}

/// A number that was counted up to a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounded {
    /// Counted.
    pub count: u64,
    /// There are more.
    pub more: bool,
}

impl Bounded {
    /// Of a count that ended one after `most`.
    pub(crate) fn of(count: i64, most: u64) -> Self {
        let count = u64::try_from(count).unwrap_or_default();
        Self { count: count.min(most), more: count > most }
    }
}

impl TenantScope {
    /// A page of users by name.
    pub async fn users_by_name(&self, query: &NameQuery) -> Result<NamePage, StoreError> {
        let tx = self.read_for([query.filter.as_ref()]).await?;
        let anchor = match query.place {
            Place::First | Place::Last => None,
            Place::After(id) | Place::Before(id) => tx.anchor(query.standing, id).await?,
        };
        let backward = match query.place {
            Place::Last => true,
            Place::Before(_) => anchor.is_some(),
            Place::First | Place::After(_) => false,
        };
        let order = Order { deleted: query.standing == Standing::Deleted, gathered: query.among.is_some() };
        let mut sql = tx.select(if order.deleted { DELETED_USERS } else { USERS });
        limit_to(&mut sql, query);
        if let Some(anchor) = &anchor {
            order.write_bound(&mut sql, anchor, backward);
        }
        order.write(&mut sql, backward);
        sql.add(" LIMIT ?", [(query.limit as i64).saturating_add(1).into()]);
        let mut users = tx.all(sql).await?.iter().map(user).collect::<Result<Vec<_>, _>>()?;
        tx.commit().await?;
        let more = users.len() > query.limit;
        users.truncate(query.limit);
        if backward {
            users.reverse();
            return Ok(NamePage { users, before: more, after: anchor.is_some() });
        }
        Ok(NamePage { users, before: anchor.is_some(), after: more })
    }

    /// How many users such a list has, counted up to a bound; where the page stands means nothing.
    pub async fn count_by_name(&self, query: &NameQuery, most: u64) -> Result<Bounded, StoreError> {
        let tx = self.read_for([query.filter.as_ref()]).await?;
        let from = if query.standing == Standing::Deleted { DELETED_USERS } else { USERS };
        let mut sql = tx.sql();
        sql.push("SELECT CAST(COUNT(*) AS bigint) FROM (SELECT r.id FROM ").push(from.from);
        sql.add(" WHERE r.tenant_id = ? AND ", [tx.tenant_value()]).push(from.rows);
        limit_to(&mut sql, query);
        sql.add(" LIMIT ?) x", [i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1).into()]);
        let count = tx.number(sql).await?;
        tx.commit().await?;
        Ok(Bounded::of(count, most))
    }

    /// Live users who are found by what their names, addresses and numbers begin with or hold.
    pub async fn find_users(&self, sought: &Sought<'_>) -> Result<FoundUsers, StoreError> {
        if sought.text.is_empty() || sought.text.contains('\0') {
            return Ok(FoundUsers { ids: Vec::new(), whole: true });
        }
        let tx = self.read().await?;
        let (folded, mut sql) = (fold(sought.text), tx.sql());
        sql.push("SELECT x.arm, x.id FROM (");
        for arm in 0..sought.paths.len() + 2 {
            sql.push(if arm == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            sql.push("SELECT ").bind(arm as i32);
            match arm {
                0 => write_column(&tx, &mut sql, sought.inside, "r.user_name_key", &folded),
                // Not a name, and no index holds it beside what says that the user is there: inside of it, all users would
                // be read.
                1 => write_column(&tx, &mut sql, false, "r.external_id", sought.text),
                _ => {
                    let (path, exact) = &sought.paths[arm - 2];
                    let text = if *exact { sought.text } else { &folded };
                    write_values(&tx, &mut sql, sought.inside, path, (text, *exact));
                }
            }
            sql.add(" LIMIT ?) a", [(FOUND as i64 + 1).into()]);
        }
        sql.push(") x");
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        let mut counts = vec![0_usize; sought.paths.len() + 2];
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            let arm: i32 = row.try_get_by_index(0)?;
            if let Some(count) = usize::try_from(arm).ok().and_then(|arm| counts.get_mut(arm)) {
                *count += 1;
            }
            ids.push(UserId(row.try_get_by_index(1)?));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(FoundUsers { ids, whole: counts.iter().all(|count| *count <= FOUND) })
    }
}

impl TenantTx {
    /// The one number that a statement gives.
    pub(crate) async fn number(&self, sql: Sql) -> Result<i64, StoreError> {
        Ok(match self.one(sql).await? {
            Some(row) => row.try_get_by_index(0)?,
            None => 0,
        })
    }

    async fn anchor(&self, standing: Standing, id: UserId) -> Result<Option<Anchor>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT r.user_name_key, r.deleted_at FROM users r WHERE r.tenant_id = ? AND r.id = ?",
            [self.tenant_value(), id.0.into()],
        );
        let Some(row) = self.one(sql).await? else { return Ok(None) };
        let (key, deleted_at): (String, Option<i64>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let fits = deleted_at.is_some() == (standing == Standing::Deleted);
        Ok(fits.then_some(Anchor { id, key, deleted_at: deleted_at.unwrap_or_default() }))
    }
}

/// A row beside which a page stands.
struct Anchor {
    id: UserId,
    key: String,
    deleted_at: i64,
}

/// The order of a list.
#[derive(Clone, Copy)]
struct Order {
    deleted: bool,
    /// Is the list made of rows that are at hand? They are sorted after they were read: in the index of names the
    /// database would pass by everybody else to come to them.
    gathered: bool,
}

impl Order {
    fn write(self, sql: &mut Sql, backward: bool) {
        match (self.deleted, self.gathered, backward) {
            (true, _, false) => sql.push(" ORDER BY r.deleted_at DESC, r.id DESC"),
            (true, _, true) => sql.push(" ORDER BY r.deleted_at, r.id"),
            (_, false, false) => sql.push(" ORDER BY r.user_name_key"),
            (_, false, true) => sql.push(" ORDER BY r.user_name_key DESC"),
            (_, true, false) => sql.push(" ORDER BY r.user_name_key || ''").by_code_point(),
            (_, true, true) => sql.push(" ORDER BY r.user_name_key || ''").by_code_point().push(" DESC"),
        };
    }

    /// Appends the condition that a row stands after the anchor, or before it.
    fn write_bound(self, sql: &mut Sql, anchor: &Anchor, backward: bool) {
        if self.deleted {
            // The last one deleted is the first of the list.
            sql.push(" AND (r.deleted_at, r.id)").push(if backward { " > " } else { " < " });
            sql.add("(?, ?)", [anchor.deleted_at.into(), anchor.id.0.into()]);
            return;
        }
        sql.push(if self.gathered { " AND r.user_name_key || ''" } else { " AND r.user_name_key" });
        sql.by_code_point().push(if backward { " < " } else { " > " }).bind(anchor.key.as_str());
    }
}

fn limit_to(sql: &mut Sql, query: &NameQuery) {
    let active = match query.standing {
        Standing::Active => Some("r.active = TRUE"),
        Standing::Inactive => Some("r.active = FALSE"),
        Standing::Live | Standing::Deleted => None,
    };
    if let Some(active) = active {
        sql.push(" AND ");
        if query.among.is_some() {
            // SQLite would go through all who are active instead of looking up these: the plus keeps it from that index.
            sql.dialect("", "+");
        }
        sql.push(active);
    }
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        condition(sql, ResourceKind::User, filter);
    }
    if let Some(ids) = &query.among {
        sql.push(" AND ").is_looked_up("r.id", ids.iter().map(|id| &id.0));
    }
}

/// Appends the rest of a SELECT for users by a column of their own.
fn write_column(tx: &TenantTx, sql: &mut Sql, inside: bool, column: &'static str, text: &str) {
    sql.add(
        " AS arm, r.id FROM users r WHERE r.tenant_id = ? AND r.deleted_at IS NULL AND ",
        [tx.tenant_value()],
    );
    match inside {
        false => prefix_range(sql, column, text),
        true => {
            sql.dialect("strpos(", "instr(").push(column).push(", ").bind(text).push(") > 0");
        }
    }
}

/// A pattern for LIKE with `!` as its escape: whatever holds the text.
fn contains(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for ch in text.chars() {
        if ['!', '%', '_'].contains(&ch) {
            pattern.push('!');
        }
        pattern.push(ch);
    }
    pattern.push('%');
    pattern
}

/// Appends the rest of a SELECT for users by the values of an indexed attribute.
fn write_values(tx: &TenantTx, sql: &mut Sql, inside: bool, path: &str, (text, exact): (&str, bool)) {
    if !inside {
        sql.add(
            " AS arm, v.user_id FROM user_values v WHERE v.tenant_id = ? AND v.path = ? AND ",
            [tx.tenant_value(), path.into()],
        );
        return prefix_range(sql, "v.value", text);
    }
    match tx.backend {
        Backend::Postgres => {
            sql.add(
                " AS arm, v.user_id FROM (SELECT v.value, v.user_id FROM user_values v WHERE v.tenant_id = ? \
                 AND v.path = ? ORDER BY v.value, v.user_id LIMIT ?) v WHERE strpos(v.value, ",
                [tx.tenant_value(), path.into(), SCANNED.into()],
            );
        }
        // A subquery of its own would take as long again as the search; the longest time of a statement bounds this.
        Backend::Sqlite => {
            sql.add(
                " AS arm, v.user_id FROM user_values v WHERE v.tenant_id = ? AND v.path = ? AND ",
                [tx.tenant_value(), path.into()],
            );
            if !exact {
                // The fastest there is. It ignores the case of letters, which folded texts do not have.
                sql.push("v.value LIKE ").bind(contains(text)).push(" ESCAPE '!'");
                return;
            }
            sql.push("instr(v.value, ");
        }
    }
    sql.bind(text).push(") > 0");
}
