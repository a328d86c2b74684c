//! Many users at once: those of a file or of a bulk request, in one transaction and few statements.

use std::collections::{HashMap, HashSet};

use scim_core::{fold, search::IndexedValue};
use sea_orm::{QueryResult, Value, sea_query::ArrayType};
use uuid::Uuid;

use super::{
    User, UserState,
    read::{USERS, user},
    write::{Columns, LAYOUT_HOLDS, user_event},
};
use crate::{
    ChangeContext, StoreError, TenantScope, UserId, many::NewRows, record::Rows, rows::DELETED,
    statement::Sql, store::Backend, tx::TenantTx,
};

/// What the unique index says of names that are taken.
const PASS_OVER_TAKEN: &str = " ON CONFLICT (tenant_id, user_name_key) WHERE deleted_at IS NULL DO NOTHING";

/// How several users are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Together {
    /// All of them or none.
    pub whole: bool,
    /// None is made who may be a soft-deleted one coming back; see [`TenantScope::admit_user`].
    pub returning: bool,
}

/// What became of one of several states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A user at version 1, in no group.
    Created(UserId),
    /// A live user has the userName, or an earlier state of the same list has.
    Taken,
    /// A soft-deleted user may be the same person ([`Together::returning`]).
    Departed,
    /// Another one could not be made, and all of them were to be ([`Together::whole`]).
    Undone,
}

/// A state on its way into the tables.
struct Entrant<'s> {
    id: UserId,
    user_name_key: String,
    external_id: Option<String>,
    values: &'s [IndexedValue],
    /// By [`COLUMNS`].
    row: Vec<Value>,
    event: Rows,
}

/// The columns of a new user; the rest is the same for all.
const COLUMNS: [&str; 8] =
    ["id", "user_name", "user_name_key", "external_id", "display_name", "active", "document", "search"];

