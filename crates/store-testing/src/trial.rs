//! How much of a property one run tries: a little with a fixed seed in `tests/run`, a lot in `tests/long`.

#![allow(clippy::print_stderr, reason = "a trial tells what it tried")]

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

/// Time between two lines about the progress.
const BEAT: Duration = Duration::from_secs(5);

/// Names the seed of a run that is to be repeated.
const SEED: &str = "ROLLCALL_SEED";

/// The size and the seed of one run.
pub struct Trial {
    name: &'static str,
    /// Cases to try.
    pub cases: usize,
    /// Where random choices start.
    pub seed: u64,
    /// Enough cases to judge what kinds of them there were; a repetition of one part has fewer.
    pub is_full: bool,
    is_long: bool,
    started: Instant,
    told: Instant,
}

impl Trial {
    /// As many cases as the variable says, from a random seed; without it, `few` cases and always the same. Either way
    /// `ROLLCALL_SEED` chooses the seed.
    ///
    /// # Panics
    /// When a variable is no number.
    #[must_use]
    pub fn new(name: &'static str, variable: &str, few: usize) -> Self {
        let long: Option<usize> = number(variable);
        let seed = number(SEED).unwrap_or_else(|| if long.is_some() { rand::random() } else { 1 });
        let now = Instant::now();
        let trial = Self {
            name,
            cases: long.unwrap_or(few),
            seed,
            is_full: long.is_none_or(|cases| cases >= few),
            is_long: long.is_some(),
            started: now,
            told: now,
        };
        eprintln!("{name}: {} cases from {SEED}={seed}", trial.cases);
        trial
    }

    /// The seed of one part; a run of that seed begins with this part.
    #[must_use]
    pub fn seed_of(&self, part: usize) -> u64 {
        self.seed.wrapping_add(part as u64)
    }

    /// How to repeat a part.
    #[must_use]
    pub fn again(&self, part: usize) -> String {
        format!("repeat it with {SEED}={}", self.seed_of(part))
    }

    /// Tells every few seconds how far a long run is.
    pub fn progress(&mut self, done: usize) {
        if self.is_long && self.told.elapsed() >= BEAT {
            self.told = Instant::now();
            eprintln!("{}: {done} of {} after {} s", self.name, self.cases, self.started.elapsed().as_secs());
        }
    }

    /// Tells what was tried.
    pub fn report(&self, figures: &str) {
        eprintln!("{}: done in {:.1} s\n{figures}", self.name, self.started.elapsed().as_secs_f64());
    }
}

fn number<T: FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}: {text:?} is no number")))
}
