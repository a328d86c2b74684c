//! Who may do what: every route, by every role.

use http::StatusCode;
use sha2::{Digest, Sha256};
use store::admins::AdminRole;
use store_testing::TestStore;
use tenant_admin::{ROUTES, Right};

use crate::support::{Console, EMAIL, PASSWORD, person};

const ACME: &str = "/console/tenants/acme";

/// What the form of a profile sends along to say which text was looked at.
fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tenant with something on each of its pages, another one, and people of each kind.
struct World {
    console: Console,
    token: String,
    user: String,
    /// A user who was deleted.
    gone: String,
    group: String,
    login: String,
    /// An entry of the log.
    entry: String,
    import: String,
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
        let import = console.import(&acme).await;
        console.store.number().await;
        let entry = console.logged(&acme, |_| ()).await;
        Self { console, token, user, gone, group, login, entry, import }
    }

    fn filled(&self, path: &str) -> String {
        let id = match path {
            _ if path.ends_with("/purge") => &self.gone,
            _ if path.contains("/activity/") => &self.entry,
            _ if path.contains("/import/") => &self.import,
            _ if path.contains("/users/") => &self.user,
            _ if path.contains("/groups/") => &self.group,
            _ if path.contains("/logins/") => &self.login,
            _ => &self.token,
        };
        let path = path.replace("{slug}", "acme").replace("{id}", id);
        let path = path.replace("{part}", "policies").replace("{entry}", "all");
        path.replace("{version}", "1")
            .replace("{set}", "sites")
            .replace("{number}", "1")
            .replace("{key}", "none")
    }

    async fn sign_in(&mut self, email: &str) {
        assert_eq!(self.console.sign_in(email, PASSWORD).await.status, StatusCode::SEE_OTHER, "{email}");
    }
}

store_testing::on_both! {
    async fn every_route_answers_those_who_have_the_right_and_no_others(store: TestStore) {
        let mut world = World::new(store).await;
        // Of the rights Found, Survey, Read and Manage; None: the tenant is hidden.
        let people = [
            ("manager@x", [false, false, true, true], true),
            ("auditor@x", [false, false, true, false], true),
            ("reader@x", [false, true, true, false], true),
            ("stranger@x", [false, false, true, true], false),
        ];
        for (email, [founds, surveys, reads, manages], reaches) in people {
            world.sign_in(email).await;
            for (method, path, right) in ROUTES {
                let may = match right {
                    Right::Anybody | Right::SignedIn | Right::Guest => continue,
                    Right::Found => founds,
                    Right::Operate => false,
                    Right::Survey => surveys,
                    Right::Read => reads,
                    Right::Manage => manages,
                    Right::End => false,
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
        let list = world.console.get("/console/tenants").await;
        list.shows("other Hospital").hides("acme Hospital").shows("1 tenant<").hides("/console/tenants/new");
        world.console.get("/console/tenants?q=acme").await.shows("No tenant fits");
    }

    /// MDScripts: the feature is requested from the support; until then no manager turns it on.
    async fn a_manager_opens_no_feature_gate(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let form = [("slug", "acme"), ("name", "Acme"), ("profile", "mdscripts"), ("compatibility", "lenient")];
        assert_eq!(console.post("/console/tenants/new", &form).await.status, StatusCode::SEE_OTHER);
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        console.person("manager@x", AdminRole::Manager, &[tenant.id()]).await;
        console.sign_in("manager@x", PASSWORD).await;
        console.get(ACME).await.hides("/acme/activate").shows("an operator of this installation activates it");
        let page = console.post("/console/tenants/acme/activate", &[]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        page.shows("ask an operator of this installation, or the product&#39;s support");
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert!(!tenant.is_active() && !tenant.row.gate_open);

        // Nor by another profile, tried or saved.
        let text = tenant.row.profile.replace("feature-gate = true", "feature-gate = false");
        assert_ne!(text, tenant.row.profile);
        for path in ["/console/tenants/acme/profile/check", "/console/tenants/acme/profile"] {
            let fields = [("text", text.as_str()), ("version", "1"), ("checked", &digest(&text))];
            let page = console.post(path, &fields).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            page.shows("ask an operator").shows("feature-gate = false");
        }
        let text = format!("{}\n# A note.\n", tenant.row.profile);
        let fields = [("text", text.as_str()), ("version", "1"), ("checked", &digest(&text))];
        let page = console.post("/console/tenants/acme/profile", &fields).await;
        assert_eq!(page.location(), "/console/tenants/acme/profile?done=saved", "what opens nothing is theirs");

        // Once it is open, Status is the manager's.
        console.sign_in(EMAIL, PASSWORD).await;
        console.post("/console/tenants/acme/activate", &[]).await;
        console.sign_in("manager@x", PASSWORD).await;
        console.post("/console/tenants/acme/deactivate", &[]).await;
        console.get(ACME).await.shows("/acme/activate");
        let page = console.post("/console/tenants/acme/activate", &[]).await;
        assert_eq!(page.location(), "/console/tenants/acme?done=activated");
    }

    /// Envi: domain type and authentication are what the vendor knows of the account.
    async fn a_manager_sets_no_property_that_opens_the_page(store: TestStore) {
        const SETTINGS: &str = "/console/tenants/acme/settings";
        let mut console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "envi").await;
        console.person("manager@x", AdminRole::Manager, &[tenant.id()]).await;
        let properties = [("property-domain-type", "Simple"), ("property-authentication", "WS Trust")];
        let fields = |name| [[("name", name)].as_slice(), &properties].concat();
        for (name, value) in properties {
            let other = if value == "Simple" { "" } else { "Other" };
            console.post(SETTINGS, &[("name", "acme Hospital"), (name, other)]).await;
        }
        console.sign_in("manager@x", PASSWORD).await;
        console.get(SETTINGS).await.hides("<select id=\"property-").shows("set by an operator of this installation");
        let before = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        let page = console.post(SETTINGS, &fields("Mine")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        page.shows("ask an operator");
        let page = console.post("/console/tenants/acme/activate", &[]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        let after = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert_eq!((&after.row.properties, &after.row.name), (&before.row.properties, &before.row.name));
        assert_eq!(console.post(SETTINGS, &[("name", "Mine")]).await.status, StatusCode::SEE_OTHER);

        // The operator opens it: now the same form changes nothing that is not theirs.
        console.sign_in(EMAIL, PASSWORD).await;
        console.get(SETTINGS).await.shows("<select id=\"property-domain-type\"");
        assert_eq!(console.post(SETTINGS, &fields("Acme")).await.status, StatusCode::SEE_OTHER);
        console.sign_in("manager@x", PASSWORD).await;
        assert_eq!(console.post(SETTINGS, &fields("Mine too")).await.status, StatusCode::SEE_OTHER);
        for status in ["inactive", "active"] {
            let page = console.post("/console/tenants/acme/setup/edit", &[("status", status)]).await;
            assert_eq!(page.location(), "/console/tenants/acme/setup?done=updated", "{status}");
        }
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
        let list = world.console.get("/console/tenants").await;
        list.shows("acme Hospital").hides("/console/tenants/new").hides("/console/deleted-tenants");
        world.console.get("/console/").await.hides("/console/tenants/new");
    }
}
