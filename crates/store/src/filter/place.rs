//! Where the value of an attribute stands: a real column, or a node of the search form.

use scim_core::{ResourceKind, resource::AttrRef};

use crate::{statement::Sql, store::Backend};

/// A place that a comparison can look at. Column texts are fixed; JSON keys are bound.
pub(super) enum Place<'a> {
    /// A text column or expression.
    Text(&'static str),
    /// A text column with an index in code point order: a prefix is a range of it.
    Key(&'static str),
    /// A uuid column.
    Id(&'static str),
    /// Milliseconds.
    Millis(&'static str),
    /// A boolean column without NULL.
    Flag(&'static str),
    /// The same text for every row.
    Constant(&'static str),
    /// A node of the search form of the row.
    Row(Vec<&'a str>),
    /// A node of the list element `e`; no key: the element itself.
    Element(Vec<&'a str>),
    /// No value that could be compared.
    Nothing,
}

impl<'a> Place<'a> {
    /// The place of a single-valued attribute.
    pub(super) fn of(kind: ResourceKind, target: &'a AttrRef) -> Self {
        let column = match target.extension {
            None => Self::column(kind, target),
            Some(_) => None,
        };
        column.unwrap_or_else(|| Self::Row(keys(target)))
    }

    fn column(kind: ResourceKind, target: &AttrRef) -> Option<Self> {
        let sub = target.sub.as_ref().map(|sub| sub.name.as_str());
        let exact = target.leaf().case_exact;
        Some(match (kind, target.attribute.name.as_str(), sub) {
            (_, "id", None) => Self::Id("r.id"),
            (_, "externalId", None) => Self::Text("r.external_id"),
            (ResourceKind::User, "userName", None) if exact => Self::Text("r.user_name"),
            (ResourceKind::User, "userName", None) => Self::Key("r.user_name_key"),
            (ResourceKind::User, "active", None) => Self::Flag("r.active"),
            (ResourceKind::Group, "displayName", None) if exact => Self::Text("r.display_name"),
            (ResourceKind::Group, "displayName", None) => Self::Key("r.display_name_key"),
            (_, "meta", None) => Self::Constant(""),
            (_, "meta", Some("resourceType")) => Self::Constant(kind.name()),
            (_, "meta", Some("created")) => Self::Millis("r.created_at"),
            (_, "meta", Some("lastModified")) => Self::Millis("r.updated_at"),
            (_, "meta", Some("version")) => Self::Text("('W/\"' || CAST(r.version AS TEXT) || '\"')"),
            // An address depends on the URL that a client came by; it is in no row.
            (_, "meta", Some(_)) => Self::Nothing,
            _ => return None,
        })
    }

    /// Appends the condition that there is a value.
    pub(super) fn present(&self, sql: &mut Sql) {
        match self {
            Self::Text(column) | Self::Key(column) => {
                sql.push(column).push(" IS NOT NULL");
            }
            Self::Id(_) | Self::Millis(_) | Self::Flag(_) | Self::Constant(_) => {
                sql.push("TRUE");
            }
            Self::Row(_) | Self::Element(_) => {
                match sql.backend() {
                    Backend::Postgres => self.node(sql),
                    Backend::Sqlite => self.sqlite_call(sql, "json_type", "e.type"),
                }
                sql.push(" IS NOT NULL");
            }
            Self::Nothing => {
                sql.push("FALSE");
            }
        }
    }

    /// Appends the value as text; NULL when absent or never a text.
    pub(super) fn text(&self, sql: &mut Sql) {
        match self {
            Self::Text(column) | Self::Key(column) => {
                sql.push(column);
            }
            Self::Id(column) => id_text(sql, column),
            Self::Constant(text) => {
                sql.push("'").push(text).push("'");
            }
            Self::Row(_) | Self::Element(_) => match sql.backend() {
                Backend::Postgres => {
                    sql.push("(");
                    self.node(sql);
                    sql.push(" #>> '{}')");
                }
                Backend::Sqlite => self.sqlite_call(sql, "json_extract", "e.value"),
            },
            Self::Millis(_) | Self::Flag(_) | Self::Nothing => {
                sql.push("NULL");
            }
        }
    }

    /// Appends the value as a double; NULL when absent or no number.
    pub(super) fn number(&self, sql: &mut Sql) {
        if !matches!(self, Self::Row(_) | Self::Element(_)) {
            sql.push("NULL");
            return;
        }
        match sql.backend() {
            Backend::Postgres => {
                sql.push("(CASE WHEN jsonb_typeof(");
                self.node(sql);
                sql.push(") = 'number' THEN (");
                self.node(sql);
                sql.push(")::float8 END)");
            }
            Backend::Sqlite => {
                sql.push("(CASE WHEN ");
                self.sqlite_call(sql, "json_type", "e.type");
                sql.push(" IN ('integer', 'real') THEN CAST(");
                self.sqlite_call(sql, "json_extract", "e.value");
                sql.push(" AS REAL) END)");
            }
        }
    }

    /// Appends the value as a truth value; NULL when absent or none.
    pub(super) fn truth(&self, sql: &mut Sql) {
        match (self, sql.backend()) {
            (Self::Flag(column), _) => {
                sql.push(column);
            }
            (Self::Row(_) | Self::Element(_), Backend::Postgres) => {
                sql.push("(CASE ");
                self.node(sql);
                sql.push(" WHEN 'true'::jsonb THEN TRUE WHEN 'false'::jsonb THEN FALSE END)");
            }
            (Self::Row(_) | Self::Element(_), Backend::Sqlite) => {
                sql.push("(CASE ");
                self.sqlite_call(sql, "json_type", "e.type");
                sql.push(" WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END)");
            }
            _ => {
                sql.push("NULL");
            }
        }
    }

    /// PostgreSQL: the `jsonb` node.
    fn node(&self, sql: &mut Sql) {
        let (root, keys) = match self {
            Self::Row(keys) => ("r.search", keys),
            Self::Element(keys) => ("e.value", keys),
            _ => return,
        };
        jsonb_node(sql, root, keys);
    }

    /// SQLite: a JSON function on the node, or what `json_each` already says of an element itself.
    fn sqlite_call(&self, sql: &mut Sql, function: &'static str, itself: &'static str) {
        match self {
            Self::Row(keys) => {
                sql.push(function).push("(r.search, ").bind(sqlite_path(keys)).push(")");
            }
            Self::Element(keys) if keys.is_empty() => {
                sql.push(itself);
            }
            Self::Element(keys) => {
                sql.push("(CASE WHEN e.type = 'object' THEN ").push(function).push("(e.value, ");
                sql.bind(sqlite_path(keys)).push(") END)");
            }
            _ => {
                sql.push("NULL");
            }
        }
    }
}

/// The keys that lead from the search form to an attribute.
pub(super) fn keys(target: &AttrRef) -> Vec<&str> {
    let extension = target.extension.as_deref();
    let sub = target.sub.as_ref().map(|sub| sub.name.as_str());
    extension.into_iter().chain([target.attribute.name.as_str()]).chain(sub).collect()
}

/// PostgreSQL: `root -> key -> key`, keys bound.
pub(super) fn jsonb_node(sql: &mut Sql, root: &'static str, keys: &[&str]) {
    sql.push("(").push(root);
    for key in keys {
        sql.push(" -> ").bind(*key);
    }
    sql.push(")");
}

/// SQLite: a path with quoted labels, to bind.
pub(super) fn sqlite_path(keys: &[&str]) -> String {
    keys.iter().fold("$".to_owned(), |path, key| path + ".\"" + key + "\"")
}

/// A uuid column in its canonical text form.
fn id_text(sql: &mut Sql, column: &'static str) {
    if sql.backend() == Backend::Postgres {
        sql.push("CAST(").push(column).push(" AS TEXT)");
        return;
    }
    sql.push("lower(");
    let parts = [", 1, 8)", ", 9, 4)", ", 13, 4)", ", 17, 4)", ", 21)"];
    for (position, part) in parts.into_iter().enumerate() {
        if position > 0 {
            sql.push(" || '-' || ");
        }
        sql.push("substr(hex(").push(column).push(")").push(part);
    }
    sql.push(")");
}
