//! What there is of a tenant to get at: each value by its name, and as many values that nobody has.

use std::collections::BTreeMap;

use regex::Regex;

/// Values that are no secret by themselves: what names the tenant in an address, and what is the same for everybody.
const OPEN: [&str; 5] = ["slug", "host", "their host", "etag", "place"];

/// Names of the values that are ids of something of the tenant; each is put into every place for an id.
pub(super) const IDS: [&str; 19] = [
    "user",
    "boss",
    "inactive",
    "gone",
    "group",
    "subgroup",
    "role",
    "token",
    "login",
    "client",
    "bound",
    "link",
    "destination",
    "delivered",
    "entry",
    "import",
    "person",
    "sitting",
    "tenant",
];

/// A tenant, or nobody, by the values that requests are made of.
#[derive(Clone)]
pub(super) struct Prey {
    values: BTreeMap<&'static str, String>,
    /// What no request names: texts that its resources hold beside.
    hidden: Vec<String>,
}

impl Prey {
    /// Of a tenant.
    pub(super) fn new(values: BTreeMap<&'static str, String>, hidden: Vec<String>) -> Self {
        for id in IDS {
            assert!(values.contains_key(id), "the tenant has no {id}");
        }
        Self { values, hidden }
    }

    /// One of its values.
    pub(super) fn get(&self, name: &str) -> &str {
        self.values.get(name).unwrap_or_else(|| panic!("{name} is none of what there is of a tenant"))
    }

    /// All cursors that it was given: where, and the text.
    pub(super) fn cursors(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = self.values.iter().map(|(name, value)| (*name, value.as_str()));
        all.filter_map(|(name, value)| Some((name.strip_prefix("cursor ")?, value)))
    }

    /// The same with values that are nobody's, each of the form that it has here.
    pub(super) fn nobody(&self) -> Self {
        let slug = strange(self.get("slug"));
        let value = |(name, value): (&&'static str, &String)| {
            let value = match *name {
                "slug" => slug.clone(),
                // A host name that no tenant has proven is one like any other; one that no tenant could have is the like of it.
                "their host" => format!("{slug}.{}", super::world::DOMAIN),
                "host" => format!("{slug}.own.example"),
                "etag" => value.clone(),
                // What it leads to counts, not that it is another one.
                name if name.starts_with("cursor ") => value.clone(),
                _ => strange(value),
            };
            (*name, value)
        };
        Self { values: self.values.iter().map(value).collect(), hidden: Vec::new() }
    }

    /// What must be in no answer to anybody else.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let named =
            self.values.iter().filter(|(name, _)| !OPEN.contains(*name) && !name.starts_with("cursor "));
        named.map(|(_, value)| value.as_str()).chain(self.hidden.iter().map(String::as_str))
    }

    /// A text in which each value is replaced by its name.
    pub(super) fn masked(&self, text: &str) -> String {
        let mut values: Vec<_> =
            self.values.iter().filter(|(name, _)| !["etag", "place", "their host"].contains(*name)).collect();
        values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        values.into_iter().fold(text.to_owned(), |text, (name, value)| {
            if !name.starts_with("cursor ") {
                return text.replace(value, &format!("<{name}>"));
            }
            // Some are so short that they stand inside of other words by chance.
            let alone = Regex::new(&format!(r"\b{}\b", regex::escape(value))).expect("a pattern");
            alone.replace_all(&text, format!("<{name}>")).into_owned()
        })
    }
}

/// Another text of the same form: its digits are other ones, of ids and words of this house those after the last hyphen, where
/// they are random.
fn strange(text: &str) -> String {
    let other = |ch: char| match ch {
        '0'..='9' => char::from(b'0' + rand::random::<u8>() % 10),
        'a'..='f' => char::from(b'a' + rand::random::<u8>() % 6),
        other => other,
    };
    let (kept, rest) = text.split_at(text.rfind('-').filter(|at| text.len() - at > 8).unwrap_or(0));
    let changed =
        (0..200).map(|_| rest.chars().map(other).collect::<String>()).find(|changed| changed != rest);
    format!("{kept}{}", changed.unwrap_or_else(|| panic!("{text} has no digit")))
}
