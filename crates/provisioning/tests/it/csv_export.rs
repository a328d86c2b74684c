//! A tenant's users as CSV, on each database: it reads back, and no cell is a formula.

use provisioning::csv::{ImportOptions, columns_of};
use serde_json::{Value, json};
use store_testing::on_both;

use crate::support::{Side, World, person};

/// The rows of a file: RFC 4180, read by hand so that the test does not trust what it tests.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(ch) = chars.next() {
        match ch {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && chars.next_if_eq(&'\n').is_some() => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    assert!(cell.is_empty() && row.is_empty() && !quoted, "the last row has an end");
    rows
}

async fn exported(side: &Side) -> (String, Vec<Vec<String>>) {
    let (text, _) = side.export(None).await.expect("exported");
    let rows = rows(&text);
    (text, rows)
}

fn column(rows: &[Vec<String>], name: &str) -> Vec<String> {
    let at =
        rows[0].iter().position(|known| known == name).unwrap_or_else(|| panic!("no {name}: {:?}", rows[0]));
    rows[1..].iter().map(|row| row[at].clone()).collect()
}

/// A user without what the server alone writes.
fn bare(mut user: Value) -> Value {
    for name in ["id", "meta"] {
        user.as_object_mut().expect("an object").remove(name);
    }
    user
}

on_both! {
    async fn no_cell_is_a_formula_and_the_file_reads_back(store: TestStore) {
        let world = &World::new(&store);
        let (side, other) = (world.tenant("generic").await, world.tenant("generic").await);
        let texts = [
            "=1+1", "+1 202 555 0143", "-7", "@SUM(A1)", "\t=1", "＝1", "＋1", "－1", "＠x", "'=1", "'tis", "a;=1",
            "O'Brien, \"Jr.\"", "two\r\nlines", " blanks ", "é日本😀",
        ];
        for (at, text) in texts.iter().enumerate() {
            let mut body = person(&format!("user{at:02}@x.example"));
            body["title"] = json!(text);
            body["name"]["familyName"] = json!(text);
            body["emails"][0]["display"] = json!(text);
            side.create_user(&body).await.expect("made");
        }
        let (text, rows) = exported(&side).await;
        assert_eq!(rows.len(), texts.len() + 1);
        for row in &rows {
            assert_eq!(row.len(), rows[0].len());
            let formula = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
            assert!(!row.iter().any(|cell| cell.starts_with(formula)), "{row:?}");
        }
        assert_eq!(column(&rows, "title")[0], "'=1+1");
        let done = side.import(text.as_bytes(), ImportOptions::default()).await.expect("imported");
        assert_eq!((done.unchanged, done.rows()), (texts.len() as u64, texts.len() as u64), "{done:?}");
        let done = other.import(text.as_bytes(), ImportOptions::default()).await.expect("imported");
        assert_eq!((done.created, done.rows()), (texts.len() as u64, texts.len() as u64), "{done:?}");
        for at in 0..texts.len() {
            let name = format!("user{at:02}@x.example");
            assert_eq!(bare(other.by_name(&name).await), bare(side.by_name(&name).await), "{name}");
        }
    }

    async fn every_attribute_of_a_product_reads_back(store: TestStore) {
        let world = &World::new(&store);
        let (side, other) = (world.tenant("mdscripts").await, world.tenant("mdscripts").await);
        const MDSCRIPTS: &str = "urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User";
        let mut body = person("ann@x.example");
        body["timezone"] = json!("US/Eastern");
        body["externalId"] = json!("00u1");
        body[MDSCRIPTS] = json!({
            "isProvider": true, "isPhysicianAssistant": false, "npi": "1234567893", "deaLicense": "AE5836727",
            "role": "Manager", "siteNumbers": ["12", "17"],
        });
        side.create_user(&body).await.expect("made");
        let (text, rows) = exported(&side).await;
        assert_eq!(rows[0], columns_of(&side.user_type()));
        assert_eq!(rows[0][..4], ["id", "userName", "externalId", "active"]);
        assert_eq!(column(&rows, "npi"), ["1234567893"]);
        assert_eq!(column(&rows, "siteNumbers"), ["12,17"]);
        assert_eq!(column(&rows, "isProvider"), ["true"]);
        assert_eq!(column(&rows, "emails.value"), ["ann@x.example"]);
        assert_eq!(column(&rows, "emails.type"), ["work"]);
        let user = side.by_name("ann@x.example").await;
        assert_eq!(column(&rows, "id"), [user["id"].as_str().expect("an id")]);
        assert_eq!(column(&rows, "meta.created"), [user["meta"]["created"].as_str().expect("a time")]);
        assert_eq!(column(&rows, "meta.lastModified"), [user["meta"]["lastModified"].as_str().expect("a time")]);
        let done = other.import(text.as_bytes(), ImportOptions::default()).await.expect("imported");
        assert_eq!(done.created, 1, "{done:?}");
        assert_eq!(bare(other.by_name("ann@x.example").await), bare(user));
    }

    async fn columns_can_be_chosen(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let mut body = person("ann@x.example");
        body["emails"] = json!([
            {"value": "h@x.example", "type": "home"}, {"value": "w@x.example", "type": "work", "primary": true},
        ]);
        body.as_object_mut().expect("an object").remove("active");
        side.create_user(&body).await.expect("made");
        let names = ["USERNAME", "emails.value", "emails[type eq \"home\"].value", "active", "name.givenName"];
        let names: Vec<String> = names.map(str::to_owned).to_vec();
        let (text, _) = side.export(Some(&names)).await.expect("exported");
        assert_eq!(rows(&text), [names, ["ann@x.example", "w@x.example", "h@x.example", "true", "Test"].map(str::to_owned).to_vec()]);
        let done = side.import(text.as_bytes(), ImportOptions::default()).await.expect("imported");
        assert_eq!((done.unchanged, done.rows()), (1, 1), "{done:?}");
        for name in ["tenant", "password", "groups", ""] {
            let names = ["userName".to_owned(), name.to_owned()];
            let error = side.export(Some(&names)).await.expect_err("no column");
            assert!(error.to_string().contains("Columns: userName, externalId"), "{name}: {error}");
        }
    }

    async fn who_is_deleted_or_somebody_else_s_is_not_there(store: TestStore) {
        let world = &World::new(&store);
        let (side, other) = (world.tenant("generic").await, world.tenant("generic").await);
        let (text, parts) = side.export(None).await.expect("exported");
        assert_eq!((rows(&text).len(), parts), (1, 1), "a header");
        let gone = side.make_user("gone@x.example").await;
        side.make_user("ann@x.example").await;
        other.make_user("theirs@x.example").await;
        side.delete_user(&gone, None).await.expect("deleted");
        let (text, rows) = exported(&side).await;
        assert_eq!(column(&rows, "userName"), ["ann@x.example"]);
        assert!(!text.contains("1mz050nq") && !rows[0].iter().any(|name| name == "password"));
    }

    async fn all_pages_are_in_the_order_of_ids(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let ids = side.many_users(&store, 450).await;
        let (text, parts) = side.export(Some(&["id".to_owned()])).await.expect("exported");
        let found: Vec<String> = rows(&text)[1..].iter().map(|row| row[0].clone()).collect();
        assert_eq!((found, parts), (ids, 3));
    }
}
