//! Columns: which attribute of a user each of them holds.

use std::sync::Arc;

use scim_core::{
    ResourceType,
    path::Resolved,
    resource::AttrRef,
    schema::{self, Attribute, AttributeType, Mutability, Returned},
};

use super::{LineError, MAX_COLUMNS};

/// Longest column name shown in an error, in characters.
const SHOWN: usize = 100;

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Column {
    /// `id`: written, and passed over when it is read.
    Id,
    /// `meta.created`: likewise.
    Created,
    /// `meta.lastModified`: likewise.
    LastModified,
    /// An attribute.
    Value(Place),
    /// Passed over, because somebody said so.
    LeftOut,
}

/// An attribute of a user; of a list of complex values a sub-attribute of one element.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    /// The attribute; with its sub-attribute where it is complex.
    pub(super) target: AttrRef,
    /// The element with this `type`; absent: the primary one, or the first.
    pub(super) of_type: Option<String>,
}

impl Place {
    /// Equal for two columns that hold the same.
    fn key(&self) -> (String, Option<String>) {
        (self.target.path(), self.of_type.as_deref().map(scim_core::fold))
    }
}

/// What the server alone writes.
const READ_ONLY: [(&str, Column); 3] =
    [("id", Column::Id), ("meta.created", Column::Created), ("meta.lastModified", Column::LastModified)];

/// The columns that a resource type can have.
pub(super) struct Known<'k> {
    kind: &'k ResourceType,
    /// Names and attributes in order.
    leaves: Vec<(String, AttrRef)>,
}

impl<'k> Known<'k> {
    /// Of a resource type: every attribute that a client may write, but the password; of a complex one its
    /// sub-attributes. An attribute of an extension has its bare name where no other has the same.
    pub(super) fn of(kind: &'k ResourceType) -> Self {
        let mut targets: Vec<AttrRef> = Vec::new();
        let common = schema::COMMON.attribute("externalId");
        let core = kind.schema.attributes.iter();
        // Who it is and whether the account is open come first, for the people who read the file.
        let first = ["userName", "externalId", "active"];
        let rank = |attribute: &Attribute| first.iter().position(|name| *name == attribute.name).unwrap_or(9);
        let mut core: Vec<_> = core.chain(common).filter(|attribute| attribute.name != "password").collect();
        core.sort_by_key(|attribute| rank(attribute));
        core.into_iter().for_each(|attribute| add_leaves(&mut targets, None, attribute));
        for extension in &kind.extensions {
            let urn: Arc<str> = extension.schema.id.as_str().into();
            for attribute in &extension.schema.attributes {
                add_leaves(&mut targets, Some(&urn), attribute);
            }
        }
        let bare: Vec<String> = targets.iter().map(bare_name).collect();
        let name = |(at, target): (usize, AttrRef)| {
            let same = |other: &&String| other.eq_ignore_ascii_case(&bare[at]);
            let alone = target.extension.is_none() || bare.iter().filter(same).count() == 1;
            (if alone { bare[at].clone() } else { target.path() }, target)
        };
        Self { kind, leaves: targets.into_iter().enumerate().map(name).collect() }
    }

    /// The columns that are written, with their names, in order.
    pub(super) fn written(&self) -> Vec<(String, Column)> {
        let read_only = |at: usize| (READ_ONLY[at].0.to_owned(), READ_ONLY[at].1.clone());
        let shown = |target: &AttrRef| {
            let hidden = |attribute: &Attribute| {
                attribute.returned == Returned::Never || attribute.mutability == Mutability::WriteOnly
            };
            !hidden(&target.attribute) && !hidden(target.leaf())
        };
        let values = self.leaves.iter().filter(|(_, target)| shown(target)).map(|(name, target)| {
            (name.clone(), Column::Value(Place { target: target.clone(), of_type: None }))
        });
        std::iter::once(read_only(0)).chain(values).chain([read_only(1), read_only(2)]).collect()
    }

