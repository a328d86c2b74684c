//! Random changes of members, against a set in memory.

use std::collections::BTreeSet;

use scim_core::{ScimError, ScimType, urn};
use serde_json::{Value, json};
use store_testing::Dice;

use super::tally::Tally;
use crate::support::Side;

/// Users that may be members; after them come the groups.
const USERS: usize = 10;
const GROUPS: usize = 3;
/// PATCHes on one group.
const STEPS: usize = 8;

/// Whom a tenant has.
pub(super) struct Crowd {
    side: Side,
    /// Users, then groups, then who is unknown: deleted, never there, no id at all, an id in capitals.
    ids: Vec<String>,
}

impl Crowd {
    /// Makes them.
    pub(super) async fn of(side: Side) -> Self {
        let mut ids = Vec::new();
        for at in 0..USERS {
            ids.push(side.make_user(&format!("member{at}@example.com")).await);
        }
        for at in 0..GROUPS {
            ids.push(side.make_group(&format!("Member {at}"), &[]).await);
        }
        let gone = side.make_user("gone@example.com").await;
        side.delete_user(&gone, None).await.expect("deleted");
        let capitals = ids[0].to_uppercase();
        ids.extend([gone, uuid::Uuid::now_v7().to_string(), "nobody".to_owned(), capitals]);
        Self { side, ids }
    }

    fn is_known(at: usize) -> bool {
        at < USERS + GROUPS
    }
}

/// One operation: members by their places.
enum Move {
    Add(Vec<usize>, usize),
    Remove(Vec<usize>, usize),
    Exactly(Vec<usize>, usize),
    Clear,
    Rename(String),
    Refused(ScimType, Value),
}

impl Move {
    fn random(dice: &mut Dice, part: usize) -> Self {
        let count = dice.between(0..=4);
        let who = (0..count).map(|_| dice.below(USERS + GROUPS + 4)).collect();
        match dice.below(100) {
            0..38 => Self::Add(who, dice.below(4)),
            38..70 => Self::Remove(who, dice.below(3)),
            70..82 => Self::Exactly(who, dice.below(3)),
            82..86 => Self::Clear,
            86..94 => Self::Rename(format!("Group {part} {}", dice.below(3))),
            _ => {
                let (refusal, operation) = dice.pick(&wrong()).clone();
                Self::Refused(refusal, operation)
            }
        }
    }

    /// As a client sends it.
    fn operation(&self, ids: &[String]) -> Value {
        let list =
            |who: &[usize]| -> Vec<Value> { who.iter().map(|at| json!({ "value": ids[*at] })).collect() };
        match self {
            Self::Add(who, 0) if who.len() == 1 => {
                json!({"op": "add", "path": "members", "value": list(who)[0]})
            }
            Self::Add(who, 1) => json!({"op": "Add", "value": { "members": list(who) }}),
            Self::Add(who, 2) => {
                let texts: Vec<&String> = who.iter().map(|at| &ids[*at]).collect();
                json!({"op": "add", "path": "Members", "value": texts})
            }
            Self::Add(who, _) => json!({"op": "add", "path": "members", "value": list(who)}),
            Self::Remove(who, 0 | 1) if !who.is_empty() => {
                let each = who.iter().map(|at| format!("value eq \"{}\"", ids[*at])).collect::<Vec<_>>();
                json!({"op": "remove", "path": format!("members[{}]", each.join(" or "))})
            }
            Self::Remove(who, _) => json!({"op": "Remove", "path": "members", "value": list(who)}),
            Self::Exactly(who, 0) => json!({"op": "replace", "value": {"id": "x", "members": list(who)}}),
            Self::Exactly(who, _) => json!({"op": "replace", "path": "members", "value": list(who)}),
            Self::Clear => json!({"op": "remove", "path": "members"}),
            Self::Rename(name) => json!({"op": "replace", "value": {"id": "x", "displayName": name}}),
            Self::Refused(_, operation) => operation.clone(),
        }
    }

    /// What it does to the members and the name.
    fn apply(&self, members: &mut BTreeSet<usize>, name: &mut String) -> Result<(), ScimType> {
        let known = |who: &[usize]| who.iter().copied().filter(|at| Crowd::is_known(*at)).collect::<Vec<_>>();
        match self {
            Self::Add(who, _) => members.extend(known(who)),
            Self::Remove(who, _) => members.retain(|at| !who.contains(at)),
            Self::Exactly(who, _) => *members = known(who).into_iter().collect(),
            Self::Clear => members.clear(),
            Self::Rename(next) => name.clone_from(next),
            Self::Refused(refusal, _) => return Err(*refusal),
        }
        Ok(())
    }
}

