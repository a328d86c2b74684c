//! The audit pages: what was done is found, told, proven and given as files.

use http::StatusCode;
use serde_json::Value;
use store::admins::AdminRole;
use store_testing::TestStore;

use crate::support::{Console, PASSWORD, context, person};

const AUDIT: &str = "/console/tenants/acme/audit";

/// A tenant with a user who was changed, all of it numbered; gives the user's id.
async fn with_changes(store: TestStore) -> (Console, String) {
    let console = Console::signed_in(store).await;
    let tenant = console.tenant("acme", "generic").await;
    let user = console.user(&tenant, person("amara@x.example", "Amara", "Okafor")).await;
    let (context, projection) = (context(), scim_core::projection::Projection::default());
    let request = provisioning::Request {
        tenant: &tenant,
        context: &context,
        base_url: "https://x/scim",
        projection: &projection,
    };
    let body = person("amara@x.example", "Amara", "<b>Lindqvist</b>");
    console.state.provisioner.replace_user(request, &user, None, &body).await.unwrap();
    console
        .post("/console/tenants/acme/tokens", &[("name", "=cmd()"), ("expires", "1y"), ("read", "on")])
        .await;
    console.store.number().await;
    (console, user)
}

store_testing::on_both! {
    async fn what_was_done_is_listed_and_found(store: TestStore) {
        let (console, user) = with_changes(store).await;
        let list = console.get(AUDIT).await;
        assert_eq!(list.status, StatusCode::OK);
        list.shows("User updated").shows("name.familyName").shows("amara@x.example").shows("token Okta production");
        list.shows("Credential made").shows("Tenant made").shows("Not verified yet").hides("<b>Lindqvist");
        let body = &list.body;
        assert!(body.find("Credential made<").unwrap() < body.find("User updated<").unwrap(), "newest first");

        for (query, shown, hidden) in [
            ("q=AMARA", "User updated<", "Credential made<span"),
            ("event=user.created", ">User created", "name.familyName"),
            ("kind=Credential", "=cmd()", "amara@x.example"),
            (&format!("object={user}"), "User updated<", "=cmd()"),
            ("actor=ada%40example.com", "=cmd()", "amara@x.example"),
            ("request=request-1", "amara@x.example", "=cmd()"),
            ("to=2020-01-01", "No entry fits", "amara@x.example"),
            ("q=nothing-of-the-kind", "No entry fits", "amara@x.example"),
            ("from=26.11.2026", "This is no date", "No entry fits"),
        ] {
            let page = console.get(&format!("{AUDIT}?{query}")).await;
            let results = page.between("id=\"results\"", "</main>").unwrap_or_default().to_owned();
            let whole = if shown == "This is no date" { &page.body } else { &results };
            assert!(whole.contains(shown), "{query}: {whole}");
            assert!(!results.contains(hidden), "{query}: {results}");
        }
        let older = console.get(&format!("{AUDIT}?before=2")).await;
        older.shows("Tenant made").shows("Newest").hides("name.familyName");
    }

    async fn an_entry_tells_before_and_after(store: TestStore) {
        let (console, user) = with_changes(store).await;
        let list = console.get(&format!("{AUDIT}?q=amara&event=user.updated")).await;
        let link = list.between("class=\"entry-number\"><a href=\"", "\"").unwrap();
        let page = console.get(link).await;
        assert_eq!(page.status, StatusCode::OK);
        page.shows("<h1>User updated</h1>").shows("<del>Okafor</del>").shows("&#60;b&#62;Lindqvist").shows(&user);
        page.shows("token Okta production").shows("request-1").shows("Not verified yet");
        page.shows(&format!("{AUDIT}?object={}", user.replace('-', "%2D")));
        for path in ["999", "0", "-1", "x", "9999999999999999999999"] {
            assert_eq!(console.get(&format!("{AUDIT}/{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    async fn the_trail_is_verified_and_a_fault_is_told(store: TestStore) {
        let (console, _) = with_changes(store).await;
        let asked = console.post(&format!("{AUDIT}/verify"), &[]).await;
        assert_eq!((asked.status, asked.location()), (StatusCode::SEE_OTHER, "/console/tenants/acme/audit#chain"));
        console.get(AUDIT).await.shows("Verifying: 0 of").shows("<progress").hides(">Verify</button>");
        while console.store.check_step().await.unwrap() {}
        let list = console.get(AUDIT).await;
        list.shows("Verified up to number").shows(">Yes</span>").shows(">Verify</button>");
        console.get(&format!("{AUDIT}/2")).await.shows(">Verified</span>");

        if console.store.backend() == store::Backend::Sqlite {
            console.store.execute("DROP TRIGGER audit_append_only").await;
        }
        console.store.execute("UPDATE audit SET actor_name = 'somebody else' WHERE seq = 3 AND event LIKE 'user%'").await;
        console.post(&format!("{AUDIT}/verify"), &[]).await;
        while console.store.check_step().await.unwrap() {}
        let list = console.get(AUDIT).await;
        list.shows(">No</span>").shows("Entry 3 is not what was written").shows("What to do").shows("Entries 1 to 2 are what was written");
        list.shows("class=\"broken\"").shows("href=\"/console/tenants/acme/audit/3\"");
        console.get(&format!("{AUDIT}/3")).await.shows("Do not rely on what stands here").shows("Not what was written");
        console.get(&format!("{AUDIT}/4")).await.hides("Do not rely").shows("Not verified yet");
    }

    async fn files_hold_what_the_list_shows(store: TestStore) {
        let (console, _) = with_changes(store).await;
        let csv = console.get(&format!("{AUDIT}/export")).await;
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(csv.headers["content-disposition"], "attachment; filename=\"acme-audit.csv\"");
        csv.shows("number,at,event").shows("user.updated").shows("tenant.created").hides("rcl_");
        let some = console.get(&format!("{AUDIT}/export?kind=Credential")).await;
        assert_eq!(some.body.lines().count(), 2, "{}", some.body);
        let lines = console.get(&format!("{AUDIT}/export?format=jsonl&q=amara")).await;
        assert_eq!(lines.headers["content-type"], "application/x-ndjson");
        let lines: Vec<Value> = lines.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]["event"]), (2, &Value::from("user.updated")));
        assert_eq!(console.get(&format!("{AUDIT}/export?from=x")).await.status, StatusCode::BAD_REQUEST);
    }

    async fn the_installations_trail_is_for_operators_and_auditors_of_all(store: TestStore) {
        let (mut console, _) = with_changes(store).await;
        console.platform_token("Billing").await;
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        console.person("auditor@x", AdminRole::Auditor, &[]).await;
        console.person("local@x", AdminRole::Auditor, &[tenant.id()]).await;
        console.store.number().await;
        let page = console.get("/console/audit").await;
        page.shows("Platform token made").shows("Billing").shows("Person entered").hides("amara@x.example");
        console.get("/console/audit/1").await.shows("Person entered");
        for (email, may) in [("auditor@x", true), ("local@x", false)] {
            console.sign_in(email, PASSWORD).await;
            let expected = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
            for path in ["/console/audit", "/console/audit/1", "/console/audit/export"] {
                assert_eq!(console.get(path).await.status, expected, "{email} {path}");
            }
            // Reading, keeping and verifying a tenant's trail is what auditors are for.
            for path in [AUDIT, "/console/tenants/acme/audit/1", "/console/tenants/acme/audit/export"] {
                assert_eq!(console.get(path).await.status, StatusCode::OK, "{email} {path}");
            }
            assert_eq!(console.post(&format!("{AUDIT}/verify"), &[]).await.status, StatusCode::SEE_OTHER);
            let list = console.get("/console/").await;
            assert_eq!(list.body.contains("href=\"/console/audit\""), may, "{email}");
        }
        let page = console.post("/console/audit/verify", &[]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }

    async fn a_fresh_trail_says_what_will_stand_there(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        console.get(AUDIT).await.shows("Nothing was done yet").shows("entry waits for its number");
    }
}
