//! The editor of a profile: forms change a text that is not saved, a user is tried, versions are compared.

use http::StatusCode;
use scim_core::profile::{BUILTIN, Profile};
use serde_json::json;

use crate::support::{Console, Page, context, person};

const PROFILE: &str = "/console/tenants/acme/profile";

fn at(path: &str) -> String {
    format!("{PROFILE}/{path}")
}

/// The text that a page carries along.
fn carried(page: &Page) -> String {
    let text = page.between("name=\"text\" value=\"", "\"").expect("a text");
    text.replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

fn mdscripts() -> &'static str {
    Profile::builtin("mdscripts").unwrap()
}

store_testing::on_both! {
    async fn every_part_and_form_of_every_product_opens(store: TestStore) {
        let console = Console::signed_in(store).await;
        for (profile, _) in BUILTIN {
            console.tenant(profile, profile).await;
            let base = format!("/console/tenants/{profile}/profile");
            let overview = console.get(&base).await;
            for part in overview.body.split(&format!("href=\"{base}/")).skip(1).filter_map(|rest| rest.split('"').next()) {
                let page = console.get(&format!("{base}/{part}")).await;
                assert_eq!(page.status, StatusCode::OK, "{profile} {part}");
                for form in page.body.split(&format!("href=\"{base}/{part}/")).skip(1).filter_map(|rest| rest.split('"').next()) {
                    let page = console.get(&format!("{base}/{part}/{form}")).await;
                    assert_eq!(page.status, StatusCode::OK, "{profile} {part}/{form}");
                }
            }
        }
        for path in ["nothing", "rules/9", "rules/x", "attributes/nobody", "extension-attributes/9.new"] {
            let page = console.get(&format!("/console/tenants/mdscripts/profile/{path}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    async fn a_rule_is_edited_looked_at_and_saved(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "mdscripts").await;
        console.user(&tenant, json!({"userName": "ann@x.example", "name": {"givenName": "Ann"}})).await;
        console.get(&at("rules")).await.shows("providers-have-an-npi").hides("Not saved yet");
        let form = console.get(&at("rules/0")).await;
        form.shows("ext.isProvider == true").shows("user.timezone");

        // A fault stands beside its field, and what was typed stays.
        let fields = [("text", mdscripts()), ("version", "1"), ("do", "apply"), ("name", "providers-have-an-npi")];
        let with = |more: &[(&'static str, &'static str)]| [&fields[..], more].concat();
        let page = console.post(&at("rules/0"), &with(&[("require", "npj"), ("when", "ext.isProvider == true")])).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("<a href=\"#require\">").shows("is not on offer here").shows(">\nnpj</textarea>");
        let page = console.post(&at("rules/0"), &with(&[("require", "npi"), ("when", "ext.isProvider ==")])).await;
        page.shows("<a href=\"#when\">");

        // An example that does not come out stands in the way of saving, not of editing.
        let page = console.post(&at("rules/0"), &with(&[("require", "title"), ("message", "<b>")])).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "title is not on offer");
        let page = console.post(&at("rules/0"), &with(&[("require", "displayName"), ("message", "has a name")])).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        page.shows("Not saved yet").shows("It cannot be saved so").shows("Open this example");
        page.shows("Rule “providers-have-an-npi”").shows("has a name").hides("displayName</textarea>");

        let page = console.post(&at("rules/0"), &with(&[
            ("require", "npi\r\n"), ("when", "ext.isProvider == true"), ("message", "send the NPI, please"),
        ])).await;
        page.shows("Not saved yet").shows("send the NPI, please").hides("It cannot be saved so");
        let draft = carried(&page);
        let differing = mdscripts().lines().zip(draft.lines()).filter(|(old, new)| old != new).count();
        assert_eq!((differing, mdscripts().lines().count()), (1, draft.lines().count()), "comments stay");

        // The draft goes on: another part, then the look at what it does.
        let sent = draft.replace('\n', "\r\n");
        let page = console.post(&at("policies"), &[("text", &sent), ("version", "1")]).await;
        page.shows("Not saved yet").shows("retention-days");
        let page = console.post(&at("policies/all"), &[
            ("text", sent.as_str()), ("version", "1"), ("do", "apply"), ("duplicate", "reject"), ("delete", "deactivate"),
            ("unknown-member", "skip"), ("unknown-attribute", "drop"),
        ]).await;
        page.shows("A userName that is taken").shows("link").shows("reject");
        let draft = carried(&page);
        let checked = console.post(&at("check"), &[("text", &draft), ("version", "1")]).await;
        checked.shows("Save as version 2").shows("send the NPI, please").shows("All 1 user were looked at: all fit");
        let digest = checked.between("name=\"checked\" value=\"", "\"").unwrap();
        console.post(PROFILE, &[("text", &draft), ("version", "1"), ("checked", digest)]).await;
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert_eq!((tenant.row.profile_version, tenant.row.profile.as_str()), (2, draft.as_str()));
        assert!(draft.contains("duplicate = \"reject\""));

        let compared = console.get(&at("compare")).await;
        compared.shows("A userName that is taken").shows("diff-added").shows("send the NPI, please");
        console.get(&at("compare?from=2&to=2")).await.shows("They are the same");
        let wrong = console.get(&at("compare?from=1&to=9")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.shows("there are 1 to 2");

        // Rolling back asks by showing what it would do.
        let old = console.get(&at("versions/1")).await;
        let text = carried(&old);
        assert_eq!(text, mdscripts());
        let asked = console.post(&at("check"), &[("text", &text), ("version", "2")]).await;
        asked.shows("Save as version 3");
        let digest = asked.between("name=\"checked\" value=\"", "\"").unwrap();
        console.post(PROFILE, &[("text", &text), ("version", "2"), ("checked", digest)]).await;
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert_eq!((tenant.row.profile_version, tenant.row.profile.as_str()), (3, mdscripts()));
    }

    async fn entries_come_move_and_go(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "mdscripts").await;
        let start = [("text", mdscripts()), ("version", "1")];
        let page = console.post(&at("rules/new"), &[&start[..], &[("do", "apply"), ("require", "timezone")]].concat()).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("<a href=\"#name\">Is needed.</a>");
        let page = console.post(&at("rules/1"), &[&start[..], &[("do", "up")]].concat()).await;
        page.shows("The rules").shows("stand in another order");
        let page = console.post(&at("not-applicable/0"), &[&start[..], &[("do", "remove")]].concat()).await;
        page.shows("is removed").shows("It cannot be saved so");
        // What something else needs stays.
        let page = console.post(&at("value-sets/0"), &[&start[..], &[("do", "remove")]].concat()).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("is no value set").hides("Not saved yet");
        let attribute = [
            ("do", "apply"), ("name", "badge"), ("type", "boolean"), ("default", "true"),
            ("uniqueness", "none"), ("mutability", "readWrite"), ("returned", "default"),
        ];
        let page = console.post(&at("extension-attributes/0.new"), &[&start[..], &attribute].concat()).await;
        let draft = carried(&page);
        assert!(draft.contains("[[extension.attribute]]\nname = \"badge\"\ntype = \"boolean\"\ndefault = true\n"), "{}", page.body);
        let page = console.post(&at("attributes/emails.type"), &[&start[..], &[("do", "apply"), ("required", "on"), ("default", "work"), ("names", "emailType\r\nmailKind")]].concat()).await;
        let draft = carried(&page);
        assert!(draft.contains("required = [\"emails.type\"]") && draft.contains("name = \"mailKind\"\npath = \"emails.type\""), "{}", page.body);
        let page = console.post(&at("attributes/offered"), &[&start[..], &[("do", "apply"), ("offer-name", "on"), ("offer-displayName", "on"), ("offer-timezone", "on"), ("offer-emails", "on"), ("offer-title", "on"), ("offer-enterprise-department", "on")]].concat()).await;
        page.shows("On offer").shows("title").shows("department");
        let page = console.post(&at("rules"), &[("text", "name = "), ("version", "1")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("Line 1, column");
        assert_eq!(console.state.tenants.by_slug("acme").await.unwrap().unwrap().row.profile_version, 1);
    }

    async fn a_user_is_tried_and_nothing_is_written(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "envi").await;
        let user = console.user(&tenant, person("u@x.example", "U", "X")).await;
        console.group(&tenant, "Envi_Manager", &[&user]).await;
        let page = console.get(&at("try")).await;
        page.shows("Taken (201)").shows("Okta: a person is assigned");
        let page = console.get(&format!("{}?user={user}", at("try"))).await;
        page.shows("Nothing would change").shows("u@x.example").shows(">Manager</span>");
        let body = json!({"userName": "new@x.example", "colour": "<red>", "id": "7"}).to_string();
        let page = console.post(&at("try"), &[("as", "create"), ("body", &body), ("do", "try"), ("groups", "Envi_Buyer\r\nEveryone")]).await;
        page.shows("<code>colour</code> was left out").shows(">Buyer</span>").shows("no role").hides("<red>");
        let patch = json!({"Operations": [{"op": "replace", "path": "name.givenName", "value": "Una"}]}).to_string();
        let page = console.post(&at("try"), &[("as", "patch"), ("user", "U@X.example"), ("body", &patch), ("do", "try")]).await;
        page.shows("The user would be changed").shows("name.givenName").shows("Una");
        for (fields, problem) in [
            ([("as", "patch"), ("user", ""), ("body", "{}")], "Name the user"),
            ([("as", "replace"), ("user", "nobody"), ("body", "{}")], "Nobody in this tenant"),
            ([("as", "create"), ("user", ""), ("body", "{\n\"a\" }")], "Line 2, column"),
        ] {
            console.post(&at("try"), &[&fields[..], &[("do", "try")]].concat()).await.shows(problem);
        }
        let huge = format!("{{\"userName\": \"{}\"}}", "x".repeat(200_000));
        console.post(&at("try"), &[("as", "create"), ("body", &huge), ("do", "try")]).await.shows("at most 128 KiB");

        // By a draft with another rule, and by what holds.
        let rule = "\n[[rule]]\nname = \"short\"\ncondition = 'user.userName.size() < 5'\npath = \"userName\"\nmessage = \"is too long for a badge\"\n";
        let envi = Profile::builtin("envi").unwrap();
        let draft = format!("{envi}{rule}");
        let by = |by: &'static str| vec![("text", draft.as_str()), ("version", "1"), ("as", "create"), ("body", body.as_str()), ("do", "try"), ("by", by)];
        let page = console.post(&at("try"), &by("draft")).await;
        page.shows("Refused (400)").shows("is too long for a badge").shows("the rule “short”");
        console.post(&at("try"), &by("saved")).await.hides("is too long for a badge</li>").hides("the rule “short”");
        let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
        assert_eq!(tenant.row.profile_version, 1);
        assert_eq!(console.state.store.platform().tenant_counts(tenant.id()).await.unwrap().users, 1);
    }

    async fn all_people_are_looked_at_step_by_step(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        for number in 0..3 {
            console.user(&tenant, json!({"userName": format!("plain {number}")})).await;
        }
        console.get(&at("recheck")).await.shows("All 3 were looked at").shows("Everybody fits.");
        let draft = format!("{}\n[[attribute]]\npath = \"userName\"\nformat = \"email\"\n", Profile::builtin("generic").unwrap());
        let page = console.post(&at("recheck"), &[("text", &draft), ("version", "1")]).await;
        page.shows("3 do not fit.").shows("plain 2").hides("Go on");
        let first = console.state.tenants.recheck(&tenant, Some(1), &|_, _| ()).await.unwrap();
        let after = first.last.unwrap().to_string();
        let page = console.post(&at("recheck"), &[("text", &draft), ("after", &after), ("checked", "1"), ("misfits", "1")]).await;
        page.shows("All 3 were looked at").shows("3 do not fit.").hides("plain 0");
        assert_eq!(console.get(&at("recheck?after=x")).await.status, StatusCode::BAD_REQUEST);
        let _ = context();
    }

    async fn who_only_reads_looks_and_tries(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.tenant("acme", "mdscripts").await;
        console.person("auditor@x", store::admins::AdminRole::Auditor, &[]).await;
        console.sign_in("auditor@x", crate::support::PASSWORD).await;
        for path in ["rules", "rules/0", "attributes", "attributes/offered", "attributes/emails", "policies", "leniencies", "examples/0"] {
            let page = console.get(&at(path)).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            page.hides("<textarea").hides(">Apply<").hides("value=\"remove\"").hides("name=\"text\"");
        }
        console.get(&at("rules/0")).await.shows("ext.isProvider == true");
        let broken = [("text", "name = "), ("as", "create"), ("body", "{\"userName\": \"x\"}"), ("do", "try")];
        let page = console.post(&at("try"), &broken).await;
        assert_eq!(page.status, StatusCode::OK, "judged by what holds");
        page.shows("Refused (400)").shows("its format");
        console.get(&at("recheck")).await.shows("There is nobody yet");
        console.get(&at("compare")).await.shows("They are the same");
        let page = console.post(&at("rules/0"), &[("do", "remove")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
}
