//! A URL that is no SCIM: what a ceiling gives.

use hyper::Method;
use serde_json::Value;

use crate::{
    http::Target,
    measure::{Length, Processes, Want, measure},
    people,
};

/// GETs the URL with a random number in the place of `{i}`, or POSTs users to it.
///
/// # Errors
///
/// The URL is none.
pub(crate) async fn raw(
    url: &str,
    post: bool,
    rows: usize,
    length: Length,
    processes: Processes,
) -> anyhow::Result<Value> {
    let target = Target::new(url, "")?;
    let measured = measure(&target, length, processes, |mut worker| async move {
        let template = worker.path().to_owned();
        while let Some(n) = worker.next() {
            if post {
                let body = people::user("raw", n, None, "Engineer");
                worker.shot(Method::POST, &template, Some(body), Want::Status(&[200, 201])).await;
            } else {
                let path = template.replace("{i}", &worker.dice.below(rows).to_string());
                worker.shot(Method::GET, &path, None, Want::Status(&[200])).await;
            }
        }
    })
    .await;
    Ok(measured.line(if post { "raw_post" } else { "raw_get" }, rows))
}
