//! Texts that are chosen to mislead: names that look alike or are partly unseen, and control characters in every attribute of
//! the schemas that the server publishes. The rule stands in docs/trust.md.

use serde_json::{Map, Value, json};

use crate::{
    client::{Client, encode, group, id, user},
    world::World,
};

on_both!(
    names_that_are_the_same,
    names_that_are_not,
    names_with_what_nobody_sees,
    control_characters_in_every_attribute,
);

/// Case folds as Unicode says (full folding, not the Turkic one): whatever folds alike is one name.
async fn names_that_are_the_same(world: World) {
    let okta = world.tenant("acme").await;
    for (at, (one, other)) in [
        ("STRASSE", "straße"),
        ("ÉMILE", "émile"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ſam", "Sam"),
        ("\u{212a}elvin", "kelvin"),
        ("ﬁnn", "FINN"),
        ("İnci", "i\u{307}NCI"),
        ("ｆｕｌｌ", "ＦＵＬＬ"),
        ("МАРИЯ", "мария"),
    ]
    .into_iter()
    .enumerate()
    {
        let (one, other) = (format!("{one}-{at}@x"), format!("{other}-{at}@x"));
        let made = okta.create_user(&one).await;
        assert_eq!(made["userName"], one, "kept as it was sent");
        okta.post("/Users", &user(&other)).await.expect_error(409, "uniqueness");
        let found = okta.filter("/Users", &format!("userName eq \"{other}\"")).await.expect(200);
        assert_eq!(
            (&found["totalResults"], &found["Resources"][0]["id"]),
            (&json!(1), &made["id"]),
            "{other}"
        );
        okta.create_group(&one, &[]).await;
        okta.post("/Groups", &group(&other, &[])).await.expect_error(409, "uniqueness");
    }
}

/// Nothing else is taken for the same: no normalisation, no widths, no alphabets, no dotless i. Each is found by its own
/// spelling alone.
async fn names_that_are_not(world: World) {
    let okta = world.tenant("acme").await;
    let names = [
        "zo\u{eb}@x",
        "zoe\u{308}@x",
        "zoe@x",
        "full@x",
        "ｆｕｌｌ@x",
        "ivan@x",
        "\u{456}van@x",
        "ıvan@x",
        "marc@x",
        "m\u{430}rc@x",
        "1@x",
        "①@x",
        "²@x",
        "2@x",
        " marc@x",
        "marc@x ",
        "ma\u{a0}rc@x",
        "ma rc@x",
    ];
    for name in names {
        let made = okta.create_user(name).await;
        assert_eq!(made["userName"], name);
        okta.create_group(name, &[]).await;
    }
    for name in names {
        for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
            let found = okta.filter(endpoint, &format!("{attribute} eq \"{name}\"")).await.expect(200);
            assert_eq!(
                (&found["totalResults"], &found["Resources"][0][attribute]),
                (&json!(1), &json!(name))
            );
        }
    }
}

/// Two names may not differ in what nobody sees alone, and none may turn the direction in which it is read.
async fn names_with_what_nobody_sees(world: World) {
    let okta = world.tenant("acme").await;
    let kept = okta.create_user("ann@x").await;
    let team = okta.create_group("team", &[]).await;
    for ch in [
        '\t', '\n', '\r', '\u{1b}', '\u{7f}', '\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2028}',
        '\u{2066}', '\u{3164}', '\u{feff}',
    ] {
        let code = format!("U+{:04X}", u32::from(ch));
        let (name, called) = (format!("an{ch}n@x"), format!("te{ch}am"));
        let rename = |path: &str, value: &str| json!([{"op": "replace", "path": path, "value": value}]);
        let user_path = format!("/Users/{}", id(&kept));
        let group_path = format!("/Groups/{}", id(&team));
        for (reply, path) in [
            (okta.post("/Users", &user(&name)).await, "userName"),
            (okta.put(&user_path, &user(&name)).await, "userName"),
            (okta.operate(&user_path, rename("userName", &name)).await, "userName"),
            (okta.post("/Groups", &group(&called, &[])).await, "displayName"),
            (okta.put(&group_path, &group(&called, &[])).await, "displayName"),
            (okta.operate(&group_path, rename("displayName", &called)).await, "displayName"),
        ] {
            let detail = reply.expect_error(400, "invalidValue");
            assert!(
                detail.contains(path) && detail.contains("at place 3") && detail.contains(&code),
                "{detail}"
            );
            assert!(!detail.contains(ch), "{detail:?}");
        }
        // Who looks for one finds nobody, and learns no more.
        let query = format!("/Users?filter={}", encode(&format!("userName eq {}", json!(name))));
        assert_eq!(okta.get(&query).await.expect(200)["totalResults"], 0, "{code}");
    }
    assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 1);
    assert_eq!(okta.get("/Groups").await.expect(200)["totalResults"], 1);
}

