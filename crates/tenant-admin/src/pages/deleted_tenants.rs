//! Tenants that were deleted, as long as they can be restored.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use serde::Deserialize;
use store::{TenantId, tenants::DeletedTenant};
use uuid::Uuid;

use crate::{
    ConsoleState,
    chrome::{Chrome, count, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    pager::{PAGE_SIZE, Pager, page_number},
    when::Moment,
};

const DAY: i64 = 24 * 3_600_000;

#[derive(Template)]
#[template(path = "deleted_tenants.html")]
pub(crate) struct DeletedTenantsPage {
    pub(crate) chrome: Chrome,
    /// What was just done, or why it was not.
    pub(crate) notice: Option<&'static str>,
    /// How long they can be restored: `30 days`.
    pub(crate) retention: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) pager: Pager,
}

/// A deleted tenant.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) deleted: Moment,
    pub(crate) deleted_by: String,
    /// When its data is removed.
    pub(crate) purged: Moment,
    /// Can it still be restored?
    pub(crate) restorable: bool,
}

/// Query of the page.
#[derive(Deserialize)]
pub(crate) struct DeletedParameters {
    #[serde(default)]
    done: String,
    page: Option<String>,
}

/// `GET /console/deleted-tenants`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(query): Parameters<DeletedParameters>,
) -> Result<Response, PageError> {
    let number = page_number(query.page.as_deref());
    let found = state.store.platform().deleted_tenants((number - 1) * PAGE_SIZE, PAGE_SIZE).await?;
    let notice = match query.done.as_str() {
        "deleted" => Some("The tenant is deleted: it is there for nobody any more."),
        "late" => Some(
            "The tenant was not restored: its data is being removed, or it was restored by somebody else.",
        ),
        _ => None,
    };
    let (now, days) = (state.store.now(), state.tenants.retention_days());
    let rows: Vec<Row> = found.items.into_iter().map(|tenant| row(tenant, days, now)).collect();
    let pager = Pager::new("/console/deleted-tenants", &[], number, rows.len(), found.total);
    page(
        StatusCode::OK,
        &DeletedTenantsPage {
            chrome: visit.chrome("Deleted tenants"),
            notice,
            retention: count(days.into(), "day"),
            rows,
            pager,
        },
    )
}

/// `POST /console/deleted-tenants/{id}/restore`.
pub(crate) async fn restore(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<Uuid>,
) -> Result<Response, PageError> {
    let target = match state.tenants.restore(TenantId(id), &visit.context()).await? {
        Some(slug) => format!("/console/tenants/{slug}?done=restored"),
        None => "/console/deleted-tenants?done=late".to_owned(),
    };
    Ok(Redirect::to(&target).into_response())
}

fn row(tenant: DeletedTenant, days: u32, now: i64) -> Row {
    let purged = tenant.deleted_at + i64::from(days) * DAY;
    Row {
        id: tenant.id.to_string(),
        slug: tenant.slug,
        name: tenant.name,
        deleted: Moment::new(tenant.deleted_at, now),
        deleted_by: tenant.deleted_by,
        purged: Moment::new(purged, now),
        restorable: !tenant.purging,
    }
}
