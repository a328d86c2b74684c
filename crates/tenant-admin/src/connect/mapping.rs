//! The attributes that a tenant takes, as an identity provider asks for them: computed from the tenant's own profile.

use scim_core::{
    profile::Profile,
    resource::Extension,
    schema::{Attribute, AttributeType, Mutability},
    urn,
};
use serde_json::{Map, Value, json};

use super::{
    known::{self, Known},
    providers::Table,
};

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Variable name: the product's name of it.
    pub(crate) variable: String,
    /// For people.
    pub(crate) title: String,
    /// `string`, `boolean`, `string array`, …
    pub(crate) kind: &'static str,
    /// Okta's external name.
    pub(crate) external: String,
    /// URN of its schema.
    pub(crate) urn: String,
    /// Path as in [RFC 7644 §3.10](https://www.rfc-editor.org/rfc/rfc7644#section-3.10).
    pub(crate) path: String,
    /// Target in Entra; empty: none.
    pub(crate) target: String,
    /// Where Okta, Entra and OneLogin take it from; empty: the customer says.
    pub(crate) sources: [&'static str; 3],
    /// Must each user have it?
    pub(crate) required: bool,
    /// Do identity providers know it of themselves?
    pub(crate) there: bool,
}

/// A table of attributes, and the same as a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) rows: Vec<Row>,
    /// Headings, after the name of the attribute.
    pub(crate) columns: &'static [&'static str],
    /// For each row what stands below the headings.
    pub(crate) cells: Vec<Vec<String>>,
    /// What the identity provider maps by itself and the product does not have.
    pub(crate) superfluous: Vec<&'static str>,
    /// What the text is.
    pub(crate) text_title: &'static str,
    pub(crate) text: String,
}

impl Mapping {
    /// Of a profile, for one kind of identity provider.
    pub(crate) fn of(profile: &Profile, table: Table) -> Self {
        let rows: Vec<Row> = rows(profile).into_iter().filter(|row| fits(row, table)).collect();
        let columns: &'static [&'static str] = match table {
            Table::Okta => &["Variable name", "Data type", "External name", "External namespace", "Value"],
            Table::Entra => &["Target attribute", "Type", "Source attribute or expression"],
            Table::OneLogin => &["SCIM attribute", "Data type", "In the template"],
            Table::Paths => &["SCIM attribute", "Data type"],
        };
        let cells: Vec<Vec<String>> = rows.iter().map(|row| cells(row, table)).collect();
        let (text_title, text) = match table {
            Table::Okta | Table::Entra => ("As a text, with tabs", tabs(columns, &rows, &cells)),
            Table::OneLogin => ("SCIM JSON Template", template(&rows)),
            Table::Paths => ("A user as a body", example(&rows)),
        };
        Self { superfluous: superfluous(profile, table), columns, cells, text_title, text, rows }
    }

    /// Each row with its cells.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&Row, &Vec<String>)> {
        self.rows.iter().zip(&self.cells)
    }

    /// How many have to be added by hand.
    pub(crate) fn to_add(&self) -> usize {
        self.rows.iter().filter(|row| !row.there).count()
    }
}

fn fits(row: &Row, table: Table) -> bool {
    match table {
        Table::Okta => !row.external.is_empty(),
        Table::Entra => !row.target.is_empty(),
        Table::OneLogin | Table::Paths => true,
    }
}

fn cells(row: &Row, table: Table) -> Vec<String> {
    let [okta, entra, onelogin] = row.sources;
    let kind = row.kind.to_owned();
    match table {
        Table::Okta => {
            vec![row.variable.clone(), kind, row.external.clone(), row.urn.clone(), okta.to_owned()]
        }
        Table::Entra => {
            let kind = match row.kind {
                "boolean" => "Boolean",
                "integer" => "Integer",
                "dateTime" => "DateTime",
                _ if row.target == "manager" || row.target.ends_with(":manager") => "Reference",
                _ => "String",
            };
            vec![row.target.clone(), kind.to_owned(), entra.to_owned()]
        }
        // The template leaves out what OneLogin has no value for.
        Table::OneLogin if onelogin.is_empty() && !row.there => {
            vec![row.path.clone(), kind, format!("{{$parameters.{}}}", row.variable)]
        }
        Table::OneLogin => vec![row.path.clone(), kind, onelogin.to_owned()],
        Table::Paths => vec![row.path.clone(), kind],
    }
}

