//! Users and groups with their roles.

use http::StatusCode;
use provisioning::{ProfileSource, Request};
use scim_core::{profile::Profile, projection::Projection};
use serde_json::json;
use store::{TenantId, admins::AdminRole};

use crate::support::{Console, EMAIL, PASSWORD, Page, context, person};

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
        user.shows("via <a href=\"/console/tenants/acme/groups/").shows("Envi_Manager</a>: the name begins with Envi_");
        user.shows("/console/tenants/acme/activity?request=request%2D1").shows("Created").shows("token Okta production");
        user.shows(&format!("/console/tenants/acme/activity?about={amara}\">Requests about it</a>"));
        user.shows("Gained role Manager").shows("Joined group Everyone").shows("request-1");

        // Members of a group in a group are not listed as its own, and their page says so.
        console.group(&tenant, "Envi_All", &[&manager]).await;
        let user = console.get(&format!("/console/tenants/acme/users/{amara}")).await;
        user.shows(">Envi_All</a> <span class=\"small muted\">through another group</span>");
        user.shows(">Envi_Manager</a></li>").hides(">All</span>");
        let groups = console.get("/console/tenants/acme/groups?q=envi_all").await;
        groups.shows("1 group<").shows(">1</td>").hides(">2</td>");

        let groups = console.get("/console/tenants/acme/groups").await;
        groups.shows("3 groups").shows("no role: the name does not start with Envi_");
        console.get("/console/tenants/acme/groups?q=envi_").await.shows("2 groups<").hides("Everyone");
        let group = console.get(&format!("/console/tenants/acme/groups/{manager}")).await;
        group.shows("amara@acme.example").hides("bjorn@acme.example").shows("It gives each member the role");
        let group = console.get(&format!("/console/tenants/acme/groups/{everyone}")).await;
        group.shows(&format!("/console/tenants/acme/activity?about={everyone}\""));
        group.shows("2 users").shows("No role: the name does not start with");
    }

    async fn roles_that_were_assigned_to_the_user_say_so(store: TestStore) {
        let console = Console::signed_in(store).await;
        let text = Profile::builtin("generic").unwrap().replacen("groups = true", "groups = true\nroles = true", 1)
            + "\n[roles]\nprefix = \"App_\"\ncatalogue = \"roles\"\n\n[[value-set]]\nname = \"roles\"\ntitle = \"Roles\"\n";
        let tenants = &console.state.tenants;
        let made = tenants.create("acme", None, ProfileSource::Text(&text), "lenient", true, &context()).await;
        let tenant = made.unwrap();
        let mut body = person("amara@acme.example", "Amara", "Okafor");
        body["roles"] = json!([{"value": "Editor"}, {"value": "Viewer"}]);
        let amara = console.user(&tenant, body).await;
        console.group(&tenant, "App_Viewer", &[&amara]).await;
        let user = console.get(&format!("/console/tenants/acme/users/{amara}")).await;
        let assigned = "<li>assigned by the identity provider itself</li>";
        user.shows(&format!("<span class=\"chip chip-role\">Editor</span>\n          <ul class=\"why small muted\">{assigned}"));
        user.shows(&format!("App_Viewer</a>: the name begins with App_</li>{assigned}"));
        console.delete(&tenant, &amara).await;
        console.get(&format!("/console/tenants/acme/users/{amara}")).await.hides(assigned);
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
            let page = console.get(&format!("/console/tenants/acme/roles?after={hostile}")).await;
            assert_eq!(page.status, StatusCode::OK, "{hostile}: {}", page.body);
        }
    }

    async fn long_lists_are_walked_by_key(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let mut ids = Vec::new();
        for number in 0..52 {
            ids.push(console.user(&tenant, person(&format!("u{number:02}@x.example"), "U", "X")).await);
        }
        let members: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = console.group(&tenant, "All", &members).await;
        let link = |page: &Page, word: &str| {
            let before = page.body.split(&format!(">{word}</a>")).next().unwrap();
            let href = before.rsplit("href=\"").next().unwrap().split('"').next().unwrap().replace("&#38;", "&");
            assert!(href.starts_with("/console/"), "{word}: {href}");
            href
        };
        for path in ["/console/tenants/acme/users".to_owned(), format!("/console/tenants/acme/groups/{group}")] {
            let first = console.get(&path).await;
            first.shows("1–25 of 52").shows("u24@x.example").hides("u25@x.example").hides(">Previous<");
            let second = console.get(&link(&first, "Next")).await;
            second.shows("26–50 of 52").shows("u25@x.example").shows("u49@x.example").hides("u50@x");
            let third = console.get(&link(&second, "Next")).await;
            third.shows("51–52 of 52").shows("u51@x.example").hides("u49@x").hides(">Next<");
            let back = console.get(&link(&third, "Previous")).await;
            back.shows("26–50 of 52").shows("u25@x.example").hides("u24@x").hides("u50@x");
            console.get(&link(&first, "Last")).await.shows("28–52 of 52").shows("u51@x").hides("u26@x");
            console.get(&link(&third, "First")).await.shows("1–25 of 52");
            // A row beside which a page stood is gone, or was never there.
            console.get(&format!("{path}?after={}&from=99", TenantId::generate())).await.shows("1–25 of 52");
        }
        console.get(&format!("/console/tenants/acme/groups/{group}?q=u31")).await.shows("u31@x").hides("u30@x").shows("1 user<");
        console.get("/console/tenants/acme/groups").await.shows(">52</td>");
    }

    async fn people_are_found_by_what_their_names_and_numbers_begin_with(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let mut amara = person("amara@acme.example", "Amara", "Okafor");
        amara["externalId"] = "00uX1".into();
        amara["displayName"] = "Dr. Ámara".into();
        amara[scim_core::urn::ENTERPRISE_USER] = json!({"employeeNumber": "E-77", "manager": {"value": "boss"}});
        amara["schemas"] = json!([scim_core::urn::USER, scim_core::urn::ENTERPRISE_USER]);
        amara["emails"] = json!([{"value": "doctor@hospital.example"}]);
        console.user(&tenant, amara).await;
        console.user(&tenant, person("bjorn@acme.example", "Bjorn", "Haugen")).await;
        let found = async |query: &str| {
            let page = console.get(&format!("/console/tenants/acme/users?{query}")).await;
            (page.body.contains("amara@acme"), page.body.contains("bjorn@acme"))
        };
        for text in ["ama", "AMARA", "okaf", "00uX", "dr.%20%C3%81m", "e-7", "doctor@", "okafor%20am", "Amara%20Okafor"] {
            assert_eq!(found(&format!("q={text}")).await, (true, false), "{text}");
        }
        for text in ["mara", "kafor", "00ux", "boss", "amara%20haugen", "hospital"] {
            assert_eq!(found(&format!("q={text}")).await, (false, false), "{text}");
        }
        assert_eq!(found("q=hospital&inside=1").await, (true, false));
        assert_eq!(found("q=acme&inside=1").await, (true, true));
        console.get("/console/tenants/acme/users?q=hospital").await.shows("inside=1").shows("Search inside names");

        // Together with a filter, and as a file.
        assert_eq!(found("filter=name.familyName%20sw%20%22ha%22").await, (false, true));
        assert_eq!(found("q=am&filter=name.familyName%20sw%20%22ha%22").await, (false, false));
        let file = console.get("/console/tenants/acme/export?status=active&q=okaf").await;
        file.shows("amara@acme").hides("bjorn@acme");
        console.get("/console/tenants/acme/export?filter=externalId%20pr").await.shows("amara@acme").hides("bjorn@acme");
        assert_eq!(console.get("/console/tenants/acme/export?filter=x").await.status, StatusCode::BAD_REQUEST);
        let wrong = console.get("/console/tenants/acme/users?filter=userName%20is%20%22a%22").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.shows("At character 10").shows("         ^").shows("aria-invalid").hides("amara@acme");
        // An example that can be pressed gives a list.
        let examples = console.get("/console/tenants/acme/users").await;
        let hrefs: Vec<&str> = examples.body.split("class=\"chip\" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(hrefs.len() >= 4, "{hrefs:?}");
        for href in hrefs {
            assert_eq!(console.get(&href.replace("&#38;", "&")).await.status, StatusCode::OK, "{href}");
        }
    }

    async fn a_person_turns_users_off_and_on_and_deletes_them(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let id = console.user(&tenant, person("amara@acme.example", "Amara", "Okafor")).await;
        let page = format!("/console/tenants/acme/users/{id}");
        let done = console.post(&format!("{page}/deactivate"), &[]).await;
        assert_eq!(done.location(), format!("{page}?done=deactivated"));
        console.get(done.location()).await.shows("The user is inactive").shows("Deactivated").shows(EMAIL).shows("Reactivate");
        let done = console.post(&format!("{page}/reactivate"), &[]).await;
        console.get(done.location()).await.shows("active again").shows("Reactivated");
        console.get(&format!("{page}/delete")).await.shows("Delete Amara Okafor?").shows("restored");
        let done = console.post(&format!("{page}/delete"), &[]).await;
        console.get(done.location()).await.shows("The user is deleted").shows("Restore");
        assert_eq!(console.get(&format!("{page}/delete")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(console.post(&format!("{page}/deactivate"), &[]).await.status, StatusCode::NOT_FOUND);
        console.get("/console/tenants/acme/users?status=deleted&q=ama").await.shows("amara@acme");
        console.get("/console/tenants/acme/users?status=deleted&q=zz").await.hides("amara@acme");

        console.person("auditor@x", AdminRole::Auditor, &[]).await;
        console.sign_in("auditor@x", PASSWORD).await;
        console.get(&page).await.hides("/activity?").hides("Restore</button>");
        assert_eq!(console.post(&format!("{page}/reactivate"), &[]).await.status, StatusCode::FORBIDDEN);
    }

    async fn a_long_history_is_paged(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let id = console.user(&tenant, person("amara@acme.example", "Amara", "Okafor")).await;
        for _ in 0..15 {
            for word in ["deactivate", "reactivate"] {
                console.post(&format!("/console/tenants/acme/users/{id}/{word}"), &[]).await;
            }
        }
        let first = console.get(&format!("/console/tenants/acme/users/{id}")).await;
        first.hides("<strong>Created</strong>").hides(">Newest<");
        let older = first.body.split(">Older</a>").next().unwrap().rsplit("href=\"").next().unwrap();
        let older = older.split(['"', '#']).next().unwrap();
        let second = console.get(older).await;
        second.shows("<strong>Created</strong>").shows(">Newest<").hides(">Older<");
        let shown = |page: &Page| page.body.matches("<strong>Deactivated</strong>").count();
        assert_eq!(shown(&first) + shown(&second), 15);
    }

    async fn roles_are_explained_previewed_and_changed(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "envi").await;
        let amara = console.user(&tenant, person("amara@acme.example", "Amara", "Okafor")).await;
        console.group(&tenant, "Envi_Manager", &[&amara]).await;
        console.group(&tenant, "Everyone", &[&amara]).await;
        let roles = "/console/tenants/acme/roles";
        let page = console.get(roles).await;
        page.shows("Envi_Manager</a>").shows("the name begins with Envi_").shows("the name does not start with Envi_");
        page.shows("1 person").shows("/console/tenants/acme/roles/manager");
        console.get(&format!("{roles}?show=none")).await.shows(">Everyone</a>").hides(">Envi_Manager</a>");
        console.get(&format!("{roles}?show=roles")).await.shows(">Envi_Manager</a>").hides(">Everyone</a>");
        console.get(&format!("{roles}/manager")).await.shows("amara@acme.example").shows(">Envi_Manager</a>");
        console.get(&format!("{roles}/nobody")).await.shows("Nobody has it").hides("amara@acme.example");

        // Nothing is saved before what it would do was shown, nor when it is other rules than were shown.
        let version = page.between("name=\"version\" value=\"", "\"").unwrap();
        let rules = [("version", version), ("prefix", "Envi_"), ("kind-0", "group"), ("wanted-0", "everyone"), ("role-0", "Reader")];
        let shown = console.post(roles, &rules).await;
        shown.shows("Nothing is changed yet").shows("1 person gains Reader").shows(">no role</td>");
        let digest = shown.between("name=\"previewed\" value=\"", "\"").unwrap();
        console.get(&format!("{roles}/reader")).await.shows("Nobody has it");
        let mut others = rules.to_vec();
        (others[4].1, _) = ("Writer", others.push(("previewed", digest)));
        console.post(roles, &others).await.shows("1 person gains Writer");
        let saved = console.post(roles, &[&rules[..], &[("previewed", digest)]].concat()).await;
        assert_eq!(saved.location(), format!("{roles}?done=saved"), "{}", saved.body);
        console.get(saved.location()).await.shows("The rules are saved").shows("a rule names the group");
        console.get(&format!("{roles}/reader")).await.shows("amara@acme.example");
        // Somebody else was faster; a rule is not whole; a pattern is none.
        let outdated = console.post(roles, &rules).await;
        assert_eq!(outdated.status, StatusCode::UNPROCESSABLE_ENTITY);
        outdated.shows("is not the current one any more");
        let version = console.get(roles).await.between("name=\"version\" value=\"", "\"").unwrap().to_owned();
        for (kind, wanted, role, problem) in [("group", "x", "", "say which role it gives"), ("pattern", "(", "R", "regular expression")] {
            let rules = [("version", version.as_str()), ("prefix", "Envi_"), ("kind-0", kind), ("wanted-0", wanted), ("role-0", role)];
            let wrong = console.post(roles, &rules).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
            wrong.shows(problem);
        }
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