    /// What a name means, in any case; `None`: nothing.
    pub(super) fn find(&self, name: &str) -> Option<Column> {
        let name = name.trim();
        if let Some((_, column)) = READ_ONLY.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Some(column.clone());
        }
        if let Some((list, of_type, sub)) = bracketed(name) {
            let target = self.leaf(&format!("{list}.{sub}"))?;
            let fits = target.attribute.multi_valued
                && target.attribute.sub("type").is_some()
                && target.sub.as_ref().is_some_and(|sub| sub.name != "type");
            return fits.then(|| Column::Value(Place { target, of_type: Some(of_type) }));
        }
        let target = self.leaf(name)?;
        Some(Column::Value(Place { target, of_type: None }))
    }

    fn leaf(&self, name: &str) -> Option<AttrRef> {
        let own = self.leaves.iter().find(|(known, target)| {
            known.eq_ignore_ascii_case(name) || target.path().eq_ignore_ascii_case(name)
        });
        if let Some((_, target)) = own {
            return Some(target.clone());
        }
        // Names that the profile has for them, URNs in all their forms, and a complex attribute for its value.
        let Resolved::Attribute(target) = self.kind.resolve(name) else { return self.value_of_bare(name) };
        self.known_leaf(&target)
    }

    /// The bare name of an extension's complex attribute, such as `manager`.
    fn value_of_bare(&self, name: &str) -> Option<AttrRef> {
        let value = format!("{name}.value");
        let found = self.leaves.iter().find(|(known, _)| known.eq_ignore_ascii_case(&value));
        found.map(|(_, target)| target.clone())
    }

    /// The column of an attribute; of a complex one that of its `value`.
    fn known_leaf(&self, target: &AttrRef) -> Option<AttrRef> {
        let leaf = match (&target.sub, target.attribute.sub("value")) {
            (None, Some(value)) => target.with_sub(value),
            _ => target.clone(),
        };
        let path = leaf.path();
        self.leaves.iter().find(|(_, known)| known.path() == path).map(|(_, known)| known.clone())
    }

    /// The columns that a header row names: each known and there once, `userName` among them. `line` is the row's.
    pub(super) fn header(&self, line: u64, names: &[String]) -> Result<Vec<Column>, LineError> {
        if names.len() > MAX_COLUMNS {
            return Err(too_many_columns(line));
        }
        let columns = names.iter().map(|name| self.find(name)).collect();
        self.checked(line, names, columns)
    }

    /// Likewise, where somebody has said what each column holds: the name of an attribute, or nothing for one that is
    /// passed over. Columns that were not named are passed over too.
    pub(super) fn mapped(
        &self,
        line: u64,
        names: &[String],
        mapping: &[String],
    ) -> Result<Vec<Column>, LineError> {
        if names.len() > MAX_COLUMNS {
            return Err(too_many_columns(line));
        }
        let column = |at: usize| match mapping.get(at).map(|name| name.trim()) {
            None | Some("") => Some(Column::LeftOut),
            Some(name) => self.find(name),
        };
        self.checked(line, names, (0..names.len()).map(column).collect())
    }

    fn checked(
        &self,
        line: u64,
        names: &[String],
        columns: Vec<Option<Column>>,
    ) -> Result<Vec<Column>, LineError> {
        if !columns.iter().flatten().any(is_user_name) {
            return Err(self.no_header(line, names));
        }
        let mut found: Vec<Column> = Vec::with_capacity(columns.len());
        for (at, (name, column)) in names.iter().zip(columns).enumerate() {
            let Some(column) = column else { return Err(self.unknown(line, at + 1, name)) };
            if let Some(first) = found.iter().position(|other| same(other, &column)) {
                let problem =
                    format!("columns {} and {} hold the same; leave one of them out", first + 1, at + 1);
                return Err(LineError::at(line, &shown(name), problem));
            }
            found.push(column);
        }
        Ok(found)
    }

    /// Without a column userName the first row may be no header but somebody's data, so none of it is repeated.
    fn no_header(&self, line: u64, names: &[String]) -> LineError {
        let hint = match names {
            [only] if only.contains([';', '\t']) => {
                "; cells are separated by commas, not by semicolons or tabs"
            }
            _ => "",
        };
        let problem = format!(
            "the first row has no column userName; it must name the columns, one of them userName{hint}. {}",
            self.list()
        );
        LineError::new(line, problem)
    }

    fn unknown(&self, line: u64, number: usize, name: &str) -> LineError {
        let problem = if name.trim().is_empty() {
            format!("column {number} has no name; name it, or leave it out")
        } else {
            format!("column {number} is no attribute of this tenant's users; leave it out. {}", self.list())
        };
        LineError { line, path: (!name.trim().is_empty()).then(|| shown(name)), problem }
    }

    /// The columns there are, for an error.
    pub(super) fn list(&self) -> String {
        let names: Vec<&str> = self.leaves.iter().map(|(name, _)| name.as_str()).collect();
        format!("Columns: {}", names.join(", "))
    }
}