fn rows(profile: &Profile) -> Vec<Row> {
    let user = &profile.user;
    let core = |known: &Known| {
        let (leaf, list) = leaf(&user.schema.attributes, known.path)?;
        Some(known_row(profile, known, leaf, list, urn::USER))
    };
    let mut rows: Vec<Row> = known::CORE.iter().filter_map(core).collect();
    // Entra alone has to be told of these two; Okta and others send them of themselves.
    rows.push(Row {
        target: "active".into(),
        sources: ["", "Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")", "true"],
        ..own_words("active", "Active", "boolean")
    });
    rows.push(Row {
        target: "externalId".into(),
        sources: ["", "[objectId]", ""],
        ..own_words("externalId", "External id", "string")
    });
    for extension in &user.extensions {
        if extension.schema.id == urn::ENTERPRISE_USER {
            let of = |known: &Known| {
                let (leaf, _) = leaf(&extension.schema.attributes, known.path)?;
                Some(known_row(profile, known, leaf, None, urn::ENTERPRISE_USER))
            };
            rows.extend(known::ENTERPRISE.iter().filter_map(of));
        } else {
            rows.extend(own(extension));
        }
    }
    rows
}

/// What is always there and has no place in Okta's profile editor.
fn own_words(name: &str, title: &str, kind: &'static str) -> Row {
    Row {
        variable: name.into(),
        title: title.into(),
        kind,
        external: String::new(),
        urn: urn::USER.into(),
        path: name.into(),
        target: String::new(),
        sources: [""; 3],
        required: false,
        there: true,
    }
}

/// The attribute at a path, if it is on offer, and the list that it is a part of.
fn leaf<'a>(
    attributes: &'a [std::sync::Arc<Attribute>],
    path: &str,
) -> Option<(&'a Attribute, Option<&'a Attribute>)> {
    let (top, sub) = path.split_once('.').map_or((path, None), |(top, sub)| (top, Some(sub)));
    let top = attributes.iter().find(|attribute| attribute.name == top)?;
    match sub {
        None => Some((top, None)),
        Some(sub) => Some((top.sub(sub)?, top.multi_valued.then_some(&**top))),
    }
}

fn known_row(profile: &Profile, known: &Known, leaf: &Attribute, list: Option<&Attribute>, urn: &str) -> Row {
    let external = match (list, known.path.split_once('.')) {
        (Some(list), Some((_, sub))) => format!("{}.^[primary==true].{sub}", list.name),
        _ => known.path.to_owned(),
    };
    let in_urn = |name: &str| match name {
        "" => String::new(),
        name if urn == urn::USER => name.to_owned(),
        name => format!("{urn}:{name}"),
    };
    // A product's own name of it, where its guide has one.
    let alias = profile.user.product.aliases.iter().find(|alias| {
        let target = &alias.target;
        let sub = target.sub.as_ref().map_or(String::new(), |sub| format!(".{}", sub.name));
        format!("{}{sub}", target.attribute.name) == known.path
    });
    Row {
        variable: alias.map_or(known.variable, |alias| &alias.name).to_owned(),
        title: known.title.to_owned(),
        kind: kind(leaf),
        external,
        urn: urn.to_owned(),
        path: in_urn(known.path),
        target: in_urn(known.target),
        sources: [known.okta, known.entra, known.onelogin],
        required: leaf.required || known.path == "userName",
        there: true,
    }
}

/// The product's own attributes.
fn own(extension: &Extension) -> impl Iterator<Item = Row> {
    let urn = &extension.schema.id;
    let writable = |one: &&std::sync::Arc<Attribute>| one.mutability != Mutability::ReadOnly;
    extension.schema.attributes.iter().filter(writable).flat_map(move |top| {
        let subs: Vec<&Attribute> = match top.kind {
            // Elements of lists of objects have no names that an identity provider could map.
            AttributeType::Complex if top.multi_valued => Vec::new(),
            AttributeType::Complex => top.sub_attributes.iter().map(|sub| &**sub).collect(),
            _ => vec![&**top],
        };
        subs.into_iter().map(move |leaf| {
            let whole = std::ptr::eq(leaf, &**top);
            let name = if whole { top.name.clone() } else { format!("{}.{}", top.name, leaf.name) };
            let described = leaf.description.trim().trim_end_matches('.');
            Row {
                variable: name.replace('.', "_"),
                title: if described.is_empty() { name.clone() } else { described.to_owned() },
                kind: kind(leaf),
                external: name.clone(),
                urn: urn.clone(),
                path: format!("{urn}:{name}"),
                target: format!("{urn}:{name}"),
                sources: [""; 3],
                required: leaf.required,
                there: false,
            }
        })
    })
}

