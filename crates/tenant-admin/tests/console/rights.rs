//! Who may do what: every route, by every role.

use http::StatusCode;
use store::admins::AdminRole;
use store_testing::TestStore;
use tenant_admin::{ROUTES, Right};

use crate::support::{Console, PASSWORD, person};

/// A tenant with something on each of its pages, another one, and people of each kind.
struct World {
    console: Console,
    token: String,
    user: String,
    /// A user who was deleted.
    gone: String,
    group: String,
    login: String,
}

impl World {
    async fn new(store: TestStore) -> Self {
        let console = Console::signed_in(store).await;
        let (acme, other) =
            (console.tenant("acme", "generic").await, console.tenant("other", "generic").await);
        let fields = [("name", "Okta"), ("expires", "1y"), ("read", "on")];
        assert_eq!(console.post("/console/tenants/acme/tokens", &fields).await.status, StatusCode::CREATED);
        console.with_value_set(&acme).await;
        let token = console.state.tokens.list(acme.id()).await.unwrap()[0].id.to_string();
        let page = console.post("/console/tenants/acme/logins", &[("username", "okta@acme")]).await;
        assert_eq!(page.status, StatusCode::CREATED);
        let login = console.state.tokens.list(acme.id()).await.unwrap()[0].id.to_string();
        let user = console.user(&acme, person("u@x.example", "U", "X")).await;
        let gone = console.user(&acme, person("gone@x.example", "G", "X")).await;
        console.delete(&acme, &gone).await;
        let group = console.group(&acme, "G", &[&user]).await;
        console.person("manager@x", AdminRole::Manager, &[acme.id()]).await;
        console.person("auditor@x", AdminRole::Auditor, &[acme.id()]).await;
        console.person("reader@x", AdminRole::Auditor, &[]).await;
        console.person("stranger@x", AdminRole::Manager, &[other.id()]).await;
        Self { console, token, user, gone, group, login }
    }

    fn filled(&self, path: &str) -> String {
        let id = match path {
            _ if path.ends_with("/purge") => &self.gone,
            _ if path.contains("/users/") => &self.user,
            _ if path.contains("/groups/") => &self.group,
            _ if path.contains("/logins/") => &self.login,
            _ => &self.token,
        };
        let path = path.replace("{slug}", "acme").replace("{id}", id);
        path.replace("{version}", "1").replace("{set}", "sites")
    }

    async fn sign_in(&mut self, email: &str) {
        assert_eq!(self.console.sign_in(email, PASSWORD).await.status, StatusCode::SEE_OTHER, "{email}");
    }
}

store_testing::on_both! {
    async fn every_route_answers_those_who_have_the_right_and_no_others(store: TestStore) {
        let mut world = World::new(store).await;
        // Of the rights Found, Read and Manage; None: the tenant is hidden.
        let people = [
            ("manager@x", [false, true, true], true),
            ("auditor@x", [false, true, false], true),
            ("reader@x", [false, true, false], true),
            ("stranger@x", [false, true, true], false),
        ];
        for (email, [founds, reads, manages], reaches) in people {
            world.sign_in(email).await;
            for (method, path, right) in ROUTES {
                let may = match right {
                    Right::Anybody | Right::SignedIn => continue,
                    Right::Found => founds,
                    Right::Read => reads,
                    Right::Manage => manages,
                };
                // What they may change is tried by the tests of the pages.
                if *method == "POST" && may && reaches {
                    continue;
                }
                let path = world.filled(path);
                let page = match *method {
                    "GET" => world.console.get(&path).await,
                    _ => world.console.post(&path, &[("slug", "acme"), ("name", "x")]).await,
                };
                let named = path.starts_with("/console/tenants/acme");
                let expected = match (named && !reaches, may) {
                    (true, _) => StatusCode::NOT_FOUND,
                    (false, true) => StatusCode::OK,
                    (false, false) => StatusCode::FORBIDDEN,
                };
                assert_eq!(page.status, expected, "{email}: {method} {path}");
                if expected == StatusCode::FORBIDDEN {
                    page.shows("Your role does not allow that").shows(email);
                }
            }
        }
        let tenant = world.console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert!(tenant.is_active(), "nothing was changed");
        assert!(world.console.state.tokens.list(tenant.id()).await.unwrap()[0].revoked_at.is_none());
    }

    async fn a_tenant_of_others_is_like_one_that_is_not_there(store: TestStore) {
        let mut world = World::new(store).await;
        world.sign_in("stranger@x").await;
        let mut shown = Vec::new();
        for slug in ["acme", "nobody"] {
            let page = world.console.get(&format!("/console/tenants/{slug}/users")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND);
            let id = page.headers["x-request-id"].to_str().unwrap();
            shown.push(page.body.replace(id, "").replace(slug, ""));
        }
        assert_eq!(shown[0], shown[1]);
        let list = world.console.get("/console/").await;
        list.shows("other Hospital").hides("acme Hospital").shows("1 tenant<").hides("/console/tenants/new");
        world.console.get("/console/?q=acme").await.shows("No tenant fits");
    }

    async fn pages_offer_what_one_may_do(store: TestStore) {
        let mut world = World::new(store).await;
        let paths = ["/console/tenants/acme", "/console/tenants/acme/users", "/console/tenants/acme/groups"];
        for (email, manages) in [("auditor@x", false), ("reader@x", false), ("manager@x", true)] {
            world.sign_in(email).await;
            for path in paths {
                let page = world.console.get(path).await;
                assert_eq!(page.body.contains("/console/tenants/acme/setup"), manages, "{email}: {path}");
                // Signing out is the one form that an auditor has.
                let forms = page.body.matches("method=\"post\"").count();
                assert!(manages || forms == 1, "{email}: {path} has {forms} forms");
            }
        }
        world.console.get("/console/tenants/acme").await.shows("Deactivate…").shows(">manager</span>");
        let list = world.console.get("/console/").await;
        list.shows("acme Hospital").hides("/console/tenants/new");
    }
}