impl TenantScope {
    /// Makes users, each as [`TenantScope::create_user`] does, in one transaction; says in the order of the states what
    /// became of each. Ids are in that order, too. Event `user.created` for each.
    pub async fn create_users(
        &self,
        states: &[UserState],
        how: Together,
        context: &ChangeContext,
    ) -> Result<Vec<Made>, StoreError> {
        // Before the transaction: on SQLite everybody else waits for its end.
        let now = (self.inner.clock)();
        let mut entrants = Vec::with_capacity(states.len());
        for state in states {
            entrants.push(Entrant::new(self.tenant, now, state, context)?);
        }
        let mut made: Vec<Made> = entrants.iter().map(|entrant| Made::Created(entrant.id)).collect();
        if made.is_empty() {
            return Ok(made);
        }
        let tx = self.write().await?;
        if how.returning {
            let departed = tx.departed_among(&entrants).await?;
            mark(&mut made, &entrants, Made::Departed, |entrant| departed.contains(&entrant.id));
        }
        let is_new = |at: usize, made: &[Made]| matches!(made[at], Made::Created(_));
        // Two transactions with the same names would wait for each other if each took them in an order of its own.
        let mut order: Vec<usize> = (0..entrants.len()).filter(|at| is_new(*at, &made)).collect();
        order.sort_by(|left, right| entrants[*left].user_name_key.cmp(&entrants[*right].user_name_key));
        let rows = order.iter().map(|at| std::mem::take(&mut entrants[*at].row)).collect();
        let inserted = tx.insert_users(rows, now).await?;
        if inserted < order.len() as u64 {
            let there = tx.kept_among(&entrants, &order).await?;
            let new: HashSet<UserId> = order.iter().map(|at| entrants[*at].id).collect();
            let is_taken =
                |entrant: &Entrant<'_>| new.contains(&entrant.id) && !there.contains(&entrant.id.0);
            mark(&mut made, &entrants, Made::Taken, is_taken);
        }
        if how.whole && made.iter().any(|made| !matches!(made, Made::Created(_))) {
            // Dropped, so nothing of it is kept.
            mark(&mut made, &entrants, Made::Undone, |_| true);
            return Ok(made);
        }
        let (mut values, mut events) = (Values::default(), Vec::with_capacity(entrants.len()));
        for (at, entrant) in entrants.into_iter().enumerate() {
            if is_new(at, &made) {
                values.add(self.tenant, &entrant);
                events.push(entrant.event);
            }
        }
        tx.insert(values.into_rows(), "").await?;
        tx.record_rows(events).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// The live users who have one of these userNames, compared folded, by the folded name. Groups are not read.
    pub async fn users_by_names(&self, names: &[&str]) -> Result<HashMap<String, User>, StoreError> {
        let keys: HashSet<String> =
            names.iter().filter(|name| !name.contains('\0')).map(|name| fold(name)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let tx = self.read().await?;
        let rows = tx.looked_up(USERS.columns, USERS.rows, "r.user_name_key", &keys).await?;
        tx.commit().await?;
        rows.iter().map(user).map(|user| user.map(|user| (fold(&user.user_name), user))).collect()
    }
}

/// Changes the fate of those that were to be made so far.
fn mark(made: &mut [Made], entrants: &[Entrant<'_>], fate: Made, is_meant: impl Fn(&Entrant<'_>) -> bool) {
    for (made, entrant) in made.iter_mut().zip(entrants) {
        if matches!(made, Made::Created(_)) && is_meant(entrant) {
            *made = fate;
        }
    }
}

impl<'s> Entrant<'s> {
    fn new(
        tenant: Uuid,
        now: i64,
        state: &'s UserState,
        context: &ChangeContext,
    ) -> Result<Self, StoreError> {
        let (id, columns) = (UserId::generate(), Columns::of(state));
        let event = user_event("user.created", id, 1, Some(&state.text), None).noted(&state.notes);
        let row = vec![
            id.0.into(),
            columns.user_name.into(),
            columns.user_name_key.as_str().into(),
            columns.external_id.as_deref().into(),
            columns.display_name.into(),
            columns.active.into(),
            columns.document.into(),
            columns.search.into(),
        ];
        Ok(Self {
            id,
            user_name_key: columns.user_name_key,
            external_id: columns.external_id,
            values: &state.values,
            row,
            event: Rows::of(tenant, now, event, context)?,
        })
    }
}

/// What new users are found by, a column a list.
#[derive(Default)]
struct Values {
    tenants: Vec<Value>,
    paths: Vec<Value>,
    values: Vec<Value>,
    users: Vec<Value>,
}

impl Values {
    fn add(&mut self, tenant: Uuid, entrant: &Entrant<'_>) {
        for indexed in entrant.values {
            self.tenants.push(tenant.into());
            self.paths.push(indexed.path.as_str().into());
            self.values.push(indexed.value.as_str().into());
            self.users.push(entrant.id.0.into());
        }
    }

    fn into_rows(self) -> NewRows {
        let Self { tenants, paths, values, users } = self;
        NewRows::new(
            "user_values",
            vec![("tenant_id", tenants), ("path", paths), ("value", values), ("user_id", users)],
        )
    }
}

impl TenantTx {
    /// Columns of the rows (live or deleted) that hold one of these texts in a column, of PostgreSQL one a text. It knows
    /// nothing of a tenant that has just been filled, and would go through all of it for a list: so each is looked up.
    async fn looked_up(
        &self,
        columns: &'static str,
        rows: &'static str,
        column: &'static str,
        texts: &[&str],
    ) -> Result<Vec<QueryResult>, StoreError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = self.sql();
        let postgres = self.backend == Backend::Postgres;
        if postgres {
            let list: Vec<Value> = texts.iter().map(|text| (*text).into()).collect();
            sql.push("SELECT r.* FROM unnest(").bind(Value::Array(ArrayType::String, Some(Box::new(list))));
            sql.push("::text[]) AS k (key), LATERAL (");
        }
        sql.push("SELECT ")
            .push(columns)
            .add(" FROM users r WHERE r.tenant_id = ? AND ", [self.tenant_value()]);
        sql.push(rows).push(" AND ").push(column);
        if postgres {
            sql.push(" = k.key LIMIT 1) AS r");
        } else {
            sql.push(" IN ").texts(texts.iter().copied());
        }
        self.all(sql).await
    }

    /// Writes the rows of users, by [`COLUMNS`], whose names are free; gives their number.
    async fn insert_users(&self, rows: Vec<Vec<Value>>, now: i64) -> Result<u64, StoreError> {
        let (tried, layout) = (rows.len(), self.terms.layout_version);
        let mut columns: Vec<(&'static str, Vec<Value>)> =
            COLUMNS.iter().map(|name| (*name, Vec::with_capacity(tried))).collect();
        for row in rows {
            columns.iter_mut().zip(row).for_each(|((_, values), value)| values.push(value));
        }
        for (name, value) in [
            ("tenant_id", self.tenant_value()),
            ("version", 1_i64.into()),
            ("created_at", now.into()),
            ("updated_at", now.into()),
        ] {
            columns.push((name, vec![value; tried]));
        }
        let condition = |sql: &mut Sql| {
            if let Some(version) = layout {
                sql.push(" AND ").add(LAYOUT_HOLDS, [self.tenant_value(), version.into()]);
            }
        };
        let rows = NewRows::new("users", columns).with_json("search");
        let inserted = self.insert_if(rows, condition, PASS_OVER_TAKEN).await?;
        // Where it no longer holds none came in. Layouts only go up: if it holds now, it did before.
        if inserted < tried as u64 {
            self.keep_layout().await?;
        }
        Ok(inserted)
    }

    /// [`StoreError::Reconfigured`] when users are made otherwise by now.
    async fn keep_layout(&self) -> Result<(), StoreError> {
        let Some(version) = self.terms.layout_version else { return Ok(()) };
        let mut sql = self.sql();
        sql.push("SELECT 1 WHERE ").add(LAYOUT_HOLDS, [self.tenant_value(), version.into()]);
        self.one(sql).await?.map(|_| ()).ok_or(StoreError::Reconfigured)
    }

    /// Those whose rows are there.
    async fn kept_among(
        &self,
        entrants: &[Entrant<'_>],
        order: &[usize],
    ) -> Result<HashSet<Uuid>, StoreError> {
        let mut sql = self.sql();
        sql.add("SELECT u.id FROM users u WHERE u.tenant_id = ? AND ", [self.tenant_value()]);
        sql.is_looked_up("u.id", order.iter().map(|at| &entrants[*at].id.0));
        self.all(sql).await?.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// Those who may be a soft-deleted user coming back: by externalId or by userName.
    async fn departed_among(&self, entrants: &[Entrant<'_>]) -> Result<HashSet<UserId>, StoreError> {
        let names: Vec<&str> = entrants.iter().map(|entrant| entrant.user_name_key.as_str()).collect();
        let external_ids: Vec<&str> =
            entrants.iter().filter_map(|entrant| entrant.external_id.as_deref()).collect();
        let by_name = self.departed_by("r.user_name_key", &names).await?;
        let by_external_id = self.departed_by("r.external_id", &external_ids).await?;
        let is_departed = |entrant: &&Entrant<'_>| {
            by_name.contains(&entrant.user_name_key)
                || entrant.external_id.as_ref().is_some_and(|id| by_external_id.contains(id))
        };
        Ok(entrants.iter().filter(is_departed).map(|entrant| entrant.id).collect())
    }

    /// The values of a column that soft-deleted users have, of these.
    async fn departed_by(
        &self,
        column: &'static str,
        values: &[&str],
    ) -> Result<HashSet<String>, StoreError> {
        let rows = self.looked_up(column, DELETED, column, values).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }
}
