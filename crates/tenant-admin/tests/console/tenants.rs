//! Making, listing, activating tenants.

use http::StatusCode;
use store::tenants::TenantStatus;

use crate::support::{Console, EMAIL};

const NEW: &str = "/console/tenants/new";

fn fields<'a>(slug: &'a str, name: &'a str, profile: &'a str) -> [(&'a str, &'a str); 4] {
    [("slug", slug), ("name", name), ("profile", profile), ("compatibility", "lenient")]
}

store_testing::on_both! {
    async fn a_tenant_is_made_activated_and_deactivated(store: TestStore) {
        let console = Console::signed_in(store).await;
        let form = console.get(NEW).await;
        for (profile, _) in scim_core::profile::BUILTIN {
            form.shows(&format!("value=\"{profile}\""));
        }
        let page = console.post(NEW, &fields("acme", "Acme <Health>", "envi")).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/console/tenants/acme?done=created"));
        let made = console.get(page.location()).await;
        made.shows("Activate</button>").hides(">SCIM Configuration</a>");
        // Where its page comes from is told, and is the next step.
        made.shows("Domain type is not set; this page is there for Simple.");
        made.shows("href=\"/console/tenants/acme/settings\">Set the account’s properties</a>").hides("Make a credential");
        let simple = [("property-domain-type", "Simple"), ("property-authentication", "HTTP Redirect")];
        console.post("/console/tenants/acme/settings", &simple).await;
        let open = console.get("/console/tenants/acme").await;
        open.shows(">SCIM Configuration</a>").shows("Make a credential").hides("is not offered yet");
        console.post(NEW, &fields("gated", "Gated", "mdscripts")).await;
        let gated = console.get("/console/tenants/gated").await;
        gated.shows("Activating the tenant turns it on.").hides("Set the account’s properties");
        console.post("/console/tenants/gated/activate", &[]).await;
        console.get("/console/tenants/gated").await.shows("Make a credential").hides("is not offered yet");
        let setup = console.get("/console/tenants/acme/setup").await;
        setup.shows("Inactive").shows("https://rollcall.test/t/acme/scim<").shows("https://acme.customers.test/scim<");
        setup.shows("Acme &#60;Health&#62;").shows(">Groups</a>").shows("Envi_");

        let page = console.post("/console/tenants/acme/activate", &[]).await;
        assert_eq!(page.location(), "/console/tenants/acme?done=activated");
        console.get(page.location()).await.shows("The tenant is active");
        console.get("/console/tenants/acme/deactivate").await.shows("Deactivate Acme &#60;Health&#62;?");
        console.post("/console/tenants/acme/deactivate", &[]).await;
        let row = console.store.platform().tenant_by_slug("acme").await.unwrap().unwrap();
        assert_eq!(row.status, TenantStatus::Inactive);

        let audit = console.store.tenant(row.id).audit(None, 10).await.unwrap();
        let events: Vec<&str> = audit.iter().map(|record| record.event.as_str()).collect();
        assert_eq!(events, ["tenant.deactivated", "tenant.activated", "tenant.updated", "tenant.created"]);
        for record in &audit {
            assert_eq!((record.actor.name.as_str(), record.actor.kind), (EMAIL, store::ActorKind::Admin));
            assert!(!record.cause.is_empty(), "the request's id");
        }
    }

    async fn wrong_input_is_told_beside_the_field_and_kept(store: TestStore) {
        let console = Console::signed_in(store).await;
        let long = "x".repeat(201);
        let cases = [
            (fields("", "Acme", "envi"), "slug"),
            (fields("Acme", "Acme", "envi"), "slug"),
            (fields("console", "Acme", "envi"), "slug"),
            (fields("new", "Acme", "envi"), "slug"),
            (fields("xn--acme", "Acme", "envi"), "slug"),
            (fields("acme", "", "envi"), "name"),
            (fields("acme", "a\0b", "envi"), "name"),
            (fields("a\0b", "Acme", "envi"), "slug"),
            (fields("acme", &long, "envi"), "name"),
            (fields("acme", "Acme", "nothing"), "profile"),
            ([("slug", "acme"), ("name", "Acme"), ("profile", "envi"), ("compatibility", "")], "compatibility"),
        ];
        for (fields, field) in cases {
            let page = console.post(NEW, &fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            page.shows("id=\"problems\"").shows(&format!("<a href=\"#{field}\">")).shows("<title>Error: ");
        }
        assert_eq!(console.store.platform().tenants("", 0, 10).await.unwrap().total, 0);
        assert_eq!(console.post(NEW, &fields("acme", "Acme", "envi")).await.status, StatusCode::SEE_OTHER);
        let again = console.post(NEW, &fields("acme", "Second", "generic")).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.shows("<a href=\"#slug\">").shows("value=\"Second\"");
    }

    async fn the_list_searches_pages_and_counts(store: TestStore) {
        let console = Console::signed_in(store).await;
        for number in 0..27 {
            let slug = format!("t{number:02}");
            let profile = if number == 0 { "envi" } else { "epic-emp" };
            console.tenant(&slug, profile).await;
        }
        let tenant = console.state.tenants.by_slug("t00").await.unwrap().unwrap();
        let id = console.user(&tenant, crate::support::person("u@x.example", "U", "X")).await;
        console.group(&tenant, "Envi_Manager", &[&id]).await;
        let first = console.get("/console/tenants").await;
        first.shows("27 tenants").shows("t24 Hospital").hides("t25 Hospital").shows("1–25 of 27").shows("No credential");
        assert!(first.body.contains("/console/tenants/t00/groups") && !first.body.contains("/console/tenants/t01/groups"));
        console.get("/console/tenants?page=2").await.shows("t26 Hospital").hides("t24 Hospital").shows("26–27 of 27");
        console.get("/console/tenants?q=T07").await.shows("t07 Hospital").hides("t08 Hospital").shows("1 tenant<");
        console.get("/console/tenants?q=%22%3E%3Cscript%3E").await.shows("No tenant fits").hides("\"><script>");
        assert_eq!(console.get("/console/tenants?page=-7&q=%00").await.status, StatusCode::OK);
        let envi = console.get("/console/tenants?profile=envi&status=active").await;
        envi.shows("t00 Hospital").hides("t01 Hospital").shows("1 tenant<").shows("value=\"envi\" selected");
        console.get("/console/tenants?status=inactive").await.shows("No tenant fits").shows("Show all tenants");
        console.get("/console/tenants?status=none&profile=none").await.shows("27 tenants");
    }

    async fn pages_of_a_tenant_that_is_not_there_are_404(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "epic-emp").await;
        for path in [
            "/console/tenants/other/setup",
            "/console/tenants/other/users",
            "/console/tenants/a%00b/setup",
            "/console/tenants/%FF/setup",
            "/console/tenants/acme/groups",
            "/console/tenants/acme/users/0199f0a0-0000-7000-8000-000000000001",
            "/console/tenants/acme/users/not-an-id",
            "/console/tenants/acme/tokens/0199f0a0-0000-7000-8000-000000000001/revoke",
            "/console/nothing",
            "/console/static/app.css",
        ] {
            let page = console.get(path).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
            page.shows("Not found").shows(page.headers["x-request-id"].to_str().unwrap());
        }
        // A product without groups has no tab for them.
        console.get("/console/tenants/acme/setup").await.hides(">Groups</a>");
    }
}
