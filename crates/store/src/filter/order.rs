//! The order of a list (RFC 7644 §3.4.2.3): absent values last, descending first; equal ones by id.

use scim_core::{ResourceKind, resource::AttrRef, schema::AttributeType};

use super::{
    list::{List, elements},
    place::Place,
};
use crate::{page::Sort, statement::Sql, store::Backend};

/// Appends the ORDER BY clause. What has no order of its own (a complex attribute without `value`, edges, addresses)
/// leaves the rows in the order of their ids.
pub(crate) fn order_by(sql: &mut Sql, kind: ResourceKind, sort: Option<&Sort>) {
    sql.push(" ORDER BY ");
    if let Some(sort) = sort
        && sort_key(&sort.by).write(sql, kind)
    {
        sql.push(if sort.descending { " DESC NULLS FIRST, " } else { " ASC NULLS LAST, " });
    }
    sql.push("r.id");
}

/// What rows are sorted by.
pub(crate) struct SortKey(AttrRef);

/// The key of an attribute: a complex one stands for its `value`.
pub(crate) fn sort_key(target: &AttrRef) -> SortKey {
    SortKey(match target.attribute.sub("value") {
        Some(value) if target.sub.is_none() => target.with_sub(value),
        _ => target.clone(),
    })
}

impl SortKey {
    /// Can the two be compared with each other?
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.0.path() == other.0.path() && self.0.leaf().kind == other.0.leaf().kind
    }

    /// Appends it; appends nothing and gives `false` when rows of this kind have no such order.
    pub(crate) fn write(&self, sql: &mut Sql, kind: ResourceKind) -> bool {
        let target = &self.0;
        if target.leaf().kind == AttributeType::Complex {
            return false;
        }
        let Some(list) = List::of(kind, target) else {
            return write_place(sql, &Place::of(kind, target), target.leaf().kind);
        };
        let List::Json(keys) = &list else { return false };
        sql.push("(SELECT ");
        write_place(sql, &list.place(target), target.leaf().kind);
        sql.push(" FROM ");
        elements(sql, keys);
        match sql.backend() {
            Backend::Postgres => sql
                .push(" WITH ORDINALITY AS e(value, place)")
                .push(" ORDER BY (e.value -> 'primary' = 'true'::jsonb) IS TRUE DESC, e.place LIMIT 1)"),
            Backend::Sqlite => sql.push(" AS e ORDER BY (CASE WHEN e.type = 'object'").push(
                " THEN json_type(e.value, '$.primary') = 'true' END) IS TRUE DESC, CAST(e.key AS INTEGER) LIMIT 1)",
            ),
        };
        true
    }
}

fn write_place(sql: &mut Sql, place: &Place<'_>, kind: AttributeType) -> bool {
    match (place, kind) {
        (Place::Id(column) | Place::Millis(column) | Place::Flag(column), _) => {
            sql.push(column);
        }
        (Place::Constant(_) | Place::Nothing, _) => return false,
        (Place::Row(_) | Place::Element(_), AttributeType::Boolean) => place.truth(sql),
        (
            Place::Row(_) | Place::Element(_),
            AttributeType::Decimal | AttributeType::Integer | AttributeType::DateTime,
        ) => place.number(sql),
        _ => {
            place.text(sql);
            sql.by_code_point();
        }
    }
    true
}
