//! Random requests against what a plan promises.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::json;

use super::{
    tests::{Memory, request},
    *,
};

/// Operations on a few resources that refer to each other at random.
fn operations() -> impl Strategy<Value = Vec<Value>> {
    let references = proptest::collection::vec(0_usize..14, 0..4);
    let operation = (0_usize..6, 0_usize..14, references).prop_map(|(what, on, references)| {
        let values: Vec<_> =
            references.iter().map(|index| json!({"value": format!("bulkId:{index}")})).collect();
        let path = if on < 10 { format!("/Groups/bulkId:{on}") } else { format!("/Groups/{on}") };
        match what {
            0 => json!({"method": "PATCH", "path": path, "data": {"Operations": [{"value": values}]}}),
            1 => json!({"method": "DELETE", "path": path}),
            2 if on == 0 => json!({"method": "GET", "path": path}),
            _ => {
                json!({"method": "POST", "path": "/Groups", "data": {"displayName": "x", "members": values}})
            }
        }
    });
    proptest::collection::vec(operation, 1..14).prop_map(|mut operations| {
        for (index, operation) in operations.iter_mut().enumerate() {
            if operation["method"] == "POST" {
                operation["bulkId"] = index.to_string().into();
                operation["data"]["displayName"] = index.to_string().into();
            }
        }
        operations
    })
}

/// For each operation the POSTs that its data refers to.
fn referred(operations: &[Operation]) -> Vec<HashSet<usize>> {
    let post = |bulk_id: &str| {
        operations.iter().position(|other| other.is_post() && other.bulk_id.as_deref() == Some(bulk_id))
    };
    let of = |operation: &Operation| match &operation.action {
        Ok(Action { data: Some(data), .. }) => find(data).into_iter().filter_map(post).collect(),
        _ => HashSet::new(),
    };
    operations.iter().map(of).collect()
}

/// Whether references lead from one operation to another, or back to itself.
fn leads_to(referred: &[HashSet<usize>], from: usize, to: usize) -> bool {
    let (mut seen, mut open) = (HashSet::new(), vec![from]);
    while let Some(next) = open.pop() {
        for post in &referred[next] {
            if *post == to {
                return true;
            }
            if seen.insert(*post) {
                open.push(*post);
            }
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_keeps_its_promises(operations in operations()) {
        let operations = request(operations.into()).operations;
        let referred = referred(&operations);
        let (mut created, mut finished) = (HashSet::new(), HashSet::new());
        for step in plan(&operations) {
            let (Step::Run(index) | Step::RunWithout(index, _) | Step::Complete(index)) = step;
            let missing: HashSet<_> = referred[index].difference(&created).copied().collect();
            match &step {
                Step::Run(_) => {
                    prop_assert!(missing.is_empty(), "{} ran before {missing:?}", index);
                    prop_assert!(created.insert(index) && finished.insert(index));
                }
                Step::RunWithout(_, bulk_ids) => {
                    prop_assert!(operations[index].is_post());
                    let named: HashSet<_> = bulk_ids.iter().map(|id| id.parse::<usize>().unwrap()).collect();
                    prop_assert_eq!(&named, &missing);
                    prop_assert!(!named.is_empty());
                    for post in named {
                        prop_assert!(leads_to(&referred, post, index), "{} is in no circle with {}", index, post);
                    }
                    prop_assert!(created.insert(index));
                }
                Step::Complete(_) => {
                    prop_assert!(missing.is_empty() && created.contains(&index));
                    prop_assert!(finished.insert(index));
                }
            }
            let Ok(Action { id: Some(id), kind, .. }) = &operations[index].action else { continue };
            if let ResourceId::BulkId(bulk_id) = id {
                let maker = operations.iter().position(|other| other.is_post() && other.bulk_id.as_ref() == Some(bulk_id));
                prop_assert!(maker.is_none_or(|maker| finished.contains(&maker)));
            }
            let same = |other: &Operation| matches!(&other.action, Ok(action) if action.id.as_ref() == Some(id) && action.kind == *kind);
            let before = operations[..index].iter().enumerate().filter(|(_, other)| same(other));
            for (before, _) in before {
                prop_assert!(finished.contains(&before), "{} ran before {}", index, before);
            }
        }
        prop_assert_eq!(created.len(), operations.len());
        prop_assert_eq!(finished.len(), operations.len());
    }

    #[test]
    fn without_references_the_order_is_kept(mut operations in operations()) {
        for operation in &mut operations {
            operation["data"] = json!({});
            if operation["method"] != "POST" {
                operation["path"] = "/Groups/1".into();
            }
        }
        let operations = request(operations.into()).operations;
        let steps: Vec<_> = (0..operations.len()).map(Step::Run).collect();
        prop_assert_eq!(plan(&operations), steps);
    }

    #[test]
    fn what_succeeds_holds_all_that_was_asked_for(operations in operations()) {
        let sent = operations.clone();
        let mut memory = Memory::default();
        let parsed = request(operations.into());
        let referred = referred(&parsed.operations);
        let answer = memory.run(parsed);
        let answer = answer.as_array().unwrap();
        prop_assert_eq!(answer.len(), sent.len());
        let deleted: HashSet<_> = memory.calls.iter().filter_map(|call| call.strip_prefix("DELETE ")).collect();
        for (index, (sent, answer)) in sent.iter().zip(answer).enumerate() {
            let resource = memory.resources.get(&format!("id-{index}"));
            if sent["method"] == "POST" && answer["status"] == "201" && !deleted.contains(format!("id-{index}").as_str()) {
                let patched = memory.calls.contains(&format!("PATCH id-{index}"));
                let resource = resource.expect("it was created");
                if !patched {
                    let members = sent["data"]["members"].to_string().replace("bulkId:", "id-");
                    prop_assert_eq!(resource["members"].to_string(), members);
                }
            }
            if answer["status"] == "409" && sent["method"] == "POST" {
                let lost = find(&sent["data"]).len() != referred[index].len();
                let relies = referred[index].iter().any(|post| answer_failed(&memory, *post));
                prop_assert!(lost || relies || resource.is_some(), "{} failed without need", index);
            }
        }
    }
}

/// Whether a POST made nothing.
fn answer_failed(memory: &Memory, post: usize) -> bool {
    !memory.calls.contains(&format!("POST id-{post}"))
}
