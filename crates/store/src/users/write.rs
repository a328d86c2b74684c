//! Changing users.

use std::collections::BTreeSet;

use scim_core::{Document, ResourceKind, fold};
use sea_orm::Value;

use super::{User, UserState, read::user};
use crate::{
    ChangeContext, StoreError, TenantScope, UserId,
    activity::subjects_of,
    events::resource_event,
    record::Event,
    rows::{DELETED, document, text},
    tx::TenantTx,
};

/// Entries of the trail, the newest, that are read for former names of a user who is purged; each may hold two documents.
const FORMER: i64 = 500;
/// Those that are read at once.
const AT_ONCE: i64 = 50;

/// Are users still made as this change has made one? Asked in the statement that writes, for it is asked of each.
pub(super) const LAYOUT_HOLDS: &str =
    "EXISTS (SELECT 1 FROM tenants t WHERE t.id = ? AND t.layout_version = ? LIMIT 1)";

/// The columns that are read from a document.
pub(crate) struct Columns {
    pub(crate) user_name: String,
    pub(crate) user_name_key: String,
    pub(crate) external_id: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) active: bool,
    pub(crate) document: String,
    /// The text of the search form.
    pub(crate) search: String,
}

impl Columns {
    pub(super) fn of(state: &UserState) -> Self {
        let document = &state.document;
        let user_name = text(document, "userName").unwrap_or_default();
        Self {
            user_name: user_name.to_owned(),
            user_name_key: fold(user_name),
            external_id: text(document, "externalId").map(str::to_owned),
            display_name: text(document, "displayName").map(str::to_owned),
            active: is_active(document),
            document: state.text.clone(),
            search: state.search.clone(),
        }
    }
}

impl Columns {
    /// In the order in which the functions of the database take them.
    pub(super) fn values(self) -> [Value; 7] {
        [
            self.user_name.into(),
            self.user_name_key.into(),
            self.external_id.into(),
            self.display_name.into(),
            self.active.into(),
            self.document.into(),
            self.search.into(),
        ]
    }
}

/// `active`; absent counts as true.
fn is_active(document: &Document) -> bool {
    document.get("active").and_then(serde_json::Value::as_bool).unwrap_or(true)
}

impl TenantScope {
    /// Makes a user at version 1. [`StoreError::Conflict`] on `userName`. Event `user.created`.
    pub async fn create_user(&self, state: &UserState, context: &ChangeContext) -> Result<User, StoreError> {
        let now = (self.inner.clock)();
        let (created, columns, event) = new_user(state, now);
        self.create_at_once(created.id, (state, columns), event, (now, context)).await?;
        Ok(created)
    }

    /// Reads a user and swaps it, as [`TenantScope::swap_user`] does, if its version is `expected`
    /// ([`StoreError::Stale`] otherwise). `Ok(None)` when there is no such live user.
    pub async fn replace_user(
        &self,
        id: UserId,
        expected: i64,
        state: &UserState,
        context: &ChangeContext,
    ) -> Result<Option<User>, StoreError> {
        match self.user(id, false).await? {
            Some(before) if before.version == expected => self.swap_user(&before, state, context).await,
            Some(_) => Err(StoreError::Stale),
            None => Ok(None),
        }
    }

    /// Compare-and-swap: replaces the state of a user if it still is as it was read ([`StoreError::Stale`] otherwise), adds
    /// 1 to its version. `Ok(None)` when there is no such live user any more. Event `user.updated`, or `user.deactivated` /
    /// `user.reactivated` when `active` changes. Keeps the membership; the result's `groups` are read.
    pub async fn swap_user(
        &self,
        before: &User,
        state: &UserState,
        context: &ChangeContext,
    ) -> Result<Option<User>, StoreError> {
        let columns = Columns::of(state);
        let name = match (before.active, columns.active) {
            (true, false) => "user.deactivated",
            (false, true) => "user.reactivated",
            _ => "user.updated",
        };
        let (id, expected) = (before.id, before.version);
        let states = (Some(state.text.as_str()), Some(before.text.as_str()));
        let event = user_event(name, id, expected + 1, states.0, states.1).noted(&state.notes);
        let now = (self.inner.clock)();
        let after = changed(before, state, &columns, now);
        let groups = self.replace_at_once((id, expected), (state, columns), event, (now, context)).await?;
        if groups.is_some() {
            return Ok(Some(User { groups, ..after }));
        }
        // Another change came first, or users are made otherwise by now.
        match self.user(id, false).await? {
            Some(current) if current.version == expected => Err(StoreError::Reconfigured),
            Some(_) => Err(StoreError::Stale),
            None => Ok(None),
        }
    }

