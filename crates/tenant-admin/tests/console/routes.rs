//! All routes, walked: nothing is open that should not be, and no other site can change anything.

use http::{Request, StatusCode, header};
use store_testing::TestStore;
use tenant_admin::{ROUTES, Right};

use crate::support::{Console, HOST};

/// A path with its parameters filled in.
fn filled(path: &str, id: &str) -> String {
    let path = path.replace("{slug}", "acme").replace("{id}", id).replace("{*path}", "none");
    let path = path.replace("{part}", "policies").replace("{entry}", "all");
    path.replace("{version}", "1")
        .replace("{set}", "sites")
        .replace("{number}", "1")
        .replace("{key}", "none")
        .replace("{secret}", &"A".repeat(43))
}

async fn with_token(store: TestStore) -> (Console, String) {
    let console = Console::signed_in(store).await;
    let tenant = console.tenant("acme", "generic").await;
    console.with_value_set(&tenant).await;
    let fields = [("name", "Okta"), ("expires", "1y"), ("read", "on")];
    assert_eq!(console.post("/console/tenants/acme/tokens", &fields).await.status, StatusCode::CREATED);
    let id = console.state.tokens.list(tenant.id()).await.unwrap()[0].id.to_string();
    (console, id)
}

store_testing::on_both! {
    async fn without_a_session_pages_lead_to_sign_in_and_changes_are_refused(store: TestStore) {
        let (mut console, id) = with_token(store).await;
        for cookie in [None, Some("__Host-rollcall=AAAAAAAAAAAAAAAAAAAAAQ"), Some("__Host-rollcall=%"), Some("rollcall=x")] {
            console.cookie = cookie.map(str::to_owned);
            let unknown = ("GET", "/console/unknown", Right::SignedIn);
            let closed = ROUTES.iter().filter(|(_, _, right)| *right != Right::Anybody);
            for (method, path, right) in closed.chain(&[unknown]) {
                let path = filled(path, &id);
                match *method {
                    _ if *right == Right::Guest => {
                        let fields = [("for", "entra"), ("expires", "1y"), ("username", "x")];
                        let page = match *method {
                            "GET" => console.get(&path).await,
                            _ => console.post(&path, &fields).await,
                        };
                        assert_eq!(page.status, StatusCode::GONE, "{method} {path}");
                        page.shows("ask whoever sent it to you").hides("acme");
                    }
                    "GET" => {
                        let page = console.get(&path).await;
                        assert_eq!(page.status, StatusCode::SEE_OTHER, "GET {path}");
                        assert!(page.location().starts_with("/console/sign-in"), "{path}");
                    }
                    _ => {
                        let page = console.post(&path, &[("slug", "acme"), ("name", "x")]).await;
                        assert_eq!(page.status, StatusCode::FORBIDDEN, "{method} {path}");
                        page.shows("Your session has ended");
                    }
                }
            }
        }
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert!(tenant.is_active(), "nothing was changed");
        assert!(console.state.tokens.list(tenant.id()).await.unwrap()[0].revoked_at.is_none());
    }

    async fn every_page_answers_a_signed_in_operator(store: TestStore) {
        let (console, id) = with_token(store).await;
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        let user = console.user(&tenant, crate::support::person("u@x.example", "U", "X")).await;
        let group = console.group(&tenant, "G", &[&user]).await;
        let gone = console.user(&tenant, crate::support::person("gone@x.example", "G", "X")).await;
        console.delete(&tenant, &gone).await;
        let page = console.post("/console/tenants/acme/logins", &[("username", "okta@acme")]).await;
        assert_eq!(page.status, StatusCode::CREATED);
        let login = console.state.tokens.list(tenant.id()).await.unwrap()[0].id.to_string();
        let fields = [("client-name", "Entra"), ("client-expires", "1y")];
        assert_eq!(console.post("/console/tenants/acme/clients", &fields).await.status, StatusCode::CREATED);
        let client = console.state.tokens.list(tenant.id()).await.unwrap()[0].id.to_string();
        let platform = console.platform_token("Vendor").await;
        let entry = console.logged(&tenant, |_| ()).await;
        let import = console.import(&tenant).await;
        let fields = [("name", "App"), ("url", "https://app.example.com/"), ("target", "60"), ("users", "on")];
        assert_eq!(console.post("/console/destinations", &fields).await.status, StatusCode::CREATED);
        let destination = console.store.platform().destinations(None).await.unwrap()[0].id.to_string();
        console.store.number().await;
        let person = console.store.platform().admins(0, 1).await.unwrap().items[0].id.to_string();
        let closed = ROUTES.iter().filter(|(_, _, right)| !matches!(right, Right::Anybody | Right::Guest));
        for (method, path, _) in closed.filter(|(method, _, _)| *method == "GET") {
            let id = match *path {
                path if path.contains("/platform-tokens/") => &platform,
                path if path.contains("/admins/") => &person,
                path if path.contains("/destinations/") => &destination,
                path if path.ends_with("/purge") => &gone,
                path if path.contains("/activity/") => &entry,
                path if path.contains("/import/") => &import,
                path if path.contains("/users/") => &user,
                path if path.contains("/groups/") => &group,
                path if path.contains("/logins/") => &login,
                path if path.contains("/clients/") => &client,
                _ => &id,
            };
            let page = console.get(&filled(path, id)).await;
            assert_eq!(page.status, StatusCode::OK, "{method} {path}: {}", page.body);
            let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(page.headers[header::CACHE_CONTROL], "no-store", "{path}");
            assert_eq!(page.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
            assert_eq!(page.headers[header::REFERRER_POLICY], "no-referrer", "{path}");
            assert!(page.headers.contains_key("x-request-id"), "{path}");
            page.hides(" style=").hides("<script>");
        }
    }

    async fn another_site_can_change_nothing(store: TestStore) {
        let (console, id) = with_token(store).await;
        let changing: Vec<_> = ROUTES.iter().filter(|(method, _, _)| *method != "GET").collect();
        assert!(changing.len() >= 7);
        for (method, path, _) in changing {
            let path = filled(path, &id);
            for (name, value) in [
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-site", "same-site"),
                ("origin", "https://evil.example"),
                ("origin", "http://rollcall.test.evil.example"),
                ("origin", "null"),
            ] {
                let request = Request::builder()
                    .method(*method)
                    .uri(&path)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(name, value);
                let page = console.send(request, "slug=acme&name=x&expires=1y&read=on".into()).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{method} {path} with {name}: {value}");
                page.shows("sent from another site");
            }
        }
        assert!(console.state.tenants.by_slug("acme").await.unwrap().unwrap().is_active());
        assert_eq!(console.get("/console/").await.status, StatusCode::OK, "still signed in");
        // The console's own forms pass, whatever of the two headers the browser sends.
        let own = format!("https://{HOST}");
        for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", own.as_str())] {
            let request = Request::post("/console/tenants/acme/activate").header(name, value);
            assert_eq!(console.send(request, String::new()).await.status, StatusCode::SEE_OTHER);
        }
    }

    async fn other_hosts_and_methods_are_refused(store: TestStore) {
        let (console, _) = with_token(store).await;
        for host in ["evil.example", "acme.customers.test", "127.0.0.1"] {
            let page = console.send(Request::get("/console/").header(header::HOST, host), String::new()).await;
            assert_eq!(page.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
            page.hides("acme Hospital").shows("https://rollcall.test/console/");
        }
        let page = console.send(Request::put("/console/tenants/new"), String::new()).await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
        page.shows("This address does not take that");
        // The address of a form, loaded again.
        for (form, page) in [("setup/links", "setup"), ("tokens", "setup"), ("setup/provider", "setup")] {
            let answer = console.get(&format!("/console/tenants/acme/{form}")).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{form}");
            assert_eq!(answer.location(), format!("/console/tenants/acme/{page}"));
        }
        let request = Request::post("/console/tenants/new")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/json");
        assert_eq!(console.send(request, "{}".into()).await.status, StatusCode::BAD_REQUEST);
        let huge = format!("name={}", "x".repeat(100_000));
        let request = Request::post("/console/tenants/new")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        assert_eq!(console.send(request, huge).await.status, StatusCode::BAD_REQUEST);
    }

    async fn htmx_goes_to_sign_in_with_the_whole_page(store: TestStore) {
        let (mut console, _) = with_token(store).await;
        console.cookie = None;
        let page = console.send(Request::get("/console/").header("hx-request", "true"), String::new()).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert_eq!(page.headers["hx-redirect"], "/console/sign-in");
    }

    async fn static_files_are_served_for_a_year_and_open_routes_answer(store: TestStore) {
        let console = Console::empty(store).await;
        let page = console.get("/console/sign-in").await;
        let style = page.between("rel=\"stylesheet\" href=\"", "\"").unwrap();
        let file = console.get(style).await;
        assert_eq!(file.status, StatusCode::OK);
        assert_eq!(file.headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!(file.headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert!(file.headers.get(header::SET_COOKIE).is_none() && page.headers.get(header::SET_COOKIE).is_none());
        for path in ["/", "/console"] {
            assert_eq!(console.get(path).await.location(), "/console/");
        }
        let style = style.replace("app.", "app.0");
        assert_eq!(console.get(&style).await.status, StatusCode::NOT_FOUND);
    }
}
