//! `/Roles` and `/Entitlements`: what identity providers can assign to users, where the profile offers it. It is the
//! tenant's value set, which is filled elsewhere, so it can only be read.

use axum::{body::Body, response::Response};
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use provisioning::Paging;
use scim_core::{
    ScimError, ScimType,
    catalogue::{Catalogue, CatalogueKind},
    value_set::AllowedValue,
};
use serde_json::Value;

use super::list as lists;
use crate::{answer, call::Call, routes::Answer};

/// What stands for itself in a segment of a path (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// GET /Roles.
pub(crate) async fn roles(call: Call, _body: Body) -> Answer {
    list(call, CatalogueKind::Role)
}

/// GET /Roles/{id}.
pub(crate) async fn role(call: Call, _body: Body) -> Answer {
    one(&call, CatalogueKind::Role)
}

/// GET /Entitlements.
pub(crate) async fn entitlements(call: Call, _body: Body) -> Answer {
    list(call, CatalogueKind::Entitlement)
}

/// GET /Entitlements/{id}.
pub(crate) async fn entitlement(call: Call, _body: Body) -> Answer {
    one(&call, CatalogueKind::Entitlement)
}

/// A page of the catalogue in its own order, which `sortBy` does not change.
fn list(mut call: Call, kind: CatalogueKind) -> Result<Response, ScimError> {
    let params = std::mem::take(&mut call.params);
    let catalogue = offered(&call, kind)?;
    let query = params.list()?;
    if query.paging != Paging::Index {
        return Err(ScimError::bad_request(
            ScimType::InvalidCursor,
            format!("cursor: {} is paged by startIndex and count; send these.", kind.endpoint()),
        ));
    }
    let filter = query.filter.as_deref().map(|text| kind.filter(text)).transpose()?;
    let tenant = call.tenant();
    let values = tenant.profile.assignable(catalogue, &tenant.value_sets);
    let found: Vec<_> =
        values.filter(|value| filter.as_ref().is_none_or(|filter| filter.matches(value))).collect();
    let from = usize::try_from(query.start_index - 1).unwrap_or(usize::MAX);
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let page = found.iter().skip(from).take(count).map(|value| shown(&call, kind, value)).collect();
    Ok(lists::part(found.len() as u64, query.start_index, page))
}

fn one(call: &Call, kind: CatalogueKind) -> Result<Response, ScimError> {
    let (catalogue, tenant) = (offered(call, kind)?, call.tenant());
    let found = tenant.profile.assignable_by_id(catalogue, &tenant.value_sets, &call.id);
    let value = found.ok_or_else(|| ScimError::not_found(kind.name(), &call.id))?;
    Ok(answer::json(StatusCode::OK, &shown(call, kind, value)))
}

/// The catalogue; 404 where the product does not have this resource type.
fn offered(call: &Call, kind: CatalogueKind) -> Result<&Catalogue, ScimError> {
    let profile = &call.tenant().profile;
    profile.catalogue(kind).ok_or_else(|| {
        let endpoint = kind.endpoint();
        ScimError::new(404, format!("{} has no {endpoint}; /ResourceTypes lists what it has.", profile.title))
    })
}

fn shown(call: &Call, kind: CatalogueKind, value: &AllowedValue) -> Value {
    let id = utf8_percent_encode(&value.value, SEGMENT);
    kind.resource(value, format!("{}{}/{id}", call.base_url, kind.endpoint()))
}
