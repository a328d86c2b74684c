//! What was refused of late (`parts/refusals.html`), with the likely mistake: the first place to look at when an
//! identity provider does not get in.

use provisioning::Tenant;
use token_service::refusals::Refused;

use crate::{ConsoleState, error::PageError, when::Moment};

/// Rows that are shown at once.
const AT_ONCE: usize = 6;

/// A section of a page.
pub(crate) struct Refusals {
    pub(crate) title: &'static str,
    /// The newest.
    pub(crate) first: Vec<RefusalRow>,
    /// The others.
    pub(crate) rest: Vec<RefusalRow>,
}

/// Refusals that are alike.
#[derive(Clone)]
pub(crate) struct RefusalRow {
    pub(crate) status: u16,
    pub(crate) last: Moment,
    /// The first time, if it was not the only one.
    pub(crate) first: Option<Moment>,
    pub(crate) count: u64,
    /// What was wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) remedy: &'static str,
    pub(crate) base_url: String,
    /// What was sent, as far as it is no secret.
    pub(crate) sent: String,
    pub(crate) username: Option<String>,
    pub(crate) sender: String,
    pub(crate) agent: String,
}

impl Refusals {
    /// Of a tenant.
    pub(crate) async fn of(state: &ConsoleState, tenant: &Tenant) -> Result<Self, PageError> {
        let found = state.tokens.refusals(tenant.id(), &tenant.profile.credentials).await?;
        Ok(Self::read("What was refused", found, state.store.now()))
    }

    /// Of the shared host, where no tenant could be told; `None` when there is nothing.
    pub(crate) async fn shared(state: &ConsoleState) -> Result<Option<Self>, PageError> {
        let found = state.tokens.shared_refusals().await?;
        let title = "What was refused at the shared address";
        Ok((!found.is_empty()).then(|| Self::read(title, found, state.store.now())))
    }

    fn read(title: &'static str, found: Vec<Refused>, now: i64) -> Self {
        Self::new(title, found.into_iter().map(|refused| row(refused, now)).collect())
    }

    /// Of rows, newest first.
    pub(crate) fn new(title: &'static str, mut first: Vec<RefusalRow>) -> Self {
        let rest = first.split_off(first.len().min(AT_ONCE));
        Self { title, first, rest }
    }
}

fn row(refused: Refused, now: i64) -> RefusalRow {
    RefusalRow {
        status: refused.status(),
        last: Moment::new(refused.last_at, now),
        first: (refused.count > 1).then(|| Moment::new(refused.first_at, now)),
        count: refused.count,
        remedy: refused.remedy,
        base_url: refused.base_url,
        sent: refused.sent.line(),
        username: refused.username,
        sender: refused.sender.map(|sender| sender.to_string()).unwrap_or_default(),
        agent: refused.agent,
        what: refused.what,
    }
}