/// A name fit for an error: bounded, on one line.
fn shown(name: &str) -> String {
    name.trim().chars().take(SHOWN).map(|ch| if ch.is_control() { '\u{fffd}' } else { ch }).collect()
}

/// A row or header with more columns than are taken.
pub(super) fn too_many_columns(line: u64) -> LineError {
    LineError::new(line, format!("has more than {MAX_COLUMNS} columns; leave some out"))
}

/// Does a column hold the userName?
pub(super) fn is_user_name(column: &Column) -> bool {
    matches!(column, Column::Value(place) if place.target.extension.is_none() && place.target.path() == "userName")
}

fn same(one: &Column, other: &Column) -> bool {
    match (one, other) {
        (Column::Value(one), Column::Value(other)) => one.key() == other.key(),
        (Column::LeftOut, Column::LeftOut) => false,
        _ => one == other,
    }
}

fn bare_name(target: &AttrRef) -> String {
    AttrRef { extension: None, ..target.clone() }.path()
}

fn add_leaves(targets: &mut Vec<AttrRef>, urn: Option<&Arc<str>>, attribute: &Arc<Attribute>) {
    let writable = |attribute: &Attribute| attribute.mutability != Mutability::ReadOnly;
    if !writable(attribute) {
        return;
    }
    let whole = AttrRef { extension: urn.cloned(), attribute: Arc::clone(attribute), sub: None };
    if attribute.kind != AttributeType::Complex {
        targets.push(whole);
        return;
    }
    // Which element is the primary one is said by its column.
    let subs = attribute.sub_attributes.iter().filter(|sub| writable(sub) && sub.name != "primary");
    targets.extend(subs.map(|sub| whole.with_sub(sub)));
}

/// `emails[type eq "work"].value` as list, type and sub-attribute; the quotes may be missing.
fn bracketed(name: &str) -> Option<(&str, String, &str)> {
    let (list, rest) = name.split_once('[')?;
    let (inside, sub) = rest.rsplit_once("].")?;
    let (attribute, rest) = inside.trim().split_once(char::is_whitespace)?;
    let (operator, value) = rest.trim_start().split_once(char::is_whitespace)?;
    let value = value.trim();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let plain = !value.is_empty() && !value.contains(['"', '\\', '[', ']']);
    let fits = attribute.eq_ignore_ascii_case("type") && operator.eq_ignore_ascii_case("eq") && plain;
    fits.then(|| (list, value.to_owned(), sub))
}

#[cfg(test)]
mod tests {
    use scim_core::profile::Profile;

    use super::*;

    fn kind(profile: &str) -> Arc<ResourceType> {
        let text = Profile::builtin(profile).expect("a profile");
        Profile::from_toml(text).expect("compiles").user
    }

