//! Every route against every caller who might try it. The routes come from the description that is served.

use serde_json::{Value, json};
use token_service::Presented;

use crate::support::{Api, DAY, context};

/// A route of the description.
struct Route {
    method: String,
    path: String,
    scope: Option<String>,
}

async fn routes(api: &Api) -> Vec<Route> {
    let document = api.raw("GET", "/api/v1/openapi.json", &[], "").await;
    document.is(200);
    let mut routes = Vec::new();
    for (path, item) in document.body["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scope = operation["security"][0]["bearer"][0].as_str().map(str::to_owned);
            routes.push(Route { method: method.to_uppercase(), path: path.clone(), scope });
        }
    }
    assert!(routes.len() > 20);
    routes
}

/// The address with its parameters filled in, without `/api/v1`.
fn filled(route: &Route, slug: &str) -> String {
    let id = "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90";
    let path = route
        .path
        .replace("{slug}", slug)
        .replace("{id}", id)
        .replace("{name}", "sites")
        .replace("{role}", "Manager");
    path.strip_prefix("/api/v1").unwrap().to_owned()
}

/// The scopes of a token that holds everything but this one.
fn all_but(scope: &str) -> &'static str {
    match scope {
        "admin:read" => "admin:write directory:read receipts:write",
        "admin:write" => "admin:read directory:read receipts:write",
        "directory:read" => "admin:* receipts:write",
        "receipts:write" => "admin:* directory:read",
        other => panic!("{other} is new: say here what all others are"),
    }
}

