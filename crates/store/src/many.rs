//! Many rows of one table, written in few statements: on PostgreSQL an array a column, on SQLite lists of values.

use sea_orm::{
    ActiveModelTrait, ActiveValue, EntityName, EntityTrait, IdenStatic, Iterable, Value, sea_query::ArrayType,
};

use crate::{
    StoreError,
    error::unreadable,
    statement::{Slot, Sql},
    store::Backend,
    tx::TenantTx,
};

/// Rows in one statement of SQLite. Few sizes, so that few statements are prepared, and those only once.
const AT_ONCE: [usize; 3] = [100, 10, 1];

/// New rows of one table.
pub(crate) struct NewRows {
    table: &'static str,
    /// What all rows have.
    same: Vec<(Name, Value)>,
    /// What each row has.
    each: Vec<(Name, Vec<Value>)>,
    len: usize,
}

/// A column.
#[derive(Clone, Copy)]
struct Name {
    name: &'static str,
    /// What PostgreSQL makes of its values, which travel as something else.
    cast: &'static str,
}

impl NewRows {
    /// By columns, each with a value a row.
    pub(crate) fn new(table: &'static str, columns: Vec<(&'static str, Vec<Value>)>) -> Self {
        let len = columns.first().map_or(0, |(_, values)| values.len());
        debug_assert!(
            columns.iter().all(|(_, values)| values.len() == len),
            "a value in each row of {table}"
        );
        let (mut same, mut each) = (Vec::new(), Vec::new());
        let mut left = columns.len();
        for (name, values) in columns {
            let name = Name { name, cast: "" };
            left -= 1;
            // One column at least says how many rows there are.
            match values.first() {
                Some(first) if (len == 1 || left > 0 || !each.is_empty()) && is_all(&values, first) => {
                    same.push((name, first.clone()));
                }
                _ => each.push((name, values)),
            }
        }
        Self { table, same, each, len }
    }

    /// Of an entity; a column that is not set is left out.
    pub(crate) fn of<A: ActiveModelTrait>(mut models: Vec<A>) -> Self {
        let columns = <A::Entity as EntityTrait>::Column::iter().filter_map(|column| {
            let values = models.iter_mut().map(|model| match model.take(column) {
                ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Some(value),
                ActiveValue::NotSet => None,
            });
            let values: Option<Vec<Value>> = values.collect();
            Some((column.as_str(), values?))
        });
        let columns = columns.collect();
        Self::new(A::Entity::default().table_name(), columns)
    }

    /// The texts of a column are JSON.
    pub(crate) fn with_json(mut self, column: &str) -> Self {
        let same = self.same.iter_mut().map(|(name, _)| name);
        let names = same.chain(self.each.iter_mut().map(|(name, _)| name));
        names.filter(|name| name.name == column).for_each(|name| name.cast = "::jsonb");
        self
    }

    fn begin(&self, sql: &mut Sql) {
        sql.push("INSERT INTO ").push(self.table).push(" (");
        let names = self.same.iter().map(|(name, _)| name).chain(self.each.iter().map(|(name, _)| name));
        for (at, name) in names.enumerate() {
            sql.push(comma(at)).push(name.name);
        }
        sql.push(") SELECT ");
    }
}

fn is_all(values: &[Value], one: &Value) -> bool {
    values.iter().all(|value| value == one)
}

fn is_null(value: &Value) -> bool {
    *value == value.as_null()
}

fn comma(at: usize) -> &'static str {
    if at > 0 { ", " } else { "" }
}

impl TenantTx {
    /// Appends rows; gives how many came in. `end`: the end of the statement (`ON CONFLICT …`).
    pub(crate) async fn insert(&self, rows: NewRows, end: &'static str) -> Result<u64, StoreError> {
        self.insert_if(rows, |_| (), end).await
    }

    /// Likewise, each statement only if a condition holds that `condition` appends (` AND …`).
    pub(crate) async fn insert_if(
        &self,
        rows: NewRows,
        condition: impl Fn(&mut Sql),
        end: &'static str,
    ) -> Result<u64, StoreError> {
        let finish = |sql: &mut Sql| {
            sql.push(" WHERE TRUE");
            condition(sql);
            sql.push(end);
        };
        match self.backend {
            _ if rows.len == 0 => Ok(0),
            Backend::Postgres => self.insert_arrays(rows, finish).await,
            Backend::Sqlite => self.insert_values(rows, finish).await,
        }
    }

