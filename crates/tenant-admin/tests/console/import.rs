//! Users from a file and to a file.

use http::{StatusCode, header};
use store::admins::AdminRole;

use crate::support::{Console, PASSWORD, Page, Part, person};

const IMPORT: &str = "/console/tenants/acme/import";

async fn upload(console: &Console, file: &[u8], existing: &str) -> Page {
    let parts = [
        Part { name: "file", file: Some("users.csv"), content: file },
        Part { name: "existing", file: None, content: existing.as_bytes() },
    ];
    console.upload(IMPORT, &parts).await
}

/// Sends the form of a trial's page.
async fn confirm(console: &Console, tried: &Page) -> Page {
    let field = |name: &str| tried.between(&format!("name=\"{name}\" value=\""), "\"").unwrap().as_bytes();
    let part = |name| Part { name, file: None, content: field(name) };
    console.upload(IMPORT, &[part("existing"), part("tried"), part("kept")]).await
}

store_testing::on_both! {
    async fn a_file_is_tried_then_imported(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        console.user(&tenant, person("ann@x.example", "Ann", "Lee")).await;
        console.get(IMPORT).await.shows("<code>userName</code>").shows("Export all users");
        let file = "userName,name.givenName,title\r\nANN@x.example,Anna,Nurse\r\nbo@x.example,Bo,\"two\nlines <b>\"\r\n,No,one\r\n";
        let tried = upload(&console, file.as_bytes(), "update").await;
        assert_eq!(tried.status, StatusCode::OK, "{}", tried.body);
        tried.shows("Nothing is written yet").shows("<dt>Made</dt><dd>1</dd>").shows("<dt>Changed</dt><dd>1</dd>");
        tried.shows("<dt>With an error</dt><dd>1</dd>").shows("<th scope=\"row\" class=\"num\" data-label=\"Line\">5</th>").shows("userName");
        let users = async || console.store.platform().tenant_counts(tenant.id()).await.unwrap().users;
        assert_eq!(users().await, 1);

        let done = confirm(&console, &tried).await;
        done.shows("The import is done").shows("<dt>Made</dt><dd>1</dd>").hides("Nothing is written yet");
        assert_eq!(users().await, 2);
        let exported = console.get("/console/tenants/acme/export").await;
        assert_eq!(exported.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
        assert_eq!(exported.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"acme-users.csv\"");
        exported.shows("Anna").shows("\"two\nlines <b>\"").shows("Nurse");

        // What was exported is what is there.
        let again = upload(&console, exported.body.as_bytes(), "update").await;
        again.shows("<dt>Unchanged</dt><dd>2</dd>").shows("<dt>With an error</dt><dd>0</dd>").hides("Import</button>");
        let refused = upload(&console, exported.body.as_bytes(), "refuse").await;
        refused.shows("<dt>With an error</dt><dd>2</dd>");
        upload(&console, exported.body.as_bytes(), "skip").await.shows("<dt>Left alone</dt><dd>2</dd>");
    }

    async fn a_file_that_cannot_be_imported_is_told_why(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        console.tenant("other", "generic").await;
        let large = vec![b'a'; 2 * 1024 * 1024 + 1];
        let long = [&b"userName\r\n"[..], &b"x\r\n".repeat(5000)].concat();
        for (file, problem) in [
            (&b""[..], "Choose a CSV file"),
            (b"colour\nred\n", "Line 1"),
            (b"userName,tenant\nann,other\n", "tenant"),
            (b"userName\n\xff\n", "UTF-8"),
            (&large, "at most 2097152"),
            (&long, "The file has 5001 lines; at most 5000 are taken here. Import it on the server"),
        ] {
            let page = upload(&console, file, "update").await;
            // A row that cannot be read is an error of that row.
            let told = page.status == StatusCode::UNPROCESSABLE_ENTITY || page.body.contains("with an error are passed");
            assert!(told, "{problem}: {}", page.body);
            page.shows(problem).hides("The import is done").hides("Import</button>");
        }
        // Another file than the one that was tried is tried, not imported.
        let tried = upload(&console, b"userName\nann\n", "update").await;
        let digest = tried.between("name=\"tried\" value=\"", "\"").unwrap().as_bytes();
        let parts = [
            Part { name: "file", file: Some("x.csv"), content: b"userName\nbo\n" },
            Part { name: "tried", file: None, content: digest },
        ];
        console.upload(IMPORT, &parts).await.shows("Nothing is written yet");
        let parts = [Part { name: "kept", file: None, content: b"*" }];
        assert_eq!(console.upload(IMPORT, &parts).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(console.store.platform().tenant_counts(tenant.id()).await.unwrap().users, 0);
    }

    async fn a_browser_that_leaves_does_not_stop_it(store: TestStore) {
        const ROWS: u64 = 600;
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let names: String = (0..ROWS).map(|row| format!("user{row}\n")).collect();
        let tried = upload(&console, format!("userName\n{names}").as_bytes(), "update").await;
        let platform = console.store.platform();
        let users = async || platform.tenant_counts(tenant.id()).await.unwrap().users;
        let begun = async {
            while users().await == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            page = confirm(&console, &tried) => panic!("it was over before it was left: {}", page.status),
            () = begun => {}
        }
        let done = async {
            while users().await < ROWS {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), done).await.expect("it goes on");
    }

    async fn who_only_reads_takes_no_file_away(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        console.person("auditor@x", AdminRole::Auditor, &[]).await;
        console.sign_in("auditor@x", PASSWORD).await;
        for path in [IMPORT, "/console/tenants/acme/export"] {
            assert_eq!(console.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        console.get("/console/tenants/acme").await.hides("/import");
    }
}
