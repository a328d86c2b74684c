//! Texts that would be markup, put into every attribute of every schema and every name that people give, and looked for on
//! every page of the console in a real browser: they stand there as texts, and no element, attribute or address was made of one.

use serde_json::{Map, Value, json};

use crate::{
    browsing::Browser,
    harness::{Console, Scim, basic_header},
    pages::world::World,
};

/// Ends whatever it may stand in (text, attribute, script, style, comment, template), and then does something.
const MARKUP: &str = "x\"' xss-attr=1 onfocus=xss() autofocus><xss-mark></title></textarea></script></style>--><script>xss()</script>\
                      <img src=x onerror=xss()><svg onload=xss()>{{7*7}}${7*7}";
/// The same for names, which are shorter.
const NAME: &str =
    "x\"' xss-attr=1><xss-mark><img src=x onerror=xss()><svg onload=xss()><script>xss()</script>";
/// An address that would be a program.
const ADDRESS: &str = "javascript:xss()//xss-mark";

/// What was made of it on the page as it stands, and whether it can be read there.
const LOOK: &str = "const made = [...document.querySelectorAll('xss-mark, [xss-attr], [onerror], [onload], [onfocus]')];
    const leads = [...document.querySelectorAll('[href], [src], [action], [formaction], [hx-get], [hx-post]')].filter((element) =>
      ['href', 'src', 'action', 'formaction', 'hx-get', 'hx-post'].some((name) => /^\\s*javascript:/i.test(element.getAttribute(name) ?? '')));
    const values = [...document.querySelectorAll('input, textarea')].map(({value}) => value).join(' ');
    return {made: made.concat(leads).map((element) => element.outerHTML.slice(0, 200)), ran: window.ran ?? 0,
      shown: (document.documentElement.textContent + values).includes('xss-mark')};";

/// What the payload calls, should it run, on each page before any other program.
const COUNTED: &str = "window.xss = () => { window.ran = (window.ran ?? 0) + 1; };";

