//! All addresses of the console in one table, from which the router is built.

use axum::{Extension, Router, extract::DefaultBodyLimit, middleware, response::IntoResponse};
use tower_http::{
    catch_panic::CatchPanicLayer,
    csrf::{CsrfLayer, ProtectionError},
};

use crate::{
    ConsoleState, assets, attempts::Attempts, error::PageError, extract::Visit, guard, pages, session,
};

/// Largest form.
const BODY_LIMIT: usize = 64 * 1024;

/// Makes the exported table and the function that mounts it from one list.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident, $mount:ident: $($method:ident $path:literal => $handler:path;)+) => {
        $(#[$doc])*
        pub const $name: &[(&str, &str)] = &[$((table!(@name $method), $path)),+];

        fn $mount() -> Router<ConsoleState> {
            Router::new()$(.route($path, axum::routing::$method($handler)))+
        }
    };
    (@name get) => { "GET" };
    (@name post) => { "POST" };
}

table! {
    /// Routes that need a signed-in operator, as `(method, path)`: without one, GET leads to sign-in (303) and POST is
    /// refused (403).
    ROUTES, closed:
    post "/console/sign-out" => pages::sign_in::leave;
    get "/console/" => pages::tenants::show;
    get "/console/tenants/new" => pages::new_tenant::show;
    post "/console/tenants/new" => pages::new_tenant::create;
    get "/console/tenants/{slug}" => pages::setup::redirect;
    get "/console/tenants/{slug}/setup" => pages::setup::show;
    post "/console/tenants/{slug}/activate" => pages::deactivate::activate;
    get "/console/tenants/{slug}/deactivate" => pages::deactivate::ask;
    post "/console/tenants/{slug}/deactivate" => pages::deactivate::deactivate;
    post "/console/tenants/{slug}/tokens" => pages::setup::create_token;
    get "/console/tenants/{slug}/tokens/{id}/revoke" => pages::revoke::ask;
    post "/console/tenants/{slug}/tokens/{id}/revoke" => pages::revoke::revoke;
    get "/console/tenants/{slug}/tokens/{id}/rotate" => pages::rotate::ask;
    post "/console/tenants/{slug}/tokens/{id}/rotate" => pages::rotate::rotate;
    post "/console/tenants/{slug}/logins" => pages::setup::create_login;
    get "/console/tenants/{slug}/logins/{id}/revoke" => pages::revoke::ask;
    post "/console/tenants/{slug}/logins/{id}/revoke" => pages::revoke::revoke;
    get "/console/tenants/{slug}/users" => pages::users::show;
    get "/console/tenants/{slug}/users/{id}" => pages::user::show;
    post "/console/tenants/{slug}/users/{id}/restore" => pages::user::restore;
    get "/console/tenants/{slug}/users/{id}/purge" => pages::purge::ask;
    post "/console/tenants/{slug}/users/{id}/purge" => pages::purge::purge;
    get "/console/tenants/{slug}/groups" => pages::groups::show;
    get "/console/tenants/{slug}/groups/{id}" => pages::group::show;
}

table! {
    /// Routes that answer anybody.
    OPEN_ROUTES, open:
    get "/" => pages::sign_in::front_door;
    get "/console" => pages::sign_in::front_door;
    get "/console/sign-in" => pages::sign_in::show;
    post "/console/sign-in" => pages::sign_in::enter;
    get "/console/static/{*path}" => assets::serve;
}

/// The console, with everything that stands around it.
pub(crate) fn router(state: ConsoleState) -> Router {
    let origin = state.public_url.origin().ascii_serialization();
    // A public URL is http or https, so its origin is always one that the layer takes.
    let csrf = CsrfLayer::new();
    let csrf = csrf.clone().add_trusted_origin(&origin).unwrap_or(csrf).with_rejection_response(refuse);
    let closed = closed()
        .route("/console/{*rest}", axum::routing::any(nothing_here))
        .route_layer(middleware::from_fn_with_state(state.clone(), guard::require_operator));
    closed
        .merge(open())
        .method_not_allowed_fallback(|| async { PageError::MethodNotAllowed })
        // From the inside out.
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(Extension(Attempts::default()))
        .layer(session::layer(state.store.clone(), state.secure_cookies))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(csrf)
        .layer(middleware::from_fn_with_state(state.clone(), guard::frame))
        .with_state(state)
}

/// Unknown addresses below `/console/`; for strangers they look like all others.
async fn nothing_here(_: Visit) -> PageError {
    PageError::NotFound
}

fn refuse(_: ProtectionError) -> axum::response::Response {
    PageError::CrossSite.into_response()
}

fn panicked(reason: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    let text = reason
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| reason.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given");
    PageError::internal(format_args!("panic: {text}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_mount_without_a_clash() {
        let _: Router<ConsoleState> = closed().merge(open());
        assert!(ROUTES.iter().all(|(_, path)| path.starts_with("/console/")));
    }
}
