//! What can go wrong in the store. "Not there" is no error: look-ups give `Option`.

use std::borrow::Cow;

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// A store error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique value is taken. `attribute` is the SCIM or console name: `userName`, `displayName`, `slug`, `email`,
    /// `name`, `login`, `domain`, `identity`.
    #[error("{attribute} is taken")]
    Conflict {
        /// Which one.
        attribute: &'static str,
    },
    /// The row's version is not the one that the change was made for.
    #[error("the row has changed meanwhile")]
    Stale,
    /// Members that do not exist, where the caller asked to refuse them.
    #[error("{} members do not exist", .0.len())]
    UnknownMembers(Vec<String>),
    /// The change would take a protected role from the last active user who has it.
    #[error("nobody would have the role {0:?} any more")]
    LastHolder(String),
    /// The tenant's configuration is no longer the one that the change was made for.
    #[error("the tenant's configuration has changed meanwhile")]
    Reconfigured,
    /// The answer would be larger than one answer may be; the text says which part of it, and what to do.
    #[error("{0}")]
    TooMany(Cow<'static, str>),
    /// The change met another one and was undone as a whole (deadlock, serialization failure): repeat the call at once.
    #[error("the change met another one")]
    Contended(#[source] DbErr),
    /// The database did not answer in time or is not there: the caller may try again.
    #[error("the database is busy or unreachable")]
    Unavailable(#[source] DbErr),
    /// The connection broke while the change was being committed: it was made, or it was not.
    #[error("the database was lost during a commit; whether the change was made is not known")]
    Unknown(#[source] DbErr),
    /// Anything else is a fault of ours or of the installation.
    #[error("database: {0}")]
    Database(#[source] DbErr),
    /// The database is set up wrongly; the text says how to mend it.
    #[error("{0}")]
    Setup(String),
}

/// What a unique index protects: its name (PostgreSQL reports it), its last column (SQLite reports the columns), and
/// the attribute that people know.
const UNIQUE: &[(&str, &str, &str)] = &[
    ("users_user_name", "users.user_name_key", "userName"),
    ("groups_display_name", "groups.display_name_key", "displayName"),
    ("tenants_slug", "tenants.slug", "slug"),
    ("admins_email", "admins.email_key", "email"),
    ("admin_identities_pkey", "admin_identities.subject", "identity"),
    ("admin_identities_person", "admin_identities.issuer", "identity"),
    ("credentials_name", "credentials.name_key", "name"),
    ("logins_pkey", "logins.login_key", "login"),
    ("domains_proven", "domains.host", "domain"),
    ("platform_tokens_name", "platform_tokens.name_key", "name"),
];

/// SQLSTATEs of a transaction that was undone because of another one: serialization failure, deadlock.
const CONTENDED: &[&str] = &["40001", "40P01"];

/// SQLSTATEs after which the same call may succeed (PostgreSQL, appendix A): lock not available, query cancelled,
/// read-only transaction (a standby takes over), shutdown and start-up.
const TRY_AGAIN: &[&str] = &["55P03", "57014", "25006", "57P01", "57P02", "57P03", "57P05"];

impl From<DbErr> for StoreError {
    /// The one place where database errors get their meaning.
    fn from(error: DbErr) -> Self {
        match verdict(&error) {
            Verdict::Taken(attribute) => Self::Conflict { attribute },
            Verdict::Contended => Self::Contended(error),
            Verdict::TryAgain => Self::Unavailable(error),
            Verdict::Fault => Self::Database(error),
        }
    }
}

enum Verdict {
    Taken(&'static str),
    Contended,
    TryAgain,
    Fault,
}

fn verdict(error: &DbErr) -> Verdict {
    match error {
        DbErr::ConnectionAcquire(_) => Verdict::TryAgain,
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => sqlx_verdict(cause),
        _ => Verdict::Fault,
    }
}

fn sqlx_verdict(error: &sqlx::Error) -> Verdict {
    match error {
        sqlx::Error::Database(cause) => database_verdict(cause.as_ref()),
        error if is_connection_loss(error) => Verdict::TryAgain,
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Verdict::TryAgain,
        _ => Verdict::Fault,
    }
}

/// Has the connection, not the statement, failed?
fn is_connection_loss(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed)
}

fn database_verdict(error: &dyn sqlx::error::DatabaseError) -> Verdict {
    if error.is_unique_violation() {
        return match taken(error.constraint(), error.message()) {
            Some(attribute) => Verdict::Taken(attribute),
            None => Verdict::Fault,
        };
    }
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return sqlite_verdict(code.parse().unwrap_or_default());
    }
    if CONTENDED.contains(&code.as_ref()) {
        return Verdict::Contended;
    }
    // Class 08 is connection trouble, class 53 lack of resources.
    if code.starts_with("08") || code.starts_with("53") || TRY_AGAIN.contains(&code.as_ref()) {
        Verdict::TryAgain
    } else {
        Verdict::Fault
    }
}

fn sqlite_verdict(code: i32) -> Verdict {
    // The low byte is the primary result code (SQLite, "Result and Error Codes"): 5 is BUSY, 6 is LOCKED, 9 is INTERRUPT, by
    // which a statement ends that took too long, 13 is FULL: the disk is, and all of the transaction was undone.
    if matches!(code & 0xff, 5 | 6 | 9 | 13) { Verdict::TryAgain } else { Verdict::Fault }
}

/// What SQLite said on a connection that is no pool's: its extended result code, its text.
pub(crate) fn of_sqlite(code: i32, text: String) -> StoreError {
    // 1555 is CONSTRAINT_PRIMARYKEY, 2067 CONSTRAINT_UNIQUE.
    if let (1555 | 2067, Some(attribute)) = (code, taken(None, &text)) {
        return StoreError::Conflict { attribute };
    }
    let error = DbErr::Query(RuntimeErr::Internal(format!("(code: {code}) {text}")));
    match sqlite_verdict(code) {
        Verdict::TryAgain => StoreError::Unavailable(error),
        _ => StoreError::Database(error),
    }
}

/// The attribute of a violated unique index.
fn taken(constraint: Option<&str>, message: &str) -> Option<&'static str> {
    let constraint = constraint.map(crate::partitions::of_whole);
    UNIQUE
        .iter()
        .find(|(index, column, _)| match constraint {
            Some(name) => name == *index,
            None => message.split([' ', ',']).any(|word| word == *column),
        })
        .map(|(_, _, attribute)| *attribute)
}

/// SQLSTATE of an error that the database reported.
fn code(error: &DbErr) -> Option<String> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => Some(cause.as_database_error()?.code()?.into_owned()),
        _ => None,
    }
}

