//! Streams of a Redis that is really there, goes away, and comes back empty.

use std::{collections::BTreeSet, time::Duration};

use delivery::{
    DestinationChange, NewDestination, NewWay, WayChange,
    redis_stream::{NewRedisStream, RedisStreamChange},
};
use serde_json::{Value, json};
use store::destinations::Fate;
use store_testing::on_both;
use tokio::process::Command;
use uuid::Uuid;

use crate::{
    bed::{Bed, context, in_order},
    receiver::Receiver,
    redis_server::{Entry, Eye, Server},
};

fn stream(url: &str, key: &str, groups: &[&str]) -> NewWay {
    let groups = groups.iter().map(|&group| group.to_owned()).collect();
    NewWay::RedisStream(NewRedisStream { url: url.into(), stream: key.into(), max_len: None, groups })
}

fn another_url(url: &str) -> DestinationChange {
    let change = RedisStreamChange { url: Some(url.to_owned()), ..RedisStreamChange::default() };
    DestinationChange { way: Some(WayChange::RedisStream(change)), ..DestinationChange::default() }
}

fn bodies(entries: &[Entry]) -> Vec<Value> {
    entries.iter().map(|entry| serde_json::from_str(entry["body"].as_str().unwrap()).unwrap()).collect()
}

on_both! {
    async fn each_event_is_an_entry_in_the_order_of_its_object(store: TestStore) {
        let bed = Bed::new(store).await;
        // One Redis serves many tests.
        let (url, key) = (store_testing::redis_url(), format!("rollcall-test:{}", Uuid::new_v4()));
        let (destination, secret) = bed.destination(stream(&url, &key, &["app", "other"])).await;
        assert_eq!(secret, None);
        let of_all = format!("{key}:all");
        let new = NewDestination { tenant: None, name: "all".into(), events: None, after: None, target: None, way: stream(&url, &of_all, &[]) };
        bed.destinations.create(new, &context()).await.unwrap();
        let node = bed.node();
        for number in 0..20 {
            let id = bed.user(&format!("u{number}")).await;
            for title in ["a", "b"] {
                bed.renamed(id, &format!("u{number}"), title).await;
            }
        }
        let mut eye = Eye::of(&url).await;
        let entries = eye.has(&key, 60).await;
        let events = bodies(&entries);
        in_order(&events);
        for (entry, event) in entries.iter().zip(&events) {
            let expected = json!({
                "id": event["id"], "type": event["type"], "tenant": "acme", "object": event["object"]["id"],
                "version": event["object"]["version"].to_string(), "body": entry["body"],
            });
            assert_eq!(json!(entry), expected);
            assert_eq!(event["actor"]["name"], "", "no names of people of the console for a tenant's destination");
        }
        let ids: BTreeSet<&str> = entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
        assert_eq!((entries.len(), ids.len()), (60, 60), "once");
        for group in ["app", "other"] {
            assert_eq!(eye.given(&key, group).await.len(), 60, "{group}");
        }
        bed.until("all are settled", async || bed.count(destination.id, Fate::Done).await == 60).await;
        // The installation's own is told of the tenant, too, and who did it.
        let all = bodies(&eye.has(&of_all, 61).await);
        assert!(all.iter().any(|event| event["type"] == "destination.created"));
        assert!(all.iter().all(|event| event["actor"]["name"] == "ann@example.com"));
        let _: i64 = eye.ask(&["DEL", &key, &of_all]).await;
        node.stop().await;
    }

    async fn a_wrong_password_is_told_and_mended(store: TestStore) {
        let bed = Bed::new(store).await;
        let server = Server::start(&["--requirepass", "sesame"]).await;
        let with = |password: &str| format!("redis://:{password}@127.0.0.1:{}", server.port);
        let (destination, _) = bed.destination(stream(&with("abracadabra"), "rollcall", &["app"])).await;
        let problem = "127.0.0.1 does not know this user and password";
        assert_eq!(bed.destinations.test(destination.id).await.unwrap().unwrap_err().problem, problem);
        let node = bed.node();
        bed.user("ann").await;
        bed.until("it is noted", async || bed.kept(destination.id).await.problem.is_some()).await;
        assert_eq!(bed.kept(destination.id).await.problem.as_deref(), Some(problem));

        let none = bed.destinations.change(destination.id, another_url(&server.url()), &context()).await.unwrap();
        assert_eq!(none.settings["hasPassword"], false);
        assert_eq!(bed.destinations.test(destination.id).await.unwrap().unwrap_err().problem, "127.0.0.1 wants a password");
        bed.until("that is noted", async || bed.kept(destination.id).await.problem.is_some_and(|problem| problem.contains("wants"))).await;
        let kept = bed.destinations.change(destination.id, another_url(&with("sesame")), &context()).await.unwrap();
        assert_eq!((kept.settings["url"].as_str(), &kept.settings["hasPassword"]), (Some(server.url().as_str()), &json!(true)));
        let mut eye = Eye::of(&with("sesame")).await;
        // On other terms it is tried at once, though the event's own time has not come.
        assert_eq!(eye.has("rollcall", 1).await[0]["type"], "user.created");
        let trail = format!("{:?}", bed.store.tenant(bed.tenant).audit(None, 99).await.unwrap());
        let kept = format!("{:?}", bed.kept(destination.id).await);
        for word in ["sesame", "abracadabra"] {
            assert!(!trail.contains(word) && !kept.contains(word), "{word}");
        }
        assert_eq!(bed.destinations.test(destination.id).await.unwrap(), Ok(None));
        let test = eye.has("rollcall", 2).await.pop().unwrap();
        assert_eq!((&test["type"], test.get("object")), (&json!("webhook.test"), None));
        node.stop().await;
    }

    async fn a_restart_that_lost_all_brings_groups_and_events_back(store: TestStore) {
        let bed = Bed::new(store).await;
        let mut server = Server::start(&[]).await;
        let (destination, _) = bed.destination(stream(&server.url(), "rollcall", &["app"])).await;
        let node = bed.node();
        let ann = bed.user("ann").await;
        Eye::of(&server.url()).await.has("rollcall", 1).await;
        bed.until("it is settled", async || bed.count(destination.id, Fate::Done).await == 1).await;

        server.kill().await;
        bed.renamed(ann, "ann", "Dr").await;
        bed.user("bob").await;
        bed.until("it is noticed", async || bed.kept(destination.id).await.problem.is_some()).await;
        let problem = bed.kept(destination.id).await.problem.unwrap();
        assert!(problem.starts_with("127.0.0.1 cannot be reached"), "{problem}");
        server.start_again().await;
        bed.store.advance(10_000);
        let mut eye = Eye::of(&server.url()).await;
        let written = eye.has("rollcall", 2).await;
        let ids: BTreeSet<String> = written.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
        let given: BTreeSet<String> = eye.given("rollcall", "app").await.into_iter().collect();
        assert_eq!(given, ids, "the group is there again, from the first entry on");
        bed.until("all are settled", async || bed.count(destination.id, Fate::Done).await == 3).await;

        // What Redis had and lost is sent again when somebody says so.
        let last = bed.kept(destination.id).await.position;
        bed.store.platform().replay(destination.id, 0, last).await.unwrap();
        let mut versions = Vec::new();
        for event in bodies(&eye.has("rollcall", 5).await).split_off(2) {
            if event["object"]["id"] == json!(ann.to_string()) {
                versions.push(event["object"]["version"].as_i64().unwrap());
            }
        }
        assert_eq!(versions, [1, 2]);

        // Emptied while the connection stands: nothing says so but the missing stream.
        bed.until("all are settled", async || bed.count(destination.id, Fate::Done).await == 3).await;
        let _: String = eye.ask(&["FLUSHALL"]).await;
        bed.user("cat").await;
        eye.has("rollcall", 1).await;
        assert_eq!(eye.given("rollcall", "app").await.len(), 1);
        node.stop().await;
    }

    async fn a_connection_that_was_closed_meanwhile_costs_no_attempt(store: TestStore) {
        let bed = Bed::new(store).await;
        let server = Server::start(&[]).await;
        let (destination, _) = bed.destination(stream(&server.url(), "rollcall", &[])).await;
        let node = bed.node();
        bed.user("ann").await;
        let mut eye = Eye::of(&server.url()).await;
        eye.has("rollcall", 1).await;
        let _: i64 = eye.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
        bed.user("bob").await;
        eye.has("rollcall", 2).await;
        bed.until("all are settled", async || bed.count(destination.id, Fate::Done).await == 2).await;
        assert_eq!(bed.kept(destination.id).await.problem, None);
        node.stop().await;
    }

    async fn a_stream_keeps_about_as_many_entries_as_it_should(store: TestStore) {
        let bed = Bed::new(store).await;
        let server = Server::start(&["--stream-node-max-entries", "10"]).await;
        let new = NewRedisStream { url: server.url(), stream: "rollcall".into(), max_len: Some(20), groups: vec!["app".into()] };
        let (destination, _) = bed.destination(NewWay::RedisStream(new)).await;
        let node = bed.node();
        for number in 0..100 {
            bed.user(&format!("u{number}")).await;
        }
        bed.until("all are settled", async || bed.count(destination.id, Fate::Done).await == 100).await;
        let mut eye = Eye::of(&server.url()).await;
        let length: usize = eye.ask(&["XLEN", "rollcall"]).await;
        assert!((20..40).contains(&length), "{length}");
        node.stop().await;
    }

    async fn what_takes_no_entry_is_told_plainly(store: TestStore) {
        let bed = Bed::new(store).await;
        let server = Server::start(&[]).await;
        let mut eye = Eye::of(&server.url()).await;
        let _: String = eye.ask(&["SET", "text", "x"]).await;
        let _: String = eye.ask(&["ACL", "SETUSER", "reader", "on", ">secret", "~*", "+ping"]).await;
        let other = Receiver::new().await.url.replace("http://", "redis://").replace("/hook", "");
        let nobody = Server::start(&[]).await.url();
        for (url, key, problem) in [
            (server.url(), "text", "the key \"text\" at 127.0.0.1 holds something that is no stream"),
            (other.replace("redis:", "rediss:"), "a", "127.0.0.1 cannot be reached: "),
            (format!("redis://reader:secret@127.0.0.1:{}", server.port), "a", "the user may not do this at 127.0.0.1: XADD"),
            (format!("{}/99", server.url()), "a", "127.0.0.1 answered with the error ERR"),
            (other.clone(), "a", "127.0.0.1 does not answer as Redis does"),
            (nobody, "a", "127.0.0.1 cannot be reached: it refuses connections"),
        ] {
            for groups in [&["app"] as &[&str], &[]] {
                let (destination, _) = bed.destination(stream(&url, key, groups)).await;
                let refusal = bed.destinations.test(destination.id).await.unwrap().unwrap_err();
                assert!(refusal.problem.starts_with(problem) && !refusal.problem.contains("secret"), "{url}: {}", refusal.problem);
            }
        }
    }

    async fn the_commands_of_the_document_work(store: TestStore) {
        let bed = Bed::new(store).await;
        let server = Server::start(&[]).await;
        let (destination, _) = bed.destination(stream(&server.url(), "rollcall", &["app"])).await;
        let node = bed.node();
        bed.user("ann").await;
        bed.until("it is settled", async || bed.count(destination.id, Fate::Done).await == 1).await;
        let document = include_str!("../../../../docs/delivery.md");
        let commands: Vec<&str> = document.lines().filter(|line| line.starts_with("redis-cli ")).collect();
        let run = async |command: &str| {
            let mut shell = Command::new("sh");
            let ran = tokio::time::timeout(
                Duration::from_secs(20),
                shell.args(["-c", command]).env("REDIS", server.url()).output(),
            );
            let ran = ran.await.expect("it ended").unwrap();
            assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
            String::from_utf8(ran.stdout).unwrap()
        };
        let [read, acknowledge] = commands[..] else { panic!("{commands:?}") };
        let answer = run(read).await;
        assert!(answer.contains("user.created") && answer.contains("\\\"userName\\\":\\\"ann\\\"") || answer.contains("\"userName\":\"ann\""), "{answer}");
        let is_id = |word: &&str| word.split_once('-').is_some_and(|(left, right)| left.len() == 13 && !right.is_empty() && (left.to_owned() + right).bytes().all(|byte| byte.is_ascii_digit()));
        let id = answer.split(|ch: char| ch.is_whitespace() || ch == '"').find(is_id).expect("the id of the entry");
        let (before, after) = acknowledge.split_once("1764151200123-0").expect("the id of an entry");
        assert_eq!(run(&format!("{before}{id}{after}")).await.trim(), "1");
        node.stop().await;
    }
}
