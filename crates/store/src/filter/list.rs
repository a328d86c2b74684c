//! Multi-valued attributes: lists in the search form, and the edges between groups and members.

use scim_core::{ResourceKind, resource::AttrRef};

use super::place::{Place, jsonb_node, keys, sqlite_path};
use crate::{statement::Sql, store::Backend};

/// Where the elements of a multi-valued attribute are.
pub(super) enum List<'a> {
    /// An array in the search form, elements `e`.
    Json(Vec<&'a str>),
    /// The groups of a user, edges `m`.
    Groups,
    /// The members of a group, edges `m`.
    Members,
}

/// Name of a group, folded.
const GROUP_KEY: &str =
    "(SELECT g.display_name_key FROM groups g WHERE g.tenant_id = m.tenant_id AND g.id = m.group_id)";
/// Name of a group as sent.
const GROUP_NAME: &str =
    "(SELECT g.display_name FROM groups g WHERE g.tenant_id = m.tenant_id AND g.id = m.group_id)";
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
                (ResourceKind::User, None, "groups") => Self::Groups,
                (ResourceKind::Group, None, "members") => Self::Members,
                (_, Some(urn), name) => Self::Json(vec![urn, name]),
                (_, None, name) => Self::Json(vec![name]),
            });
        }
        let sub = target.sub.as_ref()?;
        sub.multi_valued.then(|| Self::Json(keys(target)))
    }

    /// Where one element holds what the target names.
    pub(super) fn place<'t>(&self, target: &'t AttrRef) -> Place<'t> {
        let sub = target.sub.as_deref().filter(|_| target.attribute.multi_valued);
        let name = sub.map(|sub| sub.name.as_str());
        let exact = target.leaf().case_exact;
        match (self, name) {
            (Self::Json(_), name) => Place::Element(name.into_iter().collect()),
            (Self::Groups, None | Some("value")) => Place::Id("m.group_id"),
            (Self::Groups, Some("display")) => Place::Text(if exact { GROUP_NAME } else { GROUP_KEY }),
            (Self::Groups, Some("type")) => Place::Constant("direct"),
            (Self::Members, None | Some("value")) => Place::Id("m.member_id"),
            (Self::Members, Some("display")) => Place::Text(if exact { MEMBER_NAME } else { MEMBER_KEY }),
            (Self::Members, Some("type")) if exact => {
                Place::Text("(CASE WHEN m.user_id IS NULL THEN 'Group' ELSE 'User' END)")
            }
            (Self::Members, Some("type")) => {
                Place::Text("(CASE WHEN m.user_id IS NULL THEN 'group' ELSE 'user' END)")
            }
            // `$ref` depends on the URL that a client came by; it is in no row.
            (Self::Groups | Self::Members, Some(_)) => Place::Nothing,
        }
    }

    /// Appends `EXISTS` of an element that meets what `inside` appends. SQLite 3.51 makes a join of an EXISTS without
    /// LIMIT, and then OFFSET skips elements instead of rows.
    pub(super) fn exists(&self, sql: &mut Sql, inside: impl FnOnce(&mut Sql)) {
        sql.push("EXISTS (SELECT 1");
        self.from(sql);
        sql.push(" AND (");
        inside(sql);
        sql.push(")").dialect("", " LIMIT 1").push(")");
    }

    /// Appends the FROM clause and the beginning of its WHERE.
    fn from(&self, sql: &mut Sql) {
        match (self, sql.backend()) {
            (Self::Json(keys), backend) => {
                sql.push(" FROM ");
                elements(sql, keys);
                sql.push(match backend {
                    Backend::Postgres => " AS e(value) WHERE TRUE",
                    Backend::Sqlite => " AS e WHERE TRUE",
                });
            }
            (Self::Groups, _) => {
                sql.push(" FROM members m WHERE m.tenant_id = r.tenant_id AND m.member_id = r.id");
            }
            (Self::Members, _) => {
                sql.push(" FROM members m WHERE m.tenant_id = r.tenant_id AND m.group_id = r.id");
            }
        }
    }
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
