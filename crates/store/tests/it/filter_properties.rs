//! Any filter, any order, any page over any population: both databases give what the evaluator in memory gives.
//!
//! `tests/long filters` tries tens of thousands.

mod kept;
mod literals;
mod orders;
mod population;
mod random;
mod tally;
mod targets;
mod tree;

use futures::{StreamExt as _, future::join_all, stream};
use scim_core::{
    ResourceKind, ResourceType,
    filter::{Filter, parse},
};
use store::{Backend, Sort};
use store_testing::{Dice, Trial};

use self::{kept::Kept, population::Population, random::Maker, tally::Tally, targets::Target, tree::Tree};

/// Filters on one population.
const FILTERS: usize = 200;
/// Orders on one population.
const ORDERS: usize = 20;
/// Filters that one database answers at a time.
const AT_ONCE: usize = 4;

/// Users and groups with what can be asked of them.
struct Kinds {
    user: ResourceType,
    group: ResourceType,
    of_users: Vec<Target>,
    of_groups: Vec<Target>,
}

/// One filter, and a page of what it selects.
struct Case {
    kind: ResourceKind,
    tree: Tree,
    page: (usize, usize),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_select_and_sort_as_memory_does() {
    let mut trial = Trial::new("filters", "ROLLCALL_LONG_FILTERS", 400);
    let (sqlite, postgres) = (kept::open(Backend::Sqlite).await, kept::open(Backend::Postgres).await);
    let (kinds, mut tally) = (Kinds::new(), Tally::default());
    for part in 0.. {
        if tally.filters() >= trial.cases {
            break;
        }
        let mut dice = Dice::new(trial.seed_of(part));
        let population = Population::random(&mut dice);
        let sides = futures::join!(
            Kept::of(&sqlite, Backend::Sqlite, &population),
            Kept::of(&postgres, Backend::Postgres, &population),
        );
        let sides = [sides.0, sides.1];
        let cases = cases(&mut dice, &kinds, &sides[0], FILTERS);
        if let Err(failure) = filters(&kinds, &sides, &cases, &mut tally).await {
            panic!("{}\n{failure}", trial.again(part));
        }
        if let Err(failure) = sorted(&mut dice, &kinds, &sides, &cases, &mut tally).await {
            panic!("{}\n{failure}", trial.again(part));
        }
        trial.progress(tally.filters());
    }
    trial.report(&tally.figures());
    if trial.is_full {
        tally.check();
    }
}

fn cases(dice: &mut Dice, kinds: &Kinds, kept: &Kept, count: usize) -> Vec<Case> {
    let case = |_| {
        let kind = dice.weighted(&[(75, ResourceKind::User), (25, ResourceKind::Group)]);
        let tree = Maker { kind, kept, targets: kinds.targets(kind) }.filter(dice);
        Case { kind, tree, page: (dice.between(0..=30), dice.between(0..=20)) }
    };
    (0..count).map(case).collect()
}

/// All filters of a population on both databases at once, a few at a time.
async fn filters(kinds: &Kinds, sides: &[Kept; 2], cases: &[Case], tally: &mut Tally) -> Result<(), String> {
    let all = sides.iter().map(|kept| {
        let checks = stream::iter(cases).map(move |case| async move {
            let outcome = check(kinds, kept, case.kind, &case.tree, case.page).await;
            (case, outcome)
        });
        checks.buffered(AT_ONCE).collect::<Vec<_>>()
    });
    let [left, right] = &join_all(all).await[..] else { unreachable!("two databases") };
    for ((case, left), (_, right)) in left.iter().zip(right) {
        for (kept, outcome) in sides.iter().zip([left, right]) {
            if let Err(problem) = outcome {
                return Err(told(kinds, kept, case, problem).await);
            }
        }
        if left != right && !case.tree.is_of_ids() {
            return Err(format!("{}\n  SQLite {left:?}\n  PostgreSQL {right:?}", case.tree.text(&sides[0])));
        }
        let hits = left.as_ref().map_or(0, Vec::len);
        tally.filter(case.kind, &case.tree, hits, sides[0].rows(case.kind).len());
    }
    Ok(())
}

/// Demands of a database what the evaluator selects, whole and by one page; gives the places of the rows.
async fn check(
    kinds: &Kinds,
    kept: &Kept,
    kind: ResourceKind,
    tree: &Tree,
    (offset, limit): (usize, usize),
) -> Result<Vec<usize>, String> {
    let filter = kinds.bound(kind, tree, kept);
    let expected = kept.evaluate(kind, &filter);
    let list = async |page| {
        let listed = kept.list(kind, Some(&filter), None, page).await;
        listed.map_err(|error| format!("the database refuses it: {error:?}"))
    };
    let whole = list((0, 1000)).await?;
    if whole.rows != expected {
        return Err(format!("expected {expected:?}\n  got      {:?}", whole.rows));
    }
    let page = list((offset, limit)).await?;
    let part: Vec<usize> = expected.iter().copied().skip(offset).take(limit).collect();
    if page.rows != part || [whole.total, page.total] != [expected.len(); 2] {
        return Err(format!(
            "from {offset} at most {limit}: expected {part:?} of {}\n  got {:?} of {} ({} before)",
            expected.len(),
            page.rows,
            page.total,
            whole.total
        ));
    }
    Ok(expected)
}

/// The failure of the smallest part of a filter that still fails, with the rows on which they differ.
async fn told(kinds: &Kinds, kept: &Kept, case: &Case, problem: &str) -> String {
    let (mut tree, mut problem) = (case.tree.clone(), problem.to_owned());
    'smaller: loop {
        for smaller in tree.smaller() {
            if let Err(still) = check(kinds, kept, case.kind, &smaller, case.page).await {
                (tree, problem) = (smaller, still);
                continue 'smaller;
            }
        }
        break;
    }
    let filter = kinds.bound(case.kind, &tree, kept);
    let expected = kept.evaluate(case.kind, &filter);
    let got = kept.list(case.kind, Some(&filter), None, (0, 1000)).await.map_or(Vec::new(), |got| got.rows);
    let rows = kept.rows(case.kind).iter().enumerate();
    let differing = rows.filter(|(place, _)| expected.contains(place) != got.contains(place)).take(3);
    let rows: Vec<String> =
        differing.map(|(place, row)| format!("  {place} {}: {}", row.id, row.form)).collect();
    format!(
        "{:?}, {}: {}\n  of       {}\n  {problem}\n{}",
        kept.backend,
        case.kind.name(),
        tree.text(kept),
        case.tree.text(kept),
        rows.join("\n")
    )
}

