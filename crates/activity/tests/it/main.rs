//! From a request that is handed over to what stands in the database.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{sync::Arc, time::Duration};

use activity::{Exchange, Journal, MASK, Options, Payload};
use scim_core::profile::Profile;
use store::{
    Actor, ActorKind, ChangeContext, CredentialId, Store, TenantId,
    activity::{HOUR, Milestone, RequestQuery, Traffic, hour_of},
    tenants::NewTenant,
};
use store_testing::on_both;

async fn tenant(store: &Store, slug: &str) -> TenantId {
    let new = NewTenant {
        slug: slug.into(),
        name: slug.into(),
        profile_name: "generic".into(),
        profile: String::new(),
        compatibility: "lenient".into(),
        activate: true,
    };
    let actor = Actor { kind: ActorKind::System, id: String::new(), name: "test".into() };
    let context = ChangeContext { actor, cause: "test".into() };
    store.platform().create_tenant(&new, &context).await.unwrap().id
}

fn post(tenant: TenantId, at: i64, body: &'static str) -> Exchange {
    Exchange {
        tenant,
        profile: Arc::new(Profile::from_toml(Profile::builtin("generic").unwrap()).unwrap()),
        at,
        duration: Duration::from_micros(700),
        request_id: format!("r-{at}"),
        credential: CredentialId::generate(),
        credential_name: "okta".into(),
        method: "POST".into(),
        route: "/Users",
        id: String::new(),
        path: "/Users".into(),
        query: None,
        status: 201,
        request: Payload::Whole(body.as_bytes().into()),
        response: Payload::None,
    }
}

fn all() -> RequestQuery {
    RequestQuery { limit: 1_000, ..RequestQuery::default() }
}

on_both! {
    async fn requests_are_logged_masked_counted_and_heard(store: TestStore) {
        let [acme, beta] = [tenant(&store, "acme").await, tenant(&store, "beta").await];
        let journal = Journal::start(store.store(), Options::default());
        assert!(journal.is_open() && journal.now() > 0);
        // More than one batch.
        for at in 0..290 {
            journal.note(post(acme, HOUR + at, r#"{"userName":"ann","password":"horse"}"#));
        }
        journal.note(Exchange { status: 409, ..post(beta, 5, "{}") });
        journal.flush().await;

        let scope = store.tenant(acme);
        let lines = scope.requests(&all()).await.unwrap();
        assert_eq!(lines.len(), 290);
        let entry = scope.request(lines[0].id).await.unwrap().unwrap();
        assert_eq!(entry.request_body.unwrap(), format!(r#"{{"userName":"ann","password":"{MASK}"}}"#));
        let about = RequestQuery { subject: Some("Ann".into()), ..all() };
        assert_eq!(scope.requests(&about).await.unwrap().len(), 290);
        let hours = scope.traffic(0, 2 * HOUR).await.unwrap();
        let traffic = Traffic { requests: 290, duration_us: 290 * 700, ..Traffic::default() };
        assert_eq!((hours.len(), hours[0].hour, hours[0].traffic), (1, HOUR, traffic));
        let heard: Vec<_> = scope.heard().await.unwrap();
        let times: Vec<_> = heard.iter().map(|heard| (heard.milestone, heard.first_at, heard.last_at)).collect();
        let span = |milestone| (milestone, HOUR, HOUR + 289);
        assert_eq!(times, [span(Milestone::Call), span(Milestone::UserCreated), span(Milestone::Success)]);
        let failed = store.tenant(beta).heard().await.unwrap();
        assert_eq!(failed.last().map(|heard| (heard.milestone, heard.last_status)), Some((Milestone::Failure, 409)));
    }

    async fn without_a_log_requests_are_counted_and_heard(store: TestStore) {
        let acme = tenant(&store, "acme").await;
        let journal = Journal::start(store.store(), Options { log: false, ..Options::default() });
        journal.note(post(acme, 3, "{}"));
        journal.flush().await;
        let scope = store.tenant(acme);
        assert_eq!(scope.requests(&all()).await.unwrap(), []);
        assert_eq!(scope.traffic(0, HOUR).await.unwrap()[0].traffic.requests, 1);
        assert_eq!(scope.heard().await.unwrap().len(), 3);
    }
}

/// On one thread nothing is written until this test waits, so it is known what finds room.
#[tokio::test]
async fn what_finds_no_room_is_counted() {
    let store = store_testing::sqlite().await;
    let acme = tenant(&store, "acme").await;
    let journal = Journal::start(store.store(), Options { entries: 3, bytes: 10, ..Options::default() });
    for at in [1, 2, 3, 4, 5] {
        journal.note(post(acme, at, r#"{"a":1}"#));
    }
    journal.flush().await;
    journal.note(post(acme, 6, "{}"));
    journal.flush().await;
    let scope = store.tenant(acme);
    let lines = scope.requests(&all()).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.at).collect::<Vec<_>>(), [6, 3, 2, 1]);
    let mut bodies = Vec::new();
    for line in &lines {
        bodies.push(scope.request(line.id).await.unwrap().unwrap().request_body.is_some());
    }
    assert_eq!(bodies, [true, false, false, true], "only one body had room at first");
    assert!(lines.iter().all(|line| line.request_bytes > 0), "the size is known all the same");
    assert_eq!(scope.traffic(0, HOUR).await.unwrap()[0].traffic.requests, 6);
}

/// Nobody reads it, and nobody waits.
#[tokio::test]
async fn a_journal_that_is_closed_takes_nothing() {
    let journal = Journal::default();
    assert!(!journal.is_open());
    journal.note(post(TenantId::generate(), hour_of(0), "{}"));
    journal.flush().await;
}
