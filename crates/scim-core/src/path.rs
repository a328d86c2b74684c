//! Attribute paths (RFC 7644 §3.10) and PATCH paths (§3.5.2, figure 1).

use std::sync::Arc;

use crate::{
    error::{ScimError, ScimType},
    filter::{self, Filter},
    resource::{AttrRef, Extension, ResourceKind, ResourceType},
    schema::{self, Attribute, AttributeType, Schema},
};

/// Longest PATCH path taken, in bytes.
pub const MAX_PATH_LENGTH: usize = filter::MAX_LENGTH;

/// What a name means for a resource type.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// An attribute that the tenant offers.
    Attribute(AttrRef),
    /// A whole extension, named by its URN (index into `ResourceType::extensions`).
    Extension(usize),
    /// SCIM knows it (core or enterprise), this tenant does not offer it.
    NotOffered(String),
    /// Nobody knows it.
    Unknown(String),
}

/// The target of a PATCH operation.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchPath {
    /// What is named: for `attr[filter].sub` the attribute with its sub-attribute.
    pub target: Resolved,
    /// The value filter in brackets, bound to the element's sub-attributes. Only ever set when `target` is a
    /// [`Resolved::Attribute`]; elsewhere the filter was only checked for its form.
    pub filter: Option<Filter>,
}

