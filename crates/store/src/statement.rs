//! One SQL statement in the making: fixed text, values always bound, the few words in which the two dialects differ.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::{StoreError, store::Backend, tx::TenantTx};

/// Lists up to here are looked up id by id.
const FEW: usize = 100;

/// Text and bound values. Text is `&'static str` only, so no value can ever become part of it.
pub(crate) struct Sql {
    backend: Backend,
    tenant: Uuid,
    nested_groups: bool,
    indexed: bool,
    parts: bool,
    text: String,
    values: Vec<Value>,
    /// Values whose placeholders have no name, which come first; more than there are: no other may have none.
    unnamed: usize,
}

/// A bound value that may stand in more than one place of its statement.
#[derive(Clone, Copy)]
pub(crate) struct Slot(usize);

impl Sql {
    /// An empty statement on the rows of a tenant.
    pub(crate) fn new(backend: Backend, tenant: Uuid) -> Self {
        Self {
            backend,
            tenant,
            nested_groups: true,
            indexed: true,
            parts: false,
            text: String::new(),
            values: Vec::new(),
            unnamed: 0,
        }
    }

    /// Are groups of the tenant members of groups?
    pub(crate) fn with_nested_groups(self, nested_groups: bool) -> Self {
        Self { nested_groups, ..self }
    }

    /// See [`Sql::with_nested_groups`]; they may be unless it was said otherwise.
    pub(crate) fn nested_groups(&self) -> bool {
        self.nested_groups
    }

    /// Does the index hold the values of all users?
    pub(crate) fn with_index(self, indexed: bool) -> Self {
        Self { indexed, ..self }
    }

    /// From here on the index of values is not asked.
    pub(crate) fn leave_index(&mut self) {
        self.indexed = false;
    }

    /// See [`Sql::with_index`]; it does unless it was said otherwise.
    pub(crate) fn is_indexed(&self) -> bool {
        self.indexed
    }

    /// Has PostgreSQL an index of parts of texts (`users_holding`)?
    pub(crate) fn with_parts(self, parts: bool) -> Self {
        Self { parts, ..self }
    }

    /// See [`Sql::with_parts`]; it has none unless it was said otherwise.
    pub(crate) fn finds_parts(&self) -> bool {
        self.parts
    }

    /// The dialect that is written.
    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// The tenant whose rows it is on.
    pub(crate) fn tenant_id(&self) -> Uuid {
        self.tenant
    }

    /// Appends text that holds no value.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends text in which each `?` becomes the placeholder of the next value.
    pub(crate) fn add<const N: usize>(&mut self, text: &'static str, values: [Value; N]) -> &mut Self {
        debug_assert_eq!(text.matches('?').count(), N, "placeholders and values differ in {text:?}");
        let mut values = values.into_iter();
        for (position, piece) in text.split('?').enumerate() {
            if let Some(value) = (position > 0).then(|| values.next()).flatten() {
                self.bind(value);
            }
            self.text.push_str(piece);
        }
        self
    }

    /// Appends a name that is made of a word and a number.
    pub(crate) fn numbered(&mut self, name: &'static str, number: usize) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{name}{number}");
        self
    }

    /// Appends the text of the dialect.
    pub(crate) fn dialect(&mut self, postgres: &'static str, sqlite: &'static str) -> &mut Self {
        self.push(match self.backend {
            Backend::Postgres => postgres,
            Backend::Sqlite => sqlite,
        })
    }

    /// Appends a join that looks the rows of a table up for each row so far, by index. Left to itself PostgreSQL may make a hash
    /// of all groups of a tenant, or of all edges, to join a handful to it; SQLite takes a cross join as it is written.
    pub(crate) fn join_each(
        &mut self,
        table: &'static str,
        alias: &'static str,
        condition: &'static str,
    ) -> &mut Self {
        self.dialect(" CROSS JOIN LATERAL (SELECT * FROM ", " CROSS JOIN ");
        self.push(table).push(" ").push(alias).dialect(" WHERE ", " ON ").push(condition);
        if self.backend == Backend::Postgres {
            // Nothing is left out by it, and the planner keeps the look-up apart.
            self.push(" OFFSET 0) ").push(alias);
        }
        self
    }

