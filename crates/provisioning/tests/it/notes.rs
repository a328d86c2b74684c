//! What people are told of a change beside what it did.

use serde_json::json;
use store_testing::on_both;

use crate::support::{World, patch, person};

const MDSCRIPTS: &str = "urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User";

on_both! {
    async fn what_was_left_out_of_a_user_is_told(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("mdscripts").await;
        let mut body = person("ann@clinic.example");
        body["timezone"] = json!("us/eastern");
        body["nickName"] = json!("Secret Annie");
        body["shoeSize"] = json!("41 and a half");
        body[MDSCRIPTS] = json!({ "npi": "1234567893", "siteNumbers": ["12"] });
        let made = side.create_user(&body).await.expect("made").rendered;
        let id = made.body["id"].as_str().expect("an id");
        let notes = side.last_notes(id).await;
        for (path, text) in [
            ("nickName", "was left out: MDScripts has no such attribute"),
            ("shoeSize", "was left out: no attribute of that name is known"),
            ("timezone", "is an old name; the zone is called America/New_York today"),
            (&format!("{MDSCRIPTS}:npi"), "does not apply here and was left out: isProvider is not true"),
            (&format!("{MDSCRIPTS}:siteNumbers[0]"), "was not checked: the tenant has no value set \"siteNumbers\" yet; fill it"),
        ] {
            assert!(notes.contains(&format!("{path} {text}")), "{path} is not in {notes:?}");
        }
        assert_eq!(notes.len(), 5, "{notes:?}");
        for value in ["Annie", "41", "1234567893"] {
            assert!(!format!("{notes:?}").contains(value), "{value} in {notes:?}");
        }
    }

    async fn what_was_told_is_not_told_again(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("mdscripts").await;
        let mut body = person("ann@clinic.example");
        body["timezone"] = json!("US/Eastern");
        body[MDSCRIPTS] = json!({ "isProvider": true, "npi": "1234567893", "deaLicense": "AP5836727" });
        let id = side.create_user(&body).await.expect("made").rendered.body["id"].clone();
        let id = id.as_str().expect("an id");
        assert_eq!(side.last_notes(id).await.len(), 2, "{:?}", side.last_notes(id).await);
        let rename = patch(json!([{ "op": "replace", "path": "displayName", "value": "Ann" }]));
        side.patch_user(id, &rename).await.expect("changed");
        assert_eq!(side.last_notes(id).await, [""; 0]);
        let more = patch(json!([{ "op": "replace", "value": { "timezone": "US/Pacific", "nickName": "A" } }]));
        side.patch_user(id, &more).await.expect("changed");
        let expected = [
            "nickName was left out: MDScripts has no such attribute",
            "timezone is an old name; the zone is called America/Los_Angeles today",
        ];
        assert_eq!(side.last_notes(id).await, expected);
        // A PUT names again what it sends again.
        body["displayName"] = json!("Ann Lee");
        body["nickName"] = json!("A");
        side.put_user(id, &body).await.expect("changed");
        assert!(side.last_notes(id).await.contains(&expected[0].to_owned()));
        // A write that changes nothing leaves no entry.
        let entries = side.trail(id).await.len();
        side.put_user(id, &body).await.expect("the same");
        assert_eq!(side.trail(id).await.len(), entries);
    }

    async fn many_notes_are_counted(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("mdscripts").await;
        let mut body = person("ann@clinic.example");
        for number in 0..120 {
            body[format!("unknown{number:03}")] = json!("x");
        }
        body["timezone"] = json!("US/Eastern");
        let made = side.create_user(&body).await.expect("made").rendered;
        let notes = side.last_notes(made.body["id"].as_str().expect("an id")).await;
        assert_eq!(notes.len(), 100);
        assert_eq!(notes[99], " 2 more were noted", "100 names are kept, and one note of a value");
    }

    async fn what_was_left_out_of_a_group_is_told(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let ann = side.make_user("ann@example.com").await;
        let body = json!({ "displayName": "Team", "colour": "red", "members": [{ "value": ann }, { "value": "nobody" }] });
        let made = side.create_group(&body).await.expect("made");
        let id = made.body["id"].as_str().expect("an id");
        let trail = side.trail(id).await;
        assert_eq!(trail[0].payload.as_ref().expect("one")["notes"][0]["path"], "colour");
        assert_eq!(trail[1].event, "membership.skipped");
        // A push that moves nobody is told to people and is no event.
        let (entries, events) = (trail.len(), side.events().await);
        let push = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": ann }, { "value": "00u9" }] }]));
        let etag = side.patch_group(id, &push).await.expect("taken").etag;
        assert_eq!(etag, made.etag, "nothing has changed");
        let trail = side.trail(id).await;
        assert_eq!((trail.len(), side.events().await), (entries + 1, events));
        let payload = trail[entries].payload.as_ref().expect("one");
        assert_eq!(*payload, json!({ "skipped": { "count": 1, "ids": ["00u9"] } }));
    }
}
