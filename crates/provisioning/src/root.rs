//! Queries over all resource types of a tenant (RFC 7644 §3.4.2.1).

use scim_core::{ScimError, projection::Projection};

use crate::{
    Provisioner, Query, RenderedPage, Request,
    listing::{Selected, Source},
};

impl Provisioner {
    /// GET at the base URL, POST /.search: `request` has the projection for users, `groups` is the one for groups.
    pub async fn resources(
        &self,
        request: Request<'_>,
        groups: &Projection,
        query: &Query,
    ) -> Result<RenderedPage, ScimError> {
        let profile = &request.tenant.profile;
        let mut parts = vec![Selected::bind_at_root(request, &profile.user, query)?];
        if let Some(kind) = profile.group.as_deref() {
            let request = Request { projection: groups, ..request };
            parts.push(Selected::bind_at_root(request, kind, query)?);
        }
        self.list(&Source::Root(parts), query).await
    }
}
