//! A page of all users by position: on PostgreSQL one statement with total, groups and the marks of a walk.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{QueryResult, Statement, Value};
use uuid::Uuid;

use super::{
    KeptUser, Membership,
    read::{LEVELS, MEMBERSHIPS_OF_PAGE, kept},
};
use crate::{
    GroupId, ListQuery, Page, Start, StoreError, TenantScope, Total,
    error::unreadable,
    store::Backend,
    walks::{RECENT, WALK_TIME, Walk},
};

impl TenantScope {
    /// Is it a part of the list of all users that is read by [`TenantScope::page_by_place`]?
    pub(crate) fn has_page_by_place(&self, query: &ListQuery) -> bool {
        let counted = match query.start {
            Start::Offset(_) => query.total == Total::Whole,
            Start::After(_) => query.total != Total::OfPage,
            Start::Before(_) | Start::Among(_) => false,
        };
        self.inner.backend == Backend::Postgres && query.filter.is_none() && query.sort.is_none() && counted
    }

    /// A page of all users; as part of a walk, it goes on where the walk left a mark, and leaves the next one.
    pub(crate) async fn page_by_place(
        &self,
        query: &ListQuery,
        walk: Option<&Walk>,
    ) -> Result<Page<KeptUser>, StoreError> {
        let rows = self.inner.read_once(self.page_call(query, walk)).await?;
        let (mut total, mut more, mut names) = (0_i64, false, Names::default());
        let mut listed = Vec::with_capacity(rows.len());
        for row in &rows {
            match row.try_get::<Option<Uuid>>("", "id")? {
                Some(id) => listed.push((id, row)),
                None => {
                    (total, more) = (row.try_get("", "total")?, row.try_get("", "more")?);
                    names = Names::of(row)?;
                }
            }
        }
        listed.sort_unstable_by_key(|(id, _)| *id);
        let (mut items, mut edges) = (Vec::with_capacity(listed.len()), 0);
        for (_, row) in listed {
            let mut user = kept(row)?;
            if query.edges {
                let (groups, of_user) = names.groups_of(row)?;
                edges += of_user;
                user.groups = Some(groups);
            }
            items.push(user);
        }
        if edges > MEMBERSHIPS_OF_PAGE {
            // Not all were read; here it is decided whether they may be.
            let tx = self.read().await?;
            tx.add_groups(items.iter_mut().map(|user| (user.id, &mut user.groups))).await?;
            tx.commit().await?;
        }
        Ok(Page { total: u64::try_from(total).unwrap_or_default(), items, more })
    }

    fn page_call(&self, query: &ListQuery, walk: Option<&Walk>) -> Statement {
        // One more must still be a number.
        let whole =
            |number: u64| i64::try_from(number).map_or(i64::MAX - 1, |number| number.min(i64::MAX - 1));
        let (place, past) = match query.start {
            Start::After(id) => (0, Some(id)),
            Start::Offset(offset) => (whole(offset), None),
            Start::Before(_) | Start::Among(_) => (0, None),
        };
        let now = (self.inner.clock)();
        let values = [
            self.tenant.into(),
            place.into(),
            Value::Uuid(past),
            (query.total == Total::Whole).into(),
            whole(query.limit).into(),
            Value::Int(query.edges.then_some(LEVELS)),
            (MEMBERSHIPS_OF_PAGE + 1).into(),
            Value::String(walk.map(|walk| walk.walker.clone())),
            Value::Bytes(walk.map(|walk| walk.query.clone())),
            now.into(),
            (now - WALK_TIME).into(),
            (now - RECENT).into(),
        ];
        let sql = "SELECT * FROM page_of_users($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        Statement::from_sql_and_values(sea_orm::DbBackend::Postgres, sql, values)
    }
}

/// The names of the groups of a page.
#[derive(Default)]
struct Names {
    /// In the order in which they are listed.
    groups: Vec<(Uuid, String)>,
    places: HashMap<Uuid, usize>,
}

impl Names {
    /// `[[id, displayName], …]`.
    fn of(row: &QueryResult) -> Result<Self, StoreError> {
        let Some(text) = row.try_get::<Option<String>>("", "groups")? else { return Ok(Self::default()) };
        let groups: Vec<(Uuid, String)> =
            serde_json::from_str(&text).map_err(|error| unreadable("groups", error))?;
        let places = groups.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
        Ok(Self { groups, places })
    }

    /// Of a user, `id/level,…`; and how many these are: a group may be there at several levels.
    fn groups_of(&self, row: &QueryResult) -> Result<(Vec<Membership>, i64), StoreError> {
        let Some(text) = row.try_get::<Option<String>>("", "groups")? else { return Ok((Vec::new(), 0)) };
        let (mut found, mut edges) = (BTreeMap::<usize, bool>::new(), 0);
        for edge in text.split(',') {
            edges += 1;
            let (id, level) = edge.split_once('/').ok_or_else(|| unreadable("groups", edge))?;
            let id: Uuid = id.parse().map_err(|error| unreadable("groups", error))?;
            if let Some(place) = self.places.get(&id) {
                *found.entry(*place).or_default() |= level == "0";
            }
        }
        let membership = |(place, direct): (usize, bool)| {
            let (id, display) = self.groups.get(place)?;
            Some(Membership { group: GroupId(*id), display: display.clone(), direct })
        };
        Ok((found.into_iter().filter_map(membership).collect(), edges))
    }
}
