//! The product's SCIM page: when it is offered, what it shows, what is edited there.

use http::StatusCode;
use scim_core::value_set::AllowedValue;
use store::admins::AdminRole;

use crate::support::{Console, PASSWORD, context, person};

const SETUP: &str = "/console/tenants/acme/setup";
const EDIT: &str = "/console/tenants/acme/setup/edit";
const SETTINGS: &str = "/console/tenants/acme/settings";
const LINK: &str = "href=\"/console/tenants/acme/setup\"";

/// A tenant made in the console, as its form leaves it.
async fn made(console: &Console, profile: &str) {
    let form = [("slug", "acme"), ("name", "Acme"), ("profile", profile), ("compatibility", "lenient")];
    assert_eq!(console.post("/console/tenants/new", &form).await.status, StatusCode::SEE_OTHER);
}

store_testing::on_both! {
    async fn envi_offers_its_page_for_simple_domains_with_these_sign_ins(store: TestStore) {
        let console = Console::signed_in(store).await;
        made(&console, "envi").await;
        let overview = "/console/tenants/acme";
        for (domain, sign_in, open) in [
            ("", "", false),
            ("Simple", "", false),
            ("Simple", "Other", false),
            ("Other", "WS Trust", false),
            ("Simple", "WS Trust", true),
            ("Simple", "HTTP Redirect", true),
        ] {
            let fields =
                [("name", "Acme"), ("property-domain-type", domain), ("property-authentication", sign_in)];
            let page = console.post(SETTINGS, &fields).await;
            assert_eq!(page.location(), "/console/tenants/acme/settings?done=saved", "{}", page.body);
            assert_eq!(console.get(overview).await.body.contains(LINK), open, "{domain} {sign_in}");
            let setup = console.get(SETUP).await;
            assert_eq!(setup.status, StatusCode::OK);
            let token = [("name", "Okta"), ("expires", "1y"), ("read", "on")];
            if open {
                setup.shows("https://rollcall.test/t/acme/scim<").shows("Create Token");
                console.get(SETTINGS).await.hides("SCIM Configuration is hidden");
            } else {
                setup.shows("SCIM Configuration is not available").hides("/t/acme/scim").hides("Create Token");
                setup.shows("this page is there for").shows("Go Back");
                console.get(SETTINGS).await.shows("SCIM Configuration is hidden").shows("this page is there for");
                let page = console.post("/console/tenants/acme/tokens", &token).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN);
                assert_eq!(console.post(EDIT, &[("status", "active")]).await.status, StatusCode::FORBIDDEN);
                console.get(EDIT).await.hides("Update</button>");
            }
        }
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert!(!tenant.is_active() && console.state.tokens.list(tenant.id()).await.unwrap().is_empty());
    }

    async fn envi_is_configured_as_its_guide_says(store: TestStore) {
        let console = Console::signed_in(store).await;
        made(&console, "envi").await;
        let simple = [("name", "Acme"), ("property-domain-type", "Simple"), ("property-authentication", "WS Trust")];
        console.post(SETTINGS, &simple).await;

        let first = console.get(SETUP).await;
        first.shows("<dt>Status</dt><dd><span class=\"badge badge-quiet\">Inactive</span>");
        first.shows("<dt>Organization</dt><dd><span class=\"muted\">none</span>");
        first.shows("<dt>Valid Token</dt><dd id=\"valid\">No").shows("<dt>User Role Prefix</dt><dd><code>Envi_</code>");
        first.shows(">Edit</a>").shows(">Create Token</button>").shows(">Go Back</a>").hides("Copy Token</span></button>");

        let form = console.get(EDIT).await;
        form.shows("<option value=\"inactive\" selected>").shows("name=\"organization\"").shows(">Update</button>");
        let fields = [("status", "active"), ("organization", " For Testing Purpose "), ("prefix", "Envi_"), ("version", "1")];
        let page = console.post(EDIT, &fields).await;
        assert_eq!(page.location(), "/console/tenants/acme/setup?done=updated", "{}", page.body);
        let updated = console.get(page.location()).await;
        updated.shows("badge-ok\">Active</span>").shows("<dt>Organization</dt><dd>For Testing Purpose");

        // The fields of the button on that page.
        let name = updated.between("name=\"name\" value=\"", "\"").unwrap().to_owned();
        let fields = [("name", name.as_str()), ("expires", "1y"), ("read", "on"), ("write", "on")];
        let page = console.post("/console/tenants/acme/tokens", &fields).await;
        assert_eq!(page.status, StatusCode::CREATED, "{}", page.body);
        page.shows("Copy Token</span></button>").shows("data-copy=\"token-bearer\"").shows("<dt>Valid Token</dt><dd id=\"valid\">Yes");
        console.get(SETUP).await.hides("Copy Token</span></button>").shows("<dt>Valid Token</dt><dd id=\"valid\">Yes");
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert!(tenant.is_active() && tenant.row.profile_version == 1);
    }

    async fn organizations_are_chosen_from_the_list_of_the_tenant(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "envi").await;
        let values = vec![
            AllowedValue { value: "north".into(), label: Some("North <1>".into()) },
            AllowedValue::from("south"),
        ];
        console.state.tenants.set_value_set(&tenant, "organizations", values, &context()).await.unwrap();
        for place in [EDIT, SETTINGS] {
            console.get(place).await.shows("<option value=\"north\">North &#60;1&#62;</option>");
        }
        let fields = [("status", "active"), ("organization", "west")];
        let page = console.post(EDIT, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("<a href=\"#organization\">").shows("send north, south");
        let page = console.post(SETTINGS, &[("name", "Other"), ("organization", "west")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("<a href=\"#organization\">").shows("value=\"Other\"");
        console.post(EDIT, &[("status", "active"), ("organization", "NORTH")]).await;
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert_eq!((tenant.row.organization.as_deref(), tenant.row.name.as_str()), (Some("north"), "acme Hospital"));
        console.get(EDIT).await.shows("<option value=\"north\" selected>");
    }

    async fn another_role_prefix_is_shown_what_it_does_before_it_is_saved(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "envi").await;
        let user = console.user(&tenant, person("u@x.example", "U", "X")).await;
        let id = user.parse().unwrap();
        console.group(&tenant, "Envi_Manager", &[&user]).await;
        console.group(&tenant, "Acme-Buyer", &[&user]).await;
        let roles = async || -> Vec<String> {
            let grants = console.store.tenant(tenant.id()).roles_of_users(&[id]).await.unwrap();
            grants.into_iter().map(|(_, grant)| grant.role.name).collect()
        };
        let mut fields = vec![("status", "active"), ("prefix", "Acme-"), ("version", "1")];
        let page = console.post(EDIT, &fields).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        page.shows("Nothing is changed yet").shows("1 person gains Buyer").shows("1 person loses Manager");
        page.shows("name=\"previewed\" value=\"Acme-\"");
        assert_eq!(roles().await, ["Manager"]);
        // The dry run of another prefix is none of this one.
        fields.push(("previewed", "Acme_"));
        console.post(EDIT, &fields).await.shows("Nothing is changed yet");
        fields.pop();
        fields.push(("previewed", "Acme-"));
        assert_eq!(console.post(EDIT, &fields).await.location(), "/console/tenants/acme/setup?done=updated");
        assert_eq!(roles().await, ["Buyer"]);
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert_eq!((tenant.row.profile_version, tenant.profile.roles.prefix.as_deref()), (2, Some("Acme-")));
        assert!(tenant.row.profile.contains("# The names of the guide's mapping."), "comments stay");

        // Made from a version that is not the current one any more.
        let stale = [("status", "active"), ("prefix", "Other_"), ("version", "1"), ("previewed", "Other_")];
        let page = console.post(EDIT, &stale).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("not the current one any more");
        let empty = [("status", "active"), ("prefix", " "), ("version", "2")];
        console.post(EDIT, &empty).await.shows("<a href=\"#prefix\">");
        assert_eq!(roles().await, ["Buyer"]);
    }

    async fn mdscripts_shows_its_page_to_managers_of_organizations_with_the_feature(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        made(&console, "mdscripts").await;
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        console.person("manager@x", AdminRole::Manager, &[tenant.id()]).await;
        console.person("auditor@x", AdminRole::Auditor, &[tenant.id()]).await;
        let overview = "/console/tenants/acme";
        for (open, activate) in [(false, false), (true, true)] {
            if activate {
                console.sign_in(crate::support::EMAIL, PASSWORD).await;
                console.get(SETUP).await.shows("You are an operator").hides("/t/acme/scim");
                console.post("/console/tenants/acme/activate", &[]).await;
                // Deactivated later, the feature stays on.
                console.post("/console/tenants/acme/deactivate", &[]).await;
            }
            console.sign_in("manager@x", PASSWORD).await;
            assert_eq!(console.get(overview).await.body.contains(">Okta SCIM</a>"), open);
            let page = console.get(SETUP).await;
            if open {
                page.shows("https://rollcall.test/t/acme/scim/v2<").shows("Authorization: Bearer");
            } else {
                page.shows("Okta SCIM is not available").shows("ask the support of MDScripts to request it");
                page.hides("/t/acme/scim").hides("You are an operator");
            }
            console.sign_in("auditor@x", PASSWORD).await;
            console.get(overview).await.hides("Okta SCIM");
            let page = console.get(SETUP).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN);
            page.hides("/t/acme/scim");
        }
    }

    async fn settings_are_checked_and_recorded(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "envi").await;
        for (field, value, link) in
            [("name", " ", "#name"), ("name", "a\0b", "#name"), ("property-domain-type", "Complex", "")]
        {
            let mut fields = vec![("name", "Acme")];
            fields.retain(|(name, _)| *name != field);
            fields.push((field, value));
            let page = console.post(SETTINGS, &fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value:?}");
            page.shows("Nothing was changed").shows(link).shows("<title>Error: ");
        }
        let page = console.post(SETTINGS, &[("name", "Acme & Sons"), ("property-unknown", "x")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        console.get(SETTINGS).await.shows("value=\"Acme &#38; Sons\"").shows("<option value=\"Simple\" selected>");
        let record = console.store.tenant(tenant.id()).audit(None, 1).await.unwrap().remove(0);
        assert_eq!((record.event.as_str(), record.actor.name.as_str()), ("tenant.updated", crate::support::EMAIL));
    }
}
