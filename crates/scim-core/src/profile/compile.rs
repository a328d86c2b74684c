//! From the keys of a profile file to a [`Profile`].

use std::sync::Arc;

use toml::Spanned;

use super::{
    Profile, extensions,
    file::{EnterpriseFile, ProfileFile, UserFile},
};
use crate::{
    path::Resolved,
    resource::{AttrRef, Extension, ResourceType},
    schema::{self, Attribute, Mutability, Schema},
};

/// The base paths that the server answers below a tenant's host.
const BASE_PATHS: [&str; 3] = ["/scim/v2", "/scim", "/scim/api/V1"];

/// Core attributes that no profile can take away.
const ALWAYS: [&str; 3] = ["userName", "active", "groups"];

/// What is wrong in a file, and at which byte.
pub(super) struct Fault {
    /// Byte offset.
    pub(super) offset: usize,
    /// What is wrong and what to do.
    pub(super) problem: String,
}

impl Fault {
    /// A fault at a value.
    pub(super) fn at<T>(value: &Spanned<T>, problem: impl Into<String>) -> Self {
        Self { offset: value.span().start, problem: problem.into() }
    }
}

/// Checks a file and makes the profile of it.
pub(super) fn compile(file: ProfileFile) -> Result<Profile, Fault> {
    check_head(&file)?;
    let types = &file.resource_types;
    if !types.users.get_ref() {
        return Err(Fault::at(&types.users, "users must be true: every product has users; remove the key"));
    }
    let group = types.groups.get_ref().then(|| Arc::new(ResourceType::group()));
    let user = user_type(&file)?;
    let leniencies = file.leniencies;
    let mut profile = Profile {
        name: file.name.into_inner(),
        title: file.title.into_inner(),
        summary: file.summary.into_inner(),
        version: file.version.into_inner(),
        credentials: file.credentials.into_inner(),
        base_path: file.base_path.into_inner(),
        paste_with_bearer: file.paste_with_bearer,
        user: Arc::new(user),
        group,
        policies: file.policies,
        roles: file.roles,
        leniencies,
        feature_gate: file.feature_gate,
    };
    profile.set_leniencies(leniencies);
    Ok(profile)
}

fn check_head(file: &ProfileFile) -> Result<(), Fault> {
    let name = file.name.get_ref();
    let good = |ch: char| ch.is_ascii_lowercase() || ch.is_ascii_digit() || ch == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(good) {
        return Err(Fault::at(&file.name, "name must be 1 to 63 of a-z, 0-9 and -, such as \"my-product\""));
    }
    for text in [&file.title, &file.summary] {
        if text.get_ref().trim().is_empty() {
            return Err(Fault::at(text, "title and summary are shown to people and must not be empty"));
        }
    }
    if *file.version.get_ref() == 0 {
        return Err(Fault::at(&file.version, "version counts from 1"));
    }
    let credentials = file.credentials.get_ref();
    let repeated = credentials.iter().enumerate().any(|(at, kind)| credentials[..at].contains(kind));
    if credentials.is_empty() || repeated {
        return Err(Fault::at(
            &file.credentials,
            "credentials must name at least one of \"bearer\", \"basic\", \"oauth\", each once",
        ));
    }
    if !BASE_PATHS.contains(&file.base_path.get_ref().as_str()) {
        let problem = format!("base-path must be one of {}", BASE_PATHS.join(", "));
        return Err(Fault::at(&file.base_path, problem));
    }
    Ok(())
}

fn user_type(file: &ProfileFile) -> Result<ResourceType, Fault> {
    let mut user = ResourceType::user();
    user.extensions = enterprise(&file.user)?.into_iter().collect();
    if let Some(offered) = &file.user.attributes {
        user.schema = Arc::new(cut_core(offered)?);
    }
    for extension in &file.extensions {
        let compiled = extensions::compile(extension, &user)?;
        user.extensions.push(compiled);
    }
    for path in &file.user.required {
        require(&mut user, path)?;
    }
    Ok(user)
}

