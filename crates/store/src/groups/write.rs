//! Making and changing groups.

use scim_core::{Document, ResourceKind, fold, profile::UnknownMemberPolicy};
use serde_json::json;

use super::{Group, GroupOutcome, GroupState, edges::Resolved, net::Net, read::group};
use crate::{
    ChangeContext, GroupId, StoreError, TenantScope,
    events::{Effects, resource_event},
    record::Event,
    rows::{document_text, text},
    statement::json as bind_json,
    store::Backend,
    tx::TenantTx,
};

/// Unknown members that one entry of the audit trail names, at most; all are counted.
const TOLD_SKIPPED: usize = 100;

impl TenantScope {
    /// Makes a group at version 1. [`StoreError::Conflict`] on `displayName`. Events `group.created`,
    /// `membership.added` and `role.granted` for each user; unknown members stand in the audit trail, as
    /// `membership.skipped`.
    pub async fn create_group(
        &self,
        state: &GroupState,
        edges: bool,
        context: &ChangeContext,
    ) -> Result<GroupOutcome, StoreError> {
        let tx = self.write_grants().await?;
        let net = Net::of(&state.members);
        let resolved = tx.resolve(&net, None).await?;
        let skipped = skipped(&resolved, state.unknown_members)?;
        let made = tx.insert_group(state).await?;

        let name = made.name();
        tx.ensure_roles(&state.roles).await?;
        let mut effects = tx.move_edges(&name, &net, &resolved).await?;
        tx.follow_edges(&name, &state.roles, &mut effects).await?;

        let created = group_event("group.created", &made, Some(&made.document), None).noted(&state.notes);
        tx.finish(made, Some(created), effects, skipped, edges, context).await
    }

    /// Changes a group. `expected`: the version the new document was made from ([`StoreError::Stale`] when it is no
    /// longer current); `None` when the document is unchanged and only members move, so that parallel member changes
    /// never meet: then the document that is kept stays, and `Stale` tells that the group was renamed meanwhile (or has
    /// another externalId), so that `roles` are those of another name. `Ok(None)` when there is no such group. Only real
    /// differences are written: a change that changes nothing writes no event and no version, and in the audit trail only
    /// the members that were left out, as `membership.skipped`.
    pub async fn change_group(
        &self,
        id: GroupId,
        expected: Option<i64>,
        state: &GroupState,
        edges: bool,
        context: &ChangeContext,
    ) -> Result<Option<GroupOutcome>, StoreError> {
        if expected.is_none()
            && self.inner.backend == Backend::Postgres
            && let Some(outcome) = self.move_one(id, state, edges, context).await?
        {
            return Ok(Some(outcome));
        }
        let tx = self.write_grants().await?;
        let net = Net::of(&state.members);
        let mut resolved = tx.resolve(&net, Some(id.0)).await?;
        let Some(before) = resolved.group.take() else { return Ok(None) };
        check_current(&before, expected, state)?;
        let skipped = skipped(&resolved, state.unknown_members)?;

        let renews = expected.is_some() && before.document != state.document;
        let mut effects = tx.move_edges(&before.name(), &net, &resolved).await?;
        if !renews && !effects.moved() {
            let mut group = before;
            tx.tell_skipped(&group, &skipped, context).await?;
            if edges {
                tx.add_few_members(&mut group).await?;
            }
            tx.commit().await?;
            return Ok(Some(GroupOutcome { group, changed: false, skipped }));
        }
        let after = tx.update_group(id, before.version, renews.then_some(state)).await?;
        for edge in effects.joined.iter_mut().chain(&mut effects.left) {
            edge.group.display.clone_from(&after.display_name);
        }
        tx.ensure_roles(&state.roles).await?;
        if names(&after.document) == names(&before.document) {
            tx.follow_edges(&after.name(), &state.roles, &mut effects).await?;
        } else {
            tx.follow_roles(&after.name(), &state.roles, &mut effects).await?;
        }
        let updated = renews.then(|| {
            let states = (Some(&after.document), Some(&before.document));
            group_event("group.updated", &after, states.0, states.1).noted(&state.notes)
        });
        tx.finish(after, updated, effects, skipped, edges, context).await.map(Some)
    }
}

/// Is the row that the change was made for still there?
fn check_current(row: &Group, expected: Option<i64>, state: &GroupState) -> Result<(), StoreError> {
    let is_current = match expected {
        Some(version) => row.version == version,
        None => names(&state.document) == names(&row.document),
    };
    if is_current { Ok(()) } else { Err(StoreError::Stale) }
}