/// Was a lock not to be had in time (`lock_timeout`), or only by ending somebody?
pub(crate) fn is_lock_timeout(error: &DbErr) -> bool {
    code(error).is_some_and(|code| code == "55P03" || code == "40P01")
}

/// Is the server's table of locks full (`out of shared memory`)?
pub(crate) fn is_out_of_locks(error: &DbErr) -> bool {
    code(error).is_some_and(|code| code == "53200")
}

/// Did the connection break, so that another one may do? Then a transaction that had not begun can begin again.
pub(crate) fn is_broken_connection(error: &DbErr) -> bool {
    let cause = match error {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => cause,
        _ => return false,
    };
    match cause.as_ref() {
        sqlx::Error::Database(cause) => {
            cause.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P0"))
        }
        error => is_connection_loss(error),
    }
}

/// What it means that a commit failed: a connection that breaks under it does not tell whether it was carried out.
pub(crate) fn of_commit(error: DbErr) -> StoreError {
    if is_broken_connection(&error) { StoreError::Unknown(error) } else { error.into() }
}

/// Was the statement ended because it took too long (or because somebody ended it)? SQLSTATE 57014 is "query canceled",
/// SQLite's result code 9 INTERRUPT.
pub(crate) fn is_over_time(error: &StoreError) -> bool {
    let StoreError::Unavailable(DbErr::Exec(cause) | DbErr::Query(cause)) = error else { return false };
    let RuntimeErr::SqlxError(cause) = cause else { return false };
    let Some(cause) = cause.as_database_error() else { return false };
    let code = cause.code().unwrap_or_default();
    match cause.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
        Some(_) => code.parse::<i32>().is_ok_and(|code| code & 0xff == 9),
        None => code == "57014",
    }
}

/// An error that the pool has waited too long, made where the wait is ours.
pub(crate) fn waited_too_long() -> StoreError {
    StoreError::Unavailable(DbErr::ConnectionAcquire(sea_orm::error::ConnAcquireErr::Timeout))
}

/// What stands in a column is not what this version writes there.
pub(crate) fn unreadable(column: &str, detail: impl std::fmt::Display) -> StoreError {
    StoreError::Database(DbErr::Type(format!("{column}: {detail}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_indexes_by_name_or_column() {
        let sqlite = |message| taken(None, message);
        assert_eq!(taken(Some("users_user_name"), ""), Some("userName"));
        assert_eq!(taken(Some("users_user_name_p07"), ""), Some("userName"));
        assert_eq!(taken(Some("users_pkey"), "users.user_name_key"), None);
        assert_eq!(
            sqlite("UNIQUE constraint failed: groups.tenant_id, groups.display_name_key"),
            Some("displayName")
        );
        assert_eq!(sqlite("UNIQUE constraint failed: tenants.slug"), Some("slug"));
        assert_eq!(sqlite("UNIQUE constraint failed: users.tenant_id, users.id"), None);
    }

    #[test]
    fn waiting_and_lost_connections_may_be_tried_again() {
        let lost = sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into());
        let lost = DbErr::Query(RuntimeErr::SqlxError(std::sync::Arc::new(lost)));
        assert!(is_broken_connection(&lost));
        assert!(matches!(StoreError::from(lost), StoreError::Unavailable(_)));
        assert!(matches!(waited_too_long(), StoreError::Unavailable(_)));
        assert!(matches!(StoreError::from(DbErr::RecordNotInserted), StoreError::Database(_)));
    }
}
