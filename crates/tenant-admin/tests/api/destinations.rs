//! To whom events are sent, as the vendor's application sets it up.

use serde_json::json;
use store_testing::on_both;

use crate::support::{Api, DAY};

const HOOK: &str = "https://hooks.example.com/rollcall?token=abc";

on_both! {
    async fn a_webhook_is_made_changed_and_deleted(store: TestStore) {
        let api = Api::new(store).await;
        let tenant = api.tenant("acme", "generic").await;
        let new = json!({
            "name": "Our application", "url": HOOK, "headers": {"X-Api-Key": "sesame"}, "events": ["role.*", "user.created"],
        });
        let made = api.send("POST", "/tenants/acme/destinations", new).await;
        made.is(201);
        let (id, secret) = (made.text("/destination/id"), made.text("/secret"));
        assert!(secret.starts_with("whsec_"), "{secret}");
        let view = &made.body["destination"];
        assert_eq!(
            (&view["kind"], &view["state"], &view["headers"], &view["events"]),
            (&json!("webhook"), &json!("active"), &json!(["X-Api-Key"]), &json!(["role.granted", "role.revoked", "user.created"]))
        );
        assert_eq!((&view["url"], &view["waiting"], &view["dead"], &view["missed"]), (&json!(HOOK), &json!(0), &json!(0), &json!(0)));
        assert_eq!(api.get("/tenants/acme/destinations").await.items().len(), 1);
        assert_eq!(api.get("/destinations").await.items().len(), 0, "those of the installation alone");
        let one = format!("/destinations/{id}");
        assert_eq!(api.get(&one).await.is(200).body, *view);

        let change = json!({"name": "Other", "headers": {"x-api-key": null, "X-B": "b"}, "events": null, "active": false});
        let changed = api.send("PATCH", &one, change).await;
        changed.is(200);
        assert_eq!(
            (changed.text("/name"), changed.text("/state"), &changed.body["headers"], &changed.body["events"]),
            ("Other".into(), "paused".into(), &json!(["X-B"]), &json!(null))
        );
        let same = api.send("PATCH", &one, json!({})).await;
        assert_eq!((&same.is(200).body["events"], same.text("/state")), (&json!(null), "paused".into()));
        let rotated = api.send("POST", &format!("{one}/secret"), json!({})).await;
        assert!(rotated.is(200).text("/secret").starts_with("whsec_") && rotated.text("/secret") != secret);

        // Neither secrets nor the path of the address stand in the trail.
        let trail = api.get("/tenants/acme/audit").await.body.to_string();
        for word in ["sesame", "whsec_", "token=abc", "/rollcall"] {
            assert!(!trail.contains(word), "{word}: {trail}");
        }
        assert!(trail.contains("destination.created") && trail.contains("https://hooks.example.com\""), "{trail}");

        let of_tenant = api.tenant_token(&tenant, "directory:read", None).await;
        for path in ["/destinations", &one, "/tenants/acme/destinations"] {
            assert!([401, 403, 404].contains(&api.as_(&of_tenant, "GET", path, None).await.status), "{path}");
        }
        let reads = api.platform("Reader", "admin:read", DAY).await;
        api.as_(&reads, "GET", &one, None).await.is(200);
        api.as_(&reads, "DELETE", &one, None).await.is(403);
        api.delete(&one).await.is(204);
        for (method, path) in [
            ("GET", one.clone()), ("DELETE", one.clone()), ("PATCH", one.clone()), ("POST", format!("{one}/secret")),
            ("POST", format!("{one}/replay")), ("POST", format!("{one}/test")), ("GET", format!("{one}/deliveries")),
            ("GET", "/destinations/x".into()),
        ] {
            let body = (method != "GET").then(|| json!({}));
            api.as_(&api.token, method, &path, body).await.is(404);
        }
    }

    async fn headers_do_not_go_along_to_another_server(store: TestStore) {
        let api = Api::new(store).await;
        let new = json!({"name": "a", "url": HOOK, "headers": {"X-Api-Key": "sesame", "X-B": "b"}});
        let one = format!("/destinations/{}", api.send("POST", "/destinations", new).await.is(201).text("/destination/id"));
        let change = async |change: serde_json::Value| api.send("PATCH", &one, change).await;
        // The same server, at another path: they stay.
        let elsewhere = change(json!({"url": "https://hooks.example.com/other"})).await;
        assert_eq!(elsewhere.is(200).body["headers"], json!(["X-Api-Key", "X-B"]));
        for url in ["https://evil.example.com/other", "https://hooks.example.com:8443/other"] {
            let refused = change(json!({"name": "b", "url": url})).await;
            refused.blames(422, "headers");
            assert!(refused.text("/detail").contains("{} for none"), "{}", refused.body);
        }
        assert_eq!(api.get(&one).await.body["url"], "https://hooks.example.com/other");
        assert_eq!(api.get(&one).await.body["name"], "a", "nothing half done");
        // Those that are named are all that there are.
        let anew = change(json!({"url": "https://one.example.com/", "headers": {"x-api-key": "close sesame"}})).await;
        assert_eq!(anew.is(200).body["headers"], json!(["x-api-key"]));
        let none = change(json!({"url": "https://two.example.com/", "headers": {}})).await;
        assert_eq!((&none.is(200).body["headers"], none.text("/url")), (&json!([]), "https://two.example.com/".into()));
        change(json!({"url": "https://three.example.com/"})).await.is(200);
        let first = change(json!({"url": "https://four.example.com/", "headers": {"X-A": "a"}})).await;
        assert_eq!(first.is(200).body["headers"], json!(["X-A"]));
        assert_eq!(change(json!({"headers": {}})).await.is(200).body["headers"], json!(["X-A"]), "those not named stay");
        change(json!({"headers": null})).await.blames(422, "headers");
    }

    async fn what_does_not_fit_is_named(store: TestStore) {
        let api = Api::new(store).await;
        let good = json!({"name": "a", "url": HOOK});
        let long = format!("https://example.com/{}", "a".repeat(2_048));
        for (field, change) in [
            ("name", json!({"name": ""})),
            ("name", json!({"name": "a\nb"})),
            ("url", json!({"url": "example.com"})),
            ("url", json!({"url": "https://127.0.0.1/"})),
            ("url", json!({"url": "https://[::1]/"})),
            ("url", json!({"url": "http://10.0.0.1/"})),
            ("url", json!({"url": long})),
            ("headers.Host", json!({"headers": {"Host": "x"}})),
            ("headers.X-A", json!({"headers": {"X-A": "a\r\nb: c"}})),
            ("events", json!({"events": ["user.made"]})),
            ("events", json!({"events": []})),
            ("secret", json!({"secret": "short"})),
            ("after", json!({"after": 7_000})),
            ("after", json!({"after": -1})),
        ] {
            let mut body = good.clone();
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            api.send("POST", "/destinations", body).await.blames(422, field);
        }
        api.send("POST", "/destinations", json!({"name": "a", "url": HOOK, "color": "red"})).await.is(422);
        let id = api.send("POST", "/destinations", good).await.is(201).text("/destination/id");
        let one = format!("/destinations/{id}");
        api.send("PATCH", &one, json!({"url": "https://192.168.0.1/"})).await.blames(422, "url");
        api.send("PATCH", &one, json!({"headers": {"Content-Length": "1"}})).await.blames(422, "headers.Content-Length");
        api.send("POST", &format!("{one}/replay"), json!({"after": 5, "last": 4})).await.blames(422, "last");
        api.get(&format!("{one}/deliveries?state=gone")).await.is(400);
        let again = api.send("POST", &format!("{one}/replay"), json!({"dead": true})).await;
        assert_eq!(again.is(200).body["count"], 0);
        assert_eq!(api.get(&format!("{one}/deliveries?state=dead&limit=5")).await.is(200).items().len(), 0);
        // Nobody is there: that is told, and not more.
        let test = api.send("POST", &format!("{one}/test"), json!({})).await;
        assert_eq!((&test.is(200).body["taken"], test.body["problem"].is_string()), (&json!(false), true));
        for _ in 1..20 {
            api.send("POST", "/destinations", json!({"name": "a", "url": HOOK})).await.is(201);
        }
        api.send("POST", "/destinations", json!({"name": "a", "url": HOOK})).await.blames(422, "destinations");
    }

    async fn what_is_done_is_said_of_a_tenants_own_destinations(store: TestStore) {
        let api = Api::new(store).await;
        let (acme, beta) = (api.tenant("acme", "generic").await, api.tenant("beta", "generic").await);
        let made = async |path: &str| {
            let made = api.send("POST", path, json!({"name": "a", "url": HOOK})).await;
            made.is(201).text("/destination/id")
        };
        let (own, of_all) = (made("/tenants/acme/destinations").await, made("/destinations").await);
        let done = Some(json!({"positions": [1, 2]}));
        let vendor = api.platform("app", "receipts:write", DAY).await;
        for id in [&own, &of_all] {
            let noted = api.as_(&vendor, "POST", &format!("/destinations/{id}/receipts"), done.clone()).await;
            assert_eq!(noted.is(200).body, json!({"noted": 0}), "nothing was sent yet");
        }
        let path = format!("/destinations/{own}/receipts");
        for unfit in [json!({"positions": []}), json!({"positions": vec![1; 501]})] {
            api.as_(&vendor, "POST", &path, Some(unfit)).await.blames(422, "positions");
        }
        let token = api.tenant_token(&acme, "receipts:write", None).await;
        let at = |slug: &str, id: &str| format!("/tenants/{slug}/destinations/{id}/receipts");
        api.as_(&token, "POST", &at("acme", &own), done.clone()).await.is(200);
        let others = api.tenant_token(&beta, "receipts:write", None).await;
        for (token, path) in [
            (&token, at("acme", &of_all)), (&token, at("beta", &own)), (&token, path), (&others, at("beta", &own)),
            (&vendor, at("acme", &of_all)), (&vendor, at("acme", "x")),
        ] {
            api.as_(token, "POST", &path, done.clone()).await.is(404);
        }
    }

    async fn a_stream_of_redis_is_made_changed_and_deleted(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        let new = json!({
            "name": "Our queue", "kind": "redis-stream", "url": "rediss://ann:sesame@redis.example.com:6380/2",
            "stream": "rollcall", "groups": ["app"], "events": ["user.*"],
        });
        let made = api.send("POST", "/tenants/acme/destinations", new.clone()).await;
        let view = made.is(201).body["destination"].clone();
        assert_eq!(made.body.get("secret"), None);
        assert_eq!(
            (&view["kind"], &view["url"], &view["stream"], &view["maxLen"], &view["groups"], &view["hasPassword"]),
            (&json!("redis-stream"), &json!("rediss://redis.example.com:6380/2"), &json!("rollcall"), &json!(null), &json!(["app"]), &json!(true))
        );
        assert_eq!(view.get("headers"), None);
        let one = format!("/destinations/{}", made.text("/destination/id"));
        assert_eq!(api.get(&one).await.is(200).body, view);
        let changed = api.send("PATCH", &one, json!({"name": "Other", "maxLen": 1000, "stream": "other", "groups": [], "active": false})).await;
        let body = &changed.is(200).body;
        assert_eq!(
            (&body["name"], &body["maxLen"], &body["stream"], &body["groups"], &body["state"], &body["hasPassword"]),
            (&json!("Other"), &json!(1000), &json!("other"), &json!([]), &json!("paused"), &json!(true))
        );
        let elsewhere = api.send("PATCH", &one, json!({"maxLen": null, "url": "rediss://redis2.example.com"})).await;
        assert_eq!((&elsewhere.is(200).body["maxLen"], &elsewhere.body["hasPassword"]), (&json!(null), &json!(false)));
        for (change, field) in [
            (json!({"headers": {}}), "headers"), (json!({"secret": "x"}), "secret"), (json!({"kind": "webhook"}), "kind"),
            (json!({"maxLen": 0}), "maxLen"), (json!({"maxLen": "many"}), "maxLen"), (json!({"groups": [1]}), "groups[0]"),
            (json!({"url": "rediss://ann:sesame@10.0.0.1"}), "url"), (json!({"stream": ""}), "stream"),
        ] {
            let refused = api.send("PATCH", &one, change.clone()).await;
            assert!(!refused.blames(422, field).body.to_string().contains("sesame"), "{change}");
        }
        api.send("POST", &format!("{one}/secret"), json!({})).await.blames(422, "secret");
        for (change, field) in [
            (json!({"kind": "carrier-pigeon"}), "kind"), (json!({"kind": null}), "kind"), (json!({"kind": "webhook"}), "stream"),
            (json!({"headers": {}}), "headers"), (json!({"stream": null}), "stream"), (json!({"name": 7}), "name"),
            (json!({"groups": ["a", "a"]}), "groups"), (json!({"events": ["user.made"]}), "events"),
            (json!({"url": "redis://ann:sesame@1.1.1.1"}), "url"), (json!({"url": "https://redis.example.com"}), "url"),
        ] {
            let mut body = new.clone();
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            let refused = api.send("POST", "/destinations", body).await;
            assert!(!refused.blames(422, field).body.to_string().contains("sesame"), "{change}");
        }
        let trail = api.get("/tenants/acme/audit").await.body.to_string();
        assert!(!trail.contains("sesame") && trail.contains("rediss://redis.example.com:6380\""), "{trail}");
        api.delete(&one).await.is(204);
    }

    async fn a_directory_is_of_one_tenant_and_its_password_is_shown_nowhere(store: TestStore) {
        let api = Api::new(store).await;
        let tenant = api.tenant("acme", "generic").await;
        let good = json!({
            "kind": "ldap", "name": "Directory", "url": "ldaps://ldap.example.com", "password": "open sesame",
            "ldap": {
                "bindDn": "cn=rollcall,dc=example", "baseDn": "ou=people,dc=example", "dn": "uid={userName},ou=people,dc=example",
                "objectClasses": ["inetOrgPerson"], "link": {"attribute": "uid"}, "attributes": {"cn": "{DisplayName|username}"},
                "active": {"attribute": "employeeType", "inactive": "INACTIVE"},
            },
        });
        let made = api.send("POST", "/tenants/acme/destinations", good.clone()).await;
        made.is(201);
        assert_eq!(made.body["secret"], json!(null));
        let view = &made.body["destination"];
        assert_eq!((&view["kind"], &view["url"], view.get("headers")), (&json!("ldap"), &good["url"], None));
        assert_eq!(view["ldap"]["attributes"]["cn"], "{displayName|userName}");
        assert_eq!((&view["ldap"]["onDelete"], &view["ldap"]["link"]["template"]), (&json!("deactivate"), &json!("{userName}")));
        assert!(view["events"].as_array().unwrap().iter().all(|name| name.as_str().unwrap().starts_with("user.")), "{view}");
        let one = format!("/destinations/{}", made.text("/destination/id"));
        assert_eq!(api.get(&one).await.is(200).body, *view);

        let with = |change: serde_json::Value| {
            let mut body = good.clone();
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            body
        };
        api.send("POST", "/destinations", good.clone()).await.blames(422, "kind");
        for (field, change) in [
            ("url", json!({"url": "https://ldap.example.com"})),
            ("url", json!({"url": "ldap://127.0.0.1"})),
            ("password", json!({"password": ""})),
            ("password", json!({"password": null})),
            ("ldap", json!({"ldap": null})),
            ("secret", json!({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})),
            ("headers", json!({"headers": {"X-A": "b"}})),
            ("events", json!({"events": ["user.created", "role.*"]})),
            ("password", json!({"kind": "webhook", "url": HOOK})),
        ] {
            api.send("POST", "/tenants/acme/destinations", with(change)).await.blames(422, field);
        }
        let mut unknown = good["ldap"].clone();
        unknown["colour"] = "red".into();
        api.send("POST", "/tenants/acme/destinations", with(json!({"ldap": unknown}))).await.is(422);
        let mut lacks = good["ldap"].clone();
        lacks["attributes"] = json!({"sn": "{name.famlyName}"});
        let refused = api.send("PATCH", &one, json!({"ldap": lacks})).await;
        refused.blames(422, "ldap.attributes.sn");
        assert!(refused.text("/detail").contains("name.famlyName"), "{}", refused.body);

        // The password does not go along to another server, or to one that another authority vouches for.
        let mut another = good["ldap"].clone();
        another["bindDn"] = "cn=other,dc=example".into();
        for change in [json!({"url": "ldaps://evil.example.com"}), json!({"ldap": another})] {
            api.send("PATCH", &one, change).await.blames(422, "password");
        }
        let change = json!({"name": "Other", "password": "close sesame", "active": false, "events": ["user.created"]});
        let changed = api.send("PATCH", &one, change).await;
        changed.is(200);
        assert_eq!((changed.text("/name"), changed.text("/state"), &changed.body["events"]), ("Other".into(), "paused".into(), &json!(["user.created"])));
        assert_eq!(changed.body["ldap"], view["ldap"]);
        let all = api.send("PATCH", &one, json!({"events": null})).await;
        assert!(all.is(200).body["events"].as_array().unwrap().len() > 3, "of users alone, but all of them: {}", all.body);
        api.send("PATCH", &one, json!({"headers": {"X-A": "b"}})).await.blames(422, "headers");
        api.send("POST", &format!("{one}/secret"), json!({})).await.blames(422, "secret");
        let hook = api.send("POST", "/tenants/acme/destinations", json!({"name": "a", "url": HOOK})).await.is(201).text("/destination/id");
        api.send("PATCH", &format!("/destinations/{hook}"), json!({"password": "x"})).await.blames(422, "password");
        let trail = api.get("/tenants/acme/audit").await.body.to_string();
        assert!(trail.contains("destination.created") && !trail.contains("sesame"), "{trail}");
        let of_tenant = api.tenant_token(&tenant, "directory:read", None).await;
        assert!([401, 403, 404].contains(&api.as_(&of_tenant, "POST", "/tenants/acme/destinations", Some(good)).await.status));
    }
}
