//! Where in a document the values of an attribute stand.

use serde_json::{Map, Value};

use crate::{Document, intake::is_unassigned, resource::AttrRef};

/// The object that holds an attribute: the document, or the object of its extension.
fn holder<'d>(document: &'d Document, target: &AttrRef) -> Option<&'d Map<String, Value>> {
    match &target.extension {
        None => Some(document),
        Some(urn) => document.get(urn.as_ref())?.as_object(),
    }
}

/// Like [`holder`], to change it.
fn holder_mut<'d>(document: &'d mut Document, target: &AttrRef) -> Option<&'d mut Map<String, Value>> {
    match &target.extension {
        None => Some(document),
        Some(urn) => document.get_mut(urn.as_ref())?.as_object_mut(),
    }
}

/// The single values of an attribute, each with its path: of a list its elements.
pub(super) fn values<'d>(document: &'d Document, target: &AttrRef) -> Vec<(String, &'d Value)> {
    let whole = AttrRef { sub: None, ..target.clone() };
    let path = whole.path();
    let Some(value) = holder(document, target).and_then(|fields| fields.get(&target.attribute.name)) else {
        return Vec::new();
    };
    let elements = match value {
        Value::Array(list) => {
            list.iter().enumerate().map(|(at, element)| (format!("{path}[{at}]"), element)).collect()
        }
        single => vec![(path, single)],
    };
    let Some(sub) = &target.sub else { return elements };
    let below = elements
        .into_iter()
        .filter_map(|(path, element)| Some((format!("{path}.{}", sub.name), element.get(&sub.name)?)));
    below.collect()
}

/// Whether an attribute has a value that is more than blanks.
pub(super) fn is_present(document: &Document, target: &AttrRef) -> bool {
    values(document, target).iter().any(|(_, value)| match value {
        Value::String(text) => !text.trim().is_empty(),
        value => !is_unassigned(value),
    })
}

/// Takes the values of an attribute out of a document; whether there were any.
pub(super) fn remove(document: &mut Document, target: &AttrRef) -> bool {
    let Some(fields) = holder_mut(document, target) else { return false };
    let removed = match &target.sub {
        None => fields.remove(&target.attribute.name).is_some(),
        Some(sub) => {
            let elements = match fields.get_mut(&target.attribute.name) {
                Some(Value::Array(list)) => list.as_mut_slice(),
                Some(single) => std::slice::from_mut(single),
                None => &mut [],
            };
            let objects = elements.iter_mut().filter_map(Value::as_object_mut);
            objects.filter_map(|object| object.remove(&sub.name)).count() > 0
        }
    };
    if let (true, Some(urn)) = (removed, &target.extension)
        && document.get(urn.as_ref()).is_some_and(is_unassigned)
    {
        document.remove(urn.as_ref());
    }
    removed
}
