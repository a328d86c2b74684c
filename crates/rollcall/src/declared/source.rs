//! A file of a declaration as it was written, so that what is wrong is told with its line and column.

use std::{fmt, path::PathBuf, sync::Arc};

use scim_core::profile::ProfileError;
use serde::Serialize;
use toml_edit::{Document, Item, TableLike, Value};

/// A file that was read.
#[derive(Debug)]
pub(super) struct Source {
    /// As it was named on the command line.
    pub(super) name: String,
    /// Its folder: paths in it are seen from there.
    pub(super) folder: PathBuf,
    /// What stands in it.
    pub(super) text: String,
}

/// A place in a file: keys, and numbers of list elements from 0.
#[derive(Clone, Debug)]
pub(super) struct Place {
    source: Arc<Source>,
    path: Vec<String>,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// As it was named on the command line, or beside such a one.
    file: String,
    /// From 1; `None`: it is about the file as a whole.
    line: Option<usize>,
    /// From 1, in characters.
    column: Option<usize>,
    /// `tenant[0].destination[1].url`; `None`: it is about what stands there, whatever it is.
    path: Option<String>,
    /// For people.
    problem: String,
}

/// All that is wrong.
#[derive(Debug)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(formatter, "line {line}, column {column}: ")?;
        }
        formatter.write_str(&self.problem)
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl Fault {
    /// Of a file as a whole.
    pub(super) fn of_file(name: &str, problem: impl fmt::Display) -> Self {
        Self { file: name.to_owned(), line: None, column: None, path: None, problem: problem.to_string() }
    }

    /// Of a profile that is a file of its own.
    pub(super) fn of_profile(name: &str, error: &ProfileError) -> Self {
        let (line, column) = (Some(error.line), Some(error.column));
        Self { line, column, ..Self::of_file(name, &error.problem) }
    }
}

impl Source {
    /// What is wrong at an offset.
    pub(super) fn fault_at(&self, offset: usize, problem: impl fmt::Display) -> Fault {
        let (line, column) = self.line_and_column(offset);
        Fault { line: Some(line), column: Some(column), ..Fault::of_file(&self.name, problem) }
    }

    /// Both from 1; the column in characters.
    fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count());
        (before.matches('\n').count() + 1, column + 1)
    }
}

impl Place {
    /// The whole file.
    pub(super) fn of(source: Arc<Source>) -> Self {
        Self { source, path: Vec::new() }
    }

    /// The file.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// A key below it.
    pub(super) fn key(&self, key: &str) -> Self {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        Self { source: self.source.clone(), path }
    }

    /// An element of a list below it.
    pub(super) fn at(&self, index: usize) -> Self {
        self.key(&index.to_string())
    }

    /// What is wrong here.
    pub(super) fn fault(&self, problem: impl fmt::Display) -> Fault {
        Fault { path: self.shown(), ..self.source.fault_at(self.offset(), problem) }
    }

    /// `tenant[0].name`; `None`: the whole file.
    fn shown(&self) -> Option<String> {
        let mut text = String::new();
        for step in &self.path {
            match step.parse::<usize>() {
                Ok(index) => text.push_str(&format!("[{index}]")),
                Err(_) if text.is_empty() => text.push_str(step),
                Err(_) => text.extend([".", step]),
            }
        }
        Some(text).filter(|text| !text.is_empty())
    }

    /// The same where the problem says itself which field it is about: `organization: …`, `headers.X: …`, `value-sets.sites:
    /// value 3: …`. What is not in the file is told at what is nearest to it.
    pub(super) fn fault_of(&self, problem: &str) -> Fault {
        let (field, rest) = problem.split_once(": ").unwrap_or(("", problem));
        let mut place = self.clone();
        // A name may have dots in it: all of the rest is tried first.
        let mut left = kebab(field);
        while !left.is_empty() && !left.contains(' ') {
            let longest = left.rmatch_indices('.').map(|(at, _)| at).collect::<Vec<_>>();
            let ends = std::iter::once(left.len()).chain(longest);
            let Some(end) = ends.into_iter().find(|end| place.key(&left[..*end]).is_there()) else { break };
            place = place.key(&left[..end]);
            left = left.get(end + 1..).unwrap_or_default().to_owned();
        }
        let number =
            rest.strip_prefix("value ").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
        if let Some(value) = number.map(|number| place.at(number.saturating_sub(1))).filter(Self::is_there) {
            place = value;
        }
        place.fault(problem)
    }

