//! What is kept of refusals, on each database.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{HeaderValue, header};
use secrecy::ExposeSecret;
use store_testing::on_both;
use tracing::instrument::WithSubscriber as _;

use super::*;
use crate::{
    NewBasic, Presented, authorization, scopes,
    service::tests::{DAY, World, context, make_tenant},
};

const BOTH: [CredentialKind; 2] = [CredentialKind::Bearer, CredentialKind::Basic];

fn sender(last: u8) -> Sender {
    Sender {
        address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, last))),
        agent: "Okta SCIM Client 1.0.0".into(),
    }
}

fn headers(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a value"))])
}

fn basic(username: &str, password: &str) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}")))
}

impl World<'_> {
    /// A request with this header, at a tenant's address or at the shared host, as the endpoints do it.
    async fn knock(&self, slug: Option<&str>, value: &str, sender: &Sender) -> Verdict {
        let sent = self.service.sent_in(&headers(value));
        let base_url = match slug {
            Some(slug) => format!("https://scim.example.com/t/{slug}/scim/v2"),
            None => "https://scim.example.com/scim/v2".to_owned(),
        };
        let attempt = Attempt { slug, base_url: &base_url, sent, sender };
        let Some(presented) = authorization::parse(value) else {
            return self.service.refuse(attempt, Because::Unusable).await;
        };
        match self.service.verify(&presented).await {
            Err(refusal) => self.service.refuse(attempt, Because::Refusal(&refusal)).await,
            Ok(principal) => self.service.refuse(attempt, Because::OtherTenant(&principal)).await,
        }
    }

    async fn kept(&self, tenant: TenantId) -> Vec<Refused> {
        self.service.refusals(tenant, &BOTH).await.expect("refusals")
    }

    async fn login(&self, username: &str) -> (CredentialId, String) {
        let new = NewBasic {
            username: username.into(),
            name: None,
            scope: scopes::DEFAULT.into(),
            expires_at: None,
            allowed_from: Default::default(),
        };
        let made = self.service.create_basic(self.tenant, new, &context()).await.expect("made");
        (made.credential.id, made.password.expose_secret().to_owned())
    }
}

