//! What becomes of the entry of somebody.

use directory_testing::{BASE, Directory};
use serde_json::{Value, json};
use store_testing::on_both;

use super::bed::{Bed, context, directory, example, mapping, shown};

fn ann(more: &Value) -> Value {
    let mut body = json!({
        "userName": "ann", "externalId": "7", "displayName": "Ann Lee", "name": {"familyName": "Lee", "givenName": "Ann"},
        "title": "Nurse", "emails": [{"value": "a@x.example", "type": "work"}, {"value": "b@x.example", "type": "home"}],
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn dn(name: &str) -> String {
    format!("uid={name},{BASE}")
}

on_both! {
    async fn a_life_over_ldaps_and_over_starttls(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        for (round, starttls) in [false, true].into_iter().enumerate() {
            let server = Directory::start().await;
            let url = if starttls { server.ldap() } else { server.ldaps() };
            let mut settings = mapping(&server);
            let to = bed.writes_to(url, settings.clone()).await;
            assert_eq!(bed.test(to).await, Ok(()));
            // The names of the last round are taken by users who are deleted.
            let number = format!("7{round}");
            let of_round = |more: &Value| {
                let mut body = ann(more);
                body["externalId"] = number.clone().into();
                body
            };

            let id = bed.user(of_round(&json!({}))).await;
            bed.all_done(to).await;
            let made = json!({
                "uid": "ann", "employeeNumber": number, "cn": "Ann Lee", "sn": "Lee", "givenName": "Ann", "title": "Nurse",
                "mail": ["a@x.example", "b@x.example"], "description": "made by Rollcall", "empStatus": "ACTIVE",
            });
            assert_eq!(shown(server.entry(&dn("ann")).await), made);

            // What is not mapped is others'; what does not differ is not written.
            server.set(&dn("ann"), "telephoneNumber", &["+1 555"]).await;
            let before = server.writes().await;
            bed.put(&id, of_round(&json!({"profileUrl": "https://x.example/"}))).await;
            bed.all_done(to).await;
            assert_eq!(server.writes().await, before, "nothing that is mapped has changed");
            bed.put(&id, of_round(&json!({"title": null, "emails": [{"value": "b@x.example"}], "nickName": "Annie"}))).await;
            bed.all_done(to).await;
            let mut changed = made;
            changed.as_object_mut().unwrap().remove("title");
            changed["mail"] = "b@x.example".into();
            changed["description"] = json!(["Annie", "made by Rollcall"]);
            changed["telephoneNumber"] = "+1 555".into();
            assert_eq!(shown(server.entry(&dn("ann")).await), changed);

            // Another name is another place; one that differs by its case alone is not.
            let renamed = json!({"userName": "ann.lee", "title": null, "emails": null, "displayName": "A. Lee"});
            bed.put(&id, of_round(&renamed)).await;
            bed.put(&id, of_round(&json!({"userName": "Ann.Lee", "title": null, "emails": null, "displayName": "A. Lee"}))).await;
            bed.all_done(to).await;
            assert_eq!(server.entries().await.len(), 1);
            let moved = shown(server.entry(&dn("ann.lee")).await);
            assert_eq!(
                moved,
                json!({
                    "uid": moved["uid"], "employeeNumber": number, "cn": "A. Lee", "sn": "Lee", "givenName": "Ann",
                    "description": "made by Rollcall", "empStatus": "ACTIVE", "telephoneNumber": "+1 555",
                })
            );

            let away = json!({"userName": "Ann.Lee", "active": false});
            bed.put(&id, of_round(&away)).await;
            bed.all_done(to).await;
            assert_eq!(shown(server.entry(&dn("ann.lee")).await)["empStatus"], "INACTIVE");
            bed.put(&id, of_round(&json!({"userName": "Ann.Lee", "active": true}))).await;
            bed.all_done(to).await;
            assert_eq!(shown(server.entry(&dn("ann.lee")).await)["empStatus"], "ACTIVE");

            // An entry that is gone comes back whole; the connection may be gone, too.
            server.delete(&dn("ann.lee")).await;
            bed.put(&id, of_round(&json!({"userName": "ann.lee", "active": false}))).await;
            bed.all_done(to).await;
            let whole = shown(server.entry(&dn("ann.lee")).await);
            assert_eq!((&whole["empStatus"], &whole["mail"]), (&json!("INACTIVE"), &json!(["a@x.example", "b@x.example"])));

            bed.put(&id, of_round(&json!({"userName": "ann.lee"}))).await;
            bed.delete(&id).await;
            bed.all_done(to).await;
            assert_eq!(shown(server.entry(&dn("ann.lee")).await)["empStatus"], "INACTIVE", "it stays");

            // All of it once more: what is done already is found done, and it ends the same.
            let after = server.entries().await;
            let first = bed.deliveries(to).await.iter().map(|one| one.position).min().unwrap();
            bed.store.platform().replay(to, first - 1, i64::MAX).await.unwrap();
            bed.all_done(to).await;
            assert_eq!(shown(server.entries().await.remove(&dn("ann.lee"))), shown(after.get(&dn("ann.lee")).cloned()));
            assert_eq!(server.entries().await.len(), 1);

            settings["onDelete"] = "delete".into();
            bed.maps(to, directory(&settings)).await;
            let id = bed.user(json!({"userName": "bob", "externalId": format!("8{round}")})).await;
            bed.all_done(to).await;
            assert!(server.entry(&dn("bob")).await.is_some());
            bed.delete(&id).await;
            bed.all_done(to).await;
            assert_eq!(server.entry(&dn("bob")).await, None);
            bed.destinations.delete(to, None, &context()).await.unwrap();
        }
    }

    async fn a_connection_is_used_again_and_made_anew(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let mut server = Directory::start().await;
        let to = bed.writes_to(server.ldaps(), mapping(&server)).await;
        for number in 0..30 {
            bed.user(json!({"userName": format!("u{number}"), "externalId": number.to_string()})).await;
        }
        bed.all_done(to).await;
        assert_eq!(server.entries().await.len(), 30);
        server.restart().await;
        bed.user(json!({"userName": "later", "externalId": "later"})).await;
        bed.all_done(to).await;
        assert!(server.entry(&dn("later")).await.is_some());
        assert!(bed.deliveries(to).await.iter().all(|one| one.attempts == 1), "nobody has to wait for the next attempt");
    }

    /// Values that mean something to a directory: each stays within its entry.
    async fn whatever_somebody_is_called(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        let mut settings = mapping(&server);
        settings["link"] = json!({"attribute": "uid"});
        settings["attributes"]["empLinkedSer"] = format!("cn={{dn nickName}},{BASE}").into();
        settings["attributes"]["description"] = "{nickName}".into();
        let to = bed.writes_to(server.ldaps(), settings).await;
        let names = [
            "victim", "*", "v*", "a,b", "a+cn=b", "a=b", "a\"b", "a;b", "a<b>c", "(x", "x)", "a\\b", "a\\2cb", "#hash", "tail#",
            ")(uid=*", "*)(objectClass=*", "x)(|(uid=*", "victim,ou=emp", "victim\\", "ü ñ 日本 🙂", "a/b", "a  b", "ı",
        ];
        let mut ids = Vec::new();
        for name in names {
            ids.push(bed.user(json!({"userName": name, "nickName": format!(" {name}")})).await);
        }
        bed.all_done(to).await;
        let found = server.entries().await;
        let held = |attribute: &str| {
            let mut all: Vec<String> = found.values().map(|entry| entry[attribute].concat()).collect();
            all.sort();
            all
        };
        let mut wanted: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        wanted.sort();
        assert_eq!(held("uid"), wanted);
        // Each is found again, by itself, and nobody else is changed with it.
        for (at, (id, name)) in ids.iter().zip(names).enumerate() {
            bed.put(id, json!({"userName": name, "title": format!("number {at}")})).await;
        }
        bed.all_done(to).await;
        let found = server.entries().await;
        assert_eq!(found.len(), names.len());
        for entry in found.values() {
            let at = names.iter().position(|name| *name == entry["uid"].concat()).unwrap();
            assert_eq!(entry["title"], [format!("number {at}")], "{entry:?}");
        }
        bed.delete(&ids[1]).await;
        bed.all_done(to).await;
        let away: Vec<_> = server.entries().await.into_iter().filter(|(_, entry)| entry["empStatus"] == ["INACTIVE"]).collect();
        assert_eq!(away.len(), 1, "{away:?}");
        assert_eq!(away[0].1["uid"], ["*"]);
    }

    /// What the document shows is what happens.
    async fn epic_as_in_the_document(store: TestStore) {
        let bed = Bed::new(store, "epic-emp").await;
        let server = Directory::start().await;
        let to = bed.writes_to(server.ldaps(), example(&server)).await;
        let id = bed
            .user(json!({
                "userName": "ALEE", "displayName": "Ann Lee", "name": {"familyName": "Lee", "givenName": "Ann"},
                "emails": [{"value": "ann@x.example", "type": "work"}], "title": "RN",
                "templates": ["T100", "T200"], "subTemplate": "S1", "linkedEmp": "E7, E8", "linkedSer": ["P9", "P10"],
            }))
            .await;
        let bare = bed.user(json!({"userName": "BOB"})).await;
        bed.all_done(to).await;
        assert_eq!(
            shown(server.entry(&dn("ALEE")).await),
            json!({
                "uid": "ALEE", "cn": "Ann Lee", "sn": "Lee", "givenName": "Ann", "displayName": "Lee, Ann", "mail": "ann@x.example",
                "title": "RN", "empTemplate": ["T100", "T200"], "empSubTemplate": "S1", "empLinkedEmp": ["E7", "E8"],
                "empLinkedSer": ["cn=P10,ou=ser,dc=emp,dc=example", "cn=P9,ou=ser,dc=emp,dc=example"],
                "empStatus": "ACTIVE", "rollcallId": id,
            })
        );
        assert_eq!(
            shown(server.entry(&dn("BOB")).await),
            json!({"uid": "BOB", "cn": "BOB", "sn": "BOB", "empStatus": "ACTIVE", "rollcallId": bare})
        );
        bed.delete(&id).await;
        bed.all_done(to).await;
        assert_eq!(shown(server.entry(&dn("ALEE")).await)["empStatus"], "INACTIVE");
    }
}
