//! Users as a CSV file: all of them, or those of a list.

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use futures::stream;
use http::{HeaderValue, header};
use scim_core::ScimType;

use super::{
    tenant,
    users::{self, ListParameters},
};
use crate::{
    ConsoleState,
    error::PageError,
    extract::{Parameters, Segments, Visit},
};

/// `GET …/export`: live users as CSV, page by page; with the parameters of a list those that it shows.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<ListParameters>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let (asked, everybody) = (query.asked(), query.is_of_all());
    let filter = users::filter_of(&state, &tenant, &visit.context(), &asked, everybody);
    let filter = filter.map_err(|error| match error.scim_type {
        Some(ScimType::InvalidFilter) => PageError::BadRequest(
            "The filter could not be read. Mend it on the list of users, then export again.",
        ),
        _ => error.into(),
    })?;
    let file = state.provisioner.export_matching_users(&tenant, None, filter).map_err(PageError::internal)?;
    // An error breaks the answer off: a part of the file must not look like the whole.
    let parts = stream::try_unfold(file, |mut file| async {
        Ok::<_, scim_core::ScimError>(file.next().await?.map(|part| (Bytes::from(part), file)))
    });
    let mut response = Body::from_stream(parts).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    // A slug is letters, digits and hyphens.
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{slug}-users.csv\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
