//! New entries of the log, as they come. Nodes write them in batches, so what comes may be older than what was seen: each
//! look goes back a little, and leaves out what was told.

use std::collections::BTreeSet;

use askama::Template;
use async_trait::async_trait;
use provisioning::Tenant;
use store::{
    TenantScope,
    activity::{Position, RequestQuery},
};

use super::rows::{Rows, row};
use crate::{
    ConsoleState,
    error::PageError,
    live::{Pass, Piece, Watched},
};

/// How far a look goes back, in milliseconds.
const BACK: i64 = 5_000;
/// Entries that one look tells, the newest.
const AT_ONCE: u64 = 100;

/// See the module.
pub(super) struct Tail {
    state: ConsoleState,
    pass: Pass,
    scope: TenantScope,
    slug: String,
    query: RequestQuery,
    /// What stands before it was on the page already.
    start: Position,
    newest: Position,
    told: BTreeSet<Position>,
}

impl Tail {
    /// Of what fits a query, from after a place on.
    pub(super) fn new(
        state: &ConsoleState,
        pass: Pass,
        tenant: &Tenant,
        query: RequestQuery,
        start: Position,
    ) -> Self {
        Self {
            state: state.clone(),
            pass,
            scope: state.store.tenant(tenant.id()),
            slug: tenant.row.slug.clone(),
            query,
            start,
            newest: start,
            told: BTreeSet::new(),
        }
    }
}

#[async_trait]
impl Watched for Tail {
    fn who(&self) -> String {
        self.pass.who()
    }

    async fn is_allowed(&mut self) -> Result<bool, PageError> {
        self.pass.holds().await
    }

    async fn look(&mut self) -> Result<Option<Piece>, PageError> {
        // Where to begin stands in the address, so it may be any number.
        let since = self.newest.at.saturating_sub(BACK).max(self.start.at);
        let from = Some(self.query.from.map_or(since, |from| from.max(since)));
        let query = RequestQuery { from, limit: AT_ONCE, ..self.query.clone() };
        let mut lines = self.scope.requests(&query).await?;
        lines.retain(|line| line.position() > self.start && !self.told.contains(&line.position()));
        let Some(first) = lines.first() else { return Ok(None) };
        self.newest = self.newest.max(first.position());
        self.told.extend(lines.iter().map(|line| line.position()));
        self.told.retain(|told| told.at >= self.newest.at.saturating_sub(BACK));
        let now = self.state.store.now();
        let rows = lines.iter().map(|line| row(line, &self.slug, now)).collect();
        Ok(Some(Piece { html: Rows { rows }.render()?, id: Some(self.newest.to_string()) }))
    }
}
