//! From `[[rule]]` and `[[not-applicable]]` to rules.

use toml::Spanned;

use super::{
    compile::Fault,
    constraints::{Named, offered},
    file::{NotApplicableFile, RuleFile},
    limits::Budget,
};
use crate::{
    product::{Condition, Demand, NotApplicable, Rule},
    resource::{AttrRef, ResourceType},
    schema::AttributeType,
};

/// The rules of a file.
pub(super) fn rules(
    user: &ResourceType,
    files: &[RuleFile],
    named: &Named<'_>,
    budget: &mut Budget,
) -> Result<Vec<Rule>, Fault> {
    let mut compiled: Vec<Rule> = Vec::with_capacity(files.len());
    for file in files {
        if compiled.iter().any(|earlier| earlier.name == *file.name.get_ref()) {
            return Err(Fault::at(&file.name, "names a second rule so; choose another name"));
        }
        compiled.push(Rule {
            name: file.name.get_ref().clone(),
            when: file.when.as_ref().map(|when| condition(user, when, budget)).transpose()?,
            demand: demand(user, file, named, budget)?,
            message: file.message.as_ref().map(|message| message.trim().trim_end_matches('.').to_owned()),
        });
    }
    Ok(compiled)
}

fn demand(
    user: &ResourceType,
    file: &RuleFile,
    named: &Named<'_>,
    budget: &mut Budget,
) -> Result<Demand, Fault> {
    let misplaced = [
        (file.paths.is_some() && file.format.is_none(), "paths belongs to format"),
        (file.path.is_some() && file.condition.is_none(), "path belongs to condition"),
    ];
    if let Some((_, problem)) = misplaced.iter().find(|(wrong, _)| *wrong) {
        return Err(Fault::at(&file.name, format!("{problem}; add it, or remove the other")));
    }
    match (&file.require, &file.format, &file.condition) {
        (Some(paths), None, None) => Ok(Demand::Present(all_offered(user, &file.name, paths)?)),
        (None, Some(format), None) => {
            let format = named.format(format)?;
            let paths = file.paths.as_deref().unwrap_or_default();
            let targets = all_offered(user, &file.name, paths)?;
            for (target, path) in targets.iter().zip(paths) {
                if target.leaf().kind != AttributeType::String {
                    return Err(Fault::at(path, "is no string and has no format; name a string"));
                }
            }
            Ok(Demand::Format(format, targets))
        }
        (None, None, Some(text)) => {
            if file.message.is_none() {
                return Err(Fault::at(text, "needs a message that says what is wrong and what to do"));
            }
            let path = match &file.path {
                Some(path) => offered(user, path)?.path(),
                None => return Err(Fault::at(text, "needs a path, the attribute that an error names")),
            };
            Ok(Demand::Holds(condition(user, text, budget)?, path))
        }
        _ => Err(Fault::at(
            &file.name,
            "must have exactly one of require, format with paths, and condition with path and message",
        )),
    }
}

fn all_offered(
    user: &ResourceType,
    name: &Spanned<String>,
    paths: &[Spanned<String>],
) -> Result<Vec<AttrRef>, Fault> {
    if paths.is_empty() {
        return Err(Fault::at(name, "names no attribute; add one to require or paths"));
    }
    paths.iter().map(|path| offered(user, path)).collect()
}

fn condition(user: &ResourceType, text: &Spanned<String>, budget: &mut Budget) -> Result<Condition, Fault> {
    let compiled = Condition::compile(text.get_ref(), user).map_err(|problem| Fault::at(text, problem))?;
    budget.spend(compiled.walks(), compiled.patterns()).map_err(|problem| Fault::at(text, problem))?;
    Ok(compiled)
}

/// What does not apply to some users.
pub(super) fn not_applicable(
    user: &ResourceType,
    files: &[NotApplicableFile],
    budget: &mut Budget,
) -> Result<Vec<NotApplicable>, Fault> {
    let mut compiled = Vec::with_capacity(files.len());
    for file in files {
        if file.attributes.is_empty() {
            return Err(Fault::at(&file.when, "applies to no attribute; add one to attributes"));
        }
        let attributes = file.attributes.iter().map(|path| offered(user, path));
        compiled.push(NotApplicable {
            when: condition(user, &file.when, budget)?,
            attributes: attributes.collect::<Result<_, _>>()?,
            then: file.then,
            reason: file.reason.trim().trim_end_matches('.').to_owned(),
        });
    }
    Ok(compiled)
}
