//! What the tenant's service can do: ServiceProviderConfig, Schemas, ResourceTypes (RFC 7643 §5 to §7, RFC 7644 §4).

use axum::{body::Body, response::Response};
use http::StatusCode;
use provisioning::CURSOR_TIMEOUT;
use scim_core::{ResourceType, ScimError, bulk, catalogue::CatalogueKind, profile::CredentialKind, urn};
use serde_json::{Value, json};

use super::list as lists;
use crate::{DEFAULT_COUNT, MAX_COUNT, answer, call::Call, routes::Answer};

/// GET /ServiceProviderConfig.
pub(crate) async fn service_provider_config(call: Call, _body: Body) -> Answer {
    refuse_filter(&call)?;
    let location = format!("{}/ServiceProviderConfig", call.base_url);
    Ok(answer::json(
        StatusCode::OK,
        &json!({
            "schemas": [urn::SERVICE_PROVIDER_CONFIG],
            "patch": {"supported": true},
            "bulk": {
                "supported": true,
                "maxOperations": bulk::MAX_OPERATIONS,
                "maxPayloadSize": bulk::MAX_PAYLOAD_SIZE,
            },
            "filter": {"supported": true, "maxResults": MAX_COUNT},
            "changePassword": {"supported": false},
            "sort": {"supported": true},
            "etag": {"supported": true},
            "pagination": {
                "cursor": true,
                "index": true,
                "defaultPaginationMethod": "index",
                "defaultPageSize": DEFAULT_COUNT,
                "maxPageSize": MAX_COUNT,
                "cursorTimeout": CURSOR_TIMEOUT,
            },
            "authenticationSchemes": authentication_schemes(&call.tenant().profile.credentials),
            "meta": {"resourceType": "ServiceProviderConfig", "location": location},
        }),
    ))
}

/// The ways to prove who one is that work for the tenant; the first is the primary one.
fn authentication_schemes(kinds: &[CredentialKind]) -> Vec<Value> {
    let mut schemes: Vec<Value> = kinds.iter().map(|kind| authentication_scheme(*kind)).collect();
    if let Some(primary) = schemes.first_mut() {
        primary["primary"] = true.into();
    }
    schemes
}

/// RFC 7643 §5.
fn authentication_scheme(kind: CredentialKind) -> Value {
    match kind {
        CredentialKind::Bearer => json!({
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token made in the console, sent as Authorization: Bearer <token>",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
        }),
        CredentialKind::Basic => json!({
            "type": "httpbasic",
            "name": "HTTP Basic",
            "description": "User name and password made in the console, sent as Authorization: Basic",
            "specUri": "https://www.rfc-editor.org/rfc/rfc7617",
        }),
        CredentialKind::Oauth => json!({
            "type": "oauth2",
            "name": "OAuth 2.0 client credentials",
            "description": "Access tokens that a client made in the console gets at /oauth/token, sent as \
                            Authorization: Bearer <token>",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6749",
        }),
    }
}

/// GET /Schemas: those of the tenant's resource types, extensions included.
pub(crate) async fn schemas(call: Call, _body: Body) -> Answer {
    refuse_filter(&call)?;
    Ok(lists::whole(all_schemas(&call)))
}

/// GET /Schemas/{id}: by URN, compared without case.
pub(crate) async fn schema(call: Call, _body: Body) -> Answer {
    refuse_filter(&call)?;
    let urn_is = |schema: &Value| schema["id"].as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(&call.id));
    one(all_schemas(&call).into_iter().find(urn_is), "Schema", &call.id)
}

/// GET /ResourceTypes.
pub(crate) async fn resource_types(call: Call, _body: Body) -> Answer {
    refuse_filter(&call)?;
    Ok(lists::whole(types(&call).collect()))
}

/// GET /ResourceTypes/{id}: by name.
pub(crate) async fn resource_type(call: Call, _body: Body) -> Answer {
    refuse_filter(&call)?;
    let found = types(&call).find(|resource_type| resource_type["id"] == call.id.as_str());
    one(found, "ResourceType", &call.id)
}

/// The resource types: what is kept, then the catalogues.
fn types(call: &Call) -> impl Iterator<Item = Value> {
    let kept = offered(call).map(|resource_type| resource_type.to_json(&call.base_url));
    kept.chain(catalogues(call).map(|kind| kind.to_json(&call.base_url)))
}

fn catalogues(call: &Call) -> impl Iterator<Item = CatalogueKind> {
    call.tenant().profile.catalogues.iter().map(|catalogue| catalogue.kind)
}

fn offered(call: &Call) -> impl Iterator<Item = &ResourceType> {
    let profile = &call.tenant().profile;
    std::iter::once(&*profile.user).chain(profile.group.as_deref())
}

/// Each schema once, in the order of the resource types.
fn all_schemas(call: &Call) -> Vec<Value> {
    let mut schemas: Vec<Value> = Vec::new();
    let of_catalogues = catalogues(call).map(|kind| &**kind.schema());
    for schema in offered(call).flat_map(ResourceType::schemas).chain(of_catalogues) {
        if !schemas.iter().any(|listed| listed["id"] == schema.id.as_str()) {
            schemas.push(schema.to_json(&call.base_url));
        }
    }
    schemas
}

fn one(found: Option<Value>, kind: &str, id: &str) -> Result<Response, ScimError> {
    found.map(|body| answer::json(StatusCode::OK, &body)).ok_or_else(|| ScimError::not_found(kind, id))
}

/// RFC 7644 §4: whoever filters here must not believe that the whole answer fits the filter.
fn refuse_filter(call: &Call) -> Result<(), ScimError> {
    if call.params.has_filter() {
        return Err(ScimError::new(403, "This endpoint takes no filter; ask without one."));
    }
    Ok(())
}
