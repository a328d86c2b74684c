//! One measurement: workers that send request after request, what they saw, and the line that tells it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    http::{Answer, Connection, Target},
    process::{cpu_seconds, memory},
};

/// xorshift64: the same choices in each run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed + 1) ^ 0x1234_5678_9ABC_DEF1)
    }

    /// Below `n`, or 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % n.max(1) as u64) as usize
    }
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Tally {
    /// Microseconds of each answer.
    latencies: Vec<u32>,
    /// Requests without an answer, or with another status than the right one.
    errors: usize,
    /// Answers that say something wrong.
    wrong: usize,
    bytes: u64,
    /// Answers whose content was looked at closely, outside of the time that is measured.
    verified: usize,
    /// The first error.
    sample: Option<String>,
}

impl Tally {
    pub(crate) fn error(&mut self, what: String) {
        self.errors += 1;
        self.sample.get_or_insert(what);
    }

    pub(crate) fn wrong(&mut self, what: String) {
        self.wrong += 1;
        self.sample.get_or_insert(what);
    }

    /// Counts a check of an answer's content; says what is wrong unless it holds.
    pub(crate) fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.verified += 1;
        if !holds {
            self.wrong(what());
        }
    }

    /// Errors, wrong answers, and the first of them.
    pub(crate) fn faults(&self) -> (usize, usize, Option<&str>) {
        (self.errors, self.wrong, self.sample.as_deref())
    }

    pub(crate) fn latency(&mut self, took: Duration) {
        self.latencies.push(took.as_micros() as u32);
    }
}

/// What a request should give.
#[derive(Clone, Copy)]
pub(crate) enum Want {
    Status(&'static [u16]),
    /// 200 and a list with this `totalResults`.
    Total(usize),
    /// 200 and a list with at least this many.
    AtLeast(usize),
}

/// How long a measurement goes on: until the time is over or so many requests are sent.
#[derive(Clone, Copy)]
pub(crate) struct Length {
    pub(crate) connections: usize,
    pub(crate) secs: f64,
    pub(crate) requests: usize,
    /// Before the clock starts.
    pub(crate) warm_up: f64,
}

/// Whose figures are taken along.
#[derive(Clone, Copy, Default)]
pub(crate) struct Processes {
    pub(crate) server: u32,
    pub(crate) database: u32,
}

/// One connection's share of a measurement.
pub(crate) struct Worker {
    /// From 0, below the number of connections.
    pub(crate) index: usize,
    pub(crate) dice: Dice,
    pub(crate) connection: Connection,
    pub(crate) tally: Rc<RefCell<Tally>>,
    gate: Rc<Gate>,
}

struct Gate {
    over: Cell<bool>,
    taken: Cell<usize>,
    requests: usize,
}

impl Worker {
    /// The number of the next request among all workers; none when the measurement is over.
    pub(crate) fn next(&self) -> Option<usize> {
        let n = self.gate.taken.get();
        if self.gate.over.get() || n >= self.gate.requests {
            return None;
        }
        self.gate.taken.set(n + 1);
        Some(n)
    }

    pub(crate) fn path(&self) -> &str {
        &self.connection.target.path
    }

    /// Sends one request, times it and counts it; gives the answer if its status was right.
    pub(crate) async fn shot(
        &mut self,
        method: Method,
        path: &str,
        body: Option<String>,
        want: Want,
    ) -> Option<Answer> {
        let start = Instant::now();
        let answer = self.connection.call(&method, path, body).await;
        let took = start.elapsed();
        let mut tally = self.tally.borrow_mut();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                tally.error(format!("{error:#}"));
                return None;
            }
        };
        tally.latency(took);
        tally.bytes += answer.body.len() as u64;
        judge(&mut tally, &format!("{method} {path}"), &answer, want).then_some(answer)
    }
}

/// Is the status right? Counts what is not, a wrong total too.
pub(crate) fn judge(tally: &mut Tally, request: &str, answer: &Answer, want: Want) -> bool {
    let right = match want {
        Want::Status(statuses) => statuses.contains(&answer.status),
        Want::Total(_) | Want::AtLeast(_) => answer.status == 200,
    };
    if !right {
        tally.error(format!("{request}: {} {}", answer.status, answer.excerpt()));
        return false;
    }
    let found = || total_results(&answer.body);
    let fits = match want {
        Want::Status(_) => true,
        Want::Total(expected) => found() == Some(expected),
        Want::AtLeast(least) => found().is_some_and(|found| found >= least),
    };
    if !fits {
        tally.wrong(format!("{request}: totalResults is {:?}", found()));
    }
    true
}

