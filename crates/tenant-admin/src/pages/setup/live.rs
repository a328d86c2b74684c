//! The checklist of the set-up page as it ticks: sent whenever it changes, to people of the console and to who came by a
//! link.

use askama::Template;
use async_trait::async_trait;
use axum::{extract::State, response::Response};
use store::TenantId;
use tower_sessions::Session;

use super::{
    super::tenant,
    progress::{Glimpse, Progress},
};
use crate::{
    ConsoleState,
    connect::provider_of,
    error::PageError,
    extract::{Segments, Visit},
    guest::{self, GuestVisit},
    live::{Pass, Piece, Watched},
    rights::Right,
};

/// Looks after which it is made anew although nothing was heard, because times pass.
const ANEW_AFTER: u32 = 10;

/// What stands in place of the list when a link has ended.
const ENDED: &str = "<p class=\"callout callout-bad\" data-say=\"The setup link has ended.\"><strong>The setup link has \
                     ended.</strong> Ask whoever sent it to you for a new one.</p>";

/// `GET …/setup/live`.
pub(crate) async fn of_console(
    State(state): State<ConsoleState>,
    session: Session,
    visit: Visit,
    Segments(slug): Segments<String>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let pass = Pass::new(&state, session, tenant.id(), Right::Manage);
    let home = format!("/console/tenants/{slug}/setup");
    let watching = Watching::new(&state, Watcher::Person(Box::new(pass)), tenant.id(), home);
    state.live.stream(visit.admin.id.0, watching)
}

/// `GET /setup/live`.
pub(crate) async fn of_guest(
    State(state): State<ConsoleState>,
    visit: GuestVisit,
) -> Result<Response, PageError> {
    let (tenant, home) = (visit.tenant.id(), "/setup".to_owned());
    let link = visit.guest.link.id.0;
    state.live.stream(link, Watching::new(&state, Watcher::Guest(visit.session), tenant, home))
}

enum Watcher {
    Person(Box<Pass>),
    /// The session.
    Guest(String),
}

struct Watching {
    state: ConsoleState,
    watcher: Watcher,
    tenant: TenantId,
    home: String,
    glimpse: Option<Glimpse>,
    looks: u32,
    shown: String,
}

impl Watching {
    fn new(state: &ConsoleState, watcher: Watcher, tenant: TenantId, home: String) -> Self {
        Self { state: state.clone(), watcher, tenant, home, glimpse: None, looks: 0, shown: String::new() }
    }

    async fn is_guest(&self, session: &str) -> Result<bool, PageError> {
        match self.state.tokens.setup_guest(session).await? {
            Some(guest) => Ok(guest::tenant_of(&self.state, &guest).await?.is_some()),
            None => Ok(false),
        }
    }

    /// The piece, unless it is what was sent last.
    fn piece(&mut self, html: String) -> Option<Piece> {
        if html == self.shown {
            return None;
        }
        self.shown.clone_from(&html);
        Some(Piece { html, id: None })
    }
}

#[async_trait]
impl Watched for Watching {
    async fn is_allowed(&mut self) -> Result<bool, PageError> {
        match &self.watcher {
            Watcher::Person(pass) => pass.holds().await,
            Watcher::Guest(session) => self.is_guest(session).await,
        }
    }

    async fn look(&mut self) -> Result<Option<Piece>, PageError> {
        if let Watcher::Guest(session) = &self.watcher
            && !self.is_guest(session).await?
        {
            return Ok(self.piece(ENDED.to_owned()));
        }
        let Some(tenant) = self.state.tenants.by_id(self.tenant).await? else { return Ok(None) };
        let glimpse = Glimpse::of(&self.state, &tenant).await?;
        self.looks = self.looks.wrapping_add(1);
        if self.glimpse.as_ref() == Some(&glimpse) && !self.looks.is_multiple_of(ANEW_AFTER) {
            return Ok(None);
        }
        let chosen = self.state.store.tenant(tenant.id()).setup_choice().await?;
        let provider = provider_of(&tenant.profile, None, chosen.as_deref());
        let progress = Progress::after(&self.state, &tenant, provider, &self.home, &glimpse).await?;
        self.glimpse = Some(glimpse);
        let html = progress.render()?;
        Ok(self.piece(html))
    }
}
