//! The overview of the installation: how much there is, what is going on, and what somebody has to look at.

use std::collections::{HashMap, HashSet};

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use store::{
    Page, TenantId,
    activity::{HOUR, Heard, Milestone, Traffic, hour_of},
    tenants::{Ending, Listed, RefusedOf, TenantFilter, TenantStatus},
};
use token_service::expiring::{self, STEPS};

use super::setup;
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, count, page},
    error::PageError,
    extract::{Parameters, Visit},
    health::{self, is_failing, share, what_failed},
    plot::{Plot, Span},
    when::Moment,
};

const DAY: i64 = 24 * HOUR;
/// Lines of one list.
const LINES: usize = 8;
/// Tenants that are looked at for one list.
const CANDIDATES: usize = 50;

#[derive(Template)]
#[template(path = "installation.html")]
pub(crate) struct InstallationPage {
    pub(crate) chrome: Chrome,
    pub(crate) stats: Vec<Stat>,
    pub(crate) plot: Plot,
    /// Address of the page, for the spans of the plot.
    pub(crate) plot_path: String,
    /// What to look at; empty: nothing.
    pub(crate) sections: Vec<Section>,
    /// Is there no tenant?
    pub(crate) empty: bool,
    /// What the shared host refused, for operators, if there is any.
    pub(crate) refusals: Option<setup::Refusals>,
}

/// A number.
pub(crate) struct Stat {
    pub(crate) value: String,
    pub(crate) label: &'static str,
    pub(crate) detail: String,
    pub(crate) href: Option<&'static str>,
}

/// Tenants that have something in common.
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) hint: &'static str,
    pub(crate) lines: Vec<Line>,
    /// How many are not shown.
    pub(crate) more: u64,
}

/// What one tenant is there for.
pub(crate) struct Line {
    pub(crate) badge: Badge,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) text: String,
    /// What to press next, and where it leads.
    pub(crate) next: (&'static str, String),
}

/// Query of a page with a plot.
#[derive(Deserialize)]
pub(crate) struct PlotParameters {
    /// `24h`, `7d` or `30d`.
    #[serde(default)]
    pub(crate) span: String,
}

/// What the page is made of.
struct Facts {
    ids: Vec<TenantId>,
    active: u64,
    users: u64,
    ending: Page<Ending>,
    refused: Vec<RefusedOf>,
    heard: Vec<(TenantId, Heard)>,
    traffic: Vec<(TenantId, Traffic)>,
    /// The tenants that are named.
    named: HashMap<TenantId, Listed>,
    now: i64,
}

/// `GET /console/`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(query): Parameters<PlotParameters>,
) -> Result<Response, PageError> {
    let span = Span::of(&query.span);
    let facts = facts(&state, &visit).await?;
    let (from, until) = span.bounds(facts.now);
    let platform = state.store.platform();
    let hours = if visit.admin.reaches_all() {
        platform.traffic(from, until).await?
    } else {
        platform.traffic_among(&facts.ids, from, until).await?
    };
    let chrome = visit.chrome("Overview");
    let refusals = if chrome.founds() { setup::Refusals::shared(&state).await? } else { None };
    let plot = Plot::new(span, &hours, facts.now);
    page(
        StatusCode::OK,
        &InstallationPage {
            stats: facts.stats(&plot),
            sections: facts.sections(&chrome),
            empty: facts.ids.is_empty(),
            plot_path: "/console/".to_owned(),
            chrome,
            plot,
            refusals,
        },
    )
}

