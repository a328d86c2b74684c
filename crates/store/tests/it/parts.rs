//! Texts inside of names are found with an index and without, and are the same.

use scim_core::{ResourceType, filter, fold};
use serde_json::{Value, json};
use store::{Backend, ListQuery, Start, Store, TenantScope, Terms, Total};
use store_testing::on_both;

use crate::{
    common::{context, raw, run, tenant},
    login::Login,
    support::user_state,
};

/// Names that are hard to look for.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "100%",
        "%%",
        "a_b",
        "_",
        "O'Brien",
        "\"quoted\"",
        "back\\slash",
        "\\",
        "\\%",
        "Müller-Lüdenscheidt",
        "MÜLLER",
        "muller",
        "Straße",
        "STRASSE",
        "İstanbul",
        "ısırgan",
        "Iris",
        "iris",
        "\u{1F600}\u{1F601} smile",
        "smile\u{1F600}",
        "Li",
        "li",
        "Al",
        "王小明",
        "王小",
        "Ζεύς",
        "ΖΕΥΣ",
        "two\nlines",
        "\u{2}marked\u{1f}",
        "marked",
        "rubbed\u{7f}out",
        "Ann Zarnor",
        "Zarnor",
        "x' OR 1=1 --",
        "!bang!",
        "*",
        "ann zarnor",
        "de la O",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push(format!("{}needle{}", "long ".repeat(300), " and more".repeat(200)));
    names.push("ß\u{1F600}".repeat(400));
    names.push("z".repeat(1_024));
    names.push("z".repeat(1_025));
    names
}

/// Pieces of the names, and what is in none.
fn sought() -> Vec<String> {
    let mut sought: Vec<String> = [
        "%",
        "_",
        "a_",
        "\\",
        "\\%",
        "\\slash",
        "'b",
        "o'brien",
        "\"",
        "ü",
        "ÜL",
        "ller",
        "ss",
        "SSE",
        "ß",
        "straß",
        "i",
        "İ",
        "ı",
        "is",
        "ir",
        "\u{1F600}",
        "\u{1F600}\u{1F601}",
        "le\u{1F600}",
        "li",
        "L",
        "王",
        "王小",
        "王小明",
        "ζεύ",
        "σ",
        "ς",
        "o\nl",
        "\u{2}",
        "\u{1f}",
        "marked\u{1f}",
        "ed\u{7f}o",
        "bed\no",
        "marked",
        "lines",
        "nn Zar",
        "zarnor",
        "ZARNOR",
        "1=1",
        "' OR",
        "!",
        "bang!",
        "*",
        "la o",
        " ",
        "nobody at all",
        "-l",
        "needle",
        "g needle a",
        "and more",
    ]
    .map(str::to_owned)
    .to_vec();
    sought.push("z".repeat(1_000));
    sought.push("z".repeat(1_025));
    sought.push("z".repeat(2_000));
    sought.push(format!("{}needle", "long ".repeat(100)));
    sought.push(format!("{}noodle", "long ".repeat(100)));
    sought.push("ß\u{1F600}".repeat(300));
    sought
}

/// Which attribute of a user holds its number's name.
fn document(number: usize, name: &str) -> Value {
    let home = format!("{name}@home");
    json!({
        "userName": format!("u{number:03}"),
        "displayName": name,
        "name": {"familyName": name, "givenName": "Ann"},
        "title": name,
        "emails": [{"value": "other@work", "type": "work"}, {"value": home, "type": "home"}, {"value": name}],
    })
}

async fn answer(scope: &TenantScope, text: &str) -> Vec<String> {
    let filter =
        filter::parse(text, &ResourceType::user(), true).unwrap_or_else(|error| panic!("{text}: {error}"));
    let query = ListQuery { filter: Some(filter), limit: 1_000, ..ListQuery::default() };
    let found = scope.users(&query).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(found.total, found.items.len() as u64, "{text}");
    let mut names: Vec<String> = found.items.into_iter().map(|user| user.user_name).collect();
    names.sort();
    names
}

