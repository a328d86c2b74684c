//! All addresses of the console in one table, from which the router is built.

use axum::{Extension, Router, extract::DefaultBodyLimit, middleware, response::IntoResponse};
use tower_http::{
    catch_panic::CatchPanicLayer,
    csrf::{CsrfLayer, ProtectionError},
};

use crate::{ConsoleState, assets, error::PageError, extract::Visit, guard, pages, rights::Right, session};
use token_service::attempts::Attempts;

/// Largest form.
const BODY_LIMIT: usize = 64 * 1024;
/// Largest form of those with a long text or a file: a profile in which each byte is written as three, or ten thousand
/// values with labels.
const LARGE_FORM: usize = 8 * 1024 * 1024;

/// Largest form with a file of users; the file itself is bounded by [`provisioning::imports::MAX_BYTES`].
const FILE_FORM: usize = provisioning::imports::MAX_BYTES + BODY_LIMIT;

/// Makes the exported table and the function that mounts it from one list.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident, $mount:ident:
     $($method:ident $right:ident $path:literal => $handler:path $(, at most $limit:expr)?;)+) => {
        $(#[$doc])*
        pub const $name: &[(&str, &str, Right)] = &[$((table!(@name $method), $path, Right::$right)),+];

        fn $mount(state: &ConsoleState) -> Router<ConsoleState> {
            Router::new()$(.route($path, guard::with_right(
                axum::routing::$method($handler)$(.layer(DefaultBodyLimit::max($limit)))?,
                state,
                Right::$right,
            )))+
        }
    };
    (@name get) => { "GET" };
    (@name post) => { "POST" };
}

