//! Tokens of identity providers on each database, against an issuer that the test serves.

use issuer_testing::{Issuer, TestKey, hs256, unsigned};
use serde_json::{Value, json};
use store_testing::{TestStore, on_both};

use super::*;
use crate::{
    Presented, Principal, Refusal,
    service::tests::{DAY, World, context, make_tenant, master_key},
};

const DIRECTORY: &str = "3f2c1a9e-7d54-4b0e-9a61-5c8d2e7f4b10";
const OTHER_DIRECTORY: &str = "aaaaaaaa-7d54-4b0e-9a61-5c8d2e7f4b10";
const MINUTE: i64 = 60_000;

/// A service that may reach loopback, a tenant, an issuer with one key.
struct Scene<'a> {
    store: &'a TestStore,
    service: TokenService,
    tenant: TenantId,
    issuer: Issuer,
    key: TestKey,
}

impl<'a> Scene<'a> {
    async fn new(store: &'a TestStore) -> Self {
        let service = node(store.store()).await;
        let key = TestKey::rsa("first");
        let issuer = Issuer::start(&[&key]);
        Self { tenant: make_tenant(store, "acme").await, store, service, issuer, key }
    }

    /// With the tenant trusting the issuer.
    async fn trusting(store: &'a TestStore) -> Self {
        let scene = Self::new(store).await;
        scene.set(scene.tenant, DIRECTORY).await.expect("set");
        scene
    }

    fn terms(&self, directory: &str) -> NewFederation {
        NewFederation {
            directory: directory.into(),
            issuer: Some(self.issuer.of(directory)),
            scope: scopes::DEFAULT.into(),
            ..NewFederation::default()
        }
    }

    async fn set(&self, tenant: TenantId, directory: &str) -> Result<Federated, IssueError> {
        self.service.set_federation(tenant, self.terms(directory), &context()).await
    }

    /// What Entra's provisioning service sends, in short.
    fn claims(&self) -> Value {
        let now = self.store.now() / 1000;
        json!({
            "aud": ENTRA_AUDIENCE, "iss": self.issuer.of(DIRECTORY), "tid": DIRECTORY,
            "iat": now, "nbf": now, "exp": now + 3600, "ver": "1.0",
        })
    }

    fn with(&self, claim: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[claim] = value;
        claims
    }

    async fn present(&self, token: &str) -> Result<Principal, Refusal> {
        self.service.verify_named(&Presented::Bearer(token.into()), &crate::Sender::default()).await
    }

    async fn is_foreign(&self, token: &str) -> bool {
        matches!(self.present(token).await, Err(Refusal::Foreign))
    }
}

async fn node(store: store::Store) -> TokenService {
    let egress = egress::Client::new("127.0.0.0/8".parse().expect("a network"));
    TokenService::open_with(store, master_key(1), crate::Options { egress, ..Default::default() })
        .await
        .expect("opened")
}