impl ResourceType {
    /// Resolves `attr`, `attr.sub`, `URN:attr.sub`, `URN` (RFC 7644 §3.10), in any case; which habits of identity
    /// providers a name may show is for [`ResourceType::leniencies`] to say. Common attributes (`id`, `externalId`,
    /// `schemas`, `meta.…`) count as offered. `value` below a list of simple values means the values themselves. Other
    /// names that the profile has for an attribute are taken where no attribute on offer has them.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Resolved {
        if let Some(resolved) = self.resolve_for_product(path) {
            return resolved;
        }
        if let Some((index, rest)) = self.split_extension(path) {
            return rest
                .map_or(Resolved::Extension(index), |rest| self.resolve_in_extension(index, rest, path));
        }
        if let Some(rest) = self.strip_urn(path, &self.known.id) {
            return match rest {
                Some(rest) => self.resolve_plain(rest, path),
                None => Resolved::Unknown(path.to_owned()),
            };
        }
        if self.kind == ResourceKind::User
            && let Some(rest) = self.strip_urn(path, &schema::ENTERPRISE_USER.id)
        {
            return not_offered_if(
                rest.is_none_or(|rest| find(&schema::ENTERPRISE_USER, rest).is_some()),
                path,
            );
        }
        self.resolve_plain(path, path)
    }

    /// Like [`Self::resolve`], but takes the bare name of an extension's attribute where core SCIM has none of that
    /// name, `top_level` or not: identity providers ask for `manager eq "…"` without the URN.
    #[must_use]
    pub fn resolve_in_query(&self, path: &str) -> Resolved {
        match self.resolve(path) {
            Resolved::Unknown(name) if self.leniencies.bare_extension_names => self
                .extensions
                .iter()
                .find_map(|extension| {
                    find(&extension.schema, path).map(|found| found.within(&extension.schema))
                })
                .map_or(Resolved::Unknown(name), Resolved::Attribute),
            resolved => resolved,
        }
    }

    /// Parses a PATCH path, `attr[filter].sub` included. 400 `invalidPath` when malformed or too long, 400
    /// `invalidFilter` when what stands in the brackets does not parse or bind. `lenient_booleans`: see
    /// [`filter::parse`].
    pub fn patch_path(&self, path: &str, lenient_booleans: bool) -> Result<PatchPath, ScimError> {
        if path.len() > MAX_PATH_LENGTH {
            return Err(invalid_path(format!("is longer than {MAX_PATH_LENGTH} bytes; shorten it")));
        }
        let path = path.trim();
        let Some(open) = path.find('[') else {
            check_name(path)?;
            return Ok(PatchPath { target: self.resolve(path), filter: None });
        };
        let (name, inside) = (&path[..open], &path[open + 1..]);
        check_name(name)?;
        let close = closing_bracket(inside)
            .ok_or_else(|| invalid_path(format!("{name}[…: the bracket is never closed; add ]")))?;
        let (text, tail) = (&inside[..close], &inside[close + 1..]);
        let sub = match tail.strip_prefix('.') {
            None if tail.is_empty() => None,
            Some(sub) if !sub.contains('.') => {
                check_name(sub)?;
                Some(sub)
            }
            _ => return Err(invalid_path(format!("{name}[…]: only .subAttribute may follow the bracket"))),
        };
        let column = path[..=open].chars().count();
        self.element_path(name, text, column, sub, lenient_booleans)
    }

    fn element_path(
        &self,
        name: &str,
        text: &str,
        column: usize,
        sub: Option<&str>,
        lenient_booleans: bool,
    ) -> Result<PatchPath, ScimError> {
        let target = match self.resolve(name) {
            Resolved::Attribute(target) => target,
            Resolved::Extension(_) => {
                return Err(invalid_path(format!("{name} is an extension and takes no filter in brackets")));
            }
            elsewhere => {
                filter::check_element(text, column)?;
                return Ok(PatchPath { target: elsewhere, filter: None });
            }
        };
        if target.sub.is_some() || !target.attribute.multi_valued {
            return Err(invalid_path(format!(
                "{} holds one value and takes no filter in brackets; name it alone",
                target.path()
            )));
        }
        let bound = filter::bind_element(text, column, &target, lenient_booleans)?;
        match sub.map(|sub| self.resolve(&format!("{name}.{sub}"))) {
            None => Ok(PatchPath { target: Resolved::Attribute(target), filter: Some(bound) }),
            Some(Resolved::Attribute(target)) => {
                Ok(PatchPath { target: Resolved::Attribute(target), filter: Some(bound) })
            }
            Some(elsewhere) => Ok(PatchPath { target: elsewhere, filter: None }),
        }
    }

    /// The extension whose URN or alias starts the path, the longest one first, and what follows it.
    fn split_extension<'p>(&self, path: &'p str) -> Option<(usize, Option<&'p str>)> {
        self.extensions
            .iter()
            .enumerate()
            .flat_map(|(index, extension)| extension.urns(self.leniencies).map(move |urn| (index, urn)))
            .filter_map(|(index, urn)| self.strip_urn(path, urn).map(|rest| (urn.len(), index, rest)))
            .max_by_key(|(length, ..)| *length)
            .map(|(_, index, rest)| (index, rest))
    }

    fn resolve_in_extension(&self, index: usize, rest: &str, path: &str) -> Resolved {
        let Some(extension) = self.extensions.get(index) else {
            return Resolved::Unknown(path.to_owned());
        };
        match find(&extension.schema, rest) {
            Some(found) => Resolved::Attribute(found.within(&extension.schema)),
            None => {
                let enterprise = &schema::ENTERPRISE_USER;
                let known = extension.schema.id.eq_ignore_ascii_case(&enterprise.id)
                    && find(enterprise, rest).is_some();
                not_offered_if(known, path)
            }
        }
    }

    /// A name without URN: common, core, then extensions whose attributes may stand at the top level.
    fn resolve_plain(&self, name: &str, path: &str) -> Resolved {
        let core = find(&schema::COMMON, name).or_else(|| find(&self.schema, name)).map(Found::in_core);
        core.or_else(|| {
            let bare = |extension: &&Extension| extension.top_level && self.leniencies.bare_extension_names;
            self.extensions.iter().filter(bare).find_map(|extension| {
                find(&extension.schema, name).map(|found| found.within(&extension.schema))
            })
        })
        .map_or_else(|| not_offered_if(find(&self.known, name).is_some(), path), Resolved::Attribute)
    }

    /// `None`: the path does not start with this URN. `Some(None)`: it is this URN. `Some(Some(rest))`: what follows
    /// the colon, or the dot that Entra once wrote. URNs contain dots and colons, so the schema's name decides.
    fn strip_urn<'p>(&self, path: &'p str, urn: &str) -> Option<Option<&'p str>> {
        let (head, rest) = path.split_at_checked(urn.len())?;
        if !head.eq_ignore_ascii_case(urn) {
            return None;
        }
        if rest.is_empty() {
            return Some(None);
        }
        let dotted = || rest.strip_prefix('.').filter(|_| self.leniencies.dotted_urns);
        rest.strip_prefix(':').or_else(dotted).map(Some)
    }
}

/// An attribute found in a schema.
struct Found {
    attribute: Arc<Attribute>,
    sub: Option<Arc<Attribute>>,
}

impl Found {
    fn in_core(self) -> AttrRef {
        AttrRef { extension: None, attribute: self.attribute, sub: self.sub }
    }

