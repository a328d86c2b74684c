//! What is not written, and what is said of it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use directory_testing::{BASE, Directory, PASSWORD};
use serde_json::{Value, json};
use store::destinations::Fate;
use store_testing::on_both;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::bed::{Bed, context, directory, example, mapping, shown};

const HOUR: i64 = 3_600_000;

fn dn(name: &str) -> String {
    format!("uid={name},{BASE}")
}

/// Says to each request that it cannot do that, or nothing at all; gives its URL and what it was sent.
async fn spy(answers: bool) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let mut bytes = vec![0; 4_096];
                while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                    told.lock().unwrap().extend_from_slice(&bytes[..count]);
                    // An extended response to message 1: protocolError (RFC 4511 section 4.12).
                    let refusal = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00";
                    if answers && stream.write_all(refusal).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (url, heard)
}

on_both! {
    async fn nothing_goes_in_clear_or_to_strangers(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let (server, other) = (Directory::start().await, Directory::start().await);

        for url in ["http://127.0.0.1/", "127.0.0.1", "ldapi:///x", "ldap://", "ldap://a:b@127.0.0.1", "ldap://127.0.0.1/ou=x", "ldaps://10.0.0.1", "ldap://[::1]"] {
            let new = bed.new_directory(url.into(), directory(&mapping(&server)), "x");
            let refused = bed.destinations.create(new, &context()).await.unwrap_err();
            assert!(refused.to_string().starts_with("url: "), "{url}: {refused}");
        }

        // Another authority than the one that is trusted.
        for url in [server.ldaps(), server.ldap()] {
            let to = bed.writes_to(url, mapping(&other)).await;
            let problem = bed.test(to).await.unwrap_err();
            assert!(problem.contains("certificate"), "{problem}");
        }
        // The system's authorities know nothing of it either.
        let mut settings = mapping(&server);
        settings.as_object_mut().unwrap().remove("ca");
        let to = bed.writes_to(server.ldaps(), settings).await;
        assert!(bed.test(to).await.unwrap_err().contains("certificate"));

        // One that knows no TLS is told nothing but that.
        let in_clear = Directory::start_in_clear().await;
        let to = bed.writes_to(in_clear.ldap(), mapping(&server)).await;
        let problem = bed.test(to).await.unwrap_err();
        assert!(problem.contains("StartTLS") && problem.contains("protocolError"), "{problem}");
        let (url, heard) = spy(true).await;
        let to = bed.writes_to(url, mapping(&server)).await;
        assert!(bed.test(to).await.unwrap_err().contains("StartTLS"));
        let heard = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
        assert!(heard.contains("1.3.6.1.4.1.1466.20037"), "StartTLS is asked for: {heard:?}");
        assert!(!heard.contains(PASSWORD) && !heard.contains("cn=rollcall"), "{heard:?}");

        let to = bed.writes_to(server.ldaps(), mapping(&server)).await;
        bed.signs_in_with(to, "another").await;
        let problem = bed.test(to).await.unwrap_err();
        assert!(problem.contains("invalidCredentials") && !problem.contains("another"), "{problem}");
        let trail = bed.store.tenant(bed.tenant.id()).audit(None, 99).await.unwrap();
        assert!(!format!("{trail:?}").contains(PASSWORD));
    }

    async fn one_that_does_not_answer_is_given_up_in_time(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        let (url, _) = spy(false).await;
        let to = bed.writes_to(url, mapping(&server)).await;
        let begun = Instant::now();
        let problem = bed.test(to).await.unwrap_err();
        assert!(problem.contains("in time"), "{problem}");
        assert!(begun.elapsed() < Duration::from_secs(16), "{:?}", begun.elapsed());
    }

    async fn what_is_somebody_elses_stays_as_it_is(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        let person = |name: &str, number: Option<&'static str>| (dn(name), name.to_owned(), number);
        for (dn, name, number) in [
            person("nobodys", None), person("anothers", Some("99")), person("one", Some("5")), person("two", Some("5")), person("target", None),
        ] {
            let mut attributes: Vec<(&str, &[&str])> = Vec::new();
            let values = [name.as_str()];
            let numbers: Vec<&str> = number.into_iter().collect();
            attributes.extend([("objectClass", &["empRecord"][..]), ("cn", &values[..]), ("sn", &values[..])]);
            if !numbers.is_empty() {
                attributes.push(("employeeNumber", &numbers));
            }
            server.add(&dn, &attributes).await;
        }
        let before = server.writes().await;
        let to = bed.writes_to(server.ldaps(), mapping(&server)).await;
        for (body, words) in [
            (json!({"userName": "nobodys", "externalId": "1"}), vec![dn("nobodys"), "linked to nobody".into(), "Nothing was changed".into()]),
            (json!({"userName": "anothers", "externalId": "2"}), vec![dn("anothers"), "another user".into(), "99".into()]),
            (json!({"userName": "five", "externalId": "5"}), vec![dn("one"), dn("two"), "Nothing was changed".into()]),
            (json!({"userName": "none"}), vec!["the link".into(), "{externalId}".into()]),
        ] {
            let id = bed.user(body).await;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            bed.fails(to, &words).await;
            assert_eq!(server.writes().await, before, "{words:?}");
            // Out of the way for what follows: its event waits for its time.
            bed.delete(&id).await;
            bed.wake(to).await;
        }
        let id = bed.user(json!({"userName": "mover", "externalId": "3"})).await;
        bed.store.number().await;
        while server.entry(&dn("mover")).await.is_none() {
            bed.wake(to).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let before = server.writes().await;
        bed.put(&id, json!({"userName": "target", "externalId": "3"})).await;
        bed.store.number().await;
        bed.wake(to).await;
        bed.fails(to, &[&dn("mover"), &dn("target"), "cannot be moved"]).await;
        assert_eq!(server.writes().await, before);
        assert!(server.entry(&dn("mover")).await.is_some());
        // What was said of somebody goes with a purge.
        let scope = bed.store.tenant(bed.tenant.id());
        assert!(scope.purge_user(id.parse().unwrap(), None, &context()).await.unwrap());
        let said = format!("{:?}", bed.deliveries(to).await);
        assert!(!said.contains("mover") && said.contains("nobodys"), "{said}");
    }

    async fn a_conflict_becomes_a_dead_letter_and_is_sent_again(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        server.add(&dn("ann"), &[("objectClass", &["empRecord"]), ("cn", &["x"]), ("sn", &["x"])]).await;
        let to = bed.writes_to(server.ldaps(), mapping(&server)).await;
        bed.user(json!({"userName": "ann", "externalId": "1"})).await;
        for attempts in 1..=8 {
            let begun = Instant::now();
            while bed.deliveries(to).await.first().is_none_or(|one| one.attempts < attempts) {
                assert!(begun.elapsed() < Duration::from_secs(30), "attempt {attempts}");
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            bed.store.advance(13 * HOUR);
        }
        let dead = &bed.deliveries(to).await[0];
        assert_eq!(dead.fate, Fate::Dead);
        assert!(dead.problem.as_ref().unwrap().contains(&dn("ann")), "{dead:?}");
        server.set(&dn("ann"), "employeeNumber", &["1"]).await;
        assert_eq!(bed.store.platform().revive(to, 0, i64::MAX).await.unwrap(), 1);
        bed.all_done(to).await;
        assert_eq!(shown(server.entry(&dn("ann")).await)["cn"], "ann");
    }

    /// By the id that it holds an entry is told from one whose name was given on; and found when nothing else is known.
    async fn names_that_are_given_on_and_people_who_are_purged(store: TestStore) {
        let bed = Bed::new(store, "epic-emp").await;
        let server = Directory::start().await;
        let to = bed.writes_to(server.ldaps(), example(&server)).await;
        let first = bed.user(json!({"userName": "X", "title": "first"})).await;
        bed.all_done(to).await;
        bed.set_active(to, false).await;
        bed.put(&first, json!({"userName": "Y", "title": "first"})).await;
        let second = bed.user(json!({"userName": "X", "title": "second"})).await;
        bed.store.number().await;
        bed.set_active(to, true).await;
        let begun = Instant::now();
        while server.entries().await.len() < 2 {
            assert!(begun.elapsed() < Duration::from_secs(30), "{:#?}", bed.deliveries(to).await);
            // Whoever came too early comes again after five seconds.
            bed.store.advance(1_000);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bed.all_done(to).await;
        for (name, title, id) in [("Y", "first", &first), ("X", "second", &second)] {
            let entry = shown(server.entry(&dn(name)).await);
            assert_eq!((&entry["title"], &entry["rollcallId"]), (&json!(title), &json!(id)));
        }
        let scope = bed.store.tenant(bed.tenant.id());
        assert!(scope.purge_user(first.parse().unwrap(), None, &context()).await.unwrap());
        bed.all_done(to).await;
        assert_eq!(shown(server.entry(&dn("Y")).await)["empStatus"], "INACTIVE");

        // Where entries hold no id, that is said: somebody has to look.
        let mut settings = example(&server);
        settings["attributes"].as_object_mut().unwrap().remove("rollcallId");
        bed.maps(to, directory(&settings)).await;
        assert!(scope.purge_user(second.parse().unwrap(), None, &context()).await.unwrap());
        bed.store.number().await;
        bed.fails(to, &["was purged", &second, "reconcile"]).await;
    }
}

/// What does not fit is named by its member.
#[tokio::test]
async fn mappings_that_cannot_be_used_are_refused() {
    let server = Directory::start().await;
    let kind = scim_core::ResourceType::user();
    let check = |settings: &Value| {
        let kept = json!({"url": "ldaps://directory.example.com", "ldap": settings});
        let settings = serde_json::from_value::<delivery::ldap::Settings>(kept).unwrap();
        settings.checked(&kind, &egress::Client::default())
    };
    for (member, change) in [
        ("ldap.bindDn", json!({"bindDn": ""})),
        ("ldap.baseDn", json!({"baseDn": "nowhere"})),
        ("ldap.ca", json!({"ca": "no certificate"})),
        ("ldap.filter", json!({"filter": "(objectClass=*"})),
        ("ldap.dn", json!({"dn": "{userName}"})),
        ("ldap.dn", json!({"dn": "uid={userName},ou=elsewhere,dc=example"})),
        ("ldap.dn", json!({"dn": format!("{{userName}}=x,{BASE}")})),
        ("ldap.dn", json!({"dn": format!("uid={{userNme}},{BASE}")})),
        ("ldap.objectClasses", json!({"objectClasses": []})),
        ("ldap.link.attribute", json!({"link": {"attribute": "a b"}})),
        ("ldap.link.template", json!({"link": {"attribute": "uid", "template": "{name}"}})),
        ("ldap.attributes.employeeNumber", json!({"attributes": {"employeeNumber": "x"}})),
        ("ldap.attributes.objectclass", json!({"attributes": {"objectclass": "x"}})),
        ("ldap.attributes.cn", json!({"attributes": {"cn": "{userName"}})),
        ("ldap.attributes.cn", json!({"attributes": {"cn": "{@missing}"}})),
        ("ldap.attributes.cn", json!({"attributes": {"cn": "{active}"}})),
        ("ldap.attributes.cn", json!({"attributes": {"cn": "{groups.value}"}})),
        ("ldap.attributes.cn", json!({"attributes": {"cn": "{emails.value} {phoneNumbers.value}"}})),
        ("ldap.attributes.cn", json!({"attributes": {"cn": "{title[type eq \"work\"].value}"}})),
        ("ldap.templates.a", json!({"templates": {"a": "{@b}", "b": "x"}})),
        ("ldap.active", json!({"active": {"attribute": "empStatus"}})),
        ("ldap.active.attribute", json!({"active": {"attribute": "employeeNumber", "inactive": "x"}})),
        ("ldap.read.id", json!({"read": {"id": "cn"}})),
        ("ldap.read.nothing", json!({"read": {"nothing": "cn"}})),
    ] {
        let mut settings = mapping(&server);
        for (name, value) in change.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let refused = check(&settings).expect_err(member);
        assert_eq!(refused.member, member, "{change}: {refused}");
    }
    // Names are kept as the tenant's users have them.
    let mut settings = mapping(&server);
    settings["attributes"]["title"] = "{TITLE} {{of}} {department|nickname}".into();
    let kept = json!(check(&settings).unwrap());
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert_eq!(
        kept["ldap"]["attributes"]["title"],
        format!("{{title}} {{{{of}}}} {{{urn}:department|nickName}}")
    );
}
