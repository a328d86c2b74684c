//! Multi-valued attributes: lists in the search form, and the edges between groups and members.

use scim_core::{ResourceKind, filter::Filter, resource::AttrRef};

use super::place::{Place, jsonb_node, keys, sqlite_path};
use crate::{statement::Sql, store::Backend, users::LEVELS};

/// Where the elements of a multi-valued attribute are.
pub(super) enum List<'a> {
    /// An array in the search form, elements `e`.
    Json(Vec<&'a str>),
    /// The groups `g` of a user, direct or through other groups.
    Groups {
        /// Is it asked which of both? Then `k.type` tells.
        typed: bool,
    },
    /// The members of a group, edges `m`.
    Members,
}

/// displayName of a member, folded; NULL of a user without one.
const MEMBER_KEY: &str = "COALESCE(\
    (SELECT u.search ->> 'displayName' FROM users u \
     WHERE u.tenant_id = m.tenant_id AND u.id = m.user_id), \
    (SELECT g.display_name_key FROM groups g WHERE g.tenant_id = m.tenant_id AND g.id = m.subgroup_id))";
/// displayName of a member as sent.
const MEMBER_NAME: &str = "COALESCE(\
    (SELECT u.display_name FROM users u \
     WHERE u.tenant_id = m.tenant_id AND u.id = m.user_id), \
    (SELECT g.display_name FROM groups g WHERE g.tenant_id = m.tenant_id AND g.id = m.subgroup_id))";

impl<'a> List<'a> {
    /// The list that a target is about; `None` when it is single-valued.
    pub(super) fn of(kind: ResourceKind, target: &'a AttrRef) -> Option<Self> {
        if target.attribute.multi_valued {
            return Some(match (kind, target.extension.as_deref(), target.attribute.name.as_str()) {
                (ResourceKind::User, None, "groups") => Self::Groups { typed: is_type(target) },
                (ResourceKind::Group, None, "members") => Self::Members,
                (_, Some(urn), name) => Self::Json(vec![urn, name]),
                (_, None, name) => Self::Json(vec![name]),
            });
        }
        let sub = target.sub.as_ref()?;
        sub.multi_valued.then(|| Self::Json(keys(target)))
    }

    /// The list, ready for what a filter asks of its elements.
    pub(super) fn seen_by(self, filter: &Filter) -> Self {
        match self {
            Self::Groups { .. } => Self::Groups { typed: asks_type(filter) },
            other => other,
        }
    }

    /// Where one element holds what the target names.
    pub(super) fn place<'t>(&self, target: &'t AttrRef) -> Place<'t> {
        let sub = target.sub.as_deref().filter(|_| target.attribute.multi_valued);
        let name = sub.map(|sub| sub.name.as_str());
        let exact = target.leaf().case_exact;
        match (self, name) {
            (Self::Json(_), name) => Place::Element(name.into_iter().collect()),
            (Self::Groups { .. }, None | Some("value")) => Place::Id("g.id"),
            (Self::Groups { .. }, Some("display")) if exact => Place::Text("g.display_name"),
            (Self::Groups { .. }, Some("display")) => Place::Key("g.display_name_key"),
            (Self::Groups { typed: true }, Some("type")) => Place::Text("k.type"),
            (Self::Members, None | Some("value")) => Place::Id("m.member_id"),
            (Self::Members, Some("display")) => Place::Text(if exact { MEMBER_NAME } else { MEMBER_KEY }),
            (Self::Members, Some("type")) if exact => {
                Place::Text("(CASE WHEN m.user_id IS NULL THEN 'Group' ELSE 'User' END)")
            }
            (Self::Members, Some("type")) => {
                Place::Text("(CASE WHEN m.user_id IS NULL THEN 'group' ELSE 'user' END)")
            }
            // `$ref` depends on the URL that a client came by; it is in no row.
            (Self::Groups { .. } | Self::Members, Some(_)) => Place::Nothing,
        }
    }

    /// Appends the condition that there is an element which meets what `inside` appends. SQLite 3.51 makes a join of an
    /// EXISTS without LIMIT, and then OFFSET skips elements instead of rows.
    pub(super) fn exists(&self, sql: &mut Sql, inside: impl Fn(&mut Sql)) {
        match self {
            Self::Groups { typed } if !sql.nested_groups() => {
                sql.push("EXISTS (SELECT 1 FROM members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id");
                sql.push(if *typed { ", (SELECT 'direct' AS type) k" } else { "" });
                sql.push(" WHERE m.tenant_id = r.tenant_id AND m.member_id = r.id");
            }
            Self::Groups { typed: false } => return in_groups(sql, inside),
            Self::Groups { typed: true } => return in_groups_of_type(sql, inside),
            Self::Json(keys) => {
                sql.push("EXISTS (SELECT 1 FROM ");
                elements(sql, keys);
                sql.dialect(" AS e(value) WHERE TRUE", " AS e WHERE TRUE");
            }
            Self::Members => {
                sql.push(
                    "EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = r.tenant_id AND m.group_id = r.id",
                );
            }
        }
        sql.push(" AND (");
        inside(sql);
        sql.push(")").dialect("", " LIMIT 1").push(")");
    }
}

