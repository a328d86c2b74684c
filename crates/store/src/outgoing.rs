//! The last place that statements pass on their way to the database, as they are. Builds that try out row-level security by
//! itself have `unfenced.rs` in its place.

use sea_orm::{DatabaseConnection, DatabaseTransaction, Statement};

use crate::{Backend, StoreError, traced::Traced};

/// A transaction.
pub(crate) type Transaction = Traced<DatabaseTransaction>;

/// One that has begun.
pub(crate) fn transaction(transaction: DatabaseTransaction) -> Transaction {
    Traced::new(transaction)
}

/// A statement that no transaction is begun for.
pub(crate) fn outgoing(statement: Statement) -> Statement {
    statement
}

/// May this build open such a database?
pub(crate) fn admit(_: Backend) -> Result<(), StoreError> {
    Ok(())
}

/// After migrations.
pub(crate) async fn migrated(_: &DatabaseConnection) -> Result<(), StoreError> {
    Ok(())
}
