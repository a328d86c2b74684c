//! One request of a tenant's identity provider: what was sent, what was answered, what that means, and what today's rules
//! say about it.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{Rules, Tenant, configuration::standing};
use scim_core::intake::Violation;
use store::{
    UserId,
    activity::{LoggedRequest, RequestLine},
};

use super::{activity::rows, tenant};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Segments, Visit},
    pager::link,
    when::Moment,
};

#[derive(Template)]
#[template(path = "request.html")]
pub(crate) struct RequestPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: Badge,
    pub(crate) meaning: Option<activity::Meaning>,
    pub(crate) scim_type: Option<String>,
    /// The reason as the identity provider was told.
    pub(crate) detail: Option<String>,
    pub(crate) when: Moment,
    pub(crate) duration: String,
    pub(crate) caller: String,
    pub(crate) request_id: String,
    /// Parameters of the query, decoded.
    pub(crate) query: Option<String>,
    pub(crate) sent: Body,
    pub(crate) answered: Body,
    pub(crate) erased: bool,
    /// Page of the user or group, and its id.
    pub(crate) resource: Option<(String, String)>,
    /// Link to all requests about it.
    pub(crate) about: Option<String>,
    /// What today's rules say about the user as it is kept now; `None`: it is about no user who is here.
    pub(crate) standing: Option<Vec<Violation>>,
    /// Link to trying the body, or the user, against today's rules.
    pub(crate) check: Option<String>,
}

/// A body as a page shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Body {
    /// Indented, if it is kept.
    pub(crate) text: Option<String>,
    /// How large it was, and what of it is missing here.
    pub(crate) size: String,
    /// Are values in it masked?
    pub(crate) masked: bool,
}

/// `GET …/activity/{id}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let entry = entry(&state, &tenant, &id).await?;
    let standing = standing_of(&state, &tenant, &entry.line).await?;
    let LoggedRequest { line, request_body, response_body, request_cut, response_cut } = entry;
    let path = format!("/console/tenants/{slug}");
    let of_users = line.route.starts_with("/Users") || line.route == "/Me";
    // The id is what was sent: only one that can be one is part of an address.
    let resource = line.resource_id.as_ref().filter(|id| uuid::Uuid::try_parse(id).is_ok()).map(|id| {
        let list = if of_users { "users" } else { "groups" };
        (format!("{path}/{list}/{id}"), id.clone())
    });
    let check = (of_users && (request_body.is_some() || standing.is_some()))
        .then(|| link(&format!("{path}/activity/check"), &[("request", &line.id.to_string())]));
    let head = TenantHead::new(&tenant, "activity");
    let shown = RequestPage {
        chrome: visit.chrome(format!("{} {} · {}", line.method, line.path, head.name)),
        head,
        meaning: activity::explain(line.status, line.scim_type.as_deref(), &line.route),
        status: rows::badge(line.status),
        when: Moment::new(line.at, state.store.now()),
        duration: rows::duration(line.duration_us),
        sent: body(request_body, Some(line.request_bytes), request_cut, line.erased),
        answered: body(response_body, line.response_bytes, response_cut, line.erased),
        about: line.resource_id.as_ref().map(|id| link(&format!("{path}/activity"), &[("about", id)])),
        resource,
        standing,
        check,
        path: if line.path.is_empty() { "/".to_owned() } else { line.path },
        method: line.method,
        scim_type: line.scim_type,
        detail: line.detail,
        caller: line.credential_name,
        request_id: line.request_id,
        query: line.query,
        erased: line.erased,
    };
    page(StatusCode::OK, &shown)
}

/// An entry of the log by the id in an address.
pub(super) async fn entry(
    state: &ConsoleState,
    tenant: &Tenant,
    id: &str,
) -> Result<LoggedRequest, PageError> {
    let id = uuid::Uuid::try_parse(id).map_err(|_| PageError::NotFound)?;
    state.store.tenant(tenant.id()).request(id).await?.ok_or(PageError::NotFound)
}

