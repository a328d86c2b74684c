//! From a request as it was handed over to what is written of it.

use serde_json::Value;
use store::activity::{LoggedRequest, Milestone, NewRequest, RequestLine};
use uuid::Uuid;

use crate::{Exchange, Payload, Secrets, mask::Found, milestones, subjects::Subjects};

/// Bytes of a body that are kept.
pub(crate) const KEPT: usize = 16 * 1024;
/// Characters of a path.
const PATH: usize = 500;
/// Characters of a query, of a reason.
const TEXT: usize = 4_000;
/// Characters of a method.
const METHOD: usize = 20;

/// What is written of one request.
pub(crate) struct Noted {
    /// `None`: the log is off.
    pub(crate) request: Option<NewRequest>,
    pub(crate) milestones: Vec<Milestone>,
    /// `scimType` of an answer that is an error.
    pub(crate) scim_type: Option<String>,
}

/// Reads and masks a request. `log`: is it to be logged, or only counted?
pub(crate) fn note(exchange: &Exchange, secrets: &Secrets, log: bool) -> Noted {
    let (mut request, mut response) = (read(&exchange.request), read(&exchange.response));
    let milestones = milestones::reached(exchange, request.as_ref(), response.as_ref());
    let error = |name: &str| {
        let value = response.as_ref().filter(|_| exchange.status >= 400)?.get(name)?.as_str()?;
        Some(shown(value, TEXT))
    };
    // The request id has a column of its own.
    let ending = format!(" (request id {})", exchange.request_id);
    let detail = error("detail").map(|detail| detail.strip_suffix(&ending).unwrap_or(&detail).to_owned());
    let scim_type = error("scimType");
    if !log {
        return Noted { request: None, milestones, scim_type };
    }

    let mut found = Found::default();
    // First where they may stand, so that nothing is kept before all of them are known.
    secrets.path(&exchange.path, &mut found);
    secrets.path(&exchange.id, &mut found);
    let query = exchange.query.as_deref().map(|query| secrets.query(query, &mut found));
    for body in [&mut request, &mut response].into_iter().flatten() {
        secrets.mask(body, &mut found);
    }
    for body in [&mut request, &mut response].into_iter().flatten() {
        found.strip_all(body);
    }
    let query = query.map(|query| found.strip(&query));
    let path = secrets.path(&exchange.path, &mut found);
    let resource_id = resource_id(exchange, response.as_ref()).map(|id| shown(&found.strip(&id), PATH));

    let mut subjects = Subjects::default();
    subjects.text(&path);
    resource_id.iter().for_each(|id| subjects.name(id));
    query.iter().for_each(|query| subjects.filter(query));
    [&request, &response].into_iter().flatten().for_each(|body| subjects.body(body));

    let (request_body, request_cut) = kept(request.as_ref());
    let (response_body, response_cut) = kept(response.as_ref());
    let line = RequestLine {
        id: Uuid::now_v7(),
        at: exchange.at,
        request_id: shown(&exchange.request_id, PATH),
        credential: exchange.credential,
        credential_name: shown(&exchange.credential_name, PATH),
        method: shown(&exchange.method, METHOD),
        route: exchange.route.to_owned(),
        path: shown(&path, PATH),
        query: query.map(|query| shown(&query, TEXT)),
        resource_id,
        status: exchange.status.into(),
        scim_type: scim_type.clone(),
        detail: detail.map(|detail| found.strip(&detail)),
        duration_us: exchange.duration_us(),
        request_bytes: exchange.request.size().map_or(0, signed),
        response_bytes: exchange.response.size().map(signed),
        erased: false,
    };
    let entry = LoggedRequest { line, request_body, response_body, request_cut, response_cut };
    let request = NewRequest { tenant: exchange.tenant, entry, subjects: subjects.into_vec() };
    Noted { request: Some(request), milestones, scim_type }
}

/// A body as JSON; `None` for what is none, since it could not be masked.
fn read(payload: &Payload) -> Option<Value> {
    match payload {
        Payload::Whole(bytes) => {
            serde_json::from_slice(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).ok()
        }
        Payload::None | Payload::Large(_) | Payload::Streamed => None,
    }
}

/// The beginning of a masked body, and whether there is more.
fn kept(body: Option<&Value>) -> (Option<String>, bool) {
    let Some(body) = body else { return (None, false) };
    let mut text = body.to_string();
    if text.len() <= KEPT {
        return (Some(text), false);
    }
    text.truncate(text.floor_char_boundary(KEPT));
    (Some(text), true)
}

/// The user or group that a request is about.
fn resource_id(exchange: &Exchange, response: Option<&Value>) -> Option<String> {
    match (exchange.method.as_str(), exchange.route) {
        (_, "/Users/{id}" | "/Groups/{id}") => Some(exchange.id.clone()),
        ("POST", "/Users" | "/Groups") | (_, "/Me") => Some(response?.get("id")?.as_str()?.to_owned()),
        _ => None,
    }
}

