//! Each form of address, and the locations that answers show for it.

use axum::{Router, routing::get};
use store::domains::{Claimed, Seen};

use crate::{
    client::{encode, id, user},
    world::{SHARED_HOST, World, context},
};

on_both!(
    each_form_answers_with_its_own_locations,
    slashes_case_and_queries,
    a_host_header_is_never_shown,
    a_proven_host_is_its_tenants_alone,
    a_deleted_tenant_is_an_unknown_one,
    the_rest_is_left_to_others
);

async fn each_form_answers_with_its_own_locations(world: World) {
    let acme = world.tenant("acme").await;
    let user_id = id(&acme.create_user("where@example.com").await);
    let group_id = id(&acme.create_group("Here", &[&user_id]).await);
    let own = "acme.tenants.example.net";
    for alias in ["/scim/v2", "/scim", "/scim/api/V1"] {
        for (host, base, origin) in [
            (SHARED_HOST, format!("/t/acme{alias}"), "https://scim.example.com"),
            ("127.0.0.1:8080", format!("/t/acme{alias}"), "https://scim.example.com"),
            (own, alias.to_owned(), "https://acme.tenants.example.net"),
            (SHARED_HOST, alias.to_owned(), "https://scim.example.com"),
        ] {
            let okta = acme.at(host, &base);
            let wanted = format!("{origin}{base}/Users/{user_id}");
            let reply = okta.get(&format!("/Users/{user_id}")).await;
            assert_eq!(reply.expect(200)["meta"]["location"], wanted.as_str());
            assert_eq!(reply.header("location"), wanted);
            let group = okta.get(&format!("/Groups/{group_id}")).await.expect(200);
            assert_eq!(group["meta"]["location"], format!("{origin}{base}/Groups/{group_id}"));
            assert_eq!(group["members"][0]["$ref"], wanted.as_str());
            let list = okta.filter("/Users", "userName eq \"where@example.com\"").await.expect(200);
            assert_eq!(list["Resources"][0]["meta"]["location"], wanted.as_str());
            let config = okta.get("/ServiceProviderConfig").await.expect(200);
            assert_eq!(config["meta"]["location"], format!("{origin}{base}/ServiceProviderConfig"));
            let created = okta.post("/Users", &user(&format!("{host}{base}@example.com"))).await;
            let created_id = id(&created.expect(201));
            assert_eq!(created.header("location"), format!("{origin}{base}/Users/{created_id}"));
        }
    }
}

async fn slashes_case_and_queries(world: World) {
    let acme = world.tenant("acme").await;
    let user_id = id(&acme.create_user("slash@example.com").await);
    let canonical = acme.get(&format!("/Users/{user_id}")).await.expect(200);
    for (base, path) in [
        ("/t/acme/scim/v2/", format!("/Users/{user_id}")),
        ("/t/acme/scim/v2", format!("//Users//{user_id}/")),
        ("//t/acme//scim/v2", format!("/Users/{user_id}")),
        ("/T/acme/SCIM/V2", format!("/Users/{user_id}?aadOptscim062020")),
    ] {
        let reply = acme.at(SHARED_HOST, base).get(&path).await;
        assert_eq!(reply.expect(200), canonical, "{base}{path}");
    }
    let api = acme.at(SHARED_HOST, "/t/acme/scim/API/v1").get(&format!("/Users/{user_id}")).await.expect(200);
    let location = api["meta"]["location"].as_str().expect("a location");
    assert!(location.contains("/t/acme/scim/api/V1/Users/"), "{location}");
    acme.get("/Users/?startIndex=1&count=2").await.expect(200);
    let filter = encode("userName eq \"slash@example.com\"");
    let found = acme.get(&format!("/Users?aadOptscim062020&filter={filter}")).await.expect(200);
    assert_eq!(found["totalResults"], 1);
    // Ids and endpoints regard case.
    acme.get(&format!("/Users/{}", user_id.to_uppercase())).await.expect_error(404, "");
}

async fn a_host_header_is_never_shown(world: World) {
    let acme = world.tenant("acme").await;
    acme.create_user("host@example.com").await;
    let text = acme.at("evil.example.org", &acme.base).get("/Users").await.text;
    assert!(
        text.contains("https://scim.example.com/t/acme/scim/v2/Users/") && !text.contains("evil"),
        "{text}"
    );
    let shouting = acme.at("ACME.Tenants.Example.NET:8443", "/scim/v2").get("/Users").await;
    let location = shouting.expect(200)["Resources"][0]["meta"]["location"].clone();
    assert!(
        location.as_str().is_some_and(|at| at.starts_with("https://acme.tenants.example.net/scim/v2/Users/"))
    );
    // Two hosts that disagree are none.
    let mut request = acme.request("GET", "/Users", None);
    request.headers_mut().append("host", "acme.tenants.example.net".parse().expect("a header value"));
    acme.send(request).await.expect_error(400, "");
}