    fn show(column: Option<Column>) -> String {
        match column {
            Some(Column::Value(Place { target, of_type: None })) => target.path(),
            Some(Column::Value(Place { target, of_type: Some(kind) })) => {
                format!("{} of {kind}", target.path())
            }
            Some(other) => format!("{other:?}"),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn names_of_columns() {
        const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        const MDSCRIPTS: &str = "urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User";
        let department = format!("{ENTERPRISE}:department");
        let manager = format!("{ENTERPRISE}:manager.value");
        let npi = format!("{MDSCRIPTS}:npi");
        let role = format!("{MDSCRIPTS}:role");
        let epic = "urn:rollcall:params:scim:schemas:extension:epic-emp:2.0:User";
        for (profile, name, meant) in [
            ("generic", "userName", "userName"),
            ("generic", " USERNAME ", "userName"),
            ("generic", "externalid", "externalId"),
            ("generic", "name.GivenName", "name.givenName"),
            ("generic", "emails.value", "emails.value"),
            ("generic", "emails", "emails.value"),
            ("generic", "emails[type eq \"work\"].value", "emails.value of work"),
            ("generic", "Emails[TYPE EQ work].Display", "emails.display of work"),
            ("generic", "emails[type eq \"work\"].type", "nothing"),
            ("generic", "emails[value eq \"a\"].display", "nothing"),
            ("generic", "name[type eq \"work\"].givenName", "nothing"),
            ("generic", "emails.primary", "nothing"),
            ("generic", "department", &department),
            ("generic", &department, &department),
            ("generic", "manager", &manager),
            ("generic", "manager.value", &manager),
            ("generic", "manager.displayName", "nothing"),
            ("generic", "id", "Id"),
            ("generic", "Meta.Created", "Created"),
            ("generic", "meta.lastModified", "LastModified"),
            ("generic", "meta.version", "nothing"),
            ("generic", "password", "nothing"),
            ("generic", "groups", "nothing"),
            ("generic", "tenant", "nothing"),
            ("generic", "schemas", "nothing"),
            ("generic", "name", "nothing"),
            ("generic", "", "nothing"),
            ("mdscripts", "npi", &npi),
            ("mdscripts", &npi, &npi),
            ("mdscripts", "roles", &role),
            ("mdscripts", "timezone", "timezone"),
            ("mdscripts", "emailType", "emails.type"),
            ("mdscripts", "phoneNumbers.value", "nothing"),
            ("clinical-maestro", "email", "emails.value"),
            ("clinical-maestro", "primaryPhone", "phoneNumbers.value"),
            ("clinical-maestro", "PRIMARYPHONETYPE", "phoneNumbers.type"),
            ("clinical-maestro", "givenName", "name.givenName"),
            ("clinical-maestro", "nickName", "nothing"),
            ("epic-emp", "template", &format!("{epic}:templates")),
            ("epic-emp", "linkedSer", &format!("{epic}:linkedSer")),
            ("epic-emp", "sendInvite", "nothing"),
        ] {
            assert_eq!(show(Known::of(&kind(profile)).find(name)), meant, "{profile} {name:?}");
        }
    }

    #[test]
    fn what_is_written_is_known_and_there_once() {
        for (profile, _) in scim_core::profile::BUILTIN {
            let kind = kind(profile);
            let known = Known::of(&kind);
            let (names, columns): (Vec<_>, Vec<_>) = known.written().into_iter().unzip();
            assert_eq!(known.header(1, &names).expect(profile), columns, "{profile}");
            assert_eq!(names[..4], ["id", "userName", "externalId", "active"], "{profile}");
            assert_eq!(names[names.len() - 2..], ["meta.created", "meta.lastModified"], "{profile}");
            assert!(!names.iter().any(|name| name == "password"), "{profile}");
        }
    }

    #[test]
    fn a_name_that_two_extensions_have_needs_its_urn() {
        let mut both = ResourceType::user();
        let twin: schema::Schema = serde_json::from_value(serde_json::json!({
            "id": "urn:example:twin", "name": "Twin",
            "attributes": [{"name": "department"}, {"name": "badge"}, {"name": "title"}],
        }))
        .expect("a schema");
        both.extensions.push(scim_core::resource::Extension {
            schema: Arc::new(twin),
            required: false,
            aliases: Vec::new(),
            top_level: false,
        });
        let known = Known::of(&both);
        assert_eq!(show(known.find("badge")), "urn:example:twin:badge");
        assert_eq!(show(known.find("title")), "title", "core comes first");
        assert_eq!(show(known.find("urn:example:twin:title")), "urn:example:twin:title");
        assert_eq!(show(known.find("department")), "nothing");
        assert_eq!(show(known.find("urn:example:twin:department")), "urn:example:twin:department");
    }

    #[test]
    fn headers_that_are_refused() {
        let kind = kind("clinical-maestro");
        let known = Known::of(&kind);
        let refused = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            known.header(3, &names).expect_err("refused")
        };
        for (names, path, words) in [
            (&["userName", "tenant"][..], Some("tenant"), "column 2 is no attribute"),
            (&["userName", "password"], Some("password"), "column 2 is no attribute"),
            (&["userName", ""], None, "column 2 has no name"),
            (&["userName", "USERNAME"], Some("USERNAME"), "columns 1 and 2 hold the same"),
            (&["email", "userName", "emails.value"], Some("emails.value"), "columns 1 and 3 hold the same"),
            (&["id", "userName", "ID"], Some("ID"), "columns 1 and 3 hold the same"),
            (&["email"], None, "no column userName"),
            (&["userName;email"], None, "separated by commas"),
        ] {
            let error = refused(names);
            assert_eq!((error.line, error.path.as_deref()), (3, path), "{names:?}");
            assert!(error.problem.contains(words), "{names:?}: {error}");
        }
        assert!(
            refused(&["userName", "x"]).problem.contains("userName, externalId, active, name.familyName")
        );
        let data = refused(&["AP5836727", "1234567893"]);
        assert!(
            !data.to_string().contains("AP5836727"),
            "no value of a file without a header is told: {data}"
        );
        let many: Vec<&str> = std::iter::repeat_n("userName", MAX_COLUMNS + 1).collect();
        assert!(refused(&many).problem.contains("more than 200 columns"));
    }
}
