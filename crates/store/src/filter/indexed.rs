//! `eq` on attributes that an index answers: the rows of `user_values`.

use crate::statement::Sql;
use scim_core::{
    ResourceKind,
    filter::{CompareOp, Filter, Literal},
    resource::AttrRef,
    search::MAX_INDEXED,
};

/// A value that the index is asked for.
pub(super) struct Wanted<'f> {
    path: String,
    value: &'f str,
}

impl<'f> Wanted<'f> {
    /// The value that a comparison asks for; `None` when the index cannot answer it.
    pub(super) fn by(
        kind: ResourceKind,
        target: &AttrRef,
        op: CompareOp,
        value: &'f Literal,
    ) -> Option<Self> {
        let Literal::String(text) = value else { return None };
        let fits = !text.is_empty() && text.len() <= MAX_INDEXED && !text.contains('\0');
        let answers = kind == ResourceKind::User && op == CompareOp::Eq && target.leaf().indexed && fits;
        answers.then(|| Self { path: target.path(), value: text })
    }

    /// A value that one element must hold for this filter of it to be true.
    pub(super) fn in_element(kind: ResourceKind, filter: &'f Filter) -> Option<Self> {
        match filter {
            Filter::Compare { target, op, value } => Self::by(kind, target, *op, value),
            Filter::And(parts) => parts.iter().find_map(|part| Self::in_element(kind, part)),
            _ => None,
        }
    }

    /// Appends the condition that the row `r` holds the value. The subquery names the tenant itself, so that it stands
    /// alone and can be looked up first.
    pub(super) fn write(self, sql: &mut Sql) {
        sql.push("r.id IN (SELECT v.user_id FROM user_values v WHERE v.tenant_id = ").tenant();
        sql.add(" AND v.path = ? AND v.value = ?)", [self.path.into(), self.value.into()]);
    }
}
