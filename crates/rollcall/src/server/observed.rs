//! Tells operators of the requests that are not SCIM, which tells of its own.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use telemetry::{
    requests::{self, Counted, NO_ROUTE, NO_TENANT},
    spans::RequestSpan,
};

/// Counts a request by its route, and tells its span of it.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = requests::method(request.method().as_str());
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or(NO_ROUTE, |path| requests::route(path.as_str()));
    if let (Some(span), Some(_)) = (request.extensions().get::<RequestSpan>(), matched) {
        span.route(method, route);
    }
    let response = next.run(request).await;
    let counted = Counted { method, route, tenant_class: NO_TENANT };
    requests::answered(counted, response.status().as_u16(), begun.elapsed());
    response
}
