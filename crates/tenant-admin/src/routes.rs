//! All addresses of the console in one table, from which the router is built.

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    middleware,
    response::{IntoResponse, Redirect, Response},
};
use http::{Method, Uri};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    csrf::{CsrfLayer, ProtectionError},
};

use crate::{
    ConsoleState, assets,
    door::Door,
    error::PageError,
    extract::Visit,
    guard, pages,
    rights::Right,
    session::{self, Sittings},
};

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
    /// All routes, as `(method, path, right)`. Without a link's session whoever asks for [`Right::Guest`] is answered
    /// 410. Without a session, GET of one that needs a right leads to sign-in (303)
    /// and POST is refused (403). Whoever does not have the right is answered 403; a tenant that is not theirs is a
    /// 404, as one that is not there.
    ROUTES, mount:
    get Anybody "/" => pages::sign_in::front_door;
    get Anybody "/console" => pages::sign_in::front_door;
    get Anybody "/console/sign-in" => pages::sign_in::show;
    post Anybody "/console/sign-in" => pages::sign_in::enter;
    get Anybody "/console/sign-in/code" => pages::sign_in_code::show;
    post Anybody "/console/sign-in/code" => pages::sign_in_code::enter;
    get Anybody "/console/sign-in/with" => pages::sign_in_with::begin;
    get Anybody "/console/sign-in/callback" => pages::sign_in_with::finish;
    get Anybody "/console/invitation/{secret}" => pages::invitation::show;
    post Anybody "/console/invitation/{secret}" => pages::invitation::accept;
    get Anybody "/console/static/{*path}" => assets::serve;
    post SignedIn "/console/sign-out" => pages::sign_in::leave;
    get SignedIn "/console/account" => pages::account::show;
    post SignedIn "/console/account/password" => pages::account::password;
    post SignedIn "/console/account/sessions" => pages::account::end_sessions;
    post SignedIn "/console/account/sessions/{id}/end" => pages::account::end_session;
    get SignedIn "/console/account/second-factor" => pages::second_factor::show;
    post SignedIn "/console/account/second-factor" => pages::second_factor::begin;
    post SignedIn "/console/account/second-factor/confirm" => pages::second_factor::confirm;
    post SignedIn "/console/account/second-factor/codes" => pages::second_factor::renew;
    post SignedIn "/console/account/second-factor/off" => pages::second_factor::off;
    get SignedIn "/console/" => pages::installation::show;
    get SignedIn "/console/tenants" => pages::tenants::show;
    get Found "/console/keys" => pages::keys::show;
    get Found "/console/keys/rotate" => pages::keys::ask;
    post Found "/console/keys/rotate" => pages::keys::rotate;
    get Found "/console/tenants/new" => pages::new_tenant::show;
    post Found "/console/tenants/new" => pages::new_tenant::create;
    get Operate "/console/deleted-tenants" => pages::deleted_tenants::show;
    post Operate "/console/deleted-tenants/{id}/restore" => pages::deleted_tenants::restore;
    get Operate "/console/platform-tokens" => pages::platform_tokens::show;
    post Operate "/console/platform-tokens" => pages::platform_tokens::create;
    get Operate "/console/platform-tokens/{id}" => pages::platform_token::show;
    post Operate "/console/platform-tokens/{id}/networks" => pages::platform_token::networks;
    post Operate "/console/platform-tokens/{id}/rotate" => pages::platform_token::rotate;
    post Operate "/console/platform-tokens/{id}/revoke" => pages::platform_token::revoke;
    get Operate "/console/destinations" => pages::destinations::show;
    post Operate "/console/destinations" => pages::destinations::create;
    get Operate "/console/destinations/{id}" => pages::destination::show;
    post Operate "/console/destinations/{id}" => pages::destination::change;
    post Operate "/console/destinations/{id}/pause" => pages::destination::pause;
    post Operate "/console/destinations/{id}/resume" => pages::destination::resume;
    post Operate "/console/destinations/{id}/test" => pages::destination::test;
    post Operate "/console/destinations/{id}/secret" => pages::destination::rotate;
    post Operate "/console/destinations/{id}/replay" => pages::destination::replay;
    post Operate "/console/destinations/{id}/delete" => pages::destination::delete;
    get Survey "/console/audit" => pages::audit::of_installation;
    get Survey "/console/audit/export" => pages::audit::export_of_installation;
    post Survey "/console/audit/verify" => pages::audit::verify_of_installation;
    get Survey "/console/audit/{number}" => pages::audit::entry::of_installation;
    get Operate "/console/admins" => pages::admins::show;
    post Operate "/console/admins" => pages::admins::add;
    get Operate "/console/admins/{id}" => pages::admin::show;
    post Operate "/console/admins/{id}" => pages::admin::change;
    post Operate "/console/admins/{id}/invitation" => pages::admin::invite;
    post Operate "/console/admins/{id}/second-factor" => pages::admin::reset_second_factor;
    post Operate "/console/admins/{id}/sessions" => pages::admin::end_sessions;
    post Operate "/console/admins/{id}/remove" => pages::admin::remove;
    get Read "/console/tenants/{slug}" => pages::overview::show;
    get Manage "/console/tenants/{slug}/settings" => pages::settings::show;
    post Manage "/console/tenants/{slug}/settings" => pages::settings::save;
    get Manage "/console/tenants/{slug}/domains" => pages::domains::show;
    post Manage "/console/tenants/{slug}/domains" => pages::domains::add;
    post Manage "/console/tenants/{slug}/domains/check" => pages::domains::check;
    post Manage "/console/tenants/{slug}/domains/remove" => pages::domains::remove;
    get End "/console/tenants/{slug}/delete" => pages::delete_tenant::ask;
    post End "/console/tenants/{slug}/delete" => pages::delete_tenant::delete;
    get Manage "/console/tenants/{slug}/setup" => pages::setup::show;
    get Manage "/console/tenants/{slug}/setup/edit" => pages::configuration::show;
    post Manage "/console/tenants/{slug}/setup/edit" => pages::configuration::update;
    get Manage "/console/tenants/{slug}/setup/live" => pages::setup::live::of_console;
    post Manage "/console/tenants/{slug}/setup/provider" => pages::setup::connection::choose;
    post Operate "/console/tenants/{slug}/setup/links" => pages::setup::links::create;
    post Operate "/console/tenants/{slug}/setup/links/{id}/revoke" => pages::setup::links::revoke;
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
    get Read "/console/tenants/{slug}/profile/versions/{version}" => pages::profile::versions::version;
    get Read "/console/tenants/{slug}/profile/compare" => pages::profile::versions::compare_two;
    get Read "/console/tenants/{slug}/profile/recheck" => pages::profile::recheck::show;
    post Manage "/console/tenants/{slug}/profile/recheck" => pages::profile::recheck::run, at most LARGE_FORM;
    get Read "/console/tenants/{slug}/profile/try" => pages::profile::trial::show;
    post Read "/console/tenants/{slug}/profile/try" => pages::profile::trial::run, at most LARGE_FORM;
    get Read "/console/tenants/{slug}/profile/{part}" => pages::profile::part::show;
    post Manage "/console/tenants/{slug}/profile/{part}" => pages::profile::part::show_draft, at most LARGE_FORM;
    get Read "/console/tenants/{slug}/profile/{part}/{entry}" => pages::profile::entry::show;
    post Manage "/console/tenants/{slug}/profile/{part}/{entry}" => pages::profile::entry::change, at most LARGE_FORM;
    get Read "/console/tenants/{slug}/value-sets" => pages::value_sets::show;
    get Read "/console/tenants/{slug}/value-sets/{set}" => pages::value_set::show;
    post Manage "/console/tenants/{slug}/value-sets/{set}" => pages::value_set::save, at most LARGE_FORM;
    get Read "/console/tenants/{slug}/value-sets/{set}/csv" => pages::value_set::download;
    post Manage "/console/tenants/{slug}/value-sets/{set}/values" => pages::value_set::change;
    get Read "/console/tenants/{slug}/value-sets/{set}/versions/{version}" => pages::value_set::versions::show;
    post Manage "/console/tenants/{slug}/value-sets/{set}/clear" => pages::value_set::clear;
    get Read "/console/tenants/{slug}/roles" => pages::roles::show;
    post Manage "/console/tenants/{slug}/roles" => pages::roles::save;
    get Read "/console/tenants/{slug}/roles/{key}" => pages::role::show;
    get Read "/console/tenants/{slug}/audit" => pages::audit::of_tenant;
    get Read "/console/tenants/{slug}/audit/export" => pages::audit::export_of_tenant;
    post Read "/console/tenants/{slug}/audit/verify" => pages::audit::verify_of_tenant;
    get Read "/console/tenants/{slug}/audit/{number}" => pages::audit::entry::of_tenant;
    get Read "/console/tenants/{slug}/delivery" => pages::delivery::show;
    post Operate "/console/tenants/{slug}/delivery" => pages::delivery::create;
    get Manage "/console/tenants/{slug}/import" => pages::import::show;
    post Manage "/console/tenants/{slug}/import" => pages::import::receive, at most FILE_FORM;
    get Manage "/console/tenants/{slug}/import/{id}" => pages::import_run::show;
    get Manage "/console/tenants/{slug}/import/{id}/errors" => pages::import_run::errors;
    post Manage "/console/tenants/{slug}/import/{id}/try" => pages::import_run::try_out;
    post Manage "/console/tenants/{slug}/import/{id}/run" => pages::import_run::run;
    post Manage "/console/tenants/{slug}/import/{id}/stop" => pages::import_run::stop;
    post Manage "/console/tenants/{slug}/import/{id}/discard" => pages::import_run::discard;
    get Manage "/console/tenants/{slug}/export" => pages::export::show;
    get Manage "/console/tenants/{slug}/activity" => pages::activity::show;
    get Manage "/console/tenants/{slug}/activity/live" => pages::activity::live;
    get Manage "/console/tenants/{slug}/activity/check" => pages::check::show;
    post Manage "/console/tenants/{slug}/activity/check" => pages::check::check, at most LARGE_FORM;
    get Manage "/console/tenants/{slug}/activity/{id}" => pages::request::show;
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
    get Anybody "/setup/{secret}" => pages::guest::door;
    post Anybody "/setup/{secret}" => pages::guest::enter;
    get Guest "/setup" => pages::guest::show;
    get Guest "/setup/live" => pages::setup::live::of_guest;
    post Guest "/setup/provider" => pages::guest::choose;
    post Guest "/setup/token" => pages::guest::create_token;
    post Guest "/setup/login" => pages::guest::create_login;
    post Guest "/setup/leave" => pages::guest::leave;
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
        .method_not_allowed_fallback(another_method)
        // From the inside out.
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(Extension(Door::default()))
        .layer(Extension(Sittings::default()))
        .layer(Extension(pages::guest::LinkAttempts(token_service::attempts::Attempts::new(
            pages::guest::FREE,
        ))))
        .layer(session::layer(state.store.clone(), state.secure_cookies))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(csrf)
        .layer(CompressionLayer::new().compress_when(assets::is_one))
        .layer(middleware::from_fn_with_state(state.clone(), guard::frame))
        .with_state(state)
}

