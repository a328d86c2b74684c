//! The log of requests, counters per hour and milestones.

use std::collections::BTreeMap;

use serde_json::json;
use store::{
    CredentialId, TenantId,
    activity::{
        ActivityBatch, HOUR, Heard, HeardChange, HourOfTraffic, LoggedRequest, Milestone, NewRequest,
        RequestLine, RequestQuery, Traffic,
    },
};
use store_testing::on_both;
use uuid::Uuid;

use crate::{
    common::{context, tenant},
    support::user_state,
};

/// A request that was answered at this time.
fn request(tenant: TenantId, at: i64, path: &str, status: i32) -> NewRequest {
    let line = RequestLine {
        id: Uuid::now_v7(),
        at,
        request_id: format!("r-{at}"),
        credential: CredentialId(Uuid::nil()),
        credential_name: "okta".into(),
        method: "GET".into(),
        route: "/Users".into(),
        path: path.into(),
        query: None,
        resource_id: None,
        status,
        scim_type: (status == 409).then(|| "uniqueness".into()),
        detail: (status >= 400).then(|| "The userName is taken.".into()),
        duration_us: 1_500,
        request_bytes: 2,
        response_bytes: Some(4),
        erased: false,
    };
    let entry = LoggedRequest {
        line,
        request_body: Some("{}".into()),
        response_body: Some("{\"a\":1}".into()),
        request_cut: false,
        response_cut: true,
    };
    NewRequest { tenant, entry, subjects: Vec::new() }
}

fn batch(requests: Vec<NewRequest>) -> ActivityBatch {
    ActivityBatch { requests, ..ActivityBatch::default() }
}

/// Writes a request about these subjects, whose body holds this text.
pub(crate) async fn log(store: &store::Store, tenant: TenantId, subjects: &[&str], text: &str) {
    let mut logged = request(tenant, store.now(), "/Users", 201);
    logged.subjects = subjects.iter().map(|subject| scim_core::fold(subject)).collect();
    logged.entry.request_body = Some(json!({ "said": text }).to_string());
    store.platform().write_activity(&batch(vec![logged])).await.unwrap();
}

fn heard(milestone: Milestone, first_at: i64, last_at: i64, last_status: i32) -> Heard {
    Heard {
        milestone,
        first_at,
        last_at,
        last_method: "POST".into(),
        last_route: "/Users".into(),
        last_status,
        last_scim_type: None,
        last_request_id: format!("r-{last_at}"),
    }
}

fn all() -> RequestQuery {
    RequestQuery { limit: 1_000, ..RequestQuery::default() }
}

fn times(lines: &[RequestLine]) -> Vec<i64> {
    lines.iter().map(|line| line.at).collect()
}

