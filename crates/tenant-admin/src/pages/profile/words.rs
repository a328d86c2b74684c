//! A difference of two profiles in words: what was changed, from what to what.

use scim_core::profile::edit::{Entry, SettingChange, Shift};

use super::parts::{PARTS, Part, Shape};

/// Longest value shown, in characters.
const LONGEST: usize = 200;

/// A setting that differs, as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Of what: `Rule “providers-have-an-npi”`.
    pub(crate) what: String,
    /// The setting; what became of an entry.
    pub(crate) label: String,
    /// Before; `None`: nothing was there, or nothing is to be told.
    pub(crate) before: Option<String>,
    /// After; the same.
    pub(crate) after: Option<String>,
}

/// All differences in words.
pub(crate) fn words(changes: &[SettingChange]) -> Vec<Word> {
    changes.iter().map(word).collect()
}

fn word(change: &SettingChange) -> Word {
    let what = capital(&change.entries.iter().map(noun).collect::<Vec<_>>().join(", "));
    let innermost: Vec<&str> = change.entries.iter().map(|entry| entry.key.as_str()).collect();
    let plain = |label: &str| Word { what: what.clone(), label: label.to_owned(), before: None, after: None };
    match &change.shift {
        Shift::Added => plain("is new"),
        Shift::Removed => plain("is removed"),
        Shift::Reordered => plain("stand in another order"),
        Shift::Changed { key, before, after } => Word {
            label: label(&innermost, key),
            before: before.as_deref().map(cut),
            after: after.as_deref().map(cut),
            what,
        },
        Shift::Listed { key, added, removed } => {
            let list = |texts: &[String]| (!texts.is_empty()).then(|| cut(&texts.join(", ")));
            Word { label: label(&innermost, key), before: list(removed), after: list(added), what }
        }
    }
}

fn noun(entry: &Entry) -> String {
    let noun = match entry.key.as_str() {
        "user" => "attributes of users",
        "value-set" => "value set",
        "not-applicable" => "what does not apply",
        "alias" => "other name",
        "resource-types" => "what the product has",
        other => other,
    };
    match entry.name.as_str() {
        "" if entry.key == "rule" => "the rules".to_owned(),
        "" => noun.to_owned(),
        name => format!("{noun} “{}”", cut(name)),
    }
}

/// What people call a setting.
fn label(entries: &[&str], key: &str) -> String {
    let known = part_of(entries).and_then(|part| part.fields.iter().find(|field| field.key == key));
    match (known, entries, key) {
        (Some(field), ..) => field.label.to_owned(),
        (None, ["user"], "attributes" | "enterprise") => "On offer".to_owned(),
        (None, ["user"], "required") => "Required".to_owned(),
        (None, ..) => key.to_owned(),
    }
}

fn part_of(entries: &[&str]) -> Option<&'static Part> {
    PARTS.iter().find(|part| match part.shape {
        Shape::Table(table) => entries == [table],
        Shape::List(list) => entries == [list],
        Shape::ListIn(table, list) => entries == [table, list],
        Shape::ListOfEach(outer, list) => entries == [outer, list],
        Shape::Attributes => entries == ["attribute"],
    })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "The head of the file".to_owned(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use scim_core::profile::{
        Profile,
        edit::{Place, Setting, Sheet, changes},
    };

    use super::*;

    #[test]
    fn a_person_reads_what_was_changed() {
        let text = Profile::builtin("mdscripts").expect("mdscripts");
        let mut sheet = Sheet::parse(text).expect("a text");
        let set = |text: &str| Some(Setting::Text(text.to_owned()));
        sheet.set(&Place::top().entry("rule", 0), "message", set("send it")).expect("set");
        sheet.set(&Place::top().table("policies"), "delete", set("purge")).expect("set");
        sheet
            .set(&Place::top().table("user"), "required", Some(Setting::Texts(vec!["title".into()])))
            .expect("set");
        sheet.remove(&Place::top().entry("alias", 0)).expect("removed");
        sheet.set(&Place::top(), "summary", set(&"x".repeat(300))).expect("set");
        let found = words(&changes(text, &sheet.to_string()).expect("changes"));
        let told: Vec<_> = found.iter().map(|word| (word.what.as_str(), word.label.as_str())).collect();
        assert_eq!(
            told,
            [
                ("The head of the file", "summary"),
                ("Other name “timezone”", "is removed"),
                ("Policies", "DELETE of a user"),
                ("Rule “providers-have-an-npi”", "Message"),
                ("Attributes of users", "Required"),
            ]
        );
        assert_eq!(found[2].before.as_deref().zip(found[2].after.as_deref()), Some(("deactivate", "purge")));
        assert_eq!(found[0].after.as_deref().map(|text| text.chars().count()), Some(LONGEST));
    }
}
