//! Value sets: seen, edited, uploaded, taken away; and the roles that groups give.

use http::StatusCode;

use crate::support::{Console, Page, Part, person};

const SETS: &str = "/console/tenants/acme/value-sets";
const SITES: &str = "/console/tenants/acme/value-sets/siteNumbers";

/// Looks at what a list does, and saves it.
async fn save(console: &Console, path: &str, text: &str, file: Option<&[u8]>) -> Page {
    let looked = check(console, path, text, file).await;
    let Some(digest) = looked.between("name=\"checked\" value=\"", "\"") else { return looked };
    let values = looked.between("name=\"values\" value=\"", "\"").expect("the list");
    let values =
        values.replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">").replace("&#39;", "'");
    let parts = [("values", values.as_str()), ("checked", digest)];
    let parts = parts.map(|(name, content)| Part { name, file: None, content: content.as_bytes() });
    console.upload(path, &parts).await
}

/// Looks at what it does to have no list, and takes it away.
async fn clear(console: &Console) -> Page {
    let path = format!("{SITES}/clear");
    let looked = console.post(&path, &[]).await;
    let digest = looked.between("name=\"checked\" value=\"", "\"").expect("a look");
    console.post(&path, &[("checked", digest)]).await
}

async fn check(console: &Console, path: &str, text: &str, file: Option<&[u8]>) -> Page {
    let mut parts = vec![Part { name: "values", file: None, content: text.as_bytes() }];
    // What a browser sends for a field without a file.
    parts.push(Part {
        name: "file",
        file: Some(file.map_or("", |_| "sites.csv")),
        content: file.unwrap_or_default(),
    });
    console.upload(path, &parts).await
}

