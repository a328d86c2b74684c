//! A tenant on a fresh database, and short calls to the provisioner.

use std::sync::Arc;

use provisioning::{
    DeletedUser, IfMatch, ProfileSource, Provisioner, Query, Rendered, RenderedPage, Request, Tenant,
    TenantDirectory,
    csv::{ImportError, ImportOptions, ImportProgress, ImportSummary},
    users::Created,
};
use scim_core::{ResourceType, ScimError, profile::Profile, projection::Projection, urn};
use serde_json::{Value, json};
use store::{Actor, ActorKind, ChangeContext, Store, audit::Record};
use store_testing::TestStore;
use tokio::io::AsyncRead;

/// A database with what works on it.
pub(crate) struct World<'a> {
    pub(crate) store: &'a TestStore,
    pub(crate) directory: TenantDirectory,
    provisioner: Provisioner,
}

/// Somebody.
pub(crate) fn context() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::Credential, id: "credential".into(), name: "Okta".into() },
        cause: "request".into(),
    }
}

/// Web servers move futures between threads: each of ours must allow it.
fn send<T: Send>(future: T) -> T {
    future
}

/// A user's body.
pub(crate) fn person(user_name: &str) -> Value {
    json!({
        "schemas": [urn::USER],
        "userName": user_name,
        "name": { "givenName": "Test", "familyName": "Example" },
        "emails": [{ "value": user_name, "type": "work", "primary": true }],
        "active": true,
    })
}

/// A PATCH body.
pub(crate) fn patch(operations: Value) -> Value {
    json!({ "schemas": [urn::PATCH_OP], "Operations": operations })
}

impl<'a> World<'a> {
    pub(crate) fn new(store: &'a TestStore) -> Self {
        let (directory, provisioner) = (TenantDirectory::new(store.store()), Provisioner::new(store.store()));
        Self { store, directory, provisioner }
    }

    /// Time passes, in milliseconds.
    pub(crate) fn later(&self, millis: i64) {
        self.store.advance(millis);
    }

    /// A slug that no one has.
    pub(crate) fn slug(&self) -> String {
        format!("t{}", uuid::Uuid::now_v7().simple())
    }

    /// A fresh active tenant.
    pub(crate) async fn tenant(&self, profile: &str) -> Side {
        self.tenant_of(ProfileSource::Builtin(profile), "lenient").await
    }

    /// Likewise, one that keeps to the letter of the protocol.
    pub(crate) async fn strict_tenant(&self, profile: &str) -> Side {
        self.tenant_of(ProfileSource::Builtin(profile), "strict").await
    }

    /// A fresh active tenant whose profile is this text.
    pub(crate) async fn tenant_with(&self, profile: &str) -> Side {
        self.tenant_of(ProfileSource::Text(profile), "lenient").await
    }

    async fn tenant_of(&self, profile: ProfileSource<'_>, compatibility: &str) -> Side {
        let slug = self.slug();
        let tenant = self.directory.create(&slug, None, profile, compatibility, true, &context()).await;
        self.side(&tenant.expect("a tenant"))
    }

    /// A fresh active tenant of the general profile with these policies.
    pub(crate) async fn tenant_with_policies(&self, policies: &str) -> Side {
        let generic = Profile::builtin("generic").expect("a file");
        let (head, _) = generic.split_once("[policies]").expect("policies");
        self.tenant_with(&format!("{head}[policies]\n{policies}\n")).await
    }

    /// Purges whose retention is over; gives their number.
    pub(crate) async fn purge_expired(&self) -> u64 {
        send(self.provisioner.purge_expired(&self.directory)).await.expect("purged")
    }

    fn side(&self, tenant: &Tenant) -> Side {
        let slug = &tenant.row.slug;
        Side {
            tenant: tenant.clone(),
            base_url: format!("https://scim.example.com/t/{slug}/scim/v2"),
            projection: Projection::default(),
            context: context(),
            provisioner: self.provisioner.clone(),
            store: self.store.store(),
        }
    }
}

/// One tenant's side.
#[derive(Clone)]
pub(crate) struct Side {
    tenant: Tenant,
    pub(crate) base_url: String,
    projection: Projection,
    context: ChangeContext,
    provisioner: Provisioner,
    store: Store,
}

