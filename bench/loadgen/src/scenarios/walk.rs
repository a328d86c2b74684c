//! Learns who is in a tenant that was filled by an import: all pages, one after the other.

use std::collections::HashSet;

use anyhow::{Context as _, bail};
use hyper::Method;
use serde_json::{Value, json};

use super::Load;
use crate::{http::Connection, people, roster::User};

/// Users a page.
const PAGE: usize = 100;

/// Reads all pages into the roster; each user must be there once.
///
/// # Errors
///
/// The server refuses a page, somebody stands on two, somebody has a strange name, or the total is another one.
pub(crate) async fn walk(load: &Load) -> anyhow::Result<Value> {
    let start = std::time::Instant::now();
    let mut connection = Connection::new(&load.target);
    let prefix = load.roster.borrow().prefix.clone();
    let (mut users, mut seen) = (vec![], HashSet::new());
    loop {
        let first = users.len() + 1;
        let path = format!("{}/Users?attributes=userName&startIndex={first}&count={PAGE}", load.target.path);
        let answer = connection.call(&Method::GET, &path, None).await?;
        if answer.status != 200 {
            bail!("GET {path}: {} {}", answer.status, answer.excerpt());
        }
        let page: Value = serde_json::from_slice(&answer.body).with_context(|| path.clone())?;
        let found = page["Resources"].as_array().map_or(&[][..], Vec::as_slice);
        for user in found {
            let id = user["id"].as_str().context("a user without id")?;
            let name = user["userName"].as_str().context("a user without userName")?;
            let n = people::number(&prefix, name).with_context(|| format!("{name} is none of ours"))?;
            if !seen.insert(n) {
                bail!("GET {path}: {name} stands on two pages");
            }
            users.push(User { id: id.into(), n });
        }
        let total = page["totalResults"].as_u64().context("no totalResults")? as usize;
        if users.len() >= total || found.is_empty() {
            if users.len() != total {
                bail!("GET {path}: totalResults is {total}, the pages hold {}", users.len());
            }
            break;
        }
    }
    users.sort_by_key(|user| user.n);
    let count = users.len();
    load.roster.borrow_mut().users = users;
    load.roster.borrow().save()?;
    Ok(json!({
        "scenario": "walk", "users": count, "secs": start.elapsed().as_secs_f64(), "errors": 0, "wrong": 0,
    }))
}
