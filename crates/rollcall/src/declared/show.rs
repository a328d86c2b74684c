//! A plan for people, line by line, and for programs.

use std::collections::HashSet;

use provisioning::configuration::LineKind;
use serde_json::{Value, json};

use super::{
    destinations::DestinationStep,
    plan::{Deed, Field, Plan, TenantSteps},
};

impl Deed {
    fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Remove => "remove",
        }
    }

    fn mark(self) -> char {
        match self {
            Self::Create => '+',
            Self::Change => '~',
            Self::Remove => '-',
        }
    }
}

impl Field {
    fn deed(&self) -> Deed {
        match (&self.before, &self.after) {
            (None, _) => Deed::Create,
            (_, None) => Deed::Remove,
            _ => Deed::Change,
        }
    }
}

/// A line of a plan.
pub(crate) struct Line {
    /// `+`, `~` or `-`; none where nothing changes.
    pub(crate) mark: Option<char>,
    /// Steps to the right.
    pub(crate) depth: usize,
    /// What changes.
    pub(crate) text: String,
}

impl Plan {
    /// What would change, line by line.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for tenant in &self.tenants {
            if let Some(deed) = tenant.deed() {
                lines.push(line(Some(deed), 0, tenant_name(&tenant.slug)));
                push_fields(&mut lines, &tenant.fields);
                lines.extend(tenant.roles.iter().map(|moved| {
                    let name = &moved.role.name;
                    line(None, 1, format!("role {name}: {} gain it, {} lose it", moved.gain, moved.lose))
                }));
            }
            tenant
                .destinations
                .iter()
                .for_each(|step| push_destination(&mut lines, step, Some(&tenant.slug)));
        }
        self.destinations.iter().for_each(|step| push_destination(&mut lines, step, None));
        lines
    }

    /// `1 to create, 2 to change, 0 to remove`.
    pub(crate) fn summary(&self) -> String {
        let [create, change, remove] = self.counts();
        format!("{create} to create, {change} to change, {remove} to remove")
    }

    /// `{changes: [{action, tenant, destination, fields: [{field, before, after}]}], create, change, remove, unset}`.
    pub(crate) fn to_json(&self) -> Value {
        let mut changes = Vec::new();
        for tenant in &self.tenants {
            if let Some(deed) = tenant.deed() {
                changes.push(tenant_json(tenant, deed));
            }
            changes.extend(tenant.destinations.iter().map(|step| destination_json(step, Some(&tenant.slug))));
        }
        changes.extend(self.destinations.iter().map(|step| destination_json(step, None)));
        let [create, change, remove] = self.counts();
        json!({"changes": changes, "create": create, "change": change, "remove": remove, "unset": self.unset})
    }
}

fn line(deed: Option<Deed>, depth: usize, text: String) -> Line {
    Line { mark: deed.map(Deed::mark), depth, text }
}

fn push_destination(lines: &mut Vec<Line>, step: &DestinationStep, tenant: Option<&str>) {
    lines.push(line(Some(step.deed()), 0, destination_name(&step.name, tenant)));
    push_fields(lines, &step.fields);
}

/// `tenant acme`.
pub(super) fn tenant_name(slug: &str) -> String {
    format!("tenant {slug}")
}

/// `destination App of acme`.
pub(super) fn destination_name(name: &str, tenant: Option<&str>) -> String {
    match tenant {
        Some(tenant) => format!("destination {name} of {tenant}"),
        None => format!("destination {name} of the installation"),
    }
}

fn push_fields(lines: &mut Vec<Line>, fields: &[Field]) {
    for field in fields {
        let name = &field.name;
        if let Some(changed) = &field.lines {
            lines.push(line(Some(field.deed()), 1, format!("{name}:")));
            for changed in changed {
                let deed = match changed.kind {
                    LineKind::Same => continue,
                    LineKind::Added => Deed::Create,
                    LineKind::Removed => Deed::Remove,
                };
                let number = changed.new_line.or(changed.old_line).unwrap_or_default();
                lines.push(line(Some(deed), 2, format!("{number:>4} {}", changed.text)));
            }
            continue;
        }
        match (&field.before, &field.after) {
            (Some(Value::Array(before)), Some(Value::Array(after))) => {
                lines.push(line(Some(Deed::Change), 1, format!("{name}:")));
                push_elements(lines, before, after);
            }
            (None, Some(after)) => {
                lines.push(line(Some(Deed::Create), 1, format!("{name}: {}", shown(after))))
            }
            (Some(before), None) => {
                lines.push(line(Some(Deed::Remove), 1, format!("{name}: {}", shown(before))))
            }
            (Some(before), Some(after)) => {
                let text = format!("{name}: {} → {}", shown(before), shown(after));
                lines.push(line(Some(Deed::Change), 1, text));
            }
            (None, None) => {}
        }
    }
}