/// The core User schema with what is on offer, in its own order.
fn cut_core(offered: &[Spanned<String>]) -> Result<Schema, Fault> {
    for name in offered {
        let wanted = name.get_ref();
        if schema::USER.attribute(wanted).is_none() && schema::COMMON.attribute(wanted).is_none() {
            let problem = format!(
                "{wanted:?} is no attribute of the core User schema; it has {}",
                names(&schema::USER.attributes)
            );
            return Err(Fault::at(name, problem));
        }
    }
    let kept = |attribute: &&Arc<Attribute>| {
        ALWAYS.contains(&attribute.name.as_str())
            || offered.iter().any(|name| name.get_ref().eq_ignore_ascii_case(&attribute.name))
    };
    let attributes = schema::USER.attributes.iter().filter(kept).cloned().collect();
    Ok(Schema { attributes, ..Schema::clone(&schema::USER) })
}

fn enterprise(file: &UserFile) -> Result<Option<Extension>, Fault> {
    let schema = match file.enterprise.as_ref().map(|value| (value, value.get_ref())) {
        None | Some((_, EnterpriseFile::Whole(true))) => Arc::clone(&schema::ENTERPRISE_USER),
        Some((_, EnterpriseFile::Whole(false))) => {
            return match &file.enterprise_top_level {
                Some(top_level) => Err(Fault::at(
                    top_level,
                    "enterprise-top-level has no meaning while enterprise is false; remove one of them",
                )),
                None => Ok(None),
            };
        }
        Some((value, EnterpriseFile::Some(offered))) => Arc::new(cut_enterprise(value, offered)?),
    };
    Ok(Some(Extension {
        schema,
        required: false,
        aliases: Vec::new(),
        top_level: file.enterprise_top_level.as_ref().is_some_and(|value| *value.get_ref()),
    }))
}

fn cut_enterprise(value: &Spanned<EnterpriseFile>, offered: &[String]) -> Result<Schema, Fault> {
    let all = &schema::ENTERPRISE_USER.attributes;
    if let Some(wanted) = offered.iter().find(|name| schema::ENTERPRISE_USER.attribute(name).is_none()) {
        let problem =
            format!("{wanted:?} is no attribute of the enterprise extension; it has {}", names(all));
        return Err(Fault::at(value, problem));
    }
    if offered.is_empty() {
        return Err(Fault::at(value, "an empty list offers nothing; write enterprise = false"));
    }
    let kept =
        |attribute: &&Arc<Attribute>| offered.iter().any(|name| name.eq_ignore_ascii_case(&attribute.name));
    let attributes = all.iter().filter(kept).cloned().collect();
    Ok(Schema { attributes, ..Schema::clone(&schema::ENTERPRISE_USER) })
}

/// Marks an attribute as required; of `name.givenName` also `name`, so that a user without any name is refused.
fn require(user: &mut ResourceType, path: &Spanned<String>) -> Result<(), Fault> {
    let Resolved::Attribute(target) = user.resolve(path.get_ref()) else {
        let problem = format!(
            "{:?} is not on offer and cannot be required; write an attribute of attributes, enterprise or extension",
            path.get_ref()
        );
        return Err(Fault::at(path, problem));
    };
    if target.leaf().mutability == Mutability::ReadOnly {
        return Err(Fault::at(path, "is read-only: only the server writes it, so it cannot be required"));
    }
    let schema = match &target.extension {
        None => &mut user.schema,
        Some(urn) => {
            let extension = user.extensions.iter_mut().find(|extension| extension.schema.id == urn.as_ref());
            let Some(extension) = extension else { return Ok(()) };
            extension.required = true;
            &mut extension.schema
        }
    };
    if mark(Arc::make_mut(schema), &target) {
        return Ok(());
    }
    Err(Fault::at(path, "belongs to no schema of the product and cannot be required"))
}

fn mark(schema: &mut Schema, target: &AttrRef) -> bool {
    let found = schema.attributes.iter_mut().find(|attribute| attribute.name == target.attribute.name);
    let Some(attribute) = found.map(Arc::make_mut) else { return false };
    attribute.required = true;
    if let Some(wanted) = &target.sub {
        for sub in attribute.sub_attributes.iter_mut().filter(|sub| sub.name == wanted.name) {
            Arc::make_mut(sub).required = true;
        }
    }
    true
}

/// Names for an error text.
fn names(attributes: &[Arc<Attribute>]) -> String {
    attributes.iter().map(|attribute| attribute.name.as_str()).collect::<Vec<_>>().join(", ")
}
