//! A database connection, or a transaction on one, each of whose statements is a span of the request that it is for. Where no
//! traces are collected a statement goes on as it came.

use std::{ops::Deref, pin::Pin};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    Statement, TransactionOptions, TransactionTrait as _,
};
use telemetry::spans;
use tracing::{Instrument as _, Span};

/// See the module.
pub(crate) struct Traced<C>(C);

/// What a statement comes to.
type Outcome<'s, T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send + 's>>;

impl<C> Traced<C> {
    /// Of one that is open.
    pub(crate) fn new(connection: C) -> Self {
        Self(connection)
    }
}

impl<C> Deref for Traced<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl Traced<DatabaseConnection> {
    /// As [`DatabaseConnection::begin_with_options`].
    pub(crate) async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<DatabaseTransaction, DbErr> {
        let span = spans::statement(system(self.0.get_database_backend()), "BEGIN");
        noted(span, self.0.begin_with_options(options)).await
    }
}

/// Builds with a transaction of their own have no use for it.
#[cfg(not(rollcall_no_tenant_predicate))]
impl Traced<DatabaseTransaction> {
    /// As [`DatabaseTransaction::commit`].
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        let span = spans::statement(system(self.0.get_database_backend()), "COMMIT");
        noted(span, self.0.commit()).await
    }
}

impl<C: ConnectionTrait> Traced<C> {
    fn span(&self, sql: &str) -> Span {
        spans::statement(system(self.0.get_database_backend()), sql)
    }
}

/// As `async_trait` would write it, so that nothing is wrapped where there is no span.
impl<C: ConnectionTrait + Send> ConnectionTrait for Traced<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    fn execute_raw<'s, 'f>(&'s self, statement: Statement) -> Outcome<'f, ExecResult>
    where
        's: 'f,
        Self: 'f,
    {
        let span = self.span(&statement.sql);
        spanned(span, self.0.execute_raw(statement))
    }

    fn execute_unprepared<'s, 't, 'f>(&'s self, sql: &'t str) -> Outcome<'f, ExecResult>
    where
        's: 'f,
        't: 'f,
        Self: 'f,
    {
        let span = self.span(sql);
        spanned(span, self.0.execute_unprepared(sql))
    }

    fn query_one_raw<'s, 'f>(&'s self, statement: Statement) -> Outcome<'f, Option<QueryResult>>
    where
        's: 'f,
        Self: 'f,
    {
        let span = self.span(&statement.sql);
        spanned(span, self.0.query_one_raw(statement))
    }

    fn query_all_raw<'s, 'f>(&'s self, statement: Statement) -> Outcome<'f, Vec<QueryResult>>
    where
        's: 'f,
        Self: 'f,
    {
        let span = self.span(&statement.sql);
        spanned(span, self.0.query_all_raw(statement))
    }
}

/// What OpenTelemetry calls a database.
pub(crate) fn system(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "postgresql",
        _ => "sqlite",
    }
}

fn spanned<'s, T: Send + 's>(span: Span, work: Outcome<'s, T>) -> Outcome<'s, T> {
    if span.is_disabled() { work } else { Box::pin(noted(span, work)) }
}

/// Carries out a statement in its span, which tells whether it failed.
pub(crate) async fn noted<T, E>(span: Span, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let outcome = work.instrument(span.clone()).await;
    if outcome.is_err() {
        spans::failed(&span);
    }
    outcome
}
