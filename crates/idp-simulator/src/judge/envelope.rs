//! Requirements on status, headers, error bodies and what every resource carries.

use serde_json::Value;

use super::{Broken, ERROR, Requirement, Verdict, demand, detail, has_schema, shown};
use crate::client::{Answer, Body};

/// The status is one of those that the provider takes for success.
pub(crate) fn status(answer: &Answer, allowed: &[u16]) -> Verdict {
    let requirement = match allowed {
        [200] => Requirement { text: "the status is 200", source: "Okta's operations, Entra ID's reads" },
        [201] => Requirement {
            text: "the status is 201",
            source: "Okta's operations, Entra ID's writes; RFC 7644, 3.3",
        },
        [204] => Requirement {
            text: "the status is 204",
            source: "Okta's operations, Entra ID's life cycle; RFC 7644, 3.6",
        },
        [200, 204] => {
            Requirement { text: "the status is 200 or 204", source: "Okta's operations, Entra ID's writes" }
        }
        [401] => Requirement {
            text: "a wrong credential is refused with 401",
            source: "Okta's Authorization header, test plan C9306",
        },
        [404] => Requirement { text: "the status is 404", source: "RFC 7644, 3.12" },
        [409] => Requirement {
            text: "a taken userName or displayName is refused with 409",
            source: "Okta's operations, Entra ID's SCIM Validator; RFC 7644, 3.3",
        },
        _ => Requirement {
            text: "the status is one the provider expects",
            source: "Okta's operations, Entra ID",
        },
    };
    demand(allowed.contains(&answer.status), requirement, || {
        format!("{} {}", answer.status, detail(answer.json())).trim_end().to_owned()
    })
}

/// A body, where there is one, is JSON: Okta shows anything else as "Invalid JSON".
pub(crate) fn json(answer: &Answer) -> Verdict {
    let requirement = Requirement { text: "Invalid JSON: every body is JSON", source: "Okta's transport" };
    match &answer.body {
        Body::Other(text) => {
            Err(Broken { requirement, found: super::shorten(&format!("{} {text}", answer.status)) })
        }
        Body::Json(Value::Object(_)) | Body::Empty => Ok(()),
        Body::Json(_) => {
            Err(Broken { requirement, found: format!("{} with JSON that is no object", answer.status) })
        }
    }
}

/// A body is marked as SCIM's media type, whatever its parameters.
pub(crate) fn content_type(answer: &Answer) -> Verdict {
    if answer.body == Body::Empty {
        return Ok(());
    }
    let kind = answer.content_type.as_deref().unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    demand(
        essence.eq_ignore_ascii_case("application/scim+json"),
        Requirement {
            text: "Content-Type is application/scim+json",
            source: "Okta's transport; RFC 7644, 3.8",
        },
        || format!("Content-Type: {kind}"),
    )
}

/// A 204 has no body.
pub(crate) fn nothing(answer: &Answer) -> Verdict {
    demand(
        answer.body == Body::Empty,
        Requirement { text: "a 204 has no body", source: "RFC 7644, 3.12; RFC 7644, 3.6" },
        || "a body".into(),
    )
}

/// An error is SCIM's: its URN, the status as a string, and words for the administrator.
pub(crate) fn error_body(answer: &Answer) -> Verdict {
    let body = answer.json();
    let status = body.get("status");
    let requirement = Requirement {
        text: "an error is a SCIM Error with its URN, status as a string and detail",
        source: "RFC 7644, 3.12",
    };
    demand(has_schema(body, ERROR), requirement, || format!("schemas {}", shown(body.get("schemas"))))?;
    demand(status.and_then(Value::as_str) == Some(answer.status.to_string().as_str()), requirement, || {
        format!("status {}", shown(status))
    })?;
    demand(!detail(body).trim().is_empty(), requirement, || format!("detail {}", shown(body.get("detail"))))
}

/// A refused duplicate says which kind of error it is.
pub(crate) fn conflict(answer: &Answer) -> Verdict {
    let kind = answer.json().get("scimType");
    demand(
        kind.and_then(Value::as_str) == Some("uniqueness"),
        Requirement {
            text: "a duplicate's error has scimType uniqueness",
            source: "Okta's operations, RFC 7643, 2; RFC 7644, 3.12",
        },
        || format!("scimType {}", shown(kind)),
    )
}

/// A 401 says how to authenticate.
pub(crate) fn challenge(answer: &Answer) -> Verdict {
    demand(
        answer.challenge.as_deref().is_some_and(|challenge| !challenge.trim().is_empty()),
        Requirement {
            text: "a 401 carries WWW-Authenticate",
            source: "Okta's Authorization header; RFC 9110, 11.6.1",
        },
        || "no such header".into(),
    )
}

/// The resource names its own schema.
pub(crate) fn schemas(body: &Value, urn: &str) -> Verdict {
    demand(
        has_schema(body, urn),
        Requirement {
            text: "schemas holds the resource's own URN",
            source: "Okta's SPEC test step 6; RFC 7643, 3",
        },
        || format!("schemas {}", shown(body.get("schemas"))),
    )
}