/// What comes and goes of a list, and whether what stays is in another order.
fn push_elements(lines: &mut Vec<Line>, before: &[Value], after: &[Value]) {
    // By what they are: what is shown of two that differ may be the same.
    let keys = |list: &[Value]| list.iter().map(Value::to_string).collect::<Vec<String>>();
    let (old, new) = (keys(before), keys(after));
    let (had, has): (HashSet<&String>, HashSet<&String>) = (old.iter().collect(), new.iter().collect());
    if !old.iter().filter(|key| has.contains(key)).eq(new.iter().filter(|key| had.contains(key))) {
        lines.push(line(None, 2, "in another order".to_owned()));
    }
    let gone = before.iter().zip(&old).filter(|(_, key)| !has.contains(key));
    lines.extend(gone.map(|(value, _)| line(Some(Deed::Remove), 2, element(value))));
    let come = after.iter().zip(&new).filter(|(_, key)| !had.contains(key));
    lines.extend(come.map(|(value, _)| line(Some(Deed::Create), 2, element(value))));
}

/// A value with a label as `value (label)`; a text that looks so stands in quotation marks.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(element).collect::<Vec<_>>().join(", "),
        other => element(other),
    }
}

fn element(value: &Value) -> String {
    match (value, value["value"].as_str(), value["label"].as_str()) {
        (_, Some(value), Some(label)) => format!("{value} ({label})"),
        (Value::String(text), ..) if text.ends_with(')') => format!("{text:?}"),
        (Value::String(text), ..) => text.clone(),
        (other, ..) => other.to_string(),
    }
}

fn tenant_json(tenant: &TenantSteps, deed: Deed) -> Value {
    let roles: Vec<Value> = tenant
        .roles
        .iter()
        .map(|moved| json!({"role": moved.role.name, "gain": moved.gain, "lose": moved.lose}))
        .collect();
    json!({
        "action": deed.word(), "tenant": tenant.slug, "destination": null,
        "fields": fields_json(&tenant.fields), "roles": roles,
    })
}

fn destination_json(step: &DestinationStep, tenant: Option<&str>) -> Value {
    json!({
        "action": step.deed().word(), "tenant": tenant, "destination": step.name,
        "fields": fields_json(&step.fields),
    })
}

fn fields_json(fields: &[Field]) -> Vec<Value> {
    fields
        .iter()
        .map(|field| {
            let mut told = json!({"field": field.name, "before": field.before, "after": field.after});
            if let Some(lines) = &field.lines {
                let changed = lines.iter().filter_map(|line| match line.kind {
                    LineKind::Same => None,
                    LineKind::Added => Some(format!("+{}", line.text)),
                    LineKind::Removed => Some(format!("-{}", line.text)),
                });
                told["lines"] = changed.collect::<Vec<_>>().into();
            }
            told
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: Value, after: Value) -> Vec<String> {
        let mut lines = Vec::new();
        let field = Field { name: "x".into(), before: Some(before), after: Some(after), lines: None };
        push_fields(&mut lines, &[field]);
        let text = |line: Line| format!("{}{}", line.mark.map(String::from).unwrap_or_default(), line.text);
        lines.into_iter().map(text).collect()
    }

    #[test]
    fn each_change_of_a_list_has_a_line() {
        let labelled = json!({"value": "a", "label": "b"});
        assert_eq!(told(json!(["a (b)"]), json!([labelled])), ["~x:", "-\"a (b)\"", "+a (b)"]);
        assert_eq!(told(json!(["a", "b"]), json!(["b", "a"])), ["~x:", "in another order"]);
        assert_eq!(
            told(json!(["a", "b", "c"]), json!(["b", "a", "d"])),
            ["~x:", "in another order", "-c", "+d"]
        );
        assert_eq!(told(json!(["a", "b"]), json!(["a", "c", "b"])), ["~x:", "+c"]);
    }
}
