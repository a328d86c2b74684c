//! How soon a tenant's changes are with those who are told of them: the plot, who they are, and a form for one more.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::Tenant;
use serde::Deserialize;
use store::destinations::{Delivered, HourOfDelivery};

use super::{
    destinations::{self, Issued, NewWebhookForm, Row},
    tenant,
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
    plot::{Plot, Span},
};

#[derive(Template)]
#[template(path = "delivery.html")]
pub(crate) struct DeliveryPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) issued: Option<Issued>,
    pub(crate) plot: Plot,
    /// Address of the page, for the spans of the plot.
    pub(crate) plot_path: String,
    pub(crate) kept: Kept,
    /// Those that are sent the events of this tenant alone.
    pub(crate) own: Vec<Row>,
    /// Those that are sent the events of all tenants.
    pub(crate) shared: Vec<Row>,
    /// Where the form is sent.
    pub(crate) action: String,
    pub(crate) typed: NewWebhookForm,
    pub(crate) errors: Errors,
}

/// In how far the targets were kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// `99.82 %` of the deliveries; nothing: there were none.
    pub(crate) delivered: Option<String>,
    /// The same of what the receivers said to be done.
    pub(crate) applied: Option<String>,
}

impl Kept {
    /// Of some hours together.
    pub(crate) fn of(hours: &[HourOfDelivery]) -> Self {
        let mut all = Delivered::default();
        hours.iter().for_each(|hour| all.add(&hour.counts));
        Self {
            delivered: share(all.ended() - all.missed(), all.ended()),
            applied: share(all.applied - all.applied_late, all.applied),
        }
    }
}

/// Rounded down: what was not quite kept is not called 100 %.
fn share(part: i64, whole: i64) -> Option<String> {
    if whole <= 0 {
        return None;
    }
    let hundredths = i128::from(part) * 10_000 / i128::from(whole);
    let (percent, rest) = (hundredths / 100, hundredths % 100);
    Some(if rest == 0 { format!("{percent} %") } else { format!("{percent}.{rest:02} %") })
}

/// Query of the page.
#[derive(Deserialize)]
pub(crate) struct Shown {
    /// `24h`, `7d` or `30d`.
    #[serde(default)]
    span: String,
}

/// `GET /console/tenants/{slug}/delivery`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<Shown>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    page(StatusCode::OK, &delivery_page(&state, &visit, &tenant, Span::of(&query.span)).await?)
}

/// `POST /console/tenants/{slug}/delivery`: the answer is the only place where the secret ever stands.
pub(crate) async fn create(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<NewWebhookForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let made = destinations::make(&state, &visit, Some(tenant.id()), &typed).await?;
    let mut shown = delivery_page(&state, &visit, &tenant, Span::Day).await?;
    let status = match made {
        Ok(issued) => {
            shown.issued = Some(issued);
            StatusCode::CREATED
        }
        Err(errors) => {
            shown.chrome.title = format!("Error: {}", shown.chrome.title);
            (shown.typed, shown.errors) = (typed, errors);
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    page(status, &shown)
}

async fn delivery_page(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    span: Span,
) -> Result<DeliveryPage, PageError> {
    let now = state.store.now();
    let (from, until) = span.bounds(now);
    let hours = state.store.tenant(tenant.id()).delivery_hours(from, until).await?;
    let head = TenantHead::new(tenant, "delivery");
    let path = format!("/console/tenants/{}/delivery", head.slug);
    let chrome = visit.chrome(format!("Delivery · {}", head.name));
    Ok(DeliveryPage {
        own: destinations::rows(state, &chrome, Some(tenant.id())).await?,
        shared: destinations::rows(state, &chrome, None).await?,
        chrome,
        head,
        issued: None,
        plot: Plot::of_deliveries(span, &hours, now),
        plot_path: path.clone(),
        kept: Kept::of(&hours),
        action: path,
        typed: NewWebhookForm::fresh(),
        errors: Errors::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_quite_kept_is_not_called_kept() {
        assert_eq!(share(0, 0), None);
        assert_eq!(share(3, 3).as_deref(), Some("100 %"));
        assert_eq!(share(99_999, 100_000).as_deref(), Some("99.99 %"));
        assert_eq!(share(1, 3).as_deref(), Some("33.33 %"));
        let counts = Delivered { delivered: 9, late: 1, dead: 1, applied: 4, applied_late: 1 };
        let kept = Kept::of(&[HourOfDelivery { hour: 0, counts }]);
        assert_eq!((kept.delivered.as_deref(), kept.applied.as_deref()), (Some("80 %"), Some("75 %")));
    }
}
