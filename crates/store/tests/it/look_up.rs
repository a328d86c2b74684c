//! Looking up one user among very many.

use scim_core::{ResourceType, filter::parse};
use serde_json::json;
use store::{Backend, ListQuery, TenantScope};

use crate::support::{Bed, context, user_state};

/// However many others there are, and without statistics of the tables.
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
    assert!(reads < 1_000, "{reads} rows were read");
}
