//! A tenant's profile: checked, saved, looked at, restored.

use http::StatusCode;
use scim_core::profile::Profile;
use serde_json::json;

use crate::support::{Console, context, person};

const PROFILE: &str = "/console/tenants/acme/profile";
const CHECK: &str = "/console/tenants/acme/profile/check";

fn generic() -> String {
    Profile::builtin("generic").unwrap().to_owned()
}

store_testing::on_both! {
    async fn a_mistake_is_told_by_line_and_column(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        // As a browser sends it.
        let text = generic().replace("version = 1\n", "version = <b>\n").replace('\n', "\r\n");
        let line = text.lines().position(|line| line.starts_with("version")).unwrap() + 1;
        let page = console.post(CHECK, &[("text", &text), ("version", "1")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows(&format!("Line {line}, column 11")).shows("<code>version = &#60;b&#62;\n          ^</code>");
        page.shows("<title>Error: ").hides("<b>").hides("Save as version");
        let unknown = format!("colour = \"red\"\n{}", generic());
        console.post(CHECK, &[("text", &unknown), ("version", "1")]).await.shows("Line 1, column 1").shows("colour");
        console.post(CHECK, &[("text", ""), ("version", "1")]).await.shows("Line 1, column 1");
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert_eq!(tenant.row.profile_version, 1);
    }

    async fn a_profile_is_checked_saved_looked_at_and_restored(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let user = console.user(&tenant, person("u@x.example", "U", "X")).await;
        console.user(&tenant, json!({"schemas": [scim_core::urn::USER], "userName": "plain <1>"})).await;
        console.group(&tenant, "Acme_Manager", &[&user]).await;
        let first = console.get(PROFILE).await;
        first.shows("Generic SCIM 2.0").shows(">Version 1</a>").hides("Save as version").hides("Differs from");

        let added = "\n[[attribute]]\npath = \"userName\"\nformat = \"email\"\n\n[roles]\nprefix = \"Acme_\"\n";
        let text = generic() + added;
        let checked = console.post(CHECK, &[("text", &text), ("version", "1")]).await;
        assert_eq!(checked.status, StatusCode::OK, "{}", checked.body);
        checked.shows("1 person gains Manager").shows("All 2 users were looked at: 1 no longer fits");
        checked.shows("plain &#60;1&#62;").shows("userName").shows("Save as version 2").shows("diff-added");
        let digest = checked.between("name=\"checked\" value=\"", "\"").unwrap().to_owned();
        let version = async || console.state.tenants.by_slug("acme").await.unwrap().unwrap().row.profile_version;
        assert_eq!(version().await, 1, "nothing is changed by looking");

        // Another text than the one that was looked at is looked at, not saved.
        let other = format!("{text}# more\n");
        let page = console.post(PROFILE, &[("text", &other), ("version", "1"), ("checked", &digest)]).await;
        page.shows("nothing was saved").shows("Save as version 2");
        let page = console.post(PROFILE, &[("text", &text), ("version", "1")]).await;
        page.shows("nothing was saved");
        assert_eq!(version().await, 1);

        let sent = text.replace('\n', "\r\n");
        let page = console.post(PROFILE, &[("text", &sent), ("version", "1"), ("checked", &digest)]).await;
        assert_eq!(page.location(), "/console/tenants/acme/profile?done=saved", "{}", page.body);
        let saved = console.get(page.location()).await;
        saved.shows("Version 2 is saved").shows("Differs from the file that ships").shows("Acme_… gives a role");
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert_eq!((tenant.row.profile_version, tenant.row.profile.as_str()), (2, text.as_str()));
        console.get(&format!("/console/tenants/acme/users/{user}")).await.shows("Manager");

        // Somebody who began earlier does not write over it.
        let page = console.post(PROFILE, &[("text", &text), ("version", "1"), ("checked", &digest)]).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
        page.shows("not the current one any more");

        let old = console.get("/console/tenants/acme/profile/versions/1").await;
        old.shows("Version 1 of the profile").shows("Roll back to it…").shows("diff-added").shows(crate::support::EMAIL);
        let old = console.get("/console/tenants/acme/profile?from=1").await;
        old.shows("This is the text of version 1");
        let editor = old.between("name=\"text\"", "</textarea>").unwrap();
        assert!(editor.contains("name = &#34;generic&#34;") && !editor.contains("Acme_"), "{editor}");
        console.get("/console/tenants/acme/profile?from=builtin").await.shows("the file that ships");
        for path in ["?from=9", "?from=x", "/versions/9", "/versions/x"] {
            let page = console.get(&format!("{PROFILE}{path}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        }
        let checked = console.post(CHECK, &[("text", &generic()), ("version", "2")]).await;
        checked.shows("1 person loses Manager").shows("all fit");
        let digest = checked.between("name=\"checked\" value=\"", "\"").unwrap();
        console.post(PROFILE, &[("text", &generic()), ("version", "2"), ("checked", digest)]).await;
        assert_eq!(version().await, 3);
        console.get(PROFILE).await.shows(">Version 3</a>").hides("Differs from the file that ships");
    }

    async fn many_versions_are_paged(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        for version in 1..13 {
            let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
            let text = format!("{}# {version}\n", generic());
            console.state.tenants.save_profile(&tenant, &text, version, &context()).await.unwrap();
        }
        let page = console.get(PROFILE).await;
        page.shows(">Version 13</a>").shows(">Version 4</a>").hides(">Version 3</a>");
        let older = page.between("<div><a class=\"button slim\" href=\"", "\">Older").unwrap();
        let page = console.get(older.split('#').next().unwrap()).await;
        page.shows(">Version 3</a>").shows(">Version 1</a>").hides(">Version 4</a>").hides("Older");
    }

    async fn who_only_reads_sees_the_text_and_no_form(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.tenant("acme", "envi").await;
        console.person("auditor@x", store::admins::AdminRole::Auditor, &[]).await;
        console.sign_in("auditor@x", crate::support::PASSWORD).await;
        let page = console.get(PROFILE).await;
        page.shows("prefix = &#34;Envi_&#34;").hides("<textarea").hides("Check</button>").shows("Try a user");
        console.get("/console/tenants/acme/profile/versions/1").await.hides("Roll back");
        console.get("/console/tenants/acme/value-sets").await.shows("Roles of Envi").hides(">Edit<");
        console.get("/console/tenants/acme/value-sets/roles").await.hides("<textarea").hides("Save</button>");
    }
}