/// A NUL is told with its path; half of a pair is no JSON text; every other control character in a text that is no name is
/// kept and comes back as it was, from both databases.
async fn control_characters_in_every_attribute(world: World) {
    let okta = world.tenant("acme").await;
    let odd: String = (1..0x20)
        .chain([0x7f, 0x85, 0x2028, 0x202e, 0xfeff, 0xfffe, 0x10_ffff])
        .filter_map(char::from_u32)
        .collect();
    let (mut texts, mut tried) = (0, 0);
    for (resource, endpoint) in [("User", "/Users"), ("Group", "/Groups")] {
        for (path, place) in places(&okta, resource).await {
            tried += 1;
            let body = |at: &str, text: &str| {
                let mut body =
                    if resource == "User" { json!({"userName": at}) } else { json!({"displayName": at}) };
                body["schemas"] = json!([format!("urn:ietf:params:scim:schemas:core:2.0:{resource}")]);
                laid(&mut body, &place, &json!(text));
                body
            };
            let detail = okta.post(endpoint, &body("x", "a\0b")).await.expect_error(400, "invalidValue");
            assert!(detail.starts_with(&format!("{path} holds a NUL character")), "{detail}");
            let half = body("x", "HALF").to_string().replace("HALF", "a\\ud800b");
            let mut request = okta.request("POST", endpoint, Some(&Value::Null));
            *request.body_mut() = half.into();
            okta.send(request).await.expect_error(400, "invalidSyntax");

            let name = format!("{resource}{tried}");
            let reply = okta.post(endpoint, &body(&name, &odd)).await;
            if reply.status == 201 {
                let made = reply.json();
                let kept = okta.get(&format!("{endpoint}/{}", id(&made))).await.expect(200);
                assert_eq!(read(&kept, &place), Some(&json!(odd)), "{path}");
                texts += 1;
            } else {
                // A name, or something that is more than a text: a reference, a format, another resource's id.
                reply.expect_error(400, "invalidValue");
            }
        }
    }
    assert!(tried > 40 && texts > 40, "{texts} of {tried} attributes");
}

/// Keys to a text: an array where an attribute has several values.
type Place = Vec<(String, bool)>;

/// Every attribute of a resource that holds a text and that a client may write: its path, and how one gets there.
async fn places(okta: &Client, resource: &str) -> Vec<(String, Place)> {
    let schemas = okta.get("/Schemas").await.expect(200);
    let of_type = okta.get(&format!("/ResourceTypes/{resource}")).await.expect(200);
    let extensions = of_type["schemaExtensions"].as_array().into_iter().flatten();
    let urns: Vec<&Value> = extensions.map(|one| &one["schema"]).chain([&of_type["schema"]]).collect();
    let mut places = Vec::new();
    for schema in
        schemas["Resources"].as_array().expect("schemas").iter().filter(|one| urns.contains(&&one["id"]))
    {
        let place = if schema["id"] == of_type["schema"] {
            Vec::new()
        } else {
            vec![(schema["id"].as_str().expect("an id").to_owned(), false)]
        };
        below(&schema["attributes"], &place, &mut places);
    }
    places
}

fn below(attributes: &Value, place: &Place, places: &mut Vec<(String, Place)>) {
    for attribute in attributes.as_array().into_iter().flatten() {
        let multi = attribute["multiValued"] == true;
        let mut place = place.clone();
        place.push((attribute["name"].as_str().expect("a name").to_owned(), multi));
        if attribute["mutability"] == "readOnly"
            || ["password", "members", "id"].contains(&place[0].0.as_str())
        {
            continue;
        }
        match attribute["type"].as_str() {
            Some("complex") => below(&attribute["subAttributes"], &place, places),
            Some("string" | "reference") => {
                let path = place
                    .iter()
                    .map(|(name, multi)| if *multi { format!("{name}[0]") } else { name.clone() });
                places.push((path.collect::<Vec<_>>().join("."), place));
            }
            _ => {}
        }
    }
}

/// Puts a value where a place says.
fn laid(body: &mut Value, place: &[(String, bool)], value: &Value) {
    let Some(((name, multi), rest)) = place.split_first() else {
        *body = value.clone();
        return;
    };
    let mut inner = if rest.is_empty() { Value::Null } else { Value::Object(Map::new()) };
    // Elements that say nothing but their kind are dropped.
    let what = if name == "addresses" { "locality" } else { "value" };
    if *multi && rest.first().is_some_and(|(part, _)| part != what) {
        inner[what] = json!("x");
    }
    laid(&mut inner, rest, value);
    body[name.as_str()] = if *multi { json!([inner]) } else { inner };
}

fn read<'a>(body: &'a Value, place: &[(String, bool)]) -> Option<&'a Value> {
    place.iter().try_fold(body, |body, (name, multi)| {
        let value = body.get(name)?;
        if *multi { value.get(0) } else { Some(value) }
    })
}
