//! One comparison of a place with a literal.

use scim_core::filter::{CompareOp, Literal};
use uuid::Uuid;

use super::place::Place;
use crate::{statement::Sql, store::Backend};

/// Appends `place op value`. An absent value makes it false or NULL, but `ne` true. A literal of another type than
/// the place differs from all its values.
pub(super) fn compare(sql: &mut Sql, place: &Place<'_>, op: CompareOp, value: &Literal) {
    match (place, value) {
        (_, Literal::Null) => absent_or_present(sql, place, op),
        (Place::Constant(constant), Literal::String(text)) => {
            // Both sides are known: the database need not compare them row by row.
            sql.push(truth(matches_text(constant, op, text)));
        }
        (Place::Id(column), Literal::String(text)) => compare_id(sql, place, column, op, text),
        (Place::Millis(column), Literal::Instant(at)) => {
            sql.push(column).push(operator(op)).bind(*at);
        }
        (Place::Key(column), Literal::String(text)) if op == CompareOp::Sw => prefix_range(sql, column, text),
        (Place::Text(_) | Place::Key(_) | Place::Row(_) | Place::Element(_), Literal::String(text)) => {
            compare_text(sql, place, op, text);
        }
        (Place::Flag(_) | Place::Row(_) | Place::Element(_), Literal::Boolean(flag)) => {
            compare_truth(sql, place, op, *flag);
        }
        (Place::Row(_) | Place::Element(_), Literal::Number(number)) => {
            compare_number(sql, place, op, *number);
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of any year up to 9999 fit 53 bits")]
        (Place::Row(_) | Place::Element(_), Literal::Instant(at)) => {
            compare_number(sql, place, op, *at as f64);
        }
        _ => {
            sql.push(truth(op == CompareOp::Ne));
        }
    }
}

fn truth(value: bool) -> &'static str {
    if value { "TRUE" } else { "FALSE" }
}

/// The SQL operator between two values of one type. `ne` holds for NULL too.
fn operator(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Ne => " IS DISTINCT FROM ",
        CompareOp::Gt => " > ",
        CompareOp::Ge => " >= ",
        CompareOp::Lt => " < ",
        CompareOp::Le => " <= ",
        CompareOp::Eq | CompareOp::Co | CompareOp::Sw | CompareOp::Ew => " = ",
    }
}

fn absent_or_present(sql: &mut Sql, place: &Place<'_>, op: CompareOp) {
    match op {
        CompareOp::Eq => {
            sql.push("NOT (");
            place.present(sql);
            sql.push(")");
        }
        CompareOp::Ne => place.present(sql),
        _ => {
            sql.push("FALSE");
        }
    }
}

/// An id is compared as a uuid, so that the primary key serves it; a text that is no id of ours equals none.
fn compare_id(sql: &mut Sql, place: &Place<'_>, column: &'static str, op: CompareOp, text: &str) {
    let id = Uuid::try_parse(text).ok().filter(|id| id.to_string() == text);
    match (op, id) {
        (CompareOp::Eq | CompareOp::Ne, Some(id)) => {
            sql.push(column).push(operator(op)).bind(id);
        }
        (CompareOp::Eq | CompareOp::Ne, None) => {
            sql.push(truth(op == CompareOp::Ne));
        }
        _ => compare_text(sql, place, op, text),
    }
}

fn compare_truth(sql: &mut Sql, place: &Place<'_>, op: CompareOp, flag: bool) {
    match op {
        CompareOp::Eq | CompareOp::Ne => {
            place.truth(sql);
            sql.push(operator(op)).bind(flag);
        }
        _ => {
            sql.push("FALSE");
        }
    }
}

fn compare_number(sql: &mut Sql, place: &Place<'_>, op: CompareOp, number: f64) {
    match op {
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => {
            sql.push("FALSE");
        }
        _ => {
            place.number(sql);
            sql.push(operator(op)).bind(number);
        }
    }
}

