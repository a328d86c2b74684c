//! Ends of users whose entries are not where they should be, and conflicts that are one user's alone.

use std::time::{Duration, Instant};

use directory_testing::{BASE, Directory};
use serde_json::{Value, json};
use store::destinations::Fate;
use store_testing::on_both;

use super::bed::{Bed, context, mapping, shown};

fn dn(name: &str) -> String {
    format!("uid={name},{BASE}")
}

/// An entry of nobody's that has a name.
async fn occupied(server: &Directory, name: &str) {
    let attributes: [(&str, &[&str]); 4] =
        [("objectClass", &["empRecord"]), ("cn", &["x"]), ("sn", &["x"]), ("empStatus", &["ACTIVE"])];
    server.add(&dn(name), &attributes).await;
}

/// Waits until an entry says so.
async fn says(server: &Directory, name: &str, status: &str) {
    let begun = Instant::now();
    while shown(server.entry(&dn(name)).await)["empStatus"] != status {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", server.entries().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

on_both! {
    async fn an_end_that_finds_no_entry_is_said(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        let to = bed.writes_to(server.ldaps(), mapping(&server)).await;
        let mut ids = Vec::new();
        for (number, name) in ["ann", "bob", "cy", "dee", "eve", "flo"].into_iter().enumerate() {
            ids.push(bed.user(json!({"userName": name, "externalId": number.to_string()})).await);
        }
        let [ann, bob, cy, dee, eve, flo] = ids.try_into().unwrap();
        bed.all_done(to).await;

        // Somebody never had an entry, and somebody could not be given another name and link.
        occupied(&server, "taken").await;
        let never = bed.user(json!({"userName": "never"})).await;
        bed.put(&ann, json!({"userName": "taken", "externalId": "77"})).await;
        bed.given_up(to, 2).await;
        assert_eq!(shown(server.entry(&dn("ann")).await)["employeeNumber"], "0");
        bed.delete(&never).await;
        bed.until_fates(to, &never, &[Fate::Dead, Fate::Done]).await;
        // Nor is a second entry made of the one who has another name by now.
        bed.put(&ann, json!({"userName": "free", "externalId": "77"})).await;
        bed.fails(to, &["employeeNumber 77", "was given up", "send again"]).await;
        assert_eq!(server.entry(&dn("free")).await, None);
        bed.put(&ann, json!({"userName": "taken", "externalId": "77"})).await;
        bed.delete(&ann).await;
        bed.given_up(to, 4).await;
        bed.fails(to, &["employeeNumber 77", "was given up", "send again"]).await;
        assert_eq!(shown(server.entry(&dn("ann")).await)["empStatus"], "ACTIVE");
        server.delete(&dn("taken")).await;
        let places = bed.places(to, &ann).await;
        assert_eq!(bed.store.platform().revive(to, places[0], i64::MAX).await.unwrap(), 4);
        says(&server, "taken", "INACTIVE").await;
        bed.until_fates(to, &ann, &[Fate::Done; 5]).await;
        assert_eq!((shown(server.entry(&dn("taken")).await)["employeeNumber"].as_str(), server.entry(&dn("ann")).await), (Some("77"), None));

        // Somebody took an entry its link, or gave it another one.
        for (id, name, link) in [(&bob, "bob", None), (&dee, "dee", Some("99"))] {
            server.set(&dn(name), "employeeNumber", link.as_slice()).await;
            let before = server.writes().await;
            bed.delete(id).await;
            let whose = link.map_or("linked to nobody", |_| "linked to another user (employeeNumber 99)");
            bed.fails(to, &[&dn(name), whose, "Nothing was changed"]).await;
            assert_eq!(server.writes().await, before);
            server.set(&dn(name), "employeeNumber", &[if name == "bob" { "1" } else { "3" }]).await;
            bed.wake(to).await;
            says(&server, name, "INACTIVE").await;
            bed.until_fates(to, id, &[Fate::Done; 2]).await;
        }
        // One that is gone is ended.
        server.delete(&dn("cy")).await;
        bed.delete(&cy).await;
        bed.until_fates(to, &cy, &[Fate::Done; 2]).await;

        // What is not known any more of somebody is not taken for nothing, where an entry of the name is open.
        bed.store.execute("DELETE FROM deliveries").await;
        server.set(&dn("eve"), "employeeNumber", &[]).await;
        bed.delete(&eve).await;
        bed.fails(to, &[&dn("eve"), "linked to nobody"]).await;
        server.delete(&dn("flo")).await;
        bed.delete(&flo).await;
        bed.until_fates(to, &flo, &[Fate::Done]).await;
    }

    /// Whatever became of its name and link.
    async fn an_entry_that_holds_an_id_is_ended(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        for (round, link) in [json!({"attribute": "uid"}), json!({"attribute": "employeeNumber", "template": "{externalId}"})].into_iter().enumerate() {
            let server = Directory::start().await;
            let mut settings = mapping(&server);
            settings["link"] = link;
            settings["attributes"]["rollcallId"] = "{id}".into();
            let to = bed.writes_to(server.ldaps(), settings).await;
            let body = |name: &str, active: bool| json!({"userName": name, "externalId": format!("{round}"), "active": active});
            let ann = bed.user(body("ann", true)).await;
            let bob = bed.user(json!({"userName": "bob", "externalId": format!("1{round}")})).await;
            bed.all_done(to).await;
            occupied(&server, "taken").await;
            let taken = server.entry(&dn("taken")).await;
            bed.put(&ann, body("taken", true)).await;
            bed.fails(to, &[&dn("ann"), &dn("taken"), "Nothing was changed"]).await;
            // That it cannot be moved does not keep anybody signed in.
            bed.put(&ann, body("taken", false)).await;
            bed.wake(to).await;
            says(&server, "ann", "INACTIVE").await;
            bed.delete(&ann).await;
            bed.given_up(to, 2).await;
            bed.until_fates(to, &ann, &[Fate::Done, Fate::Dead, Fate::Dead, Fate::Done]).await;
            assert_eq!(server.entry(&dn("taken")).await, taken, "it is somebody else's");

            // Somebody has changed its link and moved it.
            server.delete(&dn("bob")).await;
            let attributes: [(&str, &[&str]); 6] = [
                ("objectClass", &["empRecord"]), ("cn", &["x"]), ("sn", &["x"]), ("empStatus", &["ACTIVE"]),
                ("employeeNumber", &["99"]), ("rollcallId", &[&bob]),
            ];
            server.add(&dn("elsewhere"), &attributes).await;
            bed.delete(&bob).await;
            says(&server, "elsewhere", "INACTIVE").await;
            bed.destinations.delete(to, None, &context()).await.unwrap();
        }
    }

    async fn conflicts_of_some_users_delay_nobody_else(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        let to = bed.writes_to(server.ldaps(), mapping(&server)).await;
        for number in 0..10 {
            occupied(&server, &format!("u{number}")).await;
            bed.user(json!({"userName": format!("u{number}"), "externalId": number.to_string()})).await;
        }
        let begun = Instant::now();
        while bed.deliveries(to).await.iter().filter(|one| one.attempts > 0).count() < 10 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:#?}", bed.deliveries(to).await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        let kept = bed.store.platform().destination(to).await.unwrap().unwrap();
        assert_eq!((kept.failing_since, kept.failures), (None, 0));
        assert!(kept.problem.unwrap().contains("linked to nobody"));
        // A directory that is not there is another matter.
        drop(server);
        let id = bed.user(json!({"userName": "other", "externalId": "other"})).await;
        let begun = Instant::now();
        while bed.store.platform().destination(to).await.unwrap().unwrap().failing_since.is_none() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{id}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// A directory may take two values for one: of telephone numbers it compares digits alone.
    async fn what_a_directory_takes_for_equal_is_looked_at_here(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        let mut settings = mapping(&server);
        settings["link"] = json!({"attribute": "telephoneNumber", "template": "{externalId}"});
        settings["filter"] = "objectClass=empRecord".into();
        settings["onDelete"] = "delete".into();
        occupied(&server, "another").await;
        server.set(&dn("another"), "telephoneNumber", &["555-1"]).await;
        let another = server.writes().await;
        let to = bed.writes_to(server.ldaps(), settings).await;
        let id = bed.user(json!({"userName": "ann", "externalId": "5551"})).await;
        bed.all_done(to).await;
        assert_eq!(shown(server.entry(&dn("ann")).await)["telephoneNumber"], "5551");
        bed.put(&id, json!({"userName": "ann", "externalId": "5551", "title": "RN"})).await;
        bed.all_done(to).await;
        assert_eq!(shown(server.entry(&dn("ann")).await)["title"], Value::from("RN"));
        server.delete(&dn("ann")).await;
        bed.delete(&id).await;
        bed.all_done(to).await;
        assert_eq!(server.writes().await, another);
    }
}
