//! More requests than a node can do, and a tenant beside one that sends them. `tests/long overload` takes the figures.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use store_testing::Trial;
use tokio::{sync::oneshot, task::JoinSet, time::MissedTickBehavior};

use crate::harness::{Database, Installation, PATIENCE, Server, eventually, on_both_databases};

on_both_databases!(too_many_are_turned_away_and_others_are_served, a_node_at_ten_times_what_it_can);

/// The kernel's lowest priority: others have the processors first.
const LOWEST: &str = "19";

/// A file for the figures.
const FIGURES: &str = "ROLLCALL_OVERLOAD_FIGURES";
/// Seconds of each part.
const VARIABLE: &str = "ROLLCALL_LONG_OVERLOAD";
/// Of `tests/run`.
const FEW: Duration = Duration::from_millis(400);
/// Requests under way at most: so many connections the noisy tenant has.
const UNDER_WAY: usize = 2_000;
/// The same in `tests/run`.
const FEW_UNDER_WAY: usize = 100;
/// Requests a second of the quiet tenant.
const QUIET: f64 = 40.0;
/// Requests a second that each tenant may send, where there is a limit: four times what Entra ID asks for.
const LIMIT: u32 = 100;
/// What a node may hold more after a flood than before, in MiB: lines are short, bodies wait unread, and a connection that waits to be
/// turned away takes some 45 KiB.
const MORE: usize = 128;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// A tenant's identity provider, with as many connections as it likes.
#[derive(Clone)]
struct Sender {
    http: reqwest::Client,
    users: String,
    authorization: String,
    next: Arc<AtomicUsize>,
    seen: Arc<Mutex<Seen>>,
}

/// What it was answered.
#[derive(Default)]
struct Seen {
    /// By status; 0 is none at all.
    statuses: BTreeMap<u16, usize>,
    /// 429 and 503 without what they must have, and whatever else is wrong.
    wrong: Vec<String>,
    /// What was accepted took, in milliseconds.
    took: Vec<f64>,
}

impl Seen {
    fn accepted(&self) -> usize {
        self.statuses.iter().filter(|(status, _)| (200..300).contains(*status)).map(|(_, count)| count).sum()
    }