    /// Hides a user: memberships and grants end, the name is free. `expected`: version of If-Match, `None` = any.
    /// `false` when there is no such live user. Event `user.deleted`.
    pub async fn soft_delete_user(
        &self,
        id: UserId,
        expected: Option<i64>,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let Some((version, before)) = tx.hide_user(id, expected).await? else {
            return match tx.user_by_id(id, false).await? {
                Some(_) => Err(StoreError::Stale),
                None => Ok(false),
            };
        };
        tx.end_values(id).await?;
        let effects = tx.end_memberships(id.0, ResourceKind::User).await?;
        tx.keep_holders(&effects.revoked).await?;
        let mut events = tx.effect_events(&effects).await?;
        events.push(user_event("user.deleted", id, version, None, Some(&before)));
        tx.record(events, context).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Removes a live or hidden user, its memberships, grants, the personal payload of its audit and outbox rows, what
    /// deliveries say of their failures, and what the log of requests says of it.
    /// `expected`: the version of the user whose end was decided ([`StoreError::Stale`] when it is no longer that),
    /// `None` = any. `false` when there is none. Event `user.purged`: its id, and how many rows of each table held something.
    pub async fn purge_user(
        &self,
        id: UserId,
        expected: Option<i64>,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let Some((version, document, live)) = tx.lock_for_purge(id, expected).await? else {
            return if tx.user_is_kept(id).await? { Err(StoreError::Stale) } else { Ok(false) };
        };
        let values = tx.end_values(id).await?;
        let effects = tx.end_memberships(id.0, ResourceKind::User).await?;
        tx.keep_holders(&effects.revoked).await?;
        let mut events = tx.effect_events(&effects).await?;
        let mut sql = tx.sql();
        sql.add("DELETE FROM users WHERE tenant_id = ? AND id = ?", [tx.tenant_value(), id.0.into()]);
        let users = tx.run(sql).await?;
        let mut subjects = tx.former_subjects(id).await?;
        subjects.extend(std::iter::once(id.to_string()).chain(subjects_of(&document)));
        // What was written until now; the events of this change hold ids only.
        let payloads = tx.erase_payload(ResourceKind::User, id.0).await?;
        let problems = tx.erase_problems(id.0).await?;
        let (requests, named) = tx.erase_requests(&subjects).await?;
        let rows = [
            ("users", users),
            ("user_values", values),
            ("members", effects.left.len() as u64),
            ("role_grants", effects.revoked.len() as u64),
            ("payloads", payloads),
            ("deliveries", problems),
            ("request_log", requests),
            ("request_subjects", named),
        ];
        events.push(user_event("user.purged", id, version, None, None).of_live(live).of_rows(&rows));
        tx.record(events, context).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// An event about a user itself, with the texts of its documents.
pub(super) fn user_event(
    event: &'static str,
    id: UserId,
    version: i64,
    state: Option<&str>,
    before: Option<&str>,
) -> Event {
    resource_event(event, ResourceKind::User, id.0, version, state, before)
}

/// A user that is to be made, and the event of it.
fn new_user(state: &UserState, now: i64) -> (User, Columns, Event) {
    let id = UserId::generate();
    let columns = Columns::of(state);
    let created = User {
        id,
        user_name: columns.user_name.clone(),
        active: columns.active,
        document: state.document.clone(),
        text: state.text.clone(),
        version: 1,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        groups: Some(Vec::new()),
    };
    let event = user_event("user.created", id, 1, Some(&state.text), None).noted(&state.notes);
    (created, columns, event)
}

/// A user as it stands after a change; groups not read.
fn changed(before: &User, state: &UserState, columns: &Columns, now: i64) -> User {
    User {
        id: before.id,
        user_name: columns.user_name.clone(),
        active: columns.active,
        document: state.document.clone(),
        text: state.text.clone(),
        version: before.version + 1,
        created_at: before.created_at,
        updated_at: now,
        deleted_at: None,
        groups: None,
    }
}

impl TenantTx {
    /// Makes a user at version 1; gives the event of it, to be recorded.
    pub(super) async fn add_user(&self, state: &UserState) -> Result<(User, Event), StoreError> {
        let (created, columns, event) = new_user(state, self.now);
        self.insert_user(created.id, columns).await?;
        self.add_values(created.id, &state.values).await?;
        Ok((created, event))
    }

    async fn insert_user(&self, id: UserId, columns: Columns) -> Result<(), StoreError> {
        let mut sql = self.sql();
        sql.add(
            "INSERT INTO users (tenant_id, id, user_name, user_name_key, external_id, display_name, active, \
             document, search, version, created_at, updated_at) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?",
            [
                self.tenant_value(),
                id.0.into(),
                columns.user_name.into(),
                columns.user_name_key.into(),
                columns.external_id.into(),
                columns.display_name.into(),
                columns.active.into(),
                columns.document.into(),
                columns.search.into(),
            ],
        );
        sql.dialect("::jsonb", "").add(", 1, ?, ?", [self.now.into(), self.now.into()]);
        if let Some(version) = self.terms.layout_version {
            sql.push(" WHERE ").add(LAYOUT_HOLDS, [self.tenant_value(), version.into()]);
        }
        if self.run(sql).await? == 1 { Ok(()) } else { Err(StoreError::Reconfigured) }
    }

    /// Makes a soft-deleted user live, in a new state: the row after that; `None` when none has the expected version.
    pub(super) async fn revive_user(
        &self,
        id: UserId,
        expected: i64,
        columns: Columns,
    ) -> Result<Option<User>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "UPDATE users AS r SET user_name = ?, user_name_key = ?, external_id = ?, display_name = ?, active = ?, \
             document = ?, search = ?",
            [
                columns.user_name.into(),
                columns.user_name_key.into(),
                columns.external_id.into(),
                columns.display_name.into(),
                columns.active.into(),
                columns.document.into(),
                columns.search.into(),
            ],
        );
        sql.dialect("::jsonb", "").add(
            ", version = r.version + 1, updated_at = ?, deleted_at = NULL \
             WHERE r.tenant_id = ? AND r.id = ? AND r.version = ? AND ",
            [self.now.into(), self.tenant_value(), id.0.into(), expected.into()],
        );
        sql.push(DELETED);
        if let Some(version) = self.terms.layout_version {
            sql.push(" AND ").add(LAYOUT_HOLDS, [self.tenant_value(), version.into()]);
        }
        sql.push(" RETURNING id, user_name, active, document, version, created_at, updated_at, deleted_at");
        self.one(sql).await?.as_ref().map(user).transpose()
    }

    /// Marks a live user as deleted; gives its version after that and the text of its document.
    async fn hide_user(
        &self,
        id: UserId,
        expected: Option<i64>,
    ) -> Result<Option<(i64, String)>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "UPDATE users SET deleted_at = ?, updated_at = ?, version = version + 1 \
             WHERE tenant_id = ? AND id = ? AND deleted_at IS NULL",
            [self.now.into(), self.now.into(), self.tenant_value(), id.0.into()],
        );
        if let Some(expected) = expected {
            sql.add(" AND version = ?", [expected.into()]);
        }
        sql.push(" RETURNING version, document");
        let Some(row) = self.one(sql).await? else { return Ok(None) };
        Ok(Some((row.try_get("", "version")?, row.try_get("", "document")?)))
    }

    /// Hides a user first, as a soft deletion does: whoever adds it to a group waits, and nobody who holds one of
    /// its groups has to wait for the deletion of the row. Gives also whether it was live.
    async fn lock_for_purge(
        &self,
        id: UserId,
        expected: Option<i64>,
    ) -> Result<Option<(i64, Document, bool)>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT u.deleted_at FROM users u WHERE u.tenant_id = ? AND u.id = ?",
            [self.tenant_value(), id.0.into()],
        );
        sql.dialect(" FOR NO KEY UPDATE", "");
        let Some(row) = self.one(sql).await? else { return Ok(None) };
        let live = row.try_get_by_index::<Option<i64>>(0)?.is_none();
        let mut sql = self.sql();
        sql.add(
            "UPDATE users SET deleted_at = COALESCE(deleted_at, ?), version = version + 1 \
             WHERE tenant_id = ? AND id = ?",
            [self.now.into(), self.tenant_value(), id.0.into()],
        );
        if let Some(expected) = expected {
            sql.add(" AND version = ?", [expected.into()]);
        }
        sql.push(" RETURNING version, document");
        let row = self.one(sql).await?;
        row.map(|row| Ok((row.try_get("", "version")?, document(&row)?, live))).transpose()
    }

    /// By what the log may name a user whom the trail knows under other names.
    async fn former_subjects(&self, id: UserId) -> Result<BTreeSet<String>, StoreError> {
        let (mut subjects, mut before, mut read) = (BTreeSet::new(), None, 0);
        while read < FORMER {
            let mut sql = self.sql();
            sql.add(
                "SELECT p.id, p.body FROM payloads p WHERE p.tenant_id = ? AND p.object_type = ? AND p.object_id = ?",
                [self.tenant_value(), ResourceKind::User.name().into(), id.to_string().into()],
            );
            if let Some(before) = before {
                sql.add(" AND p.id < ?", [before]);
            }
            sql.add(" AND p.body IS NOT NULL ORDER BY p.id DESC LIMIT ?", [AT_ONCE.into()]);
            let rows = self.all(sql).await?;
            for row in &rows {
                let body: String = row.try_get_by_index(1)?;
                // One that cannot be read is in nobody's way: all of them are about to go.
                let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
                let states = ["state", "before"].into_iter().filter_map(|name| body.get(name)?.as_object());
                subjects.extend(states.flat_map(subjects_of));
            }
            let Some(last) = rows.last() else { break };
            before = Some(last.try_get_by_index::<uuid::Uuid>(0)?.into());
            read += AT_ONCE;
        }
        Ok(subjects)
    }

    /// Is there a user of this id, live or hidden?
    async fn user_is_kept(&self, id: UserId) -> Result<bool, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT u.id FROM users u WHERE u.tenant_id = ? AND u.id = ?",
            [self.tenant_value(), id.0.into()],
        );
        Ok(self.one(sql).await?.is_some())
    }
}