fn told(outcome: Result<Federated, IssueError>) -> String {
    match outcome {
        Err(IssueError::Unfit(text) | IssueError::Taken(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => String::new(),
    }
}

on_both! {
    async fn a_token_of_the_directory_is_the_tenants_credential(store: TestStore) {
        let scene = Scene::new(&store).await;
        let token = scene.key.token(&scene.claims());
        assert!(scene.is_foreign(&token).await, "nobody trusts it yet");
        let set = scene.set(scene.tenant, DIRECTORY).await.expect("set");
        assert_eq!(set.keys, Ok(1));
        let principal = scene.present(&token).await.expect("accepted");
        assert_eq!((principal.tenant, principal.credential), (scene.tenant, set.credential.id));
        assert_eq!(principal.kind, CredentialKind::Bearer);
        assert!(principal.name.contains(DIRECTORY) && principal.may(scopes::SCIM_WRITE));
        assert_eq!(principal.user, None);
        assert_eq!(scene.present(&token).await.expect("from memory"), principal);
        assert_eq!(scene.issuer.fetches(), 1, "only when the trust was set");

        // Where no tenant is named it is nobody's, also when it lies in memory.
        let shared = scene.service.verify(&Presented::Bearer(token.as_str().into())).await;
        assert!(matches!(shared, Err(Refusal::Foreign)));

        let (credential, federation) = scene.service.federation(scene.tenant).await.expect("asked").expect("there");
        assert_eq!((credential, federation), (set.credential.clone(), set.federation));
        assert_eq!(scene.service.list(scene.tenant).await.expect("a list"), [set.credential]);
    }

    /// While the issuer lets its keys be waited for, the trust is taken away.
    async fn what_ends_during_a_check_is_refused(store: TestStore) {
        let scene = Scene::trusting(&store).await;
        let second = TestKey::rsa("second");
        scene.issuer.publish(&[&second]);
        store.advance(MINUTE);
        let token = second.token(&scene.claims());
        let (come, go) = scene.issuer.hold();
        let removing = async {
            tokio::task::spawn_blocking(move || come.recv()).await.expect("joined").expect("asked for keys");
            assert!(scene.service.remove_federation(scene.tenant, &context()).await.expect("removed"));
            go.send(()).expect("it waits");
        };
        let (presented, ()) = futures::join!(scene.present(&token), removing);
        assert!(matches!(presented, Err(Refusal::Foreign)), "{presented:?}");
    }

    async fn each_claim_is_pinned(store: TestStore) {
        let scene = Scene::trusting(&store).await;
        let now = store.now() / 1000;
        let good = scene.key.token(&scene.claims());
        scene.present(&good).await.expect("accepted");
        let entra = entra_issuer(DIRECTORY.parse().expect("an id"));
        for (claim, value) in [
            ("iss", json!(entra)),
            ("iss", json!(scene.issuer.of(OTHER_DIRECTORY))),
            ("iss", json!(scene.issuer.of(DIRECTORY).trim_end_matches('/'))),
            ("iss", json!([scene.issuer.of(DIRECTORY)])),
            ("iss", json!(null)),
            ("aud", json!("00000003-0000-0000-c000-000000000000")),
            ("aud", json!(ENTRA_AUDIENCE.to_uppercase())),
            ("aud", json!([ENTRA_AUDIENCE])),
            ("aud", json!([ENTRA_AUDIENCE, "another"])),
            ("aud", json!(null)),
            ("tid", json!(OTHER_DIRECTORY)),
            ("tid", json!("acme")),
            ("tid", json!(null)),
            ("nbf", json!(now + 62)),
            ("exp", json!("never")),
            ("exp", json!(-1)),
            ("exp", json!(null)),
        ] {
            assert!(scene.is_foreign(&scene.key.token(&scene.with(claim, value.clone()))).await, "{claim}: {value}");
        }
        for end in [now - 61, 0] {
            let late = scene.key.token(&scene.with("exp", json!(end)));
            assert!(matches!(scene.present(&late).await, Err(Refusal::Expired)), "{end}");
        }
        // An end that nobody has signed is a guess like others, and is counted as one.
        let late = scene.with("exp", json!(now - 61));
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "first" });
        assert!(scene.is_foreign(&unsigned(&header, &late, "AAAA")).await);
        assert!(scene.is_foreign(&TestKey::rsa("first").token(&late)).await);
        // The issuer's clock may be a minute off.
        for (claim, at) in [("exp", now - 50), ("nbf", now + 50)] {
            scene.present(&scene.key.token(&scene.with(claim, json!(at)))).await.expect(claim);
        }
        // A good one in memory ends on time.
        store.advance(3_600_000 + 2 * MINUTE);
        assert!(matches!(scene.present(&good).await, Err(Refusal::Expired)));
    }

    async fn only_the_issuers_signature_counts(store: TestStore) {
        let scene = Scene::trusting(&store).await;
        let claims = scene.claims();
        let header = |alg: &str| json!({ "typ": "JWT", "alg": alg, "kid": "first" });
        for alg in ["none", "None", "NONE", "", "HS256", "RS384", "PS256", "ES256", "EdDSA"] {
            for signature in ["", "AAAA"] {
                assert!(scene.is_foreign(&unsigned(&header(alg), &claims, signature)).await, "{alg} {signature:?}");
            }
            assert!(scene.is_foreign(&scene.key.token_with(&header(alg), &claims)).await, "{alg}");
        }
        // The public key taken for a shared secret, in each form that somebody could think of.
        let public = scene.key.public();
        let modulus = public["n"].as_str().expect("a modulus");
        let decoded = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, modulus).expect("base64");
        for secret in [public.to_string().as_bytes(), modulus.as_bytes(), &decoded, b""] {
            for alg in ["HS256", "RS256"] {
                assert!(scene.is_foreign(&hs256(secret, &header(alg), &claims)).await, "{alg}");
            }
        }
        let imposter = TestKey::rsa("first");
        assert!(scene.is_foreign(&imposter.token(&claims)).await, "known kid, wrong key");
        let stranger = TestKey::rsa("stranger");
        assert!(scene.is_foreign(&stranger.token(&claims)).await, "unknown kid");
        assert!(scene.is_foreign(&scene.key.token_with(&json!({ "alg": "RS256" }), &claims)).await, "no kid");
        let critical = json!({ "alg": "RS256", "kid": "first", "crit": ["b64"], "b64": false });
        assert!(scene.is_foreign(&scene.key.token_with(&critical, &claims)).await, "an extension");
        let token = scene.key.token(&claims);
        let other = scene.key.token(&scene.with("exp", json!(store.now() / 1000 + 7200)));
        let (signed, _) = other.rsplit_once('.').expect("parts");
        let (_, signature) = token.rsplit_once('.').expect("parts");
        assert!(scene.is_foreign(&format!("{signed}.{signature}")).await, "another payload");
        for text in ["", "a.b.c", "..", &token[..token.len() - 2], &format!("{token}."), &format!("{token}.x")] {
            assert!(scene.is_foreign(text).await, "{text:?}");
        }
        scene.present(&token).await.expect("and this one counts");
    }

    async fn keys_change_at_the_issuer(store: TestStore) {
        let scene = Scene::trusting(&store).await;
        let (second, curve) = (TestKey::rsa("second"), TestKey::p256("curve"));
        scene.issuer.publish(&[&scene.key, &second, &curve]);
        // Within a minute of the last fetch nobody makes the issuer work.
        let token = second.token(&scene.claims());
        assert!(scene.is_foreign(&token).await);
        assert_eq!(scene.issuer.fetches(), 1);
        store.advance(MINUTE);
        scene.present(&token).await.expect("fetched, and accepted");
        scene.present(&curve.token(&scene.claims())).await.expect("the other kind of key");
        assert_eq!(scene.issuer.fetches(), 2);
        for attempt in 0..5 {
            let stranger = scene.key.token_with(&json!({ "alg": "RS256", "kid": format!("x{attempt}") }), &scene.claims());
            assert!(scene.is_foreign(&stranger).await);
        }
        assert_eq!(scene.issuer.fetches(), 2, "unknown ids share the minute");

        // A key that was taken back is refused once the keys are an hour old.
        scene.issuer.publish(&[&second]);
        store.advance(60 * MINUTE);
        assert!(scene.is_foreign(&scene.key.token(&scene.claims())).await);
        scene.present(&second.token(&scene.claims())).await.expect("still published");
        assert_eq!(scene.issuer.fetches(), 3);
    }

    async fn an_issuer_that_is_away_shuts_out_nobody_for_a_day(store: TestStore) {
        let scene = Scene::trusting(&store).await;
        scene.issuer.set_down(true);
        let good = async || scene.present(&scene.key.token(&scene.claims())).await;
        store.advance(23 * 60 * MINUTE);
        good().await.expect("with keys of yesterday");
        assert_eq!(scene.issuer.fetches(), 1, "its configuration was not answered");
        store.advance(60 * MINUTE);
        assert!(matches!(good().await, Err(Refusal::Foreign)), "a day later");
        scene.issuer.set_down(false);
        assert!(matches!(good().await, Err(Refusal::Foreign)), "not asked within the minute");
        store.advance(MINUTE);
        good().await.expect("it is back");
    }

    async fn a_crowd_makes_one_fetch(store: TestStore) {
        let scene = Scene::trusting(&store).await;
        let second = TestKey::rsa("second");
        scene.issuer.publish(&[&second]);
        store.advance(MINUTE);
        let tokens: Vec<String> =
            (0..40).map(|at| second.token(&scene.with("jti", json!(at)))).collect();
        let crowd = futures::future::join_all(tokens.iter().map(|token| scene.present(token))).await;
        assert!(crowd.iter().all(Result::is_ok));
        assert_eq!(scene.issuer.fetches(), 2);
    }

    async fn a_directory_belongs_to_one_tenant(store: TestStore) {
        let scene = Scene::trusting(&store).await;
        let other = make_tenant(&store, "other").await;
        let text = told(scene.set(other, &DIRECTORY.to_uppercase()).await);
        assert!(text.starts_with("directory: ") && text.contains("another tenant"), "{text}");
        assert!(!text.contains("acme"), "{text}");
        assert!(scene.service.federation(other).await.expect("asked").is_none());
        scene.set(other, OTHER_DIRECTORY).await.expect("another one is free");
        let token = scene.key.token(&scene.claims());
        assert_eq!(scene.present(&token).await.expect("accepted").tenant, scene.tenant);

        assert!(scene.service.remove_federation(scene.tenant, &context()).await.expect("removed"));
        assert!(scene.is_foreign(&token).await, "at once on this node");
        assert!(!scene.service.remove_federation(scene.tenant, &context()).await.expect("asked"));
        // Its key signs for this directory too, and whoever has the directory now has its people.
        scene.set(other, DIRECTORY).await.expect("free again");
        assert_eq!(scene.present(&token).await.expect("accepted").tenant, other);
        let replaced = scene.with("tid", json!(OTHER_DIRECTORY));
        assert!(scene.is_foreign(&scene.key.token(&replaced)).await, "a tenant has one directory");
    }

    async fn removal_reaches_another_node_within_a_second(store: TestStore) {
        let scene = Scene::trusting(&store).await;
        let other = node(store.another().await).await;
        let token = Presented::Bearer(scene.key.token(&scene.claims()).into());
        other.verify_named(&token, &crate::Sender::default()).await.expect("accepted by a node that fetches the keys itself");
        assert!(scene.service.remove_federation(scene.tenant, &context()).await.expect("removed"));
        let refused = async {
            while other.verify_named(&token, &crate::Sender::default()).await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_millis(1500), refused).await.expect("refused in time");
    }

    async fn it_is_revoked_and_ends_like_other_credentials_and_is_not_rotated(store: TestStore) {
        let scene = Scene::new(&store).await;
        let ends_at = store.now() + DAY;
        let new = NewFederation { expires_at: Some(ends_at), scope: scopes::SCIM_READ.into(), ..scene.terms(DIRECTORY) };
        let set = scene.service.set_federation(scene.tenant, new.clone(), &context()).await.expect("set");
        let token = scene.key.token(&scene.with("exp", json!(store.now() / 1000 + 7 * 86_400)));
        let principal = scene.present(&token).await.expect("accepted");
        assert!(principal.may(scopes::SCIM_READ) && !principal.may(scopes::SCIM_WRITE));
        let rotated = scene.service.rotate(scene.tenant, set.credential.id, 0, &context()).await;
        let text = rotated.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.starts_with("token: ") && text.contains("identity provider"), "{text}");
        store.advance(DAY + 1000);
        assert!(matches!(scene.present(&token).await, Err(Refusal::Expired)));

        let new = NewFederation { expires_at: None, ..new };
        let set = scene.service.set_federation(scene.tenant, new, &context()).await.expect("set again");
        scene.present(&token).await.expect("accepted");
        assert!(scene.service.revoke(scene.tenant, set.credential.id, &context()).await.expect("revoked"));
        assert!(scene.present(&token).await.is_err());
        let states: Vec<bool> =
            scene.service.list(scene.tenant).await.expect("a list").iter().map(|one| one.revoked_at.is_some()).collect();
        assert_eq!(states, [true, true]);
    }

    async fn what_the_issuer_publishes_is_judged(store: TestStore) {
        let scene = Scene::new(&store).await;
        let look = async || scene.set(scene.tenant, DIRECTORY).await.expect("set").keys;
        let with = |name: &str, value: Value| {
            let mut key = scene.key.public();
            key[name] = value;
            key
        };
        for unfit in [
            json!({ "kty": "oct", "kid": "first", "k": "AAAA" }),
            json!({ "kty": "new", "kid": "first" }),
            json!("no key"),
            with("use", json!("enc")),
            with("alg", json!("HS256")),
            with("alg", json!("RS512")),
            with("kid", json!(null)),
            with("n", json!("!")),
        ] {
            scene.issuer.publish_json(vec![unfit.clone()]);
            assert!(look().await.is_err_and(|text| text.contains("no key")), "{unfit}");
            scene.issuer.publish_json(vec![unfit.clone(), scene.key.public()]);
            assert_eq!(look().await, Ok(1), "{unfit}");
        }
        // Keys may also be named without discovery.
        let direct = NewFederation { keys_url: Some(scene.issuer.keys_url()), ..scene.terms(DIRECTORY) };
        scene.issuer.set_alias("https://sts.windows.net/");
        assert!(look().await.is_err_and(|text| text.contains("another issuer")));
        let set = scene.service.set_federation(scene.tenant, direct, &context()).await.expect("set");
        assert_eq!(set.keys, Ok(1));
        scene.present(&scene.key.token(&scene.claims())).await.expect("accepted");
    }

    async fn what_cannot_be_is_told_to_the_person(store: TestStore) {
        let scene = Scene::new(&store).await;
        let set = async |new: NewFederation| told(scene.service.set_federation(scene.tenant, new, &context()).await);
        let terms = || scene.terms(DIRECTORY);
        let issuer = |text: &str| NewFederation { issuer: Some(text.into()), ..terms() };
        for (new, start) in [
            (NewFederation { directory: "acme.onmicrosoft.com".into(), ..terms() }, "directory: "),
            (NewFederation { directory: "00000000-0000-0000-0000-000000000000".into(), ..terms() }, "directory: "),
            (NewFederation { directory: String::new(), ..terms() }, "directory: "),
            (issuer("sts.windows.net"), "issuer: "),
            (issuer("ftp://sts.windows.net/"), "issuer: "),
            (issuer("http://sts.example.com:x/"), "issuer: "),
            (issuer("https://10.0.0.1/"), "issuer: "),
            (issuer("https://169.254.169.254/latest/meta-data"), "issuer: "),
            (issuer("https://sts.example.com/?a=b"), "issuer: "),
            (issuer("https://sts.example.com/#a"), "issuer: "),
            (issuer("https://a:b@sts.example.com/"), "issuer: "),
            (NewFederation { keys_url: Some("https://[::1]/keys".into()), ..terms() }, "keys-url: "),
            (NewFederation { audience: Some("two words".into()), ..terms() }, "audience: "),
            (NewFederation { scope: "platform".into(), ..terms() }, "scope: "),
            (NewFederation { expires_at: Some(store.now()), ..terms() }, "expiry: "),
        ] {
            let text = set(new).await;
            assert!(text.starts_with(start), "{start} {text:?}");
        }
        assert!(scene.service.list(scene.tenant).await.expect("a list").is_empty());
    }

    /// The client that a service has unless somebody gives it another one reaches no private address.
    async fn private_networks_are_not_reached_unasked(store: TestStore) {
        let world = World::new(&store).await;
        let new = NewFederation {
            directory: DIRECTORY.into(),
            issuer: Some("https://127.0.0.1/x/".into()),
            scope: scopes::DEFAULT.into(),
            ..NewFederation::default()
        };
        let text = told(world.service.set_federation(world.tenant, new, &context()).await);
        assert!(text.starts_with("issuer: ") && text.contains("ROLLCALL_EGRESS_ALLOW"), "{text}");
    }
}

#[test]
fn entra_is_what_is_meant_when_nothing_is_said() {
    let directory: Uuid = DIRECTORY.parse().expect("an id");
    assert_eq!(entra_issuer(directory), format!("https://sts.windows.net/{DIRECTORY}/"));
}