/// The number after `"totalResults":`, without parsing the page.
fn total_results(body: &[u8]) -> Option<usize> {
    const KEY: &[u8] = b"\"totalResults\"";
    let after = body.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let rest = body[after..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// CPU seconds of server, database and this process.
fn cpu(processes: Processes) -> [f64; 3] {
    [processes.server, processes.database, std::process::id()].map(cpu_seconds)
}

/// A finished measurement.
pub(crate) struct Measured {
    pub(crate) tally: Rc<RefCell<Tally>>,
    secs: f64,
    cpu: [f64; 3],
    connections: usize,
    processes: Processes,
}

/// Runs a worker on each connection until the measurement is over.
pub(crate) async fn measure<F, Fut>(
    target: &Rc<Target>,
    length: Length,
    processes: Processes,
    work: F,
) -> Measured
where
    F: Fn(Worker) -> Fut,
    Fut: Future<Output = ()> + 'static,
{
    let tally = Rc::new(RefCell::new(Tally::default()));
    let gate = Rc::new(Gate { over: Cell::new(false), taken: Cell::new(0), requests: length.requests });
    let begin = Rc::new(Cell::new((Instant::now(), cpu(processes))));
    let workers: Vec<_> = (0..length.connections)
        .map(|index| {
            tokio::task::spawn_local(work(Worker {
                index,
                dice: Dice::new(index as u64),
                connection: Connection::new(target),
                tally: tally.clone(),
                gate: gate.clone(),
            }))
        })
        .collect();
    let clock = {
        let (gate, tally, begin) = (gate.clone(), tally.clone(), begin.clone());
        tokio::task::spawn_local(async move {
            if length.warm_up > 0.0 {
                tokio::time::sleep(Duration::from_secs_f64(length.warm_up)).await;
                let mut tally = tally.borrow_mut();
                tally.latencies.clear();
                tally.bytes = 0;
                begin.set((Instant::now(), cpu(processes)));
            }
            tokio::time::sleep(Duration::from_secs_f64(length.secs)).await;
            gate.over.set(true);
        })
    };
    for worker in workers {
        if let Err(error) = worker.await {
            tally.borrow_mut().error(format!("a worker ended: {error}"));
        }
    }
    clock.abort();
    let (start, before) = begin.get();
    let after = cpu(processes);
    let used = std::array::from_fn(|index| after[index] - before[index]);
    Measured {
        tally,
        secs: start.elapsed().as_secs_f64(),
        cpu: used,
        connections: length.connections,
        processes,
    }
}

impl Measured {
    /// The measurement as one JSON object. Times are milliseconds, CPU is milliseconds a request, memory is MiB.
    pub(crate) fn line(&self, scenario: &str, users: usize) -> Value {
        let mut tally = self.tally.borrow_mut();
        tally.latencies.sort_unstable();
        let count = tally.latencies.len();
        let quantile = |q: f64| {
            let index = ((count as f64 * q) as usize).min(count.saturating_sub(1));
            tally.latencies.get(index).map_or(0.0, |micros| f64::from(*micros) / 1e3)
        };
        let round = |value: f64| (value * 1e4).round() / 1e4;
        let each = |value: f64| round(value * 1e3 / count.max(1) as f64);
        let [server, database, own] = self.cpu;
        let mut line = json!({
            "scenario": scenario, "users": users, "connections": self.connections,
            "ops": count, "errors": tally.errors, "wrong": tally.wrong, "verified": tally.verified,
            "secs": round(self.secs), "rps": round(count as f64 / self.secs),
            "p50_ms": quantile(0.5), "p95_ms": quantile(0.95), "p99_ms": quantile(0.99), "max_ms": quantile(1.0),
            "bytes": tally.bytes / count.max(1) as u64, "generator_cpu_percent": round(own * 100.0 / self.secs),
        });
        if self.processes.server != 0 {
            line["server_cpu_ms"] = json!(each(server));
            line["rss_mib"] = json!(round(memory(self.processes.server, "VmRSS")));
            line["peak_rss_mib"] = json!(round(memory(self.processes.server, "VmHWM")));
        }
        if self.processes.database != 0 {
            line["database_cpu_ms"] = json!(each(database));
        }
        if let Some(sample) = &tally.sample {
            line["sample"] = json!(sample);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found_however_it_is_written() {
        for (body, total) in [
            (r#"{"schemas":[],"totalResults":12,"Resources":[]}"#, Some(12)),
            ("{\"totalResults\" :\n 0}", Some(0)),
            (r#"{"totalResults":"12"}"#, None),
            (r#"{"total":12}"#, None),
            ("", None),
        ] {
            assert_eq!(total_results(body.as_bytes()), total, "{body}");
        }
    }

    #[test]
    fn a_wrong_total_and_a_wrong_status_are_told_apart() {
        let mut tally = Tally::default();
        let answer = |status, body: &'static str| Answer { status, body: body.into() };
        assert!(judge(&mut tally, "GET a", &answer(200, r#"{"totalResults":1}"#), Want::Total(1)));
        assert_eq!(tally.faults(), (0, 0, None));
        assert!(judge(&mut tally, "GET b", &answer(200, r#"{"totalResults":2}"#), Want::Total(1)));
        assert!(!judge(&mut tally, "GET c", &answer(503, "busy"), Want::Total(1)));
        assert_eq!(tally.faults(), (1, 1, Some("GET b: totalResults is Some(2)")));
    }
}
