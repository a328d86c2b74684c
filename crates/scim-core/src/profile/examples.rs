//! `[[example]]`: a profile shows what it makes of users, and is refused where it does not.

use serde_json::Value;
use toml::Spanned;

use super::{Profile, compile::Fault, file::ExampleFile};
use crate::{
    Document, ScimError,
    intake::{Note, take_all, validate_for},
    value_set::{AllowedValue, ValueSet, ValueSets},
};

/// Runs the examples of a file through its profile.
pub(super) fn check(profile: &Profile, files: &[ExampleFile]) -> Result<(), Fault> {
    for file in files {
        let title = file.title.get_ref();
        if file.valid == file.path.is_some() {
            let problem =
                "an example that is refused has a path, one that is taken has none; mend valid or path";
            return Err(Fault::at(&file.title, problem));
        }
        if let (false, Some(becomes)) = (file.valid, &file.becomes) {
            return Err(Fault::at(becomes, "nothing becomes of a user who is refused; remove it"));
        }
        match (outcome(profile, file)?, &file.path) {
            (Ok((document, _)), None) => check_document(file, &document)?,
            (Err(error), Some(path)) => check_path(title, &error, path)?,
            (Ok(_), Some(_)) => {
                let problem = format!("the example {title:?} is taken; it should be refused");
                return Err(Fault::at(&file.user, problem));
            }
            (Err(error), None) => {
                let problem = format!("the example {title:?} is refused: {}", error.detail);
                return Err(Fault::at(&file.user, problem));
            }
        }
    }
    Ok(())
}

type Outcome = Result<(Document, Vec<Note>), ScimError>;

fn outcome(profile: &Profile, file: &ExampleFile) -> Result<Outcome, Fault> {
    let body = json(&file.user)?;
    let own = file.value_sets.iter().map(|(name, values)| {
        (name.as_str(), ValueSet::new(values.iter().map(|value| AllowedValue::from(value.as_str()))))
    });
    let sets = profile.value_sets_of(&own.collect::<ValueSets>());
    let taken = take_all(&profile.user, profile.leniencies, &body).and_then(|(intake, findings)| {
        let mut document = intake.document;
        let notes = validate_for(&profile.user, &sets, findings, &mut document)?;
        Ok((document, notes))
    });
    Ok(taken)
}

fn json(text: &Spanned<String>) -> Result<Value, Fault> {
    serde_json::from_str(text.get_ref()).map_err(|error| Fault::at(text, format!("is no JSON: {error}")))
}

fn check_document(file: &ExampleFile, document: &Document) -> Result<(), Fault> {
    let Some(becomes) = &file.becomes else { return Ok(()) };
    let kept = Value::Object(document.clone());
    if json(becomes)? == kept {
        return Ok(());
    }
    Err(Fault::at(becomes, format!("the example {:?} becomes {kept}", file.title.get_ref())))
}

fn check_path(title: &str, error: &ScimError, path: &Spanned<String>) -> Result<(), Fault> {
    let named = format!("{}: ", path.get_ref());
    let detail = &error.detail;
    if detail.starts_with(&named) || detail.contains(&format!(" {named}")) {
        return Ok(());
    }
    let problem = format!("the example {title:?} is refused, but not at {}: {detail}", path.get_ref());
    Err(Fault::at(path, problem))
}
