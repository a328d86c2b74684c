//! What a tenant's identity provider sent, for programs.

use serde_json::json;
use store::{
    CredentialId, TenantId,
    activity::{ActivityBatch, Heard, HeardChange, LoggedRequest, Milestone, NewRequest, RequestLine},
};

use crate::support::Api;

impl Api {
    /// A request that was answered at this time.
    async fn logged(&self, tenant: TenantId, at: i64, status: i32) -> String {
        let line = RequestLine {
            id: uuid::Uuid::now_v7(),
            at,
            request_id: format!("r-{at}"),
            credential: CredentialId(uuid::Uuid::nil()),
            credential_name: "Okta".into(),
            method: "POST".into(),
            route: "/Users".into(),
            path: "/Users".into(),
            query: None,
            resource_id: None,
            status,
            scim_type: None,
            detail: None,
            duration_us: 1_500,
            request_bytes: 2,
            response_bytes: None,
            erased: false,
        };
        let id = line.id.to_string();
        let entry = LoggedRequest {
            line,
            request_body: Some("{}".into()),
            response_body: None,
            request_cut: true,
            response_cut: false,
        };
        let new = NewRequest { tenant, entry, subjects: vec!["ann".into()] };
        let batch = ActivityBatch { requests: vec![new], ..ActivityBatch::default() };
        self.store.platform().write_activity(&batch).await.unwrap();
        id
    }
}

store_testing::on_both! {
    async fn a_connection_tells_what_is_missing(store: TestStore) {
        let api = Api::new(store).await;
        let acme = api.tenant("acme", "generic").await.id();
        let quiet = api.get("/tenants/acme/connection").await;
        assert_eq!(quiet.is(200).text("/state"), "Not connected");
        assert_eq!(quiet.body["findings"], json!([]));
        let made = json!({"name": "Okta"});
        api.send("POST", "/tenants/acme/credentials/tokens", made).await.is(201);
        let (now, hour) = (api.store.now(), 3_600_000);
        let heard = [Milestone::Call, Milestone::Success, Milestone::UserCreated].map(|milestone| HeardChange {
            tenant: acme,
            heard: Heard {
                milestone,
                first_at: now - 2 * hour,
                last_at: now,
                last_method: "POST".into(),
                last_route: "/Users".into(),
                last_status: 201,
                last_scim_type: None,
                last_request_id: "r".into(),
            },
        });
        let batch = ActivityBatch { heard: heard.into(), ..ActivityBatch::default() };
        api.store.platform().write_activity(&batch).await.unwrap();
        let connection = api.get("/tenants/acme/connection").await;
        let found = &connection.is(200).body["findings"];
        assert_eq!(connection.text("/state"), "Working");
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
        assert_eq!((&found[0]["code"], &found[0]["look"]), (&json!("users-without-groups"), &json!(true)));
        assert!(found[0]["next"].as_str().unwrap().contains("Push Groups"));
    }

    async fn requests_are_listed_and_shown(store: TestStore) {
        let api = Api::new(store).await;
        let acme = api.tenant("acme", "generic").await.id();
        api.tenant("other", "generic").await;
        let mut ids = Vec::new();
        for (at, status) in [(1_000, 201), (2_000, 404), (3_000, 503)] {
            ids.push(api.logged(acme, at, status).await);
        }
        let path = "/tenants/acme/requests";
        let first = api.get(&format!("{path}?limit=2")).await;
        let listed = first.is(200).items();
        assert_eq!((listed.len(), &listed[0]["id"], &listed[1]["id"]), (2, &json!(ids[2]), &json!(ids[1])));
        assert_eq!(listed[0]["at"], "1970-01-01T00:00:03.000Z");
        assert_eq!((&listed[1]["status"], &listed[1]["durationMicroseconds"]), (&json!(404), &json!(1_500)));
        assert!(listed[1]["meaning"]["remedy"].as_str().is_some_and(|text| text.len() > 10));
        let rest = api.get(&format!("{path}?limit=2&cursor={}", first.text("/nextCursor"))).await;
        assert_eq!((rest.is(200).items().len(), &rest.items()[0]["id"]), (1, &json!(ids[0])));
        assert!(rest.items()[0].get("meaning").is_none() && rest.body.get("nextCursor").is_none());

        for (query, wanted) in [
            ("status=4xx", 1), ("status=failed", 2), ("status=201", 1), ("method=get", 0), ("method=post", 3),
            ("about=ANN", 3), ("about=bob", 0), ("requestId=r-2000", 1), ("path=Users", 3), ("path=Groups", 0),
            ("from=1970-01-01T00:00:02Z", 2), ("until=1970-01-01T00:00:02Z", 1),
            ("credential=00000000-0000-0000-0000-000000000000", 3),
        ] {
            assert_eq!(api.get(&format!("{path}?{query}")).await.is(200).items().len(), wanted, "{query}");
        }
        let whole = api.get(&format!("{path}/{}", ids[0])).await;
        assert_eq!((&whole.is(200).body["requestBody"], &whole.body["requestBodyCut"]), (&json!("{}"), &json!(true)));
        assert!(whole.body.get("responseBody").is_none() && whole.body.get("responseBytes").is_none());

        assert!(api.get("/tenants/other/requests").await.is(200).items().is_empty());
        for nothing in [format!("/tenants/other/requests/{}", ids[0]), format!("{path}/x")] {
            api.get(&nothing).await.is(404);
        }
        for (query, field) in [
            ("status=soon", "status"), ("credential=x", "credential"), ("from=today", "from"), ("until=1", "until"),
            ("path=%00", "path"), ("cursor=x", "cursor"), ("limit=0", "limit"),
        ] {
            api.get(&format!("{path}?{query}")).await.blames(422, field);
        }
    }
}
