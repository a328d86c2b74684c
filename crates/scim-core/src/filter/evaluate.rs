//! Bound filter × values → yes or no.

use std::cmp::Ordering;

use serde_json::Value;

use super::{CompareOp, Filter, Literal};
use crate::{resource::AttrRef, search};

/// What a filter is evaluated against.
#[derive(Clone, Copy)]
enum Subject<'v> {
    /// The search form of a resource.
    Form(&'v Value),
    /// One element of a multi-valued attribute, in search form.
    Element(&'v Value),
    /// The same in document form: values are converted as they are met.
    RawElement(&'v Value),
}

impl Filter {
    /// Evaluates against a search form (see [`crate::search::form`]) with `id`, `meta`, `groups`/`members` added.
    #[must_use]
    pub fn matches(&self, form: &Value) -> bool {
        self.holds(Subject::Form(form))
    }

    /// Evaluates an element filter (the inside of [`Filter::Element`]) against one element in *document* form.
    #[must_use]
    pub fn matches_element(&self, element: &Value) -> bool {
        self.holds(Subject::RawElement(element))
    }

    fn holds(&self, subject: Subject<'_>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(subject)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(subject)),
            Self::Not(inner) => !inner.holds(subject),
            Self::Never => false,
            Self::Present(target) => subject.any(target, &mut has_value),
            Self::Compare { target, op, value } => compare(subject, target, *op, value),
            Self::Element { target, filter } => {
                subject.any(target, &mut |element| filter.holds(Subject::Element(element)))
            }
        }
    }
}

impl Subject<'_> {
    /// Whether the test holds for any value of the target; each element of a list is a value of its own.
    fn any(self, target: &AttrRef, test: &mut dyn FnMut(&Value) -> bool) -> bool {
        let sub = target.sub.as_ref().map(|sub| sub.name.as_str());
        match self {
            Self::Form(form) => {
                let home = target.extension.as_deref().map_or(Some(form), |urn| form.get(urn));
                let top = home.and_then(|home| home.get(&target.attribute.name));
                top.is_some_and(|top| any_value(top, sub, test))
            }
            Self::Element(element) => any_value(element, sub, test),
            Self::RawElement(element) => any_value(element, sub, &mut |value| {
                search::value_form(target.leaf(), value).is_some_and(|value| test(&value))
            }),
        }
    }
}

fn any_value(value: &Value, sub: Option<&str>, test: &mut dyn FnMut(&Value) -> bool) -> bool {
    match (value, sub) {
        (Value::Null, _) => false,
        (Value::Array(elements), _) => elements.iter().any(|element| any_value(element, sub, test)),
        (value, None) => test(value),
        (Value::Object(values), Some(name)) => {
            values.get(name).is_some_and(|value| any_value(value, None, test))
        }
        (_, Some(_)) => false,
    }
}

/// RFC 7644 table 3: `pr` holds for a non-empty value, or a complex one with a non-empty part.
fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => elements.iter().any(has_value),
        Value::Object(values) => values.values().any(has_value),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compare(subject: Subject<'_>, target: &AttrRef, op: CompareOp, literal: &Literal) -> bool {
    match (op, literal) {
        (CompareOp::Eq, Literal::Null) => !subject.any(target, &mut has_value),
        (_, Literal::Null) => subject.any(target, &mut has_value),
        (CompareOp::Ne, _) => {
            subject.any(target, &mut |value| !fits(value, CompareOp::Eq, literal))
                || !subject.any(target, &mut has_value)
        }
        _ => subject.any(target, &mut |value| fits(value, op, literal)),
    }
}

/// One value against the right side; what is of another type never fits.
fn fits(value: &Value, op: CompareOp, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::String(left), Literal::String(right)) => text_fits(left, op, right),
        (Value::Bool(left), Literal::Boolean(right)) => order_fits(op, left.partial_cmp(right)),
        (Value::Number(left), Literal::Number(right)) => {
            order_fits(op, left.as_f64().and_then(|left| left.partial_cmp(right)))
        }
        (Value::Number(left), Literal::Instant(right)) => {
            order_fits(op, left.as_i64().map(|left| left.cmp(right)))
        }
        _ => false,
    }
}