#[tokio::test]
async fn no_text_becomes_a_part_of_a_page_in_a_browser() {
    let world = World::new().await;
    let console = world.console().await;
    let okta = world.okta();
    let token = world.installation.run(&["token", "create", "contoso", "--name", NAME]);
    let entra = Scim::new(world.server.base_url("contoso"), format!("Bearer {token}"));
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    let mut addresses = world.pages();
    world.installation.run(&["tenant", "activate", "fabrikam"]);
    let token = world.installation.run(&["token", "create", "fabrikam", "--name", NAME]);
    // A product with an extension.
    let other = Scim::new(world.server.base_url("fabrikam"), format!("Bearer {token}"));
    for (slug, scim) in [("northwind", &okta), ("contoso", &entra), ("fabrikam", &other)] {
        let user = if slug == "northwind" { world.user().to_owned() } else { made(scim, "/Users").await };
        let mut resources = vec![("User", format!("/Users/{user}"))];
        if scim.get("/ResourceTypes/Group").await.0 == 200 {
            let group = made(scim, "/Groups").await;
            addresses.push((
                format!("{slug}-group"),
                format!("{}/console/tenants/{slug}/groups/{group}", world.server.origin),
            ));
            resources.push(("Group", format!("/Groups/{group}")));
        }
        for (resource, path) in resources {
            for (name, value) in attributes(scim, resource).await {
                match scim.send("PATCH", &path, Some(patch(&name, &value))).await {
                    (200 | 204, _) => kept.push(format!("{slug} {name}")),
                    (400, answer) => {
                        assert!(answer["detail"].is_string(), "{name}: {answer}");
                        refused.push(format!("{slug} {name}"));
                    }
                    (status, answer) => panic!("{slug} {name}: {status} {answer}"),
                }
            }
        }
        let of = |what: &str| format!("{}/console/tenants/{slug}/{what}", world.server.origin);
        addresses.push((format!("{slug}-user"), of(&format!("users/{user}"))));
        for list in ["", "users", "groups", "roles", "activity", "audit", "setup", "import"] {
            addresses.push((format!("{slug}-{list}"), of(list)));
        }
        addresses.push((format!("{slug}-search"), of(&format!("users?q={}", encoded(MARKUP)))));
        addresses.push((format!("{slug}-filter"), of(&format!("users?filter={}", encoded(MARKUP)))));
    }
    let named = names(&world, &console).await;
    // A stranger's name in the list of refusals.
    let stranger = Scim::new(world.server.base_url("northwind"), basic_header(&NAME.replace(':', ""), "x"));
    assert_eq!(stranger.get("/Users").await.0, 401);

    let browser = Browser::open(1440, 1000).await;
    world.enter(&browser).await;
    browser.before_each_page(COUNTED).await;
    let (mut faults, mut shown) = (Vec::new(), 0);
    for (name, url) in &addresses {
        browser.goto(url).await;
        let seen = browser.client.execute(LOOK, Vec::new()).await.unwrap();
        if seen["made"] != json!([]) || seen["ran"] != 0 {
            faults.push(format!("{name}: {seen}"));
        }
        shown += usize::from(seen["shown"] == true);
    }
    // It can tell: where the same text is markup, it runs or leaves its mark.
    let put = format!("document.body.innerHTML = {}", json!(MARKUP));
    browser.client.execute(&put, Vec::new()).await.unwrap();
    let seen = browser.client.execute(LOOK, Vec::new()).await.unwrap();
    assert_ne!(seen["made"], json!([]), "{seen}");
    browser.close().await;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    println!(
        "{} attributes kept it, {} refused it, {named} names; {} pages, {shown} show it",
        kept.len(),
        refused.len(),
        addresses.len()
    );
    assert!(kept.len() > 30 && shown > 20, "{kept:?} {refused:?}; {shown} pages show it");
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn patch(path: &str, value: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": path, "value": value}]})
}

async fn made(scim: &Scim, endpoint: &str) -> String {
    let name = format!("{MARKUP}{}", endpoint.trim_start_matches('/'));
    let (status, answer) =
        scim.send("POST", endpoint, Some(json!({"userName": name, "displayName": name}))).await;
    match status {
        201 => answer["id"].as_str().unwrap().to_owned(),
        // A product whose names are e-mail addresses.
        _ => scim.create(endpoint, json!({"userName": "ann@x.example", "displayName": name})).await,
    }
}

/// Every attribute that a client may write and that holds a text, with a value that has the texts in all its parts.
async fn attributes(scim: &Scim, resource: &str) -> Vec<(String, Value)> {
    let schemas = scim.get("/Schemas").await.1;
    let of_type = scim.get(&format!("/ResourceTypes/{resource}")).await.1;
    let extensions = of_type["schemaExtensions"].as_array().into_iter().flatten().map(|one| &one["schema"]);
    let urns: Vec<&Value> = extensions.chain([&of_type["schema"]]).collect();
    let mut found = Vec::new();
    for schema in schemas["Resources"].as_array().unwrap().iter().filter(|one| urns.contains(&&one["id"])) {
        let prefix = if schema["id"] == of_type["schema"] {
            String::new()
        } else {
            format!("{}:", schema["id"].as_str().unwrap())
        };
        for attribute in schema["attributes"].as_array().unwrap() {
            let name = attribute["name"].as_str().unwrap();
            if attribute["mutability"] == "readOnly"
                || ["password", "members", "id", "schemas", "active"].contains(&name)
            {
                continue;
            }
            let path = format!("{prefix}{name}");
            if attribute["type"] == "complex" && attribute["multiValued"] != true {
                for sub in attribute["subAttributes"].as_array().unwrap() {
                    found.extend(
                        value(sub).map(|value| (format!("{path}.{}", sub["name"].as_str().unwrap()), value)),
                    );
                }
            } else if let Some(value) = value(attribute) {
                found.push((path, if attribute["multiValued"] == true { json!([value]) } else { value }));
            }
        }
    }
    assert!(!found.is_empty(), "{resource}");
    found
}

fn value(attribute: &Value) -> Option<Value> {
    match attribute["type"].as_str() {
        Some("string") => Some(json!(MARKUP)),
        Some("reference") => Some(json!(ADDRESS)),
        Some("complex") => {
            let parts = attribute["subAttributes"].as_array().unwrap().iter();
            let parts = parts.filter(|part| part["mutability"] != "readOnly");
            let parts: Map<_, _> =
                parts.filter_map(|part| Some((part["name"].as_str()?.to_owned(), value(part)?))).collect();
            Some(Value::Object(parts))
        }
        _ => None,
    }
}

/// Gives every name that people give; how many were taken.
async fn names(world: &World, console: &Console) -> usize {
    let tenants = "/console/tenants";
    let forms: [(&str, &[(&str, &str)]); 6] = [
        (
            "northwind/settings",
            &[
                ("name", NAME),
                ("property-domain-type", "Simple"),
                ("property-authentication", "HTTP Redirect"),
            ],
        ),
        ("northwind/tokens", &[("name", NAME), ("expires", "1y"), ("read", "on"), ("write", "on")]),
        ("northwind/setup/links", &[("note", NAME)]),
        ("contoso/clients", &[("client-name", NAME), ("client-expires", "1y")]),
        ("contoso/settings", &[("name", NAME)]),
        ("contoso/logins", &[("username", NAME)]),
    ];
    let mut taken = 0;
    for (path, fields) in forms {
        let status = console.post(&format!("{tenants}/{path}"), fields).await.status().as_u16();
        assert!(status < 500, "{path}: {status}");
        taken += usize::from(status < 400);
    }
    let file = format!("userName,{0}\n{0},x\n", NAME.replace(['"', ',', '\''], ""));
    assert_eq!(console.upload(&format!("{tenants}/northwind/import"), &file).await.status(), 303);
    for arguments in [
        &["value-set", "set", "northwind", "roles", "Manager", &format!("{0}|{0}", NAME.replace('|', ""))][..],
        &["token", "create", "--platform", "--name", NAME],
        &["destination", "create", "northwind", "--name", NAME, "--url", "https://xss.invalid/hook"],
    ] {
        world.installation.run(arguments);
        taken += 1;
    }
    taken
}
