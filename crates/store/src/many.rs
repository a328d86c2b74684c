//! Many rows of one table, written in few statements: on PostgreSQL one array a column, on SQLite rows of values.

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
const AT_ONCE: [usize; 3] = [50, 10, 1];

/// New rows of one table.
pub(crate) struct NewRows {
    table: &'static str,
    columns: Vec<(&'static str, Vec<Value>)>,
    len: usize,
}

/// What a column holds.
enum Held {
    /// The same in all rows.
    Same(Value),
    /// Something in each.
    Each(Vec<Value>),
    /// Something in some of them.
    Some(Vec<Value>),
}

impl NewRows {
    /// By columns, each with a value a row.
    pub(crate) fn new(table: &'static str, columns: Vec<(&'static str, Vec<Value>)>) -> Self {
        let len = columns.first().map_or(0, |(_, values)| values.len());
        debug_assert!(
            columns.iter().all(|(_, values)| values.len() == len),
            "a value in each row of {table}"
        );
        Self { table, columns, len }
    }

    /// Of an entity; a column that is not set is null.
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
}

fn held(values: Vec<Value>) -> Held {
    let mut all = values.iter();
    match all.next() {
        Some(first) if all.all(|value| value == first) => Held::Same(first.clone()),
        _ if values.iter().any(is_null) => Held::Some(values),
        _ => Held::Each(values),
    }
}

fn is_null(value: &Value) -> bool {
    *value == value.as_null()
}

impl TenantTx {
    /// Appends rows; gives how many came in. `end`: the end of the statement (`ON CONFLICT …`).
    pub(crate) async fn insert(&self, rows: NewRows, end: &'static str) -> Result<u64, StoreError> {
        self.insert_if(rows, |_| (), end).await
    }

    /// Likewise, if a condition is met that `condition` appends with its `WHERE`; SQLite's dialect has no place for one
    /// here.
    pub(crate) async fn insert_if(
        &self,
        rows: NewRows,
        condition: impl FnOnce(&mut Sql),
        end: &'static str,
    ) -> Result<u64, StoreError> {
        if rows.len == 0 {
            return Ok(0);
        }
        match self.backend {
            Backend::Postgres => self.insert_arrays(rows, condition, end).await,
            Backend::Sqlite => self.insert_values(rows, end).await,
        }
    }

    async fn insert_arrays(
        &self,
        rows: NewRows,
        condition: impl FnOnce(&mut Sql),
        end: &'static str,
    ) -> Result<u64, StoreError> {
        let NewRows { table, columns, len } = rows;
        let mut sql = self.sql();
        begin(&mut sql, table, &columns);
        sql.push(" SELECT ");
        let mut arrays: Vec<(&'static str, usize, ArrayType, Slot)> = Vec::new();
        for (at, (_, values)) in columns.into_iter().enumerate() {
            if at > 0 {
                sql.push(", ");
            }
            let (values, some) = match held(values) {
                Held::Same(value) if len == 1 || at > 0 => {
                    sql.bind(value);
                    continue;
                }
                Held::Same(value) => (vec![value; len], false),
                Held::Each(values) => (values, false),
                Held::Some(values) => (values, true),
            };
            if some {
                let absent: Vec<Value> = values.iter().map(|value| is_null(value).into()).collect();
                let slot = sql.slot(Value::Array(ArrayType::Bool, Some(Box::new(absent))));
                arrays.push(("n", at, ArrayType::Bool, slot));
                sql.push("CASE WHEN x.").numbered("n", at).push(" THEN NULL ELSE ");
            }
            let (kind, cast, values) = array(values)?;
            sql.push("x.").numbered("c", at).push(cast);
            if some {
                sql.push(" END");
            }
            let slot = sql.slot(Value::Array(kind.clone(), Some(Box::new(values))));
            arrays.push(("c", at, kind, slot));
        }
        if !arrays.is_empty() {
            sql.push(" FROM unnest(");
            for (position, (_, _, kind, slot)) in arrays.iter().enumerate() {
                sql.push(if position > 0 { ", " } else { "" }).put(*slot).push(type_of(kind)?);
            }
            sql.push(") AS x (");
            for (position, (name, at, ..)) in arrays.iter().enumerate() {
                sql.push(if position > 0 { ", " } else { "" }).numbered(name, *at);
            }
            sql.push(")");
        }
        condition(&mut sql);
        sql.push(end);
        self.run(sql).await
    }

    async fn insert_values(&self, rows: NewRows, end: &'static str) -> Result<u64, StoreError> {
        let NewRows { table, columns, len } = rows;
        let names: Vec<(&'static str, ())> = columns.iter().map(|(name, _)| (*name, ())).collect();
        let mut held: Vec<_> = columns
            .into_iter()
            .map(|(_, values)| match held(values) {
                Held::Same(value) => (Some(value), Vec::new().into_iter()),
                Held::Each(values) | Held::Some(values) => (None, values.into_iter()),
            })
            .collect();
        let (mut left, mut inserted) = (len, 0);
        while let Some(rows) = AT_ONCE.into_iter().find(|rows| *rows <= left) {
            let mut sql = self.sql();
            begin(&mut sql, table, &names);
            sql.push(" VALUES ");
            let same: Vec<Option<Slot>> =
                held.iter().map(|(same, _)| same.clone().map(|value| sql.slot(value))).collect();
            for row in 0..rows {
                sql.push(if row > 0 { ", (" } else { "(" });
                for (at, (slot, (_, values))) in same.iter().zip(&mut held).enumerate() {
                    sql.push(if at > 0 { ", " } else { "" });
                    match slot {
                        Some(slot) => sql.put(*slot),
                        None => sql.bind(values.next().unwrap_or(Value::String(None))),
                    };
                }
                sql.push(")");
            }
            sql.push(end);
            inserted += self.run(sql).await?;
            left -= rows;
        }
        Ok(inserted)
    }
}

fn begin<T>(sql: &mut Sql, table: &'static str, columns: &[(&'static str, T)]) {
    sql.push("INSERT INTO ").push(table).push(" (");
    for (at, (name, _)) in columns.iter().enumerate() {
        sql.push(if at > 0 { ", " } else { "" }).push(name);
    }
    sql.push(")");
}

/// Values of one type as those of an array, which holds no null: one has some other value in its place. JSON travels as
/// text, with the cast that makes it what it is.
fn array(values: Vec<Value>) -> Result<(ArrayType, &'static str, Vec<Value>), StoreError> {
    let Some(kind) = values.first().map(Value::array_type) else { return Ok((ArrayType::Bool, "", values)) };
    if let ArrayType::Json = kind {
        let text = |value| match value {
            Value::Json(Some(json)) => json.to_string().into(),
            _ => "null".into(),
        };
        return Ok((ArrayType::String, "::jsonb", values.into_iter().map(text).collect()));
    }
    if let Some(other) = values.iter().find(|value| value.array_type() != kind) {
        return Err(unreadable("a column", format_args!("{kind:?} and {:?} in one", other.array_type())));
    }
    let filled = |value: Value| if is_null(&value) { value.dummy_value() } else { value };
    Ok((kind, "", values.into_iter().map(filled).collect()))
}

fn type_of(kind: &ArrayType) -> Result<&'static str, StoreError> {
    Ok(match kind {
        ArrayType::Bool => "::boolean[]",
        ArrayType::Int => "::integer[]",
        ArrayType::BigInt => "::bigint[]",
        ArrayType::String => "::text[]",
        ArrayType::Bytes => "::bytea[]",
        ArrayType::Uuid => "::uuid[]",
        other => return Err(unreadable("a column", format_args!("no array of {other:?} is written"))),
    })
}
