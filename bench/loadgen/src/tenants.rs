//! Many tenants at once, each at the same steady rate: requests are sent when their time has come, whether those before
//! them were answered or not, so a slow server cannot slow the load down.

use std::{
    cell::{Cell, RefCell},
    path::PathBuf,
    rc::Rc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use tokio::{task::spawn_local, time::Instant};

use crate::{
    http::{Connection, Target},
    measure::Tally,
    measure::{Dice, Length, Processes, judge},
    process::cpu_seconds,
    roster::{Roster, User},
    scenarios::{self, Deck, Kind, Load},
};

/// Members of each tenant's one group.
const MEMBERS: usize = 20;

/// More requests than this without an answer: the server does not keep up.
const MOST_OPEN: usize = 4000;

/// Tenants that are filled at once.
const AT_ONCE: usize = 4;

/// Longest wait for the last answers.
const LAST_WAIT: Duration = Duration::from_secs(30);

/// Tenants, rate and time.
#[derive(Args)]
pub(crate) struct Steady {
    /// One tenant a line: base URL, Authorization header and roster file, with tabs between
    #[arg(long)]
    tenants: PathBuf,
    /// Requests a second, all tenants together
    #[arg(long)]
    rate: f64,
    /// Seconds
    #[arg(long, default_value_t = 30.0)]
    secs: f64,
    /// Users that a tenant without any gets first
    #[arg(long, default_value_t = 200)]
    users: usize,
}

struct Tenant {
    name: String,
    load: Load,
    idle: RefCell<Vec<Connection>>,
    tally: Rc<RefCell<Tally>>,
    micros: RefCell<Vec<u32>>,
    next: Cell<usize>,
}

fn read(steady: &Steady) -> anyhow::Result<Vec<Rc<Tenant>>> {
    let text = std::fs::read_to_string(&steady.tenants).context("the file of tenants")?;
    let length = Length { connections: 4, secs: 600.0, requests: steady.users, warm_up: 0.0 };
    let mut tenants = vec![];
    for line in text.lines() {
        let [base, authorization, roster] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("{}: a line needs base URL, Authorization and roster", steady.tenants.display());
        };
        let roster = Roster::open(roster.as_ref(), "tenant")?;
        let next = Cell::new(roster.next());
        tenants.push(Rc::new(Tenant {
            name: base.to_owned(),
            load: Load {
                target: Target::new(base, authorization)?,
                roster: Rc::new(RefCell::new(roster)),
                length,
                processes: Processes::default(),
                group_size: MEMBERS,
            },
            idle: RefCell::default(),
            tally: Rc::default(),
            micros: RefCell::default(),
            next,
        }));
    }
    Ok(tenants)
}

/// Users and a group for a tenant that has none.
async fn fill(tenant: Rc<Tenant>) -> anyhow::Result<()> {
    if tenant.load.roster.borrow().users.is_empty() {
        let line = scenarios::run(&tenant.load, "create").await?;
        if line["errors"] != 0 || line["wrong"] != 0 {
            bail!("{}: {line}", tenant.name);
        }
        scenarios::make_groups(&tenant.load, &[MEMBERS], MEMBERS, "mixed").await?;
        tenant.next.set(tenant.load.roster.borrow().next());
    }
    Ok(())
}

/// What all tenants share.
struct Field {
    open: Cell<usize>,
    lost: Cell<bool>,
    answered: Cell<usize>,
    /// Longest time by which a request was sent late, for want of this process's own CPU.
    latest: Cell<Duration>,
}

/// Sends one request over an idle connection of the tenant, or a new one.
async fn send(tenant: Rc<Tenant>, field: Rc<Field>, kind: Kind, mut dice: Dice) {
    let number = tenant.next.get();
    if kind == Kind::Create {
        tenant.next.set(number + 1);
    }
    let prepared = kind.prepare(&tenant.load.roster.borrow(), &mut dice, number);
    let idle = tenant.idle.borrow_mut().pop();
    let mut connection = idle.unwrap_or_else(|| Connection::new(&tenant.load.target));
    let path = format!("{}{}", tenant.load.target.path, prepared.path);
    let start = Instant::now();
    let answer = connection.call(&prepared.method, &path, prepared.body).await;
    tenant.micros.borrow_mut().push(start.elapsed().as_micros() as u32);
    field.open.set(field.open.get() - 1);
    field.answered.set(field.answered.get() + 1);
    let mut tally = tenant.tally.borrow_mut();
    match answer {
        Err(error) => tally.error(format!("{error:#}")),
        Ok(answer) => {
            let request = format!("{} {path}", prepared.method);
            let right = judge(&mut tally, &request, &answer, prepared.want);
            tenant.idle.borrow_mut().push(connection);
            if right
                && kind == Kind::Create
                && let Some(id) = scenarios::id(&answer.body)
            {
                tenant.load.roster.borrow_mut().users.push(User { id, n: number });
            }
        }
    }
}

