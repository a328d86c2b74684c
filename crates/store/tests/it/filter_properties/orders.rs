//! The order of a list (RFC 7644 §3.4.2.3), in memory: absent values last, descending first; of a list the primary
//! element or the first; equal ones by id.

use std::cmp::Ordering;

use scim_core::{ResourceKind, filter::Filter, resource::AttrRef, schema::AttributeType};
use serde_json::Value;
use store::Sort;
use store_testing::Dice;

use super::kept::{Kept, Row};

/// Reads a list page by page and demands what memory sorts; gives the number of pages.
pub(super) async fn check(
    dice: &mut Dice,
    kept: &Kept,
    kind: ResourceKind,
    filter: Option<&Filter>,
    sort: &Sort,
) -> Result<usize, String> {
    let rows = kept.rows(kind);
    let mut expected = match filter {
        Some(filter) => kept.evaluate(kind, filter),
        None => (0..rows.len()).collect(),
    };
    expected.sort_by(|left, right| compare(kind, sort, &rows[*left], &rows[*right]));
    let (mut read, mut pages) = (Vec::new(), 0);
    loop {
        let limit = dice.between(1..=20);
        let page = kept.list(kind, filter, Some(sort), (read.len(), limit)).await;
        let page = page.map_err(|error| format!("{error:?}"))?;
        pages += 1;
        if page.total != expected.len() {
            return Err(format!("total {} instead of {}", page.total, expected.len()));
        }
        if page.rows.len() != limit.min(expected.len() - read.len()) {
            return Err(format!("{} rows after {} of {limit}", page.rows.len(), read.len()));
        }
        read.extend(page.rows);
        if read.len() >= expected.len() {
            break;
        }
    }
    if read == expected {
        return Ok(pages);
    }
    let keys = |places: &[usize]| {
        let keys =
            places.iter().map(|place| format!("{place}: {:?}", key(kind, &sort.by, &rows[*place].form)));
        keys.collect::<Vec<_>>().join("\n    ")
    };
    Err(format!("expected\n    {}\n  got\n    {}", keys(&expected), keys(&read)))
}

fn compare(kind: ResourceKind, sort: &Sort, left: &Row, right: &Row) -> Ordering {
    let keys = [key(kind, &sort.by, &left.form), key(kind, &sort.by, &right.form)];
    let order = match keys {
        [Some(left), Some(right)] => values(left, right),
        [left, right] => right.is_some().cmp(&left.is_some()),
    };
    let order = if sort.descending { order.reverse() } else { order };
    order.then(left.id.cmp(&right.id))
}

/// Two values of one type.
fn values(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal)
        }
        _ => panic!("{left} and {right} have no order"),
    }
}

/// What a row is sorted by. Edges have no order of their own, nor has a complex attribute without `value`.
fn key<'v>(kind: ResourceKind, by: &AttrRef, form: &'v Value) -> Option<&'v Value> {
    let is_edge = by.extension.is_none() && by.attribute.name == kind.edges();
    if is_edge || by.leaf().kind == AttributeType::Complex {
        return None;
    }
    let home = by.extension.as_deref().map_or(Some(form), |urn| form.get(urn))?;
    let one = foremost(home.get(&by.attribute.name)?)?;
    match &by.sub {
        Some(sub) => foremost(one.get(&sub.name)?),
        None => Some(one),
    }
}

fn foremost(value: &Value) -> Option<&Value> {
    let Some(elements) = value.as_array() else { return Some(value) };
    let primary = elements.iter().find(|element| element.get("primary") == Some(&Value::Bool(true)));
    primary.or(elements.first())
}
