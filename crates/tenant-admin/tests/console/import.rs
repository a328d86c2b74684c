//! Users from a file and to a file.

use http::{StatusCode, header};
use store::{ImportId, admins::AdminRole, imports::Stage};

use crate::support::{Console, PASSWORD, Page, Part, person};

const IMPORT: &str = "/console/tenants/acme/import";

/// Sends a file; gives the address of its import.
async fn upload(console: &Console, file: &[u8]) -> String {
    let page = send(console, file).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    page.location().to_owned()
}

async fn send(console: &Console, file: &[u8]) -> Page {
    console.upload(IMPORT, &[Part { name: "file", file: Some("users.csv"), content: file }]).await
}

/// Tries the file with the columns as they were guessed.
async fn try_out(console: &Console, import: &str, existing: &str) -> Page {
    let page = console.get(import).await;
    let mut fields: Vec<(String, String)> = vec![("existing".to_owned(), existing.to_owned())];
    for (at, column) in page.body.split("<select id=\"column-").skip(1).enumerate() {
        let list = column.split("</select>").next().unwrap();
        let chosen = list.split("<option selected>").nth(1).and_then(|rest| rest.split('<').next());
        fields.push((format!("column-{at}"), chosen.unwrap_or_default().replace("&#34;", "\"")));
    }
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let begun = console.post(&format!("{import}/try"), &fields).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
    at_rest(console, import).await
}

async fn run(console: &Console, import: &str) -> Page {
    assert_eq!(console.post(&format!("{import}/run"), &[]).await.status, StatusCode::SEE_OTHER);
    at_rest(console, import).await
}

/// The page of an import once nobody is at it any more.
async fn at_rest(console: &Console, import: &str) -> Page {
    let started = std::time::Instant::now();
    loop {
        let page = console.get(import).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        if !page.body.contains("<progress") {
            return page;
        }
        page.shows("http-equiv=\"refresh\"").shows("hx-trigger=\"every 1s\"");
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "{}", page.body);
        tokio::task::yield_now().await;
    }
}

