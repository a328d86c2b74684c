//! Users as people look for them: by the order of their names, from page to page by key, found by what their names and
//! numbers begin with or hold. Every answer is bounded, whatever the size of the tenant.

use std::borrow::Cow;

use scim_core::{ResourceKind, filter::Filter, fold, search::ANYWHERE};

use super::{
    User,
    read::{DELETED_USERS, USERS, user},
};
use crate::{
    StoreError, TenantScope, UserId,
    filter::{Bounds, condition, has_parts, holding, prefix_range, sought},
    rows::Select,
    statement::Sql,
    tx::TenantTx,
};

/// Ids that are found by one attribute, at most. More people than that are found by typing more letters.
pub const FOUND: usize = 500;

/// Rows of names that a search inside of them looks at, at most, where no index serves it.
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
    /// May it stand anywhere in [`ANYWHERE`]? If not, a value begins with it.
    pub inside: bool,
    /// Indexed attributes (see [`scim_core::search::indexed_paths`]): path, and whether it is compared with case.
    /// `userName` and what `externalId` begins with are looked at in any case.
    pub paths: &'a [(String, bool)],
}

/// Who was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundUsers {
    /// Live users, each once.
    pub ids: Vec<UserId>,
    /// Are these all? If not, more are found by an attribute than [`FOUND`], or there were more to look at than
    /// [`SCANNED`].
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
        sql.push("SELECT CAST(COUNT(*) AS bigint) FROM (");
        tx.write_select(&mut sql, Select { table: from, filter: None, sort: None }, |sql| {
            sql.push("r.id");
        });
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
        let arms = arms(sought, &folded);
        let scans = arms.iter().any(|arm| arm.is_scan(&sql));
        let before = if scans { tx.end_of_look().await? } else { None };
        let bounds = Bounds { most: Some(FOUND as i64 + 1), before };
        sql.push("SELECT x.arm, x.id FROM (");
        for (number, arm) in (0_i32..).zip(&arms) {
            sql.push(if number == 0 { "SELECT " } else { " UNION ALL SELECT " }).bind(number);
            sql.push(" AS arm, a.id FROM (");
            arm.write(&tx, &mut sql, &bounds);
            sql.push(") a");
        }
        sql.push(") x");
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        let mut counts = vec![0_usize; arms.len()];
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
        let whole = bounds.before.is_none() && counts.iter().all(|count| *count <= FOUND);
        Ok(FoundUsers { ids, whole })
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

    /// Up to which row a search inside of names looks; `None` when it looks at all.
    async fn end_of_look(&self) -> Result<Option<String>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT v.value FROM user_values v WHERE v.tenant_id = ? AND v.path = ? ORDER BY v.value LIMIT 1 OFFSET ?",
            [self.tenant_value(), ANYWHERE.into(), SCANNED.into()],
        );
        self.one(sql).await?.map(|row| Ok(row.try_get_by_index(0)?)).transpose()
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

/// One of the ways in which a text finds users.
enum Arm<'a> {
    /// A column of their own begins with it.
    Column(&'static str, &'a str),
    /// A value of an indexed attribute begins with it.
    Value(&'a str, &'a str),
    /// It stands anywhere.
    Anywhere(Cow<'a, str>),
}

fn arms<'a>(asked: &Sought<'a>, folded: &'a str) -> Vec<Arm<'a>> {
    // Not a name, and no index holds it beside what says that the user is there: inside of it, all users would be read.
    let external_id = Arm::Column("r.external_id", asked.text);
    if !asked.inside {
        let values = asked
            .paths
            .iter()
            .map(|(path, exact)| Arm::Value(path, if *exact { asked.text } else { folded }));
        return [Arm::Column("r.user_name_key", folded), external_id].into_iter().chain(values).collect();
    }
    let mut arms = vec![Arm::Anywhere(sought(folded)), external_id];
    if asked.text != folded && asked.paths.iter().any(|(_, exact)| *exact) {
        arms.push(Arm::Anywhere(sought(asked.text)));
    }
    arms
}

impl Arm<'_> {
    /// Does it look at one name after the other?
    fn is_scan(&self, sql: &Sql) -> bool {
        matches!(self, Self::Anywhere(text) if !has_parts(sql, text))
    }

    /// Appends a SELECT of ids.
    fn write(&self, tx: &TenantTx, sql: &mut Sql, bounds: &Bounds) {
        match self {
            Self::Column(column, text) => {
                sql.add(
                    "SELECT r.id FROM users r WHERE r.tenant_id = ? AND r.deleted_at IS NULL AND ",
                    [tx.tenant_value()],
                );
                prefix_range(sql, column, text);
                sql.push(" LIMIT ").bind(bounds.most);
            }
            Self::Value(path, text) => {
                sql.add(
                    "SELECT v.user_id AS id FROM user_values v WHERE v.tenant_id = ? AND v.path = ? AND ",
                    [tx.tenant_value(), (*path).into()],
                );
                prefix_range(sql, "v.value", text);
                sql.push(" LIMIT ").bind(bounds.most);
            }
            Self::Anywhere(text) => holding(sql, text, None, bounds),
        }
    }
}
