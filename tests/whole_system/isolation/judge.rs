//! What counts as a success of somebody who tries to break out, and how many attempts there were.

use std::collections::BTreeMap;

use super::{
    prey::Prey,
    request::{Answer, Request},
};

/// Something of these tenants in an answer to somebody else, which the request did not say itself.
pub(super) fn leak<'a>(
    request: &Request,
    answer: &Answer,
    tenants: impl IntoIterator<Item = &'a Prey>,
) -> Option<String> {
    let (said, told) = (request.said(), answer.text());
    let mut secrets = tenants.into_iter().flat_map(Prey::secrets);
    let secret = secrets.find(|secret| told.contains(*secret) && !said.contains(*secret))?;
    Some(format!("{} tells {secret}: {} {}", request.title(), answer.status, shortened(&told)))
}

/// An answer that is another one than that about nobody: it tells that there is something.
pub(super) fn tell(request: &Request, answers: [(&Answer, &Prey); 2]) -> Option<String> {
    let [about, nobody] = answers.map(|(answer, prey)| answer.masked(prey));
    (about != nobody).then(|| {
        let same = about.chars().zip(nobody.chars()).take_while(|(one, other)| one == other).count();
        let from = |text: &str| text.chars().skip(same.saturating_sub(100)).take(500).collect::<String>();
        format!("{} is told from what is not there: …{} | …{}", request.title(), from(&about), from(&nobody))
    })
}

fn shortened(text: &str) -> String {
    text.chars().take(1200).collect()
}

/// Attempts by what was tried, and what of them went through.
pub(super) struct Tally {
    /// One of so many is tried, beginning with this one.
    pub(super) share: (usize, usize),
    tried: BTreeMap<&'static str, usize>,
    successes: Vec<String>,
}

impl Tally {
    /// All are tried.
    pub(super) fn of_all() -> Self {
        Self::of_one_in(1, 0)
    }

    /// One in so many is tried; the seed says which.
    pub(super) fn of_one_in(share: usize, seed: u64) -> Self {
        let first = usize::try_from(seed).unwrap_or_default() % share;
        Self { share: (share, first), tried: BTreeMap::new(), successes: Vec::new() }
    }

    pub(super) fn count(&mut self, kind: &'static str, successes: impl IntoIterator<Item = String>) {
        *self.tried.entry(kind).or_default() += 1;
        self.successes.extend(successes);
    }

    /// What is otherwise after all of them.
    pub(super) fn found_after(&mut self, successes: impl IntoIterator<Item = String>) {
        self.successes.extend(successes);
    }

    /// All attempts.
    pub(super) fn attempts(&self) -> usize {
        self.tried.values().sum()
    }

    pub(super) fn successes(&self) -> &[String] {
        &self.successes
    }

    /// For people.
    pub(super) fn table(&self, title: &str) -> String {
        let rows =
            self.tried.iter().map(|(kind, tried)| format!("  {kind:<16}{tried:>6}\n")).collect::<String>();
        let (all, went) = (self.attempts(), self.successes.len());
        format!("{title}\n{rows}  {:<16}{all:>6} attempts, {went} successes\n", "together")
    }
}
