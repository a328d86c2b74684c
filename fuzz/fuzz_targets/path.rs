//! Attribute paths, PATCH paths and lists of paths: whatever a name means, its schema spelling means the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rollcall_fuzz::{assert_refusal, fixtures};
use scim_core::{
    ResourceType, ScimType,
    path::Resolved,
    projection::{self, Projection},
};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for (resource_type, document) in fixtures::types().into_iter().zip(&*fixtures::DOCUMENTS) {
        for resolved in [resource_type.resolve(text), resource_type.resolve_in_query(text)] {
            assert_spelling(resource_type, &resolved);
        }
        check_patch_path(text, resource_type, document);
        check_list(text, resource_type, document);
    }
});

fn assert_spelling(resource_type: &ResourceType, resolved: &Resolved) {
    match resolved {
        Resolved::Attribute(target) => {
            assert_eq!(&resource_type.resolve(&target.path()), resolved);
            assert_eq!(&resource_type.resolve(&target.path().to_ascii_uppercase()), resolved);
        }
        Resolved::Extension(index) => assert!(*index < resource_type.extensions.len()),
        Resolved::NotOffered(_) | Resolved::Unknown(_) => {}
    }
}

fn check_patch_path(text: &str, resource_type: &ResourceType, document: &Value) {
    let strict = resource_type.patch_path(text, false);
    let path = match resource_type.patch_path(text, true) {
        Ok(path) => path,
        Err(error) => {
            assert_refusal(&error);
            assert!(
                matches!(error.scim_type, Some(ScimType::InvalidPath | ScimType::InvalidFilter)),
                "{error:?}"
            );
            assert!(strict.is_err(), "taken only without leniency");
            return;
        }
    };
    if let Ok(strict) = strict {
        assert_eq!(strict, path, "leniency changed what was well formed");
    }
    assert_spelling(resource_type, &path.target);
    let Some(filter) = path.filter else { return };
    let Resolved::Attribute(target) = &path.target else { panic!("a filter on nothing") };
    assert!(target.attribute.multi_valued, "a filter on {}", target.path());
    let home = target.extension.as_deref().map_or(Some(document), |urn| document.get(urn));
    let elements = home.and_then(|home| home.get(&target.attribute.name)).and_then(Value::as_array);
    for element in elements.into_iter().flatten() {
        let _ = filter.matches_element(element);
    }
}

/// The text as `attributes` and as `excludedAttributes`: what is always shown stays, nothing comes that is not kept.
fn check_list(text: &str, resource_type: &ResourceType, document: &Value) {
    let document = document.as_object().expect("an object");
    let whole = render(resource_type, document, &Projection::default());
    for (attributes, excluded) in [(Some(text), None), (None, Some(text))] {
        let projection = Projection::parse(resource_type, attributes, excluded).expect("one of them");
        let answer = render(resource_type, document, &projection);
        assert_eq!(answer["id"], whole["id"]);
        assert_eq!(answer["schemas"], whole["schemas"]);
        for key in answer.as_object().into_iter().flat_map(|answer| answer.keys()) {
            assert!(whole.get(key).is_some(), "{key}");
        }
    }
}

fn render(resource_type: &ResourceType, document: &scim_core::Document, projection: &Projection) -> Value {
    let edges = projection.wants_edges(resource_type).then(Vec::new);
    projection::render(resource_type, document, fixtures::envelope(edges), projection)
}
