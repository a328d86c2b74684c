//! Users after their deletion, and what is told of changes.

use http::StatusCode;
use provisioning::{Request, Tenant};
use scim_core::projection::Projection;
use serde_json::{Value, json};

use crate::support::{Console, EMAIL, context, person};

async fn patch_group(console: &Console, tenant: &Tenant, id: &str, operations: Value) {
    let (context, projection) = (context(), Projection::default());
    let request = Request { tenant, context: &context, base_url: "https://x", projection: &projection };
    let body = json!({ "schemas": [scim_core::urn::PATCH_OP], "Operations": operations });
    console.state.provisioner.patch_group(request, id, None, &body).await.unwrap();
}

store_testing::on_both! {
    async fn contacts_of_the_guide_become_inactive_users_and_are_deleted_by_a_person(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "clinical-maestro").await;
        let users = "/console/tenants/acme/users";
        let amara = console.user(&tenant, person("amara@acme.example", "Amara", "Okafor")).await;
        console.user(&tenant, person("bjorn@acme.example", "Bjorn", "Haugen")).await;
        let list = console.get(users).await;
        list.shows("aria-current=\"page\">Internal contacts <span class=\"muted\">2</span>").shows("amara@acme.example");
        list.shows("Inactive users <span class=\"muted\">0</span>").hides("Deleted");
        let page = format!("{users}/{amara}");
        console.get(&page).await.hides("Delete permanently");
        assert_eq!(console.get(&format!("{page}/purge")).await.status, StatusCode::NOT_FOUND, "active");
        let refused = console.post(&format!("{page}/purge"), &[("user_name", "amara@acme.example")]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.shows("Nothing was changed.").shows("Deactivate the user first");

        console.delete(&tenant, &amara).await;
        console.get(users).await.hides("amara@acme.example").shows("Internal contacts <span class=\"muted\">1</span>");
        let inactive = console.get(&format!("{users}?status=inactive")).await;
        inactive.shows("amara@acme.example").hides("bjorn@acme.example").shows("aria-current=\"page\">Inactive users");
        console.get(&page).await.shows("Danger zone").shows(&format!("href=\"{page}/purge\"")).hides("Restore</button>");

        let question = console.get(&format!("{page}/purge")).await;
        question.shows("Delete Amara Okafor permanently?").shows("Type <code>amara@acme.example</code> to confirm");
        for typed in ["", "amara", "AMARA@acme.example", "\"><script>alert(1)"] {
            let again = console.post(&format!("{page}/purge"), &[("user_name", typed)]).await;
            assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
            again.shows("That is not the user name").shows("aria-invalid=\"true\"").hides("<script>alert");
        }
        assert_eq!(console.post(&format!("{page}/purge"), &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        console.get(&page).await.shows("Amara Okafor");

        let gone = console.post(&format!("{page}/purge"), &[("user_name", "amara@acme.example")]).await;
        assert_eq!((gone.status, gone.location()), (StatusCode::SEE_OTHER, "/console/tenants/acme/users?done=purged"));
        console.get(gone.location()).await.shows("The user was deleted for good.").hides("amara@acme.example");
        console.get(&format!("{users}?status=inactive")).await.hides("amara@acme.example").shows("No user fits");
        for path in [page.clone(), format!("{page}/purge")] {
            assert_eq!(console.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        let trail = console.state.store.tenant(tenant.id()).audit(Some(&amara), 10).await.unwrap();
        assert_eq!((trail[0].event.as_str(), trail[0].actor.name.as_str()), ("user.purged", EMAIL));
        assert!(trail[1..].iter().all(|record| record.payload.is_none()), "what was told of her is gone: {trail:?}");
    }

    async fn a_deleted_user_is_found_and_restored(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let users = "/console/tenants/acme/users";
        let amara = console.user(&tenant, person("amara@acme.example", "Amara", "Okafor")).await;
        console.group(&tenant, "Everyone", &[&amara]).await;
        console.get(users).await.shows("Deleted <span class=\"muted\">0</span>");
        console.delete(&tenant, &amara).await;
        console.get(users).await.shows("No user fits").shows("Deleted <span class=\"muted\">1</span>");
        let list = console.get(&format!("{users}?status=deleted")).await;
        list.shows("amara@acme.example").shows("badge-bad\">Deleted</span>").shows("just now").shows("1 user<");
        console.get(&format!("{users}?status=deleted&q=AMARA")).await.shows("amara@acme.example");
        let none = console.get(&format!("{users}?q=amara")).await;
        none.shows("No user fits").shows("href=\"/console/tenants/acme/users?status=deleted&#38;q=amara\"");
        console.get(&format!("{users}?status=deleted&q=zz")).await.hides("amara@acme.example");

        let page = format!("{users}/{amara}");
        let shown = console.get(&page).await;
        shown.shows("<h1>Amara Okafor</h1>").shows("the name is free").shows("Restore</button>").shows("Left group Everyone");
        shown.shows("Delete permanently").hides("It is deleted for good");
        let done = console.post(&format!("{page}/restore"), &[]).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, format!("{page}?done=restored").as_str()));
        let shown = console.get(done.location()).await;
        shown.shows("The user is restored.").shows("<strong>Restored</strong>").shows(EMAIL).shows("In no group");
        shown.hides("Restore</button>").hides("Danger zone");
        console.get(users).await.shows("amara@acme.example");
        assert_eq!(console.post(&format!("{page}/restore"), &[]).await.status, StatusCode::NOT_FOUND, "live");
    }

    async fn a_name_that_was_given_away_stays_away(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let old = console.user(&tenant, person("amara@acme.example", "Amara", "Okafor")).await;
        console.delete(&tenant, &old).await;
        console.user(&tenant, person("AMARA@acme.example", "Another", "Amara")).await;
        let page = format!("/console/tenants/acme/users/{old}");
        let refused = console.post(&format!("{page}/restore"), &[]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.shows("Nothing was changed.").shows("another user has this name by now").shows("<h1>Amara Okafor</h1>");
        console.get(&page).await.shows("Restore</button>");
        // It can still be deleted for good.
        let gone = console.post(&format!("{page}/purge"), &[("user_name", "amara@acme.example")]).await;
        assert_eq!(gone.status, StatusCode::SEE_OTHER);
        console.get("/console/tenants/acme/users").await.shows("AMARA@acme.example");
    }

    async fn another_tenants_deleted_users_are_not_reached(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        let other = console.tenant("other", "generic").await;
        let id = console.user(&other, person("amara@acme.example", "Amara", "Okafor")).await;
        console.delete(&other, &id).await;
        console.get("/console/tenants/acme/users?status=deleted").await.hides("amara@");
        let page = format!("/console/tenants/acme/users/{id}");
        assert_eq!(console.get(&page).await.status, StatusCode::NOT_FOUND);
        assert_eq!(console.post(&format!("{page}/restore"), &[]).await.status, StatusCode::NOT_FOUND);
        let typed = [("user_name", "amara@acme.example")];
        assert_eq!(console.post(&format!("{page}/purge"), &typed).await.status, StatusCode::NOT_FOUND);
        console.get("/console/tenants/other/users?status=deleted").await.shows("amara@acme.example");
    }

    async fn the_history_tells_what_was_left_out(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "mdscripts").await;
        let mut body = person("amara@acme.example", "Amara", "Okafor");
        body["npi"] = "1234567893".into();
        for name in ["nickName", "title", "locale"] {
            body[name] = "Private".into();
        }
        let id = console.user(&tenant, body).await;
        let shown = console.get(&format!("/console/tenants/acme/users/{id}")).await;
        shown.shows("<code>npi</code> does not apply here and was left out: isProvider is not true.");
        shown.shows("was left out: MDScripts has no such attribute.").hides("Private").hides("1234567893");
        for name in ["nickName", "title", "locale"] {
            shown.shows(&format!("<code>{name}</code>"));
        }
    }

    async fn members_who_were_left_out_stand_in_the_history_of_the_group(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "eptura-engage").await;
        let amara = console.user(&tenant, person("amara@acme.example", "Amara", "Okafor")).await;
        let group = console.group(&tenant, "Floor 2", &[&amara]).await;
        let page = format!("/console/tenants/acme/groups/{group}");
        console.get(&page).await.hides("Members left out");
        let unknown = "0199f0a0-0000-7000-8000-000000000001";
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": amara }, { "value": unknown }] }]);
        patch_group(&console, &tenant, &group, add).await;
        let shown = console.get(&page).await;
        shown.shows("<strong>Members left out</strong>").shows(&format!("<code>{unknown}</code> is no user or group"));
        let many: Vec<Value> = (0..20).map(|number| json!({ "value": format!("00u{number}") })).collect();
        patch_group(&console, &tenant, &group, json!([{ "op": "add", "path": "members", "value": many }])).await;
        let shown = console.get(&page).await;
        shown.shows("<code>00u7</code> and 12 more are no users or groups").shows("<code>00u19</code>");
    }
}
