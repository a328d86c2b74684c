//! Users and groups with their roles.

use http::StatusCode;
use provisioning::Request;
use scim_core::projection::Projection;
use serde_json::json;

use crate::support::{Console, context, person};

store_testing::on_both! {
    async fn users_are_listed_searched_and_shown_with_roles(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "envi").await;
        console.get("/console/tenants/acme/users").await.shows("No user yet");
        console.get("/console/tenants/acme/groups").await.shows("No group yet");
        let amara = console.user(&tenant, person("amara@acme.example", "Amara", "Okafor")).await;
        let bjorn = console.user(&tenant, person("bjorn@acme.example", "Bjorn", "Haugen")).await;
        let manager = console.group(&tenant, "Envi_Manager", &[&amara]).await;
        let everyone = console.group(&tenant, "Everyone", &[&amara, &bjorn]).await;

        let list = console.get("/console/tenants/acme/users").await;
        list.shows("2 users").shows("amara@acme.example").shows("bjorn@acme.example").shows(">Manager</li>");
        console.get("/console/tenants/acme/users?q=AMARA").await.shows("1 user<").hides("bjorn@acme.example");
        console.get("/console/tenants/acme/users?status=inactive").await.shows("No user fits");

        let user = console.get(&format!("/console/tenants/acme/users/{amara}")).await;
        user.shows("<h1>Amara Okafor</h1>").shows("name.givenName").shows("Envi_Manager").shows("Everyone");
        user.shows("via <a href=\"/console/tenants/acme/groups/").shows("Created").shows("token Okta production");
        user.shows("Gained role Manager").shows("Joined group Everyone").shows("request-1");

        // Members of a group in a group are not counted and not listed as its own, and their page says so.
        console.group(&tenant, "Envi_All", &[&manager]).await;
        let user = console.get(&format!("/console/tenants/acme/users/{amara}")).await;
        user.shows(">Envi_All</a> <span class=\"small muted\">through another group</span>");
        user.shows(">Envi_Manager</a></li>").hides(">All</span>");
        let groups = console.get("/console/tenants/acme/groups?q=envi_all").await;
        groups.shows("1 group<").shows(">0</td>").hides(">1</td>");

        let groups = console.get("/console/tenants/acme/groups").await;
        groups.shows("3 groups").shows("no role: the name does not start with Envi_");
        console.get("/console/tenants/acme/groups?q=envi_").await.shows("2 groups<").hides("Everyone");
        let group = console.get(&format!("/console/tenants/acme/groups/{manager}")).await;
        group.shows("amara@acme.example").hides("bjorn@acme.example").shows("It gives each member the role");
        let group = console.get(&format!("/console/tenants/acme/groups/{everyone}")).await;
        group.shows("2 users").shows("No role: the name does not start with");
    }

    async fn a_deactivation_shows_in_list_and_history(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let mut body = person("amara@acme.example", "Amara", "Okafor");
        body["title"] = "Nurse".into();
        let id = console.user(&tenant, body.clone()).await;
        (body["active"], body["title"]) = (false.into(), "Head nurse".into());
        let (context, projection) = (context(), Projection::default());
        let request = Request { tenant: &tenant, context: &context, base_url: "https://x", projection: &projection };
        console.state.provisioner.replace_user(request, &id, None, &body).await.unwrap();
        console.get("/console/tenants/acme/users?status=inactive").await.shows("amara@acme.example").shows("Inactive");
        console.get("/console/tenants/acme/users?status=active").await.shows("No user fits");
        let user = console.get(&format!("/console/tenants/acme/users/{id}")).await;
        user.shows("Deactivated").shows("<dt>title</dt>").shows("Nurse</del>").shows("Head nurse</ins>").shows("W/&#34;2&#34;");
    }

    async fn hostile_values_stay_text(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}";
        let id = console
            .user(
                &tenant,
                json!({
                    "schemas": [scim_core::urn::USER],
                    "userName": evil,
                    "displayName": evil,
                    "title": evil,
                    "name": {"formatted": evil},
                    "emails": [{"value": evil, "type": evil}],
                }),
            )
            .await;
        let group = console.group(&tenant, evil, &[&id]).await;
        for path in [
            "/console/tenants/acme/users".to_owned(),
            format!("/console/tenants/acme/users/{id}"),
            "/console/tenants/acme/groups".to_owned(),
            format!("/console/tenants/acme/groups/{group}"),
        ] {
            let page = console.get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            page.hides("<script>alert").hides("<img src=x").shows("&#60;script&#62;alert(1)");
        }
        let search = console.get("/console/tenants/acme/users?q=%22%3E%3Cscript%3Ealert(1)").await;
        search.hides("\"><script>").shows("1 user<");
    }

    async fn a_search_is_one_literal(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        console.user(&tenant, person("amara@acme.example", "Amara", "Okafor")).await;
        for hostile in ["zz%22%20or%20userName%20pr%20or%20%22", "%25", "_mara", "%5C", "%22", "zz%00", "%F0%9F%92%A9"] {
            for place in ["users", "groups"] {
                let page = console.get(&format!("/console/tenants/acme/{place}?q={hostile}")).await;
                assert_eq!(page.status, StatusCode::OK, "{hostile}: {}", page.body);
                page.hides("amara@acme.example");
            }
        }
    }

    async fn long_lists_are_paged(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let mut ids = Vec::new();
        for number in 0..27 {
            ids.push(console.user(&tenant, person(&format!("u{number:02}@x.example"), "U", "X")).await);
        }
        let members: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = console.group(&tenant, "All", &members).await;
        for path in ["/console/tenants/acme/users".to_owned(), format!("/console/tenants/acme/groups/{group}")] {
            console.get(&path).await.shows("1–25 of 27").shows("u24@x.example").hides("u25@x.example");
            console.get(&format!("{path}?page=2")).await.shows("26–27 of 27").shows("u26@x.example").hides("u24@x");
        }
        console.get("/console/tenants/acme/groups").await.shows(">27</td>");
    }

    async fn a_person_of_another_tenant_is_not_found(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        let other = console.tenant("other", "generic").await;
        let user = console.user(&other, person("amara@acme.example", "Amara", "Okafor")).await;
        let group = console.group(&other, "Theirs", &[&user]).await;
        for path in [format!("users/{user}"), format!("groups/{group}")] {
            assert_eq!(console.get(&format!("/console/tenants/acme/{path}")).await.status, StatusCode::NOT_FOUND);
            assert_eq!(console.get(&format!("/console/tenants/other/{path}")).await.status, StatusCode::OK);
        }
    }
}