/// Each filter with who fits it.
fn questions(names: &[String]) -> Vec<(String, Vec<String>)> {
    let mut questions = Vec::new();
    for text in sought() {
        let (literal, folded) = (Value::from(text.as_str()).to_string(), fold(&text));
        let who = |fits: &dyn Fn(&str) -> bool| {
            let fitting = names.iter().enumerate().filter(|(_, name)| fits(&fold(name)));
            fitting.map(|(number, _)| format!("u{number:03}")).collect::<Vec<_>>()
        };
        for attribute in ["displayName", "name.familyName", "title"] {
            questions.push((format!("{attribute} co {literal}"), who(&|name| name.contains(&folded))));
            questions.push((format!("{attribute} sw {literal}"), who(&|name| name.starts_with(&folded))));
            questions.push((format!("{attribute} ew {literal}"), who(&|name| name.ends_with(&folded))));
        }
        let mail = |name: &str| format!("{name}@home");
        questions.push((
            format!("emails[type eq \"home\" and value co {literal}]"),
            who(&|name| mail(name).contains(&folded)),
        ));
        questions.push((
            format!("not (emails[type eq \"home\" and value sw {literal}])"),
            who(&|name| !mail(name).starts_with(&folded)),
        ));
        // Of several addresses any one fits.
        let any = |name: &str, fits: &dyn Fn(&str) -> bool| {
            [name, "other@work", mail(name).as_str()].into_iter().any(|address| fits(&fold(address)))
        };
        questions.push((
            format!("emails.value co {literal}"),
            who(&|name| any(name, &|address| address.contains(&folded))),
        ));
        questions.push((
            format!("emails.value ew {literal}"),
            who(&|name| any(name, &|address| address.ends_with(&folded))),
        ));
        questions.push((
            format!("displayName co {literal} or name.familyName ew {literal}"),
            who(&|name| name.contains(&folded)),
        ));
    }
    questions
}