store_testing::on_both! {
    async fn lists_are_edited_uploaded_and_taken_away(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "mdscripts").await;
        let list = console.get(SETS).await;
        list.shows("Sites of the organization").shows("Every value is allowed").shows(">Assistant</li>");

        let page = save(&console, SITES, "12, Main street\r\n17\r\n\"1,8\",\"A <b> \"\"x\"\"\"\r\n", None).await;
        assert_eq!(page.location(), "/console/tenants/acme/value-sets/siteNumbers?done=saved", "{}", page.body);
        let page = console.get(page.location()).await;
        page.shows("The list is saved").shows("3 values").shows("12, Main street\n17\n&#34;1,8&#34;").hides("<b>");
        console.get(SETS).await.shows("Of this tenant").shows("Main street");

        let page = save(&console, SITES, "ignored", Some(b"value,label\n20,Harbour\n21\n")).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        console.get(SITES).await.shows("2 values").shows("20, Harbour\n21\n").hides("ignored");

        // An empty list allows nothing; without a list of its own everything is allowed again.
        save(&console, SITES, "", None).await;
        console.get(SITES).await.shows("No value is allowed");
        let page = console.post(&format!("{SITES}/clear"), &[]).await;
        page.shows("If the tenant’s list is removed").shows("People").hides("Save the list");
        console.get(SITES).await.shows("No value is allowed").shows("Remove the tenant’s list…");
        let page = clear(&console).await;
        assert_eq!(page.location(), "/console/tenants/acme/value-sets/siteNumbers?done=cleared");
        console.get(SITES).await.shows("Every value is allowed").hides("Remove the tenant");
    }

    async fn single_values_come_change_and_go(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "mdscripts").await;
        let person = serde_json::json!({"userName": "ann@x.example", "siteNumbers": "12,17"});
        console.user(&tenant, person).await;
        let values = format!("{SITES}/values");
        let own = async || {
            let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
            tenant.own_sets.get("siteNumbers").map(|set| {
                set.values().iter().map(|one| (one.value.clone(), one.label.clone().unwrap_or_default())).collect::<Vec<_>>()
            })
        };
        // The first value of a list that nobody has filled forbids all others: it is looked at first.
        let page = console.post(&values, &[("do", "add"), ("value", "12"), ("label", "Main street")]).await;
        page.shows("If this is saved").shows("1 no longer fits").shows("siteNumbers[1]");
        assert_eq!(own().await, None);
        save(&console, SITES, "12, Main street\n17\n", None).await;
        let page = console.post(&values, &[("do", "add"), ("value", " 20 "), ("label", "")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        let page = console.post(&values, &[("do", "change"), ("old", "17"), ("value", "17"), ("label", "Harbour")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "a label takes nothing from anybody");
        let pair = |value: &str, label: &str| (value.to_owned(), label.to_owned());
        let expected = vec![pair("12", "Main street"), pair("17", "Harbour"), pair("20", "")];
        assert_eq!(own().await, Some(expected.clone()));
        // What somebody could lose is looked at first.
        let page = console.post(&values, &[("do", "remove"), ("old", "17")]).await;
        page.shows("If this is saved").shows("17 (Harbour)").shows("1 no longer fits");
        let page = console.post(&values, &[("do", "change"), ("old", "20"), ("value", "21")]).await;
        page.shows("If this is saved").shows("all fit");
        assert_eq!(own().await, Some(expected));
        for (fields, problem) in [
            ([("do", "add"), ("value", "12"), ("old", "")], "is in the list already"),
            ([("do", "add"), ("value", " "), ("old", "")], "Use 1 to 200"),
            ([("do", "change"), ("value", "20"), ("old", "12")], "is in the list already"),
            ([("do", "remove"), ("value", ""), ("old", "99")], "is not in the list"),
        ] {
            let page = console.post(&values, &fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            page.shows(problem).shows("<a href=\"#value\">");
        }
        let page = console.get(&format!("{SITES}?q=HARB")).await;
        page.shows("value=\"17\"").hides("value=\"20\"").shows("2.0:User:siteNumbers");

        // Each change is a version; an old one is looked at, and comes back.
        let page = console.get(&format!("{SITES}/versions/1")).await;
        page.shows("12, Main street\n17").shows("Roll back to it").shows("17 (Harbour)");
        save(&console, SITES, "12, Main street\n17\n", None).await;
        console.get(SITES).await.shows(">Version 4</a>").shows(crate::support::EMAIL);
        // What was not looked at is not taken away.
        let page = console.post(&format!("{SITES}/clear"), &[("checked", &"0".repeat(64))]).await;
        page.shows("If the tenant’s list is removed").shows("12 (Main street)");
        clear(&console).await;
        console.get(&format!("{SITES}/versions/5")).await.shows("no list of its own").hides("Roll back");
        assert_eq!(console.get(&format!("{SITES}/versions/9")).await.status, StatusCode::NOT_FOUND);
        save(&console, SITES, "\"1,8\",\"The \"\"x\"\"\"\n", None).await;
        let page = console.get(&format!("{SITES}/csv")).await;
        assert_eq!(page.body, "value,label\n\"1,8\",\"The \"\"x\"\"\"\n");
        assert_eq!(page.headers[http::header::CONTENT_DISPOSITION], "attachment; filename=\"acme-siteNumbers.csv\"");
    }

    async fn what_is_wrong_is_told_by_line(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "mdscripts").await;
        let long = "x".repeat(201);
        for (text, file, problem) in [
            ("a\n\nb\nA\n", None, "Line 4: &#34;A&#34; is there already"),
            (long.as_str(), None, "Line 1: use 1 to 200"),
            ("a\nb, c, d\n", None, "Line 2: there are more than two columns"),
            ("kept", Some(&b"value\na\n\xff\n"[..]), "Line 3: is not UTF-8"),
            ("kept", Some(b"value\na\na\n"), "Line 3: &#34;a&#34; is there already"),
        ] {
            let page = save(&console, SITES, text, file).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{text:?}");
            let field = if file.is_some() { "file" } else { "values" };
            page.shows(problem).shows(&format!("<a href=\"#{field}\">"));
        }
        console.get(SITES).await.shows("Every value is allowed");
        for path in [format!("{SETS}/nothing"), "/console/tenants/acme/value-sets/..".to_owned()] {
            assert_eq!(console.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(save(&console, &path, "a", None).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        let huge = vec![b'x'; 9 * 1024 * 1024];
        assert_eq!(save(&console, SITES, "", Some(&huge)).await.status, StatusCode::BAD_REQUEST);
    }

    async fn a_list_of_roles_gives_the_spelling_at_once(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "envi").await;
        let user = console.user(&tenant, person("u@x.example", "U", "X")).await;
        console.group(&tenant, "envi_manager", &[&user]).await;
        let roles = "/console/tenants/acme/roles";
        let page = console.get(&format!("{roles}?group=ENVI_manager")).await;
        page.shows("<strong>ENVI_manager</strong> would give <span class=\"chip chip-role\">manager</span>");
        page.shows("whose name starts with <code>Envi_</code>").shows("the rest of the name");
        save(&console, "/console/tenants/acme/value-sets/roles", "Manager\n", None).await;
        console.get(&format!("{roles}?group=ENVI_manager")).await.shows(">Manager</span>");
        console.get(&format!("{roles}?group=Everyone")).await.shows("would give no role");
        let page = console.get(&format!("{roles}?group=%3Cscript%3E&external-id=%22%3E")).await;
        page.shows("&#60;script&#62;").hides("<script>");
        console.get("/console/tenants/acme/groups").await.shows(">Manager</li>").hides(">manager</li>");
        console.tenant("beta", "epic-emp").await;
        assert_eq!(console.get("/console/tenants/beta/roles").await.status, StatusCode::NOT_FOUND);
    }
}