/// A text that fits into a column: bounded, no NUL.
fn shown(text: &str, longest: usize) -> String {
    text.chars().take(longest).map(|ch| if ch == '\0' { '\u{fffd}' } else { ch }).collect()
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{sync::Arc, time::Duration};

    use bytes::Bytes;
    use scim_core::profile::Profile;
    use serde_json::json;
    use store::{CredentialId, TenantId};

    use super::*;
    use crate::MASK;

    /// A GET of an endpoint that went well.
    pub(crate) fn exchange(route: &'static str) -> Exchange {
        let profile = Profile::from_toml(Profile::builtin("generic").expect("a profile")).expect("a profile");
        Exchange {
            tenant: TenantId(Uuid::nil()),
            profile: Arc::new(profile),
            at: 1_000,
            duration: Duration::from_micros(1_500),
            request_id: "r-1".into(),
            credential: CredentialId(Uuid::nil()),
            credential_name: "okta".into(),
            method: "GET".into(),
            route,
            id: String::new(),
            path: route.into(),
            query: None,
            status: 200,
            request: Payload::None,
            response: Payload::None,
        }
    }

    fn whole(value: &Value) -> Payload {
        Payload::Whole(Bytes::from(value.to_string()))
    }

    fn noted(exchange: &Exchange) -> NewRequest {
        note(exchange, &Secrets::of(&exchange.profile), true).request.expect("logged")
    }

    #[test]
    fn an_entry_holds_what_people_look_for_and_no_password() {
        let id = "0196f5a0-0000-7000-8000-000000000001";
        let exchange = Exchange {
            method: "POST".into(),
            status: 201,
            query: Some("attributes=userName".into()),
            request: whole(
                &json!({"userName": "Ann", "password": "correct horse", "nickName": "correct horse"}),
            ),
            response: whole(&json!({"id": id, "userName": "Ann"})),
            ..exchange("/Users")
        };
        let NewRequest { entry, subjects, .. } = noted(&exchange);
        let line = &entry.line;
        assert_eq!((line.at, line.duration_us, line.status), (1_000, 1_500, 201));
        assert_eq!(line.resource_id.as_deref(), Some(id));
        assert_eq!(subjects, [id, "ann"]);
        let wanted = json!({"userName": "Ann", "password": MASK, "nickName": MASK}).to_string();
        assert_eq!(entry.request_body.as_deref(), Some(wanted.as_str()));
        assert_eq!((line.scim_type.as_ref(), line.detail.as_ref()), (None, None));
        assert_eq!(line.request_bytes, signed(exchange.request.size().expect("known")));
        assert!(!format!("{entry:?}").contains("horse"));
    }

    #[test]
    fn a_failure_says_why() {
        let exchange = Exchange {
            status: 409,
            id: "1\0".into(),
            query: Some("a=%00".into()),
            response: whole(
                &json!({"status": "409", "scimType": "uniqueness", "detail": "userName is taken (request id r-1)"}),
            ),
            ..exchange("/Users/{id}")
        };
        let line = noted(&exchange).entry.line;
        assert_eq!(line.scim_type.as_deref(), Some("uniqueness"));
        assert_eq!(line.detail.as_deref(), Some("userName is taken"));
        assert_eq!(line.resource_id.as_deref(), Some("1\u{fffd}"));
        assert_eq!(line.query.as_deref(), Some("a=\u{fffd}"));
    }

    /// The answer is masked by what stands in the path, too.
    #[test]
    fn a_number_in_the_path_is_in_no_part_of_the_entry() {
        let text = Profile::builtin("mdscripts").expect("a profile");
        let exchange = Exchange {
            profile: Arc::new(Profile::from_toml(text).expect("a profile")),
            status: 404,
            path: "/Users/%31234567893".into(),
            id: "1234567893".into(),
            response: whole(&json!({"status": "404", "detail": "There is no user 1234567893."})),
            ..exchange("/Users/{id}")
        };
        let noted = noted(&exchange);
        assert!(!format!("{noted:?}").contains("234567893"), "{noted:?}");
        assert_eq!(noted.entry.line.path, format!("/Users/{MASK}"));
    }

    #[test]
    fn what_cannot_be_masked_or_is_too_much_is_not_kept() {
        let exchange = Exchange {
            request: Payload::Whole(Bytes::from_static(b"{\"password\": \"horse")),
            response: Payload::Streamed,
            ..exchange("/Groups")
        };
        let NewRequest { entry, .. } = noted(&exchange);
        assert_eq!((entry.request_body, entry.response_body), (None, None));
        assert_eq!((entry.line.request_bytes, entry.line.response_bytes), (19, None));

        let long = json!({"displayName": "é".repeat(KEPT)});
        let exchange = Exchange { request: whole(&long), ..exchange };
        let NewRequest { entry, .. } = noted(&exchange);
        let kept = entry.request_body.expect("the beginning");
        assert!(entry.request_cut && kept.len() > KEPT - 2 && kept.len() <= KEPT);
    }

    #[test]
    fn without_a_log_there_are_milestones_alone() {
        let exchange = exchange("/Users");
        let noted = note(&exchange, &Secrets::default(), false);
        assert!(noted.request.is_none());
        assert_eq!(noted.milestones, [Milestone::Call, Milestone::Success]);
    }
}
