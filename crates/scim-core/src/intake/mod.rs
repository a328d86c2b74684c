//! From a body that a client sent to a canonical [`Document`]: names folded, values coerced and checked, what is
//! read-only, unsupported or unknown dropped and counted.

mod coerce;
mod entries;
mod immutable;
mod members;
mod misfits;
mod report;
#[cfg(test)]
mod tests;
mod unseen;
mod validate;

use serde_json::{Map, Value};

use crate::{
    Document, ResourceKind,
    error::{ScimError, ScimType},
    leniency::Leniencies,
    path::Resolved,
    product::{Aliased, apply_aliases},
    resource::{AttrRef, Extension, ResourceType},
    schema::{self, Mutability},
    urn,
};

pub(crate) use coerce::{Coercion, is_unassigned};
pub(crate) use entries::{Entries, is_primary};
pub use immutable::{carry_immutable, check_immutable};
pub(crate) use members::{take_members, too_many as too_many_members};
pub use misfits::{misfits, violations};
pub(crate) use report::{Dropped, Problems, shown};
pub use report::{Origin, Violation};
pub(crate) use validate::drop_hollow;
pub use validate::{Findings, Note, examine_for, only_deactivates, validate, validate_for};

/// Deepest nesting of a body; the body itself is 1.
pub const MAX_DEPTH: usize = 16;
/// Longest string, in bytes.
pub const MAX_STRING: usize = 64 * 1024;
/// Longest value of an attribute that is looked up by an index (userName, externalId, a group's displayName), in bytes
/// of its folded form.
pub const MAX_KEY: usize = 1024;
/// Largest document, in bytes of its JSON text. It is kept, repeated in the audit trail and sent in lists of a thousand.
pub const MAX_DOCUMENT: usize = 256 * 1024;
/// Most elements of a list other than `members`.
pub const MAX_ELEMENTS: usize = 10_000;
/// Longest id of a member, in characters.
pub const MAX_MEMBER_ID: usize = 256;

/// A reference to a member of a group as a client wrote it: an id, not yet known to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRef {
    /// `members[].value`.
    pub value: String,
}

/// What a body became.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intake {
    /// The canonical resource.
    pub document: Document,
    /// Members of a Group body, repeats dropped; `None` when the key was absent or null.
    pub members: Option<Vec<MemberRef>>,
    /// Paths that were dropped because SCIM knows them and the profile does not offer them, or nobody knows them;
    /// no repeats, at most 100. Read-only names, `password` and names without a value are dropped in silence.
    pub dropped: Vec<String>,
}

/// Takes a POST or PUT body. Checks `schemas`, types and at most one `primary`; does *not* check `required`
/// (see [`validate`]). All violations are reported in one 400 `invalidValue`, each with its path; a body that is no
/// object is 400 `invalidSyntax`, more members than [`crate::patch::MAX_MEMBERS`] are 413. Bounded: depth
/// [`MAX_DEPTH`], [`MAX_STRING`] a string, [`MAX_ELEMENTS`] a list except `members`.
pub fn take(resource_type: &ResourceType, leniencies: Leniencies, body: &Value) -> Result<Intake, ScimError> {
    let (intake, findings) = take_all(resource_type, leniencies, body)?;
    findings.finish()?;
    Ok(intake)
}

/// Like [`take`], but hands the violations on to [`validate_for`], so that one answer tells those of single values and
/// those of the whole resource. What was wrong is missing in the document.
pub fn take_all(
    resource_type: &ResourceType,
    leniencies: Leniencies,
    body: &Value,
) -> Result<(Intake, Findings), ScimError> {
    let Value::Object(fields) = body else {
        return Err(invalid_syntax("The body must be one JSON object that holds the resource."));
    };
    check_depth(body)?;
    let mut taker = Taker {
        resource_type,
        leniencies,
        declared: declared_schemas(resource_type, leniencies, fields)?,
        coercion: Coercion::new(leniencies),
        document: Document::new(),
        members: None,
        aliased: Vec::new(),
    };
    // Extension objects come last, so that they win over the same attribute at the top level.
    let (extensions, plain): (Vec<_>, Vec<_>) = fields.iter().partition(|(key, _)| key.contains(':'));
    for (key, value) in plain.into_iter().chain(extensions) {
        taker.field(key, value)?;
    }
    apply_aliases(&mut taker.document, &taker.aliased, &mut taker.coercion);
    let (problems, dropped) = taker.coercion.into_parts();
    let intake = Intake { document: taker.document, members: taker.members, dropped };
    Ok((intake, Findings::of(problems)))
}

