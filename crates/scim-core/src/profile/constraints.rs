//! From `[[attribute]]`, `[[alias]]` and `[user] dropped` to what a resource type asks of its attributes.

use std::{collections::HashSet, sync::Arc};

use toml::Spanned;

use super::{
    ValueSetDeclaration,
    compile::Fault,
    extensions::check_name,
    file::{AliasFile, AttributeFile, ConstrainedFile, FormatsFile},
};
use crate::{
    constraint::Constraint,
    format::{self, Format, dea::Registrants},
    intake,
    leniency::Leniencies,
    path::Resolved,
    product::Alias,
    resource::{AttrRef, ResourceType},
    schema::{self, Attribute, AttributeType, Mutability, Schema},
};

/// What the keys of an attribute may name.
pub(super) struct Named<'a> {
    registrants: Registrants,
    sets: &'a [ValueSetDeclaration],
}

/// The keys by which a file constrains an attribute.
pub(super) struct Keys<'a> {
    format: Option<&'a Spanned<String>>,
    value_set: Option<&'a Spanned<String>>,
    default: Option<&'a Spanned<toml::Value>>,
}

impl<'a> From<&'a AttributeFile> for Keys<'a> {
    fn from(file: &'a AttributeFile) -> Self {
        Self {
            format: file.format.as_ref(),
            value_set: file.value_set.as_ref(),
            default: file.default.as_ref(),
        }
    }
}

impl<'a> From<&'a ConstrainedFile> for Keys<'a> {
    fn from(file: &'a ConstrainedFile) -> Self {
        Self {
            format: file.format.as_ref(),
            value_set: file.value_set.as_ref(),
            default: file.default.as_ref(),
        }
    }
}

impl<'a> Named<'a> {
    /// With the settings of a file and its value sets.
    pub(super) fn new(formats: &FormatsFile, sets: &'a [ValueSetDeclaration]) -> Result<Self, Fault> {
        let registrants = match &formats.dea_registrants {
            None => Registrants::default(),
            Some(letters) => Registrants::new(letters.get_ref())
                .ok_or_else(|| Fault::at(letters, "must be letters from A to Z, each once"))?,
        };
        Ok(Self { registrants, sets })
    }

    /// A format by name.
    pub(super) fn format(&self, name: &Spanned<String>) -> Result<Format, Fault> {
        Format::by_name(name.get_ref(), &self.registrants).ok_or_else(|| {
            let problem =
                format!("{:?} is no format; there are {}", name.get_ref(), format::NAMES.join(", "));
            Fault::at(name, problem)
        })
    }

    /// The value set of a name.
    pub(super) fn value_set(&self, name: &Spanned<String>) -> Result<&ValueSetDeclaration, Fault> {
        self.sets.iter().find(|set| set.name == *name.get_ref()).ok_or_else(|| {
            Fault::at(name, format!("{:?} is no value set; declare it in [[value-set]]", name.get_ref()))
        })
    }

    /// What the keys ask of an attribute; `None`: nothing.
    pub(super) fn constraint(
        &self,
        attribute: &Attribute,
        keys: &Keys<'_>,
    ) -> Result<Option<Arc<Constraint>>, Fault> {
        let is_text = attribute.kind == AttributeType::String;
        let mut constraint = Constraint::default();
        if let Some(name) = keys.format {
            let format = self.format(name)?;
            if !is_text {
                return Err(Fault::at(
                    name,
                    "only a string has a format; remove it, or set type = \"string\"",
                ));
            }
            constraint.format = Some(format);
        }
        let mut set = None;
        if let Some(name) = keys.value_set {
            if !is_text {
                return Err(Fault::at(name, "only a string has a value set; remove it"));
            }
            set = Some(self.value_set(name)?);
            constraint.value_set = Some(name.get_ref().clone());
        }
        if let Some(default) = keys.default {
            constraint.default = Some(default_of(attribute, default, &constraint, set)?);
        }
        Ok((constraint != Constraint::default()).then(|| Arc::new(constraint)))
    }
}

/// The default in canonical form.
fn default_of(
    attribute: &Attribute,
    default: &Spanned<toml::Value>,
    constraint: &Constraint,
    set: Option<&ValueSetDeclaration>,
) -> Result<serde_json::Value, Fault> {
    if attribute.kind == AttributeType::Complex {
        return Err(Fault::at(
            default,
            "a complex attribute has no default; give its sub-attributes defaults",
        ));
    }
    let alone = Attribute { constraint: Some(Arc::new(constraint.clone())), ..attribute.clone() };
    let target = AttrRef { extension: None, attribute: Arc::new(alone), sub: None };
    let value = serde_json::to_value(default.get_ref()).unwrap_or_default();
    let kept = match intake::coerce(Leniencies::STRICT, &target, &value) {
        Ok(Some(kept)) => kept,
        Ok(None) => return Err(Fault::at(default, "is empty and says nothing; remove it")),
        Err(error) => return Err(Fault::at(default, format!("does not fit: {}", error.detail))),
    };
    for text in texts(&kept) {
        if let Some(Err(misfit)) = constraint.format.as_ref().map(|format| format.check(text)) {
            return Err(Fault::at(default, misfit.to_string()));
        }
        let listed = set.and_then(|set| set.values.as_ref()).is_none_or(|values| values.find(text).is_some());
        if !listed {
            return Err(Fault::at(default, "is not in the value set of the attribute; add it there"));
        }
    }
    Ok(kept)
}

