//! Syntax tree → bound filter: names resolved, operators and literals checked against the attribute's type.

use std::sync::Arc;

use super::{
    CompareOp, Filter, Literal,
    parser::invalid,
    syntax::{Constant, Expr, Name},
};
use crate::{
    error::ScimError,
    path::{Resolved, is_simple_list},
    resource::{AttrRef, ResourceType},
    schema::{self, Attribute, AttributeType, Mutability, Returned},
    search, timestamp,
};

/// What names are resolved against.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    /// Attributes of a resource.
    Resource(&'a ResourceType),
    /// Sub-attributes of one element of this attribute.
    Element(&'a AttrRef),
}

/// Binds a whole tree. What the type does not offer becomes [`Filter::Never`], and takes with it what depends on it.
pub(super) fn bind(expr: &Expr, scope: Scope<'_>, lenient_booleans: bool) -> Result<Filter, ScimError> {
    Binder { scope, lenient_booleans, at_root: false }.bind(expr).map(settle)
}

/// Binds a whole tree where several types are asked at once: what the type does not have is an attribute without value.
pub(super) fn bind_at_root(
    expr: &Expr,
    resource_type: &ResourceType,
    lenient_booleans: bool,
) -> Result<Filter, ScimError> {
    Binder { scope: Scope::Resource(resource_type), lenient_booleans, at_root: true }.bind(expr).map(settle)
}

#[derive(Clone, Copy)]
struct Binder<'a> {
    scope: Scope<'a>,
    lenient_booleans: bool,
    /// Several types are asked: a name that is unknown here may be known there.
    at_root: bool,
}

impl Binder<'_> {
    fn bind(self, expr: &Expr) -> Result<Filter, ScimError> {
        let all = |parts: &[Expr]| parts.iter().map(|part| self.bind(part)).collect::<Result<Vec<_>, _>>();
        match expr {
            Expr::And(parts) => all(parts).map(Filter::And),
            Expr::Or(parts) => all(parts).map(Filter::Or),
            Expr::Not(inner) => self.bind(inner).map(negate),
            Expr::Present(name) => {
                Ok(self.target(name, "pr")?.map_or_else(|| self.without_value(false), Filter::Present))
            }
            Expr::Compare(name, op, constant) => match self.target(name, op.as_str())? {
                Some(target) => self.compare(name, target, *op, constant),
                None => {
                    let is_null = *constant == Constant::Null;
                    let holds = if is_null { *op == CompareOp::Eq } else { *op == CompareOp::Ne };
                    Ok(self.without_value(holds))
                }
            },
            Expr::Element(name, inner, tail) => self.element(name, inner, tail.as_deref()),
        }
    }

    /// What a condition on an attribute that the type does not have comes to: nothing at the endpoint of the type, and
    /// at the root what it says of an attribute without a value.
    fn without_value(self, holds: bool) -> Filter {
        match (self.at_root, holds) {
            (false, _) => Filter::Never,
            (true, true) => Filter::And(Vec::new()),
            (true, false) => Filter::Or(Vec::new()),
        }
    }

    /// The attribute of a name; `None` when it is known and not offered, or unknown at the root.
    fn target(self, name: &Name, op: &str) -> Result<Option<AttrRef>, ScimError> {
        let unknown = || {
            let shown: String = name.text.chars().take(80).collect();
            invalid(name.column, format!("no attribute is named {shown:?}; check the spelling"))
        };
        let resolved = match self.scope {
            Scope::Resource(resource_type) => {
                let resolved = resource_type.resolve_in_query(&name.text);
                if let Resolved::NotOffered(path) = &resolved {
                    let last = path.rsplit(':').next().unwrap_or(path);
                    if let Some(attribute) = resource_type.known.attribute(last) {
                        check_comparable(attribute, name)?;
                    }
                }
                resolved
            }
            Scope::Element(list) => resolve_sub(list, &name.text),
        };
        match resolved {
            Resolved::Attribute(target) => {
                check_comparable(&target.attribute, name)?;
                check_comparable(target.leaf(), name)?;
                Ok(Some(target))
            }
            Resolved::NotOffered(_) => Ok(None),
            Resolved::Unknown(_) if self.at_root => Ok(None),
            Resolved::Extension(_) => Err(invalid(
                name.column,
                format!(
                    "{} is an extension and cannot stand before {op}; name one of its attributes",
                    name.text
                ),
            )),
            Resolved::Unknown(_) => Err(unknown()),
        }
    }

    fn compare(
        self,
        name: &Name,
        target: AttrRef,
        op: CompareOp,
        constant: &Constant,
    ) -> Result<Filter, ScimError> {
        if target.leaf().kind == AttributeType::Complex {
            let Some(value) = target.sub.is_none().then(|| target.attribute.sub("value")).flatten() else {
                return whole(name, target, op, constant);
            };
            let target = target.with_sub(value);
            return self.compare(name, target, op, constant);
        }
        let value = literal(target.leaf(), op, constant, self.lenient_booleans)
            .map_err(|problem| invalid(name.column, format!("{}: {problem}", target.path())))?;
        Ok(Filter::Compare { target, op, value })
    }

    fn element(self, name: &Name, inner: &Expr, tail: Option<&Expr>) -> Result<Filter, ScimError> {
        let Some(target) = self.target(name, "[")? else {
            return Ok(self.without_value(false));
        };
        if target.sub.is_some() || !target.attribute.multi_valued {
            return Err(invalid(
                name.column,
                format!(
                    "{} holds one value and takes no brackets; write {0}.sub operator value",
                    target.path()
                ),
            ));
        }
        let inside = Binder { scope: Scope::Element(&target), ..self };
        let mut filter = inside.bind(inner)?;
        if let Some(tail) = tail {
            if matches!(self.scope, Scope::Resource(kind) if !kind.leniencies.compare_after_brackets) {
                let problem =
                    format!("{}[…]: nothing is compared after the brackets; write it inside", target.path());
                return Err(invalid(name.column, problem));
            }
            filter = Filter::And(vec![filter, inside.bind(tail)?]);
        }
        Ok(match settle(filter) {
            Filter::Never => self.without_value(false),
            filter => Filter::Element { target, filter: Box::new(filter) },
        })
    }
}