/// One request in each slot of a tenant's time, at a random moment of it.
async fn arrivals(tenant: Rc<Tenant>, field: Rc<Field>, seed: u64, slot: f64, start: Instant, secs: f64) {
    let (mut dice, mut deck) = (Dice::new(seed), Deck::new());
    let mut n = 0_u32;
    loop {
        let within = dice.below(1_000_000) as f64 / 1e6;
        let after = (f64::from(n) + within) * slot;
        n += 1;
        if after >= secs || field.lost.get() {
            return;
        }
        let at = start + Duration::from_secs_f64(after);
        tokio::time::sleep_until(at).await;
        field.latest.set(field.latest.get().max(at.elapsed()));
        field.open.set(field.open.get() + 1);
        field.lost.set(field.lost.get() || field.open.get() > MOST_OPEN);
        let kind = deck.draw(&mut dice);
        let own = Dice::new(seed << 32 | u64::from(n));
        spawn_local(send(tenant.clone(), field.clone(), kind, own));
    }
}

fn quantile(micros: &mut [u32], q: f64) -> f64 {
    micros.sort_unstable();
    let index = ((micros.len() as f64 * q) as usize).min(micros.len().saturating_sub(1));
    micros.get(index).map_or(0.0, |micros| f64::from(*micros) / 1e3)
}

/// Worst and best p99 of tenants if all answers were dealt among them by chance: what is left of the difference between
/// tenants when nobody is favoured.
fn by_chance(micros: &[u32], tenants: usize) -> (f64, f64) {
    let (mut dealt, mut dice) = (micros.to_vec(), Dice::new(0));
    for at in (1..dealt.len()).rev() {
        dealt.swap(at, dice.below(at + 1));
    }
    let hand = (dealt.len() / tenants.max(1)).max(1);
    let each: Vec<f64> = dealt.chunks_exact_mut(hand).map(|hand| quantile(hand, 0.99)).collect();
    let (worst, best) = (each.iter().copied().reduce(f64::max), each.iter().copied().reduce(f64::min));
    (worst.unwrap_or(0.0), best.unwrap_or(0.0))
}

/// Runs the load and gives its line: how each tenant fared, the worst and the best of them.
///
/// # Errors
///
/// The file of tenants is wrong, or the server refuses what a tenant is filled with.
pub(crate) async fn tenants(steady: &Steady, processes: Processes) -> anyhow::Result<Value> {
    let tenants = read(steady)?;
    for some in tenants.chunks(AT_ONCE) {
        let filling: Vec<_> = some.iter().cloned().map(|tenant| spawn_local(fill(tenant))).collect();
        for tenant in filling {
            tenant.await??;
        }
    }
    let field = Rc::new(Field {
        open: Cell::new(0),
        lost: Cell::new(false),
        answered: Cell::new(0),
        latest: Cell::new(Duration::ZERO),
    });
    let cpu = || [cpu_seconds(processes.server), cpu_seconds(processes.database)];
    let slot = tenants.len() as f64 / steady.rate;
    let (before, start) = (cpu(), Instant::now());
    let sources: Vec<_> = (0_u64..)
        .zip(&tenants)
        .map(|(seed, tenant)| {
            spawn_local(arrivals(tenant.clone(), field.clone(), seed, slot, start, steady.secs))
        })
        .collect();
    for source in sources {
        source.await?;
    }
    let (secs, in_time) = (start.elapsed().as_secs_f64(), field.answered.get());
    let after = cpu();
    let limit = Instant::now() + LAST_WAIT;
    while field.open.get() > 0 && Instant::now() < limit {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut each = vec![];
    let (mut all, mut errors, mut wrong, mut sample) = (vec![], 0, 0, None);
    for tenant in &tenants {
        let mut micros = tenant.micros.borrow_mut();
        each.push(quantile(&mut micros, 0.99));
        all.extend_from_slice(&micros);
        let tally = tenant.tally.borrow();
        let (failed, false_ones, first) = tally.faults();
        errors += failed;
        wrong += false_ones;
        sample = sample.or_else(|| first.map(|first| format!("{}: {first}", tenant.name)));
        tenant.load.roster.borrow().save()?;
    }
    each.sort_unstable_by(f64::total_cmp);
    let (chance_worst, chance_best) = by_chance(&all, tenants.len());
    let (best, worst) = (each.first().copied().unwrap_or(0.0), each.last().copied().unwrap_or(0.0));
    let per = |index: usize| (after[index] - before[index]) * 1e3 / in_time.max(1) as f64;
    let unanswered = field.open.get();
    let mut line = json!({
        "scenario": "tenants", "tenants": tenants.len(), "rate": steady.rate, "secs": secs, "ops": all.len(),
        "errors": errors + unanswered, "wrong": wrong, "rps": in_time as f64 / secs, "gave_up": field.lost.get(),
        "p50_ms": quantile(&mut all, 0.5), "p95_ms": quantile(&mut all, 0.95), "p99_ms": quantile(&mut all, 0.99),
        "best_p99_ms": best, "worst_p99_ms": worst, "middle_p99_ms": each[each.len() / 2],
        "chance_best_p99_ms": chance_best, "chance_worst_p99_ms": chance_worst,
        "sent_late_ms": field.latest.get().as_secs_f64() * 1e3,
        "server_cpu_ms": per(0), "database_cpu_ms": per(1),
    });
    if let Some(sample) = sample {
        line["sample"] = json!(sample);
    }
    Ok(line)
}
