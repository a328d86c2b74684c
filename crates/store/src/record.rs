//! Writing the audit and outbox rows of a change, in its own transaction.

use std::fmt;

use scim_core::intake::Note;
use sea_orm::Set;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    ChangeContext, StoreError,
    entity::{audit, outbox, payloads},
    many::NewRows,
    tx::TenantTx,
    words::word,
};

/// Events whose rows are written together.
const CHUNK: usize = 1_000;

/// One event of a change.
pub(crate) struct Event {
    /// `user.created`, `membership.added`, …
    pub(crate) event: &'static str,
    /// `User`, `Group`, `Credential`, `Tenant`.
    pub(crate) object_type: &'static str,
    /// Id as text.
    pub(crate) object_id: String,
    /// Version of the object after the change.
    pub(crate) object_version: i64,
    /// By how much the number of live users or groups grows with it.
    pub(crate) live_delta: Option<i16>,
    /// `{"state": …, "before": …}` or what the event is about; an object.
    pub(crate) payload: Payload,
}

/// What an event tells: an object.
pub(crate) enum Payload {
    /// As a tree.
    Tree(Value),
    /// As the text that it is kept as: documents are text already.
    Text(String),
}

impl Payload {
    /// Of the texts of documents, with names; absent ones are left out.
    pub(crate) fn of_texts<const N: usize>(parts: [(&str, Option<&str>); N]) -> Self {
        let mut text =
            String::with_capacity(parts.iter().map(|(_, part)| part.map_or(0, str::len) + 16).sum());
        text.push('{');
        for (name, part) in parts {
            if let Some(part) = part {
                append(&mut text, name, part);
            }
        }
        text.push('}');
        Self::Text(text)
    }

    fn with(self, name: &str, value: Value) -> Self {
        match self {
            Self::Tree(Value::Object(mut tree)) => {
                tree.insert(name.to_owned(), value);
                Self::Tree(Value::Object(tree))
            }
            Self::Tree(other) => Self::Tree(other),
            Self::Text(mut text) => {
                text.pop();
                append(&mut text, name, &value.to_string());
                text.push('}');
                Self::Text(text)
            }
        }
    }
}

impl From<Value> for Payload {
    fn from(tree: Value) -> Self {
        Self::Tree(tree)
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tree(tree) => tree.fmt(out),
            Self::Text(text) => out.write_str(text),
        }
    }
}

/// Adds a member to an object that lacks its last brace.
fn append(text: &mut String, name: &str, value: &str) {
    if text.len() > 1 {
        text.push(',');
    }
    text.extend(["\"", name, "\":", value]);
}

impl Event {
    /// The end of a resource, which was live until then or hidden already.
    pub(crate) fn of_live(self, live: bool) -> Self {
        Self { live_delta: live.then_some(-1), payload: self.payload.with("live", live.into()), ..self }
    }

    /// The end of a resource, with how many rows of each table held something of it. For people: it is the receipt.
    pub(crate) fn of_rows(self, rows: &[(&str, u64)]) -> Self {
        let rows = rows.iter().map(|(table, rows)| ((*table).to_owned(), (*rows).into())).collect();
        Self { payload: self.payload.with("rows", Value::Object(rows)), ..self }
    }

    /// With what a person should know of the change: `"notes": [{"path", "text"}, …]`, which hold no values.
    pub(crate) fn noted(self, notes: &[Note]) -> Self {
        if notes.is_empty() {
            return self;
        }
        let notes = notes.iter().map(|note| json!({"path": note.path, "text": note.text})).collect();
        Self { payload: self.payload.with("notes", notes), ..self }
    }
}

/// Who is told of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// People who read the audit trail, and whoever takes events.
    All,
    /// People only: nothing has changed.
    People,
}

impl TenantTx {
    /// Appends audit, outbox and payload rows for all events, in chunks below the bind limit.
    pub(crate) async fn record(&self, events: Vec<Event>, context: &ChangeContext) -> Result<(), StoreError> {
        self.append(events, context, Told::All).await
    }

    /// Appends to the audit trail alone what people should know and what is no change that others would have to follow.
    pub(crate) async fn record_for_people(
        &self,
        events: Vec<Event>,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        self.append(events, context, Told::People).await
    }