store_testing::on_both! {
    async fn a_file_is_mapped_tried_then_imported(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        console.user(&tenant, person("ann@x.example", "Ann", "Lee")).await;
        console.get(IMPORT).await.shows("<code>userName</code>").shows("Export all users");
        let file = "Login,First Name,Shoe size,Job title\r\nANN@x.example,Anna,41,Nurse\r\nbo@x.example,Bo,,\"two\nlines <b>\"\r\n,No,1,one\r\n";
        let import = upload(&console, file.as_bytes()).await;
        let map = console.get(&import).await;
        map.shows("What the columns hold").shows(">Login</label>").shows("ANN@x.example · bo@x.example");
        map.shows("<option selected>userName</option>").shows("<option selected>name.givenName</option>").shows("<option selected>title</option>");
        // Without a userName nothing is tried, and what was chosen stays.
        let wrong = console.post(&format!("{import}/try"), &[("column-0", ""), ("column-1", "title")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.shows("Say which column holds the userName").shows("<option selected>title</option>");

        let tried = try_out(&console, &import, "update").await;
        tried.shows("Nothing is written yet").shows("<dt>Made</dt><dd>1</dd>").shows("<dt>Changed</dt><dd>1</dd>");
        tried.shows("<dt>With an error</dt><dd>1</dd>").shows("<th scope=\"row\" class=\"num\" data-label=\"Line\">5</th>");
        tried.shows("data-label=\"Column\">Login <span").shows("Errors as CSV");
        let errors = console.get(&format!("{import}/errors")).await;
        assert_eq!(errors.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
        errors.shows("line,column,attribute,problem\r\n5,Login,userName,");
        let users = async || console.store.platform().tenant_counts(tenant.id()).await.unwrap().users;
        assert_eq!(users().await, 1);

        let done = run(&console, &import).await;
        done.shows("The import is done").shows("<dt>Made</dt><dd>1</dd>").hides("Nothing is written yet").hides("What the columns hold");
        assert_eq!(users().await, 2);
        console.get(IMPORT).await.shows("1 made, 1 changed, 1 with an error").shows("users.csv");
        let exported = console.get("/console/tenants/acme/export").await;
        assert_eq!(exported.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
        assert_eq!(exported.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"acme-users.csv\"");
        exported.shows("Anna").shows("\"two\nlines <b>\"").shows("Nurse").hides("Shoe");

        // What was exported is what is there.
        let again = upload(&console, exported.body.as_bytes()).await;
        let tried = try_out(&console, &again, "update").await;
        tried.shows("<dt>Unchanged</dt><dd>2</dd>").shows("<dt>With an error</dt><dd>0</dd>").hides("Import</button>");
        try_out(&console, &again, "refuse").await.shows("<dt>With an error</dt><dd>2</dd>");
        try_out(&console, &again, "skip").await.shows("<dt>Left alone</dt><dd>2</dd>");
        // A file that was imported is not kept; nor one that is discarded.
        let gone = console.post(&format!("{again}/discard"), &[]).await;
        assert_eq!(gone.location(), "/console/tenants/acme/import?done=discarded");
        assert_eq!(console.get(&again).await.status, StatusCode::NOT_FOUND);
        let id: ImportId = import.rsplit('/').next().unwrap().parse().unwrap();
        assert_eq!(console.store.tenant(tenant.id()).import_part(id, 0).await.unwrap(), None);
    }

    async fn columns_are_remembered(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        let file = b"Konto,Abteilung\nann,Lab\n";
        let first = upload(&console, file).await;
        console.get(&first).await.hides("<option selected>");
        let fields = [("column-0", "userName"), ("column-1", "department")];
        console.post(&format!("{first}/try"), &fields).await;
        at_rest(&console, &first).await;
        let second = upload(&console, file).await;
        let page = console.get(&second).await;
        page.shows("<option selected>userName</option>").shows("<option selected>department</option>");
    }

    async fn a_file_that_cannot_be_imported_is_told_why(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        for (file, problem) in [
            (&b""[..], "The file is empty"),
            (b"userName;title\nann;x\n", "semicolons"),
            (b"\xff\xfeu\0s\0", "UTF-16"),
            (b"user\xffName\nann\n", "UTF-8"),
        ] {
            let page = send(&console, file).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}: {}", page.body);
            page.shows(problem).hides("users.csv");
        }
        let page = console.upload(IMPORT, &[Part { name: "other", file: None, content: b"x" }]).await;
        page.shows("Choose a CSV file");
        let large = vec![b'a'; provisioning::imports::MAX_BYTES + 1];
        send(&console, &large).await.shows("more than 32 MiB").hides("users.csv");
        // A row that cannot be read is an error of that row; another tenant cannot be named, and sees nothing.
        let import = upload(&console, b"userName,tenant\n\xff,other\nann,other\n").await;
        let tried = try_out(&console, &import, "update").await;
        tried.shows("UTF-8").shows("<dt>Made</dt><dd>1</dd>");
        console.tenant("other", "generic").await;
        assert_eq!(console.get(&import.replace("/acme/", "/other/")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(console.post(&format!("{}/run", import.replace("/acme/", "/other/")), &[]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(console.store.platform().tenant_counts(tenant.id()).await.unwrap().users, 0);
        // What was never tried is not imported.
        let untried = upload(&console, b"userName\nann\n").await;
        run(&console, &untried).await.shows("What the columns hold");
        assert_eq!(console.store.platform().tenant_counts(tenant.id()).await.unwrap().users, 0);
    }

    async fn an_import_that_was_stopped_or_broken_off_goes_on(store: TestStore) {
        const ROWS: u64 = 300;
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let names: String = (0..ROWS).map(|row| format!("user{row}\n")).collect();
        let import = upload(&console, format!("userName\n{names}").as_bytes()).await;
        try_out(&console, &import, "update").await.shows("<dt>Made</dt><dd>300</dd>");
        let id: ImportId = import.rsplit('/').next().unwrap().parse().unwrap();
        let scope = console.store.tenant(tenant.id());
        // A server took it and was never heard of again.
        let worker = uuid::Uuid::new_v4();
        assert!(scope.move_import(id, &[Stage::Tried], Stage::Running, None, Some(worker)).await.unwrap());
        console.get(&import).await.shows("Being imported").shows("Stop</button>");
        assert!(!scope.discard_import(id).await.unwrap(), "somebody is at it");
        console.store.advance(store::imports::SILENCE + 1);
        console.get(&import).await.shows("Broken off").shows("Go on</button>");
        run(&console, &import).await.shows("The import is done").shows("<dt>Made</dt><dd>300</dd>");
        assert!(!scope.beat_import(id, worker, &serde_json::json!({})).await.unwrap(), "it is another's");

        let import = upload(&console, format!("userName\n{names}more\n").as_bytes()).await;
        try_out(&console, &import, "update").await.shows("<dt>Unchanged</dt><dd>300</dd>");
        let id: ImportId = import.rsplit('/').next().unwrap().parse().unwrap();
        let worker = uuid::Uuid::new_v4();
        assert!(scope.move_import(id, &[Stage::Tried], Stage::Running, None, Some(worker)).await.unwrap());
        console.post(&format!("{import}/stop"), &[]).await;
        assert!(!scope.beat_import(id, worker, &serde_json::json!({})).await.unwrap(), "who is at it is told");
        console.get(&import).await.shows("Stopped").shows("Go on</button>");
        run(&console, &import).await.shows("<dt>Made</dt><dd>1</dd>");
    }

    async fn who_only_reads_takes_no_file_away(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        let import = upload(&console, b"userName\nann\n").await;
        console.person("auditor@x", AdminRole::Auditor, &[]).await;
        console.sign_in("auditor@x", PASSWORD).await;
        for path in [IMPORT, "/console/tenants/acme/export", &import] {
            assert_eq!(console.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        console.get("/console/tenants/acme").await.hides("/import");
        console.get("/console/tenants/acme/users").await.hides("/import").hides("/export");
    }
}