/// Coerces one value to the canonical form of an attribute, as a PATCH operation needs it: null, `""`, `[]`, `{}`
/// give `Ok(None)`. Unknown sub-attributes are dropped. For a multi-valued attribute the result is an array.
pub fn coerce(leniencies: Leniencies, target: &AttrRef, value: &Value) -> Result<Option<Value>, ScimError> {
    check_depth(value)?;
    let mut coercion = Coercion::new(leniencies);
    let coerced = coercion.value(target.leaf(), &target.path(), value);
    coercion.finish()?;
    Ok(coerced)
}

/// 400 `invalidSyntax` when the value is nested deeper than [`MAX_DEPTH`].
pub(crate) fn check_depth(value: &Value) -> Result<(), ScimError> {
    fn fits(value: &Value, left: usize) -> bool {
        match value {
            Value::Array(items) => left > 0 && items.iter().all(|item| fits(item, left - 1)),
            Value::Object(fields) => left > 0 && fields.values().all(|field| fits(field, left - 1)),
            _ => true,
        }
    }
    if fits(value, MAX_DEPTH) {
        return Ok(());
    }
    Err(invalid_syntax(format!("The body is nested deeper than {MAX_DEPTH} levels; flatten it.")))
}

pub(crate) fn invalid_syntax(detail: impl Into<String>) -> ScimError {
    ScimError::bad_request(ScimType::InvalidSyntax, detail)
}

/// The value of a key in any case.
pub(crate) fn field<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields
        .get(name)
        .or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The URNs in `schemas`; empty where it is missing and that is taken.
fn declared_schemas(
    resource_type: &ResourceType,
    leniencies: Leniencies,
    fields: &Map<String, Value>,
) -> Result<Vec<String>, ScimError> {
    let core = &resource_type.known.id;
    let declared = match field(fields, "schemas") {
        Some(Value::Array(urns)) => urns
            .iter()
            .filter(|urn| !urn.is_null())
            .map(|urn| urn.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| {
                invalid_syntax("schemas: every entry must be the URN of a schema, as a string.")
            })?,
        Some(Value::String(urn)) if leniencies.single_as_list => vec![urn.clone()],
        None | Some(Value::Null) => Vec::new(),
        Some(_) => {
            return Err(invalid_syntax(format!("schemas: must be a list of URNs; send [\"{core}\"].")));
        }
    };
    if leniencies.missing_schemas || declared.iter().any(|urn| is_known_schema(resource_type, urn)) {
        return Ok(declared);
    }
    Err(invalid_syntax(format!("schemas: names no schema of this endpoint; add \"{core}\".")))
}

fn is_known_schema(resource_type: &ResourceType, urn: &str) -> bool {
    urn.eq_ignore_ascii_case(&resource_type.known.id)
        || (resource_type.kind == ResourceKind::User && urn.eq_ignore_ascii_case(urn::ENTERPRISE_USER))
        || resource_type
            .extensions
            .iter()
            .flat_map(|extension| extension.urns(resource_type.leniencies))
            .any(|known| known.eq_ignore_ascii_case(urn))
}

/// What becomes of an attribute that the server alone writes, or never keeps: nothing, in silence.
pub(crate) fn is_silently_dropped(target: &AttrRef) -> bool {
    let read_only = |attribute: &schema::Attribute| attribute.mutability == Mutability::ReadOnly;
    read_only(&target.attribute)
        || target.sub.as_deref().is_some_and(read_only)
        || (target.extension.is_none() && matches!(target.attribute.name.as_str(), "schemas" | "password"))
}

/// Whether the name is the core `password`, offered or not.
pub(crate) fn is_password(resource_type: &ResourceType, name: &str) -> bool {
    resource_type.kind == ResourceKind::User && name.eq_ignore_ascii_case("password")
}

/// The members of a group: edges, never part of its document.
pub(crate) fn is_members(resource_type: &ResourceType, target: &AttrRef) -> bool {
    resource_type.kind == ResourceKind::Group
        && target.extension.is_none()
        && target.attribute.name == "members"
}