    async fn append(
        &self,
        events: Vec<Event>,
        context: &ChangeContext,
        told: Told,
    ) -> Result<(), StoreError> {
        let rows: Result<Vec<Rows>, StoreError> =
            events.into_iter().map(|event| Rows::of(self.tenant, self.now, event, context)).collect();
        self.append_rows(rows?, told).await
    }

    /// Appends what was made of events beforehand.
    pub(crate) async fn record_rows(&self, rows: Vec<Rows>) -> Result<(), StoreError> {
        self.append_rows(rows, Told::All).await
    }

    async fn append_rows(&self, rows: Vec<Rows>, told: Told) -> Result<(), StoreError> {
        self.note_recorded();
        let mut rows = rows.into_iter();
        loop {
            let chunk: Vec<Rows> = rows.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            let (mut trail, mut events, mut contents) = (Vec::new(), Vec::new(), Vec::new());
            for rows in chunk {
                let (payload, audit, outbox) = rows.into_models();
                contents.push(payload);
                trail.push(audit);
                events.push(outbox);
            }
            self.insert(NewRows::of(contents), "").await?;
            self.insert(NewRows::of(trail), "").await?;
            if told == Told::All {
                self.insert(NewRows::of(events), "").await?;
            }
        }
    }
}

/// What is written of one event.
pub(crate) struct Rows {
    /// Its entry in the trail; what its row for those who take events holds stands in it, too.
    pub(crate) entry: audit::Model,
    /// Of the payload, which has the entry's id.
    pub(crate) salt: [u8; 16],
    /// The payload's text.
    pub(crate) body: String,
}

impl Rows {
    /// Of an event at a time (milliseconds). All of it is computation, so it can be done before the transaction begins.
    pub(crate) fn of(
        tenant: Uuid,
        now: i64,
        event: Event,
        context: &ChangeContext,
    ) -> Result<Self, StoreError> {
        let body = match event.payload {
            Payload::Text(text) => text,
            Payload::Tree(tree) => tree.to_string(),
        };
        let id = Uuid::now_v7();
        let salt = salt();
        let entry = audit::Model {
            tenant_id: tenant,
            id,
            seq: None,
            event: event.event.to_owned(),
            object_type: event.object_type.to_owned(),
            object_id: event.object_id,
            object_version: event.object_version,
            actor_kind: word("actor_kind", context.actor.kind)?,
            actor_id: context.actor.id.clone(),
            actor_name: context.actor.name.clone(),
            cause: context.cause.clone(),
            at: now,
            payload_id: Some(id),
            digest: Some(digest(&salt, &body)),
            chain: None,
            live_delta: event.live_delta,
        };
        Ok(Self { entry, salt, body })
    }

    /// As the functions of PostgreSQL take them: see `record_event`.
    pub(crate) fn into_arguments(self) -> [sea_orm::Value; 14] {
        let Self { entry, salt, body } = self;
        [
            entry.id.into(),
            entry.event.into(),
            entry.object_type.into(),
            entry.object_id.into(),
            entry.object_version.into(),
            entry.actor_kind.into(),
            entry.actor_id.into(),
            entry.actor_name.into(),
            entry.cause.into(),
            entry.at.into(),
            salt.to_vec().into(),
            body.into(),
            entry.digest.into(),
            entry.live_delta.into(),
        ]
    }

    /// The rows of the three tables.
    fn into_models(self) -> (payloads::ActiveModel, audit::ActiveModel, outbox::ActiveModel) {
        let Self { entry, salt, body } = self;
        let payload = payloads::ActiveModel {
            tenant_id: Set(entry.tenant_id),
            id: Set(entry.id),
            object_type: Set(entry.object_type.clone()),
            object_id: Set(entry.object_id.clone()),
            salt: Set(salt.to_vec()),
            body: Set(Some(body)),
        };
        let audit = audit::ActiveModel::from(entry);
        (payload, audit.clone(), same_in_outbox(audit))
    }
}

/// A salt of its own for each payload.
pub(crate) fn salt() -> [u8; 16] {
    rand::random()
}

/// SHA-256 of salt and text: it proves what was written and, once the payload row is gone, tells nothing of it.
pub(crate) fn digest(salt: &[u8], body: &str) -> Vec<u8> {
    Sha256::new().chain_update(salt).chain_update(body).finalize().to_vec()
}