/// Random orders, some under a filter, in pages of random sizes.
async fn sorted(
    dice: &mut Dice,
    kinds: &Kinds,
    sides: &[Kept; 2],
    cases: &[Case],
    tally: &mut Tally,
) -> Result<(), String> {
    for _ in 0..ORDERS {
        let kind = dice.weighted(&[(75, ResourceKind::User), (25, ResourceKind::Group)]);
        let target = Maker { kind, kept: &sides[0], targets: kinds.targets(kind) }.target(dice).clone();
        let sort = Sort { by: target.compared.clone(), descending: dice.chance(50) };
        let of_kind: Vec<&Case> = cases.iter().filter(|case| case.kind == kind).collect();
        let case = (dice.chance(40) && !of_kind.is_empty()).then(|| *dice.pick(&of_kind));
        for kept in sides {
            let filter = case.map(|case| kinds.bound(kind, &case.tree, kept));
            let outcome = orders::check(dice, kept, kind, filter.as_ref(), &sort).await;
            let pages = outcome.map_err(|problem| {
                let text = case.map_or_else(String::new, |case| case.tree.text(kept));
                let direction = if sort.descending { "descending" } else { "ascending" };
                format!(
                    "{:?}, {} by {} {direction} {text}\n  {problem}",
                    kept.backend,
                    kind.name(),
                    sort.by.path()
                )
            })?;
            tally.order(kind, target.home, pages);
        }
    }
    Ok(())
}

impl Kinds {
    fn new() -> Self {
        let user = (*store_testing::sample::profile().user).clone();
        let group = ResourceType::group();
        Self { of_users: targets::targets(&user), of_groups: targets::targets(&group), user, group }
    }

    fn targets(&self, kind: ResourceKind) -> &[Target] {
        match kind {
            ResourceKind::User => &self.of_users,
            ResourceKind::Group => &self.of_groups,
        }
    }

    /// The filter, as one database's ids make it.
    fn bound(&self, kind: ResourceKind, tree: &Tree, kept: &Kept) -> Filter {
        let text = tree.text(kept);
        let of = match kind {
            ResourceKind::User => &self.user,
            ResourceKind::Group => &self.group,
        };
        parse(&text, of, true).unwrap_or_else(|error| panic!("{text}: {error}"))
    }
}
