//! The parts of a profile that forms can change: which settings each has, and what people call them.

use scim_core::profile::edit::Place;

/// A part of the profile: a list of entries, or a table of settings.
#[derive(Debug)]
pub(crate) struct Part {
    /// In addresses.
    pub(crate) key: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// What it decides.
    pub(crate) about: &'static str,
    /// What people call an entry: `rule`.
    pub(crate) one: &'static str,
    /// Where it stands in the file.
    pub(crate) shape: Shape,
    /// Settings of an entry, or of the table.
    pub(crate) fields: &'static [Field],
    /// Keys of an entry that name it, the first that it has.
    pub(crate) names: &'static [&'static str],
    /// Has the order of the entries a meaning?
    pub(crate) ordered: bool,
}

/// How a part is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Settings in a table: `[policies]`.
    Table(&'static str),
    /// `[[rule]]`.
    List(&'static str),
    /// `[[roles.rule]]`.
    ListIn(&'static str, &'static str),
    /// `[[extension.attribute]]`: the entries of each entry.
    ListOfEach(&'static str, &'static str),
    /// Attributes of core SCIM: several places, one thing.
    Attributes,
}

/// A setting.
#[derive(Debug)]
pub(crate) struct Field {
    /// Key in the file, and id of its control.
    pub(crate) key: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) kind: Kind,
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A condition in CEL.
    Code,
    /// JSON in a text.
    Json,
    /// Texts, one a line.
    Lines,
    /// Yes or no, and which of the two when nothing is said.
    Flag(bool),
    /// Yes or no, always written.
    Verdict,
    /// A whole number.
    Number,
    /// One of these: value and label; the first when nothing is said.
    Choice(&'static [(&'static str, &'static str)]),
    /// Name of a format.
    Format,
    /// Name of a value set of the profile.
    ValueSet,
    /// A value of the attribute's own type.
    Default,
}

const fn field(key: &'static str, label: &'static str, kind: Kind, hint: &'static str) -> Field {
    Field { key, label, hint, kind }
}

use Kind::{Choice, Code, Default, Flag, Format, Json, Lines, Number, Text, ValueSet, Verdict};

const WHEN: &str =
    "CEL over user (core attributes) and ext (those of extensions), such as ext.isProvider == true.";
const FORMAT: Field = field("format", "Format", Format, "Of a text.");
const VALUE_SET: Field =
    field("value-set", "Value set", ValueSet, "Of a text: the list that its values are in.");
const DEFAULT: Field = field("default", "Default", Default, "Its value where a user has none. Empty: none.");

/// All of them, in the order of the page.
pub(crate) static PARTS: [Part; 13] = [
    Part {
        key: "attributes",
        title: "Attributes",
        about: "Attributes of core SCIM and of the enterprise extension: which are on offer, and what is asked of them.",
        one: "attribute",
        shape: Shape::Attributes,
        fields: &[
            field("required", "Required", Flag(false), "Every user must have it."),
            FORMAT,
            VALUE_SET,
            DEFAULT,
            field(
                "names",
                "Other names",
                Lines,
                "One a line: names that identity providers send in its place.",
            ),
        ],
        names: &["path"],
        ordered: false,
    },
    Part {
        key: "extensions",
        title: "Extensions",
        about: "The product's own attributes, each extension under a URN.",
        one: "extension",
        shape: Shape::List("extension"),
        fields: &[
            field("urn", "URN", Text, "Such as urn:example:params:scim:schemas:extension:badges:2.0:User."),
            field("name", "Name", Text, "Short, for people."),
            field("description", "Description", Text, ""),
            field("aliases", "Other URNs", Lines, "One a line."),
            field(
                "top-level",
                "At the top level too",
                Flag(false),
                "Its attributes may also stand beside those of core SCIM.",
            ),
            field("required", "Required", Flag(false), "Every user must have it."),
        ],
        names: &["name", "urn"],
        ordered: false,
    },
    Part {
        key: "extension-attributes",
        title: "Attributes of extensions",
        about: "What the product knows of a user beyond SCIM.",
        one: "attribute",
        shape: Shape::ListOfEach("extension", "attribute"),
        fields: &[
            field("name", "Name", Text, "As the product's guide has it: npi."),
            field("description", "Description", Text, "For people, and in /Schemas."),
            field(
                "type",
                "Type",
                Choice(&[
                    ("string", "string: a text"),
                    ("boolean", "boolean: true or false"),
                    ("integer", "integer: a whole number"),
                    ("decimal", "decimal: a number"),
                    ("dateTime", "dateTime: an instant"),
                    ("binary", "binary: Base64"),
                    ("reference", "reference: a URI or an id"),
                    ("complex", "complex: with sub-attributes"),
                ]),
                "Sub-attributes of a complex one are written in the text.",
            ),
            field("multi-valued", "Holds a list", Flag(false), ""),
            field("required", "Required", Flag(false), "Every user must have it."),
            FORMAT,
            VALUE_SET,
            DEFAULT,
            field("canonical-values", "Suggested values", Lines, "One a line. Others are taken, too."),
            field("indexed", "Looked up by", Flag(false), "Answer eq on it by an index: for identifiers."),
            field(
                "uniqueness",
                "Uniqueness",
                Choice(&[
                    ("none", "values may repeat"),
                    ("server", "unique in the tenant"),
                    ("global", "unique everywhere"),
                ]),
                "",
            ),
            field(
                "mutability",
                "Who may change it",
                Choice(&[
                    ("readWrite", "the client"),
                    ("immutable", "the client, once"),
                    ("readOnly", "only the server"),
                    ("writeOnly", "the client; never shown"),
                ]),
                "",
            ),
            field(
                "returned",
                "When it is shown",
                Choice(&[
                    ("default", "unless excluded"),
                    ("always", "always"),
                    ("request", "only when asked for"),
                    ("never", "never"),
                ]),
                "",
            ),
        ],
        names: &["name"],
        ordered: false,
    },
    Part {
        key: "rules",
        title: "Rules",
        about: "What must hold across attributes. All violations of a user are told in one answer.",
        one: "rule",
        shape: Shape::List("rule"),
        fields: &[
            field("name", "Name", Text, "For people; an error names it where the rule has no answer."),
            field(
                "when",
                "When",
                Code,
                "Of whom something is demanded; empty: of all. CEL over user and ext.",
            ),
            field(
                "require",
                "Require",
                Lines,
                "Paths that must have a value, one a line. Fill one of Require, Format and Condition.",
            ),
            field("format", "Format", Format, "Or: what the texts of the paths below must have."),
            field("paths", "Paths of the format", Lines, "One a line."),
            field("condition", "Condition", Code, "Or: what must be true. CEL, with a path and a message."),
            field("path", "Path of the condition", Text, "The attribute that the error names."),
            field("message", "Message", Text, "What is wrong and what to do; a condition needs one."),
        ],
        names: &["name"],
        ordered: true,
    },
    Part {
        key: "not-applicable",
        title: "What does not apply",
        about: "Attributes that say nothing about some users: left out, and noted, or refused.",
        one: "case",
        shape: Shape::List("not-applicable"),
        fields: &[
            field("when", "When", Code, WHEN),
            field("attributes", "Attributes", Lines, "Paths, one a line."),
            field(
                "then",
                "Then",
                Choice(&[("drop", "leave them out, and note it"), ("refuse", "refuse the request")]),
                "",
            ),
            field("reason", "Reason", Text, "For people: why they say nothing."),
        ],
        names: &["reason", "when"],
        ordered: true,
    },
    Part {
        key: "value-sets",
        title: "Value sets",
        about: "Lists of allowed values that each tenant fills. Their values are on the tab Value sets.",
        one: "value set",
        shape: Shape::List("value-set"),
        fields: &[
            field("name", "Name", Text, "By which attributes and the command line name it."),
            field("title", "Title", Text, "For people."),
            field(
                "required",
                "Must be filled",
                Flag(false),
                "Until it is filled no value is allowed; otherwise every value is.",
            ),
        ],
        names: &["title", "name"],
        ordered: false,
    },
    Part {
        key: "policies",
        title: "Policies",
        about: "What happens to a name that is taken, to who is deleted, and to what nobody knows.",
        one: "policies",
        shape: Shape::Table("policies"),
        fields: &[
            field(
                "duplicate",
                "A userName that is taken",
                Choice(&[
                    ("reject", "refuse the request (409)"),
                    ("link", "link: the existing user gets what was sent (201)"),
                ]),
                "",
            ),
            field(
                "delete",
                "DELETE of a user",
                Choice(&[
                    ("soft-delete", "hide, and free the name; can be restored"),
                    ("deactivate", "deactivate"),
                    ("purge", "remove for good"),
                ]),
                "",
            ),
            field("retention-days", "Days until hidden users are purged", Number, "Empty: never by itself."),
            field(
                "relink-on-return",
                "Who comes back gets the old id",
                Flag(false),
                "Looked up by externalId, then userName.",
            ),
            field(
                "unknown-member",
                "A group member that does not exist",
                Choice(&[("skip", "leave out, and report"), ("reject", "refuse the request")]),
                "",
            ),
            field(
                "unknown-attribute",
                "An attribute that nobody knows",
                Choice(&[("drop", "leave out, and report"), ("reject", "refuse the request")]),
                "",
            ),
        ],
        names: &[],
        ordered: false,
    },
    Part {
        key: "leniencies",
        title: "Leniencies",
        about: "Habits of identity providers that the letter of SCIM would refuse. A tenant in strict mode takes none.",
        one: "leniencies",
        shape: Shape::Table("leniencies"),
        fields: &[
            field(
                "boolean-strings",
                "Booleans as texts",
                Flag(true),
                "\"True\" where true is expected (Entra, OneLogin).",
            ),
            field("missing-schemas", "No schemas", Flag(true), "A body without schemas."),
            field(
                "undeclared-extensions",
                "Extensions not in schemas",
                Flag(true),
                "An extension whose URN is not in schemas (Entra).",
            ),
            field(
                "create-missing-element",
                "PATCH makes an element",
                Flag(true),
                "PATCH on attr[x eq \"y\"].sub without a match (Entra).",
            ),
            field(
                "remove-without-match",
                "Remove nothing",
                Flag(true),
                "PATCH remove with a filter that matches nothing.",
            ),
            field(
                "remove-by-value",
                "Remove by value",
                Flag(true),
                "PATCH remove with the elements in value (Entra).",
            ),
            field(
                "dotted-keys",
                "Dotted keys",
                Flag(true),
                "name.givenName as a key of a PATCH value (Entra).",
            ),
            field(
                "single-as-list",
                "One for many",
                Flag(true),
                "One value where a list is expected, and a list of one for one.",
            ),
            field(
                "string-for-complex",
                "A text for a complex value",
                Flag(true),
                "The manager as a text (Entra).",
            ),
            field(
                "numbers-as-strings",
                "Numbers and texts",
                Flag(true),
                "A number where a text is expected, and the other way.",
            ),
            field(
                "bare-extension-names",
                "Bare names of extensions",
                Flag(true),
                "An extension's attribute without its URN (Entra).",
            ),
            field(
                "dotted-urns",
                "A dot after a URN",
                Flag(true),
                "urn:…:2.0:User.department (old Entra jobs).",
            ),
            field(
                "misspelt-enterprise-urn",
                "Misspelt enterprise URN",
                Flag(true),
                "Without its last colon (Entra), or of SCIM 1.0 (OneLogin).",
            ),
            field(
                "nested-core",
                "Core under its URN",
                Flag(true),
                "Core attributes in an object under the core URN.",
            ),
            field(
                "wrapped-members",
                "Wrapped members",
                Flag(true),
                "{\"members\": […]} in a PATCH on members (Ping).",
            ),
            field(
                "compare-after-brackets",
                "Comparison after brackets",
                Flag(true),
                "emails[type eq \"work\"].value eq \"…\" in filters (Entra).",
            ),
        ],
        names: &[],
        ordered: false,
    },
    Part {
        key: "roles",
        title: "Roles",
        about: "How groups give roles, where no rule for groups says otherwise.",
        one: "roles",
        shape: Shape::Table("roles"),
        fields: &[
            field(
                "prefix",
                "Prefix",
                Text,
                "A group whose name starts with it gives the role named by the rest.",
            ),
            field(
                "match",
                "Which rules count",
                Choice(&[("first", "the first that gives a role"), ("all", "each")]),
                "",
            ),
            field(
                "protected",
                "Protected roles",
                Lines,
                "One a line: given only by a rule that names the group.",
            ),
            field(
                "catalogue",
                "Catalogue",
                ValueSet,
                "The value set that holds the roles in their spelling.",
            ),
            field(
                "unlisted",
                "A role that the catalogue does not have",
                Choice(&[("grant", "give it as written"), ("ignore", "do not give it")]),
                "",
            ),
            field(
                "unmatched-group",
                "A group that no rule knows",
                Choice(&[("keep", "keep it, without roles"), ("reject", "refuse it")]),
                "",
            ),
        ],
        names: &[],
        ordered: false,
    },
    Part {
        key: "resource-types",
        title: "Resource types",
        about: "What the product has beside users. Okta Identity Governance assigns what it finds in /Roles and /Entitlements.",
        one: "resource types",
        shape: Shape::Table("resource-types"),
        fields: &[
            field("groups", "Groups", Flag(true), "Groups can be pushed."),
            field(
                "roles",
                "Roles",
                Flag(false),
                "Identity providers may assign the roles of the catalogue to users themselves.",
            ),
            field(
                "entitlements",
                "Entitlements",
                Flag(false),
                "Likewise what the catalogue of entitlements has.",
            ),
        ],
        names: &[],
        ordered: false,
    },
    Part {
        key: "entitlements",
        title: "Entitlements",
        about: "What identity providers assign to users beside roles, where the resource types have entitlements.",
        one: "entitlements",
        shape: Shape::Table("entitlements"),
        fields: &[field("catalogue", "Catalogue", ValueSet, "The value set that holds them.")],
        names: &[],
        ordered: false,
    },
    Part {
        key: "role-rules",
        title: "Rules for groups",
        about: "Which groups give which roles, in order, before the prefix is asked.",
        one: "rule",
        shape: Shape::ListIn("roles", "rule"),
        fields: &[
            field(
                "prefix",
                "Groups whose name starts with",
                Text,
                "Fill one of these four. Names are compared without case.",
            ),
            field(
                "pattern",
                "Whose whole name matches",
                Text,
                "Or a regular expression, such as acme-(?<role>.+).",
            ),
            field("group", "The group named", Text, "Or the name of one group."),
            field("external-id", "The group with the externalId", Text, "Or the externalId of one group."),
            field(
                "role",
                "Role",
                Text,
                "Empty: the rest of the name, or the part named role. $1 and ${name} stand for parts.",
            ),
        ],
        names: &["prefix", "pattern", "group", "external-id"],
        ordered: true,
    },
    Part {
        key: "examples",
        title: "Examples",
        about: "Users, and what the profile makes of them. A profile is saved only if they come out.",
        one: "example",
        shape: Shape::List("example"),
        fields: &[
            field("title", "Title", Text, "For people."),
            field("valid", "It is taken", Verdict, "Otherwise it must be refused."),
            field("user", "User", Json, "The body of a POST, as JSON."),
            field("path", "Refused at", Text, "Of one that is refused: a path that the error names."),
            field(
                "becomes",
                "Becomes",
                Json,
                "Of one that is taken: what is kept, as JSON. Empty: not looked at.",
            ),
        ],
        names: &["title"],
        ordered: true,
    },
];

/// The part of this key.
pub(crate) fn part(key: &str) -> Option<&'static Part> {
    PARTS.iter().find(|part| part.key == key)
}