impl Side {
    /// With another profile.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Profile)) -> Self {
        let mut side = self.clone();
        change(Arc::make_mut(&mut side.tenant.profile));
        side
    }

    /// The tenant as this side knows it.
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// This side as the next request finds it, after the tenant's configuration has changed.
    pub(crate) async fn again(&self, world: &World<'_>) -> Self {
        let tenant = world.directory.by_id(self.tenant.id()).await.expect("read").expect("there");
        Self { tenant: (*tenant).clone(), ..self.clone() }
    }

    /// What users of this tenant are.
    pub(crate) fn user_type(&self) -> Arc<ResourceType> {
        self.tenant.profile.user.clone()
    }

    /// With another projection.
    pub(crate) fn projected(&self, projection: Projection) -> Self {
        Self { projection, ..self.clone() }
    }

    /// Answers without one attribute.
    pub(crate) fn without(&self, name: &str) -> Self {
        self.projected(Projection { attributes: None, excluded: vec![name.to_owned()] })
    }

    fn request(&self) -> Request<'_> {
        Request {
            tenant: &self.tenant,
            context: &self.context,
            base_url: &self.base_url,
            projection: &self.projection,
        }
    }

    pub(crate) async fn create_user(&self, body: &Value) -> Result<Created, ScimError> {
        send(self.provisioner.create_user(self.request(), body)).await
    }

    pub(crate) async fn user(&self, id: &str) -> Result<Rendered, ScimError> {
        send(self.provisioner.user(self.request(), id)).await
    }

    pub(crate) async fn users(&self, query: &Query) -> Result<RenderedPage, ScimError> {
        send(self.provisioner.users(self.request(), query)).await
    }

    pub(crate) async fn put_user(&self, id: &str, body: &Value) -> Result<Rendered, ScimError> {
        self.put_user_if(id, None, body).await
    }

    pub(crate) async fn put_user_if(
        &self,
        id: &str,
        if_match: IfMatch,
        body: &Value,
    ) -> Result<Rendered, ScimError> {
        send(self.provisioner.replace_user(self.request(), id, if_match, body)).await
    }

    pub(crate) async fn patch_user(&self, id: &str, body: &Value) -> Result<Rendered, ScimError> {
        self.patch_user_if(id, None, body).await
    }

    pub(crate) async fn patch_user_if(
        &self,
        id: &str,
        if_match: IfMatch,
        body: &Value,
    ) -> Result<Rendered, ScimError> {
        send(self.provisioner.patch_user(self.request(), id, if_match, body)).await
    }

    pub(crate) async fn delete_user(&self, id: &str, if_match: IfMatch) -> Result<(), ScimError> {
        send(self.provisioner.delete_user(self.request(), id, if_match)).await
    }

    pub(crate) async fn import(
        &self,
        source: impl AsyncRead + Unpin + Send,
        options: ImportOptions,
    ) -> Result<ImportSummary, ImportError> {
        self.import_with(source, options, &|_| {}).await
    }

    pub(crate) async fn import_with(
        &self,
        source: impl AsyncRead + Unpin + Send,
        options: ImportOptions,
        progress: &(dyn Fn(ImportProgress) + Send + Sync),
    ) -> Result<ImportSummary, ImportError> {
        send(self.provisioner.import_users(&self.tenant, &self.context, source, options, progress)).await
    }

    /// The whole file, and in how many parts it came.
    pub(crate) async fn export(&self, columns: Option<&[String]>) -> Result<(String, usize), String> {
        let mut export =
            self.provisioner.export_users(&self.tenant, columns).map_err(|error| error.to_string())?;
        let (mut text, mut parts) = (String::new(), 0);
        while let Some(part) = send(export.next()).await.map_err(|error| error.to_string())? {
            text.push_str(&part);
            parts += 1;
        }
        assert_eq!(export.total(), Some(export.rows()), "nobody came or went");
        Ok((text, parts))
    }

    /// The one user of a userName.
    pub(crate) async fn by_name(&self, user_name: &str) -> Value {
        let filter = Some(format!("userName eq {}", Value::from(user_name)));
        let page = self
            .users(&Query { filter, start_index: 1, count: 2, ..Query::default() })
            .await
            .expect("a list");
        assert_eq!(page.resources.len(), 1, "{user_name}");
        page.resources.into_iter().next().expect("a user").into_value()
    }

    /// So many users, made past the provisioner; their ids in order.
    pub(crate) async fn many_users(&self, store: &TestStore, count: i64) -> Vec<String> {
        store.many_users(self.tenant.id(), count).await
    }

    pub(crate) async fn deleted_user(&self, id: &str) -> Result<DeletedUser, ScimError> {
        send(self.provisioner.deleted_user(self.request(), id)).await
    }

    /// User names of the deleted users that a filter selects.
    pub(crate) async fn deleted_users(&self, query: &Query) -> Vec<String> {
        let page = send(self.provisioner.deleted_users(self.request(), query)).await.expect("a list");
        let name = |user: &DeletedUser| user.rendered.body["userName"].as_str().expect("a name").to_owned();
        page.users.iter().map(name).collect()
    }

    pub(crate) async fn restore_user(&self, id: &str) -> Result<Rendered, ScimError> {
        send(self.provisioner.restore_user(self.request(), id)).await
    }

    pub(crate) async fn erase_user(&self, id: &str, user_name: &str) -> Result<(), ScimError> {
        send(self.provisioner.erase_user(self.request(), id, user_name)).await
    }

    pub(crate) async fn create_group(&self, body: &Value) -> Result<Rendered, ScimError> {
        send(self.provisioner.create_group(self.request(), body)).await
    }

    pub(crate) async fn group(&self, id: &str) -> Result<Rendered, ScimError> {
        send(self.provisioner.group(self.request(), id)).await
    }

    pub(crate) async fn groups(&self, query: &Query) -> Result<RenderedPage, ScimError> {
        send(self.provisioner.groups(self.request(), query)).await
    }

    pub(crate) async fn put_group(&self, id: &str, body: &Value) -> Result<Rendered, ScimError> {
        send(self.provisioner.replace_group(self.request(), id, None, body)).await
    }

    pub(crate) async fn patch_group(&self, id: &str, body: &Value) -> Result<Rendered, ScimError> {
        self.patch_group_if(id, None, body).await
    }

    pub(crate) async fn patch_group_if(
        &self,
        id: &str,
        if_match: IfMatch,
        body: &Value,
    ) -> Result<Rendered, ScimError> {
        send(self.provisioner.patch_group(self.request(), id, if_match, body)).await
    }

    pub(crate) async fn delete_group(&self, id: &str, if_match: IfMatch) -> Result<(), ScimError> {
        send(self.provisioner.delete_group(self.request(), id, if_match)).await
    }

    /// Makes a user; gives its id.
    pub(crate) async fn make_user(&self, user_name: &str) -> String {
        let made = self.create_user(&person(user_name)).await.expect("made");
        made.rendered.body["id"].as_str().expect("an id").to_owned()
    }

    /// Makes a group; gives its id.
    pub(crate) async fn make_group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "schemas": [urn::GROUP], "displayName": name, "members": members });
        let made = self.create_group(&body).await.expect("made");
        made.body["id"].as_str().expect("an id").to_owned()
    }

    /// Ids of a group's members, sorted.
    pub(crate) async fn members(&self, id: &str) -> Vec<String> {
        let group = self.group(id).await.expect("read");
        let members = group.body["members"].as_array().cloned().unwrap_or_default();
        let mut ids: Vec<String> =
            members.iter().map(|member| member["value"].as_str().unwrap_or_default().to_owned()).collect();
        ids.sort();
        ids
    }

    /// A group's version.
    pub(crate) async fn version_of_group(&self, id: &str) -> i64 {
        let etag = self.group(id).await.expect("read").etag;
        etag.trim_matches(|ch: char| !ch.is_ascii_digit()).parse().expect("a number")
    }

    /// Rows of `/Users` or `/Groups`.
    pub(crate) async fn total(&self, endpoint: &str) -> u64 {
        let query = Query { start_index: 1, ..Query::default() };
        let page = if endpoint == "/Users" { self.users(&query).await } else { self.groups(&query).await };
        page.expect("a list").total
    }

    /// Events written so far.
    pub(crate) async fn events(&self) -> usize {
        self.event_names().await.len()
    }

    /// Their names, in order.
    pub(crate) async fn event_names(&self) -> Vec<String> {
        let records = self.store.tenant(self.tenant.id()).outbox(1000).await.expect("events");
        records.into_iter().map(|record| record.event).collect()
    }

    /// What the audit trail says about an object, oldest first.
    pub(crate) async fn trail(&self, id: &str) -> Vec<Record> {
        let mut records = self.store.tenant(self.tenant.id()).audit(Some(id), 100).await.expect("a trail");
        records.reverse();
        records
    }

    /// The notes of the last entry about an object, as `path text`.
    pub(crate) async fn last_notes(&self, id: &str) -> Vec<String> {
        let last = self.trail(id).await.pop().expect("an entry");
        let notes = last.payload.expect("a payload")["notes"].as_array().cloned().unwrap_or_default();
        let note = |note: &Value| {
            format!("{} {}", note["path"].as_str().expect("a path"), note["text"].as_str().expect("a text"))
        };
        notes.iter().map(note).collect()
    }

    /// A user's roles, as `role via group`.
    pub(crate) async fn roles(&self, user: &str) -> Vec<String> {
        let id = user.parse().expect("an id");
        let grants = self.store.tenant(self.tenant.id()).roles_of_user(id).await.expect("roles");
        grants.into_iter().map(|grant| format!("{} via {}", grant.role.name, grant.via.display)).collect()
    }
}