/// Unknown addresses below `/console/`; for strangers they look like all others.
async fn nothing_here(_: Visit) -> PageError {
    PageError::NotFound
}

/// A form's address that is loaded again (from the address bar, from a bookmark) leads to the page that it belongs to.
async fn another_method(method: Method, uri: Uri) -> Response {
    match page_of(uri.path()).filter(|_| method == Method::GET || method == Method::HEAD) {
        Some(page) => Redirect::to(&page).into_response(),
        None => PageError::MethodNotAllowed.into_response(),
    }
}

/// The nearest page above an address to which forms are sent.
fn page_of(path: &str) -> Option<String> {
    let (mut above, last) = path.rsplit_once('/')?;
    // Credentials are made on the set-up page, whose address is no part of theirs.
    if matches!(last, "tokens" | "logins" | "clients") {
        return Some(format!("{above}/setup"));
    }
    loop {
        let is_page = |(method, pattern, _): &&(&str, &str, Right)| *method == "GET" && fits(pattern, above);
        if ROUTES.iter().any(|route| is_page(&route)) {
            return Some(above.to_owned());
        }
        (above, _) = above.rsplit_once('/')?;
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given))
                if wanted == given || wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

fn refuse(_: ProtectionError) -> Response {
    PageError::CrossSite.into_response()
}

