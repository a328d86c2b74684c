//! Any PATCH on any document: each database keeps what the pure functions make of it, or refuses it alike and keeps all
//! as it was.
//!
//! `tests/long patch` tries tens of thousands.

mod groups;
mod invariants;
mod operations;
mod slots;
mod tally;

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use provisioning::Rendered;
use scim_core::{
    Document, ResourceType, ScimError, fold,
    intake::{check_immutable, validate},
    leniency::Leniencies,
    patch::PatchRequest,
};
use serde_json::{Value, json};
use store_testing::{Dice, Trial, sample};

use self::{operations::Maker, slots::Names, tally::Tally};
use crate::support::{Side, World};

/// How many PATCHes to try of each test.
const VARIABLE: &str = "ROLLCALL_LONG_PATCH";
/// PATCHes on one user.
const STEPS: usize = 8;
/// Users that are patched at a time.
const AT_ONCE: usize = 4;
/// Users of whose name nobody else may be.
const TAKEN: [&str; 2] = ["taken@example.com", "Straße@example.com"];

/// A tenant of one kind on each database, and what its users are.
struct Setting {
    name: &'static str,
    kind: Arc<ResourceType>,
    leniencies: Leniencies,
    sides: [Side; 2],
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_become_what_memory_makes_of_them() {
    let mut trial = Trial::new("patch users", VARIABLE, 400);
    let stores = (store_testing::sqlite().await, store_testing::postgres().await);
    let worlds = [World::new(&stores.0), World::new(&stores.1)];
    let settings = settings(&worlds).await;
    let tally = run(&mut trial, |seed, part| user(&worlds, &settings, seed, part)).await;
    tally.check(
        &trial,
        &[
            ("changed", 300),
            ("the same", 50),
            ("400 invalidValue", 50),
            ("400 invalidPath", 10),
            ("400 noTarget", 10),
            ("400 mutability", 10),
            ("400 invalidSyntax", 5),
            ("400 invalidFilter", 1),
            ("409 uniqueness", 1),
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_have_whom_a_set_in_memory_has() {
    let mut trial = Trial::new("patch groups", VARIABLE, 200);
    let stores = (store_testing::sqlite().await, store_testing::postgres().await);
    let worlds = [World::new(&stores.0), World::new(&stores.1)];
    let mut crowds = Vec::new();
    for world in &worlds {
        crowds.push(groups::Crowd::of(world.tenant("generic").await).await);
    }
    let tally = run(&mut trial, |seed, part| groups::group(&crowds, seed, part)).await;
    tally.check(
        &trial,
        &[
            ("changed", 400),
            ("the same", 50),
            ("400 invalidValue", 5),
            ("400 invalidPath", 5),
            ("400 mutability", 5),
            ("400 invalidFilter", 1),
        ],
    );
}

/// Sequences of PATCHes, a few at a time, until there were enough.
async fn run<F>(trial: &mut Trial, sequence: impl Fn(u64, usize) -> F) -> Tally
where
    F: Future<Output = Result<Tally, String>>,
{
    let mut tally = Tally::default();
    let parts = 0..trial.cases.div_ceil(STEPS);
    let seeds: Vec<(u64, usize)> = parts.map(|part| (trial.seed_of(part), part)).collect();
    let sequences = seeds.into_iter().map(|(seed, part)| sequence(seed, part));
    let mut sequences = std::pin::pin!(stream::iter(sequences).buffered(AT_ONCE).enumerate());
    while let Some((part, outcome)) = sequences.next().await {
        tally.add(outcome.unwrap_or_else(|failure| panic!("{}\n{failure}", trial.again(part))));
        trial.progress(tally.bodies());
    }
    trial.report(&tally.figures());
    tally
}

/// All of SCIM and a product's own extension, each with all leniencies and with none.
async fn settings(worlds: &[World<'_>; 2]) -> Vec<Setting> {
    let mut all = Vec::new();
    for (name, is_sample, leniencies) in [
        ("generic", false, Leniencies::LENIENT),
        ("generic, strict", false, Leniencies::STRICT),
        ("own extension", true, Leniencies::LENIENT),
        ("own extension, strict", true, Leniencies::STRICT),
    ] {
        let mut sides = Vec::new();
        for world in worlds {
            let side = world.tenant("generic").await.with(|profile| {
                if is_sample {
                    *profile = sample::profile();
                }
                profile.leniencies = leniencies;
            });
            for name in TAKEN {
                side.make_user(name).await;
            }
            sides.push(side);
        }
        let kind = sides[0].user_type();
        let Ok(sides) = <[Side; 2]>::try_from(sides) else { unreachable!("two databases") };
        all.push(Setting { name, kind, leniencies, sides });
    }
    all
}

/// One user through a sequence of PATCHes on both databases.
async fn user(
    worlds: &[World<'_>; 2],
    settings: &[Setting],
    seed: u64,
    part: usize,
) -> Result<Tally, String> {
    let (mut dice, mut tally) = (Dice::new(seed), Tally::default());
    let setting = dice.pick(settings);
    let names = Names { own: part, taken: TAKEN.map(str::to_owned).to_vec() };
    let name = names.fresh(&mut dice);
    let mut document = sample::document(&setting.kind, &sample::body(&mut dice, &setting.kind, &name));
    let mut ids = Vec::new();
    for side in &setting.sides {
        ids.push(setting.make(side, &document).await);
    }
    for _ in 0..STEPS {
        let patch = Maker { kind: &setting.kind, document: &document, names: &names }.body(&mut dice);
        let expected = setting.next(&document, &patch);
        for ((world, side), id) in worlds.iter().zip(&setting.sides).zip(&ids) {
            // Else the time of the change could be that of the one before.
            world.later(1);
            if let Err(problem) = setting.step(side, id, &document, &patch).await {
                return Err(setting.told(side, id, &document, &patch, problem).await);
            }
        }
        tally.count(setting.name, &patch, expected.as_ref().map(|next| *next != document));
        document = expected.unwrap_or(document);
    }
    Ok(tally)
}

impl Setting {
    /// What the pure functions make of a document.
    fn next(&self, current: &Document, patch: &Value) -> Result<Document, ScimError> {
        let request = PatchRequest::parse(patch, self.leniencies)?;
        let mut document = request.apply(&self.kind, self.leniencies, current)?.document;
        if document == *current {
            return Ok(document);
        }
        check_immutable(&self.kind, current, &document)?;
        validate(&self.kind, &mut document)?;
        let name = |name: &str| fold(name);
        let own = document.get("userName").and_then(Value::as_str).map(name);
        if TAKEN.map(name).iter().any(|taken| own.as_ref() == Some(taken)) {
            return Err(ScimError::uniqueness("taken"));
        }
        Ok(document)
    }

    /// Makes a user; gives its id.
    async fn make(&self, side: &Side, document: &Document) -> String {
        let mut body = Value::Object(document.clone());
        body["schemas"] = json!(self.kind.schema_urns(document));
        let made = side.create_user(&body).await.unwrap_or_else(|error| panic!("{error}: {body}"));
        made.rendered.body["id"].as_str().expect("an id").to_owned()
    }

    /// One PATCH on one database, and what it must leave.
    async fn step(&self, side: &Side, id: &str, current: &Document, patch: &Value) -> Result<(), String> {
        let expected = self.next(current, patch);
        let before = side.user(id).await.map_err(|error| error.to_string())?;
        let answer = side.patch_user(id, patch).await;
        let after = side.user(id).await.map_err(|error| error.to_string())?;
        match (&expected, answer) {
            (Err(expected), Err(got))
                if (expected.status, expected.scim_type) == (got.status, got.scim_type) =>
            {
                if before == after { Ok(()) } else { Err(format!("refused, but now {}", after.body)) }
            }
            (Ok(next), Ok(answer)) if answer == after => self.kept(current, next, &before, &after),
            (expected, answer) => {
                Err(format!("expected {expected:?}\n  answered {answer:?}\n  kept {after:?}"))
            }
        }
    }

    /// Is what is kept the next document, canonical, and a new version only where something changed?
    fn kept(
        &self,
        current: &Document,
        next: &Document,
        before: &Rendered,
        after: &Rendered,
    ) -> Result<(), String> {
        if let Some(problem) = invariants::broken(&self.kind, next) {
            return Err(format!("{problem}\n  in {}", Value::Object(next.clone())));
        }
        if next == current && before != after {
            return Err(format!("nothing changed, but {} became {}", before.body, after.body));
        }
        let (old, new) = (&before.body["meta"], &after.body["meta"]);
        if next != current && (old["version"] == new["version"] || old["lastModified"] == new["lastModified"])
        {
            return Err(format!("changed, but {old} became {new}"));
        }
        if after.body["schemas"] != json!(self.kind.schema_urns(next)) {
            return Err(format!("schemas {} of {}", after.body["schemas"], Value::Object(next.clone())));
        }
        let beside = ["schemas", "id", "meta", "groups"];
        let fields = after.body.as_object().into_iter().flatten();
        let shown: Document = fields
            .filter(|(key, _)| !beside.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if shown == *next { Ok(()) } else { Err(format!("expected {next:?}\n  kept {shown:?}")) }
    }

    /// The failure of the fewest operations that still fail, each time on a fresh user.
    async fn told(
        &self,
        side: &Side,
        id: &str,
        document: &Document,
        patch: &Value,
        problem: String,
    ) -> String {
        let (mut patch, mut problem, mut last) = (patch.clone(), problem, id.to_owned());
        'fewer: loop {
            let count = patch["Operations"].as_array().map_or(0, Vec::len);
            for at in (0..count).filter(|_| count > 1) {
                let mut fewer = patch.clone();
                fewer["Operations"].as_array_mut().expect("a list").remove(at);
                side.delete_user(&last, None).await.expect("deleted");
                last = self.make(side, document).await;
                if let Err(still) = self.step(side, &last, document, &fewer).await {
                    (patch, problem) = (fewer, still);
                    continue 'fewer;
                }
            }
            break;
        }
        format!("{}: {patch}\n  on {}\n  {problem}", self.name, Value::Object(document.clone()))
    }
}
