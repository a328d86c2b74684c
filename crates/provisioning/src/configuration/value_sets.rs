//! A tenant's lists of allowed values: what may stand in them, and where they come from.

use std::collections::HashMap;

use scim_core::{
    fold,
    profile::Profile,
    roles::Role,
    value_set::{AllowedValue, ValueSet, ValueSets},
};
use store::{ChangeContext, StoreError};

use super::{ConfigurationError, protecting, unfit};
use crate::{Tenant, TenantDirectory, attempts::whole};

/// Most values in one list.
pub const MAX_VALUES: usize = 10_000;
/// Most values in all lists of a tenant.
pub const MAX_ALL_VALUES: usize = 50_000;
/// Longest value, in characters.
pub const MAX_VALUE: usize = 200;
/// Longest label, in characters.
pub const MAX_LABEL: usize = 200;

/// What a list of a file or a form may begin with, in any case.
const HEADERS: [&str; 2] = ["value", "label"];

impl Tenant {
    /// Who has filled a value set: `tenant`, `profile`, or nobody.
    #[must_use]
    pub fn filled_by(&self, name: &str) -> Option<&'static str> {
        if self.own_sets.get(name).is_some() {
            return Some("tenant");
        }
        self.profile.value_set(name)?.values.as_ref().map(|_| "profile")
    }
}

impl TenantDirectory {
    /// Puts a list in place of the tenant's one of that name; an empty list allows nothing. Values and labels are
    /// trimmed. Where the list holds the product's roles, they are given anew at once. Gives the role grants that came
    /// and went.
    pub async fn set_value_set(
        &self,
        tenant: &Tenant,
        name: &str,
        values: Vec<AllowedValue>,
        context: &ChangeContext,
    ) -> Result<(u64, u64), ConfigurationError> {
        declared(&tenant.profile, name)?;
        let set = checked(values)?;
        self.replace(tenant, name, Some(&set), context).await
    }

    /// Takes the tenant's list away, so that the values of its profile hold again, or every value where it has none.
    pub async fn clear_value_set(
        &self,
        tenant: &Tenant,
        name: &str,
        context: &ChangeContext,
    ) -> Result<(u64, u64), ConfigurationError> {
        self.replace(tenant, name, None, context).await
    }

    /// Repeats with the tenant as it is by then while somebody else changes its configuration.
    async fn replace(
        &self,
        tenant: &Tenant,
        name: &str,
        set: Option<&ValueSet>,
        context: &ChangeContext,
    ) -> Result<(u64, u64), ConfigurationError> {
        let (mut newer, mut repeated) = (None, 0);
        loop {
            let tenant = newer.as_deref().unwrap_or(tenant);
            // A list that an earlier profile declared may be taken away, too.
            if set.is_some() || tenant.own_sets.get(name).is_none() {
                declared(&tenant.profile, name)?;
            }
            match self.replace_by(tenant, name, set, context).await {
                Err(ConfigurationError::Store(StoreError::Stale)) => {
                    newer = Some(self.read_again(tenant.id(), &mut repeated).await?);
                }
                outcome => return outcome,
            }
        }
    }

