//! POST, PUT and PATCH of users; some of what was written is read back.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use anyhow::Context as _;
use hyper::Method;
use serde_json::{Value, json};

use super::{Load, read_back};
use crate::{
    measure::{Measured, Want, measure},
    people,
    roster::User,
};

/// The id in an answer.
pub(crate) fn id(body: &[u8]) -> Option<Rc<str>> {
    Some(serde_json::from_slice::<Value>(body).ok()?.get("id")?.as_str()?.into())
}

/// Creates users with the numbers after the last one; they are in the roster from then on.
pub(super) async fn create(load: &Load) -> anyhow::Result<Measured> {
    let first = load.roster.borrow().next();
    let measured = measure(&load.target, load.length, load.processes, |mut worker| {
        let roster = load.roster.clone();
        async move {
            let prefix = roster.borrow().prefix.clone();
            let path = format!("{}/Users", worker.path());
            while let Some(n) = worker.next() {
                let n = first + n;
                let body = people::user(&prefix, n, None, "Engineer");
                let answer = worker.shot(Method::POST, &path, Some(body), Want::Status(&[201])).await;
                let Some(answer) = answer else { continue };
                match id(&answer.body) {
                    Some(id) => roster.borrow_mut().users.push(User { id, n }),
                    None => worker.tally.borrow_mut().wrong(format!("POST {path}: the answer has no id")),
                }
            }
        }
    })
    .await;
    load.roster.borrow().save().context("the roster")?;
    read_back::answers(load, super::reads::Read::Get, &measured.tally).await;
    Ok(measured)
}

/// Replaces users by themselves with a new title.
pub(super) async fn put(load: &Load) -> Measured {
    let run = std::process::id();
    write(load, "title", Method::PUT, move |prefix, user, n| {
        let title = format!("Senior Engineer {run}-{n}");
        (people::user(prefix, user.n, Some(&user.id), &title), json!(title))
    })
    .await
}

/// Deactivates users and activates them again, as Okta does.
pub(super) async fn patch_active(load: &Load) -> Measured {
    write(load, "active", Method::PATCH, |_, _, n| {
        let active = n % 2 == 1;
        (people::patch_active(active), json!(active))
    })
    .await
}

/// Writes users at random. Each connection has its own, so that it is known what was written last.
async fn write(
    load: &Load,
    attribute: &str,
    method: Method,
    body: impl Fn(&str, &User, usize) -> (String, Value) + Clone + 'static,
) -> Measured {
    let expected: Rc<RefCell<HashMap<usize, Value>>> = Rc::default();
    let connections = load.length.connections;
    let measured = measure(&load.target, load.length, load.processes, |mut worker| {
        let (roster, expected) = (load.roster.clone(), expected.clone());
        let (method, body) = (method.clone(), body.clone());
        async move {
            let prefix = roster.borrow().prefix.clone();
            while let Some(n) = worker.next() {
                let (index, user) = {
                    let users = &roster.borrow().users;
                    let shares = (users.len() / connections).max(1);
                    let index = worker.dice.below(shares) * connections + worker.index;
                    let index = index.min(users.len() - 1);
                    (index, users[index].clone())
                };
                let (body, value) = body(&prefix, &user, n);
                let path = format!("{}/Users/{}", worker.path(), user.id);
                let answer = worker.shot(method.clone(), &path, Some(body), Want::Status(&[200, 204])).await;
                let mut expected = expected.borrow_mut();
                // Whether a write without an answer was kept, nobody knows.
                match answer {
                    Some(_) => expected.insert(index, value),
                    None => expected.remove(&index),
                };
            }
        }
    })
    .await;
    let expected = expected.take();
    read_back::written(load, attribute, &expected, &measured.tally).await;
    measured
}