impl Part {
    /// The place of an entry as addresses name it: `3`, `0.2`; of a table whatever they say. `None`: they name none.
    pub(crate) fn place(&self, entry: &str) -> Option<Place> {
        let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number < 10_000);
        match self.shape {
            Shape::Table(table) => Some(Place::top().table(table)),
            Shape::List(list) => Some(Place::top().entry(list, number(entry)?)),
            Shape::ListIn(table, list) => Some(Place::top().table(table).entry(list, number(entry)?)),
            Shape::ListOfEach(outer, list) => {
                let (above, at) = entry.split_once('.')?;
                Some(Place::top().entry(outer, number(above)?).entry(list, number(at)?))
            }
            Shape::Attributes => None,
        }
    }

    /// Is it one form, without a list before it?
    pub(crate) fn is_table(&self) -> bool {
        matches!(self.shape, Shape::Table(_))
    }
}

/// The part and the entry whose form changes a place; `None`: only the text does.
pub(crate) fn at(place: &Place) -> Option<(&'static Part, String)> {
    let steps: Vec<(&str, Option<usize>)> = place.steps().collect();
    PARTS.iter().find_map(|part| {
        let entry = match (part.shape, steps.as_slice()) {
            (Shape::Table(table), [(key, None)]) if *key == table => "all".to_owned(),
            (Shape::List(list), [(key, Some(at))]) if *key == list => at.to_string(),
            (Shape::ListIn(table, list), [(above, None), (key, Some(at))])
                if (*above, *key) == (table, list) =>
            {
                at.to_string()
            }
            (Shape::ListOfEach(outer, list), [(above, Some(of)), (key, Some(at))])
                if (*above, *key) == (outer, list) =>
            {
                format!("{of}.{at}")
            }
            _ => return None,
        };
        Some((part, entry))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_addresses_are_two_names_of_one_thing() {
        for part in &PARTS {
            assert!(std::ptr::eq(super::part(part.key).expect("found"), part));
            let entry = match part.shape {
                Shape::Table(_) => "all",
                Shape::ListOfEach(..) => "3.5",
                Shape::Attributes => continue,
                _ => "7",
            };
            let place = part.place(entry).expect("a place");
            let (found, named) = at(&place).expect("a part");
            assert_eq!((found.key, named.as_str()), (part.key, entry));
        }
        let rules = super::part("rules").expect("rules");
        assert!(rules.place("x").is_none() && rules.place("-1").is_none() && rules.place("99999").is_none());
    }
}