async fn a_proven_host_is_its_tenants_alone(world: World) {
    const HOST: &str = "scim.acme.example";
    let (acme, other) = (world.tenant("acme").await, world.tenant("other").await);
    let user_id = id(&acme.create_user("own@example.com").await);
    let at = |client: &crate::client::Client| client.at(HOST, "/scim/v2");
    // Until it is proven it is a name like any other, and the credential says which tenant.
    let scope = world.scope(&acme).await;
    let Claimed::Kept(claimed) = scope.claim_domain(HOST, "text", &context()).await.expect("claimed") else {
        panic!("too many");
    };
    at(&other).get("/Users").await.expect(200);
    let location = |reply: &crate::client::Reply| reply.expect(200)["meta"]["location"].clone();
    let shared = location(&at(&acme).get(&format!("/Users/{user_id}")).await);
    assert_eq!(shared, format!("https://scim.example.com/scim/v2/Users/{user_id}"));

    let texts = [claimed.challenge];
    scope.settle_domain(HOST, Seen::Texts(&texts), &context()).await.expect("settled").expect("there");
    let own = location(&at(&acme).get(&format!("/Users/{user_id}")).await);
    assert_eq!(own, format!("https://{HOST}/scim/v2/Users/{user_id}"));
    acme.at("SCIM.acme.example.:8443", "/scim").get("/Users").await.expect(200);
    at(&other).get("/Users").await.expect_error(401, "");
    for path in ["/console", "/t/other/scim/v2", "/"] {
        other.at(HOST, path).get("").await.expect_error(401, "");
        acme.at(HOST, path).get("").await.expect_error(404, "");
    }
    scope.remove_domain(HOST, &context()).await.expect("removed");
    at(&other).get("/Users").await.expect(200);
}

async fn a_deleted_tenant_is_an_unknown_one(world: World) {
    let acme = world.tenant("acme").await;
    acme.get("/Users").await.expect(200);
    let id = world.scope(&acme).await.id();
    world.store.platform().delete_tenant(id, &context()).await.expect("deleted");
    let unknown = acme.at(SHARED_HOST, "/t/nobody/scim/v2").get("/Users").await.expect_error(401, "");
    let detail = |text: &str| text.split(" (request id").next().unwrap_or_default().to_owned();
    for (host, base) in [
        (SHARED_HOST, "/t/acme/scim/v2"),
        (SHARED_HOST, "/scim/v2"),
        ("acme.tenants.example.net", "/scim/v2"),
    ] {
        let refused = acme.at(host, base).get("/Users").await.expect_error(401, "");
        assert_eq!(detail(&refused), detail(&unknown), "{host}{base}");
    }
    // Its credentials were not touched.
    world.store.platform().restore_tenant(id, &context()).await.expect("restored");
    acme.get("/Users").await.expect_error(403, "");
}

async fn the_rest_is_left_to_others(world: World) {
    let other = Router::new()
        .route("/console", get(async || "the console"))
        .route("/panic", get(async || "other"))
        .fallback(async || (http::StatusCode::NOT_FOUND, "other"));
    let app = scim_api::service(world.state.clone(), other);
    let send = async |host: &str, path: &str| {
        let request = http::Request::builder().uri(path).header("host", host);
        let request = request.header("x-request-id", "from-the-proxy").body(axum::body::Body::empty());
        let response =
            tower::ServiceExt::oneshot(app.clone(), request.expect("a request")).await.expect("infallible");
        assert_eq!(response.headers()["x-request-id"], "from-the-proxy");
        let status = response.status().as_u16();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.expect("a body").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
    };
    assert_eq!(send(SHARED_HOST, "/console").await, (200, "the console".into()));
    assert_eq!(send("127.0.0.1", "/healthz").await, (404, "other".into()));
    assert_eq!(send(SHARED_HOST, "/").await, (404, "other".into()));
    for (host, path) in [
        ("acme.tenants.example.net", "/console"),
        ("acme.tenants.example.net", "/healthz"),
        ("nobody.tenants.example.net", "/"),
        (SHARED_HOST, "/t/acme/console"),
        (SHARED_HOST, "/scim/v2/console"),
    ] {
        let (status, body) = send(host, path).await;
        assert_eq!(status, 401, "{host}{path}");
        assert!(body.contains("(request id from-the-proxy)"), "{body}");
    }
}
