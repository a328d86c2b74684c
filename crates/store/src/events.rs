//! The events of users, groups, memberships and role grants.

use std::collections::{BTreeSet, HashMap};

use scim_core::{ResourceKind, roles::Role};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    StoreError,
    record::{Event, Payload},
    tx::TenantTx,
};

/// A group as events name it.
#[derive(Clone, Debug)]
pub(crate) struct GroupName {
    /// Id.
    pub(crate) id: Uuid,
    /// displayName.
    pub(crate) display: String,
}

/// An edge that came or went.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    /// In which group.
    pub(crate) group: GroupName,
    /// Who.
    pub(crate) member: Uuid,
    /// User or group.
    pub(crate) kind: ResourceKind,
}

/// A grant that came or went.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// Who.
    pub(crate) user: Uuid,
    /// By which group.
    pub(crate) group: GroupName,
    /// Key of the role.
    pub(crate) role: String,
}

/// All that a change did to edges and grants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// New edges.
    pub(crate) joined: Vec<Edge>,
    /// Ended edges.
    pub(crate) left: Vec<Edge>,
    /// New grants.
    pub(crate) granted: Vec<Grant>,
    /// Ended grants.
    pub(crate) revoked: Vec<Grant>,
}

impl Effects {
    /// Did an edge change?
    pub(crate) fn moved(&self) -> bool {
        !self.joined.is_empty() || !self.left.is_empty()
    }

    fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.granted.iter().chain(&self.revoked)
    }

    fn members(&self) -> impl Iterator<Item = Uuid> {
        let edges = self.joined.iter().chain(&self.left).map(|edge| edge.member);
        edges.chain(self.grants().map(|grant| grant.user))
    }
}

/// An event about a resource itself, with the texts of its documents; absent ones are left out. Its name says whether the resource came or went, but for a
/// purge, before which it may have been live or hidden: see [`Event::of_live`].
pub(crate) fn resource_event(
    event: &'static str,
    kind: ResourceKind,
    id: Uuid,
    version: i64,
    state: Option<&str>,
    before: Option<&str>,
) -> Event {
    Event {
        event,
        object_type: kind.name(),
        object_id: id.to_string(),
        object_version: version,
        live_delta: match event.rsplit('.').next() {
            Some("created" | "restored") => Some(1),
            Some("deleted") => Some(-1),
            _ => None,
        },
        payload: Payload::of_texts([("state", state), ("before", before)]),
    }
}

impl TenantTx {
    /// The events of edges and grants: what ended first. Their object is the member, at its current version.
    pub(crate) async fn effect_events(&self, effects: &Effects) -> Result<Vec<Event>, StoreError> {
        let members: BTreeSet<Uuid> = effects.members().collect();
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let versions = self.versions(&members).await?;
        let names = self.role_names(effects.grants().map(|grant| grant.role.as_str()).collect()).await?;
        let version = |id: &Uuid| versions.get(id).copied().unwrap_or_default();

        let grant_event = |event, grant: &Grant| {
            let role = json!({"key": grant.role, "name": names.get(&grant.role).unwrap_or(&grant.role)});
            Event {
                event,
                object_type: ResourceKind::User.name(),
                object_id: grant.user.to_string(),
                object_version: version(&grant.user),
                live_delta: None,
                payload: json!({"role": role, "group": group_json(&grant.group)}).into(),
            }
        };
        let edge_event = |event, edge: &Edge| Event {
            event,
            object_type: edge.kind.name(),
            object_id: edge.member.to_string(),
            object_version: version(&edge.member),
            live_delta: None,
            payload: json!({
                "group": group_json(&edge.group),
                "member": {"id": edge.member.to_string(), "type": edge.kind.name()},
            })
            .into(),
        };
        let revoked = effects.revoked.iter().map(|grant| grant_event("role.revoked", grant));
        let left = effects.left.iter().map(|edge| edge_event("membership.removed", edge));
        let joined = effects.joined.iter().map(|edge| edge_event("membership.added", edge));
        let granted = effects.granted.iter().map(|grant| grant_event("role.granted", grant));
        Ok(left.chain(revoked).chain(joined).chain(granted).collect())
    }

    /// Empties all that events about a resource have told so far, its memberships and roles included.
    pub(crate) async fn erase_payload(&self, kind: ResourceKind, id: Uuid) -> Result<u64, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "UPDATE payloads SET body = NULL WHERE tenant_id = ? AND object_type = ? AND object_id = ? AND body IS NOT NULL",
            [self.tenant_value(), kind.name().into(), id.to_string().into()],
        );
        self.run(sql).await
    }

    /// Empties why deliveries of events about a resource failed: a directory's words may name it.
    pub(crate) async fn erase_problems(&self, id: Uuid) -> Result<u64, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "UPDATE deliveries SET problem = NULL WHERE tenant = ? AND object_id = ? AND problem IS NOT NULL",
            [self.tenant_value(), id.to_string().into()],
        );
        self.run(sql).await
    }

    /// Current versions of users and groups, hidden ones too.
    async fn versions(&self, ids: &BTreeSet<Uuid>) -> Result<HashMap<Uuid, i64>, StoreError> {
        let mut sql = self.sql();
        sql.add("SELECT u.id, u.version FROM users u WHERE u.tenant_id = ? AND ", [self.tenant_value()]);
        sql.is_one_of("u.id", ids);
        sql.add(
            " UNION ALL SELECT g.id, g.version FROM groups g WHERE g.tenant_id = ? AND ",
            [self.tenant_value()],
        );
        sql.is_one_of("g.id", ids);
        let rows = self.all(sql).await?;
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }

    /// Names of roles by key, as the catalogue spells them.
    async fn role_names(&self, keys: BTreeSet<&str>) -> Result<HashMap<String, String>, StoreError> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let mut sql = self.sql();
        sql.add("SELECT key, name FROM roles WHERE tenant_id = ? AND key IN ", [self.tenant_value()]);
        sql.texts(keys);
        let rows = self.all(sql).await?;
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }

    /// Enters roles into the catalogue; a name that is there keeps its spelling.
    pub(crate) async fn ensure_roles(&self, roles: &[Role]) -> Result<(), StoreError> {
        if roles.is_empty() {
            return Ok(());
        }
        let mut pairs: Vec<_> = roles.iter().map(|role| (role.key.clone(), role.name.clone())).collect();
        // One order for all transactions, so that two never wait for each other.
        pairs.sort_by(|left, right| left.0.cmp(&right.0));
        let mut sql = self.sql();
        sql.add(
            "INSERT INTO roles (tenant_id, key, name, created_at) SELECT ?, w.a, w.b, ? FROM ",
            [self.tenant_value(), self.now.into()],
        );
        sql.pairs(&pairs).push(" AS w WHERE TRUE ON CONFLICT DO NOTHING");
        self.run(sql).await?;
        Ok(())
    }
}

fn group_json(group: &GroupName) -> Value {
    json!({"id": group.id.to_string(), "display": group.display})
}