    /// Binds a value without writing its placeholder yet.
    pub(crate) fn slot(&mut self, value: impl Into<Value>) -> Slot {
        self.values.push(value.into());
        Slot(self.values.len())
    }

    /// Writes the placeholder of a bound value. SQLite's driver looks up the name of each numbered one among all of them, so
    /// those have none that come one after the other, up to the first that does not.
    pub(crate) fn put(&mut self, slot: Slot) -> &mut Self {
        let mark = match self.backend {
            Backend::Postgres => '$',
            Backend::Sqlite if self.unnamed + 1 == slot.0 => {
                self.unnamed = slot.0;
                return self.push("?");
            }
            Backend::Sqlite => {
                self.unnamed = usize::MAX - 1;
                '?'
            }
        };
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{mark}{}", slot.0);
        self
    }

    /// Binds a value and writes its placeholder.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        let slot = self.slot(value);
        self.put(slot)
    }

    /// How many values are bound.
    pub(crate) fn slots(&self) -> usize {
        self.values.len()
    }

    /// Binds the tenant and writes its placeholder.
    pub(crate) fn tenant(&mut self) -> &mut Self {
        self.bind(self.tenant)
    }

    /// Appends the condition that a column holds one of any number of ids.
    pub(crate) fn is_one_of<'a>(
        &mut self,
        column: &'static str,
        ids: impl IntoIterator<Item = &'a Uuid>,
    ) -> &mut Self {
        let ids: Vec<&Uuid> = ids.into_iter().collect();
        if ids.len() <= FEW || self.backend == Backend::Sqlite {
            return self.push(column).push(" IN ").ids(ids);
        }
        // Not joined but hashed. PostgreSQL knows nothing of a tenant that has just been filled, expects one row of
        // it, and would go through a long list for every row there is.
        self.push("(").push(column).push(" IN ").ids(ids).push(") IS TRUE")
    }

    /// Appends the condition that a column holds one of any number of ids, each of which is looked up in an index of it:
    /// for lists that are short beside the table.
    pub(crate) fn is_looked_up<'a>(
        &mut self,
        column: &'static str,
        ids: impl IntoIterator<Item = &'a Uuid>,
    ) -> &mut Self {
        if self.backend == Backend::Sqlite {
            return self.push(column).push(" IN ").ids(ids);
        }
        let list: Vec<String> = ids.into_iter().map(Uuid::to_string).collect();
        // Selected, so that the text is read once and not for each row.
        self.push(column)
            .push(" = ANY ((SELECT ")
            .bind(format!("{{{}}}", list.join(",")))
            .push("::uuid[])::uuid[])")
    }

    /// A subquery of any number of ids, column `id`. They travel as one text, so no list is too long for the bind
    /// limit. What it gives are uuids as they are: under row-level security PostgreSQL uses an index only for
    /// conditions that call nothing that could leak a row, such as a cast.
    pub(crate) fn ids<'a>(&mut self, ids: impl IntoIterator<Item = &'a Uuid>) -> &mut Self {
        let ids = ids.into_iter();
        match self.backend {
            Backend::Postgres => {
                let list: Vec<String> = ids.map(Uuid::to_string).collect();
                let array = format!("{{{}}}", list.join(","));
                self.push("(SELECT x.id FROM unnest(").bind(array).push("::uuid[]) AS x (id))")
            }
            Backend::Sqlite => {
                let list: Vec<String> = ids.map(|id| id.simple().to_string()).collect();
                self.push("(SELECT unhex(value) AS id FROM json_each(").json_list(&list).push("))")
            }
        }
    }

    /// A subquery of any number of pairs of texts, columns `a` and `b`.
    pub(crate) fn pairs(&mut self, pairs: &[(String, String)]) -> &mut Self {
        let array = pairs.iter().map(|(a, b)| serde_json::json!([a, b])).collect();
        let text = serde_json::Value::Array(array).to_string();
        self.push("(SELECT value ->> 0 AS a, value ->> 1 AS b FROM ")
            .dialect("jsonb_array_elements(", "json_each(")
            .bind(text)
            .dialect("::jsonb))", "))")
    }

    /// A subquery of any number of triples of texts, columns `a`, `b` and `c`.
    pub(crate) fn triples(&mut self, triples: &[(String, String, String)]) -> &mut Self {
        let array = triples.iter().map(|(a, b, c)| serde_json::json!([a, b, c])).collect();
        let text = serde_json::Value::Array(array).to_string();
        self.push("(SELECT value ->> 0 AS a, value ->> 1 AS b, value ->> 2 AS c FROM ")
            .dialect("jsonb_array_elements(", "json_each(")
            .bind(text)
            .dialect("::jsonb))", "))")
    }

    /// A subquery of any number of texts.
    pub(crate) fn texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> &mut Self {
        let list: Vec<&str> = texts.into_iter().collect();
        self.dialect("(SELECT value FROM jsonb_array_elements_text(", "(SELECT value FROM json_each(")
            .json_list(&list)
            .push("))")
    }

    /// A subquery of any number of whole numbers.
    pub(crate) fn numbers(&mut self, numbers: &[i64]) -> &mut Self {
        let list = serde_json::json!(numbers).to_string();
        self.push("(SELECT CAST(value AS bigint) FROM ")
            .dialect("jsonb_array_elements_text(", "json_each(")
            .bind(list)
            .dialect("::jsonb))", "))")
    }

    fn json_list<S: AsRef<str>>(&mut self, list: &[S]) -> &mut Self {
        let array = list.iter().map(|text| text.as_ref().into()).collect();
        let text = serde_json::Value::Array(array).to_string();
        self.bind(text).dialect("::jsonb", "")
    }

    /// Appends `COLLATE "C"` where the dialect needs it to compare texts by code point.
    pub(crate) fn by_code_point(&mut self) -> &mut Self {
        self.dialect(" COLLATE \"C\"", "")
    }

    /// The statement, to run.
    pub(crate) fn into_statement(self) -> Statement {
        let backend = match self.backend {
            Backend::Postgres => DbBackend::Postgres,
            Backend::Sqlite => DbBackend::Sqlite,
        };
        Statement::from_sql_and_values(backend, self.text, self.values)
    }

    /// The text, to look at in tests.
    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// A JSON value to bind: `jsonb` on PostgreSQL, its text on SQLite.