fn text_fits(left: &str, op: CompareOp, right: &str) -> bool {
    match op {
        CompareOp::Co => left.contains(right),
        CompareOp::Sw => left.starts_with(right),
        CompareOp::Ew => left.ends_with(right),
        _ => order_fits(op, Some(left.cmp(right))),
    }
}

fn order_fits(op: CompareOp, order: Option<Ordering>) -> bool {
    let Some(order) = order else { return false };
    match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        ResourceType,
        filter::{parse, parse_element},
        path::Resolved,
        projection::Envelope,
        search,
    };

    /// The search form of one user with something of everything.
    fn ann() -> serde_json::Value {
        let user = ResourceType::user();
        let document = json!({
            "userName": "Ann_100%@Example.com",
            "externalId": "AbC",
            "name": {"familyName": "Éclair", "givenName": "A or B"},
            "active": true,
            "title": "not (x] \"quoted\" back\\slash",
            "emails": [
                {"value": "ann@work.example", "type": "work", "primary": true},
                {"value": "ann@home.example", "type": "home"},
            ],
            "photos": [],
            "nickName": "",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "department": "Sales", "manager": {"value": "M-1"},
            },
        });
        let mut form = search::form(&user, document.as_object().expect("an object"));
        let envelope = Envelope {
            id: "0190-id",
            created: 1_000,
            // 2026-11-21T10:00:00Z
            last_modified: 1_795_255_200_000,
            version: 7,
            location: "https://h/scim/v2/Users/0190-id".into(),
            edges: Some(vec![json!({"value": "g-1", "display": "Everyone"})]),
        };
        search::complete(&mut form, &user, &envelope);
        form
    }

    #[track_caller]
    fn check(cases: &[(&str, bool)]) {
        let form = ann();
        for (text, expected) in cases {
            let filter = parse(text, &ResourceType::user(), true).expect(text);
            assert_eq!(filter.matches(&form), *expected, "{text}");
        }
    }

    #[test]
    fn operators() {
        check(&[
            (r#"userName eq "ANN_100%@EXAMPLE.COM""#, true),
            (r#"userName Eq "ann""#, false),
            (r#"userName ne "ann""#, true),
            (r#"userName sw "ANN""#, true),
            (r#"userName ew ".COM""#, true),
            (r#"userName co "example""#, true),
            (r#"userName gt "ann""#, true),
            (r#"userName ge "ann_100%@example.com""#, true),
            (r#"userName lt "ann_100%@example.com""#, false),
            (r#"userName le "B""#, true),
            (r#"userName eq """#, false),
            (r#"name.familyName eq "éCLAIR""#, true),
            (r#"name.familyName sw "É""#, true),
            (r#"externalId eq "AbC""#, true),
            (r#"externalId eq "abc""#, false),
            ("active eq true", true),
            (r#"active eq "True""#, true),
            ("active ne true", false),
            ("active eq false", false),
        ]);
    }

    #[test]
    fn precedence() {
        check(&[
            ("userName pr or title pr and displayName pr", true),
            ("(userName pr or title pr) and displayName pr", false),
            ("not (displayName pr) and title pr", true),
            ("not (displayName pr and title pr)", true),
            ("not(userName pr)", false),
        ]);
    }

    #[test]
    fn wildcards_and_keywords_are_literal() {
        check(&[
            (r#"userName co "%""#, true),
            (r#"userName co "_""#, true),
            (r#"userName eq "ann%""#, false),
            (r#"emails.value co "%""#, false),
            (r#"emails.value co "_""#, false),
            (r#"name.givenName eq "A or B""#, true),
            (r#"title sw "not""#, true),
            (r#"title co "(x]""#, true),
            (r#"title eq "NOT (x] \"quoted\" back\\slash""#, true),
        ]);
    }

    #[test]
    fn presence() {
        check(&[
            ("userName pr", true),
            ("displayName pr", false),
            ("nickName pr", false),
            ("photos pr", false),
            ("emails pr", true),
            ("emails.type pr", true),
            ("emails.display pr", false),
            ("name pr", true),
            ("name.middleName pr", false),
            ("addresses pr", false),
            ("manager pr", true),
            ("meta pr", true),
        ]);
    }

    #[test]
    fn null_and_ne_on_what_is_absent() {
        check(&[
            ("displayName eq null", true),
            ("displayName ne null", false),
            ("userName eq null", false),
            ("userName ne null", true),
            (r#"displayName ne "x""#, true),
            (r#"displayName eq "x""#, false),
            (r#"displayName gt "x""#, false),
            ("emails eq null", false),
            ("photos eq null", true),
            ("name eq null", false),
            ("addresses eq null", true),
        ]);
    }

    #[test]
    fn lists_match_on_any_value() {
        check(&[
            (r#"emails co "WORK""#, true),
            (r#"emails eq "ann@home.example""#, true),
            (r#"emails.type eq "work" and emails.value co "@home""#, true),
            (r#"emails[type eq "work" and value co "@home"]"#, false),
            (r#"emails[type eq "work" and value co "@work"]"#, true),
            (r#"emails[type eq "work"].value eq "ann@work.example""#, true),
            (r#"emails[type eq "work"].value eq "ann@home.example""#, false),
            (r#"emails[not (type eq "work")]"#, true),
            (r#"emails[primary eq true]"#, true),
            (r#"emails[primary eq "True"].type eq "home""#, false),
            (r#"emails[primary ne true]"#, true),
            (r#"emails.value ne "ann@work.example""#, true),
            (r#"not (emails.value eq "ann@work.example")"#, false),
            (r#"not (emails.value eq "bob@work.example")"#, true),
            (r#"photos[type eq "photo"]"#, false),
            (r#"not (photos[type eq "photo"])"#, true),
        ]);
    }

    #[test]
    fn what_stands_beside_the_document() {
        check(&[
            (r#"id eq "0190-id""#, true),
            (r#"id eq "0190-ID""#, false),
            (r#"schemas eq "URN:ietf:params:scim:schemas:core:2.0:USER""#, true),
            (r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#, true),
            (r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:Group""#, false),
            (r#"meta.resourceType eq "User""#, true),
            (r#"meta.resourceType eq "Group""#, false),
            (r#"meta.lastModified eq "2026-11-21T11:00:00+01:00""#, true),
            (r#"meta.lastModified ge "2026-11-21T10:00:00.000000Z""#, true),
            (r#"meta.lastModified gt "2026-11-21T10:00:00Z""#, false),
            (r#"meta.lastModified lt "2026-11-21T10:00:00.001Z""#, true),
            (r#"groups.value eq "g-1""#, true),
            (r#"groups eq "g-2""#, false),
            (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "sales""#, true),
            (r#"id eq "0190-id" and manager eq "m-1""#, true),
            (r#"manager eq "m-2""#, false),
        ]);
    }

    #[test]
    fn elements_in_document_form() {
        let user = ResourceType::user();
        let Resolved::Attribute(emails) = user.resolve("emails") else { panic!("emails") };
        let element = json!({"value": "Ann@Work", "type": "Work", "primary": true});
        for (text, expected) in [
            (r#"type eq "work""#, true),
            (r#"type eq "WORK" and value sw "ann""#, true),
            (r#"type eq "home""#, false),
            (r#"primary eq "True""#, true),
            (r#"primary eq false"#, false),
            ("display pr", false),
            ("not (display pr)", true),
            (r#"display ne "x""#, true),
            ("display eq null", true),
        ] {
            let filter = parse_element(text, &emails, true).expect(text);
            assert_eq!(filter.matches_element(&element), expected, "{text}");
        }
    }
}
