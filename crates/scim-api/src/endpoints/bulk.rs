//! `/Bulk` (RFC 7644 §3.7): many changes in one request, each carried out as if it had come alone.

use std::time::Duration;

use axum::body::Body;
use futures::{FutureExt as _, future::BoxFuture};
use http::StatusCode;
use provisioning::Placed;
use scim_core::{
    ResourceKind, ScimError,
    bulk::{self, BulkRequest, Done, Method, Run},
    projection::Projection,
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::{
    answer,
    body::{self, Limit},
    call::Call,
    preconditions,
    routes::Answer,
    service::without_panic,
};

const LIMIT: Limit = Limit { bytes: bulk::MAX_PAYLOAD_SIZE, error: bulk::payload_too_large };

/// No operation begins in the last part of a request's time, so that one which is under way can end and be told.
const NO_MORE: Duration = Duration::from_secs(10);
/// What is left for the answer when an operation does not end.
const ANSWER: Duration = Duration::from_secs(2);

/// `response` of an operation that nobody began.
const NOT_BEGUN: &str =
    "The time for this request was over before this operation; nothing of it was done. Send it again.";
/// `response` of an operation that was given up.
const UNKNOWN: &str = "This operation did not end in time, and whether it was carried out is not known. Read the \
                       resource before you send it again.";

/// POST /Bulk: 200 with the fate of each operation. Whatever was carried out is in the answer: operations for which
/// there is no time are answered 503 each.
pub(crate) async fn run(call: Call, body: Body) -> Answer {
    let body = body::read_within(LIMIT, &call.headers, body).await?;
    let mut run = Run::new(BulkRequest::parse(body, call.tenant().profile.leniencies)?);
    let answered_by = call.deadline - ANSWER;
    let work = Work {
        one: |operation| change(&call, operation).boxed(),
        users: |bodies, whole| users(&call, bodies, whole).boxed(),
    };
    carry_out(&mut run, call.deadline - NO_MORE, answered_by, work).await;
    let request_id = call.context.cause.as_str();
    Ok(answer::json(StatusCode::OK, &run.response(&call.base_url, Some(request_id))))
}

/// What operations are carried out by.
struct Work<One, Users> {
    /// One operation.
    one: One,
    /// POSTs to /Users at once, all or none of them if that is asked for; `None` when they must come one by one.
    users: Users,
}

type Outcome = Result<Done, ScimError>;

/// Carries out one operation after the other, users to be made together: none begins after `begin_by`, and none is waited
/// for after `answered_by`.
async fn carry_out<'c>(
    run: &mut Run,
    begin_by: Instant,
    answered_by: Instant,
    work: Work<
        impl Fn(bulk::Call) -> BoxFuture<'c, Outcome>,
        impl Fn(Vec<Value>, bool) -> BoxFuture<'c, Option<Vec<Outcome>>>,
    >,
) {
    let in_time = || {
        let in_time = Instant::now() < begin_by;
        if !in_time {
            tracing::warn!("a bulk request was stopped for want of time");
        }
        in_time
    };
    while let Some(operation) = run.next_call() {
        if !in_time() {
            return run.stop_with(&ScimError::new(503, NOT_BEGUN));
        }
        let calls = run.and_alike(operation);
        if calls.len() > 1 {
            let bodies = calls.iter().map(|call| call.data.clone().unwrap_or_default()).collect();
            let together = (work.users)(bodies, run.counts_errors()).map(Ok);
            match timeout_at(answered_by, without_panic(together)).await {
                Ok(Ok(Some(outcomes))) => {
                    outcomes.into_iter().for_each(|outcome| run.finish(outcome));
                    continue;
                }
                // None of them could be made as a whole, or one of them is poison: that one alone shall fail.
                Ok(Ok(None) | Err(_)) => {}
                Err(_) => {
                    calls.iter().for_each(|_| run.finish(Err(ScimError::new(503, UNKNOWN))));
                    continue;
                }
            }
        }
        for operation in calls {
            if !run.is_out() {
                return;
            }
            if !in_time() {
                return run.stop_with(&ScimError::new(503, NOT_BEGUN));
            }
            let ended = timeout_at(answered_by, without_panic((work.one)(operation))).await;
            run.finish(ended.unwrap_or_else(|_| Err(ScimError::new(503, UNKNOWN))));
        }
    }
}

