//! Where a credential may come from: said when it is made, and anew afterwards, of each kind.

use serde_json::{Value, json};
use token_service::{Presented, Refusal, Sender};

use crate::support::Api;

const PATH: &str = "/tenants/acme/credentials";

fn from(address: &str) -> Sender {
    Sender { address: address.parse().ok(), ..Sender::default() }
}

store_testing::on_both! {
    async fn each_kind_is_limited_when_it_is_made(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        let networks = json!(["203.0.113.9/24", "2001:db8::7"]);
        let with = |mut body: Value| {
            body["allowedFrom"] = networks.clone();
            body
        };
        let token = api.send("POST", &format!("{PATH}/tokens"), with(json!({"name": "Okta"}))).await;
        let login = api.send("POST", &format!("{PATH}/basic"), with(json!({"username": "okta@acme"}))).await;
        let client = api.send("POST", &format!("{PATH}/clients"), with(json!({"name": "Entra"}))).await;
        for made in [&token, &login, &client] {
            let credential = &made.is(201).body["credential"];
            assert_eq!(credential["allowedFrom"], json!(["203.0.113.0/24", "2001:db8::7/128"]));
            assert_eq!(credential["reportOnly"], false);
        }
        let bearer = Presented::Bearer(token.text("/token").into());
        let basic = Presented::Basic { username: "okta@acme".into(), password: login.text("/password").into() };
        let (id, secret) = (client.text("/clientId"), client.text("/clientSecret").into());
        for (address, fits) in [("203.0.113.77", true), ("2001:db8::7", true), ("198.51.100.7", false), ("", false)] {
            let sender = from(address);
            let found = [
                api.state.tokens.verify_from(&bearer, &sender).await.map(|_| ()),
                api.state.tokens.verify_from(&basic, &sender).await.map(|_| ()),
                api.state.tokens.verify_client_from(&id, &secret, &sender).await.map(|_| ()),
            ];
            for outcome in found {
                assert_eq!(outcome.is_ok(), fits, "{address}: {outcome:?}");
                assert!(fits || matches!(outcome, Err(Refusal::Elsewhere { .. })));
            }
        }
    }

    async fn they_are_said_anew(store: TestStore) {
        let api = Api::new(store).await;
        let tenant = api.tenant("acme", "generic").await;
        let made = api.send("POST", &format!("{PATH}/tokens"), json!({"name": "Okta"})).await;
        let id = made.is(201).text("/credential/id");
        let path = format!("{PATH}/{id}");
        let bearer = Presented::Bearer(made.text("/token").into());
        let far = async || api.state.tokens.verify_from(&bearer, &from("198.51.100.7")).await.is_ok();
        let change = async |body: Value| {
            let changed = api.send("PATCH", &path, body).await;
            assert_eq!(changed.is(200).body, api.get(&path).await.body);
            (changed.body["allowedFrom"].clone(), changed.body["reportOnly"].clone())
        };
        let office = json!(["203.0.113.0/24"]);
        assert!(far().await);
        assert_eq!(change(json!({"allowedFrom": office})).await, (office.clone(), json!(false)));
        assert!(!far().await, "on this node at once");
        assert_eq!(change(json!({"reportOnly": true})).await, (office.clone(), json!(true)));
        assert!(far().await);
        let other = json!(["192.0.2.0/24"]);
        assert_eq!(change(json!({"allowedFrom": other})).await, (other.clone(), json!(true)), "what is not named stays");
        assert_eq!(change(json!({"reportOnly": false})).await, (other.clone(), json!(false)));
        assert_eq!(change(json!({})).await, (other, json!(false)));
        for nothing in [json!(null), json!([])] {
            change(json!({"allowedFrom": office, "reportOnly": true})).await;
            assert_eq!(change(json!({"allowedFrom": nothing})).await, (json!([]), json!(false)));
            assert!(far().await);
        }
        let event = api.store.tenant(tenant.id()).audit(Some(&id), 1).await.unwrap().remove(0);
        assert_eq!((event.actor.name.as_str(), event.actor.kind), ("Vendor", store::ActorKind::PlatformToken));

        api.send("PATCH", &path, json!({"reportOnly": true})).await.blames(422, "reportOnly");
        api.send("PATCH", &path, json!({"allowedFrom": ["example.com"]})).await.blames(422, "allowedFrom");
        let many: Vec<String> = (0..51).map(|number| format!("10.{number}.0.0/16")).collect();
        api.send("PATCH", &path, json!({"allowedFrom": many})).await.blames(422, "allowedFrom");
        api.send("PATCH", &path, json!({"name": "Entra"})).await.blames(422, "name");
        api.send("PATCH", &format!("{PATH}/none"), json!({})).await.is(404);
        api.delete(&path).await.is(204);
        api.send("PATCH", &path, json!({"allowedFrom": office})).await.is(409);
    }
}