fn compare_text(sql: &mut Sql, place: &Place<'_>, op: CompareOp, text: &str) {
    let (op, text) = match without_nul(op, text) {
        Ok(changed) => changed,
        Err(answer) => {
            sql.push(truth(answer));
            return;
        }
    };
    match op {
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew if text.is_empty() => place.present(sql),
        CompareOp::Eq | CompareOp::Ne => {
            place.text(sql);
            sql.push(operator(op)).bind(text);
        }
        CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le => {
            place.text(sql);
            sql.by_code_point().push(operator(op)).bind(text);
        }
        // Functions instead of LIKE: no wildcard to escape, no case folding of the database's own.
        CompareOp::Co => {
            sql.dialect("strpos(", "instr(");
            place.text(sql);
            sql.push(", ").bind(text).push(") > 0");
        }
        CompareOp::Sw => {
            let slot = sql.slot(text);
            sql.dialect("starts_with(", "substr(");
            place.text(sql);
            sql.dialect(", ", ", 1, length(").put(slot);
            match sql.backend() {
                Backend::Sqlite => sql.push(")) = ").put(slot),
                Backend::Postgres => sql.push(")"),
            };
        }
        CompareOp::Ew => {
            let slot = sql.slot(text);
            sql.dialect("right(", "substr(");
            place.text(sql);
            sql.dialect(", length(", ", -length(").put(slot).push(")) = ").put(slot);
        }
    }
}

/// No kept text holds U+0000 (PostgreSQL cannot keep it), and none may be bound. Gives an equal comparison without
/// it, or the answer for all texts.
fn without_nul(op: CompareOp, text: &str) -> Result<(CompareOp, &str), bool> {
    let Some((before, _)) = text.split_once('\0') else { return Ok((op, text)) };
    match op {
        CompareOp::Gt | CompareOp::Ge => Ok((CompareOp::Gt, before)),
        CompareOp::Lt | CompareOp::Le => Ok((CompareOp::Le, before)),
        CompareOp::Ne => Err(true),
        CompareOp::Eq | CompareOp::Co | CompareOp::Sw | CompareOp::Ew => Err(false),
    }
}

/// `sw` on an indexed key: from the prefix up to the next text that does not start with it.
pub(crate) fn prefix_range(sql: &mut Sql, column: &'static str, prefix: &str) {
    if prefix.contains('\0') {
        sql.push("FALSE");
        return;
    }
    sql.push("(").push(column).by_code_point().push(" >= ").bind(prefix);
    if let Some(end) = after_prefix(prefix) {
        sql.push(" AND ").push(column).by_code_point().push(" < ").bind(end);
    }
    sql.push(")");
}

/// The first text, by code point, after all that start with `prefix`; `None` when there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// The comparison of two known texts.
fn matches_text(left: &str, op: CompareOp, right: &str) -> bool {
    match op {
        CompareOp::Eq => left == right,
        CompareOp::Ne => left != right,
        CompareOp::Co => left.contains(right),
        CompareOp::Sw => left.starts_with(right),
        CompareOp::Ew => left.ends_with(right),
        CompareOp::Gt => left > right,
        CompareOp::Ge => left >= right,
        CompareOp::Lt => left < right,
        CompareOp::Le => left <= right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{D7FF}").as_deref(), Some("a\u{E000}"));
        assert_eq!(after_prefix("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{10FFFF}"), None);
        assert_eq!(after_prefix(""), None);
    }

    #[test]
    fn nul_never_reaches_the_database() {
        let texts = ["", "a", "ab", "a\u{1}", "b"];
        let literal = "a\0b";
        for op in [CompareOp::Eq, CompareOp::Ne, CompareOp::Gt, CompareOp::Ge, CompareOp::Lt, CompareOp::Le] {
            for text in texts {
                let expected = matches_text(text, op, literal);
                let got = match without_nul(op, literal) {
                    Ok((op, literal)) => matches_text(text, op, literal),
                    Err(answer) => answer,
                };
                assert_eq!(got, expected, "{text:?} {op:?}");
            }
        }
    }
}