/// What the roles of a group depend on.
fn names(document: &Document) -> [Option<&str>; 2] {
    ["displayName", "externalId"].map(|name| text(document, name))
}

/// The unknown members, where they are to be left out.
fn skipped(resolved: &Resolved, policy: UnknownMemberPolicy) -> Result<Vec<String>, StoreError> {
    match policy {
        UnknownMemberPolicy::Reject if !resolved.unknown.is_empty() => {
            Err(StoreError::UnknownMembers(resolved.unknown.clone()))
        }
        _ => Ok(resolved.unknown.clone()),
    }
}

/// An event about a group itself.
pub(super) fn group_event(
    event: &'static str,
    group: &Group,
    state: Option<&Document>,
    before: Option<&Document>,
) -> Event {
    let (state, before) = (state.map(document_text), before.map(document_text));
    resource_event(event, ResourceKind::Group, group.id.0, group.version, state.as_deref(), before.as_deref())
}

impl TenantTx {
    async fn insert_group(&self, state: &GroupState) -> Result<Group, StoreError> {
        let made = Group {
            id: GroupId::generate(),
            display_name: text(&state.document, "displayName").unwrap_or_default().to_owned(),
            document: state.document.clone(),
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            members: None,
            more_members: false,
        };
        let mut sql = self.sql();
        sql.add(
            "INSERT INTO groups (tenant_id, id, display_name, display_name_key, external_id, document, search, \
             version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
            [
                self.tenant_value(),
                made.id.0.into(),
                made.display_name.clone().into(),
                fold(&made.display_name).into(),
                text(&state.document, "externalId").map(str::to_owned).into(),
                document_text(&state.document).into(),
                bind_json(&state.search),
                self.now.into(),
                self.now.into(),
            ],
        );
        self.run(sql).await?;
        Ok(made)
    }

    /// Adds 1 to the version of a locked row, and replaces its document where there is a new one.
    async fn update_group(
        &self,
        id: GroupId,
        version: i64,
        state: Option<&GroupState>,
    ) -> Result<Group, StoreError> {
        let mut sql = self.sql();
        sql.add("UPDATE groups SET version = version + 1, updated_at = ?", [self.now.into()]);
        if let Some(state) = state {
            let display_name = text(&state.document, "displayName").unwrap_or_default();
            sql.add(
                ", display_name = ?, display_name_key = ?, external_id = ?, document = ?, search = ?",
                [
                    display_name.into(),
                    fold(display_name).into(),
                    text(&state.document, "externalId").map(str::to_owned).into(),
                    document_text(&state.document).into(),
                    bind_json(&state.search),
                ],
            );
        }
        sql.add(
            " WHERE tenant_id = ? AND id = ? AND version = ? \
             RETURNING id, display_name, document, version, created_at, updated_at",
            [self.tenant_value(), id.0.into(), version.into()],
        );
        match self.one(sql).await? {
            Some(row) => group(&row),
            None => Err(StoreError::Stale),
        }
    }

    /// Tells people which members a change named that are not known, whatever else it did: a member that is missing
    /// is looked for on the page of its group. Nobody who takes events has to follow.
    async fn tell_skipped(
        &self,
        group: &Group,
        skipped: &[String],
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        if skipped.is_empty() {
            return Ok(());
        }
        let told = json!({"skipped": {
            "count": skipped.len(),
            "ids": skipped.get(..TOLD_SKIPPED).unwrap_or(skipped),
        }});
        let event = Event { payload: told.into(), ..group_event("membership.skipped", group, None, None) };
        self.record_for_people(vec![event], context).await
    }

    /// Records and commits a change that changed something.
    async fn finish(
        self,
        mut group: Group,
        event: Option<Event>,
        effects: Effects,
        skipped: Vec<String>,
        edges: bool,
        context: &ChangeContext,
    ) -> Result<GroupOutcome, StoreError> {
        self.keep_holders(&effects.revoked).await?;
        let mut events: Vec<Event> = event.into_iter().collect();
        events.extend(self.effect_events(&effects).await?);
        self.record(events, context).await?;
        self.tell_skipped(&group, &skipped, context).await?;
        if edges {
            self.add_few_members(&mut group).await?;
        }
        self.commit().await?;
        Ok(GroupOutcome { group, changed: true, skipped })
    }
}