async fn standing_of(
    state: &ConsoleState,
    tenant: &Tenant,
    line: &RequestLine,
) -> Result<Option<Vec<Violation>>, PageError> {
    let id: Option<UserId> = line.resource_id.as_deref().and_then(|id| id.parse().ok());
    let Some(id) = id.filter(|_| !line.route.starts_with("/Groups")) else { return Ok(None) };
    let user = state.store.tenant(tenant.id()).user(id, false).await?;
    Ok(user.map(|user| standing(Rules::of(tenant), &user.document)))
}

fn body(text: Option<String>, bytes: Option<i64>, cut: bool, erased: bool) -> Body {
    let size = match bytes {
        None => "Written piece by piece, so it was not kept.".to_owned(),
        Some(0) => "There was none.".to_owned(),
        Some(bytes) => {
            let size = sized(bytes);
            match (&text, cut) {
                (Some(_), false) => format!("{size}."),
                (Some(_), true) => format!("{size}; only the beginning is kept."),
                (None, _) if erased => format!("{size}; it was taken away."),
                (None, _) => format!(
                    "{size}; it is not kept, because it is no JSON, too large, or one of too many at once."
                ),
            }
        }
    };
    let masked = text.as_ref().is_some_and(|text| text.contains(activity::MASK));
    Body { text: text.map(|text| indented(&text)), size, masked }
}

fn sized(bytes: i64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        ..10_000 => format!("{bytes} bytes"),
        _ => format!("{} kB", bytes / 1_000),
    }
}

/// JSON with line breaks; also the beginning of one, which is no JSON.
pub(super) fn indented(json: &str) -> String {
    let (mut text, mut depth, mut quoted, mut escaped) =
        (String::with_capacity(json.len() * 2), 0, false, false);
    let line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    };
    let mut chars = json.chars().peekable();
    while let Some(ch) = chars.next() {
        if quoted {
            text.push(ch);
            quoted = ch != '"' || escaped;
            escaped = ch == '\\' && !escaped;
            continue;
        }
        match ch {
            '"' => {
                text.push(ch);
                quoted = true;
            }
            '{' | '[' => {
                text.push(ch);
                if chars.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    continue;
                }
                depth += 1;
                line(&mut text, depth);
            }
            '}' | ']' => {
                if !text.ends_with(['{', '[']) {
                    depth = depth.saturating_sub(1);
                    line(&mut text, depth);
                }
                text.push(ch);
            }
            ',' => {
                text.push(ch);
                line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            ch if ch.is_whitespace() => {}
            ch => text.push(ch),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn json_is_indented_as_it_always_is() {
        let values = [
            json!({"a": 1, "b": [], "c": {}, "d": [{"e": "x, {\"y\": [1]} \\"}, null], "f": {"g": true}}),
            json!([[], [1]]),
            json!("text"),
            Value::Null,
        ];
        for value in values {
            let wanted = serde_json::to_string_pretty(&value).expect("text");
            assert_eq!(indented(&value.to_string()), wanted);
        }
    }

    #[test]
    fn the_beginning_of_json_is_indented_too() {
        assert_eq!(indented(r#"{"a":[1,{"b":"c"#), "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"c");
        assert_eq!(indented("]]"), "\n]\n]");
    }

    #[test]
    fn a_body_says_what_is_missing() {
        let text = Some("{\"a\":\"•••\"}".to_owned());
        assert!(body(text.clone(), Some(13), false, false).masked);
        assert_eq!(body(text.clone(), Some(13), false, false).size, "13 bytes.");
        assert_eq!(body(text, Some(20_000), true, false).size, "20 kB; only the beginning is kept.");
        assert_eq!(body(None, Some(0), false, false).size, "There was none.");
        assert_eq!(body(None, Some(1), false, true).size, "1 byte; it was taken away.");
        assert_eq!(body(None, None, false, false).size, "Written piece by piece, so it was not kept.");
    }
}
