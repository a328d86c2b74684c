//! Lists: resolves the names of a request and hands the rest to the store.

use scim_core::{
    ResourceType, ScimError, filter, leniency::Leniencies, path::Resolved, resource::AttrRef,
    schema::AttributeType,
};
use store::{ListQuery, Sort};

use crate::Query;

/// Binds a query to a resource type.
pub(crate) fn bind(
    kind: &ResourceType,
    leniencies: Leniencies,
    query: &Query,
    edges: bool,
) -> Result<ListQuery, ScimError> {
    let filter = query
        .filter
        .as_deref()
        .map(|text| filter::parse(text, kind, leniencies.boolean_strings))
        .transpose()?;
    let by = query.sort_by.as_deref().map(|path| sort_key(kind, path)).transpose()?.flatten();
    Ok(ListQuery {
        filter,
        sort: by.map(|by| Sort { by, descending: query.descending }),
        offset: query.start_index.saturating_sub(1),
        limit: query.count,
        edges,
    })
}

/// What a `sortBy` names; `None` when no resource has a value there, so that the order by id remains. A complex attribute
/// stands for its `value` (RFC 7644 §3.4.2.3).
fn sort_key(kind: &ResourceType, path: &str) -> Result<Option<AttrRef>, ScimError> {
    let shown: String = path.chars().take(100).collect();
    match kind.resolve_in_query(path.trim()) {
        Resolved::Attribute(mut target) => {
            if target.leaf().kind == AttributeType::Complex {
                let value = target.leaf().sub("value").cloned();
                target.sub = Some(value.ok_or_else(|| {
                    ScimError::invalid_value("sortBy", format!("{shown:?} has parts; name one of them."))
                })?);
            }
            Ok(Some(target))
        }
        Resolved::NotOffered(_) => Ok(None),
        Resolved::Extension(_) | Resolved::Unknown(_) => Err(ScimError::invalid_value(
            "sortBy",
            format!("{shown:?} is no attribute of {}; name one that its schema lists.", kind.kind.name()),
        )),
    }
}
