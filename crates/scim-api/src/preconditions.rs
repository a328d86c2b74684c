//! `If-Match` and `If-None-Match` (RFC 7644 §3.14, RFC 9110 §13.1).

use http::{HeaderMap, HeaderName, header};
use provisioning::IfMatch;

/// The versions in `If-Match`: `None` when there is none or it is `*`. An entity tag that is none of ours matches
/// nothing, so a header with only such tags is an empty list.
pub(crate) fn if_match(headers: &HeaderMap) -> IfMatch {
    versions(&tags(headers, header::IF_MATCH)?)
}

/// Likewise of a text that stands for the header: `version` of a bulk operation (RFC 7644 §3.7).
pub(crate) fn if_match_text(text: &str) -> IfMatch {
    versions(&split(text))
}

fn versions(tags: &[String]) -> IfMatch {
    if tags.iter().any(|tag| tag == "*") {
        return None;
    }
    Some(tags.iter().filter_map(|tag| version_of(tag)).collect())
}

/// Does `If-None-Match` name this entity tag (`*` names any)? Compared weakly.
pub(crate) fn none_match(headers: &HeaderMap, etag: &str) -> bool {
    let names = |tag: &String| tag == "*" || opaque(tag) == opaque(etag);
    tags(headers, header::IF_NONE_MATCH).is_some_and(|tags| tags.iter().any(names))
}

/// The members of a list of entity tags; `None` when the header is absent. Our tags hold digits only, so a comma
/// inside quotes can only tear apart a tag that would match nothing anyway.
fn tags(headers: &HeaderMap, name: HeaderName) -> Option<Vec<String>> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    let text: Vec<&str> = values.map(|value| value.to_str().unwrap_or_default()).collect();
    Some(split(&text.join(",")))
}

fn split(text: &str) -> Vec<String> {
    text.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
}

/// `W/"7"` and `"7"` without what makes them weak.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag)
}

/// The version in an entity tag of ours.
pub(crate) fn version_of(tag: &str) -> Option<i64> {
    let digits = opaque(tag).strip_prefix('"')?.strip_suffix('"')?;
    let version: i64 = digits.parse().ok()?;
    (version.to_string() == digits).then_some(version)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_str(value).expect("a header value"));
        }
        headers
    }

    #[test]
    fn if_match_names_versions() {
        let table: [(&[&str], IfMatch); 9] = [
            (&[], None),
            (&["*"], None),
            (&["W/\"7\""], Some(vec![7])),
            (&["\"7\""], Some(vec![7])),
            (&["W/\"7\", \"8\"", "W/\"9\""], Some(vec![7, 8, 9])),
            (&["\"other\""], Some(vec![])),
            (&["7"], Some(vec![])),
            (&["\"07\""], Some(vec![])),
            (&[""], Some(vec![])),
        ];
        for (values, wanted) in table {
            assert_eq!(if_match(&headers(header::IF_MATCH, values)), wanted, "{values:?}");
            if let [text] = values {
                assert_eq!(if_match_text(text), wanted, "{text}");
            }
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let matches = |values: &[&str]| none_match(&headers(header::IF_NONE_MATCH, values), "W/\"7\"");
        for values in [&["W/\"7\""][..], &["\"7\""], &["*"], &["\"1\", W/\"7\""]] {
            assert!(matches(values), "{values:?}");
        }
        for values in [&[][..], &["W/\"8\""], &["7"], &[""]] {
            assert!(!matches(values), "{values:?}");
        }
    }
}
