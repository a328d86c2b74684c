//! Looking up one user among very many.

use std::{sync::Arc, time::Duration};

use scim_core::{ResourceType, filter::parse, schema::AttributeType};
use serde_json::json;
use store::{Backend, ListQuery, TenantId, TenantScope, users::UserState};

use crate::support::{Bed, context, object, user_state};

/// However many others there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_up_reads_whom_it_finds() {
    let bed = Bed::new(Backend::Postgres).await;
    bed.many_users(5_000).await;
    let document = json!({
        "userName": "Ann@Clinic.example", "externalId": "x1", "active": false,
        "emails": [{"value": "ann@work", "type": "work"}, {"value": "ann@home", "type": "home"}],
    });
    let ann = bed.tenant.create_user(&user_state(document), &context()).await.expect("made");
    let ask = async |tenant: TenantScope| {
        assert_eq!(tenant.user(ann.id, true).await.expect("read").expect("there").user_name, ann.user_name);
        let found = tenant.user_by_name("ann@clinic.EXAMPLE", true).await.expect("read").expect("there");
        assert_eq!((found.id, found.groups), (ann.id, Some(Vec::new())));
        for (text, wanted) in [
            (r#"userName eq "ANN@clinic.example""#, 1),
            (r#"userName eq "ann@clinic.example" and active eq false"#, 1),
            (r#"userName eq "ann@clinic.example" and active eq true"#, 0),
            (r#"userName eq "nobody""#, 0),
            (r#"externalId eq "x1""#, 1),
            (r#"externalId eq "X1""#, 0),
            (r#"emails.value eq "ANN@home""#, 1),
            (r#"emails[type eq "work"].value eq "ann@work""#, 1),
            (r#"emails[type eq "work" and value eq "ann@home"]"#, 0),
        ] {
            let filter = parse(text, &ResourceType::user(), false).expect("a filter");
            let query = ListQuery { filter: Some(filter), limit: 50, edges: true, ..ListQuery::default() };
            let page = tenant.users(&query).await.expect("a list");
            assert_eq!((page.total, page.items.len(), page.more), (wanted, wanted as usize, false), "{text}");
            let ids: Vec<_> = page.items.iter().map(|user| user.id).collect();
            assert!(ids.iter().all(|id| *id == ann.id), "{text}");
        }
    };
    let reads = bed.rows_read_by(ask).await;
    assert!(reads < 20, "{reads} rows were read");
}

/// Beside the key a filter may look at few attributes of a user or at very many, which it has or has not.
#[tokio::test]
async fn the_rest_of_a_filter_is_looked_at() {
    let many = [
        "displayName",
        "nickName",
        "title",
        "userType",
        "locale",
        "timezone",
        "preferredLanguage",
        "profileUrl",
        "phoneNumbers.value",
        "ims.value",
        "photos.value",
        "entitlements.value",
        "roles.value",
        "addresses.locality",
        "name.givenName",
        "name.familyName",
        "x509Certificates.value",
        "externalId",
        "emails.type",
        "active",
    ];
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let missing: Vec<String> = many[1..].iter().map(|name| format!("not ({name} pr)")).collect();
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bed = Bed::new(backend).await;
        let ann =
            user_state(json!({"userName": "ann", "displayName": "Ann", enterprise: {"department": "A"}}));
        bed.tenant.create_user(&ann, &context()).await.expect("made");
        for (rest, wanted) in [
            ("displayName sw \"a\"".to_owned(), 1),
            ("not (title pr)".to_owned(), 1),
            ("title ne \"x\"".to_owned(), 1),
            ("title pr".to_owned(), 0),
            (format!("{enterprise}:department eq \"a\""), 1),
            (format!("{enterprise}:division pr"), 0),
            (format!("displayName pr and {}", missing[..missing.len() - 1].join(" and ")), 1),
            (format!("displayName pr and {}", missing.join(" and ")), 0),
            (format!("({} or displayName eq \"bob\")", many[1..19].join(" pr or ") + " pr"), 0),
        ] {
            let text = format!("userName eq \"ann\" and {rest}");
            let filter = parse(&text, &ResourceType::user(), false).expect(&text);
            let query = ListQuery { filter: Some(filter), limit: 5, ..ListQuery::default() };
            assert_eq!(bed.tenant.users(&query).await.expect(&text).total, wanted, "{backend:?} {text}");
        }
    }
}

/// Where case counts, the index of folded names says nothing.
#[tokio::test]
async fn names_with_case_are_found_as_they_are_written() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bed = Bed::new(backend).await;
        let mut kind = ResourceType::user();
        let mut schema = (*kind.schema).clone();
        for attribute in schema.attributes.iter_mut().filter(|attribute| attribute.name == "userName") {
            Arc::make_mut(attribute).case_exact = true;
        }
        kind.schema = Arc::new(schema);
        let ann = UserState::new(&kind, object(json!({"userName": "Ann"})));
        bed.tenant.create_user(&ann, &context()).await.expect("made");
        for (text, wanted) in [(r#"userName eq "Ann""#, 1), (r#"userName eq "ann""#, 0)] {
            let filter = parse(text, &kind, false).expect("a filter");
            let query = ListQuery { filter: Some(filter), limit: 5, ..ListQuery::default() };
            assert_eq!(bed.tenant.users(&query).await.expect("a list").total, wanted, "{backend:?} {text}");
        }
    }
}

/// PostgreSQL writes very large and very small numbers with all their digits.
#[tokio::test]
async fn numbers_are_read_as_they_were_written() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bed = Bed::new(backend).await;
        let mut kind = ResourceType::user();
        let schema = Arc::make_mut(&mut kind.schema);
        let title = schema.attributes.iter_mut().find(|attribute| attribute.name == "title").expect("title");
        Arc::make_mut(title).kind = AttributeType::Decimal;
        for number in [f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 0.1, 9_007_199_254_740_993.0, -0.0] {
            let name = format!("user {number:e}");
            let made = UserState::new(&kind, object(json!({"userName": name, "title": number})));
            bed.tenant.create_user(&made, &context()).await.expect("made");
            // The rest of the filter looks at what is kept.
            let text = format!(r#"userName eq "{name}" and (title eq {number:?} or nickName pr)"#);
            let filter = parse(&text, &kind, false).expect(&text);
            let query = ListQuery { filter: Some(filter), limit: 5, ..ListQuery::default() };
            assert_eq!(bed.tenant.users(&query).await.expect(&text).total, 1, "{backend:?} {text}");
        }
    }
}

/// The only connection of a pool is left to whoever needs it next.
#[tokio::test]
async fn one_connection_serves_all() {
    let one = |options: &mut store::StoreOptions| {
        options.max_connections = 1;
        options.acquire_timeout = Duration::from_secs(2);
    };
    for store in [store_testing::sqlite_with(one).await, store_testing::postgres_with(one).await] {
        let tenant = store.tenant(TenantId::generate());
        let ann = user_state(json!({"userName": "ann"}));
        let ann = tenant.create_user(&ann, &context()).await.expect("made");
        for _ in 0..2 {
            assert!(tenant.user(ann.id, true).await.expect("a look-up").is_some());
            assert_eq!(tenant.outbox(10).await.expect("a transaction").len(), 1);
        }
        assert!(tenant.soft_delete_user(ann.id, None, &context()).await.expect("a change"));
    }
}
