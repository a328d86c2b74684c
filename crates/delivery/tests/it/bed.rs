//! An installation with a tenant, and nodes that send.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use delivery::{Destinations, NewDestination, NewWay, webhook::NewWebhook};
use serde_json::{Value, json};
use store::{
    Actor, ActorKind, ChangeContext, DestinationId, Store, TenantId, UserId,
    destinations::{DeliveryQuery, Destination, Fate},
    tenants::NewTenant,
    users::UserState,
};
use store_testing::TestStore;
use token_service::{MasterKey, Vault};
use tokio::{sync::watch, task::JoinHandle};

use crate::receiver::Receiver;

pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const HOUR: i64 = 3_600_000;

pub(crate) fn context() -> ChangeContext {
    let actor = Actor { kind: ActorKind::Admin, id: "a".into(), name: "ann@example.com".into() };
    ChangeContext { actor, cause: "request-1".into() }
}

/// An installation with a tenant.
pub(crate) struct Bed {
    pub(crate) store: TestStore,
    pub(crate) tenant: TenantId,
    vault: Vault,
    pub(crate) destinations: Destinations,
    egress: egress::Client,
}

/// A node that sends and numbers until it is stopped.
pub(crate) struct Node {
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

impl Node {
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.unwrap();
        }
    }

    /// As with SIGKILL: nothing is ended, nothing is let go of.
    pub(crate) fn kill(self) {
        for task in &self.tasks {
            task.abort();
        }
        // Its lines end with the channel, and not at once: what they do until then a killed one would not.
        drop(self.stop);
    }
}

impl Bed {
    pub(crate) async fn new(store: TestStore) -> Self {
        let vault = Vault::unlock(&store, &MasterKey::from_base64(KEY).unwrap()).await.unwrap();
        let egress = egress::Client::new("127.0.0.0/8".parse().unwrap());
        let destinations = Destinations::new(store.store(), vault.clone(), egress.clone());
        let tenant = NewTenant {
            slug: "acme".into(),
            name: "Acme".into(),
            profile_name: "generic".into(),
            profile: "name = \"acme\"".into(),
            compatibility: "lenient".into(),
            activate: true,
        };
        let tenant = store.platform().create_tenant(&tenant, &context()).await.unwrap().id;
        Self { store, tenant, vault, destinations, egress }
    }

    /// The same by another way out.
    pub(crate) fn by(self, egress: egress::Client) -> Self {
        let destinations = Destinations::new(self.store.store(), self.vault.clone(), egress.clone());
        Self { destinations, egress, ..self }
    }

    pub(crate) fn node_of(&self, store: Store) -> Node {
        let (stop, stopped) = watch::channel(false);
        let destinations = Destinations::new(store.clone(), self.vault.clone(), self.egress.clone());
        let sending = tokio::spawn(destinations.sender().run(stopped.clone()));
        let numbering = tokio::spawn(async move {
            while !*stopped.borrow() {
                store.number().await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Node { stop, tasks: [sending, numbering] }
    }

    pub(crate) fn node(&self) -> Node {
        self.node_of(self.store.store())
    }

    /// A destination of the tenant that is sent what happens to its users.
    pub(crate) async fn destination(&self, way: NewWay) -> (Destination, Option<String>) {
        let new = NewDestination {
            tenant: Some(self.tenant),
            name: "app".into(),
            events: Some(vec!["user.*".into()]),
            after: None,
            target: None,
            way,
        };
        self.destinations.create(new, &context()).await.unwrap()
    }

    pub(crate) async fn webhook(&self, receiver: &Receiver) -> (Destination, String) {
        let headers = BTreeMap::from([("X-Api-Key".to_owned(), "open sesame".to_owned())]);
        let new = NewWebhook { url: receiver.url.clone(), headers, secret: None };
        let (destination, secret) = self.destination(NewWay::Webhook(new)).await;
        (destination, secret.unwrap())
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        let state = state(json!({ "userName": name }));
        self.store.tenant(self.tenant).create_user(&state, &context()).await.unwrap().id
    }

    pub(crate) async fn renamed(&self, id: UserId, name: &str, title: &str) {
        let scope = self.store.tenant(self.tenant);
        let version = scope.user(id, false).await.unwrap().unwrap().version;
        let state = state(json!({ "userName": name, "title": title }));
        scope.replace_user(id, version, &state, &context()).await.unwrap().unwrap();
    }

    pub(crate) async fn kept(&self, id: DestinationId) -> Destination {
        self.store.platform().destination(id).await.unwrap().unwrap()
    }

    pub(crate) async fn count(&self, id: DestinationId, fate: Fate) -> usize {
        let query = DeliveryQuery { fate: Some(fate), limit: 10_000, ..DeliveryQuery::default() };
        self.store.platform().deliveries(id, &query).await.unwrap().len()
    }

    /// Waits until all that the receiver was called for has been noted: what comes of it depends on the time.
    pub(crate) async fn settled(&self, id: DestinationId, receiver: &Receiver) {
        self.until("all calls are noted", async || {
            let query = DeliveryQuery { limit: 10_000, ..DeliveryQuery::default() };
            let all = self.store.platform().deliveries(id, &query).await.unwrap();
            let attempts: i32 = all.iter().map(|one| one.attempts).sum();
            usize::try_from(attempts).unwrap() == receiver.calls().len()
        })
        .await;
    }

    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let began = Instant::now();
        while !holds().await {
            assert!(began.elapsed() < Duration::from_secs(30), "{what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) fn state(document: Value) -> UserState {
    let Value::Object(document) = document else { unreachable!() };
    UserState::new(&scim_core::ResourceType::user(), document)
}

/// Versions of each object as they were taken first: without gaps, growing.
pub(crate) fn in_order(taken: &[Value]) {
    let mut versions: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for event in taken {
        versions
            .entry(event["object"]["id"].to_string())
            .or_default()
            .push(event["object"]["version"].as_i64().unwrap());
    }
    for (object, versions) in versions {
        let expected: Vec<i64> = (1..).take(versions.len()).collect();
        assert_eq!(versions, expected, "{object}");
    }
}