fn wrong() -> [(ScimType, Value); 7] {
    [
        (ScimType::Mutability, json!({"op": "replace", "path": "members.value", "value": "x"})),
        (
            ScimType::Mutability,
            json!({"op": "replace", "path": "members[value eq \"x\"]", "value": {"value": "y"}}),
        ),
        (ScimType::InvalidPath, json!({"op": "remove", "path": "members[type eq \"User\"]"})),
        (ScimType::InvalidPath, json!({"op": "remove", "path": "members[not (value eq \"x\")]"})),
        (ScimType::InvalidFilter, json!({"op": "remove", "path": "members[value eq x]"})),
        (ScimType::InvalidValue, json!({"op": "add", "path": "members", "value": [{"display": "x"}]})),
        (ScimType::InvalidValue, json!({"op": "add", "path": "members", "value": [["x"]]})),
    ]
}

/// One group through a sequence of PATCHes on both databases.
pub(super) async fn group(crowds: &[Crowd], seed: u64, part: usize) -> Result<Tally, String> {
    let (mut dice, mut tally) = (Dice::new(seed), Tally::default());
    let (mut members, mut name) = (BTreeSet::new(), format!("Group {part} 0"));
    let mut made = Vec::new();
    for crowd in crowds {
        made.push(crowd.side.make_group(&name, &[]).await);
    }
    for _ in 0..STEPS {
        let moves: Vec<Move> = (0..dice.between(1..=3)).map(|_| Move::random(&mut dice, part)).collect();
        let (mut next, mut next_name) = (members.clone(), name.clone());
        let outcome = moves.iter().try_for_each(|one| one.apply(&mut next, &mut next_name));
        if outcome.is_err() {
            (next, next_name) = (members.clone(), name.clone());
        }
        let changed = (&next, &next_name) != (&members, &name);
        for (crowd, id) in crowds.iter().zip(&made) {
            let operations: Vec<Value> = moves.iter().map(|one| one.operation(&crowd.ids)).collect();
            let body = json!({ "schemas": [urn::PATCH_OP], "Operations": operations });
            let answer = step(crowd, id, &body, (&next, &next_name), changed, outcome).await;
            let answer = answer.map_err(|problem| format!("{body}\n  of {members:?} {name:?}: {problem}"))?;
            if std::ptr::eq(crowd, &crowds[0]) {
                tally.count("groups", &body, answer.as_ref().map(|()| changed));
            }
        }
        (members, name) = (next, next_name);
    }
    Ok(tally)
}

/// One PATCH on one database: the members, the name, the version and the time that it must leave.
async fn step(
    crowd: &Crowd,
    id: &str,
    body: &Value,
    (members, name): (&BTreeSet<usize>, &String),
    changed: bool,
    outcome: Result<(), ScimType>,
) -> Result<Result<(), ScimError>, String> {
    let before = crowd.side.group(id).await.map_err(|error| error.to_string())?;
    let answer = crowd.side.patch_group(id, body).await;
    let after = crowd.side.group(id).await.map_err(|error| error.to_string())?;
    let got = answer.as_ref().map(|_| ()).map_err(|error| error.scim_type);
    if got != outcome.map_err(Some) {
        return Err(format!("expected {outcome:?}, got {answer:?}"));
    }
    if answer.as_ref().is_ok_and(|answer| *answer != after) {
        return Err(format!("answered {answer:?}, kept {after:?}"));
    }
    let ids = after.body["members"].as_array().into_iter().flatten();
    let ids: BTreeSet<&str> = ids.filter_map(|member| member["value"].as_str()).collect();
    let expected: BTreeSet<&str> = members.iter().map(|at| crowd.ids[*at].as_str()).collect();
    if ids != expected || after.body["displayName"] != **name {
        return Err(format!("expected {name:?} with {expected:?}, got {}", after.body));
    }
    if changed == (before == after) {
        return Err(format!("changed: {changed}, but {} became {}", before.body, after.body));
    }
    Ok(answer.map(drop))
}
