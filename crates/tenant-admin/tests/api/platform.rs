//! What belongs to the installation: tokens for this API, people of the console.

use serde_json::json;
use store::{
    AdminId,
    admins::{Admin, AdminRole},
};

use crate::support::{Api, DAY, context};

store_testing::on_both! {
    async fn a_token_lives_and_dies(store: TestStore) {
        let api = Api::new(store).await;
        let new = json!({
            "name": "Reader", "scope": "directory:read admin:read", "expiresIn": "30d",
            "allowedFrom": ["203.0.113.7", "2001:db8::/32"], "reportOnly": true,
        });
        let made = api.send("POST", "/platform-tokens", new).await;
        let first = made.is(201).text("/token");
        assert_eq!(made.body["credential"]["allowedFrom"], json!(["203.0.113.7/32", "2001:db8::/32"]));
        api.as_(&first, "GET", "/tenants", None).await.is(200);
        api.as_(&first, "POST", "/tenants", Some(json!({"slug": "acme"}))).await.is(403);

        let id = made.text("/credential/id");
        let rotated = api.send("POST", &format!("/platform-tokens/{id}/rotate"), json!({"grace": "0"})).await;
        let second = rotated.is(201).text("/token");
        api.as_(&first, "GET", "/tenants", None).await.is(401);
        api.as_(&second, "GET", "/tenants", None).await.is(200);
        let listed = api.get("/platform-tokens").await;
        assert_eq!(listed.is(200).items().len(), 3);
        for secret in [&first, &second, &api.token] {
            assert!(!listed.body.to_string().contains(secret.as_str()), "a secret in a list");
        }
        assert_eq!(api.walk("/platform-tokens", 2).await.len(), 3);
        let new = rotated.text("/credential/id");
        api.delete(&format!("/platform-tokens/{new}")).await.is(204);
        api.as_(&second, "GET", "/tenants", None).await.is(401);
        api.delete(&format!("/platform-tokens/{new}")).await.is(204);
        api.delete("/platform-tokens/none").await.is(404);

        let trail = api.store.platform().audit(Some(&new), 10).await.unwrap();
        assert_eq!(trail[0].event, "platform-token.revoked");
        assert_eq!(trail[0].actor.name, "Vendor");
    }

    async fn where_a_token_may_come_from_is_said_anew(store: TestStore) {
        let api = Api::new(store).await;
        let reader = api.platform("Reader", "admin:read", 9 * DAY).await;
        let writer = api.platform("Writer", "admin:write", 9 * DAY).await;
        let id = api.get("/platform-tokens").await;
        let id = id.items().iter().find(|one| one["name"] == "Reader").unwrap()["id"].as_str().unwrap().to_owned();
        let path = format!("/platform-tokens/{id}");
        api.as_(&reader, "GET", "/tenants", None).await.is(200);
        let office = json!({"allowedFrom": ["203.0.113.0/24"]});
        api.as_(&writer, "PATCH", &path, Some(office.clone())).await.blames(403, "scope");
        let changed = api.send("PATCH", &path, office.clone()).await;
        assert_eq!((&changed.is(200).body["allowedFrom"], &changed.body["reportOnly"]), (&office["allowedFrom"], &json!(false)));
        api.as_(&reader, "GET", "/tenants", None).await.is(401);
        let changed = api.send("PATCH", &path, json!({"reportOnly": true})).await;
        assert_eq!((&changed.is(200).body["allowedFrom"], &changed.body["reportOnly"]), (&office["allowedFrom"], &json!(true)));
        api.as_(&reader, "GET", "/tenants", None).await.is(200);
        let trail = api.get(&format!("/audit?objectId={id}")).await;
        assert_eq!((trail.items().len(), &trail.items()[0]["event"]), (3, &json!("platform-token.updated")));
        assert_eq!(trail.items()[0]["payload"]["before"], json!({"allowedFrom": ["203.0.113.0/24"], "reportOnly": false}));
        api.send("PATCH", &path, json!({})).await.is(200);
        assert_eq!(api.get(&format!("/audit?objectId={id}")).await.items().len(), 3, "nothing was changed");
        assert_eq!(api.send("PATCH", &path, json!({"allowedFrom": null})).await.is(200).body["reportOnly"], false);
        api.send("PATCH", &path, json!({"reportOnly": true})).await.blames(422, "reportOnly");
        api.send("PATCH", "/platform-tokens/none", json!({})).await.is(404);
        api.delete(&path).await.is(204);
        api.send("PATCH", &path, office).await.is(409);
    }

    async fn nobody_gives_what_they_do_not_have(store: TestStore) {
        let api = Api::new(store).await;
        let writer = api.platform("Writer", "admin:write", 9 * DAY).await;
        let wide = api.state.tokens.platform_tokens().await.unwrap();
        let wide = wide.iter().find(|one| one.name == "Vendor").unwrap().id;
        let make = async |scope: &str| {
            let new = json!({"name": format!("New {scope}"), "scope": scope});
            api.as_(&writer, "POST", "/platform-tokens", Some(new)).await
        };
        for scope in ["admin:*", "admin:read", "directory:read", "admin:write directory:read"] {
            make(scope).await.blames(403, "scope");
        }
        make("admin:write").await.is(201);
        let rotate = format!("/platform-tokens/{wide}/rotate");
        api.as_(&writer, "POST", &rotate, None).await.blames(403, "scope");
        api.get("/tenants").await.is(200);
        for (body, status, field) in [
            (json!({"name": "x", "scope": "scim:read"}), 403, "scope"),
            (json!({"name": "x", "scope": ""}), 422, "scope"),
            (json!({"name": "vendor", "scope": "admin:*"}), 409, "name"),
            (json!({"name": "x", "scope": "admin:*", "expiresIn": "20y"}), 422, "expiresIn"),
            (json!({"name": "x", "scope": "admin:*", "allowedFrom": ["example.com"]}), 422, "allowedFrom"),
            (json!({"name": "x", "scope": "admin:*", "reportOnly": true}), 422, "reportOnly"),
        ] {
            api.send("POST", "/platform-tokens", body).await.blames(status, field);
        }
    }

    async fn people_are_listed_without_their_secrets(store: TestStore) {
        let api = Api::new(store).await;
        let acme = api.tenant("acme", "generic").await;
        for (email, role, tenants) in [
            ("bob@example.com", AdminRole::Manager, vec![acme.id()]),
            ("Ada@example.com", AdminRole::Operator, Vec::new()),
        ] {
            let admin = Admin {
                id: AdminId::generate(),
                email: email.into(),
                password_hash: "$argon2id$secret".into(),
                role,
                tenants: tenants.into_iter().collect(),
                created_at: api.store.now(),
            };
            api.store.platform().create_admin(&admin, &context()).await.unwrap();
        }
        let people = api.walk("/admins", 1).await;
        assert_eq!((&people[0]["email"], &people[0]["role"]), (&json!("Ada@example.com"), &json!("operator")));
        assert_eq!((&people[1]["email"], &people[1]["tenants"]), (&json!("bob@example.com"), &json!(["acme"])));
        assert!(!json!(people).to_string().contains("argon2"));
    }

    async fn people_are_invited_changed_and_removed(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        let manager = json!({"email": "m@example.com", "role": "manager", "tenants": ["acme"]});
        for (body, status, field) in [
            (json!({"email": "m", "role": "manager", "tenants": ["acme"]}), 422, "email"),
            (json!({"email": "m@example.com", "role": "manager"}), 422, "tenants"),
            (json!({"email": "m@example.com", "role": "manager", "tenants": ["nowhere"]}), 422, "tenants"),
            (json!({"email": "m@example.com", "role": "operator", "tenants": ["acme"]}), 422, "tenants"),
            (json!({"email": "m@example.com", "role": "king"}), 422, "role"),
            (json!({"email": "m@example.com"}), 422, "role"),
        ] {
            api.send("POST", "/admins", body).await.blames(status, field);
        }
        let made = api.send("POST", "/admins", manager.clone()).await;
        let link = made.is(201).text("/link");
        assert!(link.starts_with("https://rollcall.test/console/invitation/"), "{link}");
        assert_eq!((&made.body["admin"]["hasPassword"], &made.body["admin"]["tenants"]), (&json!(false), &json!(["acme"])));
        api.send("POST", "/admins", manager).await.blames(409, "email");
        let path = format!("/admins/{}", made.text("/admin/id"));
        let again = api.send("POST", &format!("{path}/invitation"), json!({})).await;
        assert_ne!(again.is(201).text("/link"), link);
        assert!(!api.get("/admins").await.body.to_string().contains("invitation"));
        let secret = again.text("/link").rsplit('/').next().unwrap().to_owned().into();
        let password = "seven quiet fields of barley".to_owned().into();
        api.state.tokens.accept_invitation(&secret, password, "r").await.unwrap();
        let people = api.walk("/admins", 5).await;
        assert_eq!((&people[0]["hasPassword"], &people[0]["invitedUntil"]), (&json!(true), &json!(null)));

        let changed = api.send("PATCH", &path, json!({"role": "auditor"})).await;
        assert_eq!((&changed.is(200).body["role"], &changed.body["tenants"]), (&json!("auditor"), &json!(["acme"])));
        assert_eq!(api.send("PATCH", &path, json!({"tenants": []})).await.is(200).body["tenants"], json!([]));
        api.send("PATCH", &path, json!({"role": "manager"})).await.blames(422, "tenants");
        // Whoever may not everything makes no operator, and does nothing to one.
        let writer = api.platform("Writer", "admin:write", 9 * DAY).await;
        let operator = json!({"email": "o@example.com", "role": "operator"});
        api.as_(&writer, "POST", "/admins", Some(operator.clone())).await.blames(403, "role");
        api.as_(&writer, "PATCH", &path, Some(json!({"role": "operator"}))).await.blames(403, "role");
        api.as_(&writer, "PATCH", &path, Some(json!({"role": "manager", "tenants": ["acme"]}))).await.is(200);
        api.send("PATCH", &path, json!({"role": "operator", "tenants": []})).await.is(200);
        for (method, below) in [("POST", "/invitation"), ("DELETE", "/second-factor"), ("DELETE", "/sessions"), ("DELETE", "")] {
            api.as_(&writer, method, &format!("{path}{below}"), None).await.blames(403, "role");
        }
        api.delete(&path).await.blames(409, "role");
        let id = made.text("/admin/id").parse().unwrap();
        assert!(api.store.platform().begin_second_factor(id, b"sealed").await.unwrap());
        assert!(api.store.platform().confirm_second_factor(id, 1, &[], None, &context()).await.unwrap());
        assert_eq!(api.walk("/admins", 5).await[0]["secondFactor"], true);
        api.delete(&format!("{path}/second-factor")).await.is(204);
        api.delete(&format!("{path}/sessions")).await.is(204);
        assert_eq!(api.walk("/admins", 5).await[0]["secondFactor"], false);
        let other = api.send("POST", "/admins", operator).await;
        api.delete(&path).await.blames(409, "role");
        let secret = other.text("/link").rsplit('/').next().unwrap().to_owned().into();
        let password = "seven quiet fields of barley".to_owned().into();
        api.state.tokens.accept_invitation(&secret, password, "r").await.unwrap();
        api.delete(&path).await.is(204);
        api.delete(&path).await.is(404);
        api.send("PATCH", "/admins/none", json!({})).await.is(404);
    }
}