/// `meta` says what the resource is and where: an absolute address that ends in its id.
pub(crate) fn meta(body: &Value, kind: &str) -> Verdict {
    let requirement = Requirement {
        text: "meta holds resourceType and the absolute location of the resource",
        source: "RFC 7644, 3.12; RFC 7643, 3.1",
    };
    let found = body.get("meta").and_then(|meta| meta.get("resourceType"));
    demand(found.and_then(Value::as_str) == Some(kind), requirement, || {
        format!("resourceType {}", shown(found))
    })?;
    let location = body.get("meta").and_then(|meta| meta.get("location"));
    let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
    let good = location.and_then(Value::as_str).is_some_and(|location| {
        location.contains("://") && location.ends_with(&format!("/{kind}s/{id}")) && !id.is_empty()
    });
    demand(good, requirement, || format!("location {}", shown(location)))
}

/// A 201 says in `Location` what `meta.location` says.
pub(crate) fn location(answer: &Answer) -> Verdict {
    let told = answer.json().get("meta").and_then(|meta| meta.get("location"));
    demand(
        answer.location.is_some() && answer.location.as_deref() == told.and_then(Value::as_str),
        Requirement {
            text: "Location of a 201 equals meta.location",
            source: "RFC 7644, 3.12; RFC 7644, 3.3",
        },
        || format!("Location {:?}, meta.location {}", answer.location, shown(told)),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::examples::answer;
    use super::*;

    fn error(status: u16) -> Value {
        json!({"schemas": [ERROR], "status": status.to_string(), "detail": "userName is taken", "scimType": "uniqueness"})
    }

    #[test]
    fn a_status_outside_the_list_is_named_with_the_servers_words() {
        assert!(status(&answer(200, json!({})), &[200, 204]).is_ok());
        let broken = status(&answer(409, error(409)), &[201]).unwrap_err();
        assert_eq!(broken.found, "409 userName is taken");
    }

    #[test]
    fn html_and_bare_values_are_invalid_json() {
        assert!(json(&answer(204, Value::Null)).is_ok());
        assert!(json(&answer(200, json!({}))).is_ok());
        assert!(json(&answer(200, json!([]))).is_err());
        let html = Answer { body: Body::Other("<html>502".into()), ..answer(502, Value::Null) };
        let broken = json(&html).unwrap_err();
        assert!(broken.requirement.text.starts_with("Invalid JSON"));
        assert_eq!(broken.found, "502 <html>502");
    }

    #[test]
    fn the_media_type_is_scims() {
        for (kind, good) in [
            (Some("application/scim+json"), true),
            (Some("Application/SCIM+JSON ; charset=UTF-8"), true),
            (Some("application/json"), false),
            (Some("text/html"), false),
            (None, false),
        ] {
            let answer = Answer { content_type: kind.map(str::to_owned), ..answer(200, json!({})) };
            assert_eq!(content_type(&answer).is_ok(), good, "{kind:?}");
        }
        assert!(content_type(&Answer { content_type: None, ..answer(204, Value::Null) }).is_ok());
    }

    #[test]
    fn errors_have_scims_form() {
        assert!(error_body(&answer(409, error(409))).is_ok());
        assert!(error_body(&answer(404, error(409))).is_err(), "another status");
        for (key, value) in
            [("status", json!(409)), ("detail", json!("")), ("schemas", json!([])), ("detail", json!(1))]
        {
            let mut body = error(409);
            body[key] = value;
            assert!(error_body(&answer(409, body)).is_err(), "{key}");
        }
        assert!(error_body(&answer(404, Value::Null)).is_err());
    }

    #[test]
    fn a_conflict_is_about_uniqueness() {
        assert!(conflict(&answer(409, error(409))).is_ok());
        assert!(conflict(&answer(409, json!({"scimType": "invalidValue"}))).is_err());
        assert!(conflict(&answer(409, json!({}))).is_err());
    }

    #[test]
    fn a_401_has_a_challenge_and_a_204_nothing() {
        assert!(challenge(&answer(401, error(401))).is_err());
        assert!(challenge(&Answer { challenge: Some("Bearer".into()), ..answer(401, error(401)) }).is_ok());
        assert!(nothing(&answer(204, Value::Null)).is_ok());
        assert!(nothing(&answer(204, json!({}))).is_err());
    }

    #[test]
    fn meta_and_location_agree() {
        let body = json!({"schemas": [super::super::USER.to_uppercase()], "id": "7", "meta": {"resourceType": "User", "location": "https://h/scim/v2/Users/7"}});
        assert!(schemas(&body, super::super::USER).is_ok(), "URNs compare without case");
        assert!(schemas(&body, super::super::GROUP).is_err());
        assert!(meta(&body, "User").is_ok());
        assert!(meta(&body, "Group").is_err());
        let at = |l: &str| Answer { location: Some(l.into()), ..answer(201, body.clone()) };
        assert!(location(&at("https://h/scim/v2/Users/7")).is_ok());
        assert!(location(&at("/Users/7")).is_err());
        assert!(location(&answer(201, body.clone())).is_err());
        for wrong in ["/scim/v2/Users/7", "https://h/scim/v2/Users/8"] {
            let mut body = body.clone();
            body["meta"]["location"] = json!(wrong);
            assert!(meta(&body, "User").is_err(), "{wrong}");
        }
    }
}
