//! One node, sometimes two, and a receiver.

use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use delivery::{
    DestinationChange, DestinationError, NewWay, WayChange,
    webhook::{NewWebhook, WebhookChange},
};
use futures::future::BoxFuture;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use store::{
    StoreError,
    destinations::{DestinationState, Fate},
};
use store_testing::on_both;

use crate::{
    bed::{Bed, HOUR, context, in_order},
    receiver::{Answer, Receiver},
};

const DAY: i64 = 24 * HOUR;

/// Events that were given up for webhooks in this process.
fn given_up() -> u64 {
    static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).unwrap();
        handle
    });
    let name = "rollcall_deliveries_given_up_total{way=\"webhook\"} ";
    let shown = RECORDER.render();
    shown.lines().find_map(|line| line.strip_prefix(name)?.parse().ok()).unwrap_or_default()
}

/// A name that leads to one address the first time, and then to another.
struct Turning {
    asked: AtomicUsize,
    addresses: [IpAddr; 2],
}

impl egress::Names for Turning {
    fn look_up(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let address = self.addresses[asked.min(1)];
        Box::pin(async move { Ok(vec![address]) })
    }
}

on_both! {
    async fn a_name_that_turns_to_an_address_that_is_not_open_is_not_followed(store: TestStore) {
        // One loopback address stands for the public internet; the other is private as ever.
        let receiver = Receiver::at("127.0.0.2:0").await;
        receiver.answers(|_| Answer::Header(204, "connection", "close".to_owned()));
        let port = receiver.url.parse::<url::Url>().unwrap().port().unwrap();
        let private = Receiver::at(&format!("127.0.0.1:{port}")).await;
        let addresses = ["127.0.0.2".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        let names = Arc::new(Turning { asked: AtomicUsize::new(0), addresses });
        let egress = egress::Client::with_names("127.0.0.2/32".parse().unwrap(), names.clone());
        let bed = Bed::new(store).await.by(egress);
        let url = format!("http://hooks.example:{port}/hook");
        let (destination, _) = bed.destination(NewWay::Webhook(NewWebhook { url, ..NewWebhook::default() })).await;
        let node = bed.node();
        bed.user("ann").await;
        receiver.has_taken(1).await;
        bed.user("bob").await;
        bed.until("it is refused", async || bed.kept(destination.id).await.problem.is_some()).await;
        let problem = bed.kept(destination.id).await.problem.unwrap();
        assert!(problem.contains("hooks.example leads to the address 127.0.0.1"), "{problem}");
        assert!(names.asked.load(Ordering::SeqCst) >= 2);
        let tested = bed.destinations.test(destination.id).await.unwrap();
        assert!(tested.unwrap_err().problem.contains("127.0.0.1"));
        assert_eq!((private.calls().len(), receiver.calls().len()), (0, 1));
        node.stop().await;
    }

    async fn each_event_comes_signed_and_once(store: TestStore) {
        let bed = Bed::new(store).await;
        let receiver = Receiver::new().await;
        let (destination, secret) = bed.webhook(&receiver).await;
        let node = bed.node();
        let ann = bed.user("ann").await;
        bed.renamed(ann, "ann", "Dr").await;
        let taken = receiver.has_taken(2).await;
        assert_eq!((&taken[0]["type"], &taken[1]["type"]), (&json!("user.created"), &json!("user.updated")));
        assert_eq!(taken[1]["data"]["changed"], json!(["title"]));
        assert_eq!(taken[0]["actor"]["name"], json!(""), "no names of people of the console for a tenant's destination");
        in_order(&taken);
        for call in receiver.calls() {
            assert_eq!(call.headers["webhook-id"].to_str().unwrap(), call.event["id"].as_str().unwrap());
            assert_eq!(call.headers["content-type"], "application/json");
            assert_eq!(call.headers["x-api-key"], "open sesame");
            assert!(call.is_signed_by(&secret));
            assert!(!call.is_signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        }
        // Another secret, beside the old one; another header; none of it is shown.
        let (_, new) = bed.destinations.rotate(destination.id, None, &context()).await.unwrap();
        let headers = BTreeMap::from([("x-api-key".to_owned(), None), ("x-other".to_owned(), Some("b".to_owned()))]);
        let way = Some(WayChange::Webhook(WebhookChange { url: None, headers: Some(headers) }));
        let change = DestinationChange { way, ..DestinationChange::default() };
        let changed = bed.destinations.change(destination.id, change, &context()).await.unwrap();
        assert_eq!(changed.settings["headers"], json!(["x-other"]));
        // Whoever holds it learns of that within a moment; until then nothing is made out by the old terms.
        bed.user("bob").await;
        receiver.has_taken(3).await;
        let last = receiver.calls().pop().unwrap();
        assert!(last.is_signed_by(&secret) && last.is_signed_by(&new));
        assert!(last.headers.get("x-api-key").is_none());
        assert_eq!(last.headers["x-other"], "b");
        let trail = bed.store.tenant(bed.tenant).audit(None, 99).await.unwrap();
        assert!(!format!("{trail:?}").contains("sesame") && !format!("{trail:?}").contains(&secret));
        bed.until("all are settled", async || bed.count(destination.id, Fate::Done).await == 3).await;
        assert_eq!(receiver.calls().len(), 3, "once");
        node.stop().await;
    }

    /// Neither without the other, and both are judged before either is done.
    async fn another_secret_comes_with_a_change(store: TestStore) {
        let bed = Bed::new(store).await;
        let receiver = Receiver::new().await;
        let (destination, _) = bed.webhook(&receiver).await;
        let headers = BTreeMap::from([("x-other".to_owned(), Some("b".to_owned()))]);
        let way = Some(WayChange::Webhook(WebhookChange { url: None, headers: Some(headers) }));
        let change = |secret: &str, version| DestinationChange {
            way: way.clone(),
            events: Some(Some(vec!["*".into()])),
            secret: Some(secret.into()),
            version: Some(version),
            ..DestinationChange::default()
        };
        let unfit = bed.destinations.preview_change(&destination, change("short", 1)).unwrap_err();
        assert!(unfit.to_string().starts_with("secret: "), "{unfit}");
        assert!(bed.destinations.change(destination.id, change("short", 1), &context()).await.is_err());
        assert_eq!(bed.destinations.one(destination.id).await.unwrap(), destination, "nothing of it was done");
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let stale = bed.destinations.change(destination.id, change(secret, 2), &context()).await;
        assert!(matches!(stale, Err(DestinationError::Store(StoreError::Stale))), "{stale:?}");
        let changed = bed.destinations.change(destination.id, change(secret, 1), &context()).await.unwrap();
        assert_eq!((changed.version, &changed.events), (2, &None), "one change; * is all");
        let shown = BTreeMap::from([("secret".to_owned(), secret.to_owned()), ("headers.x-other".to_owned(), "b".to_owned())]);
        let known = bed.destinations.known_secrets(&changed, &shown).members;
        assert_eq!((known["secret"], known["headers.x-other"], known["headers.X-Api-Key"]), (Some(true), Some(true), None));
    }

    async fn a_receiver_that_was_away_for_26_hours_gets_all_in_order(store: TestStore) {
        let bed = Bed::new(store).await;
        let receiver = Receiver::new().await;
        receiver.answers(|_| Answer::Status(503));
        let (destination, _) = bed.webhook(&receiver).await;
        let node = bed.node();
        let mut ids = Vec::new();
        for name in ["ann", "bob", "cat"] {
            ids.push(bed.user(name).await);
        }
        receiver.is_called(3).await;
        for hour in 0..26 {
            bed.settled(destination.id, &receiver).await;
            let calls = receiver.calls().len();
            bed.store.advance(HOUR);
            bed.renamed(ids[hour % 3], ["ann", "bob", "cat"][hour % 3], &hour.to_string()).await;
            bed.user(&format!("u{hour}")).await;
            // Somebody new is tried at once, or when the destination is tried again: after five minutes at most.
            receiver.is_called(calls + 1).await;
        }
        bed.settled(destination.id, &receiver).await;
        let kept = bed.kept(destination.id).await;
        assert_eq!((kept.state, kept.problem.as_deref()), (DestinationState::Active, Some("it answered 503")));
        assert_eq!(bed.count(destination.id, Fate::Dead).await, 0);
        assert_eq!(receiver.taken().len(), 0);
        receiver.answers(|_| Answer::Status(200));
        // Nobody waits for hours when it is there again: five minutes at most.
        bed.store.advance(300_000);
        let taken = receiver.has_taken(55).await;
        in_order(&taken);
        bed.until("all are settled", async || bed.count(destination.id, Fate::Done).await == 55).await;
        assert_eq!(bed.kept(destination.id).await.failing_since, None);
        node.stop().await;
    }

    async fn one_that_fails_for_ever_is_disabled_and_its_letters_can_be_sent_again(store: TestStore) {
        let bed = Bed::new(store).await;
        let receiver = Receiver::new().await;
        receiver.answers(|_| Answer::Status(500));
        let (destination, _) = bed.webhook(&receiver).await;
        let before = given_up();
        let node = bed.node();
        let ann = bed.user("ann").await;
        bed.renamed(ann, "ann", "a").await;
        for attempt in 1..=8 {
            receiver.is_called(attempt).await;
            bed.settled(destination.id, &receiver).await;
            bed.store.advance(13 * HOUR);
        }
        bed.until("the first is given up", async || bed.count(destination.id, Fate::Dead).await == 1).await;
        bed.until("it is counted", async || given_up() > before).await;
        assert_eq!(bed.kept(destination.id).await.state, DestinationState::Active, "not five days yet");
        let what_follows = |event: &Value| event["object"]["version"] == 2;
        bed.store.advance(DAY);
        bed.until("the next one is tried", async || receiver.calls().iter().any(|call| what_follows(&call.event))).await;
        bed.store.advance(DAY);
        bed.until("it is disabled", async || bed.kept(destination.id).await.state == DestinationState::Disabled).await;
        let kept = bed.kept(destination.id).await;
        assert_eq!(kept.problem.as_deref(), Some("it has taken nothing for five days; the last time it answered 500"));
        let told = bed.store.tenant(bed.tenant).audit(Some(&destination.id.to_string()), 1).await.unwrap();
        assert_eq!(told[0].event, "destination.disabled");
        let calls = receiver.calls().len();
        bed.user("bob").await;
        bed.store.advance(DAY);
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(receiver.calls().len(), calls, "it is left alone");

        receiver.answers(|_| Answer::Status(200));
        let active = DestinationChange { active: Some(true), ..DestinationChange::default() };
        bed.destinations.change(destination.id, active, &context()).await.unwrap();
        receiver.has_taken(2).await;
        assert!(bed.store.platform().revive(destination.id, 0, i64::MAX).await.unwrap() >= 1);
        let taken = receiver.has_taken(3).await;
        assert_eq!(taken.iter().filter(|event| event["object"]["id"] == json!(ann.to_string())).count(), 2);
        bed.until("nothing waits", async || bed.count(destination.id, Fate::Done).await == 3).await;
        node.stop().await;
    }

    async fn what_is_refused_holds_back_its_own_object_alone(store: TestStore) {
        let bed = Bed::new(store).await;
        let receiver = Receiver::new().await;
        receiver.answers(|event| match event["data"]["state"]["userName"].as_str() {
            Some("poison") => Answer::Status(400),
            _ => Answer::Status(200),
        });
        bed.webhook(&receiver).await;
        let node = bed.node();
        let poison = bed.user("poison").await;
        bed.renamed(poison, "cured", "").await;
        for number in 0..20 {
            bed.user(&format!("u{number}")).await;
        }
        let taken = receiver.has_taken(20).await;
        assert!(taken.iter().all(|event| event["object"]["id"] != json!(poison.to_string())));
        assert!(receiver.calls().iter().filter(|call| call.status == 400).count() <= 2, "it is not tried more often for that");
        receiver.answers(|_| Answer::Status(200));
        bed.store.advance(10_000);
        in_order(&receiver.has_taken(22).await);
        node.stop().await;
    }

    async fn a_slow_one_delays_nobody_else(store: TestStore) {
        let bed = Bed::new(store).await;
        let (slow, quick) = (Receiver::new().await, Receiver::new().await);
        slow.answers(|_| Answer::Never);
        let (of_slow, _) = bed.webhook(&slow).await;
        bed.webhook(&quick).await;
        let node = bed.node();
        for number in 0..30 {
            bed.user(&format!("u{number}")).await;
        }
        slow.is_called(8).await;
        let began = Instant::now();
        quick.has_taken(30).await;
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        // No more than are allowed at once, and each ends after fifteen seconds.
        assert_eq!(slow.calls().len(), 8);
        bed.until("it is noticed", async || bed.kept(of_slow.id).await.failing_since.is_some()).await;
        assert_eq!(bed.kept(of_slow.id).await.problem.as_deref(), Some("127.0.0.1 did not answer in time"));
        node.stop().await;
    }

    async fn what_a_killed_node_had_another_one_sends(store: TestStore) {
        let bed = Bed::new(store).await;
        let receiver = Receiver::new().await;
        let (destination, _) = bed.webhook(&receiver).await;
        let first = bed.node();
        bed.user("before").await;
        receiver.has_taken(1).await;
        first.kill();
        for number in 0..50 {
            let id = bed.user(&format!("u{number}")).await;
            bed.renamed(id, &format!("u{number}"), "x").await;
        }
        // Its time ends by the database's clock; what another one would wait for is done here at once.
        bed.store.execute("UPDATE destinations SET held_until = 0").await;
        let second = bed.node_of(bed.store.another().await);
        let taken = receiver.has_taken(101).await;
        in_order(&taken);
        bed.until("all are settled", async || bed.count(destination.id, Fate::Done).await == 101).await;
        second.stop().await;
        // One that is stopped lets go.
        let third = bed.node();
        bed.user("after").await;
        receiver.has_taken(102).await;
        third.stop().await;
    }

    async fn a_receiver_says_when_and_whether_at_all(store: TestStore) {
        let bed = Bed::new(store).await;
        let receiver = Receiver::new().await;
        receiver.answers(|_| Answer::Header(429, "retry-after", "600".into()));
        let (destination, _) = bed.webhook(&receiver).await;
        let node = bed.node();
        bed.user("ann").await;
        receiver.is_called(1).await;
        bed.until("it is settled", async || bed.kept(destination.id).await.failing_since.is_some()).await;
        bed.store.advance(500_000);
        tokio::time::sleep(Duration::from_millis(800)).await;
        assert_eq!(receiver.calls().len(), 1, "ten minutes are not over");
        receiver.answers(|_| Answer::Header(302, "location", "http://127.0.0.1:1/".into()));
        bed.store.advance(400_000);
        receiver.is_called(2).await;
        bed.until("it is settled", async || bed.kept(destination.id).await.problem.is_some_and(|text| text.contains("302"))).await;
        receiver.answers(|_| Answer::Status(410));
        bed.store.advance(HOUR);
        bed.until("it is disabled", async || bed.kept(destination.id).await.state == DestinationState::Disabled).await;
        let test = bed.destinations.test(destination.id).await.unwrap().unwrap_err();
        assert_eq!(test.status, Some(410));
        receiver.answers(|_| Answer::Status(200));
        assert_eq!(bed.destinations.test(destination.id).await.unwrap(), Ok(Some(200)));
        let last = receiver.calls().pop().unwrap();
        assert_eq!((&last.event["type"], &last.event["data"]["destination"]["name"]), (&json!("webhook.test"), &json!("app")));
        node.stop().await;
    }
}