on_both! {
    async fn the_log_is_read_newest_first_and_page_by_page(store: TestStore) {
        let [acme, beta] = [tenant(&store, "acme").await, tenant(&store, "beta").await];
        // More than one statement holds, two of them at the same time.
        let mut requests: Vec<_> = (0..205).map(|at| request(acme, at, "/Users", 200)).collect();
        requests.push(request(acme, 7, "/Groups", 200));
        requests.push(request(beta, 3, "/Users", 200));
        let written = batch(requests);
        store.platform().write_activity(&written).await.unwrap();
        // What was written already changes nothing.
        store.platform().write_activity(&written).await.unwrap();
        assert!(ActivityBatch::default().is_empty() && !written.is_empty());

        let scope = store.tenant(acme);
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = scope.requests(&RequestQuery { before, limit: 50, ..all() }).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.position());
            found.extend(page);
        }
        let mut wanted: Vec<i64> = (0..205).chain([7]).collect();
        wanted.sort_by(|one, other| other.cmp(one));
        assert_eq!(times(&found), wanted);
        assert_eq!(times(&store.tenant(beta).requests(&all()).await.unwrap()), [3]);

        let whole = scope.request(found[0].id).await.unwrap().unwrap();
        assert_eq!(whole, written.requests[204].entry);
        assert_eq!(store.tenant(beta).request(found[0].id).await.unwrap(), None, "another tenant's");
    }

    async fn each_condition_finds_its_entries(store: TestStore) {
        let acme = tenant(&store, "acme").await;
        let mut odd = request(acme, 3, "/Users/1_%", 409);
        odd.entry.line.method = "PUT".into();
        odd.entry.line.query = Some("attributes=a?b".into());
        odd.entry.line.credential = CredentialId(Uuid::max());
        odd.subjects = vec!["ann@example.com".into(), "1".into()];
        store.platform().write_activity(&batch(vec![
            request(acme, 1, "/Users", 200), request(acme, 2, "/Users/1xy", 404), odd, request(acme, 4, "/Groups", 500),
        ])).await.unwrap();
        let scope = store.tenant(acme);
        for (query, wanted) in [
            (all(), vec![4, 3, 2, 1]),
            (RequestQuery { method: Some("PUT".into()), ..all() }, vec![3]),
            (RequestQuery { status: Some((400, 499)), ..all() }, vec![3, 2]),
            (RequestQuery { status: Some((400, 599)), limit: 2, ..all() }, vec![4, 3]),
            (RequestQuery { status: Some((200, 200)), ..all() }, vec![1]),
            (RequestQuery { path: Some("/Users".into()), ..all() }, vec![3, 2, 1]),
            (RequestQuery { path: Some("1_%?attributes=a?".into()), ..all() }, vec![3]),
            (RequestQuery { path: Some("/users".into()), ..all() }, vec![]),
            (RequestQuery { credential: Some(CredentialId(Uuid::max())), ..all() }, vec![3]),
            (RequestQuery { subject: Some("ANN@Example.com ".into()), ..all() }, vec![3]),
            (RequestQuery { subject: Some("bob".into()), ..all() }, vec![]),
            (RequestQuery { request_id: Some("r-2".into()), ..all() }, vec![2]),
            (RequestQuery { from: Some(2), until: Some(4), ..all() }, vec![3, 2]),
        ] {
            assert_eq!(times(&scope.requests(&query).await.unwrap()), wanted, "{query:?}");
        }
    }

    async fn what_is_old_is_forgotten(store: TestStore) {
        let [acme, beta] = [tenant(&store, "acme").await, tenant(&store, "beta").await];
        let mut old = request(acme, 1, "/Users", 200);
        old.subjects = vec!["ann".into()];
        let counters = [(0, 2), (HOUR, 1)].map(|(hour, requests)| {
            ((acme, hour), Traffic { requests, ..Traffic::default() })
        });
        store.platform().write_activity(&ActivityBatch {
            requests: vec![old, request(acme, 10, "/Users", 200), request(beta, 2, "/Users", 200)],
            traffic: counters.into_iter().collect(),
            heard: Vec::new(),
        }).await.unwrap();
        assert_eq!(store.platform().forget_requests(10).await.unwrap(), 2);
        assert_eq!(store.platform().forget_requests(10).await.unwrap(), 0);
        assert_eq!(times(&store.tenant(acme).requests(&all()).await.unwrap()), [10]);
        assert!(store.tenant(beta).requests(&all()).await.unwrap().is_empty());
        let about = RequestQuery { subject: Some("ann".into()), ..all() };
        assert_eq!(store.tenant(acme).requests(&about).await.unwrap(), []);
        assert_eq!(store.platform().forget_traffic(HOUR).await.unwrap(), 1);
        assert_eq!(store.tenant(acme).traffic(0, 2 * HOUR).await.unwrap().len(), 1);
    }

    async fn counters_add_up_by_hour_tenant_and_installation(store: TestStore) {
        let [acme, beta] = [tenant(&store, "acme").await, tenant(&store, "beta").await];
        let other = store.another().await;
        let counts = |requests| Traffic { requests, client_errors: 1, server_errors: 2, duration_us: 10 };
        let traffic: BTreeMap<_, _> =
            [((acme, 0), counts(5)), ((acme, HOUR), counts(7)), ((beta, 0), counts(3))].into_iter().collect();
        let batch = ActivityBatch { traffic, ..ActivityBatch::default() };
        let (here, there) = (store.platform(), other.platform());
        let (one, two) = tokio::join!(here.write_activity(&batch), there.write_activity(&batch));
        one.unwrap();
        two.unwrap();

        let of = |hour, requests, times: i64| HourOfTraffic {
            hour,
            traffic: Traffic {
                requests, client_errors: times, server_errors: 2 * times, duration_us: 10 * times,
            },
        };
        let scope = store.tenant(acme);
        assert_eq!(scope.traffic(0, 2 * HOUR).await.unwrap(), [of(0, 10, 2), of(HOUR, 14, 2)]);
        assert_eq!(scope.traffic(0, HOUR).await.unwrap(), [of(0, 10, 2)]);
        assert_eq!(here.traffic(0, 2 * HOUR).await.unwrap(), [of(0, 16, 4), of(HOUR, 14, 2)]);
        let tenants = here.traffic_of_tenants(0, 2 * HOUR).await.unwrap();
        assert_eq!(tenants, [(acme, of(0, 24, 4).traffic), (beta, of(0, 6, 2).traffic)]);
        other.close().await;
    }

    async fn milestones_keep_the_first_and_the_last_time(store: TestStore) {
        let [acme, beta] = [tenant(&store, "acme").await, tenant(&store, "beta").await];
        let platform = store.platform();
        let write = async |changes: Vec<(TenantId, Heard)>| {
            let heard = changes.into_iter().map(|(tenant, heard)| HeardChange { tenant, heard }).collect();
            platform.write_activity(&ActivityBatch { heard, ..ActivityBatch::default() }).await.unwrap();
        };
        write(vec![
            (acme, heard(Milestone::Failure, 20, 30, 409)),
            (acme, heard(Milestone::Call, 20, 30, 409)),
            (beta, heard(Milestone::Call, 5, 5, 200)),
        ]).await;
        // A node that was slow brings what is older.
        write(vec![(acme, heard(Milestone::Call, 10, 15, 200)), (acme, heard(Milestone::UserCreated, 15, 15, 201))]).await;
        write(vec![(acme, heard(Milestone::Failure, 40, 40, 503))]).await;

        assert_eq!(store.tenant(acme).heard().await.unwrap(), [
            heard(Milestone::Call, 10, 30, 409),
            heard(Milestone::UserCreated, 15, 15, 201),
            heard(Milestone::Failure, 20, 40, 503),
        ]);
        assert_eq!(store.tenant(TenantId::generate()).heard().await.unwrap(), []);
        let both = platform.heard_from_tenants(&[Milestone::Call, Milestone::Success]).await.unwrap();
        assert_eq!(both, [(acme, heard(Milestone::Call, 10, 30, 409)), (beta, heard(Milestone::Call, 5, 5, 200))]);
        let words: std::collections::BTreeSet<_> = Milestone::all().map(Milestone::word).collect();
        assert_eq!(words.len(), Milestone::all().count());
    }

    async fn a_purge_takes_from_the_log_what_names_the_user(store: TestStore) {
        let acme = tenant(&store, "acme").await;
        let scope = store.tenant(acme);
        let document = json!({"userName": "Ann", "externalId": "X1", "emails": [{"value": "Ann@Example.com"}]});
        let ann = scope.create_user(&user_state(document), &context()).await.unwrap();
        let mut requests = Vec::new();
        for (at, named) in ["ann", "x1", "ann@example.com", &ann.id.to_string(), "bob"].into_iter().enumerate() {
            let mut request = request(acme, at as i64, "/Users/secret", 409);
            request.entry.line.query = Some("filter=x".into());
            request.entry.line.resource_id = Some(ann.id.to_string());
            request.subjects = vec!["carl".into(), named.into()];
            requests.push(request);
        }
        store.platform().write_activity(&batch(requests.clone())).await.unwrap();
        assert!(scope.purge_user(ann.id, None, &context()).await.unwrap());

        for request in &requests[..4] {
            let left = scope.request(request.entry.line.id).await.unwrap().unwrap();
            let mut wanted = request.entry.clone();
            wanted.line = RequestLine {
                path: "/Users".into(), query: None, resource_id: None, detail: None, erased: true, ..wanted.line
            };
            let nothing = LoggedRequest {
                request_body: None, response_body: None, request_cut: false, response_cut: false, ..wanted
            };
            assert_eq!(left, nothing);
        }
        let other = scope.request(requests[4].entry.line.id).await.unwrap();
        assert_eq!(other.as_ref(), Some(&requests[4].entry), "it does not name her");
        let about = RequestQuery { subject: Some("carl".into()), ..all() };
        assert_eq!(times(&scope.requests(&about).await.unwrap()), [4]);
    }

    /// What is kept for days is not kept longer because a tenant can be restored for weeks.
    async fn requests_of_a_deleted_tenant_are_forgotten_in_time(store: TestStore) {
        let acme = tenant(&store, "acme").await;
        store.platform().write_activity(&batch(vec![request(acme, 5, "/Users", 200)])).await.unwrap();
        assert!(store.platform().delete_tenant(acme, &context()).await.unwrap());
        assert_eq!(store.platform().forget_requests(10).await.unwrap(), 1);
    }

    /// Who was called otherwise before is known by the earlier names as well.
    async fn a_purge_knows_former_names(store: TestStore) {
        let acme = tenant(&store, "acme").await;
        let scope = store.tenant(acme);
        let born = json!({"userName": "ann.maiden", "externalId": "X1", "emails": [{"value": "maiden@example.com"}]});
        let ann = scope.create_user(&user_state(born), &context()).await.unwrap();
        let married = user_state(json!({"userName": "ann.wed", "externalId": "X2"}));
        scope.replace_user(ann.id, ann.version, &married, &context()).await.unwrap().unwrap();
        let mut requests = Vec::new();
        for (at, named) in ["ann.maiden", "x1", "maiden@example.com", "ann.wed", "bob"].into_iter().enumerate() {
            let mut request = request(acme, at as i64, "/Users", 200);
            request.subjects = vec![named.into()];
            requests.push(request);
        }
        store.platform().write_activity(&batch(requests)).await.unwrap();
        assert!(scope.purge_user(ann.id, None, &context()).await.unwrap());
        let erased: Vec<bool> = scope.requests(&all()).await.unwrap().iter().map(|line| line.erased).collect();
        assert_eq!(erased, [false, true, true, true, true], "newest first");
    }
}
