//! Who somebody is at a sign-in, and the lists of people.

use provisioning::{Request, Tenant};
use scim_core::projection::Projection;
use serde_json::{Value, json};

use crate::support::{Answer, Api, context};

/// A user as the identity provider sends it; gives the id.
async fn user(api: &Api, tenant: &Tenant, mut body: Value) -> String {
    body["schemas"] = json!([scim_core::urn::USER]);
    let (context, projection) = (context(), Projection::default());
    let request = Request { tenant, context: &context, base_url: "https://x/scim", projection: &projection };
    let created = api.state.provisioner.create_user(request, &body).await.unwrap();
    created.rendered.body["id"].as_str().unwrap().to_owned()
}

fn ids(answer: &Answer) -> Vec<&str> {
    answer.is(200).items().iter().map(|one| one["user"]["id"].as_str().unwrap()).collect()
}

store_testing::on_both! {
    async fn somebody_is_found_by_one_key(store: TestStore) {
        let api = Api::new(store).await;
        let acme = api.tenant("acme", "generic").await;
        let ann = user(&api, &acme, json!({
            "userName": "Ann@Clinic.example", "externalId": "00u+1", "emails": [{"value": "ann@work.example"}, {"value": "a+b@home.example"}],
        })).await;
        let off = user(&api, &acme, json!({
            "userName": "off@clinic.example", "active": false, "emails": [{"value": "ann@work.example"}],
        })).await;
        let group = api.group(&acme, "Everyone", &[&ann, &off]).await;
        let find = async |query: &str| api.get(&format!("/tenants/acme/users?{query}")).await;
        for (query, found) in [
            ("userName=ANN@clinic.example", vec![&ann]), ("userName=ann", vec![]), ("userName=a%00", vec![]),
            ("externalId=00u%2B1", vec![&ann]), ("externalId=00U%2B1", vec![]),
            ("email=ANN@work.example", vec![&ann, &off]), ("email=a%2Bb@home.example", vec![&ann]),
            ("email=Ann@Clinic.example", vec![]), ("email=ann@work.example&active=true", vec![&ann]),
            ("email=ann@work.example&active=false", vec![&off]), ("userName=off@clinic.example&active=true", vec![]),
            ("active=false", vec![&off]), ("active=true", vec![&ann]), ("", vec![&ann, &off]),
        ] {
            let answer = find(query).await;
            assert_eq!(ids(&answer), found, "{query}");
            for one in answer.items() {
                assert_eq!(one["groups"][0]["id"], json!(group), "{query}");
            }
        }
        // Active or not is told.
        assert_eq!(find("userName=off@clinic.example").await.items()[0]["user"]["active"], json!(false));
        assert_eq!(api.walk("/tenants/acme/users?email=ann@work.example", 1).await.len(), 2);

        for (query, status, field) in [
            ("userName=a&email=b", 422, "email"), ("externalId=a&userName=b", 422, "externalId"),
            ("userName=", 422, "userName"), ("email=", 422, "email"), ("externalId=", 422, "externalId"),
            ("limit=0", 422, "limit"), ("cursor=bm8taWQ", 422, "cursor"), ("email=a&cursor=bm8taWQ", 422, "cursor"),
        ] {
            find(query).await.blames(status, field);
        }
        let long = "x".repeat(2_000);
        find(&format!("email={long}")).await.blames(422, "email");
        for query in ["active=maybe", "mail=a", "active="] {
            find(query).await.is(400);
        }
        // While the index is made anew it is not asked, and the same are found.
        api.store.execute("UPDATE tenants SET indexed_version = 0").await;
        api.store.execute("DELETE FROM user_values").await;
        api.send("PATCH", "/tenants/acme", json!({"name": "Acme Hospital"})).await.is(200);
        assert!(api.state.tenants.by_slug("acme").await.unwrap().unwrap().terms().index_incomplete);
        assert_eq!(ids(&find("email=ANN@work.example").await), [&ann, &off]);
        assert_eq!(ids(&find("email=ann@work.example&active=false").await), [&off]);
        assert_eq!(api.walk("/tenants/acme/users?email=ann@work.example", 1).await.len(), 2);
    }

    async fn lists_go_by_standing(store: TestStore) {
        let api = Api::new(store).await;
        let acme = api.tenant("acme", "generic").await;
        let (mut on, mut off) = (Vec::new(), Vec::new());
        for number in 0..9 {
            let active = number % 3 != 0;
            // The other way round than they come.
            let name = format!("user{}@example.com", 9 - number);
            let id = user(&api, &acme, json!({"userName": name, "active": active})).await;
            if active { on.push(id) } else { off.push(id) }
        }
        on.reverse();
        off.reverse();
        for limit in [1, 2, 4, 50] {
            for (active, expected) in [(true, &on), (false, &off)] {
                let path = format!("/tenants/acme/users?active={active}");
                let walked = api.walk(&path, limit).await;
                let walked: Vec<_> = walked.iter().map(|one| one["user"]["id"].as_str().unwrap()).collect();
                assert_eq!(walked, expected.iter().map(String::as_str).collect::<Vec<_>>(), "{path} {limit}");
            }
        }
    }

    async fn a_product_without_addresses_says_so(store: TestStore) {
        let api = Api::new(store).await;
        let text = "name = \"plain\"\ntitle = \"Plain\"\nsummary = \"Names alone.\"\nversion = 1\nbase-path = \"/scim/v2\"\n\
                    credentials = [\"bearer\"]\n[resource-types]\nusers = true\ngroups = false\n\
                    [user]\nattributes = [\"userName\"]\n";
        let answer = api.send("POST", "/tenants", json!({"slug": "acme", "profileText": text})).await;
        answer.is(201);
        api.get("/tenants/acme/users?email=a@x").await.blames(422, "email");
        assert_eq!(ids(&api.get("/tenants/acme/users?userName=a@x").await), [""; 0]);
    }
}

