//! The feed as the vendor's application follows it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Api, DAY};

fn types(answer: &Value) -> Vec<&str> {
    answer["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

store_testing::on_both! {
    async fn it_tells_all_in_order(store: TestStore) {
        let api = Api::new(store).await;
        let acme = api.tenant("acme", "envi").await;
        let ann = api.user(&acme, "ann@example.com").await;
        api.group(&acme, "Envi_Manager", &[&ann]).await;
        let beta = api.tenant("beta", "generic").await;
        api.user(&beta, "bob@example.com").await;
        assert_eq!(types(&api.get("/events").await.is(200).body), [""; 0], "nothing has its number");
        api.store.number().await;

        let all = api.get("/events").await;
        let events = all.is(200).body["events"].as_array().unwrap().clone();
        assert_eq!((all.body["last"].as_u64(), &all.body["more"]), (Some(events.len() as u64), &json!(false)));
        for name in types(&all.body) {
            assert_eq!(delivery::names::matching(name), Some(vec![name]), "it is in the catalogue");
        }
        let made = events.iter().find(|event| event["object"]["id"] == json!(ann)).unwrap();
        assert_eq!(made["type"], "user.created");
        assert_eq!(made["object"], json!({"type": "User", "id": ann, "version": 1}));
        assert_eq!(made["tenant"], json!({"id": acme.id().to_string(), "slug": "acme"}));
        assert_eq!(made["data"]["state"]["userName"], "ann@example.com");

        let of = async |query: &str| {
            let answer = api.get(&format!("/events?{query}")).await;
            types(&answer.is(200).body).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of("tenant=acme&types=user.*,role.granted").await, ["user.created", "role.granted"]);
        assert_eq!(of("types=membership.*").await, ["membership.added"]);
        assert_eq!(of("tenant=beta&types=user.created&limit=1").await, ["user.created"]);
        assert_eq!(of("since=2000-01-01T00:00:00Z").await.len(), events.len());
        assert_eq!(of("since=2999-01-01T00:00:00Z").await.len(), 0);

        let (mut walked, mut after) = (Vec::new(), 0);
        loop {
            let part = api.get(&format!("/events?limit=2&after={after}")).await;
            walked.extend(part.is(200).body["events"].as_array().unwrap().clone());
            after = part.body["last"].as_i64().unwrap();
            if part.body["more"] == json!(false) {
                break;
            }
        }
        assert_eq!(walked, events);
        // A tenant's own token reads its own tenant's events alone.
        let own = api.tenant_token(&beta, "directory:read", None).await;
        let read = api.as_(&own, "GET", "/tenants/beta/events?types=user.*", None).await;
        assert_eq!(types(&read.is(200).body), ["user.created"]);
        assert_eq!(read.body["events"][0]["tenant"]["slug"], "beta");
        for path in ["/tenants/acme/events", "/events", "/events?tenant=beta"] {
            api.as_(&own, "GET", path, None).await.is(404);
        }
        api.get("/tenants/beta/events?tenant=acme").await.blames(422, "tenant");
    }

    async fn what_does_not_fit_is_told(store: TestStore) {
        let api = Api::new(store).await;
        for (query, field) in [
            ("limit=0", "limit"), ("limit=501", "limit"), ("wait=31", "wait"), ("types=user.made", "types"),
            ("types=", "types"), ("since=yesterday", "since"), ("since=2026-01-01T00:00:00Z&after=1", "since"),
            ("after=1", "after"), ("after=-1", "after"), ("after=9223372036854775807", "after"),
        ] {
            api.get(&format!("/events?{query}")).await.blames(422, field);
        }
        for query in ["after=x", "nonsense=1", "limit=-1"] {
            api.get(&format!("/events?{query}")).await.is(400);
        }
        api.get("/events?tenant=nobody").await.is(404);
        let acme = api.tenant("acme", "generic").await;
        for name in ["ann", "bob"] {
            api.user(&acme, &format!("{name}@example.com")).await;
        }
        api.store.number().await;
        api.store.platform().forget_feed(api.store.now() + DAY, 2).await.unwrap();
        api.get("/events?after=1").await.blames(410, "after");
        let rest = api.get("/events").await;
        assert_eq!(types(&rest.is(200).body), ["user.created"], "those that are kept");
        api.get("/events?after=2").await.is(200);
    }

    async fn who_waits_is_told_at_once(store: TestStore) {
        let api = Api::new(store).await;
        let acme = api.tenant("acme", "generic").await;
        api.store.number().await;
        let last = api.get("/events").await.is(200).body["last"].as_i64().unwrap();
        let begun = Instant::now();
        let path = format!("/events?after={last}&wait=20");
        let (answer, ()) = tokio::join!(api.get(&path), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            api.user(&acme, "ann@example.com").await;
            api.store.number().await;
        });
        assert_eq!(types(&answer.is(200).body), ["user.created"]);
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
        let nothing = api.get(&format!("/events?after={}&wait=1", last + 1)).await;
        assert_eq!(types(&nothing.is(200).body), [""; 0]);

        // A token that is revoked meanwhile is told nothing.
        let token = api.platform("app", "directory:read", DAY).await;
        let path = format!("/events?after={}&wait=20", last + 1);
        let (answer, ()) = tokio::join!(api.as_(&token, "GET", &path, None), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let tokens = api.get("/platform-tokens").await;
            let app = tokens.items().iter().find(|one| one["name"] == "app").unwrap().clone();
            api.delete(&format!("/platform-tokens/{}", app["id"].as_str().unwrap())).await.is(204);
            api.user(&acme, "bob@example.com").await;
            api.store.number().await;
        });
        answer.is(401);
    }
}