fn panicked(reason: Box<dyn std::any::Any + Send>) -> Response {
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

    /// What is sent as a form because it is long, and only looked at; and whether a trail is whole, which whoever reads it
    /// may ask.
    const LOOKS: [&str; 2] = ["/console/tenants/{slug}/profile/try", "/console/tenants/{slug}/audit/verify"];

    #[test]
    fn each_address_of_a_form_has_a_page() {
        for (method, path, _) in ROUTES.iter().filter(|(method, path, _)| {
            *method == "POST" && !ROUTES.iter().any(|(other, known, _)| *other == "GET" && known == path)
        }) {
            let page = page_of(path).unwrap_or_default();
            assert!(
                ROUTES.iter().any(|(method, pattern, _)| *method == "GET" && fits(pattern, &page)),
                "{method} {path}: {page}"
            );
        }
        for (path, page) in [
            ("/console/tenants/acme/tokens", "/console/tenants/acme/setup"),
            ("/console/tenants/acme/setup/links", "/console/tenants/acme/setup"),
            ("/console/tenants/acme/setup/links/7/revoke", "/console/tenants/acme/setup"),
            ("/console/tenants/acme/users/7/restore", "/console/tenants/acme/users/7"),
            ("/console/tenants/acme/value-sets/roles/values", "/console/tenants/acme/value-sets/roles"),
            ("/console/account/password", "/console/account"),
            ("/setup/token", "/setup"),
        ] {
            assert_eq!(page_of(path).as_deref(), Some(page), "{path}");
        }
        assert_eq!(page_of("nothing"), None);
    }

    #[test]
    fn what_is_about_a_tenant_needs_a_right_to_that_tenant() {
        for (method, path, right) in ROUTES {
            let about_a_tenant = path.contains("{slug}");
            assert!(
                matches!(right, Right::Read | Right::Manage | Right::End | Right::Operate) || !about_a_tenant,
                "{method} {path}"
            );
            let of_a_tenant = matches!(right, Right::Read | Right::Manage | Right::End);
            assert!(!of_a_tenant || about_a_tenant, "{method} {path}");
            assert!(
                !about_a_tenant || *method == "GET" || *right != Right::Read || LOOKS.contains(path),
                "{method} {path} changes something"
            );
        }
    }
}