fn same_in_outbox(row: audit::ActiveModel) -> outbox::ActiveModel {
    outbox::ActiveModel {
        tenant_id: row.tenant_id,
        id: row.id,
        seq: row.seq,
        event: row.event,
        object_type: row.object_type,
        object_id: row.object_id,
        object_version: row.object_version,
        actor_kind: row.actor_kind,
        actor_id: row.actor_id,
        actor_name: row.actor_name,
        cause: row.cause,
        at: row.at,
        payload_id: row.payload_id,
        digest: row.digest,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

    use super::*;
    use crate::{Actor, ActorKind, Store, StoreOptions, TenantId};

    fn events(count: usize) -> Vec<Event> {
        (0..count)
            .map(|number| Event {
                event: "user.created",
                object_type: "User",
                object_id: number.to_string(),
                object_version: 1,
                live_delta: None,
                payload: json!({ "state": { "n": number } }).into(),
            })
            .collect()
    }

    async fn open() -> (tempfile::TempDir, Store, ChangeContext) {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(format!("sqlite://{}", folder.path().join("t.db").display()));
        Store::migrate(&options).await.unwrap();
        let actor = Actor { kind: ActorKind::System, id: String::new(), name: "test".into() };
        (folder, Store::open(&options).await.unwrap(), ChangeContext { actor, cause: "r".into() })
    }

    /// More events than fit in one statement, each with the digest of its own payload.
    #[tokio::test]
    async fn many_events_keep_their_order_and_digest() {
        let (_folder, store, context) = open().await;
        let scope = store.tenant(TenantId::generate());
        let tx = scope.write().await.unwrap();
        tx.record(events(2 * CHUNK + 1), &context).await.unwrap();
        tx.record(events(0), &context).await.unwrap();
        tx.commit().await.unwrap();
        let read = scope.outbox(10_000).await.unwrap();
        assert_eq!(read.len(), 2 * CHUNK + 1);
        assert!(read.iter().enumerate().all(|(number, record)| record.object_id == number.to_string()));

        let tx = scope.read().await.unwrap();
        let some = audit::Entity::find().filter(audit::Column::ObjectId.is_in(["0", "500"]));
        let some = some.all(&tx.db).await.unwrap();
        assert_eq!(some.len(), 2);
        for row in some {
            let payload = payloads::Entity::find_by_id((tx.tenant, row.payload_id.unwrap()));
            let payload = payload.one(&tx.db).await.unwrap().unwrap();
            assert_eq!(row.digest.unwrap(), digest(&payload.salt, &payload.body.unwrap()));
            assert_eq!(payload.salt.len(), 16);
        }
    }

    /// A request that is given up leaves nothing, and the next writer gets its turn.
    #[tokio::test]
    async fn a_dropped_transaction_rolls_back() {
        let (_folder, store, context) = open().await;
        let scope = store.tenant(TenantId::generate());
        let tx = scope.write().await.unwrap();
        tx.record(events(1), &context).await.unwrap();
        drop(tx);
        scope.write().await.unwrap().commit().await.unwrap();
        assert!(scope.outbox(10).await.unwrap().is_empty());
    }

    #[test]
    fn notes_are_added_to_trees_and_to_texts() {
        let event = |payload| Event { payload, ..events(1).remove(0) };
        let notes = [Note { path: "a\"b".into(), text: "left out".into() }];
        let (state, before) = (r#"{"userName":"a"}"#, r#"{"userName":"b"}"#);
        let tree: Value = serde_json::from_str(&format!(r#"{{"state":{state},"before":{before}}}"#)).unwrap();
        let parts = [("state", Some(state)), ("before", Some(before))];
        for notes in [&notes[..], &[]] {
            let told = event(Payload::of_texts(parts)).noted(notes).payload.to_string();
            assert_eq!(told, event(tree.clone().into()).noted(notes).payload.to_string());
        }
        let alone = event(Payload::of_texts([("state", None)])).noted(&notes).payload.to_string();
        assert_eq!(alone, r#"{"notes":[{"path":"a\"b","text":"left out"}]}"#);
    }

    #[test]
    fn the_digest_is_of_salt_then_text() {
        // SHA-256("abc"), FIPS 180-4.
        let hex: String = digest(b"a", "bc").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