store_testing::on_both! {
    async fn only_who_holds_the_scope_is_let_in(store: TestStore) {
        let api = Api::new(store).await;
        let (acme, beta) = (api.tenant("acme", "generic").await, api.tenant("beta", "generic").await);
        let ann = api.user(&acme, "ann@example.com").await.parse().unwrap();
        let idle = api.state.tenants.create("idle", None, "generic", "lenient", false, &context()).await.unwrap();

        let expired = api.platform("expired", "admin:* directory:read", DAY).await;
        let revoked = api.platform("revoked", "admin:* directory:read", 9 * DAY).await;
        let revoke = api.state.tokens.platform_tokens().await.unwrap().into_iter().find(|one| one.name == "revoked");
        api.state.tokens.revoke_platform(revoke.unwrap().id, &context()).await.unwrap();
        api.store.advance(DAY);
        let scim = api.tenant_token(&acme, "scim:read scim:write", None).await;
        let own = api.tenant_token(&acme, "scim:read directory:read receipts:write", None).await;
        let others = api.tenant_token(&beta, "directory:read receipts:write", None).await;
        let personal = api.tenant_token(&acme, "directory:read receipts:write", Some(ann)).await;
        let of_idle = api.tenant_token(&idle, "directory:read receipts:write", None).await;
        let mut lacking = Vec::new();
        for scope in ["admin:read", "admin:write", "directory:read", "receipts:write"] {
            let name = format!("all but {scope}");
            lacking.push((scope, api.platform(&name, all_but(scope), 9 * DAY).await));
        }

        let mut all = routes(&api).await;
        // Where the tenant itself is deleted nothing can be asked any more.
        all.sort_by_key(|route| (route.method.as_str(), route.path.as_str()) == ("DELETE", "/api/v1/tenants/{slug}"));
        for route in all {
            let (method, path) = (route.method.as_str(), filled(&route, "acme"));
            let what = format!("{method} {path}");
            let Some(scope) = route.scope.clone() else {
                assert!(["/openapi.json", "/events/schema"].contains(&path.as_str()), "{path} is open to everybody");
                continue;
            };
            let none = api.raw(method, &format!("/api/v1{path}"), &[("content-type", "application/json")], "{}").await;
            assert_eq!((none.status, none.header("www-authenticate")), (401, "Bearer realm=\"rollcall\""), "{what}");
            for token in [expired.as_str(), &revoked, "rcl_x.y.z", "nonsense"] {
                let answer = api.as_(token, method, &path, Some(json!({}))).await;
                assert_eq!(answer.status, 401, "{what}");
                assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{what}");
            }
            let (_, lacks) = lacking.iter().find(|(lacked, _)| *lacked == scope).unwrap();
            for token in [lacks, &scim] {
                let answer = api.as_(token, method, &path, Some(json!({}))).await;
                assert_eq!(answer.status, 403, "{what}");
                let challenge = format!("error=\"insufficient_scope\", scope=\"{scope}\"");
                assert!(answer.header("www-authenticate").contains(&challenge), "{what}: {}", answer.header("www-authenticate"));
                assert!(answer.text("/detail").contains(&scope), "{what}");
            }
            // What a tenant's own token may hold.
            let directory = ["directory:read", "receipts:write"].contains(&scope.as_str());
            let answered = async |token: &str, path: &str| api.as_(token, method, path, Some(json!({}))).await.status;
            assert_eq!(answered(&others, &path).await, if directory { 404 } else { 403 }, "{what} of another tenant");
            assert_eq!(answered(&own, &filled(&route, "nobody")).await, if directory { 404 } else { 403 }, "{what}");
            assert_eq!(answered(&personal, &path).await, 403, "{what} of one user");
            // What is about all tenants is not there for a token of one.
            let of_one = path.contains("/tenants/") || !directory;
            let idle = answered(&of_idle, &filled(&route, "idle")).await;
            assert_eq!(idle, if of_one { 403 } else { 404 }, "{what} of an inactive tenant");
            let let_in = api.as_(&own, method, &path, Some(json!({}))).await;
            assert_eq!(matches!(let_in.status, 401 | 403), !directory, "{what}: {}", let_in.body);
            let expected = match of_one {
                true if method == "POST" => 422,
                true => 200,
                false => 404,
            };
            // There is nothing of that id.
            let expected = if ["/users/", "/groups/", "/roles/"].iter().any(|one| path.contains(one)) { 404 } else { expected };
            assert!(!directory || let_in.status == expected, "{what}: {}", let_in.body);

            // With the scope and nothing but the scope it is let in, and the address is one that is served.
            let name = format!("only {what}");
            let enough = api.platform(&name, &scope, 9 * DAY).await;
            let answer = api.as_(&enough, method, &path, Some(json!({}))).await;
            let of_escalation = answer.body["field"] == "scope";
            assert!(!matches!(answer.status, 401 | 405 | 500) && (answer.status != 403 || of_escalation), "{what}: {}", answer.body);
        }
    }

    async fn a_platform_token_opens_no_tenant_and_is_noted(store: TestStore) {
        let api = Api::new(store).await;
        let presented = Presented::Bearer(api.token.clone().into());
        assert!(api.state.tokens.verify(&presented).await.is_err());
        let headers = [("authorization", &*format!("Bearer {}", api.token)), ("user-agent", "vendor/1.0")];
        api.raw("GET", "/api/v1/tenants", &headers, "").await.is(200);
        api.state.tokens.flush_uses().await.unwrap();
        let kept = &api.state.tokens.platform_tokens().await.unwrap()[0];
        assert_eq!(kept.last_used_from.as_deref(), Some("vendor/1.0"));
    }

    async fn other_ways_to_sign_in_are_none(store: TestStore) {
        let api = Api::new(store).await;
        let bearer = format!("Bearer {}", api.token);
        for headers in [
            &[("cookie", "__Host-rollcall=AAAAAAAAAAAAAAAAAAAAAQ")][..],
            &[("authorization", "Basic b2t0YTpwYXNzd29yZA==")],
            &[("authorization", "Bearer")],
            &[("authorization", &bearer), ("authorization", &bearer)],
        ] {
            api.raw("GET", "/api/v1/tenants", headers, "").await.is(401);
        }
        let query = format!("/api/v1/tenants?access_token={}", api.token);
        api.raw("GET", &query, &[], "").await.is(401);
    }

    /// What a tenant's profile no longer takes is no way in here either.
    async fn a_kind_that_the_profile_does_not_take_is_refused(store: TestStore) {
        let api = Api::new(store).await;
        let maestro = api.tenant("maestro", "clinical-maestro").await;
        let token = api.tenant_token(&maestro, "directory:read", None).await;
        let answer: Value = api.as_(&token, "GET", "/tenants/maestro/users", None).await.is(401).body.clone();
        assert_eq!(answer["status"], 401);
    }
}
