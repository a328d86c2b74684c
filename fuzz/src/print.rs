//! Bound filter → text that parses to the same filter.

use scim_core::{
    filter::{Filter, Literal},
    timestamp,
};
use serde_json::Value;

/// The text of a filter; `None` where no text says the same: what is not offered, and instants outside of the
/// years that RFC 3339 can write.
pub fn filter(filter: &Filter) -> Option<String> {
    print(filter, false)
}

fn print(filter: &Filter, in_element: bool) -> Option<String> {
    Some(match filter {
        Filter::And(parts) => {
            join(parts, " and ", in_element, |part| matches!(part, Filter::And(_) | Filter::Or(_)))?
        }
        Filter::Or(parts) => join(parts, " or ", in_element, |part| matches!(part, Filter::Or(_)))?,
        Filter::Not(inner) => format!("not ({})", print(inner, in_element)?),
        Filter::Present(target) => format!("{} pr", name(target, in_element)),
        Filter::Compare { target, op, value } => {
            format!("{} {} {}", name(target, in_element), op.as_str(), literal(value)?)
        }
        Filter::Element { target, filter } => format!("{}[{}]", target.path(), print(filter, true)?),
        Filter::Never => return None,
    })
}

fn join(
    parts: &[Filter],
    word: &str,
    in_element: bool,
    needs_brackets: impl Fn(&Filter) -> bool,
) -> Option<String> {
    let parts: Option<Vec<_>> = parts
        .iter()
        .map(|part| {
            let text = print(part, in_element)?;
            Some(if needs_brackets(part) { format!("({text})") } else { text })
        })
        .collect();
    Some(parts?.join(word))
}

/// Inside brackets names are those of the element's parts; a simple value is its own `value`.
fn name(target: &scim_core::resource::AttrRef, in_element: bool) -> String {
    match (&target.sub, in_element) {
        (Some(sub), true) => sub.name.clone(),
        (None, true) => "value".into(),
        (_, false) => target.path(),
    }
}

fn literal(literal: &Literal) -> Option<String> {
    Some(match literal {
        Literal::String(text) => Value::from(text.as_str()).to_string(),
        Literal::Boolean(value) => value.to_string(),
        Literal::Number(value) => format!("{value:e}"),
        Literal::Instant(millis) => {
            let text = timestamp::to_rfc3339(*millis);
            if timestamp::parse(&text) != Some(*millis) {
                return None;
            }
            format!("\"{text}\"")
        }
        Literal::Null => "null".into(),
    })
}