fn kind(leaf: &Attribute) -> &'static str {
    // What stands between commas is taken as one text: identity providers map texts more easily than lists.
    let commas = leaf.constraint.as_ref().is_some_and(|constraint| {
        constraint.format.as_ref().is_some_and(|format| format.name() == "comma-list")
    });
    match leaf.kind {
        _ if commas => "string",
        _ if leaf.multi_valued => "string array",
        AttributeType::Boolean => "boolean",
        AttributeType::Integer => "integer",
        AttributeType::Decimal => "number",
        _ => "string",
    }
}

/// What Okta's app maps from the start and the product does not have.
fn superfluous(profile: &Profile, table: Table) -> Vec<&'static str> {
    if table != Table::Okta {
        return Vec::new();
    }
    let enterprise = profile.user.extensions.iter().find(|one| one.schema.id == urn::ENTERPRISE_USER);
    let core = known::CORE.iter().filter(|known| leaf(&profile.user.schema.attributes, known.path).is_none());
    let work = known::ENTERPRISE
        .iter()
        .filter(|known| enterprise.is_none_or(|one| leaf(&one.schema.attributes, known.path).is_none()));
    core.chain(work).map(|known| known.variable).collect()
}

fn tabs(columns: &[&str], rows: &[Row], cells: &[Vec<String>]) -> String {
    let mut text = format!("Attribute\t{}\n", columns.join("\t"));
    for (row, cells) in rows.iter().zip(cells) {
        text.push_str(&row.title);
        for cell in cells {
            text.push('\t');
            text.push_str(cell);
        }
        text.push('\n');
    }
    text
}

/// A SCIM document with a text at each attribute.
fn document(rows: &[Row], value: impl Fn(&Row) -> Option<Value>) -> Map<String, Value> {
    let mut document = Map::new();
    let mut schemas = vec![json!(urn::USER)];
    for row in rows {
        let Some(value) = value(row) else { continue };
        let path = row.path.strip_prefix(&format!("{}:", row.urn)).unwrap_or(&row.path);
        let mut keys: Vec<&str> = path.split('.').collect();
        if row.urn != urn::USER {
            if !schemas.iter().any(|schema| *schema == *row.urn) {
                schemas.push(json!(row.urn));
            }
            keys.insert(0, &row.urn);
        }
        match keys.as_slice() {
            [list, sub] if row.external.contains("^[primary") => {
                let list = document.entry(*list).or_insert_with(|| json!([{ "primary": true }]));
                if let Some(element) = list.get_mut(0).and_then(Value::as_object_mut) {
                    element.insert((*sub).to_owned(), value);
                }
            }
            keys => put(&mut document, keys, value),
        }
    }
    let mut whole = Map::from_iter([("schemas".to_owned(), Value::Array(schemas))]);
    whole.append(&mut document);
    whole
}

/// Sets a value below objects, which are made where they are missing.
fn put(map: &mut Map<String, Value>, keys: &[&str], value: Value) {
    match keys {
        [] => {}
        [last] => {
            map.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let inner = map.entry(*first).or_insert_with(|| Value::Object(Map::new()));
            if let Some(fields) = inner.as_object_mut() {
                put(fields, rest, value);
            }
        }
    }
}

fn pretty(document: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default()
}

/// What OneLogin knows of itself, and the product's own attributes as parameters.
fn template(rows: &[Row]) -> String {
    pretty(&document(rows, |row| match (row.path.as_str(), row.sources[2]) {
        ("active", _) => Some(json!(true)),
        (_, "") if row.there => None,
        (_, "") => Some(json!(format!("{{$parameters.{}}}", row.variable))),
        (_, source) => Some(json!(source)),
    }))
}

fn example(rows: &[Row]) -> String {
    pretty(&document(rows, |row| {
        Some(match (row.path.as_str(), row.kind) {
            ("active", _) | (_, "boolean") => json!(true),
            ("userName" | "emails.value", _) => json!("ann@acme.example"),
            ("name.givenName", _) => json!("Ann"),
            ("name.familyName", _) => json!("Lee"),
            ("emails.type" | "phoneNumbers.type", _) => json!("work"),
            (_, _) if row.required || !row.there => json!("…"),
            _ => return None,
        })
    }))
}
