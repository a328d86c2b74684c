//! CSV files into a tenant's users, on each database.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use provisioning::csv::{Existing, ImportError, ImportOptions, MAX_ERRORS, MAX_ROWS};
use scim_core::profile::{DeletePolicy, UnknownAttributePolicy};
use serde_json::json;
use store::Backend;
use store_testing::on_both;

use crate::support::{Side, World, person};

const MDSCRIPTS: &str = "urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User";
const EPIC: &str = "urn:rollcall:params:scim:schemas:extension:epic-emp:2.0:User";
const DRY: ImportOptions = ImportOptions { existing: Existing::Update, dry_run: true, columns: None };

/// What an import did: created, updated, unchanged, skipped, failed.
type Counts = (u64, u64, u64, u64, u64);

async fn counts(side: &Side, file: &str, options: ImportOptions) -> Counts {
    let done = side.import(file.as_bytes(), options).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(done.errors.len() as u64, done.failed, "{done:?}");
    (done.created, done.updated, done.unchanged, done.skipped, done.failed)
}

async fn import(side: &Side, file: &str) -> Counts {
    counts(side, file, ImportOptions::default()).await
}

/// The error lines of an import, as they are printed.
async fn errors(side: &Side, file: impl AsRef<[u8]>, options: ImportOptions) -> Vec<String> {
    let done = side.import(file.as_ref(), options).await.unwrap_or_else(|error| panic!("{error}"));
    done.errors.iter().map(|error| format!("{}: {error}", error.line)).collect()
}

