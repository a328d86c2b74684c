//! What the protocol costs for one request, without a socket or a database: a body taken in, a filter read and held
//! against a user, a PATCH applied, an answer rendered.
//!
//! `cargo bench -p scim-core --bench protocol`

#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up has failed")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use scim_core::{
    Document, ResourceType, filter, intake,
    leniency::Leniencies,
    patch::PatchRequest,
    projection::{self, Envelope, Projection},
    search,
};
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A user of about 1 KB, as Okta sends it.
fn body() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": "ada.lovelace@acme.example",
        "name": {"givenName": "Ada", "familyName": "Lovelace", "formatted": "Ada Lovelace"},
        "emails": [
            {"primary": true, "value": "ada.lovelace@acme.example", "type": "work"},
            {"primary": false, "value": "ada@home.example", "type": "home"},
        ],
        "phoneNumbers": [{"value": "+1-555-0100", "type": "work"}],
        "addresses": [{
            "type": "work",
            "streetAddress": "1 Market Street",
            "locality": "San Francisco",
            "region": "CA",
            "postalCode": "94105",
            "country": "US",
        }],
        "displayName": "Ada Lovelace",
        "nickName": "Ada",
        "title": "Engineer",
        "userType": "Employee",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Los_Angeles",
        "externalId": "00u1abcdefghijk",
        "active": true,
        ENTERPRISE: {
            "employeeNumber": "0000001",
            "costCenter": "CC-001",
            "organization": "Acme",
            "division": "West",
            "department": "Engineering",
        },
    })
}

fn document(kind: &ResourceType) -> Document {
    let mut document = intake::take(kind, Leniencies::LENIENT, &body()).unwrap().document;
    intake::validate(kind, &mut document).unwrap();
    document
}

fn envelope() -> Envelope<'static> {
    Envelope {
        id: "0190a0a0-0000-7000-8000-000000000001",
        created: 1_000,
        last_modified: 1_795_255_200_000,
        version: 7,
        location: "https://scim.example.com/t/acme/scim/v2/Users/0190a0a0-0000-7000-8000-000000000001".into(),
        edges: Some(vec![json!({"value": "0190a0a0-0000-7000-8000-0000000000aa", "display": "Everyone"})]),
    }
}

fn bodies(bench: &mut Criterion) {
    let (kind, body) = (ResourceType::user(), body());
    bench.bench_function("body: take in and validate", |bench| {
        bench.iter(|| {
            let mut document = intake::take(&kind, Leniencies::LENIENT, black_box(&body)).unwrap().document;
            intake::validate(&kind, &mut document).unwrap();
            document
        });
    });
}

fn filters(bench: &mut Criterion) {
    let kind = ResourceType::user();
    let mut form = search::form(&kind, &document(&kind));
    search::complete(&mut form, &kind, &envelope());
    let mut group = bench.benchmark_group("filter");
    for (name, text) in [
        ("userName eq", r#"userName eq "ada.lovelace@acme.example""#),
        ("value path", r#"emails[type eq "work"].value eq "ada.lovelace@acme.example""#),
        (
            "ten comparisons",
            r#"active eq true and (userName sw "ada" or userName sw "bob") and not (title co "intern") and (name.familyName ew "lace" or name.givenName eq "Ada" or displayName co "love") and meta.lastModified gt "2020-01-01T00:00:00Z" and emails[type eq "work" and value co "acme"]"#,
        ),
    ] {
        group.bench_function(format!("parse, {name}"), |bench| {
            bench.iter(|| filter::parse(black_box(text), &kind, true).unwrap());
        });
        let filter = filter::parse(text, &kind, true).unwrap();
        assert!(filter.matches(&form), "{text}");
        group.bench_function(format!("match a user, {name}"), |bench| {
            bench.iter(|| filter.matches(black_box(&form)));
        });
    }
    group.finish();
}

fn patches(bench: &mut Criterion) {
    let kind = ResourceType::user();
    let document = document(&kind);
    let mut group = bench.benchmark_group("PATCH");
    for (name, operations) in [
        ("active, as Okta", json!([{"op": "replace", "value": {"active": false}}])),
        (
            "five paths, as Entra",
            json!([
                {"op": "Replace", "path": "title", "value": "Chief"},
                {"op": "Replace", "path": "name.familyName", "value": "King"},
                {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ada.king@acme.example"},
                {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1-555-0101"},
                {"op": "Replace", "path": format!("{ENTERPRISE}:department"), "value": "Mathematics"},
            ]),
        ),
    ] {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        let body = json!({"schemas": [schema], "Operations": operations});
        group.bench_function(name, |bench| {
            bench.iter_batched(
                || body.clone(),
                |body| {
                    let request = PatchRequest::parse(&body, Leniencies::LENIENT).unwrap();
                    let patched = request.apply(&kind, Leniencies::LENIENT, &document).unwrap();
                    assert_ne!(patched.document, document);
                    patched
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn answers(bench: &mut Criterion) {
    let kind = ResourceType::user();
    let document = document(&kind);
    let mut group = bench.benchmark_group("answer");
    for (name, attributes, excluded) in [
        ("whole", None, None),
        ("three attributes", Some("userName,active,emails.value"), None),
        ("all but two", None, Some("addresses,phoneNumbers")),
    ] {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let projection = Projection::parse(&kind, black_box(attributes), excluded).unwrap();
                projection::render(&kind, &document, envelope(), &projection).to_string()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bodies, filters, patches, answers);
criterion_main!(benches);