fn texts(value: &serde_json::Value) -> Vec<&str> {
    match value {
        serde_json::Value::Array(list) => list.iter().filter_map(|element| element.as_str()).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

/// Puts what `[[attribute]]` asks into the schemas of a type.
pub(super) fn constrain(
    user: &mut ResourceType,
    files: &[ConstrainedFile],
    named: &Named<'_>,
) -> Result<(), Fault> {
    let mut constrained = HashSet::new();
    for file in files {
        let target = offered(user, &file.path)?;
        let twice = !constrained.insert(target.path());
        let has_own = target.leaf().constraint.is_some();
        if twice || has_own {
            return Err(Fault::at(&file.path, "is constrained already; keep all its keys in one place"));
        }
        let constraint = named.constraint(target.leaf(), &Keys::from(file))?;
        if constraint.is_none() && !file.required {
            return Err(Fault::at(&file.path, "asks nothing; add format, value-set, default or required"));
        }
        change(user, &file.path, &target, &mut |attribute| attribute.constraint = constraint.clone())?;
        if file.required {
            require(user, &file.path)?;
        }
    }
    Ok(())
}

/// Marks an attribute as required; of `name.givenName` also `name`, so that a user without any name is refused.
pub(super) fn require(user: &mut ResourceType, path: &Spanned<String>) -> Result<(), Fault> {
    let target = offered(user, path)?;
    change(user, path, &target, &mut |attribute| attribute.required = true)?;
    if target.sub.is_some() {
        let whole = AttrRef { sub: None, ..target };
        change(user, path, &whole, &mut |attribute| attribute.required = true)?;
    }
    Ok(())
}

/// The attribute on offer that a path of the file names, one that clients write.
pub(super) fn offered(user: &ResourceType, path: &Spanned<String>) -> Result<AttrRef, Fault> {
    let Resolved::Attribute(target) = user.resolve_in_query(path.get_ref()) else {
        let problem = format!(
            "{:?} is not on offer here; write an attribute of attributes, enterprise or extension",
            path.get_ref()
        );
        return Err(Fault::at(path, problem));
    };
    if [&target.attribute, target.leaf()].iter().any(|part| part.mutability == Mutability::ReadOnly) {
        return Err(Fault::at(path, "is read-only: only the server writes it; remove it"));
    }
    Ok(target)
}

/// Changes an attribute in the schema that holds it, and marks the extension as required where the attribute is.
pub(super) fn change(
    user: &mut ResourceType,
    path: &Spanned<String>,
    target: &AttrRef,
    edit: &mut dyn FnMut(&mut Attribute),
) -> Result<(), Fault> {
    let changed = match &target.extension {
        None => change_in(Arc::make_mut(&mut user.schema), target, edit),
        Some(urn) => {
            let extension = user.extensions.iter_mut().find(|extension| extension.schema.id == urn.as_ref());
            extension.is_some_and(|extension| {
                let changed = change_in(Arc::make_mut(&mut extension.schema), target, edit);
                extension.required |= extension.schema.attributes.iter().any(|attribute| attribute.required);
                changed
            })
        }
    };
    if changed {
        return Ok(());
    }
    Err(Fault::at(path, "belongs to no schema of the product; only schema attributes can be constrained"))
}

fn change_in(schema: &mut Schema, target: &AttrRef, edit: &mut dyn FnMut(&mut Attribute)) -> bool {
    let found = schema.attributes.iter_mut().find(|attribute| attribute.name == target.attribute.name);
    let Some(attribute) = found.map(Arc::make_mut) else { return false };
    let Some(wanted) = &target.sub else {
        edit(attribute);
        return true;
    };
    match attribute.sub_attributes.iter_mut().find(|sub| sub.name == wanted.name) {
        Some(sub) => {
            edit(Arc::make_mut(sub));
            true
        }
        None => false,
    }
}

/// The other names of a file.
pub(super) fn aliases(user: &ResourceType, files: &[AliasFile]) -> Result<Vec<Alias>, Fault> {
    let mut compiled: Vec<Alias> = Vec::with_capacity(files.len());
    for file in files {
        check_name(&file.name)?;
        let name = file.name.get_ref();
        let target = offered(user, &file.path)?;
        if target.leaf().kind == AttributeType::Complex {
            return Err(Fault::at(&file.path, "is complex; name one of its sub-attributes"));
        }
        if schema::COMMON.attribute(name).is_some() {
            return Err(Fault::at(
                &file.name,
                format!("{name:?} is common to all resources; choose another"),
            ));
        }
        if compiled.iter().any(|earlier| earlier.name.eq_ignore_ascii_case(name)) {
            return Err(Fault::at(&file.name, format!("{name:?} is an alias already; remove one")));
        }
        let is_target = target.extension.is_none() && target.attribute.name.eq_ignore_ascii_case(name);
        let at_top = |extension: &&crate::resource::Extension| extension.top_level;
        let mut product = user.extensions.iter().filter(at_top);
        let taken = (user.schema.attribute(name).is_some() && !is_target)
            || product.any(|extension| extension.schema.attribute(name).is_some());
        if taken {
            return Err(Fault::at(
                &file.name,
                format!("{name:?} is an attribute on offer itself; remove the alias"),
            ));
        }
        compiled.push(Alias { name: name.clone(), target });
    }
    Ok(compiled)
}

/// The names that are dropped.
pub(super) fn dropped(user: &ResourceType, files: &[Spanned<String>]) -> Result<Vec<String>, Fault> {
    for name in files {
        check_name(name)?;
        let is_core = user.known.attribute(name.get_ref()).is_some();
        let is_own = user.extensions.iter().any(|ext| ext.schema.attribute(name.get_ref()).is_some());
        let is_alias = user.product.alias(name.get_ref()).is_some();
        if is_core || is_own || is_alias || schema::COMMON.attribute(name.get_ref()).is_some() {
            let problem = "is known: leave it out of attributes, and it is dropped without an error";
            return Err(Fault::at(name, problem));
        }
    }
    Ok(files.iter().map(|name| name.get_ref().clone()).collect())
}
