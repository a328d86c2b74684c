//! A filter in a query: refused with its column, or bound to the same meaning however it is written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rollcall_fuzz::{assert_refusal, fixtures, print};
use scim_core::{
    ResourceType, ScimError, ScimType,
    filter::{self, Filter},
};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for (resource_type, form) in fixtures::types().into_iter().zip(&*fixtures::FORMS) {
        check(text, resource_type, form);
        check_at_root(text, resource_type, form);
    }
});

/// Over several types each name means something or has no value, so a filter and its opposite share out all resources.
fn check_at_root(text: &str, resource_type: &ResourceType, form: &Value) {
    let Ok(filter) = filter::parse_at_root(text, resource_type, true) else {
        assert!(filter::parse(text, resource_type, true).is_err(), "refused only at the root");
        return;
    };
    if let Ok(opposite) = filter::parse_at_root(&format!("not ({text})"), resource_type, true) {
        assert_ne!(opposite.matches(form), filter.matches(form));
    }
}

fn check(text: &str, resource_type: &ResourceType, form: &Value) {
    let strict = filter::parse(text, resource_type, false);
    let filter = match filter::parse(text, resource_type, true) {
        Ok(filter) => filter,
        Err(error) => {
            assert_refusal(&error);
            assert_column(text, &error);
            assert!(strict.is_err(), "taken only without leniency");
            return;
        }
    };
    if let Ok(strict) = strict {
        assert_eq!(strict, filter, "leniency changed what was well formed");
    }
    let matches = filter.matches(form);
    assert_opposite(text, resource_type, &filter, matches, form);
    assert_reads_back(&filter, resource_type, matches, form);
}

/// `invalidFilter`, at a column of the text or just behind it; the detail does not grow with the text.
fn assert_column(text: &str, error: &ScimError) {
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)));
    let column = error.detail.strip_prefix("filter, column ").and_then(|rest| rest.split_once(": "));
    let column: usize = column.and_then(|(column, _)| column.parse().ok()).expect("a column");
    assert!((1..=text.chars().count() + 1).contains(&column), "{}", error.detail);
    assert!(error.detail.len() < 1_000, "{}", error.detail);
}

/// `not (…)` selects exactly the rest. Where the filter names what the type does not offer, some resources are in
/// neither; none is ever in both.
fn assert_opposite(text: &str, resource_type: &ResourceType, filter: &Filter, matches: bool, form: &Value) {
    let Ok(opposite) = filter::parse(&format!("not ({text})"), resource_type, true) else { return };
    if opposite == Filter::Not(Box::new(filter.clone())) {
        assert_eq!(opposite.matches(form), !matches);
    }
    assert!(!matches || !opposite.matches(form), "selected by a filter and by its opposite");
}

/// Printed and read again it is the same filter, unless printing made it too long or too deep.
fn assert_reads_back(filter: &Filter, resource_type: &ResourceType, matches: bool, form: &Value) {
    let Some(text) = print::filter(filter) else { return };
    match filter::parse(&text, resource_type, false) {
        Ok(again) => {
            assert_eq!(&again, filter, "{text}");
            assert_eq!(again.matches(form), matches);
        }
        Err(error) => {
            let too_much = text.len() > filter::MAX_LENGTH || error.detail.contains("nest deeper");
            assert!(too_much, "{text}: {error}");
        }
    }
}