on_both! {
    async fn hard_texts_are_found_with_and_without_the_index(store: TestStore) {
        let (names, id) = (names(), tenant(&store, "acme").await);
        for (number, name) in names.iter().enumerate() {
            let state = user_state(document(number, name));
            store.tenant(id).create_user(&state, &context()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let elsewhere = store.tenant(tenant(&store, "other").await);
        elsewhere.create_user(&user_state(document(0, "Ann Zarnor")), &context()).await.unwrap();

        assert_eq!(store.finds_parts(), store.backend() == Backend::Postgres);
        let questions = questions(&names);
        for (text, expected) in &questions {
            assert_eq!(&answer(&store.tenant(id), text).await, expected, "{text}");
        }
        let documents = store.tenant(id).under(Terms { index_incomplete: true, ..Terms::default() });
        for (text, expected) in &questions {
            assert_eq!(&answer(&documents, text).await, expected, "without the index of values: {text}");
        }
        assert_eq!(answer(&elsewhere, r#"displayName co "zarnor""#).await, ["u000"]);
        if store.backend() == Backend::Sqlite {
            return;
        }

        // Where the extensions are not to be had; then they are.
        let db = raw(&store).await;
        run(&db, "DROP FUNCTION users_holding(text, bigint, text, boolean); DROP INDEX user_values_parts").await;
        let without = store.another().await;
        assert!(!without.finds_parts());
        for (text, expected) in &questions {
            assert_eq!(&answer(&without.tenant(id), text).await, expected, "without the index of parts: {text}");
        }
        without.close().await;
        Store::migrate(store.options()).await.unwrap();
        let with = store.another().await;
        assert!(with.finds_parts());
        assert_eq!(answer(&with.tenant(id), r#"displayName co "zarnor" and title sw "ann""#).await.len(), 2);
        with.close().await;
        db.close().await.unwrap();
    }

    /// Pages of users that an index finds are cut and counted as those of any other list.
    async fn pages_of_many_are_counted(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        for number in 0..7 {
            scope.create_user(&user_state(document(number, "Zarnor")), &context()).await.unwrap();
        }
        scope.create_user(&user_state(document(7, "Quimby")), &context()).await.unwrap();
        let documents = scope.under(Terms { index_incomplete: true, ..Terms::default() });
        let page = async |scope: &TenantScope, text: &str, start: Start, total: Total| {
            let filter = Some(filter::parse(text, &ResourceType::user(), true).unwrap());
            let found = scope.users(&ListQuery { filter, start, limit: 3, total, ..ListQuery::default() }).await.unwrap();
            let ids: Vec<_> = found.items.iter().map(|user| user.id).collect();
            (ids, found.total, found.more)
        };
        for text in [
            r#"displayName co "arno""#,
            r#"name.familyName ew "NOR""#,
            r#"name.familyName sw "zar""#,
            r#"emails.value co "nor@""#,
            r#"displayName co "ar""#,
            r#"title co "arn" and displayName co "zarn""#,
            r#"emails[type eq "home" and value co "zarn"]"#,
            r#"userName co "u00" and displayName sw "za""#,
        ] {
            let (first, total, more) = page(&scope, text, Start::Offset(0), Total::Whole).await;
            assert_eq!((first.len(), total, more), (3, 7, true), "{text}");
            let after = || Start::After(first[2].0);
            for (start, total) in [
                (Start::Offset(0), Total::Whole),
                (Start::Offset(3), Total::Whole),
                (Start::Offset(6), Total::Whole),
                (Start::Offset(7), Total::Whole),
                (Start::Offset(3), Total::Remaining),
                (after(), Total::Whole),
                (after(), Total::Remaining),
                (Start::Before(first[2].0), Total::Whole),
            ] {
                let asked = format!("{text}, {start:?}, {total:?}");
                let found = page(&scope, text, start.clone(), total).await;
                assert_eq!(found, page(&documents, text, start, total).await, "{asked}");
            }
        }
    }

    /// New entries wait, are found while they do, and are filed.
    async fn new_entries_are_filed(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        scope.create_user(&user_state(document(1, "Zarnor")), &context()).await.unwrap();
        assert_eq!(answer(&scope, r#"name.familyName co "arno""#).await, ["u001"]);
        let waiting = i64::from(store.backend() == Backend::Postgres);
        assert_eq!(store.file_new_parts().await.unwrap(), waiting);
        assert_eq!(store.file_new_parts().await.unwrap(), 0);
        assert_eq!(answer(&scope, r#"name.familyName co "arno""#).await, ["u001"]);
    }

    /// What a user is found by follows its changes.
    async fn who_has_another_name_is_found_by_it(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let made = scope.create_user(&user_state(document(1, "Zarnor")), &context()).await.unwrap();
        scope.replace_user(made.id, 1, &user_state(document(1, "Quimby")), &context()).await.unwrap();
        assert!(answer(&scope, r#"name.familyName co "arno""#).await.is_empty());
        assert_eq!(answer(&scope, r#"name.familyName co "uimb""#).await, ["u001"]);
        assert!(scope.soft_delete_user(made.id, None, &context()).await.unwrap());
        assert!(answer(&scope, r#"name.familyName co "uimb""#).await.is_empty());
    }
}

/// A login that owns the tables and is no superuser makes the index, and it serves under forced row-level security.
#[tokio::test]
async fn an_owner_without_special_rights_makes_the_index() {
    let store = store_testing::postgres().await;
    let owner = Login::create(&store, "IN ROLE rollcall_app").await;
    let url = url::Url::parse(&store.options().url).unwrap();
    let database = url.path().trim_start_matches('/');
    let db = raw(&store).await;
    run(
        &db,
        &format!(
            "DROP EXTENSION pg_trgm CASCADE; DROP EXTENSION btree_gin CASCADE; \
             DROP FUNCTION users_holding(text, bigint, text, boolean); DROP FUNCTION file_new_parts(); \
             DROP POLICY user_values_of_owner ON user_values; ALTER DATABASE {database} OWNER TO {}",
            owner.name
        ),
    )
    .await;
    // Trusted extensions (PostgreSQL 13) are the database owner's to make; the tables are given away before.
    owner.own_everything(&db).await;
    Store::migrate(&owner.options).await.unwrap();

    let node = Store::open(&owner.options).await.unwrap();
    assert!(node.finds_parts());
    let scope = node.tenant(tenant(&node, "acme").await);
    scope.create_user(&user_state(document(7, "Zarnor")), &context()).await.unwrap();
    assert_eq!(answer(&scope, r#"displayName co "arno""#).await, ["u007"]);
    assert!(answer(&node.tenant(store::TenantId::generate()), r#"displayName co "arno""#).await.is_empty());
    node.close().await;
    owner.drop(&store).await;
    db.close().await.unwrap();
}
