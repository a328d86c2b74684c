//! An installation with one tenant, and a directory that its users are written to.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use delivery::{
    DestinationChange, Destinations, NewDestination, NewWay, WayChange,
    ldap::{self, LdapChange, NewLdap},
};
use directory_testing::{Attributes, Directory};
use provisioning::{Provisioner, Request, Tenant, TenantDirectory};
use scim_core::projection::Projection;
use serde_json::{Value, json};
use store::{
    Actor, ActorKind, ChangeContext, DestinationId,
    destinations::{Delivery, DeliveryQuery, Fate},
    feed::FeedQuery,
};
use store_testing::TestStore;
use token_service::{MasterKey, Vault};
use tokio::{sync::watch, task::JoinHandle};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub(super) fn context() -> ChangeContext {
    let actor = Actor { kind: ActorKind::Admin, id: "a".into(), name: "ann@example.com".into() };
    ChangeContext { actor, cause: "request-1".into() }
}

/// Sends and numbers as long as it lives.
pub(super) struct Bed {
    pub(super) store: TestStore,
    pub(super) tenant: Arc<Tenant>,
    pub(super) provisioner: Provisioner,
    pub(super) destinations: Destinations,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Bed {
    pub(super) async fn new(store: TestStore, profile: &str) -> Self {
        let vault = Vault::unlock(&store, &MasterKey::from_base64(KEY).unwrap()).await.unwrap();
        let egress = egress::Client::new("127.0.0.0/8".parse().unwrap());
        let destinations = Destinations::new(store.store(), vault, egress);
        let tenants = TenantDirectory::new(store.store());
        let tenant = tenants.create("acme", None, profile, "lenient", true, &context()).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let sending = tokio::spawn(destinations.sender().run(stopped.clone()));
        let numbers = store.store();
        let numbering = tokio::spawn(async move {
            while !*stopped.borrow() {
                numbers.number().await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let provisioner = Provisioner::new(store.store());
        Self { store, tenant, provisioner, destinations, stop, tasks: vec![sending, numbering] }
    }

    /// An LDAP destination with this mapping.
    pub(super) async fn writes_to(&self, url: String, mapping: Value) -> DestinationId {
        let ldap = serde_json::from_value(mapping).unwrap();
        let new = self.new_directory(url, ldap, directory_testing::PASSWORD);
        self.destinations.create(new, &context()).await.unwrap().0.id
    }

    /// One that is to be made.
    pub(super) fn new_directory(&self, url: String, ldap: ldap::Directory, password: &str) -> NewDestination {
        let users = self.tenant.profile.user.clone();
        NewDestination {
            tenant: Some(self.tenant.id()),
            name: "directory".into(),
            events: None,
            after: None,
            target: None,
            way: NewWay::Ldap(NewLdap { url, ldap: Box::new(ldap), password: password.into(), users }),
        }
    }

    async fn change(&self, id: DestinationId, change: DestinationChange) {
        self.destinations.change(id, change, &context()).await.unwrap();
    }

    /// All of the directory and the mapping anew.
    pub(super) async fn maps(&self, id: DestinationId, ldap: ldap::Directory) {
        self.changes(id, Some(ldap), None).await;
    }

    /// Another password.
    pub(super) async fn signs_in_with(&self, id: DestinationId, password: &str) {
        self.changes(id, None, Some(password.into())).await;
    }

    async fn changes(&self, id: DestinationId, ldap: Option<ldap::Directory>, password: Option<String>) {
        let users = self.tenant.profile.user.clone();
        let way = Some(WayChange::Ldap(LdapChange { url: None, ldap: ldap.map(Box::new), password, users }));
        self.change(id, DestinationChange { way, ..DestinationChange::default() }).await;
    }

    /// Pauses it, or goes on.
    pub(super) async fn set_active(&self, id: DestinationId, active: bool) {
        self.change(id, DestinationChange { active: Some(active), ..DestinationChange::default() }).await;
    }

    /// All that waits is tried at once.
    pub(super) async fn wake(&self, id: DestinationId) {
        for active in [false, true] {
            self.set_active(id, active).await;
        }
    }

    /// What the directory says to a test.
    pub(super) async fn test(&self, id: DestinationId) -> Result<(), String> {
        let test = self.destinations.test(id).await.unwrap();
        test.map(|_| ()).map_err(|refusal| refusal.problem)
    }

    pub(super) async fn user(&self, body: Value) -> String {
        let (context, projection) = (context(), Projection::default());
        let request = self.request(&context, &projection);
        let made = self.provisioner.create_user(request, &body).await.unwrap();
        made.rendered.body["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn put(&self, id: &str, body: Value) {
        let (context, projection) = (context(), Projection::default());
        let request = self.request(&context, &projection);
        self.provisioner.replace_user(request, id, None, &body).await.unwrap();
    }

    pub(super) async fn delete(&self, id: &str) {
        let (context, projection) = (context(), Projection::default());
        let request = self.request(&context, &projection);
        self.provisioner.delete_user(request, id, None).await.unwrap();
    }

    pub(super) async fn restore(&self, id: &str) {
        let (context, projection) = (context(), Projection::default());
        let request = self.request(&context, &projection);
        self.provisioner.restore_user(request, id).await.unwrap();
    }

    pub(super) fn request<'r>(
        &'r self,
        context: &'r ChangeContext,
        projection: &'r Projection,
    ) -> Request<'r> {
        Request { tenant: &self.tenant, context, base_url: "", projection }
    }

    pub(super) async fn deliveries(&self, id: DestinationId) -> Vec<Delivery> {
        let query = DeliveryQuery { limit: 10_000, ..DeliveryQuery::default() };
        self.store.platform().deliveries(id, &query).await.unwrap()
    }

    /// Places of the events of a user, in order.
    pub(super) async fn places(&self, id: DestinationId, user: &str) -> Vec<i64> {
        let all = self.deliveries(id).await;
        all.iter().rev().filter(|one| one.object_id == user).map(|one| one.position).collect()
    }

    /// Waits until the events of a user stand so, in order.
    pub(super) async fn until_fates(&self, id: DestinationId, user: &str, fates: &[Fate]) {
        self.store.number().await;
        self.until(&format!("the events of {user} are {fates:?}"), id, async || {
            let all = self.deliveries(id).await;
            let found = all.iter().rev().filter(|one| one.object_id == user).map(|one| one.fate);
            found.eq(fates.iter().copied())
        })
        .await;
    }

    /// Lets the time go on until so many events are given up.
    pub(super) async fn given_up(&self, id: DestinationId, count: usize) {
        self.store.number().await;
        self.until(&format!("{count} are given up"), id, async || {
            let all = self.deliveries(id).await;
            let is_over = all.iter().filter(|one| one.fate == Fate::Dead).count() == count;
            if !is_over {
                self.store.advance(1_800_000);
            }
            is_over
        })
        .await;
    }

    /// Waits until all that has happened is written.
    pub(super) async fn all_done(&self, id: DestinationId) {
        self.store.number().await;
        self.until("all is written", id, async || {
            let destination = self.store.platform().destination(id).await.unwrap().unwrap();
            // Its place is not written down for what it is not sent.
            let ahead = FeedQuery {
                after: destination.position,
                tenant: destination.tenant,
                events: destination.events,
                limit: 1,
            };
            let ahead = self.store.platform().feed(&ahead).await.unwrap();
            let all = self.deliveries(id).await;
            ahead.items.is_empty() && all.iter().all(|one| one.fate == Fate::Done)
        })
        .await;
    }

    /// Waits until an attempt has failed for a reason that holds all of these words; gives the reason.
    pub(super) async fn fails(&self, id: DestinationId, words: &[&str]) -> String {
        let mut found = String::new();
        self.until(&format!("it fails: {words:?}"), id, async || {
            let all = self.deliveries(id).await;
            let problem = all.iter().filter(|one| one.fate != Fate::Done).find_map(|one| one.problem.clone());
            found = problem.unwrap_or_default();
            words.iter().all(|word| found.contains(word))
        })
        .await;
        found
    }

    async fn until(&self, what: &str, id: DestinationId, mut holds: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !holds().await {
            assert!(begun.elapsed() < Duration::from_secs(40), "{what}: {:#?}", self.deliveries(id).await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

/// A mapping for any profile, whose link is the external id.
pub(super) fn mapping(directory: &Directory) -> Value {
    json!({
        "bindDn": directory_testing::BIND_DN, "ca": directory.ca(), "baseDn": directory_testing::BASE,
        "dn": format!("uid={{userName}},{}", directory_testing::BASE),
        "objectClasses": ["empRecord"],
        "link": {"attribute": "employeeNumber", "template": "{externalId}"},
        "attributes": {
            "cn": "{@full}", "sn": "{name.familyName|userName}", "givenName": "{name.givenName}", "title": "{title}",
            "mail": "{emails.value}", "description": ["made by Rollcall", "{nickName}"],
        },
        "templates": {"full": "{displayName|userName}"},
        "active": {"attribute": "empStatus", "active": "ACTIVE", "inactive": "INACTIVE"},
    })
}

/// The mapping of the document's example, for this directory.
pub(super) fn example(directory: &Directory) -> Value {
    let document = include_str!("../../../../../docs/ldap.md");
    let text = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let body: Value = serde_json::from_str(text).unwrap();
    let mut mapping = body["ldap"].clone();
    mapping["ca"] = directory.ca().into();
    assert_eq!(body["password"], directory_testing::PASSWORD);
    mapping
}

/// An entry's attributes as JSON; of one value the value itself; without its classes.
pub(super) fn shown(entry: Option<Attributes>) -> Value {
    let shown = |values: Vec<String>| match values.as_slice() {
        [one] => json!(one),
        all => json!(all),
    };
    let Some(mut entry) = entry else { return Value::Null };
    entry.remove("objectClass");
    entry.into_iter().map(|(name, values)| (name, shown(values))).collect()
}

pub(super) fn directory(settings: &Value) -> ldap::Directory {
    serde_json::from_value(settings.clone()).unwrap()
}
