//! The table of endpoints below a tenant's base URL, and finding the one that a request means.

use axum::{body::Body, response::Response};
use futures::future::BoxFuture;
use http::Method;
use percent_encoding::percent_decode_str;
use scim_core::ScimError;
use token_service::scopes::{SCIM_READ, SCIM_WRITE};

use crate::{
    call::Call,
    endpoints::{bulk, catalogues, discovery, groups, me, root, users},
};

/// What an endpoint gives.
pub(crate) type Answer = Result<Response, ScimError>;

/// One endpoint.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// Literal segments and at most one `{id}`; the empty path is the base URL itself.
    pub(crate) path: &'static str,
    /// As operators see it, apart from the routes of the console and the API.
    pub(crate) template: &'static str,
    /// What a credential must hold to use it.
    pub(crate) scope: &'static str,
    /// Carries it out.
    pub(crate) handler: fn(Call, Body) -> BoxFuture<'static, Answer>,
}

impl Route {
    /// `GET /Users/{id}`, for the log.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Is a request many changes, one after the other? It waits for the database most of its time, for up to a minute,
    /// and would keep a place from all whose body is large.
    pub(crate) fn is_long(&self) -> bool {
        self.path == "/Bulk"
    }

    /// May a token that stands for one user come here? Only to this user, and to what says nothing of anybody.
    pub(crate) fn is_personal(&self) -> bool {
        let below = |endpoint: &str| {
            self.path.strip_prefix(endpoint).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.path == "/Me" || ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes"].into_iter().any(below)
    }
}

macro_rules! table {
    ($($method:literal $path:literal $scope:ident $handler:path;)+) => {
        &[$(Route {
            method: $method,
            path: $path,
            template: concat!("/scim/v2", $path),
            scope: $scope,
            handler: |call, body| Box::pin($handler(call, body)),
        },)+]
    };
}

/// All endpoints. Of two paths that fit a request the first counts: literal segments stand before `{id}`.
const TABLE: &[Route] = table![
    "GET"    "/Users"                 SCIM_READ  users::list;
    "POST"   "/Users"                 SCIM_WRITE users::create;
    "POST"   "/Users/.search"         SCIM_READ  users::search;
    "GET"    "/Users/{id}"            SCIM_READ  users::get;
    "PUT"    "/Users/{id}"            SCIM_WRITE users::replace;
    "PATCH"  "/Users/{id}"            SCIM_WRITE users::patch;
    "DELETE" "/Users/{id}"            SCIM_WRITE users::delete;
    "GET"    "/Groups"                SCIM_READ  groups::list;
    "POST"   "/Groups"                SCIM_WRITE groups::create;
    "POST"   "/Groups/.search"        SCIM_READ  groups::search;
    "GET"    "/Groups/{id}"           SCIM_READ  groups::get;
    "PUT"    "/Groups/{id}"           SCIM_WRITE groups::replace;
    "PATCH"  "/Groups/{id}"           SCIM_WRITE groups::patch;
    "DELETE" "/Groups/{id}"           SCIM_WRITE groups::delete;
    "GET"    "/Roles"                 SCIM_READ  catalogues::roles;
    "GET"    "/Roles/{id}"            SCIM_READ  catalogues::role;
    "GET"    "/Entitlements"          SCIM_READ  catalogues::entitlements;
    "GET"    "/Entitlements/{id}"     SCIM_READ  catalogues::entitlement;
    "GET"    "/ServiceProviderConfig" SCIM_READ  discovery::service_provider_config;
    "GET"    "/Schemas"               SCIM_READ  discovery::schemas;
    "GET"    "/Schemas/{id}"          SCIM_READ  discovery::schema;
    "GET"    "/ResourceTypes"         SCIM_READ  discovery::resource_types;
    "GET"    "/ResourceTypes/{id}"    SCIM_READ  discovery::resource_type;
    "GET"    "/Me"                    SCIM_READ  me::get;
    "POST"   "/Me"                    SCIM_WRITE me::create;
    "PUT"    "/Me"                    SCIM_WRITE me::replace;
    "PATCH"  "/Me"                    SCIM_WRITE me::patch;
    "DELETE" "/Me"                    SCIM_WRITE me::delete;
    "POST"   "/Bulk"                  SCIM_WRITE bulk::run;
    "POST"   "/.search"               SCIM_READ  root::search;
    "GET"    ""                       SCIM_READ  root::list;
];

/// The endpoints below a tenant's base URL as `(method, path)`, derived from the table that requests are matched
/// with, so that tests can walk all of it. The empty path is the base URL itself; HEAD goes wherever GET does.
pub const ROUTES: &[(&str, &str)] = &{
    let mut routes = [("", ""); TABLE.len()];
    let mut at = 0;
    while at < TABLE.len() {
        routes[at] = (TABLE[at].method, TABLE[at].path);
        at += 1;
    }
    routes
};

/// What a method and a path mean.
pub(crate) enum Found {
    /// An endpoint, and its `{id}` decoded.
    Route(&'static Route, String),
    /// The path is there, the method is not: the methods that are, for `Allow`.
    OtherMethods(String),
    /// No such path; perhaps one that differs only in case.
    Nothing(Option<&'static str>),
}

/// Finds the endpoint for what follows the base URL.
pub(crate) fn find(method: &Method, rest: &str) -> Found {
    let segments: Vec<String> = rest.split('/').skip(1).map(decode).collect();
    let Some(path) = path_of(&segments, str::eq) else {
        return Found::Nothing(path_of(&segments, str::eq_ignore_ascii_case));
    };
    let wanted = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let mut on_path = TABLE.iter().filter(|route| route.path == path);
    match on_path.clone().find(|route| route.method == wanted) {
        Some(route) => Found::Route(route, id_of(route.path, &segments)),
        None => Found::OtherMethods(on_path.by_ref().fold(String::new(), |allow, route| {
            let method = if route.method == "GET" { "GET, HEAD" } else { route.method };
            if allow.is_empty() { method.to_owned() } else { format!("{allow}, {method}") }
        })),
    }
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The first path of the table that fits, literal segments compared by `same`.
fn path_of(segments: &[String], same: fn(&str, &str) -> bool) -> Option<&'static str> {
    let fits = |path: &str| {
        let pattern: Vec<&str> = path.split('/').skip(1).collect();
        let matches = |(wanted, found): (&&str, &String)| *wanted == "{id}" || same(wanted, found);
        pattern.len() == segments.len() && pattern.iter().zip(segments).all(matches)
    };
    TABLE.iter().map(|route| route.path).find(|path| fits(path))
}

fn id_of(path: &str, segments: &[String]) -> String {
    let at = path.split('/').skip(1).position(|segment| segment == "{id}");
    at.and_then(|at| segments.get(at)).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(method: &str, rest: &str) -> String {
        match find(&Method::from_bytes(method.as_bytes()).expect("a method"), rest) {
            Found::Route(route, id) => format!("{} {id}", route.name()),
            Found::OtherMethods(allow) => format!("405 {allow}"),
            Found::Nothing(hint) => format!("404 {}", hint.unwrap_or_default()),
        }
    }

    #[test]
    fn finds_by_method_and_path() {
        let table = [
            ("GET", "/Users", "GET /Users "),
            ("HEAD", "/Users", "GET /Users "),
            ("GET", "/Users/a%20b", "GET /Users/{id} a b"),
            ("GET", "/Users/a%2Fb", "GET /Users/{id} a/b"),
            ("POST", "/Users/.search", "POST /Users/.search "),
            ("GET", "/Users/.search", "405 POST"),
            ("GET", "/Schemas/urn:x:y", "GET /Schemas/{id} urn:x:y"),
            ("GET", "", "GET  "),
            ("POST", "", "405 GET, HEAD"),
            ("DELETE", "/Users", "405 GET, HEAD, POST"),
            ("OPTIONS", "/Groups/1", "405 GET, HEAD, PUT, PATCH, DELETE"),
            ("PROPFIND", "/Bulk", "405 POST"),
            ("GET", "/users", "404 /Users"),
            ("GET", "/serviceproviderconfig", "404 /ServiceProviderConfig"),
            ("GET", "/Users/1/2", "404 "),
            ("GET", "/Nothing", "404 "),
            ("GET", "/%ff", "404 "),
        ];
        for (method, rest, wanted) in table {
            assert_eq!(shown(method, rest), wanted, "{method} {rest}");
        }
    }

    #[test]
    fn every_route_finds_itself() {
        assert_eq!(ROUTES.len(), TABLE.len());
        for (method, path) in ROUTES {
            let id = if path.contains("{id}") { "x" } else { "" };
            assert_eq!(shown(method, &path.replace("{id}", "x")), format!("{method} {path} {id}"));
        }
    }

    #[test]
    fn little_is_open_to_a_token_of_one_user() {
        let mut open: Vec<_> =
            TABLE.iter().filter(|route| route.is_personal()).map(|route| route.path).collect();
        open.dedup();
        let wanted = [
            "/ServiceProviderConfig",
            "/Schemas",
            "/Schemas/{id}",
            "/ResourceTypes",
            "/ResourceTypes/{id}",
            "/Me",
        ];
        assert_eq!(open, wanted);
    }

    #[test]
    fn only_reading_methods_ask_for_the_reading_scope() {
        for route in TABLE {
            let reads = route.method == "GET" || route.path.ends_with("/.search");
            assert_eq!(route.scope, if reads { SCIM_READ } else { SCIM_WRITE }, "{}", route.name());
        }
    }
}