struct Taker<'a> {
    resource_type: &'a ResourceType,
    leniencies: Leniencies,
    declared: Vec<String>,
    coercion: Coercion,
    document: Document,
    members: Option<Vec<MemberRef>>,
    aliased: Vec<Aliased<'a>>,
}

impl<'a> Taker<'a> {
    fn field(&mut self, key: &str, value: &'a Value) -> Result<(), ScimError> {
        if is_unassigned(value) && !key.eq_ignore_ascii_case("members") {
            return Ok(());
        }
        if let Some(alias) = self.resource_type.alias_at(None, key) {
            self.aliased.push(Aliased { alias, value });
            return Ok(());
        }
        if key.eq_ignore_ascii_case(&self.resource_type.known.id) {
            return self.core_object(value);
        }
        match self.resource_type.resolve(key) {
            Resolved::Extension(index) => self.extension(index, value),
            Resolved::Attribute(target) if !key.contains(['.', ':']) => {
                return self.attribute(&target, value);
            }
            Resolved::NotOffered(name) => self.not_offered(&name),
            Resolved::Attribute(_) | Resolved::Unknown(_) => self.coercion.dropped.push(key),
        }
        Ok(())
    }

    /// Core attributes nested under the core URN, as some clients treat every namespace alike.
    fn core_object(&mut self, value: &'a Value) -> Result<(), ScimError> {
        let urn = &self.resource_type.known.id;
        if !self.resource_type.leniencies.nested_core {
            self.coercion.problems.push(urn, "is no extension; send its attributes at the top level");
            return Ok(());
        }
        let Value::Object(fields) = value else {
            self.coercion.problems.push(urn, "must be an object");
            return Ok(());
        };
        for (key, value) in fields.iter().filter(|(key, _)| !key.contains(':')) {
            self.field(key, value)?;
        }
        Ok(())
    }

    fn attribute(&mut self, target: &AttrRef, value: &Value) -> Result<(), ScimError> {
        if is_silently_dropped(target) {
            return Ok(());
        }
        if is_members(self.resource_type, target) {
            if !value.is_null() {
                self.members = Some(take_members(&mut self.coercion, "members", value)?);
            }
            return Ok(());
        }
        if let Some(value) = self.coercion.value(&target.attribute, &target.path(), value) {
            put(&mut self.document, target, value);
        }
        Ok(())
    }

    fn extension(&mut self, index: usize, value: &'a Value) {
        let Some(extension) = self.resource_type.extensions.get(index) else { return };
        let urn = &extension.schema.id;
        if !self.leniencies.undeclared_extensions && !self.is_declared(extension) {
            self.coercion.problems.push(urn, "is not listed in schemas; add it there");
        }
        let Value::Object(fields) = value else {
            self.coercion.problems.push(urn, "must be an object that holds the extension's attributes");
            return;
        };
        for (key, value) in fields.iter().filter(|(_, value)| !is_unassigned(value)) {
            let Some(attribute) = extension.schema.attribute(key) else {
                if let Some(alias) = self.resource_type.alias_at(Some(index), key) {
                    self.aliased.push(Aliased { alias, value });
                    continue;
                }
                self.coercion.dropped.push(&format!("{urn}:{key}"));
                continue;
            };
            let target =
                AttrRef { extension: Some(urn.as_str().into()), attribute: attribute.clone(), sub: None };
            if is_silently_dropped(&target) {
                continue;
            }
            if let Some(value) = self.coercion.value(attribute, &target.path(), value) {
                put(&mut self.document, &target, value);
            }
        }
    }

    fn is_declared(&self, extension: &Extension) -> bool {
        extension
            .urns(self.resource_type.leniencies)
            .any(|urn| self.declared.iter().any(|declared| declared.eq_ignore_ascii_case(urn)))
    }

    fn not_offered(&mut self, name: &str) {
        let known = self.resource_type.known.attribute(name);
        let read_only = known.is_some_and(|attribute| attribute.mutability == Mutability::ReadOnly);
        if !read_only && !is_password(self.resource_type, name) {
            self.coercion.dropped.push(known.map_or(name, |attribute| &attribute.name));
        }
    }
}

/// Sets a whole attribute in a document.
pub(crate) fn put(document: &mut Document, target: &AttrRef, value: Value) {
    let Some(urn) = &target.extension else {
        document.insert(target.attribute.name.clone(), value);
        return;
    };
    let object = document.entry(urn.as_ref()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(fields) = object {
        fields.insert(target.attribute.name.clone(), value);
    }
}
