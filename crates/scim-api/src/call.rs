//! One authenticated request on its way to an endpoint.

use axum::body::Body;
use http::HeaderMap;
use provisioning::{Request, Tenant};
use scim_core::{ResourceKind, ResourceType, ScimError, projection::Projection};
use serde_json::Value;
use store::{Actor, ActorKind, ChangeContext};
use tokio::time::Instant;

use crate::{ScimState, body, caller::Caller, query::Params};

/// What an endpoint gets, beside the body.
pub(crate) struct Call {
    /// The service.
    pub(crate) state: ScimState,
    /// Who calls.
    pub(crate) caller: Caller,
    /// Who and why, for the audit trail.
    pub(crate) context: ChangeContext,
    /// Base URL of the answers.
    pub(crate) base_url: String,
    /// `{id}` of the path, decoded; empty where there is none.
    pub(crate) id: String,
    /// Query parameters.
    pub(crate) params: Params,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// When the request is given up.
    pub(crate) deadline: Instant,
}

impl Call {
    /// Who changes what, and because of which request.
    pub(crate) fn context_of(caller: &Caller, request_id: &str) -> ChangeContext {
        ChangeContext {
            actor: Actor {
                kind: ActorKind::Credential,
                id: caller.principal.credential.to_string(),
                name: caller.principal.name.clone(),
            },
            cause: request_id.to_owned(),
        }
    }

    /// Reads the body as JSON.
    pub(crate) async fn json(&self, body: Body) -> Result<Value, ScimError> {
        body::read(&self.headers, body).await
    }

    /// The tenant.
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.caller.tenant
    }

    /// The tenant's resource type of that kind; `None` for groups where the product has none.
    pub(crate) fn resource_type(&self, kind: ResourceKind) -> Option<&ResourceType> {
        match kind {
            ResourceKind::User => Some(&self.tenant().profile.user),
            ResourceKind::Group => self.tenant().profile.group.as_deref(),
        }
    }

    /// Which attributes of that kind of resource the query parameters leave.
    pub(crate) fn projection(&self, kind: ResourceKind) -> Result<Projection, ScimError> {
        self.params.projection(self.resource_type(kind))
    }

    /// What the provisioner needs to know.
    pub(crate) fn request<'a>(&'a self, projection: &'a Projection) -> Request<'a> {
        Request { tenant: self.tenant(), context: &self.context, base_url: &self.base_url, projection }
    }
}
