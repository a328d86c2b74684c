//! Groups of any size: one member in or out, and reads that leave the members out.

use anyhow::{Context as _, bail};
use hyper::Method;

use super::{Load, read_back, writes};
use crate::{
    http::Connection,
    measure::{Length, Measured, Want, measure},
    people,
    roster::Group,
};

/// The group scenarios use this many connections for reads; changes of one group follow one another.
const ONE: usize = 1;

/// Makes one group of each size and fills it with the first users of the roster.
///
/// # Errors
///
/// There are not enough users, or the server refuses something.
pub(crate) async fn make(load: &Load, sizes: &[usize], chunk: usize, name: &str) -> anyhow::Result<()> {
    let mut connection = Connection::new(&load.target);
    for (number, &size) in sizes.iter().enumerate() {
        let (prefix, users) = {
            let roster = load.roster.borrow();
            (roster.prefix.clone(), roster.users.iter().take(size).cloned().collect::<Vec<_>>())
        };
        if users.len() < size {
            bail!("a group of {size} needs as many users, there are {}", users.len());
        }
        let name = format!("{prefix}-{name}-{number}-of-{size}");
        let path = format!("{}/Groups", load.target.path);
        let answer = connection.call(&Method::POST, &path, Some(people::group(&name))).await?;
        if answer.status != 201 {
            bail!("POST {path}: {} {}", answer.status, answer.excerpt());
        }
        let id = writes::id(&answer.body).context("the group has no id")?;
        let path = format!("{path}/{id}");
        for chunk in users.chunks(chunk) {
            let body = people::patch_add(&prefix, chunk);
            let answer = connection.call(&Method::PATCH, &path, Some(body)).await?;
            if !matches!(answer.status, 200 | 204) {
                bail!("PATCH {path}: {} {}", answer.status, answer.excerpt());
            }
        }
        load.roster.borrow_mut().groups.push(Group { id, name: name.into(), size });
    }
    load.roster.borrow().save()
}

fn group(load: &Load) -> anyhow::Result<Group> {
    let groups = &load.roster.borrow().groups;
    let group = groups.iter().find(|group| group.size == load.group_size && group.name.contains("-big-"));
    group.cloned().with_context(|| format!("there is no group of {}: make it with `groups`", load.group_size))
}

/// Puts somebody in, takes the same out, over one connection; counts the members afterwards.
pub(super) async fn member(load: &Load) -> anyhow::Result<Measured> {
    let group = group(load)?;
    if load.users() <= group.size {
        bail!("all {} users are in the group", load.users());
    }
    let length = Length { connections: ONE, ..load.length };
    let measured = measure(&load.target, length, load.processes, |mut worker| {
        let (roster, group) = (load.roster.clone(), group.clone());
        async move {
            let path = format!("{}/Groups/{}", worker.path(), group.id);
            while worker.next().is_some() {
                let (prefix, user) = {
                    let roster = roster.borrow();
                    let outside = &roster.users[group.size..];
                    (roster.prefix.clone(), outside[worker.dice.below(outside.len())].clone())
                };
                for body in
                    [people::patch_add(&prefix, std::slice::from_ref(&user)), people::patch_remove(&user)]
                {
                    worker.shot(Method::PATCH, &path, Some(body), Want::Status(&[200, 204])).await;
                }
            }
        }
    })
    .await;
    let mut connection = Connection::new(&load.target);
    let path = format!("/Groups/{}", group.id);
    let whole = read_back::get(&mut connection, &measured.tally, &path, Want::Status(&[200])).await;
    if let Some(whole) = whole {
        let members = whole["members"].as_array().map_or(0, Vec::len);
        measured.tally.borrow_mut().check(members == group.size, || {
            format!("{path}: {members} members where {} should be", group.size)
        });
    }
    Ok(measured)
}

/// GET by id, or `displayName eq`, without the members.
pub(super) async fn read(load: &Load, name: &str) -> anyhow::Result<Measured> {
    let group = group(load)?;
    let (path, want) = if name == "group_get" {
        (format!("/Groups/{}?excludedAttributes=members", group.id), Want::Status(&[200]))
    } else {
        let filter = people::encode(&format!("displayName eq \"{}\"", group.name));
        (format!("/Groups?filter={filter}&excludedAttributes=members"), Want::Total(1))
    };
    let measured = measure(&load.target, load.length, load.processes, |mut worker| {
        let path = format!("{}{path}", worker.path());
        async move {
            while worker.next().is_some() {
                worker.shot(Method::GET, &path, None, want).await;
            }
        }
    })
    .await;
    let mut connection = Connection::new(&load.target);
    let found = read_back::get(&mut connection, &measured.tally, &path, want).await;
    if let Some(found) = found {
        let found = if name == "group_get" { &found } else { &found["Resources"][0] };
        let fits = found["displayName"] == *group.name && found["members"].is_null();
        measured.tally.borrow_mut().check(fits, || format!("{path}: not {} without members", group.name));
    }
    Ok(measured)
}
