//! How far a tenant's connection has come: the facts, and the part of the page that shows them.

use askama::Template;
use provisioning::Tenant;
use store::activity::{Heard, Milestone, RequestLine, RequestQuery};
use token_service::refusals::Refused;

use super::token_rows::{is_live, provisions};
use crate::{
    ConsoleState,
    connect::{
        checklist::{Checklist, Facts, Failure, Mark, NEWS, Refusal, Seen},
        providers::{Provider, Table},
    },
    error::PageError,
};

/// Newest failures that are looked at.
const FAILURES: u64 = 50;

/// The list as it stands on a page, and as it is sent when it changes.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/progress.html")]
pub(crate) struct Progress {
    pub(crate) list: Checklist,
    /// What to press for the next step, where that is on this page.
    pub(crate) act: Option<Act>,
}

/// A button of the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) label: &'static str,
    pub(crate) to: String,
    /// Does it change something?
    pub(crate) post: bool,
}

/// What tells cheaply whether anything has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glimpse {
    /// Moved by each change of the tenant and its credentials.
    epoch: u64,
    heard: Vec<Heard>,
    /// The newest refusal.
    refused: Option<Refused>,
}

impl Glimpse {
    /// Of a tenant, now.
    pub(crate) async fn of(state: &ConsoleState, tenant: &Tenant) -> Result<Self, PageError> {
        let epoch = state.store.epoch();
        let refused = state.tokens.refusals(tenant.id(), &tenant.profile.credentials).await?;
        Ok(Self {
            epoch,
            heard: state.store.tenant(tenant.id()).heard().await?,
            refused: refused.into_iter().max_by_key(|one| one.last_at),
        })
    }
}

impl Progress {
    /// Of a tenant with this identity provider, on the page at `home`.
    pub(crate) async fn of(
        state: &ConsoleState,
        tenant: &Tenant,
        provider: &Provider,
        home: &str,
    ) -> Result<Self, PageError> {
        let glimpse = Glimpse::of(state, tenant).await?;
        Self::after(state, tenant, provider, home, &glimpse).await
    }

    /// The same after such a glimpse.
    pub(crate) async fn after(
        state: &ConsoleState,
        tenant: &Tenant,
        provider: &Provider,
        home: &str,
        glimpse: &Glimpse,
    ) -> Result<Self, PageError> {
        let console = home.strip_suffix("/setup").filter(|home| home.starts_with("/console/"));
        let facts = Facts { guest: console.is_none(), ..facts(state, tenant, provider, glimpse).await? };
        let list = Checklist::of(&facts);
        let next = list.lines.iter().find(|line| line.mark == Mark::Next).map(|line| line.key);
        let act = match (next, console) {
            (Some("credential"), _) => Some(Act { label: "Make it", to: "#make".into(), post: false }),
            (Some("active"), Some(tenant)) => {
                Some(Act { label: "Activate", to: format!("{tenant}/activate"), post: true })
            }
            _ => None,
        };
        Ok(Self { list, act })
    }
}

async fn facts(
    state: &ConsoleState,
    tenant: &Tenant,
    provider: &Provider,
    glimpse: &Glimpse,
) -> Result<Facts, PageError> {
    let now = state.store.now();
    let scope = state.store.tenant(tenant.id());
    let credentials = state.tokens.list(tenant.id()).await?;
    let takes = &tenant.profile.credentials;
    let serving = credentials
        .iter()
        .filter(|one| provisions(one, now) && takes.contains(&one.kind) && is_live(one, now));
    let seen = |milestone| glimpse.heard.iter().find(|one| one.milestone == milestone).map(span);
    let recent = RequestQuery {
        status: Some((400, 599)),
        from: Some(now - NEWS),
        limit: FAILURES,
        ..RequestQuery::default()
    };
    Ok(Facts {
        now,
        guest: false,
        active: tenant.is_active(),
        credential: serving.map(|one| one.created_at).max(),
        had_credential: credentials.iter().any(|one| one.user.is_none()),
        groups: tenant.profile.group.is_some(),
        provider: provider.spoken,
        test: provider.test,
        pushes: provider.table == Table::Okta,
        call: seen(Milestone::Call),
        lookup: seen(Milestone::Lookup),
        user: seen(Milestone::UserCreated),
        update: seen(Milestone::UserUpdated),
        group: seen(Milestone::GroupPushed),
        membership: seen(Milestone::Membership),
        failure: failure(&scope.requests(&recent).await?),
        refusal: glimpse.refused.clone().map(refusal),
    })
}

fn span(heard: &Heard) -> Seen {
    Seen { first: heard.first_at, last: heard.last_at }
}

fn refusal(refused: Refused) -> Refusal {
    Refusal {
        status: refused.status(),
        remedy: refused.remedy.to_owned(),
        count: refused.count,
        last: refused.last_at,
        what: refused.what,
    }
}

/// The newest kind of failure among requests, newest first. That something is not there is an answer to a look-up, not a
/// failure.
fn failure(requests: &[RequestLine]) -> Option<Failure> {
    let is_failure = |one: &&RequestLine| one.method != "GET" || one.status != 404;
    let alike = |one: &RequestLine| (one.status, one.route.starts_with("/Groups"), reason(one));
    let newest = requests.iter().find(is_failure)?;
    let (status, of_groups, reason) = alike(newest);
    let count = requests.iter().filter(is_failure).filter(|one| alike(one) == alike(newest)).count();
    Some(Failure { status, reason, of_groups, count: count as u64, last: newest.at })
}

/// Which values were wrong is the matter of one person; the attribute is that of all.
fn reason(request: &RequestLine) -> String {
    let text = request.detail.clone().or_else(|| request.scim_type.clone()).unwrap_or_default();
    text.chars().take(200).collect()
}