/// What POSTs to /Users would do one after the other.
async fn users(call: &Call, bodies: Vec<Value>, whole: bool) -> Option<Vec<Outcome>> {
    let projection = Projection { attributes: Some(vec!["id".to_owned()]), excluded: Vec::new() };
    let placed = call.state.provisioner.create_users(call.request(&projection), bodies, whole).await?;
    let done = |placed: Placed| Done { id: placed.id, version: Some(placed.etag) };
    Some(placed.into_iter().map(|placed| placed.map(done)).collect())
}

/// What the endpoint of the same method and path would do. Only the version is wanted of the resource, so that neither
/// the members of a group nor the groups of a user are read.
async fn change(call: &Call, operation: bulk::Call) -> Result<Done, ScimError> {
    let projection = Projection { attributes: Some(vec!["id".to_owned()]), excluded: Vec::new() };
    let (request, provisioner) = (call.request(&projection), &call.state.provisioner);
    let bulk::Call { method, kind, id, version, data, .. } = operation;
    let (id, data) = (id.unwrap_or_default(), data.unwrap_or_default());
    let if_match = version.as_deref().and_then(preconditions::if_match_text);
    let rendered = match (kind, method) {
        (ResourceKind::User, Method::Post) => provisioner.create_user(request, &data).await?.rendered,
        (ResourceKind::User, Method::Put) => provisioner.replace_user(request, &id, if_match, &data).await?,
        (ResourceKind::User, Method::Patch) => provisioner.patch_user(request, &id, if_match, &data).await?,
        (ResourceKind::User, Method::Delete) => {
            provisioner.delete_user(request, &id, if_match).await?;
            return Ok(Done { id, version: None });
        }
        (ResourceKind::Group, Method::Post) => provisioner.create_group(request, &data).await?,
        (ResourceKind::Group, Method::Put) => {
            provisioner.replace_group(request, &id, if_match, &data).await?
        }
        (ResourceKind::Group, Method::Patch) => {
            provisioner.patch_group(request, &id, if_match, &data).await?
        }
        (ResourceKind::Group, Method::Delete) => {
            provisioner.delete_group(request, &id, if_match).await?;
            return Ok(Done { id, version: None });
        }
    };
    let id = rendered.body["id"].as_str().map_or(id, str::to_owned);
    Ok(Done { id, version: Some(rendered.etag) })
}

#[cfg(test)]
mod tests {
    use scim_core::leniency::Leniencies;
    use serde_json::json;

    use super::*;

    const SOON: Duration = Duration::from_millis(100);
    const LATER: Duration = Duration::from_secs(60);

    fn deletes(count: usize) -> Run {
        let operations: Vec<Value> =
            (0..count).map(|at| json!({"method": "DELETE", "path": format!("/Users/{at}")})).collect();
        let request = BulkRequest::parse(json!({"Operations": operations}), Leniencies::LENIENT);
        Run::new(request.expect("a request"))
    }

    fn statuses(run: &Run) -> Vec<String> {
        let answer = run.response("", None);
        let operations = answer["Operations"].as_array().expect("a list").iter();
        operations.map(|operation| operation["status"].as_str().expect("a text").to_owned()).collect()
    }

    fn detail(run: &Run, at: usize) -> String {
        let answer = run.response("", None);
        answer["Operations"][at]["response"]["detail"].as_str().unwrap_or_default().to_owned()
    }

