//! From the keys of a profile file to a [`Profile`].

use std::{ops::Range, sync::Arc};

use toml::Spanned;

use super::{
    Example, Profile, ProfileError, catalogues,
    constraints::{self, Named},
    extensions,
    file::{EnterpriseFile, ExampleFile, ProfileFile, UserFile},
    limits, rules, setup_guide, tenant_keys,
};
use crate::{
    catalogue::Catalogue,
    product::Product,
    resource::{Extension, ResourceType},
    roles::RoleMapping,
    schema::{self, Attribute, Schema},
};

/// The base paths that the server answers below a tenant's host.
const BASE_PATHS: [&str; 3] = ["/scim/v2", "/scim", "/scim/api/V1"];

/// Core attributes that no profile can take away.
const ALWAYS: [&str; 2] = ["userName", "active"];

/// The core attribute that a product has exactly when it has groups.
const GROUPS: &str = "groups";

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

    /// With its line and column.
    pub(super) fn in_text(&self, text: &str) -> ProfileError {
        ProfileError::at(text, self.offset, &self.problem)
    }
}

/// Checks a file and makes the profile of it; its examples are still to be run.
pub(super) fn compile(mut file: ProfileFile) -> Result<(Profile, Vec<ExampleFile>), Fault> {
    limits::check(&file)?;
    check_head(&file)?;
    let types = &file.resource_types;
    if !types.users.get_ref() {
        return Err(Fault::at(&types.users, "users must be true: every product has users; remove the key"));
    }
    tenant_keys::check_policies(&file.policies)?;
    let group = types.groups.get_ref().then(|| Arc::new(ResourceType::group()));
    let value_sets = tenant_keys::value_sets(std::mem::take(&mut file.value_sets))?;
    let named = Named::new(&file.formats, &value_sets)?;
    let roles = tenant_keys::roles(&file.roles, &named)?;
    let catalogues = catalogues::catalogues(&file, &named)?;
    let user = user_type(&file, &named, &catalogues, &roles)?;
    let organization = file.organization.take();
    let organization = organization.map(|file| tenant_keys::organization(file, &named)).transpose()?;
    let examples = file.examples.iter().map(|example| Example {
        title: example.title.get_ref().clone(),
        valid: example.valid,
        user: example.user.get_ref().clone(),
    });
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
        policies: file.policies.into_inner(),
        roles,
        catalogues: catalogues.into_iter().map(|(catalogue, _)| catalogue).collect(),
        leniencies,
        feature_gate: file.feature_gate,
        console_page: tenant_keys::label(file.console_page)?,
        people: tenant_keys::people(file.people)?,
        organization,
        gates: tenant_keys::gates(file.gates)?,
        setup: file.setup.map(setup_guide::guide).transpose()?,
        examples: examples.collect(),
        value_sets,
    };
    profile.set_leniencies(leniencies);
    Ok((profile, file.examples))
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

fn user_type(
    file: &ProfileFile,
    named: &Named<'_>,
    catalogues: &[(Catalogue, Range<usize>)],
    roles: &RoleMapping,
) -> Result<ResourceType, Fault> {
    let mut user = ResourceType::user();
    user.extensions = enterprise(&file.user)?.into_iter().collect();
    let has_groups = *file.resource_types.groups.get_ref();
    user.schema = Arc::new(cut_core(file.user.attributes.as_deref(), has_groups)?);
    for extension in &file.extensions {
        let compiled = extensions::compile(extension, &user, named)?;
        user.extensions.push(compiled);
    }
    constraints::constrain(&mut user, &file.attributes, named)?;
    for (catalogue, span) in catalogues {
        catalogues::constrain(&mut user, catalogue, span, roles)?;
    }
    for path in &file.user.required {
        constraints::require(&mut user, path)?;
    }
    let mut product = Product { aliases: constraints::aliases(&user, &file.aliases)?, ..Product::default() };
    user.product = Arc::new(product.clone());
    product.dropped = constraints::dropped(&user, &file.user.dropped)?;
    let mut budget = limits::Budget::default();
    product.not_applicable = rules::not_applicable(&user, &file.not_applicable, &mut budget)?;
    product.rules = rules::rules(&user, &file.rules, named, &mut budget)?;
    user.product = Arc::new(product);
    Ok(user)
}

/// The core User schema with what is on offer (absent: all), in its own order.
fn cut_core(offered: Option<&[Spanned<String>]>, has_groups: bool) -> Result<Schema, Fault> {
    for name in offered.unwrap_or_default() {
        check_offered(name, has_groups)?;
    }
    let attributes = schema::USER.attributes.iter().filter_map(|attribute| {
        if attribute.name == GROUPS {
            return has_groups.then(|| Arc::clone(attribute));
        }
        match offered {
            None => Some(Arc::clone(attribute)),
            Some(_) if ALWAYS.contains(&attribute.name.as_str()) => Some(Arc::clone(attribute)),
            Some(offered) => cut_attribute(attribute, offered),
        }
    });
    Ok(Schema { attributes: attributes.collect(), ..Schema::clone(&schema::USER) })
}

fn check_offered(name: &Spanned<String>, has_groups: bool) -> Result<(), Fault> {
    let wanted = name.get_ref();
    let (top, sub) = wanted.split_once('.').map_or((wanted.as_str(), None), |(top, sub)| (top, Some(sub)));
    let found = schema::USER.attribute(top).or_else(|| schema::COMMON.attribute(top));
    let Some(attribute) = found else {
        let problem = format!(
            "{wanted:?} is no attribute of the core User schema; it has {}",
            names(&schema::USER.attributes)
        );
        return Err(Fault::at(name, problem));
    };
    if let Some(sub) = sub
        && attribute.sub(sub).is_none()
    {
        let problem = format!("{top} has no {sub:?}; it has {}", names(&attribute.sub_attributes));
        return Err(Fault::at(name, problem));
    }
    if attribute.name == GROUPS && !has_groups {
        return Err(Fault::at(name, "groups has no values while resource-types.groups is false; remove it"));
    }
    Ok(())
}

/// An attribute as far as it is on offer: whole, or with the sub-attributes that are named.
fn cut_attribute(attribute: &Arc<Attribute>, offered: &[Spanned<String>]) -> Option<Arc<Attribute>> {
    let named = |path: &str| offered.iter().any(|name| name.get_ref().eq_ignore_ascii_case(path));
    if named(&attribute.name) {
        return Some(Arc::clone(attribute));
    }
    let sub = |sub: &&Arc<Attribute>| named(&format!("{}.{}", attribute.name, sub.name));
    let subs: Vec<_> = attribute.sub_attributes.iter().filter(sub).cloned().collect();
    (!subs.is_empty()).then(|| Arc::new(Attribute { sub_attributes: subs, ..Attribute::clone(attribute) }))
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

/// Names for an error text.
fn names(attributes: &[Arc<Attribute>]) -> String {
    attributes.iter().map(|attribute| attribute.name.as_str()).collect::<Vec<_>>().join(", ")
}