/// A few statements, however many tenants there are.
async fn facts(state: &ConsoleState, visit: &Visit) -> Result<Facts, PageError> {
    let (platform, now) = (state.store.platform(), state.store.now());
    let given_to = (!visit.admin.reaches_all()).then_some(visit.admin.id);
    let reach = TenantFilter { given_to, ..TenantFilter::default() };
    let ids = platform.tenant_ids(&reach).await?;
    let until = now + i64::from(STEPS[0]) * DAY;
    let (counts, users, ending, refused) = tokio::try_join!(
        platform.count_tenants(&reach),
        platform.users_of_tenants(&ids),
        platform.credentials_ending(&ids, until, LINES as u64),
        platform.tenants_refused(&ids, now - DAY, CANDIDATES as u64),
    )?;
    let milestones = [Milestone::Call, Milestone::Failure];
    let (mut heard, mut traffic) = tokio::try_join!(
        platform.heard_from_tenants(&milestones),
        platform.traffic_of_tenants(hour_of(now) + HOUR - DAY, now + 1),
    )?;
    let theirs: HashSet<TenantId> = ids.iter().copied().collect();
    heard.retain(|(tenant, _)| theirs.contains(tenant));
    traffic.retain(|(tenant, traffic)| theirs.contains(tenant) && is_failing(traffic));
    traffic.sort_by_key(|(_, traffic)| std::cmp::Reverse(traffic.failures()));
    let mut facts =
        Facts { ids, active: counts.1, users, ending, refused, heard, traffic, named: HashMap::new(), now };
    facts.named = platform.tenants_of_ids(&facts.to_be_named()).await?;
    Ok(facts)
}

impl Facts {
    /// Tenants that may have gone silent, the last one to do so first.
    fn silent(&self) -> Vec<(TenantId, i64)> {
        let calls = self.heard.iter().filter(|(_, heard)| heard.milestone == Milestone::Call);
        let mut silent: Vec<_> = calls
            .filter(|(_, call)| self.now - call.last_at >= health::SILENT)
            .map(|(tenant, call)| (*tenant, call.last_at))
            .collect();
        silent.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
        silent
    }

    fn to_be_named(&self) -> Vec<TenantId> {
        let silent = self.silent();
        let failing = self.traffic.iter().map(|(tenant, _)| *tenant);
        let ids = failing
            .take(CANDIDATES)
            .chain(silent.into_iter().map(|(tenant, _)| tenant).take(CANDIDATES))
            .chain(self.ending.items.iter().map(|ending| ending.tenant))
            .chain(self.refused.iter().map(|refused| refused.tenant));
        ids.collect::<HashSet<_>>().into_iter().collect()
    }

    fn stats(&self, plot: &Plot) -> Vec<Stat> {
        let total = self.ids.len() as u64;
        let failures = plot.total.failures();
        let share = if failures == 0 {
            "none failed".to_owned()
        } else {
            format!("{failures} failed ({})", health::percent(&plot.total))
        };
        vec![
            Stat {
                value: total.to_string(),
                label: if total == 1 { "tenant" } else { "tenants" },
                detail: format!("{} active", self.active),
                href: Some("/console/tenants"),
            },
            Stat {
                value: self.users.to_string(),
                label: if self.users == 1 { "user" } else { "users" },
                detail: "active or not".to_owned(),
                href: None,
            },
            Stat {
                value: plot.total.requests.to_string(),
                label: if plot.total.requests == 1 { "request" } else { "requests" },
                detail: format!("in the last {}, {share}", plot.span.title()),
                href: None,
            },
        ]
    }

    fn sections(&self, chrome: &Chrome) -> Vec<Section> {
        let all = [self.failing(chrome), self.expiring(chrome), self.refusals(chrome), self.quiet(chrome)];
        all.into_iter().filter(|section| !section.lines.is_empty()).collect()
    }