/// A sub-attribute of the elements of a list; in a list of simple values, `value` is the element.
fn resolve_sub(list: &AttrRef, name: &str) -> Resolved {
    if is_simple_list(&list.attribute) {
        return if name.eq_ignore_ascii_case("value") {
            Resolved::Attribute(list.clone())
        } else {
            Resolved::Unknown(name.to_owned())
        };
    }
    let known = || {
        [&*schema::USER, &*schema::GROUP, &*schema::ENTERPRISE_USER]
            .into_iter()
            .filter_map(|schema| schema.attribute(&list.attribute.name))
            .any(|attribute| attribute.sub(name).is_some())
    };
    match list.attribute.sub(name) {
        Some(sub) => Resolved::Attribute(list.with_sub(sub)),
        None if known() => Resolved::NotOffered(name.to_owned()),
        None => Resolved::Unknown(name.to_owned()),
    }
}

/// Refuses what is never shown: comparing it would tell its value, one question at a time.
fn check_comparable(attribute: &Arc<Attribute>, name: &Name) -> Result<(), ScimError> {
    if attribute.mutability == Mutability::WriteOnly || attribute.returned == Returned::Never {
        return Err(invalid(
            name.column,
            format!("{} is never shown and cannot be compared", attribute.name),
        ));
    }
    Ok(())
}

/// A comparison of a complex attribute that has no `value`: only with `null`.
fn whole(name: &Name, target: AttrRef, op: CompareOp, constant: &Constant) -> Result<Filter, ScimError> {
    match (op, constant) {
        (CompareOp::Eq, Constant::Null) => Ok(Filter::Not(Box::new(Filter::Present(target)))),
        (CompareOp::Ne, Constant::Null) => Ok(Filter::Present(target)),
        _ => {
            let example = target.attribute.sub_attributes.first().map_or("sub", |sub| sub.name.as_str());
            Err(invalid(
                name.column,
                format!("{} has parts and takes only pr; name a part, such as {0}.{example}", target.path()),
            ))
        }
    }
}