    /// What is wrong within the text that stands here, such as a profile.
    pub(super) fn fault_within(&self, line: usize, column: usize, problem: &str) -> Fault {
        let start = self.offset();
        let text = &self.source.text[start.min(self.source.text.len())..];
        // Only there each line of the text is one of the file.
        match text.starts_with("'''\n") || text.starts_with("\"\"\"\n") {
            true => {
                let (above, _) = self.source.line_and_column(start);
                let (line, column) = (Some(above + line), Some(column));
                Fault { line, column, path: self.shown(), ..Fault::of_file(&self.source.name, problem) }
            }
            false => self.fault(format_args!("in its line {line}, column {column}: {problem}")),
        }
    }

    fn is_there(&self) -> bool {
        let Ok(document) = Document::parse(self.source.text.as_str()) else { return false };
        find(document.as_item(), &self.path).1 == self.path.len()
    }

    fn offset(&self) -> usize {
        let Ok(document) = Document::parse(self.source.text.as_str()) else { return 0 };
        find(document.as_item(), &self.path).0
    }
}

/// `targetSeconds` as it is written in the file; what is below `ldap` is written so there.
fn kebab(field: &str) -> String {
    if field.starts_with("ldap.") || field.starts_with("headers.") {
        return field.to_owned();
    }
    let mut text = String::with_capacity(field.len() + 4);
    for ch in field.chars() {
        if ch.is_ascii_uppercase() {
            text.push('-');
        }
        text.push(ch.to_ascii_lowercase());
    }
    text
}

/// Where that stands which is as far down the path as there is anything, and how far that is.
fn find(item: &Item, path: &[String]) -> (usize, usize) {
    let mut here = Below::Item(item);
    let mut offset = 0;
    for (depth, step) in path.iter().enumerate() {
        let Some((next, start)) = here.below(step) else { return (offset, depth) };
        offset = start.unwrap_or(offset);
        here = next;
    }
    (offset, path.len())
}

/// What has something below it.
enum Below<'a> {
    Item(&'a Item),
    Value(&'a Value),
    Table(&'a dyn TableLike),
}

impl<'a> Below<'a> {
    fn below(&self, step: &str) -> Option<(Below<'a>, Option<usize>)> {
        let index = || step.parse::<usize>().ok();
        let of_table = |table: &'a dyn TableLike| {
            let (key, item) = table.get_key_value(step)?;
            let start = match item {
                Item::Value(value) => value.span().map(|span| span.start),
                _ => item.span().or(key.span()).map(|span| span.start),
            };
            Some((Below::Item(item), start))
        };
        let of_array = |array: &'a toml_edit::Array| {
            let value = array.get(index()?)?;
            Some((Below::Value(value), value.span().map(|span| span.start)))
        };
        match *self {
            Below::Table(table) => of_table(table),
            Below::Value(Value::Array(array)) => of_array(array),
            Below::Value(Value::InlineTable(table)) => of_table(table),
            Below::Value(_) => None,
            Below::Item(Item::Value(value)) => Below::Value(value).below(step),
            Below::Item(Item::Table(table)) => of_table(table),
            Below::Item(Item::ArrayOfTables(tables)) => {
                let table = tables.get(index()?)?;
                Some((Below::Table(table), table.span().map(|span| span.start)))
            }
            Below::Item(Item::None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_stands_at_what_it_is_about() {
        let text = "[[tenant]]\nslug = \"a\"\n\n[[tenant]]\nslug = \"acme\"\norganization = \"East\"\n\
                    [tenant.value-sets]\nsites = [\n  \"1\",\n  \"2\",\n]\n[[tenant.destination]]\nname = \"App\"\n\
                    url = \"x\"\nheaders = { X-Api-Key = { env = \"K\" } }\n[tenant.profile]\ntext = '''\nname = \"x\"\n'''\n";
        let source = Source { name: "a.toml".into(), folder: PathBuf::new(), text: text.into() };
        let tenant = Place::of(Arc::new(source)).key("tenant").at(1);
        let of = |place: &Place, problem: &str| place.fault_of(problem).to_string();
        for (problem, place) in [
            ("organization: no", "a.toml: line 6, column 16: organization: no"),
            ("value-sets.sites: value 2: no", "a.toml: line 10, column 3: "),
            ("value-sets.other: no", "a.toml: line 7, column 1: "),
            ("rateLimit: no", "a.toml: line 4, column 1: "),
        ] {
            assert!(of(&tenant, problem).starts_with(place), "{}", of(&tenant, problem));
        }
        let destination = tenant.key("destination").at(0);
        assert!(of(&destination, "headers.X-Api-Key: no").starts_with("a.toml: line 15, column 25: "));
        assert!(of(&destination, "targetSeconds: no").starts_with("a.toml: line 12, column 1: "));
        let within = tenant.key("profile").key("text").fault_within(1, 8, "no").to_string();
        assert_eq!(within, "a.toml: line 18, column 8: no");
    }
}