    fn line(
        &self,
        tenant: TenantId,
        badge: Badge,
        text: String,
        next: impl FnOnce(&str) -> (&'static str, String),
    ) -> Option<Line> {
        let row = self.named.get(&tenant)?;
        Some(Line { badge, slug: row.slug.clone(), name: row.name.clone(), text, next: next(&row.slug) })
    }

    fn failing(&self, chrome: &Chrome) -> Section {
        let line = |(tenant, traffic): &(TenantId, Traffic)| {
            let last = self
                .heard
                .iter()
                .find(|(other, heard)| other == tenant && heard.milestone == Milestone::Failure);
            let last = last.map(|(_, failure)| {
                let ago = Moment::new(failure.last_at, self.now).relative;
                format!(" The last one {ago}: {}.", what_failed(failure))
            });
            let text = share(traffic) + &last.unwrap_or_default();
            self.line(*tenant, Badge::new("bad", "Failing"), text, |slug| {
                if chrome.manages() {
                    ("See what fails", format!("/console/tenants/{slug}/activity?outcome=failed"))
                } else {
                    ("Look at it", format!("/console/tenants/{slug}"))
                }
            })
        };
        let lines: Vec<Line> = self.traffic.iter().take(CANDIDATES).filter_map(line).take(LINES).collect();
        Section {
            id: "failing",
            title: "Requests that fail".to_owned(),
            hint: "A fifth or more of a tenant's requests failed in the last 24 hours. Each failure stands as a task in \
                   Okta, or is tried again by Entra ID.",
            more: rest(self.traffic.len(), lines.len()),
            lines,
        }
    }

    fn expiring(&self, chrome: &Chrome) -> Section {
        let line = |ending: &Ending| {
            let kind = expiring::step(ending.ends_at, self.now).map_or("quiet", setup::urgency);
            let end = Moment::new(ending.ends_at, self.now);
            let what = match ending.kind.as_str() {
                "basic" => "User name",
                "oauth" => "OAuth client",
                _ => "Token",
            };
            let badge = Badge::new(kind, format!("Ends {}", end.relative));
            let text = format!("{what} “{}”, on {}.", ending.name, end.exact);
            let rotates = ending.kind == "bearer" && !ending.hint.is_empty() && chrome.manages();
            self.line(ending.tenant, badge, text, |slug| match (rotates, chrome.manages()) {
                (true, _) => ("Rotate it", format!("/console/tenants/{slug}/tokens/{}/rotate", ending.id)),
                (_, true) => ("Replace it", format!("/console/tenants/{slug}/setup")),
                _ => ("Look at it", format!("/console/tenants/{slug}")),
            })
        };
        let lines: Vec<Line> = self.ending.items.iter().filter_map(line).collect();
        Section {
            id: "expiring",
            title: "Credentials that end soon".to_owned(),
            hint: "Within 60 days. Make the next one and give it to the customer before: when it ends, its identity provider \
                   is refused.",
            more: self.ending.total.saturating_sub(lines.len() as u64),
            lines,
        }
    }

    fn refusals(&self, chrome: &Chrome) -> Section {
        let line = |refused: &RefusedOf| {
            let ago = Moment::new(refused.last_at, self.now).relative;
            let text =
                format!("{} refused in 24 hours, the last one {ago}.", count(refused.count, "request"));
            self.line(refused.tenant, Badge::new("warn", "Refused"), text, |slug| {
                if chrome.manages() {
                    ("See why", format!("/console/tenants/{slug}/setup#refusals"))
                } else {
                    ("Look at it", format!("/console/tenants/{slug}"))
                }
            })
        };
        let lines: Vec<Line> = self.refused.iter().filter_map(line).take(LINES).collect();
        Section {
            id: "refused",
            title: "Credentials that were refused".to_owned(),
            hint: "Somebody came to these tenants with a wrong credential, or with one that has ended.",
            more: rest(self.refused.len(), lines.len()),
            lines,
        }
    }

    fn quiet(&self, chrome: &Chrome) -> Section {
        let silent = self.silent();
        let is_active =
            |tenant: &TenantId| self.named.get(tenant).is_none_or(|row| row.status == TenantStatus::Active);
        let silent: Vec<_> = silent.into_iter().filter(|(tenant, _)| is_active(tenant)).collect();
        let line = |(tenant, at): &(TenantId, i64)| {
            let text = format!("Last heard {}.", Moment::new(*at, self.now).relative);
            self.line(*tenant, Badge::new("quiet", "Silent"), text, |slug| {
                if chrome.manages() {
                    ("Test the connection", format!("/console/tenants/{slug}/setup"))
                } else {
                    ("Look at it", format!("/console/tenants/{slug}"))
                }
            })
        };
        let lines: Vec<Line> = silent.iter().take(CANDIDATES).filter_map(line).take(LINES).collect();
        Section {
            id: "silent",
            title: "Tenants that went silent".to_owned(),
            hint: health::QUIET,
            more: rest(silent.len(), lines.len()),
            lines,
        }
    }
}

fn rest(all: usize, shown: usize) -> u64 {
    all.saturating_sub(shown) as u64
}
