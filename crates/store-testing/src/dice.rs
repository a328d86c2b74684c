//! Random choices that a seed repeats.

use std::ops::RangeInclusive;

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

/// Makes the same choices in the same order for the same seed.
pub struct Dice(StdRng);

impl Dice {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A whole number below `end`; 0 when there is none.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.random_range(0..end) }
    }

    /// A whole number of a range.
    pub fn between(&mut self, range: RangeInclusive<usize>) -> usize {
        self.0.random_range(range)
    }

    /// True so many times in a hundred.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.0.random_ratio(percent.min(100), 100)
    }

    /// One of several, each as likely as the others.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<'a, T>(&mut self, several: &'a [T]) -> &'a T {
        assert!(!several.is_empty(), "nothing to choose from");
        &several[self.below(several.len())]
    }

    /// One of several words.
    ///
    /// # Panics
    /// When there is none.
    pub fn word<'t>(&mut self, several: &[&'t str]) -> &'t str {
        let word: &&str = self.pick(several);
        word
    }

    /// One of several, by weight.
    ///
    /// # Panics
    /// When there is none.
    pub fn weighted<T: Copy>(&mut self, several: &[(usize, T)]) -> T {
        let mut left = self.below(several.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in several {
            if left < *weight {
                return *value;
            }
            left -= weight;
        }
        panic!("nothing to choose from")
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A random piece of a text, cut between characters; sometimes empty, sometimes all of it.
    pub fn piece<'t>(&mut self, text: &'t str) -> &'t str {
        let mut ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        ends.push(text.len());
        let (left, right) = (*self.pick(&ends), *self.pick(&ends));
        &text[left.min(right)..left.max(right)]
    }
}