    /// The latency that this share of the accepted is within.
    fn within(&self, share: f64) -> f64 {
        let mut took = self.took.clone();
        took.sort_by(f64::total_cmp);
        took.get(((took.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or(f64::NAN)
    }

    fn latencies(&self) -> String {
        format!("p50 {:.1} ms, p99 {:.1} ms", self.within(0.5), self.within(0.99))
    }
}

impl Sender {
    fn new(server: &Server, slug: &str, authorization: &str) -> Self {
        Self {
            http: client(),
            users: format!("{}/Users", server.base_url(slug)),
            authorization: authorization.to_owned(),
            next: Arc::default(),
            seen: Arc::default(),
        }
    }

    /// The same at a server that was started again.
    fn of(&self, server: &Server, slug: &str) -> Self {
        Self { users: format!("{}/Users", server.base_url(slug)), ..self.clone() }
    }

    /// Makes a user; notes what came of it.
    async fn post(&self) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let body = json!({"schemas": [USER], "userName": format!("{number}@northwind.example")}).to_string();
        let request = self.http.post(&self.users).header("content-type", "application/scim+json").body(body);
        let begun = Instant::now();
        let answer = request.header("authorization", &self.authorization).send().await;
        let (status, retry, text) = match answer {
            Ok(answer) => {
                let (status, retry) =
                    (answer.status().as_u16(), answer.headers().get("retry-after").cloned());
                (status, retry, answer.text().await.unwrap_or_default())
            }
            Err(error) => (0, None, error.to_string()),
        };
        let took = begun.elapsed().as_secs_f64() * 1e3;
        let mut seen = self.seen.lock().unwrap();
        *seen.statuses.entry(status).or_default() += 1;
        match status {
            201 => seen.took.push(took),
            429 | 503 if is_told(retry.as_ref(), &text) => {}
            _ => seen.wrong.push(format!("{status}: {text}")),
        }
    }

    /// So many at the same time.
    async fn burst(&self, count: usize) {
        let mut requests = JoinSet::new();
        for _ in 0..count {
            let sender = self.clone();
            requests.spawn(async move { sender.post().await });
        }
        while requests.join_next().await.is_some() {}
    }

    /// One after the other on so many connections.
    async fn steadily(&self, connections: usize, longest: Duration) {
        let begun = Instant::now();
        let mut requests = JoinSet::new();
        for _ in 0..connections {
            let sender = self.clone();
            requests.spawn(async move {
                while begun.elapsed() < longest {
                    sender.post().await;
                }
            });
        }
        while requests.join_next().await.is_some() {}
    }

    /// So many a second, whether those before were answered or not; gives how many could not be sent.
    async fn offer(&self, rate: f64, longest: Duration) -> usize {
        let mut beat = tokio::time::interval(Duration::from_millis(2));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let most = under_way(longest);
        let (begun, mut due, mut unsent, mut requests) = (Instant::now(), 0_usize, 0, JoinSet::new());
        while begun.elapsed() < longest {
            beat.tick().await;
            let until_now = (begun.elapsed().as_secs_f64() * rate) as usize;
            for _ in due..until_now {
                if requests.len() >= most {
                    unsent += 1;
                    continue;
                }
                let sender = self.clone();
                requests.spawn(async move { sender.post().await });
            }
            due = until_now.max(due);
            while requests.try_join_next().is_some() {}
        }
        while requests.join_next().await.is_some() {}
        unsent
    }

    /// The same from a thread that has the processors when nobody else wants them: the machine is the node's and its database's,
    /// since identity providers have their own.
    fn offer_from_aside(&self, rate: f64, longest: Duration) -> oneshot::Receiver<usize> {
        let (done, unsent) = oneshot::channel();
        let sender = self.clone();
        std::thread::spawn(move || {
            step_back();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // Connections belong to the runtime that they were made in.
            let sender = Self { http: client(), ..sender };
            let _ = done.send(runtime.block_on(sender.offer(rate, longest)));
        });
        unsent
    }

    fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn under_way(longest: Duration) -> usize {
    if longest < Duration::from_secs(1) { FEW_UNDER_WAY } else { UNDER_WAY }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
}

/// Gives this thread the lowest priority.
fn step_back() {
    let thread = std::fs::read_link("/proc/thread-self").unwrap();
    let number = thread.file_name().unwrap();
    let done = std::process::Command::new("renice").args(["-n", LOWEST, "-p"]).arg(number).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// Does a refusal say when to come again, in whole seconds, and what to do?
fn is_told(retry: Option<&reqwest::header::HeaderValue>, text: &str) -> bool {
    let seconds = retry.and_then(|value| value.to_str().ok()).and_then(|value| value.parse::<u32>().ok());
    let error: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let detail = error["detail"].as_str().unwrap_or_default();
    seconds.is_some_and(|seconds| seconds > 0) && detail.contains("Retry-After")
}

/// What the server's process holds in memory, in MiB.
fn memory(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() / 1024
}

fn name(installation: &Installation) -> &'static str {
    if installation.is_sqlite() { "SQLite" } else { "PostgreSQL" }
}

async fn too_many_are_turned_away_and_others_are_served(installation: Installation) {
    installation.run(&["migrate"]);
    let [noisy, quiet] = ["noisy", "quiet"].map(|slug| installation.tenant(slug, "generic"));
    let server = installation.serve_with(&["--max-requests", "4"]).await;
    let noisy = Sender::new(&server, "noisy", &noisy);
    let quiet = Sender::new(&server, "quiet", &quiet);
    quiet.post().await;
    noisy.burst(20).await;
    let before = memory(&server);

    let turned_away = || noisy.seen.lock().unwrap().statuses.contains_key(&503);
    let flood = async {
        // Twice at least; a fast machine may do all of one.
        for bursts in 0.. {
            if bursts >= 2 && turned_away() {
                return;
            }
            assert!(bursts < 20, "nobody is turned away");
            noisy.burst(300).await;
        }
    };
    let others = async {
        for _ in 0..20 {
            quiet.post().await;
        }
    };
    tokio::join!(flood, others);
    let (noisy, quiet) = (noisy.take(), quiet.take());
    assert_eq!(noisy.wrong, Vec::<String>::new());
    assert_eq!((&quiet.wrong, quiet.accepted()), (&Vec::new(), 21), "{:?}", quiet.statuses);
    assert!(noisy.accepted() > 0);
    let [users, entries, events] = installation.made().await;
    let accepted = i64::try_from(noisy.accepted() + quiet.accepted()).unwrap();
    assert_eq!([users, entries, events], [accepted; 3], "what was turned away was not done");
    let after = memory(&server);
    assert!(after <= before + MORE, "{before} MiB before, {after} MiB after");

    let metrics =
        || async { reqwest::get(format!("{}/metrics", server.origin)).await.unwrap().text().await.unwrap() };
    let text = metrics().await;
    let counted = text.lines().filter_map(|line| {
        line.strip_prefix("rollcall_requests_turned_away_total{")?.rsplit_once(' ')?.1.parse::<usize>().ok()
    });
    assert_eq!(counted.sum::<usize>(), noisy.statuses[&503], "{text}");
    eventually(PATIENCE, "rest", || async {
        let text = metrics().await;
        text.contains("rollcall_requests_working 0\n") && text.contains("rollcall_requests_waiting 0\n")
    })
    .await;
}

/// One tenant asks on more connections than the node takes; another that comes later has its turn.
#[tokio::test]
async fn whoever_is_turned_away_gives_up_a_scarce_connection() {
    let installation = Installation::new(Database::Sqlite).await;
    let [noisy, quiet] = ["noisy", "quiet"].map(|slug| installation.tenant(slug, "generic"));
    let server = installation.serve_with(&["--max-connections", "12", "--rate-limit", "2"]).await;
    let (noisy, quiet) = (Sender::new(&server, "noisy", &noisy), Sender::new(&server, "quiet", &quiet));
    let noise = tokio::spawn({
        let noisy = noisy.clone();
        async move { noisy.steadily(36, PATIENCE).await }
    });
    eventually(PATIENCE, "noise", || async { noisy.seen.lock().unwrap().statuses.contains_key(&429) }).await;
    let begun = Instant::now();
    quiet.post().await;
    let took = begun.elapsed();
    noise.abort();
    assert_eq!(quiet.take().accepted(), 1);
    // Three rounds of connections before it, of a second and a half at most.
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(noisy.take().wrong, Vec::<String>::new());
}

/// Less than a second each in `tests/run`, where nothing is said of speed.
async fn a_node_at_ten_times_what_it_can(installation: Installation) {
    let trial = Trial::new("overload", VARIABLE, 1);
    let longest = if trial.cases == 1 { FEW } else { Duration::from_secs(trial.cases as u64) };
    installation.run(&["migrate"]);
    let [noisy, quiet] = ["noisy", "quiet"].map(|slug| installation.tenant(slug, "generic"));
    let server = installation.serve().await;
    let noisy = Sender::new(&server, "noisy", &noisy);
    let quiet = Sender::new(&server, "quiet", &quiet);
    let mut figures = Figures { database: name(&installation), lines: Vec::new(), told: String::new() };

    noisy.steadily(16, longest / 4).await;
    noisy.take();
    noisy.steadily(16, longest).await;
    let usual = noisy.take();
    let rate = usual.accepted() as f64 / longest.as_secs_f64();
    figures.tell(&format!("sustained with 16 connections: {rate:.0} a second, {}", usual.latencies()));
    figures.note("sustained", &usual, json!({"rate": rate}));

    let before = memory(&server);
    let begun = Instant::now();
    let unsent = noisy.offer_from_aside(rate * 10.0, longest).await.unwrap();
    let (seconds, after, over) = (begun.elapsed().as_secs_f64(), memory(&server), noisy.take());
    let status = |status: u16| over.statuses.get(&status).copied().unwrap_or(0);
    let offered: usize = over.statuses.values().sum::<usize>() + unsent;
    figures.tell(&format!(
        "offered {:.0} a second: {} answered 201 ({:.0} a second, {}), {} 429, {} 503, {} otherwise; {unsent} beyond {} \
         under way were not sent; memory {before} MiB before, {after} MiB at the end",
        offered as f64 / longest.as_secs_f64(),
        status(201),
        status(201) as f64 / seconds,
        over.latencies(),
        status(429),
        status(503),
        over.wrong.len(),
        under_way(longest),
    ));
    let more = json!({
        "offered": offered as f64 / longest.as_secs_f64(), "rate": over.accepted() as f64 / seconds,
        "memory": [before, after], "turned_away": status(429) + status(503),
    });
    figures.note("overload", &over, more);
    assert_eq!(over.wrong, Vec::<String>::new());
    assert!(over.accepted() > 0);
    assert!(after <= before + MORE, "{before} MiB before, {after} MiB after");

    let (begun, mut in_a_row) = (Instant::now(), 0);
    while in_a_row < 10 && begun.elapsed() < longest * 2 {
        quiet.post().await;
        let seen = quiet.take();
        let is_usual = seen.took.first().is_some_and(|took| *took <= usual.within(0.5) * 2.0);
        in_a_row = if is_usual { in_a_row + 1 } else { 0 };
    }
    assert!(in_a_row == 10 || trial.cases == 1, "it does not recover");
    figures.tell(&format!(
        "{in_a_row} requests in a row at twice the usual p50 or less {:.1} s after the flood",
        begun.elapsed().as_secs_f64()
    ));

    // The same beside a neighbour that may send what it likes, and beside one with a limit.
    let rate = rate * 10.0;
    let alone = part(&quiet, longest).await;
    figures.note("quiet alone", &alone, json!({"rate": QUIET}));
    let beside = beside_noise(&quiet, &noisy, rate, longest).await;
    figures.beside("quiet beside noise", &alone, &beside);
    drop(server);
    let server = installation.serve_with(&["--rate-limit", &LIMIT.to_string()]).await;
    let [noisy, quiet] = [noisy.of(&server, "noisy"), quiet.of(&server, "quiet")];
    quiet.steadily(1, longest / 8).await;
    quiet.take();
    let alone = part(&quiet, longest).await;
    figures.note("quiet alone, once more", &alone, json!({"rate": QUIET}));
    let beside = beside_noise(&quiet, &noisy, rate, longest).await;
    figures.beside(&format!("quiet beside noise, limit of {LIMIT} a second"), &alone, &beside);
    figures.end(&trial);
}

/// What the quiet tenant is answered meanwhile.
async fn part(quiet: &Sender, longest: Duration) -> Seen {
    let unsent = quiet.offer(QUIET, longest).await;
    let seen = quiet.take();
    assert_eq!((unsent, &seen.wrong), (0, &Vec::new()));
    assert!(seen.accepted() > 0, "the quiet tenant is served");
    seen
}

/// Beside one that offers so many requests a second.
struct Beside {
    /// While its connections all come at once.
    first: Seen,
    then: Seen,
}

async fn beside_noise(quiet: &Sender, noisy: &Sender, rate: f64, longest: Duration) -> Beside {
    let begin = longest / 4;
    let noise = noisy.offer_from_aside(rate, begin + longest);
    let beside = Beside { first: part(quiet, begin).await, then: part(quiet, longest).await };
    noise.await.unwrap();
    assert_eq!(noisy.take().wrong, Vec::<String>::new());
    beside
}

/// What is told in the end, and noted for plots in the file that [`FIGURES`] names, a JSON object a line.
struct Figures {
    database: &'static str,
    lines: Vec<serde_json::Value>,
    told: String,
}

impl Figures {
    fn tell(&mut self, line: &str) {
        writeln!(self.told, "{}: {line}", self.database).unwrap();
    }

    /// Notes a part of the trial, with latencies in milliseconds.
    fn note(&mut self, part: &str, seen: &Seen, more: serde_json::Value) {
        self.lines.push(json!({
            "database": self.database, "part": part, "p50": seen.within(0.5), "p99": seen.within(0.99),
            "accepted": seen.accepted(), "sent": seen.statuses.values().sum::<usize>(), "more": more,
        }));
    }

    /// What became of the quiet tenant.
    fn beside(&mut self, part: &str, alone: &Seen, beside: &Beside) {
        let Beside { first, then } = beside;
        let change = |share: f64| (then.within(share) / alone.within(share) - 1.0) * 100.0;
        let all = [first, then].map(|seen| (seen.accepted(), seen.statuses.values().sum::<usize>()));
        self.tell(&format!(
            "{part}, {QUIET:.0} a second: alone {}; beside ten times the sustained rate {} ({:+.0} %, {:+.0} %), while that began {}; \
             {} of {} accepted",
            alone.latencies(),
            then.latencies(),
            change(0.5),
            change(0.99),
            first.latencies(),
            all[0].0 + all[1].0,
            all[0].1 + all[1].1,
        ));
        self.note(&format!("{part}, as it begins"), first, json!({}));
        self.note(part, then, json!({"p50_change": change(0.5), "p99_change": change(0.99)}));
    }

    fn end(&self, trial: &Trial) {
        trial.report(self.told.trim_end());
        if let Ok(file) = std::env::var(FIGURES) {
            let mut file = std::fs::File::options().append(true).create(true).open(file).unwrap();
            for line in &self.lines {
                writeln!(file, "{line}").unwrap();
            }
        }
    }
}