store_testing::on_both! {
    async fn groups_have_members_and_roles_have_holders(store: TestStore) {
        let api = Api::new(store).await;
        api.send("POST", "/tenants", json!({"slug": "acme", "profile": "envi"})).await.is(201);
        let acme = api.state.tenants.by_slug("acme").await.unwrap().unwrap();
        let mut people = Vec::new();
        for number in 0..5 {
            people.push(api.user(&acme, &format!("user{number}@example.com")).await);
        }
        let all: Vec<&str> = people.iter().map(String::as_str).collect();
        let buyers = api.group(&acme, "Envi_Buyer", &all).await;
        let managers = api.group(&acme, "Envi_Manager", &all[..1]).await;
        let outer = api.group(&acme, "Envi_Outer", &[&buyers]).await;
        let twin = api.group(&acme, "envi_buyer 2", &all[..2]).await;
        api.store.number().await;
        let last = api.get("/events").await.is(200).body["last"].clone();

        let shown = api.get(&format!("/tenants/acme/groups/{buyers}")).await;
        assert_eq!((&shown.is(200).body["roles"], &shown.body["position"]), (&json!(["Buyer"]), &last));
        let members = format!("/tenants/acme/groups/{buyers}/members");
        for limit in [1, 2, 5, 50] {
            let walked = api.walk(&members, limit).await;
            let met: Vec<_> = walked.iter().map(|one| one["id"].as_str().unwrap()).collect();
            assert_eq!(met, all, "{limit} at a time");
            assert!(walked.iter().all(|one| one["type"] == "User"));
        }
        let inner = api.get(&format!("/tenants/acme/groups/{outer}/members")).await;
        let group = json!({"id": buyers, "type": "Group", "display": "Envi_Buyer"});
        assert_eq!((inner.is(200).items(), &inner.body["position"]), ([group].as_slice(), &last));
        for path in ["groups/none", "groups/none/members", "groups/0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90"] {
            api.get(&format!("/tenants/acme/{path}")).await.is(404);
        }
        let gone = format!("/tenants/acme/groups/{}/members", people[0]);
        api.get(&gone).await.is(404);
        api.get(&format!("{members}?cursor=x")).await.blames(422, "cursor");

        let roles = api.walk("/tenants/acme/roles", 50).await;
        let buyer = &roles[0];
        assert_eq!(buyer, &json!({
            "role": "Buyer", "protected": false, "holders": {"count": 5, "more": false},
            "groups": [{"id": buyers, "display": "Envi_Buyer"}], "moreGroups": false,
        }));
        assert_eq!(api.walk("/tenants/acme/roles", 1).await, roles);
        let names: Vec<_> = roles.iter().map(|one| one["role"].as_str().unwrap()).collect();
        assert_eq!(names, ["Buyer", "buyer 2", "Manager", "Outer"]);
        assert_eq!(roles[3]["holders"]["count"], 0, "a group in a group has no role");
        for limit in [2, 50] {
            let walked = api.walk("/tenants/acme/roles/BUYER/users", limit).await;
            let met: Vec<_> = walked.iter().map(|one| one["user"]["id"].as_str().unwrap()).collect();
            assert_eq!(met, all);
            assert_eq!(walked[0]["roles"].as_array().unwrap().len(), 3, "all of them");
            assert_eq!(walked[0]["roles"][2]["via"]["id"], json!(managers));
        }
        assert_eq!(api.get("/tenants/acme/roles/Outer/users").await.is(200).items().len(), 0);
        assert_eq!(api.get("/tenants/acme/roles/buyer%202/users").await.is(200).items().len(), 2);
        for path in ["roles/nothing/users", "roles/a%00b/users"] {
            api.get(&format!("/tenants/acme/{path}")).await.is(404);
        }

        // What no group gives any more is no role of the tenant.
        let scope = api.state.store.tenant(acme.id()).under(acme.terms());
        assert!(scope.delete_group(twin.parse().unwrap(), None, &context()).await.unwrap());
        let left = api.walk("/tenants/acme/roles", 1).await;
        assert!(!left.iter().any(|one| one["role"] == "buyer 2"), "{left:?}");
        assert_eq!(api.get("/tenants/acme/roles/buyer%202/users").await.is(200).items().len(), 0);
    }
}
