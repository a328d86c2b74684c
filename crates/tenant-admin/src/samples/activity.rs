//! Pages about what identity providers send.

use askama::Template;
use scim_core::intake::{Origin, Violation};
use serde_json::json;
use store::{CredentialId, activity::RequestLine};

use super::{DAY, NOW, chrome, head, setup};
use crate::{
    chrome::Badge,
    form::Errors,
    pages::{
        activity::{ActivityPage, Filters, rows::row},
        check::{ChangeRow, CheckForm, CheckPage, Outcome},
        request::{Body, RequestPage},
        user::pretty,
    },
    when::Moment,
};

fn line(number: u8, method: &str, path: &str, query: Option<&str>, status: i32) -> RequestLine {
    let (route, scim_type) = match (path, status) {
        ("/Users" | "/Groups", 409) => (path, Some("uniqueness")),
        (path, 400) => (path, Some("invalidValue")),
        ("/Users" | "/Groups", _) => (path, None),
        ("/Benutzer", _) => ("", None),
        _ => ("/Users/{id}", None),
    };
    RequestLine {
        id: uuid::Uuid::from_u128(number.into()),
        at: NOW - i64::from(number) * 17_000,
        request_id: format!("0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a{number:02}"),
        credential: CredentialId(uuid::Uuid::nil()),
        credential_name: "Okta production".into(),
        method: method.into(),
        route: route.into(),
        path: path.into(),
        query: query.map(str::to_owned),
        resource_id: None,
        status,
        scim_type: scim_type.map(str::to_owned),
        detail: (status >= 400).then(|| "userName: ann@northwind.example is taken.".into()),
        duration_us: i64::from(number) * 3_700,
        request_bytes: 412,
        response_bytes: Some(690),
        erased: false,
    }
}

fn activity(fresh: bool, filtered: bool) -> ActivityPage {
    let id = "0199f0a0-0000-7000-8000-000000000007";
    let user = format!("/Users/{id}");
    let lines = [
        line(0, "PATCH", &user, None, 200),
        line(1, "POST", "/Users", None, 201),
        line(2, "POST", "/Users", None, 409),
        line(
            3,
            "GET",
            "/Users",
            Some("filter=userName eq \"ann@northwind.example\"&startIndex=1&count=100"),
            200,
        ),
        line(4, "POST", "/Users", None, 400),
        line(5, "PATCH", "/Groups", None, 503),
        line(6, "GET", "/Benutzer", Some("<script>alert(1)</script>"), 404),
        line(7, "DELETE", &user, None, 404),
    ];
    let none = fresh || filtered;
    let rows = lines.iter().filter(|_| !none).map(|line| row(line, "northwind", NOW)).collect();
    let filters = Filters { about: "nobody@example.com".into(), method: "POST".into(), ..Filters::default() };
    ActivityPage {
        chrome: chrome("Activity · Northwind Hospital"),
        head: head("activity"),
        filters: if filtered { filters } else { Filters::default() },
        callers: vec![("1".into(), "Okta production".into()), ("2".into(), "<b>Entra</b>".into())],
        rows,
        summary: "1284 requests in the last 24 hours, 3 failed; 12 ms each on average.".into(),
        days: if fresh { 0 } else { 7 },
        fresh,
        live: (!fresh).then(|| "/console/tenants/northwind/activity/live?after=1.2".into()),
        newest: None,
        older: (!none).then(|| "/console/tenants/northwind/activity?before=1.2".into()),
        all: "/console/tenants/northwind/activity".into(),
        refusals: (!filtered).then(|| setup::refusals(if fresh { 0 } else { 2 })),
    }
}

fn body(value: &serde_json::Value, masked: bool) -> Body {
    Body { text: Some(pretty(value)), size: "412 bytes.".into(), masked }
}

fn request(failed: bool) -> RequestPage {
    let id = "0199f0a0-0000-7000-8000-000000000007";
    let violation = |path: &str, problem: &str| Violation {
        path: path.into(),
        problem: problem.into(),
        origin: Origin::Format,
    };
    let sent = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ann@northwind.example",
        "name": {"givenName": "Ann", "familyName": "<script>alert(1)</script>"},
        "npi": "•••",
    });
    let answered = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "409",
        "scimType": "uniqueness",
        "detail": "userName: ann@northwind.example is taken.",
    });
    let status = if failed { 409 } else { 201 };
    let resource = format!("/console/tenants/northwind/users/{id}");
    RequestPage {
        chrome: chrome("POST /Users · Northwind Hospital"),
        head: head("activity"),
        method: "POST".into(),
        path: "/Users".into(),
        status: crate::pages::activity::rows::badge(status),
        meaning: activity::explain(status, failed.then_some("uniqueness"), "/Users"),
        scim_type: failed.then(|| "uniqueness".into()),
        detail: failed.then(|| "userName: ann@northwind.example is taken.".into()),
        when: Moment::new(NOW - DAY / 24, NOW),
        duration: "12 ms".into(),
        caller: "Okta production".into(),
        request_id: "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90".into(),
        query: failed.then(|| "attributes=userName".into()),
        sent: body(&sent, true),
        answered: if failed { body(&answered, false) } else { Body::default() },
        erased: !failed,
        resource: (!failed).then(|| (resource, id.to_owned())),
        about: (!failed).then(|| format!("/console/tenants/northwind/activity?about={id}")),
        standing: (!failed).then(|| vec![violation("title", "is missing; every buyer has one")]),
        check: Some("/console/tenants/northwind/activity/check?request=1".into()),
    }
}

fn check(refused: bool, wrong: bool) -> CheckPage {
    let mut errors = Errors::default();
    if wrong {
        errors.add("body", "This is no JSON: expected value at line 1 column 1.");
        errors.add(
            "user",
            "There is no such user here. Give an id or a user name, or check the body as a new user.",
        );
    }
    let violations = vec![
        (
            "npi".into(),
            "needs ten digits with a right check digit; 9 digits came".into(),
            "format of the attribute".into(),
        ),
        ("siteNumbers".into(), "is not in the list".into(), "value set sites".into()),
    ];
    let change = ChangeRow {
        path: "emails[0].value".into(),
        before: Some("ann@x".into()),
        after: Some("ann@northwind.example".into()),
    };
    let outcome = Outcome {
        verdict: if refused {
            Badge::new("bad", "Would be refused (400)")
        } else {
            Badge::new("ok", "Would be taken (200)")
        },
        violations: if refused { violations } else { Vec::new() },
        notes: vec![("shoeSize".into(), "was left out: no attribute of that name is known".into())],
        changes: if refused { Vec::new() } else { vec![change] },
        others: 3,
    };
    CheckPage {
        chrome: chrome("Check against today’s rules · Northwind Hospital"),
        head: head("activity"),
        typed: CheckForm {
            way: "replace".into(),
            user: "ann@northwind.example".into(),
            body: if wrong {
                "<oops>".into()
            } else {
                pretty(&json!({"userName": "ann@northwind.example", "npi": "•••"}))
            },
        },
        masked: !wrong,
        outcome: (!wrong).then_some(outcome),
        errors,
    }
}

pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("activity", activity(false, false).render()),
        ("activity-empty", activity(true, false).render()),
        ("activity-nothing-fits", activity(false, true).render()),
        ("request", request(false).render()),
        ("request-failed", request(true).render()),
        ("check-taken", check(false, false).render()),
        ("check-refused", check(true, false).render()),
        ("check-wrong", check(false, true).render()),
    ]
}