/// Does a filter of users ask for their groups?
pub(crate) fn asks_groups(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(asks_groups),
        Filter::Not(inner) => asks_groups(inner),
        Filter::Compare { target, .. } | Filter::Present(target) | Filter::Element { target, .. } => {
            target.extension.is_none() && target.attribute.name == ResourceKind::User.edges()
        }
        Filter::Never => false,
    }
}

/// Does a target name `type`?
fn is_type(target: &AttrRef) -> bool {
    target.sub.as_ref().is_some_and(|sub| sub.name == "type")
}

/// Does a filter of elements ask for `type`?
fn asks_type(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(asks_type),
        Filter::Not(inner) => asks_type(inner),
        Filter::Compare { target, .. } | Filter::Present(target) => is_type(target),
        Filter::Element { filter, .. } => asks_type(filter),
        Filter::Never => false,
    }
}

/// A user is in a group, in whichever way, exactly when it is a direct member of the group or of one below it. So the
/// groups that fit and all below them are found first, once for all users; there is nothing below where no groups are
/// nested. Groups that contain each other end the walk, since none is found twice.
fn in_groups(sql: &mut Sql, inside: impl Fn(&mut Sql)) {
    sql.push("EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = r.tenant_id AND m.member_id = r.id AND ");
    // SQLite would look up all groups found one by one for each user; the plus tells it to start from the user.
    sql.dialect("m.group_id IN ", "+m.group_id IN ");
    sql.push("(WITH RECURSIVE below (id, level) AS (SELECT g.id, 0 FROM groups g WHERE g.tenant_id = ")
        .tenant();
    sql.push(" AND g.deleted_at IS NULL AND (");
    inside(sql);
    sql.push(") UNION SELECT s.member_id, b.level + 1 FROM below b JOIN members s ON s.tenant_id = ")
        .tenant();
    sql.push(" AND s.group_id = b.id AND s.subgroup_id IS NOT NULL WHERE b.level < ").bind(LEVELS);
    sql.push(") SELECT b.id FROM below b)");
    sql.dialect("", " LIMIT 1").push(")");
}

/// As [`in_groups`], where it matters in which way: the users that are direct members of a fitting group, and those of
/// the groups below it that are no direct members of it. `k.type` is the same for all of a branch, so the databases
/// leave out a branch that asks for the other type.
fn in_groups_of_type(sql: &mut Sql, inside: impl Fn(&mut Sql)) {
    sql.push("r.id IN (SELECT m.member_id FROM (SELECT 'direct' AS type) k, groups g, members m");
    sql.push(" WHERE g.tenant_id = ").tenant().push(" AND g.deleted_at IS NULL AND m.tenant_id = ").tenant();
    sql.push(" AND m.group_id = g.id AND (");
    inside(sql);
    sql.push(") UNION ALL SELECT m.member_id FROM (WITH RECURSIVE below (top, id, level) AS (");
    sql.push("SELECT s.group_id, s.member_id, 1 FROM (SELECT 'indirect' AS type) k, groups g, members s");
    sql.push(" WHERE g.tenant_id = ").tenant().push(" AND g.deleted_at IS NULL AND s.tenant_id = ").tenant();
    sql.push(" AND s.group_id = g.id AND s.subgroup_id IS NOT NULL AND (");
    inside(sql);
    sql.push(") UNION SELECT b.top, s.member_id, b.level + 1 FROM below b JOIN members s ON s.tenant_id = ")
        .tenant();
    sql.push(" AND s.group_id = b.id AND s.subgroup_id IS NOT NULL WHERE b.level < ").bind(LEVELS);
    sql.push(") SELECT DISTINCT b.top, b.id FROM below b) b, members m");
    sql.push(" WHERE m.tenant_id = ").tenant().push(" AND m.group_id = b.id AND NOT EXISTS (");
    sql.push("SELECT 1 FROM members d WHERE d.tenant_id = ").tenant();
    sql.push(" AND d.group_id = b.top AND d.member_id = m.member_id))");
}

/// Appends the table function that gives the elements of an array; none when there is no array.
pub(super) fn elements(sql: &mut Sql, keys: &[&str]) {
    match sql.backend() {
        Backend::Postgres => {
            sql.push("jsonb_array_elements(CASE jsonb_typeof(");
            jsonb_node(sql, "r.search", keys);
            sql.push(") WHEN 'array' THEN ");
            jsonb_node(sql, "r.search", keys);
            sql.push(" END)");
        }
        Backend::Sqlite => {
            sql.push("json_each(r.search, ").bind(sqlite_path(keys)).push(")");
        }
    }
}