    fn within(self, extension: &Schema) -> AttrRef {
        AttrRef {
            extension: Some(Arc::from(extension.id.as_str())),
            attribute: self.attribute,
            sub: self.sub,
        }
    }
}

fn find(schema: &Schema, name: &str) -> Option<Found> {
    let (name, sub) = match name.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (name, None),
    };
    let attribute = schema.attribute(name)?;
    let sub = match sub {
        None => None,
        Some(sub) if is_simple_list(attribute) && sub.eq_ignore_ascii_case("value") => None,
        Some(sub) => Some(Arc::clone(attribute.sub(sub)?)),
    };
    Some(Found { attribute: Arc::clone(attribute), sub })
}

/// Whether an attribute is a list of values without sub-attributes.
pub(crate) fn is_simple_list(attribute: &Attribute) -> bool {
    attribute.multi_valued && attribute.kind != AttributeType::Complex
}

fn not_offered_if(known: bool, path: &str) -> Resolved {
    if known { Resolved::NotOffered(path.to_owned()) } else { Resolved::Unknown(path.to_owned()) }
}

/// Position of the bracket that ends a value filter: the first one outside of a string.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut in_string, mut escaped) = (false, false);
    for (at, ch) in text.char_indices() {
        match ch {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            ']' if !in_string => return Some(at),
            _ => {}
        }
    }
    None
}

/// Characters of attribute names and of the URNs before them.
pub(crate) fn is_name_char(ch: char) -> bool {
    ch.is_ascii_alphanumeric() || "_-$:.%/+~".contains(ch)
}

fn check_name(name: &str) -> Result<(), ScimError> {
    let starts_well = name.starts_with(|ch: char| ch.is_ascii_alphabetic() || ch == '$' || ch == '_');
    if starts_well && name.chars().all(is_name_char) && !name.ends_with(['.', ':']) {
        return Ok(());
    }
    Err(invalid_path(
        "is no attribute path; write attr, attr.sub, attr[filter], attr[filter].sub or URN:attr",
    ))
}

