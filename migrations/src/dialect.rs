//! The words in which PostgreSQL's and SQLite's table definitions differ.

use sea_orm::DbBackend;

/// Replaces the placeholders of a `tables.sql`:
///
/// | placeholder | PostgreSQL | SQLite | holds |
/// | --- | --- | --- | --- |
/// | `{uuid}` | `uuid` | `blob` | 16 bytes |
/// | `{key}` | `text COLLATE "C"` | `text` | text compared byte by byte, in indexes |
/// | `{json}` | `jsonb` | `text` | JSON that is searched |
/// | `{bytes}` | `bytea` | `blob` | bytes |
/// | `{unlogged}` | `UNLOGGED` | | a table that need not survive a crash |
#[must_use]
pub fn translate(sql: &str, backend: DbBackend) -> String {
    let words = match backend {
        DbBackend::Sqlite => [
            ("{uuid}", "blob"),
            ("{key}", "text"),
            ("{json}", "text"),
            ("{bytes}", "blob"),
            ("{unlogged}", ""),
        ],
        _ => [
            ("{uuid}", "uuid"),
            ("{key}", "text COLLATE \"C\""),
            ("{json}", "jsonb"),
            ("{bytes}", "bytea"),
            ("{unlogged}", "UNLOGGED"),
        ],
    };
    words.iter().fold(sql.to_owned(), |text, (placeholder, word)| text.replace(placeholder, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_remains() {
        let sql = "CREATE {unlogged} TABLE t (a {uuid}, b {key}, c {json}, d {bytes})";
        assert_eq!(translate(sql, DbBackend::Sqlite), "CREATE  TABLE t (a blob, b text, c text, d blob)");
        assert_eq!(
            translate(sql, DbBackend::Postgres),
            "CREATE UNLOGGED TABLE t (a uuid, b text COLLATE \"C\", c jsonb, d bytea)"
        );
    }
}
