//! What a request asks for beside its body: query parameters, and the body of a `.search` that stands for them
//! (RFC 7644 §3.4.2, §3.4.3, §3.9).

use percent_encoding::percent_decode_str;
use provisioning::{Paging, Query};
use scim_core::{ResourceType, ScimError, ScimType, projection::Projection, urn};
use serde_json::{Map, Value};

/// Page size when the client names none.
pub const DEFAULT_COUNT: u64 = 100;
/// Largest page; a larger `count` is cut to it.
pub const MAX_COUNT: u64 = 1000;

/// The parameters that SCIM knows; others are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<String>,
    cursor: Option<String>,
    count: Option<String>,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
}

impl Params {
    /// From the query of a URL: names in any case, `+` is a blank. 400 `invalidValue` for a parameter that is not
    /// UTF-8, holds a NUL, or is there twice with different values.
    pub(crate) fn from_url(query: Option<&str>) -> Result<Self, ScimError> {
        let mut params = Self::default();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).unwrap_or_default();
            let Some((known, slot)) = params.slot(&name) else { continue };
            let value = decode(value).filter(|value| !value.contains('\0')).ok_or_else(|| {
                ScimError::invalid_value(known, "is not percent-encoded UTF-8 text without NUL.")
            })?;
            if slot.as_ref().is_some_and(|earlier| *earlier != value) {
                return Err(ScimError::invalid_value(known, "is there twice; name it once."));
            }
            *slot = Some(value);
        }
        Ok(params)
    }

    /// From the body of a `.search`: keys in any case, `null` is absent, unknown keys are ignored. 400 `invalidSyntax` when
    /// it is no SearchRequest.
    pub(crate) fn from_search(body: &Value) -> Result<Self, ScimError> {
        let Value::Object(fields) = body else {
            return Err(ScimError::bad_request(ScimType::InvalidSyntax, "The body must be a JSON object."));
        };
        check_schemas(fields)?;
        let mut params = Self::default();
        for (name, value) in fields {
            let Some((known, slot)) = params.slot(name) else { continue };
            *slot = text_of(known, value)?;
        }
        Ok(params)
    }

    /// The parameter of that name in SCIM's spelling, and where it is kept.
    fn slot(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        let slots = [
            ("filter", &mut self.filter),
            ("sortBy", &mut self.sort_by),
            ("sortOrder", &mut self.sort_order),
            ("startIndex", &mut self.start_index),
            ("cursor", &mut self.cursor),
            ("count", &mut self.count),
            ("attributes", &mut self.attributes),
            ("excludedAttributes", &mut self.excluded_attributes),
        ];
        slots.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// Was a filter sent?
    pub(crate) fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Did the client say which attributes it wants to see?
    pub(crate) fn projects(&self) -> bool {
        self.attributes.is_some() || self.excluded_attributes.is_some()
    }

    /// Which attributes the answer holds; all of them for a tenant without that resource type, which refuses later.
    pub(crate) fn projection(&self, resource_type: Option<&ResourceType>) -> Result<Projection, ScimError> {
        match resource_type {
            Some(resource_type) => Projection::parse(
                resource_type,
                self.attributes.as_deref(),
                self.excluded_attributes.as_deref(),
            ),
            None => Ok(Projection::default()),
        }
    }

    /// The list that is asked for, bounds applied (RFC 7644 §3.4.2.4, RFC 9865 §2).
    pub(crate) fn list(self) -> Result<Query, ScimError> {
        if self.cursor.is_some() && self.start_index.is_some() {
            return Err(ScimError::invalid_value("cursor", "goes with no startIndex; send one of the two."));
        }
        let paging = match self.cursor {
            None => Paging::Index,
            Some(cursor) => Paging::Cursor(cursor),
        };
        let start_index = integer("startIndex", self.start_index.as_deref())?.unwrap_or(1).max(1);
        let count = integer("count", self.count.as_deref())?;
        let descending = match self.sort_order.as_deref().map(str::trim) {
            None => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => {
                return Err(ScimError::invalid_value("sortOrder", "must be ascending or descending."));
            }
        };
        Ok(Query {
            filter: self.filter,
            sort_by: self.sort_by,
            descending,
            start_index: start_index.unsigned_abs(),
            paging,
            count: count.map_or(DEFAULT_COUNT, |count| count.max(0).unsigned_abs().min(MAX_COUNT)),
        })
    }
}

/// `None` when the bytes are no UTF-8.
fn decode(text: &str) -> Option<String> {
    let blanks = text.replace('+', " ");
    percent_decode_str(&blanks).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// A whole number of any length, cut to what fits; `None` when absent.
fn integer(name: &str, text: Option<&str>) -> Result<Option<i64>, ScimError> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ScimError::invalid_value(name, "must be a whole number."));
    }
    let cut = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(Some(text.parse().unwrap_or(cut)))
}