on_both! {
    async fn a_refusal_is_told_to_the_tenant_it_is_about(store: TestStore) {
        let world = &World::new(&store).await;
        let other = make_tenant(&store, "other").await;
        let issued = world.issue("Okta").await;
        let value = format!("Bearer {}", issued.token.expose_secret());
        world.service.revoke(world.tenant, issued.credential.id, &context()).await.expect("revoked");

        assert_eq!(world.knock(Some("acme"), &value, &sender(1)).await, Verdict::Refuse);
        assert_eq!(world.knock(Some("acme"), &value, &sender(1)).await, Verdict::Refuse);
        store.advance(1000);
        // On the shared host the signature names the tenant.
        let _ = world.knock(None, &value, &sender(1)).await;
        let _ = world.knock(Some("other"), &value, &sender(1)).await;
        let _ = world.knock(Some("nobody"), &value, &sender(1)).await;
        let _ = world.knock(None, "non-token", &sender(1)).await;

        let kept = world.kept(world.tenant).await;
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(kept.iter().all(|one| one.mistake == Mistake::Revoked && one.status() == 401));
        assert_eq!((kept[0].base_url.as_str(), kept[0].count), ("https://scim.example.com/scim/v2", 1));
        let twice = &kept[1];
        assert_eq!((twice.count, twice.sender, twice.agent.as_str()), (2, sender(1).address, "Okta SCIM Client 1.0.0"));
        assert!(twice.what.starts_with("The token “Okta” was revoked on 20"), "{}", twice.what);
        assert!(twice.what.ends_with(" UTC by ada@example.com."), "{}", twice.what);
        assert_eq!(twice.credential, Some(issued.credential.id));
        assert_eq!(twice.sent.tail.as_deref(), Some(issued.credential.hint.as_str()));
        assert!(twice.sent.line().starts_with("Bearer rcl_…, "), "{}", twice.sent.line());
        let token = issued.token.expose_secret();
        assert!(kept.iter().all(|one| !one.to_json().to_string().contains(&token[8..20])));

        let elsewhere = world.kept(other).await;
        assert_eq!((elsewhere.len(), elsewhere[0].mistake), (1, Mistake::OtherTenant));
        assert!(elsewhere[0].credential.is_none() && !elsewhere[0].what.contains("Okta"), "{elsewhere:?}");
        let shared = world.service.shared_refusals().await.expect("refusals");
        assert_eq!((shared.len(), shared[0].mistake), (1, Mistake::NotOurs));
    }

    async fn ends_of_tokens_are_told_apart(store: TestStore) {
        let world = &World::new(&store).await;
        let (old, short) = (world.issue("rotated").await, world.issue("short").await);
        world.service.rotate(world.tenant, old.credential.id, 1000, &context()).await.expect("rotated");
        store.advance(DAY);
        for issued in [&old, &short] {
            let _ = world.knock(Some("acme"), issued.token.expose_secret(), &sender(1)).await;
        }
        let mut told: Vec<_> = world.kept(world.tenant).await.into_iter().map(|one| (one.mistake, one.what)).collect();
        told.sort_by_key(|(mistake, _)| *mistake == Mistake::Expired);
        assert_eq!((told[0].0, told[1].0), (Mistake::RotatedAway, Mistake::Expired));
        assert!(told[0].1.contains("“rotated” was rotated, and the old one ended on 20"), "{}", told[0].1);
        assert!(told[1].1.contains("“short” expired on 20"), "{}", told[1].1);
    }

    /// A user name is shown to the tenant that has it, and to nobody else.
    async fn user_names_are_their_tenants(store: TestStore) {
        let world = &World::new(&store).await;
        let other = make_tenant(&store, "other").await;
        let (id, password) = world.login("okta@acme").await;
        for slug in [Some("acme"), Some("other"), None] {
            let _ = world.knock(slug, &basic("Okta@ACME", "wrong password"), &sender(1)).await;
        }
        let _ = world.knock(Some("other"), &basic("okta@acme", &password), &sender(1)).await;
        let _ = world.knock(Some("acme"), &basic("nobody", "wrong password"), &sender(1)).await;
        let mine = world.kept(world.tenant).await;
        let wrong: Vec<_> = mine.iter().filter(|one| one.mistake == Mistake::WrongPassword).collect();
        assert_eq!((mine.len(), wrong.len()), (3, 2), "{mine:?}");
        assert!(wrong.iter().all(|one| one.username.as_deref() == Some("okta@acme") && one.credential == Some(id)));
        assert!(wrong.iter().all(|one| one.sent.digest == wrong[0].sent.digest && !one.sent.digest.is_empty()));
        let unknown = mine.iter().find(|one| one.mistake == Mistake::UnknownUserName).expect("unknown");
        assert!(unknown.username.is_none() && !unknown.to_json().to_string().contains("nobody"));

        let theirs = world.kept(other).await;
        let mut mistakes: Vec<_> = theirs.iter().map(|one| one.mistake).collect();
        mistakes.sort_by_key(|mistake| *mistake == Mistake::OtherTenant);
        assert_eq!(mistakes, [Mistake::UnknownUserName, Mistake::OtherTenant]);
        assert!(theirs.iter().all(|one| !one.to_json().to_string().contains("acme")), "{theirs:?}");
        assert!(world.service.shared_refusals().await.expect("refusals").is_empty());
        // A tenant that takes no user names is told that first.
        let told = world.service.refusals(world.tenant, &[CredentialKind::Bearer]).await.expect("refusals");
        assert!(told.iter().all(|one| one.mistake == Mistake::BasicNotTaken), "{told:?}");

        world.service.revoke(world.tenant, id, &context()).await.expect("revoked");
        let _ = world.knock(Some("acme"), &basic("okta@acme", &password), &sender(2)).await;
        let newest = world.kept(world.tenant).await.into_iter().find(|one| one.sender == sender(2).address);
        assert!(newest.is_some_and(|one| one.what.contains("“okta@acme” was revoked on 20")));
    }

    async fn rows_are_bounded_and_old_ones_go(store: TestStore) {
        let world = &World::new(&store).await;
        for batch in 0..4 {
            for number in 0..40_u8 {
                let _ = world.knock(Some("acme"), &format!("token-{batch}-{number}"), &sender(number)).await;
                let _ = world.knock(None, &format!("token-{batch}-{number}"), &sender(number)).await;
            }
            store.advance(1000);
            world.service.flush_refusals().await.expect("written");
        }
        let (mine, shared) = (world.kept(world.tenant).await, world.service.shared_refusals().await.expect("read"));
        assert_eq!((mine.len(), shared.len()), (store::refusals::KEPT, store::refusals::KEPT));
        assert!(mine.windows(2).all(|pair| pair[0].last_at >= pair[1].last_at), "newest first");
        store.advance(store::refusals::LIFETIME);
        assert!(world.kept(world.tenant).await.is_empty(), "too old to be shown");
        assert_eq!(world.service.forget_refusals().await.expect("forgotten"), 200);
        assert_eq!(world.service.forget_refusals().await.expect("forgotten"), 0);
    }

    /// Guesses are answered slowly and then turned away; whoever has a valid credential is let in all the while.
    async fn a_flood_is_turned_away_and_told_once(store: TestStore) {
        let world = &World::new(&store).await;
        let (id, password) = world.login("okta@acme").await;
        let valid = Presented::Basic { username: "okta@acme".into(), password: password.into() };
        let flood = (0..14).map(|number| {
            let value = basic("okta@acme", &format!("wrong password {number}"));
            async move { world.knock(Some("acme"), &value, &sender(9)).await }
        });
        let flood = futures::future::join_all(flood);
        let (verdicts, let_in) = futures::future::join(flood, world.service.verify(&valid)).await;
        assert_eq!(let_in.expect("let in").credential, id);
        let turned_away = verdicts.iter().filter(|verdict| **verdict == Verdict::TooMany).count();
        assert_eq!(turned_away, 4, "ten are free");
        // Whoever comes from the same address with something of ours, or with nothing, does not guess.
        let issued = world.issue("Okta").await;
        world.service.revoke(world.tenant, issued.credential.id, &context()).await.expect("revoked");
        for _ in 0..30 {
            assert_eq!(world.knock(Some("acme"), issued.token.expose_secret(), &sender(9)).await, Verdict::Refuse);
            assert_eq!(world.knock(Some("acme"), "Bearer", &sender(9)).await, Verdict::Refuse);
        }
        let kept = world.kept(world.tenant).await;
        let guesses: Vec<_> = kept.iter().filter(|one| one.mistake == Mistake::WrongPassword).collect();
        assert_eq!(guesses.iter().map(|one| one.count).sum::<u64>(), 14);
        assert_eq!(guesses.len(), 11, "those over the limit are one row: {guesses:?}");

        let trail = store.tenant(world.tenant).audit(Some(&id.to_string()), 10).await.expect("a trail");
        let told: Vec<_> = trail.iter().filter(|record| record.event == "credential.throttled").collect();
        assert_eq!(told.len(), 1, "{trail:?}");
        assert_eq!((told[0].actor.kind, told[0].actor.name.as_str()), (store::ActorKind::Stranger, "203.0.113.9"));
        assert_eq!(told[0].payload.as_ref().expect("a payload")["state"]["login"], "okta@acme");
        let outbox = store.tenant(world.tenant).outbox(100).await.expect("events");
        assert!(outbox.iter().all(|record| record.event != "credential.throttled"), "nothing has changed");
    }

    /// The trail is kept for ever, so that whoever tries many names from many addresses must not fill it.
    async fn strangers_fill_no_trail(store: TestStore) {
        let world = &World::new(&store).await;
        let refusals = &world.service.inner.refusals;
        for number in 0..60_u8 {
            let key = Key {
                slug: Some("acme".into()),
                address: "https://scim.example.com/t/acme/scim/v2".into(),
                mistake: Mistake::WrongPassword,
                whose: None,
                login: None,
                sender: sender(number).address,
                digest: String::new(),
            };
            let note = Note {
                print: Fingerprint::default(),
                agent: String::new(),
                word: None,
                access_until: None,
                count: 1,
                first_at: store.now(),
                last_at: store.now(),
                news: true,
            };
            refusals.notes.add(key, note);
            if number % 20 == 19 {
                world.service.flush_refusals().await.expect("written");
            }
        }
        let trail = store.tenant(world.tenant).audit(None, 100).await.expect("a trail");
        let told = trail.iter().filter(|record| record.event == "credential.throttled").count();
        assert_eq!(told, news::MOST as usize);
        assert_eq!(world.kept(world.tenant).await.len(), 60, "those are bounded in another way");
    }

    /// What nobody can guess at by asking often: user names that are known and those that are not are counted alike.
    async fn unknown_names_are_counted_like_known_ones(store: TestStore) {
        let world = &World::new(&store).await;
        world.login("okta@acme").await;
        let asked = ["okta@acme", "nobody"].map(|name| async move {
            let tries = (0..12_u8).map(|number| async move {
                // From many addresses, so that only the name counts.
                world.knock(Some("acme"), &basic(name, &format!("wrong password {number}")), &sender(number)).await
            });
            let verdicts = futures::future::join_all(tries).await;
            verdicts.into_iter().filter(|verdict| *verdict == Verdict::TooMany).count()
        });
        assert_eq!(futures::future::join_all(asked).await, [2, 2]);
    }

    async fn nodes_count_in_one_row(store: TestStore) {
        let world = &World::new(&store).await;
        let _ = world.knock(Some("acme"), "non-token", &sender(1)).await;
        let node = world.another_node().await;
        let attempt = Attempt {
            slug: Some("acme"),
            base_url: "https://scim.example.com/t/acme/scim/v2",
            sent: node.sent_in(&headers("non-token")),
            sender: &sender(1),
        };
        let _ = node.refuse(attempt, Because::Refusal(&Refusal::Foreign)).await;
        node.flush_refusals().await.expect("written");
        let kept = world.kept(world.tenant).await;
        assert_eq!((kept.len(), kept[0].count), (1, 2), "two nodes count the same thing in one row: {kept:?}");
    }
}

