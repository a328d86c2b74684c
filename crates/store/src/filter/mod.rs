//! A bound SCIM filter as an SQL condition on the rows of one resource type, alias `r`.
//!
//! The condition may be NULL where the filter is false; a `not` never is. That is enough for a WHERE clause, and
//! leaves comparisons with columns bare, so that an index can serve them.

mod advice;
mod compare;
mod indexed;
mod list;
mod order;
mod place;
#[cfg(test)]
mod tests;

use scim_core::{
    ResourceKind,
    filter::{CompareOp, Filter, Literal},
    resource::AttrRef,
};

use self::{compare::compare, indexed::Wanted, list::List, place::Place};
use crate::statement::Sql;

pub(crate) use advice::too_slow;
pub(crate) use compare::prefix_range;
pub(crate) use indexed::{Bounds, answer, finds_many, has_parts, holding, sought};
pub(crate) use list::asks_groups;
pub(crate) use order::{order_by, sort_key};

/// Appends the condition that `filter` puts on a row `r` of the table of `kind`.
pub(crate) fn condition(sql: &mut Sql, kind: ResourceKind, filter: &Filter) {
    Compiler { kind, element: None }.write(sql, filter);
}

/// Walks the tree. Its depth is bounded by the parser.
struct Compiler<'a> {
    kind: ResourceKind,
    /// The list whose one element is being looked at.
    element: Option<&'a List<'a>>,
}

impl Compiler<'_> {
    fn write(&self, sql: &mut Sql, filter: &Filter) {
        match filter {
            Filter::And(parts) => self.join(sql, parts, " AND ", "TRUE"),
            Filter::Or(parts) => self.join(sql, parts, " OR ", "FALSE"),
            Filter::Not(inner) => {
                sql.push("((");
                self.write(sql, inner);
                sql.push(") IS NOT TRUE)");
            }
            Filter::Compare { target, op, value } => self.compare(sql, target, *op, value),
            Filter::Present(target) => self.present(sql, target),
            Filter::Element { target, filter } => self.element(sql, target, filter),
            Filter::Never => {
                sql.push("FALSE");
            }
        }
    }

    fn join(&self, sql: &mut Sql, parts: &[Filter], between: &'static str, empty: &'static str) {
        sql.push("(");
        if parts.is_empty() {
            sql.push(empty);
        }
        for (position, part) in parts.iter().enumerate() {
            if position > 0 {
                sql.push(between);
            }
            self.write(sql, part);
        }
        sql.push(")");
    }

    fn compare(&self, sql: &mut Sql, target: &AttrRef, op: CompareOp, value: &Literal) {
        if let Some(list) = self.element {
            return compare(sql, &list.place(target), op, value);
        }
        let wanted = sql.is_indexed().then(|| Wanted::by(self.kind, target, op, value)).flatten();
        match wanted {
            Some(wanted) if wanted.is_answer(sql) => wanted.write(sql),
            // The index proposes users, the document decides.
            Some(wanted) => {
                sql.push("(");
                wanted.write(sql);
                sql.push(" AND ");
                self.compare_in_row(sql, target, op, value);
                sql.push(")");
            }
            None => self.compare_in_row(sql, target, op, value),
        }
    }

    fn compare_in_row(&self, sql: &mut Sql, target: &AttrRef, op: CompareOp, value: &Literal) {
        match List::of(self.kind, target) {
            Some(list) => any(sql, &list, &list.place(target), op, value),
            None => compare(sql, &Place::of(self.kind, target), op, value),
        }
    }

    fn present(&self, sql: &mut Sql, target: &AttrRef) {
        if let Some(list) = self.element {
            return list.place(target).present(sql);
        }
        match List::of(self.kind, target) {
            Some(list) => list.exists(sql, |sql| list.place(target).present(sql)),
            None => Place::of(self.kind, target).present(sql),
        }
    }

    fn element(&self, sql: &mut Sql, target: &AttrRef, filter: &Filter) {
        match List::of(self.kind, target) {
            Some(list) if self.element.is_none() => {
                let list = list.seen_by(filter);
                let inside = Compiler { kind: self.kind, element: Some(&list) };
                let wanted = sql.is_indexed().then(|| Wanted::in_element(self.kind, filter)).flatten();
                match wanted {
                    // The index finds who holds the value, the document whether it is in the element meant.
                    Some(wanted) => {
                        sql.push("(");
                        wanted.write(sql);
                        sql.push(" AND ");
                        list.exists(sql, |sql| inside.write(sql, filter));
                        sql.push(")");
                    }
                    None => list.exists(sql, |sql| inside.write(sql, filter)),
                }
            }
            // A single complex attribute, or an element in an element: nothing is there to choose from.
            _ => {
                sql.push("FALSE");
            }
        }
    }
}

/// True when any value of the list fits. `ne` is also true when there is no value, `eq null` only then.
fn any(sql: &mut Sql, list: &List<'_>, place: &Place<'_>, op: CompareOp, value: &Literal) {
    match (op, value) {
        (CompareOp::Eq, Literal::Null) => {
            sql.push("NOT ");
            list.exists(sql, |sql| place.present(sql));
        }
        (CompareOp::Ne, Literal::Null) => list.exists(sql, |sql| place.present(sql)),
        (CompareOp::Ne, _) => {
            sql.push("(");
            list.exists(sql, |sql| {
                place.present(sql);
                sql.push(" AND ");
                compare(sql, place, op, value);
            });
            sql.push(" OR NOT ");
            list.exists(sql, |sql| place.present(sql));
            sql.push(")");
        }
        _ => list.exists(sql, |sql| compare(sql, place, op, value)),
    }
}