fn invalid_path(problem: impl AsRef<str>) -> ScimError {
    ScimError::bad_request(ScimType::InvalidPath, format!("path: {}", problem.as_ref()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{leniency::Leniencies, urn};

    const ENTERPRISE: &str = urn::ENTERPRISE_USER;

    /// A user type with a product's extension, without nickName and the enterprise extension.
    fn product() -> ResourceType {
        let mut product = ResourceType::user();
        let mut schema = (*product.schema).clone();
        schema.attributes.retain(|attribute| attribute.name != "nickName");
        product.schema = Arc::new(schema);
        let extension: Schema = serde_json::from_value(serde_json::json!({
            "id": "urn:example:params:scim:1.0:User",
            "name": "Product",
            "attributes": [
                {"name": "npi"},
                {"name": "siteNumbers", "multiValued": true},
            ],
        }))
        .expect("a schema");
        product.extensions = vec![crate::resource::Extension {
            schema: Arc::new(extension),
            required: false,
            aliases: vec!["urn:example".into(), "urn:example:params:scim:1.0:User:2".into()],
            top_level: true,
        }];
        product
    }

    fn show(resolved: &Resolved) -> String {
        match resolved {
            Resolved::Attribute(target) => target.path(),
            Resolved::Extension(index) => format!("extension {index}"),
            Resolved::NotOffered(_) => "not offered".into(),
            Resolved::Unknown(_) => "unknown".into(),
        }
    }

    #[test]
    fn names_of_core_and_enterprise() {
        let user = ResourceType::user();
        for (path, expected) in [
            ("userName", "userName"),
            ("USERNAME", "userName"),
            ("NAME.FamilyName", "name.familyName"),
            ("emails.Value", "emails.value"),
            ("id", "id"),
            ("META.lastmodified", "meta.lastModified"),
            ("schemas", "schemas"),
            ("groups.$ref", "groups.$ref"),
            ("URN:ietf:params:scim:schemas:core:2.0:User:UserName", "userName"),
            ("urn:ietf:params:scim:schemas:core:2.0:User.userName", "userName"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", "name.familyName"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:externalId", "externalId"),
            ("urn:ietf:params:scim:schemas:core:2.0:User", "unknown"),
            ("urn:ietf:params:scim:schemas:core:2.0:Group:displayName", "unknown"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "extension 0"),
            ("urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:user", "extension 0"),
            ("department", "unknown"),
            ("nobody", "unknown"),
            ("name.nobody", "unknown"),
            ("name.familyName.x", "unknown"),
            ("userName.value", "unknown"),
            ("", "unknown"),
            ("é", "unknown"),
            ("urn:ietf:params:scim:schemas:core:2.0:Usé", "unknown"),
        ] {
            assert_eq!(show(&user.resolve(path)), expected, "{path}");
        }
        for (tail, expected) in [
            (":Department", format!("{ENTERPRISE}:department")),
            (".department", format!("{ENTERPRISE}:department")),
            (":manager.Value", format!("{ENTERPRISE}:manager.value")),
            (":nobody", "unknown".into()),
            (":userName", "unknown".into()),
        ] {
            assert_eq!(show(&user.resolve(&format!("{ENTERPRISE}{tail}"))), expected, "{tail}");
        }
        assert_eq!(show(&user.resolve_in_query("Manager")), format!("{ENTERPRISE}:manager"));
        assert_eq!(show(&user.resolve_in_query("nobody")), "unknown");
        assert_eq!(show(&ResourceType::group().resolve("members.value")), "members.value");
        assert_eq!(show(&ResourceType::group().resolve(&format!("{ENTERPRISE}:department"))), "unknown");
    }

    #[test]
    fn what_is_known_and_not_offered() {
        let npi = "urn:example:params:scim:1.0:User:npi";
        for (path, expected) in [
            ("nickName", "not offered"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:nickName", "not offered"),
            (ENTERPRISE, "not offered"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "not offered"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:nobody", "unknown"),
            ("npi", npi),
            ("urn:example:NPI", npi),
            ("urn:example:params:scim:1.0:User:2:npi", npi),
            ("urn:example:params:scim:1.0:User.npi", npi),
            ("siteNumbers.value", "urn:example:params:scim:1.0:User:siteNumbers"),
            ("siteNumbers.type", "unknown"),
            ("urn:example", "extension 0"),
        ] {
            assert_eq!(show(&product().resolve(path)), expected, "{path}");
        }
        let mut cut = ResourceType::user();
        let mut schema = (*schema::ENTERPRISE_USER).as_ref().clone();
        schema.attributes.retain(|attribute| attribute.name != "division");
        cut.extensions[0].schema = Arc::new(schema);
        assert_eq!(show(&cut.resolve(&format!("{ENTERPRISE}:division"))), "not offered");
    }

    #[test]
    fn habits_of_names_are_switches() {
        type Switch = fn(&mut Leniencies) -> &mut bool;
        let department = format!("{ENTERPRISE}:department");
        let user_name = "urn:ietf:params:scim:schemas:core:2.0:User.userName";
        let rows: [(Switch, String, &str); 5] = [
            (|l| &mut l.dotted_urns, format!("{ENTERPRISE}.department"), &department),
            (|l| &mut l.dotted_urns, user_name.into(), "userName"),
            (|l| &mut l.bare_extension_names, "department".into(), &department),
            (
                |l| &mut l.misspelt_enterprise_urn,
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0User:department".into(),
                &department,
            ),
            (
                |l| &mut l.misspelt_enterprise_urn,
                "urn:scim:schemas:extension:enterprise:1.0:department".into(),
                &department,
            ),
        ];
        for (switch, path, meant) in rows {
            for (mut leniencies, on) in [(Leniencies::STRICT, true), (Leniencies::LENIENT, false)] {
                *switch(&mut leniencies) = on;
                let mut user = ResourceType { leniencies, ..ResourceType::user() };
                user.extensions[0].top_level = true;
                let wanted = if on { meant } else { "unknown" };
                assert_eq!(show(&user.resolve(&path)), wanted, "{path} {on}");
                assert_eq!(show(&user.resolve_in_query(&path)), wanted, "{path} {on}");
            }
        }
    }

    #[test]
    fn patch_paths() {
        let user = ResourceType::user();
        for (path, target, filtered) in [
            ("userName", "userName", false),
            (" name.familyName ", "name.familyName", false),
            ("emails[type eq \"work\"]", "emails", true),
            ("emails[type eq \"work\"].value", "emails.value", true),
            ("EMAILS[TYPE EQ \"work\" and not (primary eq \"True\")].Value", "emails.value", true),
            ("emails[value eq \"a.b]\\\"c\"].type", "emails.type", true),
            (
                "urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"work\"].value",
                "emails.value",
                true,
            ),
            ("emails[type eq \"work\"].nobody", "unknown", false),
            ("nobody[type eq \"work\"].value", "unknown", false),
            ("nobody", "unknown", false),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "extension 0", false),
        ] {
            let parsed = user.patch_path(path, true).expect(path);
            assert_eq!(
                (show(&parsed.target).as_str(), parsed.filter.is_some()),
                (target, filtered),
                "{path}"
            );
        }
        let sites = product().patch_path("siteNumbers[value eq \"7\"]", false).expect("a simple list");
        assert!(sites.filter.is_some_and(|filter| filter.matches_element(&serde_json::json!("7"))));
        let gone = product().patch_path("nickName[value eq \"7\"]", false).expect("not offered");
        assert_eq!((show(&gone.target).as_str(), gone.filter), ("not offered", None));
    }

    #[test]
    fn malformed_patch_paths() {
        let user = ResourceType::user();
        let long = format!("emails[value eq \"{}\"]", "x".repeat(MAX_PATH_LENGTH));
        for (path, scim_type) in [
            ("", ScimType::InvalidPath),
            ("[type eq \"work\"]", ScimType::InvalidPath),
            ("emails[type eq \"work\"", ScimType::InvalidPath),
            ("emails[type eq \"work]", ScimType::InvalidPath),
            ("emails[type eq \"work\"]value", ScimType::InvalidPath),
            ("emails[type eq \"work\"].", ScimType::InvalidPath),
            ("emails[type eq \"work\"].value.x", ScimType::InvalidPath),
            ("emails[type eq \"work\"][value pr]", ScimType::InvalidPath),
            ("name[familyName eq \"x\"].givenName", ScimType::InvalidPath),
            ("emails.value[type eq \"x\"]", ScimType::InvalidPath),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User[x pr]", ScimType::InvalidPath),
            ("user name", ScimType::InvalidPath),
            ("userName]", ScimType::InvalidPath),
            ("name.", ScimType::InvalidPath),
            ("é", ScimType::InvalidPath),
            (&long, ScimType::InvalidPath),
            ("emails[]", ScimType::InvalidFilter),
            ("emails[type eq work]", ScimType::InvalidFilter),
            ("emails[nobody eq \"x\"]", ScimType::InvalidFilter),
            ("nobody[type lte \"x\"]", ScimType::InvalidFilter),
            ("emails[primary eq \"maybe\"]", ScimType::InvalidFilter),
        ] {
            let error = user.patch_path(path, true).expect_err(path);
            assert_eq!((error.status, error.scim_type), (400, Some(scim_type)), "{path}");
        }
        let error = user.patch_path("emails[type lte \"x\"]", true).expect_err("operator");
        assert!(error.detail.starts_with("filter, column 13: "), "{}", error.detail);
        assert!(user.patch_path("emails[primary eq \"True\"]", false).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_paths_never_panic(path in any::<String>()) {
            let user = ResourceType::user();
            let _ = user.resolve(&path);
            let _ = user.resolve_in_query(&path);
            let _ = user.patch_path(&path, true);
        }

        #[test]
        fn almost_paths_never_panic(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "emails", "type", " eq ", "\"work\"", "[", "]", ".", ":", "\"", "\\", "é", ENTERPRISE, "value",
                ]),
                0..16,
            ),
        ) {
            let user = ResourceType::user();
            let path = parts.concat();
            let _ = user.resolve(&path);
            let _ = user.patch_path(&path, true);
        }

        #[test]
        fn the_text_of_a_target_resolves_to_it(index in 0_usize..200) {
            let user = ResourceType::user();
            let all: Vec<AttrRef> = user
                .schema
                .attributes
                .iter()
                .map(|attribute| AttrRef { extension: None, attribute: Arc::clone(attribute), sub: None })
                .chain(user.extensions[0].schema.attributes.iter().map(|attribute| AttrRef {
                    extension: Some(Arc::from(ENTERPRISE)),
                    attribute: Arc::clone(attribute),
                    sub: None,
                }))
                .flat_map(|top| {
                    let subs: Vec<_> = top.attribute.sub_attributes.iter().map(|sub| top.with_sub(sub)).collect();
                    std::iter::once(top).chain(subs)
                })
                .collect();
            let target = &all[index % all.len()];
            prop_assert_eq!(user.resolve(&target.path()), Resolved::Attribute(target.clone()));
        }
    }
}