/// Counts the statements that a piece of work sends to the database.
#[derive(Clone, Default)]
struct Statements(Arc<AtomicUsize>);

impl tracing::Subscriber for Statements {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        !metadata.is_span() && metadata.target() == "sqlx::query"
    }

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// Unknown and wrong, another tenant's and a revoked one: each refusal of a user name reads as much, and noting it reads
/// nothing; what carries no signature of ours is never looked up.
#[tokio::test]
async fn every_refusal_reads_as_much() {
    let store = store_testing::postgres().await;
    let world = &World::new(&store).await;
    world.login("okta@acme").await;
    let (revoked, _) = world.login("revoked@acme").await;
    world.service.revoke(world.tenant, revoked, &context()).await.expect("revoked");
    make_tenant(&store, "other").await;
    let read = async |slug, value: String| {
        let statements = Statements::default();
        let _ = world.knock(Some(slug), &value, &sender(1)).with_subscriber(statements.clone()).await;
        statements.0.load(Ordering::Relaxed)
    };
    let wrong = read("acme", basic("okta@acme", "wrong password")).await;
    let wrong = wrong.min(read("acme", basic("okta@acme", "wrong password")).await);
    assert!(wrong >= 3, "the owner of the name, and its row under the tenant: {wrong}");
    // Whoever comes first after a change of configuration also reads what is kept of it, and this node may learn of a
    // change at any time: what is more than expected must be as expected when asked again.
    let reads = async |slug, value: String, expected| match read(slug, value.clone()).await {
        more if more > expected => read(slug, value).await,
        count => count,
    };
    let long = "x".repeat(5000);
    for (slug, name) in [
        ("other", "okta@acme"),
        ("nobody", "okta@acme"),
        ("acme", "nobody"),
        ("acme", "revoked@acme"),
        ("acme", long.as_str()),
    ] {
        assert_eq!(reads(slug, basic(name, "wrong password"), wrong).await, wrong, "{slug} {}", &name[..6]);
    }
    for value in ["non-token", "Bearer rcl_a.b.c", "Bearer", "Basic !"] {
        for slug in ["acme", "nobody"] {
            assert_eq!(reads(slug, value.to_owned(), 0).await, 0, "{slug} {value}");
        }
    }
}

#[test]
fn an_address_of_ipv6_is_its_network() {
    let network = |text: &str| network(text.parse().expect("an address")).to_string();
    assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    assert_eq!(network("203.0.113.7"), "203.0.113.7");
}
