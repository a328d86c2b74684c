//! Rules across attributes, and attributes that do not apply to some resources.

use super::{Condition, condition::Unanswered, facts::Facts, places};
use crate::{
    Document,
    format::Format,
    intake::{Note, Origin, Problems},
    resource::{AttrRef, ResourceType},
};

/// A rule: when its condition holds, it demands something.
#[derive(Clone, Debug)]
pub struct Rule {
    /// For people who write the profile; named where the rule cannot be evaluated.
    pub name: String,
    /// Absent: always.
    pub when: Option<Condition>,
    /// What it demands.
    pub demand: Demand,
    /// What is said to an identity provider's administrator; absent: a sentence that the demand gives.
    pub message: Option<String>,
}

/// What a rule demands.
#[derive(Clone, Debug)]
pub enum Demand {
    /// These attributes have a value.
    Present(Vec<AttrRef>),
    /// The texts of these attributes have a format.
    Format(Format, Vec<AttrRef>),
    /// A condition holds; the path that an error names.
    Holds(Condition, String),
}

/// Attributes that say nothing about some resources.
#[derive(Clone, Debug)]
pub struct NotApplicable {
    /// The resources about which they say nothing.
    pub when: Condition,
    /// The attributes.
    pub attributes: Vec<AttrRef>,
    /// What becomes of their values.
    pub then: WhenNotApplicable,
    /// Why, for people.
    pub reason: String,
}

/// What becomes of a value that does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WhenNotApplicable {
    /// It is left out, and noted. The default: identity providers send every mapped attribute of every person, so a
    /// refusal would lock out people for values that nobody reads, and a person who stops being a provider could only
    /// be changed by clearing the values in the same request. What does not apply is not kept either.
    #[default]
    Drop,
    /// The write is refused.
    Refuse,
}

const UNANSWERED: &str =
    "could not be evaluated for this resource, so it is refused; mend the rule in the profile";

/// Leaves out, or refuses, what does not apply to a document.
pub(super) fn leave_out(
    resource_type: &ResourceType,
    document: &mut Document,
    problems: &mut Problems,
    notes: &mut Vec<Note>,
) {
    let all = &resource_type.product.not_applicable;
    if all.is_empty() {
        return;
    }
    let facts = Facts::of(resource_type, document);
    for rule in all {
        match rule.when.holds(&facts) {
            Ok(true) => {
                for target in &rule.attributes {
                    leave_out_one(rule, target, document, problems, notes);
                }
            }
            Ok(false) => {}
            Err(Unanswered) => {
                let path = format!("not-applicable {:?}", rule.when.text());
                problems.push_by(Origin::NotApplicable, &path, UNANSWERED);
            }
        }
    }
}

fn leave_out_one(
    rule: &NotApplicable,
    target: &AttrRef,
    document: &mut Document,
    problems: &mut Problems,
    notes: &mut Vec<Note>,
) {
    if !places::is_present(document, target) {
        return;
    }
    let path = target.path();
    match rule.then {
        WhenNotApplicable::Drop => {
            places::remove(document, target);
            notes.push(Note { path, text: format!("does not apply here and was left out: {}", rule.reason) });
        }
        WhenNotApplicable::Refuse => {
            let problem = format!("does not apply here; leave it out: {}", rule.reason);
            problems.push_by(Origin::NotApplicable, &path, &problem);
        }
    }
}

/// Checks the rules of a product against a document.
pub(crate) fn check_rules(resource_type: &ResourceType, document: &Document, problems: &mut Problems) {
    let rules = &resource_type.product.rules;
    let conditional = |rule: &Rule| rule.when.is_some() || matches!(rule.demand, Demand::Holds(..));
    let facts = rules.iter().any(conditional).then(|| Facts::of(resource_type, document));
    let holds = |condition: &Condition| match &facts {
        Some(facts) => condition.holds(facts),
        None => Err(Unanswered),
    };
    for rule in rules {
        let unanswered = |problems: &mut Problems| {
            problems.push_by(origin(rule), &format!("rule {:?}", rule.name), UNANSWERED);
        };
        match rule.when.as_ref().map(holds).unwrap_or(Ok(true)) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(Unanswered) => {
                unanswered(problems);
                continue;
            }
        }
        match &rule.demand {
            Demand::Present(targets) => check_present(rule, targets, document, problems),
            Demand::Format(format, targets) => check_format(rule, format, targets, document, problems),
            Demand::Holds(condition, path) => match holds(condition) {
                Ok(true) => {}
                Ok(false) if problems.has_below(path) => {}
                Ok(false) => {
                    problems.push_by(origin(rule), path, rule.message.as_deref().unwrap_or("does not fit"));
                }
                Err(Unanswered) => unanswered(problems),
            },
        }
    }
}

fn origin(rule: &Rule) -> Origin {
    Origin::Rule(rule.name.clone())
}

fn check_present(rule: &Rule, targets: &[AttrRef], document: &Document, problems: &mut Problems) {
    for target in targets.iter().filter(|target| !places::is_present(document, target)) {
        let path = target.path();
        if !problems.has_below(&path) {
            let problem = rule.message.as_deref().unwrap_or("is required here; send a value");
            problems.push_by(origin(rule), &path, problem);
        }
    }
}

fn check_format(
    rule: &Rule,
    format: &Format,
    targets: &[AttrRef],
    document: &Document,
    problems: &mut Problems,
) {
    for (path, value) in targets.iter().flat_map(|target| places::values(document, target)) {
        let Some(misfit) = value.as_str().and_then(|text| format.check(text).err()) else { continue };
        match &rule.message {
            Some(message) => {
                problems.push_by(origin(rule), &path, &format!("is {}; {message}", misfit.class));
            }
            None => problems.push_by(origin(rule), &path, &misfit.to_string()),
        }
    }
}