    async fn insert_arrays(&self, rows: NewRows, finish: impl Fn(&mut Sql)) -> Result<u64, StoreError> {
        let mut sql = self.sql();
        rows.begin(&mut sql);
        for (at, (name, value)) in rows.same.into_iter().enumerate() {
            sql.push(comma(at)).bind(value).push(name.cast);
        }
        let before = sql.slots();
        let mut arrays: Vec<(&'static str, usize, ArrayType, Slot)> = Vec::new();
        for (at, (name, values)) in rows.each.into_iter().enumerate() {
            sql.push(comma(before + at));
            let sometimes = values.iter().any(is_null);
            if sometimes {
                let absent: Vec<Value> = values.iter().map(|value| is_null(value).into()).collect();
                let slot = sql.slot(Value::Array(ArrayType::Bool, Some(Box::new(absent))));
                arrays.push(("n", at, ArrayType::Bool, slot));
                sql.push("CASE WHEN x.").numbered("n", at).push(" THEN NULL ELSE ");
            }
            sql.push("x.").numbered("c", at).push(name.cast).push(if sometimes { " END" } else { "" });
            let (kind, values) = array(name.name, values)?;
            let slot = sql.slot(Value::Array(kind.clone(), Some(Box::new(values))));
            arrays.push(("c", at, kind, slot));
        }
        if !arrays.is_empty() {
            sql.push(" FROM unnest(");
            for (position, (_, _, kind, slot)) in arrays.iter().enumerate() {
                sql.push(comma(position)).put(*slot).push(type_of(kind)?);
            }
            sql.push(") AS x (");
            for (position, (name, at, ..)) in arrays.iter().enumerate() {
                sql.push(comma(position)).numbered(name, *at);
            }
            sql.push(")");
        }
        finish(&mut sql);
        self.run(sql).await
    }

    async fn insert_values(&self, mut rows: NewRows, finish: impl Fn(&mut Sql)) -> Result<u64, StoreError> {
        let each = std::mem::take(&mut rows.each);
        rows.each = each.iter().map(|(name, _)| (*name, Vec::new())).collect();
        let mut values: Vec<_> = each.into_iter().map(|(_, values)| values.into_iter()).collect();
        let (mut left, mut inserted) = (rows.len, 0);
        while let Some(count) = AT_ONCE.into_iter().find(|count| *count <= left) {
            let mut sql = self.sql();
            rows.begin(&mut sql);
            for (at, (_, value)) in rows.same.iter().enumerate() {
                sql.push(comma(at)).bind(value.clone());
            }
            for at in 0..values.len() {
                sql.push(comma(rows.same.len() + at)).numbered("v.column", at + 1);
            }
            for row in 0..if values.is_empty() { 0 } else { count } {
                sql.push(if row > 0 { ", (" } else { " FROM (VALUES (" });
                for (at, values) in values.iter_mut().enumerate() {
                    sql.push(comma(at)).bind(values.next().unwrap_or(Value::String(None)));
                }
                sql.push(")");
            }
            sql.push(if values.is_empty() { "" } else { ") AS v" });
            finish(&mut sql);
            inserted += self.run(sql).await?;
            left -= count;
        }
        Ok(inserted)
    }
}

/// Values of one type as those of an array, which holds no null: one has some other value in its place.
fn array(name: &str, values: Vec<Value>) -> Result<(ArrayType, Vec<Value>), StoreError> {
    let Some(kind) = values.first().map(Value::array_type) else { return Ok((ArrayType::Bool, values)) };
    if let Some(other) = values.iter().find(|value| value.array_type() != kind) {
        return Err(unreadable(name, format_args!("{kind:?} and {:?} in one column", other.array_type())));
    }
    let filled = |value: Value| if is_null(&value) { value.dummy_value() } else { value };
    Ok((kind, values.into_iter().map(filled).collect()))
}

fn type_of(kind: &ArrayType) -> Result<&'static str, StoreError> {
    Ok(match kind {
        ArrayType::Bool => "::boolean[]",
        ArrayType::SmallInt => "::smallint[]",
        ArrayType::Int => "::integer[]",
        ArrayType::BigInt => "::bigint[]",
        ArrayType::String => "::text[]",
        ArrayType::Bytes => "::bytea[]",
        ArrayType::Uuid => "::uuid[]",
        other => return Err(unreadable("a column", format_args!("no array of {other:?} is written"))),
    })
}
