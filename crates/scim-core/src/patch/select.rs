//! The filter in brackets of a PATCH path: which elements it selects, and which element it would describe.

use serde_json::{Map, Number, Value};

use crate::{
    error::{ScimError, ScimType},
    filter::{CompareOp, Filter, Literal},
    fold::same,
    resource::AttrRef,
    timestamp,
};

/// A bound filter, and the strings in it as they were written: binding folds them, and an element that is made from
/// the filter keeps the client's spelling.
pub(super) struct Selection {
    /// The filter.
    pub(super) filter: Filter,
    written: Vec<String>,
}

impl Selection {
    /// `path`: the whole PATCH path that the filter was parsed from.
    pub(super) fn new(filter: Filter, path: &str) -> Self {
        let inside = path.find('[').map_or("", |open| &path[open..]);
        Self { filter, written: strings(inside) }
    }

    /// Positions of the elements selected.
    pub(super) fn positions(&self, elements: &[Value]) -> Vec<usize> {
        let selected = |(at, element)| self.filter.matches_element(element).then_some(at);
        elements.iter().enumerate().filter_map(selected).collect()
    }

    /// The element that an `eq` filter, or an `and` of them, describes. `None` for any other filter.
    pub(super) fn described(&self) -> Option<Map<String, Value>> {
        let mut pairs = Vec::new();
        equalities(&self.filter, &mut pairs)?;
        let mut written = self.written.iter();
        pairs
            .into_iter()
            .map(|(target, literal)| {
                let value = match literal {
                    Literal::String(folded) => {
                        written.find(|text| same(text, folded)).unwrap_or(folded).clone().into()
                    }
                    Literal::Boolean(truth) => (*truth).into(),
                    Literal::Number(number) => Value::Number(json_number(*number)?),
                    Literal::Instant(millis) => timestamp::to_rfc3339(*millis).into(),
                    Literal::Null => return None,
                };
                Some((target.sub.as_ref()?.name.clone(), value))
            })
            .collect()
    }

    /// Whether the filter is an `eq` comparison, or an `and` of them.
    pub(super) fn is_equality(&self) -> bool {
        equalities(&self.filter, &mut Vec::new()).is_some()
    }

    /// The ids in `value eq "x"`, or in an `or` of such comparisons. `None` for any other filter.
    pub(super) fn ids(&self) -> Option<Vec<String>> {
        let alternatives = match &self.filter {
            Filter::Or(alternatives) => alternatives.as_slice(),
            single => std::slice::from_ref(single),
        };
        let mut written = self.written.iter();
        alternatives
            .iter()
            .map(|alternative| match alternative {
                Filter::Compare { target, op: CompareOp::Eq, value: Literal::String(folded) }
                    if target.leaf().name == "value" =>
                {
                    Some(written.find(|text| same(text, folded)).unwrap_or(folded).clone())
                }
                _ => None,
            })
            .collect()
    }
}

/// 400 `noTarget`.
pub(super) fn no_target(path: &str) -> ScimError {
    ScimError::bad_request(
        ScimType::NoTarget,
        format!("{path}: no element meets the filter in brackets; add the element first."),
    )
}

/// How many comparisons a filter makes on one element.
pub(super) fn terms(filter: &Filter) -> usize {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().map(terms).sum(),
        Filter::Not(inner) => terms(inner),
        Filter::Element { filter, .. } => terms(filter),
        Filter::Compare { .. } | Filter::Present(_) | Filter::Never => 1,
    }
}

fn equalities<'f>(filter: &'f Filter, pairs: &mut Vec<(&'f AttrRef, &'f Literal)>) -> Option<()> {
    match filter {
        Filter::Compare { target, op: CompareOp::Eq, value } => {
            pairs.push((target, value));
            Some(())
        }
        Filter::And(all) => all.iter().try_for_each(|one| equalities(one, pairs)),
        _ => None,
    }
}

fn json_number(number: f64) -> Option<Number> {
    // 2^53: the whole numbers that a double holds without loss.
    if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
        return format!("{number:.0}").parse::<i64>().ok().map(Number::from);
    }
    Number::from_f64(number)
}

/// The JSON strings in a text, in order.
fn strings(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut start = None;
    let mut escaped = false;
    for (at, ch) in text.char_indices() {
        match (ch, start) {
            _ if escaped => escaped = false,
            ('\\', Some(_)) => escaped = true,
            ('"', None) => start = Some(at),
            ('"', Some(open)) => {
                found.extend(serde_json::from_str::<String>(&text[open..=at]));
                start = None;
            }
            _ => {}
        }
    }
    found
}
