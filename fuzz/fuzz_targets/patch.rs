//! `{"document": …, "patch": …}`: a document that was taken in and validated, and a PATCH body on it.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::{LENIENCIES, assert_refusal, canonical, fixtures, json};
use scim_core::{
    Document, ResourceKind, ResourceType, ScimType, intake,
    leniency::Leniencies,
    patch::{MAX_MEMBERS, MemberOp, PatchRequest},
};
use serde_json::Value;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed)
});

fuzz_target!(|data: &[u8]| {
    let Ok(input) = serde_json::from_slice::<Value>(data) else { return };
    for resource_type in fixtures::types() {
        let taken = intake::take(resource_type, Leniencies::LENIENT, &input["document"]);
        let Ok(mut document) = taken.map(|taken| taken.document) else { continue };
        // what is kept was validated; elements that hold nothing go only then
        if intake::validate(resource_type, &mut document).is_err() {
            continue;
        }
        for leniencies in LENIENCIES {
            check(resource_type, leniencies, &document, &input["patch"]);
        }
    }
});

fn check(resource_type: &ResourceType, leniencies: Leniencies, document: &Document, body: &Value) {
    let request = match PatchRequest::parse(body, leniencies) {
        Ok(request) => request,
        Err(error) => {
            assert_refusal(&error);
            assert!(error.status == 413 || error.scim_type == Some(ScimType::InvalidSyntax), "{error:?}");
            return;
        }
    };
    let patched = match request.apply(resource_type, leniencies, document) {
        Ok(patched) => patched,
        Err(error) => {
            assert_refusal(&error);
            assert!(error.detail.starts_with("Operations[") || error.scim_type.is_some(), "{error:?}");
            return;
        }
    };
    if resource_type.kind == ResourceKind::User {
        assert!(patched.members.is_empty(), "a user has no members");
    }
    let listed = patched.members.iter().map(|change| match change {
        MemberOp::Add(members) | MemberOp::Remove(members) | MemberOp::Replace(members) => members.len(),
    });
    assert!(listed.sum::<usize>() <= MAX_MEMBERS);
    let mut changed = patched.document;
    canonical::assert_document(resource_type, &changed);
    match intake::validate(resource_type, &mut changed) {
        Ok(()) => canonical::assert_document(resource_type, &changed),
        Err(error) => assert_refusal(&error),
    }
}
