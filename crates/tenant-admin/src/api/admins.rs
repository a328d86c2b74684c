//! `/api/v1/admins`: people who sign in to the console.

use axum::{Json, extract::State};
use serde::Serialize;
use store::admins::Admin;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::Parameters,
    page::{Page, Part},
    problem::{ApiError, Problem},
    view::{time, word},
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A person of the console.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdminView {
    /// Id.
    id: String,
    /// E-mail address, by which they sign in.
    email: String,
    /// `operator`, `manager` or `auditor`.
    #[schema(example = "operator")]
    role: String,
    /// Slugs of the tenants that they are given; none: all of an operator's or auditor's.
    tenants: Vec<String>,
    /// When they were entered.
    created_at: String,
}

/// People of the console, by e-mail address
#[utoipa::path(
    get, operation_id = "listAdmins",
    path = "/api/v1/admins", tag = "platform", security(("bearer" = ["admin:read"])), params(Part),
    responses((status = 200, body = Page<AdminView>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Page<AdminView>>, ApiError> {
    let (limit, after) = (part.limit()?, part.after::<String>()?);
    let rows = state.store.platform().admins_after(after.as_deref(), limit + 1).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for admin in rows {
        let mut slugs = Vec::with_capacity(admin.tenants.len());
        for id in &admin.tenants {
            slugs.extend(state.tenants.by_id(*id).await?.map(|tenant| tenant.row.slug.clone()));
        }
        slugs.sort();
        shown.push((admin, slugs));
    }
    let place = |(admin, _): &(Admin, Vec<String>)| admin.email.clone();
    Ok(Json(Page::cut(shown, limit, place, |(admin, slugs)| view(&admin, slugs))))
}

fn view(admin: &Admin, tenants: Vec<String>) -> AdminView {
    AdminView {
        id: admin.id.to_string(),
        email: admin.email.clone(),
        role: word(admin.role),
        tenants,
        created_at: time(admin.created_at),
    }
}
