//! From `[[extension]]` to an extension schema.

use std::sync::Arc;

use toml::Spanned;

use super::{
    compile::Fault,
    constraints::{Keys, Named},
    file::{AttributeFile, ExtensionFile},
};
use crate::{
    leniency::Leniencies,
    resource::{Extension, ResourceType},
    schema::{self, Attribute, AttributeType, Schema},
};

/// Checks one extension against the schemas that the type has so far.
pub(super) fn compile(
    file: &ExtensionFile,
    user: &ResourceType,
    named: &Named<'_>,
) -> Result<Extension, Fault> {
    check_urn(&file.urn, user)?;
    for (at, alias) in file.aliases.iter().enumerate() {
        check_urn(alias, user)?;
        let earlier = file.aliases[..at].iter().chain([&file.urn]);
        if earlier.map(Spanned::get_ref).any(|known| known.eq_ignore_ascii_case(alias.get_ref())) {
            return Err(Fault::at(alias, "names this extension a second time; remove it"));
        }
    }
    if file.attributes.is_empty() {
        return Err(Fault::at(&file.urn, "the extension has no attributes; add [[extension.attribute]]"));
    }
    if file.top_level {
        file.attributes.iter().try_for_each(|attribute| check_top_level(&attribute.name, user))?;
    }
    let attributes = attributes(&file.attributes, named)?;
    let required = file.required || attributes.iter().any(|attribute| attribute.required);
    let schema = Schema {
        id: file.urn.get_ref().clone(),
        name: file.name.clone(),
        description: file.description.clone(),
        attributes,
    };
    Ok(Extension {
        schema: Arc::new(schema),
        required,
        aliases: file.aliases.iter().map(|alias| alias.get_ref().clone()).collect(),
        top_level: file.top_level,
    })
}

fn check_urn(urn: &Spanned<String>, user: &ResourceType) -> Result<(), Fault> {
    let text = urn.get_ref();
    let good = |ch: char| ch.is_ascii_alphanumeric() || "-._:+%".contains(ch);
    let parts = text.split(':').collect::<Vec<_>>();
    let is_urn = parts[0].eq_ignore_ascii_case("urn") && parts.len() >= 3 && !parts.contains(&"");
    if !is_urn || !text.chars().all(good) {
        return Err(Fault::at(
            urn,
            "must be a URN, such as urn:example:params:scim:schemas:extension:x:2.0:User",
        ));
    }
    let own = [&user.known.id, &schema::ENTERPRISE_USER.id, &schema::GROUP.id, &schema::COMMON.id];
    let taken = own.into_iter().any(|known| known.eq_ignore_ascii_case(text))
        || user
            .extensions
            .iter()
            .flat_map(|extension| extension.urns(Leniencies::LENIENT))
            .any(|known| known.eq_ignore_ascii_case(text));
    if taken {
        return Err(Fault::at(urn, "names a schema that exists already; choose another URN"));
    }
    Ok(())
}

/// At the top level a name must mean one thing only.
fn check_top_level(name: &Spanned<String>, user: &ResourceType) -> Result<(), Fault> {
    let text = name.get_ref();
    let core = [&user.known, &*schema::COMMON].into_iter().any(|schema| schema.attribute(text).is_some());
    let others = user.extensions.iter().filter(|extension| extension.top_level);
    if core || others.into_iter().any(|extension| extension.schema.attribute(text).is_some()) {
        let problem = format!("{text:?} is taken at the top level; rename it, or set top-level = false");
        return Err(Fault::at(name, problem));
    }
    Ok(())
}

fn attributes(files: &[AttributeFile], named: &Named<'_>) -> Result<Vec<Arc<Attribute>>, Fault> {
    let mut compiled: Vec<Arc<Attribute>> = Vec::with_capacity(files.len());
    for file in files {
        let attribute = attribute(file, named)?;
        if compiled.iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&attribute.name)) {
            return Err(Fault::at(
                &file.name,
                "is there twice (names are compared without case); rename one",
            ));
        }
        compiled.push(Arc::new(attribute));
    }
    Ok(compiled)
}

fn attribute(file: &AttributeFile, named: &Named<'_>) -> Result<Attribute, Fault> {
    check_name(&file.name)?;
    let complex = file.kind == AttributeType::Complex;
    if complex == file.sub_attributes.is_empty() {
        let problem = "a complex attribute has [[extension.attribute.sub-attribute]], any other has none";
        return Err(Fault::at(&file.name, problem));
    }
    if let Some(sub) = file.sub_attributes.iter().find(|sub| sub.kind == AttributeType::Complex) {
        return Err(Fault::at(&sub.name, "a sub-attribute cannot be complex (RFC 7643 section 2.3.8)"));
    }
    let is_text = matches!(file.kind, AttributeType::String | AttributeType::Reference);
    if file.indexed && !is_text {
        return Err(Fault::at(&file.name, "only a string or a reference can be indexed; remove indexed"));
    }
    // Filters and sorting see one list in a path.
    if let Some(sub) = file.sub_attributes.iter().find(|sub| file.multi_valued && sub.multi_valued) {
        return Err(Fault::at(
            &sub.name,
            "cannot be a list inside of a list; make one of the two single-valued",
        ));
    }
    let exact_by_nature = matches!(file.kind, AttributeType::Reference | AttributeType::Binary);
    let mut attribute = Attribute {
        name: file.name.get_ref().clone(),
        kind: file.kind,
        sub_attributes: attributes(&file.sub_attributes, named)?,
        multi_valued: file.multi_valued,
        description: file.description.clone(),
        required: file.required,
        canonical_values: file.canonical_values.clone(),
        case_exact: file.case_exact.unwrap_or(exact_by_nature),
        mutability: file.mutability,
        returned: file.returned,
        uniqueness: file.uniqueness,
        reference_types: file.reference_types.clone(),
        indexed: file.indexed,
        constraint: None,
    };
    attribute.constraint = named.constraint(&attribute, &Keys::from(file))?;
    Ok(attribute)
}

/// `ALPHA *(ALPHA / DIGIT / "$" / "-" / "_")`, or `$ref` (RFC 7643 §2.1).
pub(super) fn check_name(name: &Spanned<String>) -> Result<(), Fault> {
    let text = name.get_ref();
    let good = |ch: char| ch.is_ascii_alphanumeric() || "$-_".contains(ch);
    let starts = text.starts_with(|ch: char| ch.is_ascii_alphabetic());
    if text == "$ref" || (starts && text.len() <= 64 && text.chars().all(good)) {
        return Ok(());
    }
    Err(Fault::at(name, format!("{text:?} is no attribute name: a letter, then letters, digits, $, - or _")))
}
