//! What to do about a filter that takes too long.

use scim_core::{
    ResourceKind,
    filter::{CompareOp, Filter, Literal},
    resource::AttrRef,
    schema::AttributeType,
    search::is_anywhere,
};

use super::place::Place;
use crate::connect::STATEMENT_LIMIT;

/// Says so to whoever asked, and names the attribute that an index would help.
pub(crate) fn too_slow(kind: ResourceKind, filter: &Filter) -> String {
    let limit = STATEMENT_LIMIT.as_secs();
    let narrow = "narrow it with `and`, by userName, externalId, id or an attribute that is indexed";
    match unserved(kind, filter) {
        Some(path) => format!(
            "filter: it was not answered within {limit} seconds, for no index holds {path}. Mark {path} with `indexed = \
             true` in the tenant's profile, if it is an attribute of an extension; or {narrow}."
        ),
        None => {
            format!("filter: it was not answered within {limit} seconds. To be answered sooner, {narrow}.")
        }
    }
}

/// The first attribute by whose texts a filter of users looks for somebody, and that no index holds.
fn unserved(kind: ResourceKind, filter: &Filter) -> Option<String> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().find_map(|part| unserved(kind, part)),
        Filter::Not(inner) | Filter::Element { filter: inner, .. } => unserved(kind, inner),
        Filter::Compare { target, op, value } => {
            let looks = matches!(op, CompareOp::Eq | CompareOp::Co | CompareOp::Sw | CompareOp::Ew);
            let text = matches!(value, Literal::String(_)) && target.leaf().kind == AttributeType::String;
            let found = looks && text && kind == ResourceKind::User && !is_held(kind, target);
            found.then(|| target.path())
        }
        Filter::Present(_) | Filter::Never => None,
    }
}

/// Has the attribute a column of its own, or are its values indexed?
fn is_held(kind: ResourceKind, target: &AttrRef) -> bool {
    let edges = target.extension.is_none() && target.attribute.name == kind.edges();
    let own = !target.attribute.multi_valued && !matches!(Place::of(kind, target), Place::Row(_));
    edges || own || target.leaf().indexed || is_anywhere(target)
}

#[cfg(test)]
mod tests {
    use scim_core::{ResourceType, filter::parse};

    use super::*;

    #[test]
    fn the_attribute_that_an_index_would_help_is_named() {
        let user = ResourceType::user();
        for (text, named) in [
            (r#"title eq "x""#, Some("title")),
            (r#"userName co "x" and nickName sw "y""#, Some("nickName")),
            (r#"not (addresses[type eq "work" and locality co "x"])"#, Some("addresses.type")),
            (r#"emails.value eq "x" or name.familyName co "x" or externalId sw "x""#, None),
            (r#"groups.display co "x""#, None),
            (r#"active eq false and meta.created gt "2026-01-01T00:00:00Z" and title pr"#, None),
        ] {
            let filter = parse(text, &user, true).expect(text);
            assert_eq!(unserved(ResourceKind::User, &filter).as_deref(), named, "{text}");
            let told = too_slow(ResourceKind::User, &filter);
            assert!(told.contains("within 20 seconds") && told.contains("narrow it"), "{told}");
            assert_eq!(told.contains("indexed = true"), named.is_some(), "{told}");
        }
    }
}
