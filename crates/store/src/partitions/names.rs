//! What partitions and their indexes are called: as the whole, and `_p` with two digits.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::StoreError;

/// A partition of a table.
pub(super) fn partition(table: &str, number: u32) -> String {
    format!("{table}_p{number:02}")
}

/// The index (or table) of which this one may be the part of a partition: PostgreSQL reports a value that is taken by the
/// name of the partition's index.
pub(crate) fn of_whole(name: &str) -> &str {
    match name.rsplit_once("_p") {
        Some((whole, digits)) if digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            whole
        }
        _ => name,
    }
}

/// Names the parts of indexes after the whole. PostgreSQL makes up names of its own whenever an index is made; so this is
/// called after whatever may have made some. Without partitions there is nothing to do.
pub(crate) async fn settle(db: &impl ConnectionTrait) -> Result<(), StoreError> {
    let sql = "SELECT format('ALTER INDEX %I RENAME TO %I', part.relname, whole.relname || substring(t.relname FROM '_p\\d\\d$')) \
               FROM pg_inherits i JOIN pg_class part ON part.oid = i.inhrelid AND part.relkind = 'i' \
               JOIN pg_class whole ON whole.oid = i.inhparent AND whole.relkind = 'I' \
               JOIN pg_index x ON x.indexrelid = part.oid JOIN pg_class t ON t.oid = x.indrelid \
               WHERE whole.relnamespace = current_schema()::regnamespace AND t.relname ~ '_p\\d\\d$' \
               AND part.relname <> whole.relname || substring(t.relname FROM '_p\\d\\d$')";
    for row in db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await? {
        let rename: String = row.try_get_by_index(0)?;
        db.execute_unprepared(&rename).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_known_by_their_ending() {
        assert_eq!(of_whole(&partition("users_user_name", 7)), "users_user_name");
        assert_eq!(of_whole("users_user_name_p63"), "users_user_name");
        for name in ["users_pkey", "users_p7", "users_p123", "users_pxx", "groups"] {
            assert_eq!(of_whole(name), name);
        }
    }
}