table! {
    /// All routes, as `(method, path, right)`. Without a session, GET of one that needs a right leads to sign-in (303)
    /// and POST is refused (403). Whoever does not have the right is answered 403; a tenant that is not theirs is a
    /// 404, as one that is not there.
    ROUTES, mount:
    get Anybody "/" => pages::sign_in::front_door;
    get Anybody "/console" => pages::sign_in::front_door;
    get Anybody "/console/sign-in" => pages::sign_in::show;
    post Anybody "/console/sign-in" => pages::sign_in::enter;
    get Anybody "/console/static/{*path}" => assets::serve;
    post SignedIn "/console/sign-out" => pages::sign_in::leave;
    get SignedIn "/console/" => pages::tenants::show;
    get Found "/console/keys" => pages::keys::show;
    get Found "/console/keys/rotate" => pages::keys::ask;
    post Found "/console/keys/rotate" => pages::keys::rotate;
    get Found "/console/tenants/new" => pages::new_tenant::show;
    post Found "/console/tenants/new" => pages::new_tenant::create;
    get Operate "/console/platform-tokens" => pages::platform_tokens::show;
    post Operate "/console/platform-tokens" => pages::platform_tokens::create;
    get Operate "/console/platform-tokens/{id}" => pages::platform_token::show;
    post Operate "/console/platform-tokens/{id}/networks" => pages::platform_token::networks;
    post Operate "/console/platform-tokens/{id}/rotate" => pages::platform_token::rotate;
    post Operate "/console/platform-tokens/{id}/revoke" => pages::platform_token::revoke;
    get Read "/console/tenants/{slug}" => pages::overview::show;
    get Manage "/console/tenants/{slug}/settings" => pages::settings::show;
    post Manage "/console/tenants/{slug}/settings" => pages::settings::save;
    get Manage "/console/tenants/{slug}/setup" => pages::setup::show;
    get Manage "/console/tenants/{slug}/setup/edit" => pages::configuration::show;
    post Manage "/console/tenants/{slug}/setup/edit" => pages::configuration::update;
    post Manage "/console/tenants/{slug}/activate" => pages::deactivate::activate;
    get Manage "/console/tenants/{slug}/deactivate" => pages::deactivate::ask;
    post Manage "/console/tenants/{slug}/deactivate" => pages::deactivate::deactivate;
    post Manage "/console/tenants/{slug}/tokens" => pages::setup::create_token;
    get Manage "/console/tenants/{slug}/tokens/{id}/revoke" => pages::revoke::ask;
    post Manage "/console/tenants/{slug}/tokens/{id}/revoke" => pages::revoke::revoke;
    get Manage "/console/tenants/{slug}/tokens/{id}/rotate" => pages::rotate::ask;
    post Manage "/console/tenants/{slug}/tokens/{id}/rotate" => pages::rotate::rotate;
    get Manage "/console/tenants/{slug}/tokens/{id}/networks" => pages::networks::show;
    post Manage "/console/tenants/{slug}/tokens/{id}/networks" => pages::networks::save;
    post Manage "/console/tenants/{slug}/logins" => pages::setup::create_login;
    get Manage "/console/tenants/{slug}/logins/{id}/revoke" => pages::revoke::ask;
    post Manage "/console/tenants/{slug}/logins/{id}/revoke" => pages::revoke::revoke;
    get Manage "/console/tenants/{slug}/logins/{id}/networks" => pages::networks::show;
    post Manage "/console/tenants/{slug}/logins/{id}/networks" => pages::networks::save;
    post Manage "/console/tenants/{slug}/clients" => pages::setup::create_client;
    get Manage "/console/tenants/{slug}/clients/{id}/revoke" => pages::revoke::ask;
    post Manage "/console/tenants/{slug}/clients/{id}/revoke" => pages::revoke::revoke;
    get Manage "/console/tenants/{slug}/federation" => pages::federation::show;
    post Manage "/console/tenants/{slug}/federation" => pages::federation::set;
    get Manage "/console/tenants/{slug}/clients/{id}/networks" => pages::networks::show;
    post Manage "/console/tenants/{slug}/clients/{id}/networks" => pages::networks::save;
    get Read "/console/tenants/{slug}/profile" => pages::profile::show;
    post Manage "/console/tenants/{slug}/profile" => pages::profile::save, at most LARGE_FORM;
    post Manage "/console/tenants/{slug}/profile/check" => pages::profile::check, at most LARGE_FORM;
    get Read "/console/tenants/{slug}/profile/versions/{version}" => pages::profile::version;
    get Read "/console/tenants/{slug}/value-sets" => pages::value_sets::show;
    get Read "/console/tenants/{slug}/value-sets/{set}" => pages::value_set::show;
    post Manage "/console/tenants/{slug}/value-sets/{set}" => pages::value_set::save, at most LARGE_FORM;
    post Manage "/console/tenants/{slug}/value-sets/{set}/clear" => pages::value_set::clear;
    get Read "/console/tenants/{slug}/roles" => pages::roles::show;
    post Manage "/console/tenants/{slug}/roles" => pages::roles::save;
    get Read "/console/tenants/{slug}/roles/{key}" => pages::role::show;
    get Manage "/console/tenants/{slug}/import" => pages::import::show;
    post Manage "/console/tenants/{slug}/import" => pages::import::receive, at most FILE_FORM;
    get Manage "/console/tenants/{slug}/import/{id}" => pages::import_run::show;
    get Manage "/console/tenants/{slug}/import/{id}/errors" => pages::import_run::errors;
    post Manage "/console/tenants/{slug}/import/{id}/try" => pages::import_run::try_out;
    post Manage "/console/tenants/{slug}/import/{id}/run" => pages::import_run::run;
    post Manage "/console/tenants/{slug}/import/{id}/stop" => pages::import_run::stop;
    post Manage "/console/tenants/{slug}/import/{id}/discard" => pages::import_run::discard;
    get Manage "/console/tenants/{slug}/export" => pages::export::show;
    get Read "/console/tenants/{slug}/users" => pages::users::show;
    get Read "/console/tenants/{slug}/users/{id}" => pages::user::show;
    post Manage "/console/tenants/{slug}/users/{id}/deactivate" => pages::user::deactivate;
    post Manage "/console/tenants/{slug}/users/{id}/reactivate" => pages::user::reactivate;
    get Manage "/console/tenants/{slug}/users/{id}/delete" => pages::delete::ask;
    post Manage "/console/tenants/{slug}/users/{id}/delete" => pages::delete::delete;
    post Manage "/console/tenants/{slug}/users/{id}/restore" => pages::user::restore;
    get Manage "/console/tenants/{slug}/users/{id}/purge" => pages::purge::ask;
    post Manage "/console/tenants/{slug}/users/{id}/purge" => pages::purge::purge;
    get Read "/console/tenants/{slug}/groups" => pages::groups::show;
    get Read "/console/tenants/{slug}/groups/{id}" => pages::group::show;
}

/// The console, with everything that stands around it.
pub(crate) fn router(state: ConsoleState) -> Router {
    let origin = state.public_url.origin().ascii_serialization();
    // A public URL is http or https, so its origin is always one that the layer takes.
    let csrf = CsrfLayer::new();
    let csrf = csrf.clone().add_trusted_origin(&origin).unwrap_or(csrf).with_rejection_response(refuse);
    let nothing = guard::with_right(axum::routing::any(nothing_here), &state, Right::SignedIn);
    mount(&state)
        .route("/console/{*rest}", nothing)
        .method_not_allowed_fallback(|| async { PageError::MethodNotAllowed })
        // From the inside out.
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(Extension(Attempts::new(pages::sign_in::FREE)))
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
    fn what_is_about_a_tenant_needs_a_right_to_that_tenant() {
        for (method, path, right) in ROUTES {
            let about_a_tenant = path.contains("{slug}");
            assert_eq!(matches!(right, Right::Read | Right::Manage), about_a_tenant, "{method} {path}");
            assert!(
                !about_a_tenant || *method == "GET" || *right == Right::Manage,
                "{method} {path} changes something"
            );
        }
    }
}