async fn refused(side: &Side, file: impl AsRef<[u8]>) -> String {
    match side.import(file.as_ref(), ImportOptions::default()).await {
        Err(error @ ImportError::Refused { .. }) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

/// The same tenant, whose profile has dropped some attributes.
fn narrowed(side: &Side, policy: UnknownAttributePolicy) -> Side {
    side.with(|profile| {
        profile.policies.unknown_attribute = policy;
        let user = Arc::make_mut(&mut profile.user);
        let schema = Arc::make_mut(&mut user.schema);
        schema.attributes.retain(|attribute| !["title", "locale"].contains(&attribute.name.as_str()));
        for attribute in schema.attributes.iter_mut().filter(|attribute| attribute.name == "name") {
            Arc::make_mut(attribute).sub_attributes.retain(|sub| sub.name != "honorificPrefix");
        }
    })
}

on_both! {
    async fn rows_become_users_and_the_same_file_changes_nothing(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let file = "\u{feff}userName,ExternalId,active,name.givenName,emails.value,emails.type,department,manager\r\n\
                    ann@x.example,00u1,TRUE,Ann,ann@x.example,work,ICU,7\r\n\
                    \r\n\
                    bo@x.example,,,\"Bo, \"\"the\"\" Lee\",,,,\r\n\
                    ,,,,,,,\r\n\
                    cy@x.example,,false,'=Cy,'+cy@x.example,,,\r\n";
        assert_eq!(import(&side, file).await, (3, 0, 0, 0, 0));
        let ann = side.by_name("ann@x.example").await;
        assert_eq!(ann["externalId"], "00u1");
        assert_eq!(ann["active"], true);
        assert_eq!(ann["emails"], json!([{"value": "ann@x.example", "type": "work", "primary": true}]));
        let enterprise = &ann["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
        assert_eq!(*enterprise, json!({"department": "ICU", "manager": {"value": "7"}}));
        let bo = side.by_name("bo@x.example").await;
        assert_eq!((&bo["active"], &bo["name"]["givenName"]), (&json!(true), &json!("Bo, \"the\" Lee")));
        assert!(bo.get("emails").is_none() && bo.get("externalId").is_none());
        let cy = side.by_name("cy@x.example").await;
        assert_eq!((&cy["active"], &cy["name"]["givenName"]), (&json!(false), &json!("=Cy")));
        assert_eq!(cy["emails"][0]["value"], "+cy@x.example");

        let events = side.events().await;
        assert_eq!(import(&side, file).await, (0, 0, 3, 0, 0));
        assert_eq!(side.events().await, events);
    }

    async fn columns_are_laid_over_a_user_who_is_there(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let mut body = person("ann@x.example");
        body["title"] = json!("Nurse");
        body["nickName"] = json!("Annie");
        body["active"] = json!(false);
        side.create_user(&body).await.expect("made");
        let id = side.by_name("ann@x.example").await["id"].clone();
        let file = "id,userName,title,nickName,active,phoneNumbers.value\n\
                    7,ANN@x.example,Chief,,,'+12025550143\n";
        assert_eq!(import(&side, file).await, (0, 1, 0, 0, 0));
        let ann = side.by_name("ann@x.example").await;
        assert_eq!(ann["id"], id, "the id of a file means nothing");
        assert_eq!((&ann["userName"], &ann["title"]), (&json!("ANN@x.example"), &json!("Chief")));
        assert!(ann.get("nickName").is_none(), "an empty cell takes the value away");
        assert_eq!(ann["active"], false, "nobody is reactivated by an empty cell");
        assert_eq!(ann["name"], body["name"], "what has no column stays");
        assert_eq!(ann["emails"], body["emails"]);
        assert_eq!(ann["phoneNumbers"], json!([{"value": "+12025550143", "primary": true}]));

        let skip = ImportOptions { existing: Existing::Skip, dry_run: false, columns: None };
        let file = "userName,title\nann@x.example,Other\nbo@x.example,New\n";
        assert_eq!(counts(&side, file, skip).await, (1, 0, 0, 1, 0));
        let refuse = ImportOptions { existing: Existing::Refuse, dry_run: false, columns: None };
        let told = errors(&side, "userName\nbo@x.example\ncy@x.example\n", refuse).await;
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("2: userName: a user of this tenant has it already"), "{told:?}");
        assert_eq!(side.by_name("ann@x.example").await["title"], "Chief");
        assert_eq!(side.total("/Users").await, 3);
    }

    async fn files_that_are_refused_write_nothing(store: TestStore) {
        let world = &World::new(&store);
        let (side, other) = (world.tenant("generic").await, world.tenant("generic").await);
        for (file, words) in [
            (&b""[..], "line 1: the file is empty"),
            (b"\n\n", "line 1: the file is empty"),
            (b"userName,tenant\nann,acme\n", "line 1: tenant: column 2 is no attribute"),
            (b"tenant_id,userName\nx,ann\n", "line 1: tenant_id: column 1 is no attribute"),
            (b"userName,shoeSize\nann,43\n", "shoeSize: column 2 is no attribute of this tenant's users"),
            (b"\nuserName,password\nann,secret\n", "line 2: password: column 2"),
            (b"userName,userNAME\nann,ann\n", "columns 1 and 2 hold the same"),
            (b"userName,\nann,x\n", "column 2 has no name"),
            (b"ann,Ann\n", "the first row has no column userName"),
            (b"userName;title\nann;x\n", "separated by commas"),
            (b"user\xff\nann\n", "line 1: byte 4 of the file"),
            (b"\xff\xfeu\0s\0e\0r\0", "UTF-16"),
            (b"\"userName\nann\n", "quote that is not closed"),
        ] {
            let told = refused(&side, file).await;
            assert!(told.contains(words), "{told}");
        }
        let told = refused(&side, "userName,shoeSize\n").await;
        assert!(told.contains("externalId, active") && told.contains("name.givenName"), "{told}");
        assert_eq!((side.total("/Users").await, other.total("/Users").await), (0, 0));
    }

    async fn rows_with_errors_are_told_by_line_and_the_others_imported(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("mdscripts").await;
        let mut file = b"userName,name.givenName,npi,isProvider,siteNumbers,timezone\n\
            ann@x.example,Ann,1234567893,true,\"12, 17\",us/eastern\n\
            no address,Bo2,1234567890,true,,Eastern\n\
            cy@x.example,Cy,,true,,\n\
            dee@x.example,Dee\n\
            \"eve@x.example\",\"E\n\nve\",,perhaps,,\n\
            ANN@x.example,Ann,,,,\n\
            ,Nobody,,,,\n\
            fay@x.example,F\xe9y,,,,\n\
            gus@x.example,Gus,,,,\n"
            .to_vec();
        let long = "x".repeat(17 * 1024);
        file.extend_from_slice(format!("hal@x.example,{long},,,,\n").as_bytes());
        let told = errors(&side, &file, ImportOptions::default()).await;
        let npi = format!("{MDSCRIPTS}:npi");
        let expected = [
            "3: userName: is a text of 10 characters without an @".to_owned(),
            format!("4: {npi}: is required while isProvider is true"),
            "5: has 2 cells where the header has 6".to_owned(),
            format!("6: {MDSCRIPTS}:isProvider: must be true or false"),
            "9: userName: is the same as in line 2".to_owned(),
            "10: userName: is required".to_owned(),
            "11: name.givenName: byte ".to_owned(),
            "13: name.givenName: the cell is longer than 16 KiB".to_owned(),
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(&expected) {
            assert!(told.starts_with(expected), "{told}\n{expected}");
        }
        for path in ["timezone: ", "name.givenName: ", &format!("{npi}: is 10 digits with a wrong check digit")] {
            assert!(told[0].contains(path), "all violations of a row: {}", told[0]);
        }
        assert!(!told.concat().contains("1234567890"), "no value is told: {told:?}");
        assert_eq!(side.total("/Users").await, 2);
        let ann = side.by_name("ann@x.example").await;
        assert_eq!(ann["timezone"], "US/Eastern");
        assert_eq!(ann[MDSCRIPTS]["siteNumbers"], json!(["12", "17"]));
    }

    async fn a_dry_run_tells_all_and_writes_nothing(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("mdscripts").await;
        let first = "userName,title\nann@x.example,\n";
        assert!(side.import(first.as_bytes(), DRY).await.is_err(), "a column that the product does not have");
        side.make_user("ann@x.example").await;
        side.make_user("bo@x.example").await;
        let events = side.events().await;
        let file = "userName,name.givenName,timezone\n\
                    ann@x.example,Ann,US/Eastern\n\
                    bo@x.example,Test,\n\
                    cy@x.example,Cy,Eastern\n\
                    ann@x.example,Ann,\n\
                    dee@x.example,Dee,UTC\n\
                    eve@x.example,,\n";
        assert_eq!(counts(&side, file, DRY).await, (2, 1, 1, 0, 2));
        assert_eq!((side.total("/Users").await, side.events().await), (2, events));
        assert_eq!(import(&side, file).await, (2, 1, 1, 0, 2), "and then it is so");
        assert_eq!(counts(&side, file, DRY).await, (0, 0, 4, 0, 2));
    }

    async fn the_product_s_names_and_rules_hold(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("clinical-maestro").await;
        let file = "USERNAME,givenName,Email,primaryPhone,primaryPhoneType,department,title\n\
                    ann@x.example,Ann,ann@x.example,555-0143,mobile,ICU,Nurse\n";
        assert_eq!(import(&side, file).await, (1, 0, 0, 0, 0));
        assert_eq!(import(&side, file).await, (0, 0, 1, 0, 0));
        let ann = side.by_name("ann@x.example").await;
        assert_eq!(ann["phoneNumbers"], json!([{"value": "555-0143", "type": "mobile", "primary": true}]));
        assert_eq!(ann["emails"], json!([{"value": "ann@x.example", "primary": true}]));

        let side = world.tenant("epic-emp").await;
        let file = "userName,template,linkedEmp\nALEE,\"T1,T2\",E7\n";
        assert_eq!(import(&side, file).await, (1, 0, 0, 0, 0));
        assert_eq!(side.by_name("alee").await[EPIC], json!({"templates": ["T1", "T2"], "linkedEmp": ["E7"]}));

        // A tenant that keeps to the letter of the protocol.
        let side = world.strict_tenant("generic").await;
        let file = "userName,active,department\nann,false,ICU\n";
        assert_eq!(import(&side, file).await, (1, 0, 0, 0, 0));
        assert_eq!(side.by_name("ann").await["active"], false);
    }

    async fn a_product_that_links_does_not_lose_what_has_no_column(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("mdscripts").await;
        let mut body = person("ann@x.example");
        body["timezone"] = json!("US/Eastern");
        side.create_user(&body).await.expect("made");
        // Blanks around an address are dropped, so this is the same user.
        assert_eq!(import(&side, "userName,name.givenName\n ann@x.example ,Ann\n").await, (0, 1, 0, 0, 0));
        let ann = side.by_name("ann@x.example").await;
        assert_eq!((&ann["timezone"], &ann["name"]["givenName"]), (&json!("US/Eastern"), &json!("Ann")));
    }

    async fn what_the_profile_no_longer_offers_stays(store: TestStore) {
        let world = &World::new(&store);
        for policy in [UnknownAttributePolicy::Drop, UnknownAttributePolicy::Reject] {
            let side = world.tenant("generic").await;
            let mut body = person("ann@x.example");
            body["title"] = json!("Nurse");
            body["locale"] = json!("en-US");
            body["name"]["honorificPrefix"] = json!("Dr.");
            side.create_user(&body).await.expect("made");
            let narrow = narrowed(&side, policy);
            let file = "userName,name.givenName\nann@x.example,Anna\n";
            assert_eq!(counts(&narrow, file, DRY).await, (0, 1, 0, 0, 0));
            assert_eq!(import(&narrow, file).await, (0, 1, 0, 0, 0));
            assert_eq!(import(&narrow, file).await, (0, 0, 1, 0, 0));
            // Offered again, it is there.
            let ann = side.by_name("ann@x.example").await;
            assert_eq!((&ann["title"], &ann["locale"]), (&json!("Nurse"), &json!("en-US")), "{policy:?}");
            assert_eq!(ann["name"]["honorificPrefix"], "Dr.");
            assert_eq!(ann["name"]["givenName"], "Anna");
        }
    }

    async fn two_imports_at_once_make_each_user_once(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let mut file = "userName,title,emails.value\n".to_owned();
        for at in 0..60 {
            let _ = writeln!(file, "user{at}@x.example,Nurse,user{at}@x.example");
        }
        let both = futures::future::join(import(&side, &file), import(&side, &file)).await;
        assert_eq!(both.0.0 + both.1.0, 60, "{both:?}");
        assert_eq!(both.0.2 + both.1.2, 60, "{both:?}");
        assert_eq!(side.total("/Users").await, 60);
        assert_eq!(side.event_names().await.iter().filter(|name| *name == "user.created").count(), 60);
    }

    async fn a_file_brings_back_who_was_deleted(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await.with(|profile| {
            profile.policies.relink_on_return = true;
            profile.policies.delete = DeletePolicy::SoftDelete;
        });
        let ids = [side.make_user("ann@x.example").await, side.make_user("bo@x.example").await];
        for id in &ids {
            side.delete_user(id, None).await.expect("deleted");
        }
        let file = "userName,title\ncy@x.example,\nANN@x.example,Nurse\ndee@x.example,\n";
        assert_eq!(import(&side, file).await, (3, 0, 0, 0, 0));
        let ann = side.by_name("ann@x.example").await;
        assert_eq!((&ann["id"], &ann["title"]), (&json!(ids[0]), &json!("Nurse")));
        assert_eq!(side.total("/Users").await, 3);
        assert_eq!(import(&side, file).await, (0, 0, 3, 0, 0));
    }

    async fn a_row_that_the_database_refuses_does_not_take_others_along(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let refuse = match store.backend() {
            Backend::Postgres => "ALTER TABLE user_values ADD CONSTRAINT refused CHECK (value <> 'poison@x.example')",
            Backend::Sqlite => "CREATE TRIGGER refused BEFORE INSERT ON user_values WHEN NEW.value = 'poison@x.example' \
                                BEGIN SELECT RAISE(ABORT, 'refused'); END",
        };
        store.execute(refuse).await;
        let file = "userName,emails.value\nann,a@x.example\nbo,poison@x.example\n";
        let error = side.import(file.as_bytes(), ImportOptions::default()).await.expect_err("a fault");
        let ImportError::Stopped { error, summary } = error else { panic!("{error}") };
        assert_eq!((error.line, summary.created, summary.failed), (3, 1, 1), "{error}");
        assert_eq!(side.total("/Users").await, 1);
        assert_eq!(side.event_names().await.iter().filter(|name| *name == "user.created").count(), 1);
    }

    async fn users_are_in_the_order_of_their_rows(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let mut file = "userName\n".to_owned();
        let names: Vec<String> = (0..1200).map(|at| format!("{}-{at}", at * 7919 % 1000)).collect();
        names.iter().for_each(|name| { let _ = writeln!(file, "{name}"); });
        assert_eq!(import(&side, &file).await, (1200, 0, 0, 0, 0));
        let (text, _) = side.export(Some(&["userName".to_owned()])).await.expect("exported");
        assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), names);
    }

    async fn five_thousand_rows(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let mut file = "userName,externalId,name.familyName,emails.value,emails.type\n".to_owned();
        for at in 0..5000 {
            let _ = writeln!(file, "user{at}@x.example,e{at},Number {at},user{at}@x.example,work");
        }
        let (bytes, rows) = (AtomicU64::new(0), AtomicU64::new(0));
        let progress = |now: provisioning::csv::ImportProgress| {
            assert!(now.bytes >= bytes.swap(now.bytes, Ordering::SeqCst), "bytes only grow");
            assert!(now.rows >= rows.swap(now.rows, Ordering::SeqCst), "rows only grow");
        };
        let done = side.import_with(file.as_bytes(), ImportOptions::default(), &progress).await.expect("imported");
        assert_eq!((done.created, done.failed, done.rows()), (5000, 0, 5000));
        assert_eq!((bytes.into_inner(), rows.into_inner()), (file.len() as u64, 5000));
        assert_eq!(side.total("/Users").await, 5000);
        assert_eq!(import(&side, &file).await, (0, 0, 5000, 0, 0));
        let (text, parts) = side.export(None).await.expect("exported");
        assert!(parts > 10 && text.lines().count() == 5001, "{parts} parts, {} lines", text.lines().count());
    }

    async fn errors_are_counted_beyond_those_that_are_kept(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("mdscripts").await;
        let mut file = "userName\nann@x.example\n".to_owned();
        (0..MAX_ERRORS + 50).for_each(|at| { let _ = writeln!(file, "nobody{at}"); });
        let done = side.import(file.as_bytes(), ImportOptions::default()).await.expect("imported");
        assert_eq!((done.created, done.failed), (1, MAX_ERRORS as u64 + 50));
        assert_eq!(done.errors.len(), MAX_ERRORS);
        assert!(done.errors.is_sorted_by_key(|error| error.line));
    }

    async fn a_file_that_breaks_off_tells_what_was_done(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let cut = BreaksOff { text: b"userName\nann\nbo\n" };
        let error = side.import(cut, ImportOptions::default()).await.expect_err("it breaks off");
        let ImportError::Stopped { error, summary } = error else { panic!("{error}") };
        assert_eq!((error.line, summary.created), (4, 2));
        assert!(error.problem.contains("cannot be read on"), "{error}");
        assert_eq!(import(&side, "userName\nann\nbo\ncy\n").await, (1, 0, 2, 0, 0));
    }

    async fn imports_are_told_in_the_audit_as_any_change(store: TestStore) {
        let world = &World::new(&store);
        let (side, other) = (world.tenant("generic").await, world.tenant("generic").await);
        assert_eq!(import(&side, "userName,title\nann,Nurse\n").await, (1, 0, 0, 0, 0));
        assert_eq!(import(&side, "userName,title,active\nann,Chief,false\n").await, (0, 1, 0, 0, 0));
        assert_eq!(side.event_names().await[1..], ["user.created", "user.deactivated"]);
        assert_eq!((other.total("/Users").await, other.event_names().await), (0, vec!["tenant.created".to_owned()]));
    }
}

#[tokio::test]
async fn a_file_has_a_million_rows_at_most() {
    let store = store_testing::sqlite().await;
    let side = World::new(&store).tenant("generic").await;
    let rows = usize::try_from(MAX_ROWS).expect("a number");
    // None of them gets as far as the database.
    let file = format!("userName\n{}\n,\na,b\n", "a,b\n".repeat(rows));
    let error = side.import(file.as_bytes(), ImportOptions::default()).await.expect_err("too long");
    let ImportError::Stopped { error, summary } = error else { panic!("{error}") };
    assert_eq!((error.line, summary.failed), (MAX_ROWS + 4, MAX_ROWS), "empty rows are not counted");
    assert!(error.problem.contains("more than 1000000 rows"), "{error}");
}

/// A file whose end cannot be read.
struct BreaksOff {
    text: &'static [u8],
}

impl tokio::io::AsyncRead for BreaksOff {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        into: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        if self.text.is_empty() {
            return std::task::Poll::Ready(Err(std::io::Error::other("gone")));
        }
        into.put_slice(self.text);
        self.text = &[];
        std::task::Poll::Ready(Ok(()))
    }
}