    async fn replace_by(
        &self,
        tenant: &Tenant,
        name: &str,
        set: Option<&ValueSet>,
        context: &ChangeContext,
    ) -> Result<(u64, u64), ConfigurationError> {
        let mut own = tenant.own_sets.as_ref().clone();
        match set {
            Some(set) => own.insert(name, set.clone()),
            None => own.remove(name),
        }
        check_total(&tenant.own_sets, &own)?;
        let profile = &tenant.profile;
        let sets = profile.value_sets_of(&own);
        let roles_of = |display: &str, external_id: Option<&str>| -> Vec<Role> {
            profile.roles_of_group(&sets, display, external_id)
        };
        let is_catalogue = profile.roles.catalogue.as_deref() == Some(name);
        let roles_of = is_catalogue.then_some(&roles_of as store::groups::RolesOf<'_>);
        let terms = protecting(tenant, profile.roles.protected_keys());
        let scope = self.store().tenant(tenant.id()).under(terms);
        let outcome = match set {
            Some(set) => whole(|| scope.set_value_set(name, set, roles_of, context)).await,
            None => whole(|| scope.clear_value_set(name, roles_of, context)).await,
        };
        Ok(outcome?)
    }
}

/// All lists of a tenant are in memory while it is served. Who has too much already may still make it less.
pub(super) fn check_total(before: &ValueSets, after: &ValueSets) -> Result<(), ConfigurationError> {
    let count = |sets: &ValueSets| sets.iter().map(|(_, set)| set.values().len()).sum::<usize>();
    let total = count(after);
    if total > MAX_ALL_VALUES && total > count(before) {
        return unfit(format!(
            "values: with these all lists of the tenant have {total} together; at most {MAX_ALL_VALUES} are kept. Clear \
             lists that are not used, or leave an attribute without a list"
        ));
    }
    Ok(())
}

/// A list that the profile declares.
pub(super) fn declared(profile: &Profile, name: &str) -> Result<(), ConfigurationError> {
    if profile.value_set(name).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = profile.value_sets.iter().map(|declared| declared.name.as_str()).collect();
    if known.is_empty() {
        return unfit(format!("value set: {} has none, so there is no {name:?} to fill", profile.title));
    }
    unfit(format!("value set: {} has no {name:?}; it has {}", profile.title, known.join(", ")))
}

/// The set of these values; the error names the first that does not do, by its place.
pub(super) fn checked(values: Vec<AllowedValue>) -> Result<ValueSet, ConfigurationError> {
    if values.len() > MAX_VALUES {
        return unfit(format!("values: there are {}; at most {MAX_VALUES} fit in one set", values.len()));
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept = Vec::with_capacity(values.len());
    for (at, AllowedValue { value, label }) in values.into_iter().enumerate() {
        let place = at + 1;
        let good =
            |text: &str, longest| text.chars().count() <= longest && !text.chars().any(|ch| ch.is_control());
        let value = value.trim();
        if value.is_empty() || !good(value, MAX_VALUE) {
            return unfit(format!("value {place}: use 1 to {MAX_VALUE} printable characters"));
        }
        let label = label.map(|label| label.trim().to_owned()).filter(|label| !label.is_empty());
        if label.as_deref().is_some_and(|label| !good(label, MAX_LABEL)) {
            return unfit(format!(
                "value {place}: its label must have at most {MAX_LABEL} printable characters"
            ));
        }
        if let Some(first) = places.insert(fold(value), place) {
            return unfit(format!(
                "value {place}: {value:?} is there already, as value {first}; values are compared without case, so \
                 remove one"
            ));
        }
        kept.push(AllowedValue { value: value.to_owned(), label });
    }
    Ok(ValueSet::new(kept))
}

/// A value as it is written on a command line: `value` or `value|label`.
#[must_use]
pub fn labelled(text: &str) -> AllowedValue {
    match text.split_once('|') {
        Some((value, label)) => AllowedValue { value: value.to_owned(), label: Some(label.to_owned()) },
        None => AllowedValue::from(text),
    }
}

/// Values as CSV (RFC 4180) with a line each and no header, so that [`values_of_csv`] gives the same.
#[must_use]
pub fn text_of_values(values: &[AllowedValue]) -> String {
    let quoted = |text: &str| {
        if text.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let mut text = String::new();
    for allowed in values {
        text.push_str(&quoted(&allowed.value));
        if let Some(label) = &allowed.label {
            // A blank before a quotation mark would make it a part of the text.
            let label = quoted(label);
            text.push_str(if label.starts_with('"') { "," } else { ", " });
            text.push_str(&label);
        }
        text.push('\n');
    }
    text
}

/// Values of a text with one `value` or `value, label` a line; a comma belongs to the value where the line is quoted as
/// CSV is. Blank lines are left out. The error names the line.
pub fn values_of_lines(text: &str) -> Result<Vec<AllowedValue>, ConfigurationError> {
    values_of_csv(text.as_bytes())
}

/// Values of a CSV file (RFC 4180, UTF-8): a column of values and, where there is a second one, of labels; a first row
/// `value` or `value,label` is its header. The error names the line.
pub fn values_of_csv(file: impl std::io::Read) -> Result<Vec<AllowedValue>, ConfigurationError> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(file);
    let mut values = Vec::new();
    for (at, row) in reader.records().enumerate() {
        let row = row.map_err(|error| ConfigurationError::Unfit(csv_problem(&error)))?;
        let line = row.position().map_or(0, csv::Position::line);
        let mut fields = row.iter();
        let value = fields.next().unwrap_or_default();
        let value = if at == 0 { value.trim_start_matches('\u{feff}') } else { value };
        let label = fields.next().filter(|label| !label.is_empty());
        if fields.any(|field| !field.is_empty()) {
            return unfit(format!(
                "line {line}: there are more than two columns; write value, label, and put a value with a comma in \
                 quotation marks"
            ));
        }
        let is_header = at == 0
            && value.eq_ignore_ascii_case(HEADERS[0])
            && label.is_none_or(|label| label.eq_ignore_ascii_case(HEADERS[1]));
        if is_header || (value.is_empty() && label.is_none()) {
            continue;
        }
        if value.is_empty() {
            return unfit(format!("line {line}: there is a label without a value; write value, label"));
        }
        if values.len() >= MAX_VALUES {
            return unfit(format!(
                "line {line}: there are more than {MAX_VALUES} values; that is the most for one set"
            ));
        }
        values.push(AllowedValue { value: value.to_owned(), label: label.map(str::to_owned) });
    }
    Ok(values)
}

fn csv_problem(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => format!("line {line}: is not UTF-8; save the file as UTF-8"),
        csv::ErrorKind::Io(cause) => format!("the file cannot be read: {cause}"),
        _ => format!("line {line}: is no CSV: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T: std::fmt::Debug>(outcome: Result<T, ConfigurationError>) -> String {
        outcome.expect_err("refused").to_string()
    }

    fn pairs(values: Vec<AllowedValue>) -> Vec<(String, Option<String>)> {
        values.into_iter().map(|allowed| (allowed.value, allowed.label)).collect()
    }

    #[test]
    fn lists_are_trimmed_and_each_fault_has_its_place() {
        let values = [" a ", "b|The B", "c|"].map(labelled).to_vec();
        let set = checked(values).expect("good");
        let expected = [("a", None), ("b", Some("The B")), ("c", None)];
        let expected = expected.map(|(value, label)| (value.to_owned(), label.map(str::to_owned)));
        assert_eq!(pairs(set.values().to_vec()), expected);
        let long = "x".repeat(MAX_VALUE + 1);
        for (values, word) in [
            (vec!["a", " "], "value 2: use 1 to 200"),
            (vec![long.as_str()], "value 1: use 1 to 200"),
            (vec!["a", "b\u{7}"], "value 2: use"),
            (vec!["Straße", "x", "STRASSE"], "value 3: \"STRASSE\" is there already, as value 1"),
            (vec!["a|l\nm"], "value 1: its label"),
        ] {
            let error = told(checked(values.into_iter().map(labelled).collect()));
            assert!(error.starts_with(word), "{error}");
        }
        let many = vec![AllowedValue::from("x"); MAX_VALUES + 1];
        assert!(told(checked(many)).contains("10001"));
        assert!(checked(Vec::new()).expect("empty").values().is_empty());
    }

    #[test]
    fn all_lists_together_are_bounded() {
        let set = |number: usize| {
            ValueSet::new((0..number).map(|at| AllowedValue { value: at.to_string(), label: None }))
        };
        let sets = |numbers: &[usize]| -> ValueSets {
            numbers.iter().enumerate().map(|(at, number)| (at.to_string(), set(*number))).collect()
        };
        let full = sets(&[MAX_VALUES; 5]);
        assert!(check_total(&ValueSets::default(), &full).is_ok());
        let over = sets(&[MAX_VALUES, MAX_VALUES, MAX_VALUES, MAX_VALUES, MAX_VALUES, 1]);
        let error = told(check_total(&full, &over));
        assert!(error.contains("50001") && error.contains("at most 50000"), "{error}");
        assert!(check_total(&sets(&[MAX_VALUES, MAX_ALL_VALUES]), &over).is_ok(), "it becomes less");
    }

    #[test]
    fn csv_with_and_without_header_and_labels() {
        let of = |text: &str| pairs(values_of_csv(text.as_bytes()).expect(text));
        let pair = |value: &str, label: Option<&str>| (value.to_owned(), label.map(str::to_owned));
        assert_eq!(
            of("\u{feff}Value,Label\r\n12, Main street \r\n\r\n17\r\n"),
            [pair("12", Some("Main street")), pair("17", None)]
        );
        assert_eq!(of("value\na"), [pair("a", None)]);
        assert_eq!(
            of("a,value\n\"b, c\",\"the \"\"b\"\"\"\n"),
            [pair("a", Some("value")), pair("b, c", Some("the \"b\""))]
        );
        assert_eq!(of(""), []);
        for (text, word) in [
            (&b"a\nb,c,d\n"[..], "line 2: there are more than two columns"),
            (b"a\n,label\n", "line 2: there is a label without a value"),
            (b"a\n\xff\n", "line 2: is not UTF-8"),
        ] {
            let error = told(values_of_csv(text));
            assert!(error.starts_with(word), "{error}");
        }
        let many = "x\n".repeat(MAX_VALUES + 1);
        assert!(told(values_of_csv(many.as_bytes())).starts_with("line 10001: "), "the line is named");
    }
}