/// The right side in the form in which the attribute is compared, or what does not fit.
fn literal(
    attribute: &Attribute,
    op: CompareOp,
    constant: &Constant,
    lenient_booleans: bool,
) -> Result<Literal, String> {
    check_operator(attribute.kind, op)?;
    let value = match (attribute.kind, constant) {
        (_, Constant::Null) if matches!(op, CompareOp::Eq | CompareOp::Ne) => Some(Literal::Null),
        (AttributeType::Boolean, Constant::Boolean(value)) => Some(Literal::Boolean(*value)),
        (AttributeType::Boolean, Constant::Text(text)) if lenient_booleans => boolean(text),
        (AttributeType::Decimal | AttributeType::Integer, Constant::Number(value)) => {
            Some(Literal::Number(*value))
        }
        (AttributeType::DateTime, Constant::Text(text)) => timestamp::parse(text).map(Literal::Instant),
        (AttributeType::String | AttributeType::Reference | AttributeType::Binary, Constant::Text(text)) => {
            Some(Literal::String(search::text_form(attribute, text)))
        }
        _ => None,
    };
    value.ok_or_else(|| {
        let wanted = match attribute.kind {
            AttributeType::Boolean => "true or false, without quotes",
            AttributeType::Decimal | AttributeType::Integer => "a number, without quotes",
            AttributeType::DateTime => {
                "an instant with date, time and offset in double quotes, such as \"2026-01-31T08:00:00Z\""
            }
            _ => "text in double quotes",
        };
        format!("{} compares it with {wanted}", op.as_str())
    })
}

/// Which operators a type takes (RFC 7644 table 3).
fn check_operator(kind: AttributeType, op: CompareOp) -> Result<(), String> {
    use CompareOp::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    let fits = match op {
        Eq | Ne => true,
        Co | Sw | Ew => matches!(kind, AttributeType::String | AttributeType::Reference),
        Gt | Ge | Lt | Le => !matches!(kind, AttributeType::Boolean | AttributeType::Binary),
    };
    if fits {
        return Ok(());
    }
    let (what, known) = match kind {
        AttributeType::Boolean => ("a boolean", "eq, ne or pr"),
        AttributeType::Binary => ("binary", "eq, ne or pr"),
        AttributeType::DateTime => ("an instant", "eq, ne, gt, ge, lt, le or pr"),
        _ => ("a number", "eq, ne, gt, ge, lt, le or pr"),
    };
    Err(format!("is {what} and takes no {}; use {known}", op.as_str()))
}

fn boolean(text: &str) -> Option<Literal> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(Literal::Boolean(true)),
        "false" => Some(Literal::Boolean(false)),
        _ => None,
    }
}

/// The opposite, where the opposite of "not offered" is still "not offered".
fn negate(filter: Filter) -> Filter {
    if !has_never(&filter) {
        return Filter::Not(Box::new(filter));
    }
    match filter {
        Filter::And(parts) => Filter::Or(parts.into_iter().map(negate).collect()),
        Filter::Or(parts) => Filter::And(parts.into_iter().map(negate).collect()),
        Filter::Not(inner) => *inner,
        _ => Filter::Never,
    }
}

fn has_never(filter: &Filter) -> bool {
    match filter {
        Filter::Never => true,
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(has_never),
        Filter::Not(inner) | Filter::Element { filter: inner, .. } => has_never(inner),
        Filter::Compare { .. } | Filter::Present(_) => false,
    }
}

