//! What was tried, and whether it was worth trying.

use std::collections::BTreeMap;

use scim_core::ResourceKind;

use super::{targets::Home, tree::Tree};

/// Numbers of one run.
#[derive(Default)]
pub(super) struct Tally {
    kinds: BTreeMap<&'static str, usize>,
    operators: BTreeMap<&'static str, usize>,
    depths: BTreeMap<usize, usize>,
    elements: usize,
    /// Rows that filters selected, of all rows that they looked at.
    hits: (usize, usize),
    /// Filters that selected no row, some, all.
    spread: [usize; 3],
    orders: BTreeMap<String, usize>,
    pages: usize,
}

impl Tally {
    /// A filter that selected `hits` of `rows`.
    pub(super) fn filter(&mut self, kind: ResourceKind, tree: &Tree, hits: usize, rows: usize) {
        *self.kinds.entry(kind.name()).or_default() += 1;
        *self.depths.entry(tree.depth().min(4)).or_default() += 1;
        for leaf in tree.leaves() {
            *self.operators.entry(leaf.op).or_default() += 1;
        }
        self.elements += usize::from(tree.elements() > 0);
        self.hits = (self.hits.0 + hits, self.hits.1 + rows);
        self.spread[if hits == 0 { 0 } else { 1 + usize::from(hits == rows) }] += 1;
    }

    /// An order that was read in so many pages.
    pub(super) fn order(&mut self, kind: ResourceKind, home: Home, pages: usize) {
        *self.orders.entry(format!("{} {home:?}", kind.name())).or_default() += 1;
        self.pages += pages;
    }

    /// Filters so far.
    pub(super) fn filters(&self) -> usize {
        self.kinds.values().sum()
    }

    /// For people.
    pub(super) fn figures(&self) -> String {
        format!(
            "  filters    {} on both databases, by type {:?}\n  depth      {:?} (4: and more)\n  operators  {:?}\n  \
             value path {} filters have one\n  rows hit   {:.1} % of {}; filters that select none, some, all: {:?}\n  \
             orders     {} by type and home {:?}, read in {} pages",
            self.filters(),
            self.kinds,
            self.depths,
            self.operators,
            self.elements,
            self.hit_rate(),
            self.hits.1,
            self.spread,
            self.orders.values().sum::<usize>(),
            self.orders,
            self.pages,
        )
    }

    /// Was every operator, depth and type tried often enough, on filters that select some rows and not others?
    pub(super) fn check(&self) {
        let filters = self.filters();
        let share = |count: usize| 100.0 * count as f64 / filters as f64;
        let figures = self.figures();
        assert!(self.kinds.len() == 2 && self.kinds.values().all(|count| share(*count) > 10.0), "{figures}");
        assert!(self.depths.len() == 5 && self.depths.values().all(|count| share(*count) > 3.0), "{figures}");
        assert!(
            self.operators.len() == 10 && self.operators.values().all(|count| share(*count) > 5.0),
            "{figures}"
        );
        assert!((20.0..=80.0).contains(&self.hit_rate()), "{figures}");
        assert!(share(self.spread[1]) > 50.0, "{figures}");
        assert!(share(self.elements) > 8.0 && self.orders.len() == 6, "{figures}");
    }

    fn hit_rate(&self) -> f64 {
        100.0 * self.hits.0 as f64 / self.hits.1.max(1) as f64
    }
}