pub(crate) fn json(value: &serde_json::Value) -> Value {
    Value::Json(Some(Box::new(value.clone())))
}

impl TenantTx {
    /// A statement in this transaction's dialect.
    pub(crate) fn sql(&self) -> Sql {
        Sql::new(self.backend, self.tenant)
            .with_nested_groups(self.nested_groups)
            .with_index(!self.terms.index_incomplete)
            .with_parts(self.finds_parts())
    }

    /// This transaction's tenant, to bind.
    pub(crate) fn tenant_value(&self) -> Value {
        self.tenant.into()
    }

    /// Runs a statement and gives all its rows.
    pub(crate) async fn all(&self, sql: Sql) -> Result<Vec<QueryResult>, StoreError> {
        Ok(self.db.query_all_raw(sql.into_statement()).await?)
    }

    /// Runs a statement and gives its first row.
    pub(crate) async fn one(&self, sql: Sql) -> Result<Option<QueryResult>, StoreError> {
        Ok(self.db.query_one_raw(sql.into_statement()).await?)
    }

    /// Runs a statement and gives the number of rows it touched.
    pub(crate) async fn run(&self, sql: Sql) -> Result<u64, StoreError> {
        Ok(self.db.execute_raw(sql.into_statement()).await?.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_stand_for_their_values_in_either_dialect() {
        for (backend, expected) in [
            (Backend::Postgres, "a = $1 AND b = $2 OR c = $1 AND d = $3"),
            (Backend::Sqlite, "a = ? AND b = ? OR c = ?1 AND d = ?3"),
        ] {
            let mut sql = Sql::new(backend, Uuid::nil());
            let first = sql.slot(1_i64);
            sql.push("a = ").put(first).add(" AND b = ? OR c = ", ["x".into()]).put(first);
            sql.add(" AND d = ?", [2_i64.into()]);
            assert_eq!(sql.text(), expected);
        }
    }
}
