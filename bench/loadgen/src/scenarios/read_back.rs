//! Outside of the time that is measured: is what the server answers, or kept, what it should be?

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

use hyper::Method;
use serde_json::Value;

use super::{
    Load,
    reads::{Read, somebody},
};
use crate::{
    http::Connection,
    measure::{Dice, Tally, Want, judge},
    people,
};

/// Answers of each scenario that are looked at.
const SAMPLES: usize = 20;

/// Writes of each scenario that are read back.
const WRITES: usize = 200;

/// GETs a document; counts an error where there is none.
pub(super) async fn get(
    connection: &mut Connection,
    tally: &RefCell<Tally>,
    path: &str,
    want: Want,
) -> Option<Value> {
    let path = format!("{}{path}", connection.target.path);
    match connection.call(&Method::GET, &path, None).await {
        Err(error) => {
            tally.borrow_mut().error(format!("{error:#}"));
            None
        }
        Ok(answer) => {
            let request = format!("GET {path}");
            if !judge(&mut tally.borrow_mut(), &request, &answer, want) {
                return None;
            }
            let document = serde_json::from_slice(&answer.body);
            if let Err(error) = &document {
                tally.borrow_mut().wrong(format!("{request}: {error}"));
            }
            document.ok()
        }
    }
}

fn resources(list: &Value) -> &[Value] {
    list["Resources"].as_array().map_or(&[], Vec::as_slice)
}

/// Looks at the content of some answers to this kind of read.
pub(super) async fn answers(load: &Load, read: Read, tally: &RefCell<Tally>) {
    let mut connection = Connection::new(&load.target);
    if let Read::Page(start) = read {
        return page(load, start, &mut connection, tally).await;
    }
    let mut dice = Dice::new(1 << 20);
    for nonce in 0..SAMPLES {
        let (prefix, user) = {
            let roster = load.roster.borrow();
            (roster.prefix.clone(), somebody(&roster, &mut dice))
        };
        let path = read.path(&prefix, &user, nonce);
        let total = match read {
            Read::Get => None,
            Read::EqMiss => Some(0),
            Read::FamilyCo => Some(namesakes(load, user.n)),
            _ => Some(1),
        };
        let want = total.map_or(Want::Status(&[200]), Want::Total);
        let Some(document) = get(&mut connection, tally, &path, want).await else { continue };
        let found = match read {
            Read::Get => std::slice::from_ref(&document),
            _ => resources(&document),
        };
        let mut tally = tally.borrow_mut();
        match read {
            Read::EqMiss => tally.check(found.is_empty(), || format!("{path}: somebody is found")),
            Read::FamilyCo => {
                let part = people::family_part(user.n);
                let expected = total.unwrap_or(0).min(10);
                let fit = |found: &Value| {
                    found["name"]["familyName"].as_str().unwrap_or_default().to_lowercase().contains(&part)
                };
                tally.check(found.len() == expected && found.iter().all(fit), || {
                    format!("{path}: not the {expected} people with {part} in their family name")
                });
            }
            _ => {
                let name = people::user_name(&prefix, user.n);
                let mail = people::email(&prefix, user.n);
                let fit = |found: &Value| {
                    found["id"] == *user.id
                        && found["userName"] == *name
                        && found["emails"][0]["value"] == *mail
                        && found["externalId"] == *people::external_id(&prefix, user.n)
                };
                tally.check(found.len() == 1 && fit(&found[0]), || format!("{path}: not {name}"));
            }
        }
    }
}

/// How many have this user's part of a family name in theirs.
fn namesakes(load: &Load, n: usize) -> usize {
    let part = people::family_part(n);
    let users = &load.roster.borrow().users;
    users.iter().filter(|user| people::family_name(user.n).to_lowercase().contains(&part)).count()
}

/// A page and its neighbour are full and hold people that there are, each once.
async fn page(load: &Load, start: usize, connection: &mut Connection, tally: &RefCell<Tally>) {
    let users = load.users();
    let known: HashMap<String, String> = {
        let roster = load.roster.borrow();
        let name = |n| people::user_name(&roster.prefix, n);
        roster.users.iter().map(|user| (user.id.to_string(), name(user.n))).collect()
    };
    let starts = if start > 100 { [start - 100, start] } else { [start, start + 100] };
    let mut seen = HashSet::new();
    for start in starts {
        let expected = (users + 1).saturating_sub(start).min(100);
        let path = format!("/Users?startIndex={start}&count=100");
        let Some(list) = get(connection, tally, &path, Want::Total(users)).await else { continue };
        let found = resources(&list);
        let mut tally = tally.borrow_mut();
        tally.check(found.len() == expected, || {
            format!("{path}: {} people where {expected} should be", found.len())
        });
        for user in found {
            let id = user["id"].as_str().unwrap_or_default().to_owned();
            let right = known.get(&id).is_some_and(|name| user["userName"] == **name);
            tally.check(right, || {
                format!("{path}: nobody with id {id} and name {} was made", user["userName"])
            });
            tally.check(seen.insert(id.clone()), || format!("{path}: {id} stands there twice"));
        }
    }
}

/// Reads some of the users that were written: does this attribute have the value that was sent last?
pub(super) async fn written(
    load: &Load,
    attribute: &str,
    expected: &HashMap<usize, Value>,
    tally: &RefCell<Tally>,
) {
    let mut connection = Connection::new(&load.target);
    for (index, value) in expected.iter().take(WRITES) {
        let path = format!("/Users/{}", load.user_at(*index).id);
        let Some(user) = get(&mut connection, tally, &path, Want::Status(&[200])).await else { continue };
        tally.borrow_mut().check(user[attribute] == *value, || {
            format!("{path}: {attribute} is {} where {value} was written", user[attribute])
        });
    }
}
