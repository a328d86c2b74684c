//! A bulk body: parsed, planned, and run against a server that takes some calls and refuses others.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::{LENIENCIES, assert_refusal, json};
use scim_core::{
    ScimError,
    bulk::{self, BulkRequest, Call, Done, Method, Run, Step},
};
use serde_json::Value;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed)
});

fuzz_target!(|data: &[u8]| {
    let Ok(body) = serde_json::from_slice::<Value>(data) else { return };
    for leniencies in LENIENCIES {
        match BulkRequest::parse(body.clone(), leniencies) {
            Ok(request) => check(request),
            Err(error) => assert_refusal(&error),
        }
    }
});

fn check(request: BulkRequest) {
    assert!(!request.operations.is_empty() && request.operations.len() <= bulk::MAX_OPERATIONS);
    let count = request.operations.len();
    assert_plan(&bulk::plan(&request.operations), count);
    for refuse_every in [usize::MAX, 3] {
        let limit = request.fail_on_errors;
        let mut run = Run::new(request.clone());
        let mut calls = 0;
        while let Some(call) = run.next_call() {
            calls += 1;
            run.finish(answer(call, calls, refuse_every));
        }
        assert!(calls <= 2 * count);
        assert_response(&run.response("https://h/scim/v2", None), count, limit);
    }
}

/// Each operation once; what is created incomplete is completed once, later.
fn assert_plan(steps: &[Step], count: usize) {
    let mut created = vec![false; count];
    let mut incomplete = vec![false; count];
    for step in steps {
        match step {
            Step::Run(index) => assert!(!std::mem::replace(&mut created[*index], true)),
            Step::RunWithout(index, bulk_ids) => {
                assert!(!bulk_ids.is_empty());
                assert!(!std::mem::replace(&mut created[*index], true));
                incomplete[*index] = true;
            }
            Step::Complete(index) => assert!(std::mem::replace(&mut incomplete[*index], false)),
        }
    }
    assert!(created.iter().all(|created| *created) && incomplete.iter().all(|incomplete| !incomplete));
}

fn answer(call: Call, number: usize, refuse_every: usize) -> Result<Done, ScimError> {
    assert_eq!(call.id.is_none(), call.method == Method::Post);
    assert_eq!(call.data.is_none(), call.method == Method::Delete);
    assert!(call.data.iter().all(|data| bulk::find(data).is_empty()), "a reference was left");
    if number.is_multiple_of(refuse_every) {
        return Err(ScimError::uniqueness("taken"));
    }
    Ok(Done { id: call.id.unwrap_or_else(|| number.to_string()), version: Some("W/\"1\"".into()) })
}

/// What RFC 7644 §3.7.3 asks of an answer.
fn assert_response(response: &Value, count: usize, limit: Option<usize>) {
    let operations = response["Operations"].as_array().expect("a list");
    assert!(operations.len() <= count);
    assert!(limit.is_some() || operations.len() == count, "an operation has no answer");
    for operation in operations {
        let status = operation["status"].as_str().expect("a text");
        let failed = !status.starts_with('2');
        assert_eq!(operation.get("response").is_some(), failed, "{operation}");
        assert!(!status.starts_with('5'), "{operation}");
        assert!(failed || operation.get("location").is_some(), "{operation}");
        assert!(!failed || operation.get("version").is_none(), "{operation}");
    }
}