/// Folds `Never` away: it decides an `and`, and adds nothing to an `or`.
fn settle(filter: Filter) -> Filter {
    match filter {
        Filter::And(parts) => {
            let parts: Vec<_> = parts.into_iter().map(settle).collect();
            if parts.contains(&Filter::Never) { Filter::Never } else { Filter::And(parts) }
        }
        Filter::Or(parts) => {
            let mut parts: Vec<_> =
                parts.into_iter().map(settle).filter(|part| *part != Filter::Never).collect();
            match parts.len() {
                0 => Filter::Never,
                1 => parts.pop().unwrap_or(Filter::Never),
                _ => Filter::Or(parts),
            }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::ScimType, filter};

    fn user() -> ResourceType {
        ResourceType::user()
    }

    /// A user type without nickName, addresses, emails.display and the enterprise extension.
    fn small_user() -> ResourceType {
        let mut small = user();
        let mut schema = (*small.schema).clone();
        schema
            .attributes
            .retain(|attribute| !["nickName", "addresses", "password"].contains(&&*attribute.name));
        for attribute in &mut schema.attributes {
            if attribute.name == "emails" {
                Arc::make_mut(attribute).sub_attributes.retain(|sub| sub.name != "display");
            }
        }
        small.schema = Arc::new(schema);
        small.extensions.clear();
        small
    }

    fn parse(text: &str) -> Result<Filter, ScimError> {
        filter::parse(text, &user(), true)
    }

    #[track_caller]
    fn compared(text: &str) -> (String, Literal) {
        match parse(text) {
            Ok(Filter::Compare { target, value, .. }) => (target.path(), value),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn names_resolve_and_literals_take_the_form_of_the_attribute() {
        let text = |value: &str| Literal::String(value.into());
        for (filter, path, value) in [
            ("USERNAME eq \"ÉMILE\"", "userName", text("émile")),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"X\"", "userName", text("x")),
            (
                "URN:IETF:params:scim:schemas:core:2.0:user:NAME.familyname co \"X\"",
                "name.familyName",
                text("x"),
            ),
            ("externalId eq \"ABC\"", "externalId", text("ABC")),
            ("id eq \"ABC\"", "id", text("ABC")),
            ("schemas eq \"URN:X\"", "schemas", text("urn:x")),
            ("emails co \"X\"", "emails.value", text("x")),
            ("emails.type eq \"Work\"", "emails.type", text("work")),
            ("groups.value eq \"G\"", "groups.value", text("g")),
            ("groups eq \"G\"", "groups.value", text("g")),
            ("meta.resourceType eq \"User\"", "meta.resourceType", text("User")),
            (
                "meta.lastModified gt \"1970-01-01T01:00:00.5+01:00\"",
                "meta.lastModified",
                Literal::Instant(500),
            ),
            ("active eq true", "active", Literal::Boolean(true)),
            ("active eq \"True\"", "active", Literal::Boolean(true)),
            ("active ne null", "active", Literal::Null),
            ("x509Certificates.value eq \"QUJD\"", "x509Certificates.value", text("QUJD")),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"M\"",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
                text("m"),
            ),
            (
                "manager eq \"M\"",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
                text("m"),
            ),
        ] {
            assert_eq!(compared(filter), (path.into(), value), "{filter}");
        }
        let members = filter::parse("members.value eq \"M\"", &ResourceType::group(), false);
        assert!(matches!(members, Ok(Filter::Compare { target, .. }) if target.path() == "members.value"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in [
            "nobody eq \"x\"",
            "name.nobody pr",
            "emails.value.x pr",
            "urn:x:y eq \"x\"",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr",
            "password eq \"x\"",
            "password pr",
            "name eq \"x\"",
            "addresses eq \"x\"",
            "name[familyName eq \"x\"]",
            "meta[resourceType eq \"User\"]",
            "userName[value eq \"x\"]",
            "emails.type[value eq \"x\"]",
            "emails[nobody eq \"x\"]",
            "emails[emails.type eq \"x\"]",
            "emails[type eq \"x\"].nobody pr",
            "active gt true",
            "active ge \"true\"",
            "active co \"t\"",
            "active eq 1",
            "active eq \"yes\"",
            "x509Certificates gt \"x\"",
            "x509Certificates.value co \"x\"",
            "meta.lastModified sw \"2026\"",
            "meta.lastModified eq \"2026-01-01\"",
            "meta.lastModified gt 5",
            "userName eq 5",
            "userName eq true",
            "userName gt null",
            "userName co null",
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{text}");
            assert!(error.detail.starts_with("filter, column "), "{}", error.detail);
        }
        assert!(filter::parse("active eq \"true\"", &user(), false).is_err());
        assert!(filter::parse("members[value eq \"x\"", &ResourceType::group(), false).is_err());
    }

    #[test]
    fn numbers_take_order_and_no_substrings() {
        let mut sized = user();
        let mut schema = (*sized.schema).clone();
        schema
            .attributes
            .push(Arc::new(Attribute { kind: AttributeType::Integer, ..attribute("size", false) }));
        sized.schema = Arc::new(schema);
        assert!(filter::parse("size gt 5", &sized, false).is_ok());
        assert!(filter::parse("size co 5", &sized, false).is_err());
        assert!(filter::parse("size gt \"5\"", &sized, true).is_err());
    }

    fn attribute(name: &str, multi_valued: bool) -> Attribute {
        Attribute {
            name: name.into(),
            kind: AttributeType::String,
            sub_attributes: Vec::new(),
            multi_valued,
            description: String::new(),
            required: false,
            canonical_values: Vec::new(),
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: schema::Uniqueness::None,
            reference_types: Vec::new(),
            constraint: None,
            indexed: false,
        }
    }

    #[test]
    fn lists_of_simple_values() {
        let list =
            AttrRef { extension: None, attribute: Arc::new(attribute("siteNumbers", true)), sub: None };
        let bound = filter::parse_element("VALUE eq \"A\"", &list, false).expect("value");
        assert_eq!(
            bound,
            Filter::Compare { target: list.clone(), op: CompareOp::Eq, value: Literal::String("a".into()) }
        );
        assert!(filter::parse_element("type eq \"A\"", &list, false).is_err());
    }

    #[test]
    fn after_filter_sub_attribute_is_one_element() {
        let bound = parse("emails[type eq \"work\"].value eq \"X\"").expect("binds");
        assert_eq!(bound, parse("emails[type eq \"work\" and value eq \"X\"]").expect("binds"));
        assert!(matches!(bound, Filter::Element { target, .. } if target.path() == "emails"));
    }

    #[test]
    fn whole_complex_attributes_compare_with_null_alone() {
        let name = || Box::new(parse("name pr").expect("binds"));
        assert_eq!(parse("name eq null"), Ok(Filter::Not(name())));
        assert_eq!(parse("name ne null"), Ok(*name()));
    }

    #[test]
    fn at_the_root_an_unknown_attribute_has_no_value() {
        let form = search::form(&ResourceType::group(), &Default::default());
        for (text, expected) in [
            ("userName pr", false),
            ("not (userName pr)", true),
            ("userName eq \"x\"", false),
            ("userName ne \"x\"", true),
            ("userName gt \"x\"", false),
            ("userName eq null", true),
            ("userName ne null", false),
            ("nobody.at.all pr", false),
            ("emails[type eq \"work\"]", false),
            ("emails[type eq \"work\"].value eq \"x\"", false),
            ("not (emails[type eq \"work\"])", true),
            ("members[nobody eq \"x\"]", false),
            ("not (members[nobody eq \"x\"])", true),
            ("not (members[nobody eq \"x\" and value pr])", true),
            ("userName pr or schemas pr", true),
            ("userName pr and schemas pr", false),
            ("not (userName pr and schemas pr)", true),
            ("not (userName pr or schemas pr)", false),
            ("urn:x:y:z eq \"x\" or schemas pr", true),
        ] {
            let filter = filter::parse_at_root(text, &ResourceType::group(), false).expect(text);
            assert_eq!(filter.matches(&form), expected, "{text}");
        }
        let offered = filter::parse_at_root("not (nickName pr)", &small_user(), false).expect("binds");
        assert!(offered.matches(&form), "known elsewhere and not offered here is no value either");
        for text in ["password pr", "schemas gt", "schemas eq 5"] {
            assert!(filter::parse_at_root(text, &user(), false).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_offered_selects_nothing_even_when_negated() {
        let parse = |text: &str| filter::parse(text, &small_user(), false);
        for text in [
            "nickName eq \"x\"",
            "nickName ne \"x\"",
            "nickName pr",
            "not (nickName pr)",
            "not (not (nickName pr))",
            "not (nickName pr and nickName eq \"x\")",
            "addresses[type eq \"x\"]",
            "not (addresses[type eq \"x\"])",
            "emails.display pr",
            "emails[display pr]",
            "not (emails[display pr])",
            "emails[not (display pr)]",
            "emails[type pr].display pr",
            "userName pr and nickName pr",
            "not (userName pr or nickName pr)",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr",
        ] {
            assert_eq!(parse(text), Ok(Filter::Never), "{text}");
        }
        let user_name = parse("userName eq \"x\"").expect("binds");
        assert_eq!(parse("userName eq \"x\" or nickName pr"), Ok(user_name.clone()));
        assert_eq!(
            parse("not (userName eq \"x\" and nickName pr)"),
            Ok(Filter::Not(Box::new(user_name))),
            "decided by the half that is offered"
        );
        assert!(parse("password pr").is_err(), "also where it is not offered");
        assert!(parse("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:nobody pr").is_err());
    }
}