fn check_schemas(fields: &Map<String, Value>) -> Result<(), ScimError> {
    let Some((_, schemas)) = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas")) else {
        return Ok(());
    };
    let named = match schemas {
        Value::Array(urns) => urns
            .iter()
            .filter_map(Value::as_str)
            .any(|sent| sent.trim().eq_ignore_ascii_case(urn::SEARCH_REQUEST)),
        _ => false,
    };
    if named {
        return Ok(());
    }
    Err(ScimError::bad_request(
        ScimType::InvalidSyntax,
        format!("schemas: must be [\"{}\"] in a .search.", urn::SEARCH_REQUEST),
    ))
}

/// A member of a SearchRequest as the query parameter of the same name would be written.
fn text_of(name: &str, value: &Value) -> Result<Option<String>, ScimError> {
    let is_list = matches!(name, "attributes" | "excludedAttributes");
    let is_number = matches!(name, "startIndex" | "count");
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(number) if is_number => Ok(Some(number.to_string())),
        Value::Array(names) if is_list && names.iter().all(Value::is_string) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            Ok((!names.is_empty()).then(|| names.join(",")))
        }
        _ if is_list => Err(ScimError::invalid_value(name, "must be a list of attribute names.")),
        _ if is_number => Err(ScimError::invalid_value(name, "must be a whole number.")),
        _ => Err(ScimError::invalid_value(name, "must be a text.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list(query: &str) -> Result<Query, ScimError> {
        Params::from_url(Some(query))?.list()
    }

    #[test]
    fn bounds_of_a_page() {
        let table = [
            ("", 1, 100),
            ("startIndex=1&count=2", 1, 2),
            ("STARTINDEX=5&Count=7", 5, 7),
            ("startIndex=0&count=0", 1, 0),
            ("startIndex=-3&count=-1", 1, 0),
            ("count=1001", 1, 1000),
            ("count=99999999999999999999999", 1, 1000),
            ("startIndex=99999999999999999999999", i64::MAX.unsigned_abs(), 100),
            ("startIndex=-99999999999999999999999&count=%201+", 1, 1),
            ("aadOptscim062020", 1, 100),
            ("&&unknown=%ff&count=3&count=3", 1, 3),
        ];
        for (query, start_index, count) in table {
            let list = list(query).expect(query);
            assert_eq!((list.start_index, list.count), (start_index, count), "{query}");
        }
        for query in
            ["count=a", "count=", "count", "startIndex=1.5", "startIndex=-", "count=1e3", "count=0x10"]
        {
            let error = list(query).expect_err(query);
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)), "{query}");
            assert!(error.detail.contains("whole number"), "{}", error.detail);
        }
    }

    #[test]
    fn texts_are_decoded() {
        let query = "Filter=userName+eq+%22a%2Bb%40x%22&sortby=name.familyName&SORTORDER=Descending";
        let found = list(query).expect(query);
        assert_eq!(found.filter.as_deref(), Some("userName eq \"a+b@x\""));
        assert_eq!(found.sort_by.as_deref(), Some("name.familyName"));
        assert!(found.descending);
        assert!(!list("sortOrder=ascending").expect("a list").descending);
        for query in ["filter=%ff", "filter=%00", "filter=a&FILTER=b", "sortOrder=up"] {
            assert_eq!(list(query).expect_err(query).scim_type, Some(ScimType::InvalidValue), "{query}");
        }
    }

    #[test]
    fn a_search_body_stands_for_the_parameters() {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "attributes": ["userName", "emails.value"], "Filter": "userName pr", "sortBy": null,
            "startindex": 3, "count": "4", "sortOrder": "descending", "other": {},
        });
        let params = Params::from_search(&body).expect("a search");
        assert_eq!(params.attributes.as_deref(), Some("userName,emails.value"));
        assert!(params.projects() && params.has_filter());
        let list = params.list().expect("a list");
        assert_eq!((list.start_index, list.count, list.descending), (3, 4, true));
        assert_eq!(list.sort_by, None);
        let empty = Params::from_search(&json!({})).expect("an empty search");
        assert_eq!(empty, Params::default());
        assert!(!empty.projects() && !empty.has_filter());
    }

    #[test]
    fn a_search_body_is_checked() {
        for body in [json!([]), json!("x"), json!({"schemas": ["urn:x"]}), json!({"schemas": "urn:x"})] {
            let error = Params::from_search(&body).expect_err("no search");
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{body}");
        }
        for body in [json!({"count": true}), json!({"attributes": [1]}), json!({"filter": {"a": 1}})] {
            let error = Params::from_search(&body).expect_err("no search");
            assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{body}");
        }
        let fraction = Params::from_search(&json!({"count": 1.5})).expect("a search").list();
        assert_eq!(fraction.expect_err("no whole number").scim_type, Some(ScimType::InvalidValue));
    }
}