    /// Carries out an operation; that of `/Users/1` only after `work`.
    fn after<W: Future<Output = ()> + Send + 'static>(
        work: impl Fn() -> W + Send + Sync + Copy + 'static,
    ) -> impl Fn(bulk::Call) -> BoxFuture<'static, Result<Done, ScimError>> {
        move |operation| {
            async move {
                let id = operation.id.unwrap_or_default();
                if id == "1" {
                    work().await;
                }
                Ok(Done { id, version: None })
            }
            .boxed()
        }
    }

    /// What users that are made together come to.
    type Together = BoxFuture<'static, Option<Vec<Outcome>>>;

    /// Nothing is carried out together.
    fn alone<One>(one: One) -> Work<One, impl Fn(Vec<Value>, bool) -> Together> {
        Work { one, users: |_, _| unreachable!("no users are made") }
    }

    /// POSTs to /Users of these names and, in the middle, a DELETE.
    fn posts(names: &[&str], fail_on_errors: Option<usize>) -> Run {
        let post = |name: &&str| json!({"method": "POST", "path": "/Users", "bulkId": name, "data": {"userName": name}});
        let mut operations: Vec<Value> = names.iter().map(post).collect();
        operations.insert(names.len() / 2, json!({"method": "DELETE", "path": "/Users/1"}));
        let body = json!({"failOnErrors": fail_on_errors, "Operations": operations});
        Run::new(BulkRequest::parse(body, Leniencies::LENIENT).expect("a request"))
    }

    /// What one operation comes to: users called `bad` are refused.
    fn judged(name: &str) -> Outcome {
        match name {
            "bad" => Err(ScimError::new(400, "bad")),
            "poison" => panic!("on purpose"),
            name => Ok(Done { id: name.to_owned(), version: None }),
        }
    }

    fn one(operation: bulk::Call) -> BoxFuture<'static, Outcome> {
        let data = operation.data.unwrap_or_default();
        async move { judged(data["userName"].as_str().unwrap_or("1")) }.boxed()
    }

    fn several(bodies: Vec<Value>, whole: bool) -> BoxFuture<'static, Option<Vec<Outcome>>> {
        let outcomes = move || {
            let outcomes: Vec<_> =
                bodies.iter().map(|body| judged(body["userName"].as_str().unwrap_or_default())).collect();
            (!whole || outcomes.iter().all(Result::is_ok)).then_some(outcomes)
        };
        async move { outcomes() }.boxed()
    }

    #[tokio::test]
    async fn users_made_together_are_answered_as_if_each_had_come_alone() {
        let later = Instant::now() + LATER;
        for (names, fail_on_errors, expected) in [
            (&["a", "b", "c", "d"][..], None, &["201", "201", "204", "201", "201"][..]),
            (&["a", "bad", "c", "bad"], None, &["201", "400", "204", "201", "400"]),
            (&["a", "poison", "c", "d"], None, &["201", "500", "204", "201", "201"]),
            (&["a", "b", "c", "d"], Some(1), &["201", "201", "204", "201", "201"]),
            (&["a", "bad", "c", "d"], Some(1), &["201", "400"]),
            (&["a", "b", "bad", "d"], Some(1), &["201", "201", "204", "400"]),
            (&["a", "bad", "bad", "d"], Some(2), &["201", "400", "204", "400"]),
            (&["poison", "b", "c", "d"], Some(1), &["500"]),
        ] {
            let mut run = posts(names, fail_on_errors);
            carry_out(&mut run, later, later, Work { one, users: several }).await;
            assert_eq!(statuses(&run), expected, "{names:?} {fail_on_errors:?}");
        }
    }

    #[tokio::test]
    async fn users_that_are_not_made_in_time_are_unknown() {
        let mut run = posts(&["a", "b", "c", "d"], None);
        let now = Instant::now();
        let users = |_, _| futures::future::pending().boxed();
        carry_out(&mut run, now + SOON, now + SOON, Work { one, users }).await;
        assert_eq!(statuses(&run), ["503", "503", "503", "503", "503"]);
        assert_eq!((detail(&run, 1), detail(&run, 2)), (UNKNOWN.to_owned(), NOT_BEGUN.to_owned()));
    }

    #[tokio::test]
    async fn an_operation_under_way_ends_and_no_other_begins() {
        let mut run = deletes(4);
        let now = Instant::now();
        carry_out(&mut run, now + SOON, now + LATER, alone(after(|| tokio::time::sleep(SOON)))).await;
        assert_eq!(statuses(&run), ["204", "204", "503", "503"]);
        assert_eq!(detail(&run, 3), NOT_BEGUN);
    }

    #[tokio::test]
    async fn an_operation_without_end_takes_nothing_along() {
        let mut run = deletes(4);
        let now = Instant::now();
        carry_out(&mut run, now + SOON, now + SOON, alone(after(std::future::pending))).await;
        assert_eq!(statuses(&run), ["204", "503", "503", "503"]);
        assert_eq!(detail(&run, 1), UNKNOWN);
        assert_eq!(detail(&run, 2), NOT_BEGUN);
    }

    #[tokio::test]
    async fn without_time_nothing_is_done() {
        let mut run = deletes(2);
        let now = Instant::now();
        carry_out(&mut run, now, now + LATER, alone(|_| unreachable!("no operation begins"))).await;
        assert_eq!(statuses(&run), ["503", "503"]);
    }

    #[tokio::test]
    async fn a_panic_stays_with_its_operation() {
        let mut run = deletes(3);
        let later = Instant::now() + LATER;
        carry_out(&mut run, later, later, alone(after(|| async { panic!("on purpose") }))).await;
        assert_eq!(statuses(&run), ["204", "500", "204"]);
        assert_eq!(detail(&run, 1), answer::FAULT);
    }
}
