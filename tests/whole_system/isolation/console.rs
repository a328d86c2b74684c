//! Attempts at the console and at the set-up pages: every route of the table.

use tenant_admin::{ROUTES, Right};

use super::{
    prey::{IDS, Prey},
    request::{Actor, Request},
    world::Thief,
};

/// What is sent to every form: it takes the fields that it knows.
const FIELDS: [(&str, &str); 14] = [
    ("name", "thief"),
    ("slug", "thief"),
    ("expires", "1y"),
    ("read", "on"),
    ("write", "on"),
    ("grace", "24h"),
    ("note", "thief"),
    ("username", "thief"),
    ("client-name", "thief"),
    ("client-expires", "1y"),
    ("value", "thief"),
    ("networks", "10.0.0.0/8"),
    ("version", "1"),
    ("for", "okta"),
];

/// Addresses that are about whoever asks, and about no tenant: who is signed in, and their own account.
const ABOUT_ONESELF: [&str; 10] = [
    "/console/sign-in",
    "/console/sign-in/code",
    "/console/sign-out",
    "/console/account/password",
    "/console/account/sessions",
    "/console/account/second-factor",
    "/console/account/second-factor/confirm",
    "/console/account/second-factor/codes",
    "/console/account/second-factor/off",
    "/setup/leave",
];

/// What may stand in the places of a path beside the tenant.
fn values<'a>(path: &str, prey: &'a Prey) -> Vec<&'a str> {
    let names = path.split(['{', '}']).skip(1).step_by(2).filter(|name| *name != "slug");
    match names.collect::<Vec<_>>().as_slice() {
        [] => vec![""],
        ["id"] => IDS.iter().map(|id| prey.get(id)).collect(),
        ["version" | "number"] => vec!["1", "2"],
        ["set"] | ["set", "version"] => vec![prey.get("role"), prey.get("licence")],
        ["key"] => vec![prey.get("role"), prey.get("group name")],
        ["part"] | ["part", "entry"] => vec!["attributes"],
        // What a link's secret is not.
        ["secret"] => ["link", "user", "person"].iter().map(|id| prey.get(id)).collect(),
        ["*path"] => vec!["none"],
        names => panic!("{path}: say here what {names:?} may be"),
    }
}

fn filled(path: &str, slug: &str, value: &str) -> String {
    let path = path.replace("{slug}", slug).replace("{entry}", "name");
    let path = if path.contains("{set}") { path.replace("{version}", "1") } else { path };
    ["{id}", "{version}", "{number}", "{set}", "{key}", "{part}", "{secret}", "{*path}"]
        .iter()
        .fold(path, |path, name| path.replace(name, value))
}

fn request(kind: &'static str, actor: &Actor, method: &str, path: String) -> Request {
    let request = Request::new(kind, actor, method, path);
    if method == "POST" { request.form(&FIELDS) } else { request }
}

/// About the other tenant, by people who are given one's own tenant alone.
pub(super) fn about_them(thief: &Thief, prey: &Prey) -> Vec<Request> {
    let nobody = Actor::nobody();
    let actors = [&thief.manager, &thief.auditor, &thief.guest, &thief.reader, &nobody];
    let mut requests = Vec::new();
    for (method, path, right) in ROUTES {
        let about_oneself = ABOUT_ONESELF.contains(path) || *method == "POST" && *right == Right::Guest;
        for (number, value) in values(path, prey).into_iter().enumerate() {
            // An id in each place for one by the manager; the others once.
            for actor in actors.into_iter().take(if number == 0 { actors.len() } else { 1 }) {
                let filled = filled(path, prey.get("slug"), value);
                let new = request("console", actor, method, filled);
                if path.contains('{') {
                    requests.push(new);
                } else if !about_oneself {
                    // The same for everybody; what it tells counts.
                    requests.push(new.alone());
                }
            }
        }
    }
    requests
}

/// What the other tenant has, at the pages of one's own: also by an operator, who may see both but nothing of one on a page of the
/// other.
pub(super) fn at_ones_own(thief: &Thief, operator: &Actor, prey: &Prey) -> Vec<Request> {
    let own = thief.prey.get("slug");
    let mut requests = Vec::new();
    let theirs = |path: &str| ["{id}", "{set}", "{key}"].iter().any(|name| path.contains(name));
    for (method, path, _) in ROUTES.iter().filter(|(_, path, _)| path.contains("{slug}") && theirs(path)) {
        for (number, value) in values(path, prey).into_iter().enumerate() {
            let actors = [&thief.manager, operator, &thief.auditor];
            for actor in actors.into_iter().take(if number == 0 { 3 } else { 2 }) {
                requests.push(request("console, own tenant", actor, method, filled(path, own, value)));
            }
        }
    }
    // Searches of one's own pages.
    for (page, parameters) in [
        ("users", &["q", "filter"][..]),
        ("groups", &["q"]),
        ("roles", &["group"]),
        ("audit", &["q", "object", "actor"]),
        ("activity", &["about", "path", "request"]),
    ] {
        for parameter in parameters {
            for name in ["user", "user name", "mail", "display name", "group", "group name", "role", "token"]
            {
                let value = prey.get(name);
                let asked =
                    if *parameter == "filter" { format!("id eq \"{value}\"") } else { value.to_owned() };
                let query = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair(parameter, &asked)
                    .append_pair("inside", "1")
                    .finish();
                for actor in [&thief.manager, operator] {
                    let path = format!("/console/tenants/{own}/{page}?{query}");
                    requests.push(Request::new("console, searches", actor, "GET", path));
                }
            }
        }
    }
    requests
}

/// Sessions that are none: those of one door at the other, a session's public id, one that was changed.
pub(super) fn with_sessions(thief: &Thief, prey: &Prey) -> Vec<Request> {
    let value = |actor: &Actor| actor.headers[0].1.split_once('=').unwrap().1.to_owned();
    let (manager, guest) = (value(&thief.manager), value(&thief.guest));
    let name = |actor: &Actor| actor.headers[0].1.split_once('=').unwrap().0.to_owned();
    let (of_console, of_setup) = (name(&thief.manager), name(&thief.guest));
    let cookies = [
        format!("{of_console}={guest}"),
        format!("{of_setup}={manager}"),
        format!("{of_console}={}", prey.get("sitting")),
        format!("{of_console}={}", prey.get("person")),
        format!("{of_setup}={}", prey.get("link")),
        format!("{of_setup}={}", prey.get("tenant")),
        format!("{of_console}={manager}; {of_setup}={}", prey.get("link")),
        format!("{of_console}={}; {of_console}={manager}", prey.get("sitting")),
    ];
    let slug = prey.get("slug");
    let mut requests = Vec::new();
    for cookie in cookies {
        let actor = Actor::sitting("made-up session", cookie);
        for page in ["", "/users", "/setup", "/audit", "/delivery", "/export", "/profile"] {
            requests.push(Request::new("sessions", &actor, "GET", format!("/console/tenants/{slug}{page}")));
        }
        requests.push(Request::new("sessions", &actor, "GET", "/setup"));
        let deactivate = format!("/console/tenants/{slug}/deactivate");
        requests.push(request("sessions", &actor, "POST", deactivate));
        requests.push(request("sessions", &actor, "POST", "/setup/provider".to_owned()));
    }
    requests
}
