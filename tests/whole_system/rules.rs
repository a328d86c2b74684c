//! The editor of a profile in a real browser: a rule is changed by a form, tried while typing, saved and rolled back; a
//! value set is changed value by value.

use std::time::Duration;

use fantoccini::Locator;
use serde_json::json;

use crate::{
    browsing::Browser,
    harness::{Installation, PATIENCE, Scim, eventually, on_both_databases},
};

on_both_databases!(
    a_rule_is_tried_saved_and_rolled_back,
    a_value_set_is_changed_value_by_value,
    a_user_is_tried_on_the_command_line
);

const EMAIL: &str = "operator@rollcall.example";

/// Puts a text into a field as typing does, but at once.
async fn paste(browser: &Browser, css: &str, text: &str) {
    let script = "const field = document.querySelector(arguments[0]); field.value = arguments[1]; \
                  field.dispatchEvent(new Event('input', {bubbles: true}));";
    browser.client.execute(script, vec![json!(css), json!(text)]).await.unwrap();
}

async fn a_rule_is_tried_saved_and_rolled_back(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("clinic"), installation.tenant("clinic", "mdscripts"));
    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    let profile = format!("{}/console/tenants/clinic/profile", server.origin);

    // Typing a body tells at once what the rules that hold say to it.
    browser.goto(&format!("{profile}/try")).await;
    browser.shows("#outcome", "Taken (201)").await;
    let provider = json!({"userName": "ann@clinic.example", "isProvider": true});
    paste(&browser, "#body", &provider.to_string()).await;
    browser.shows("#outcome", "Refused (400)").await;
    browser.shows("#outcome", "providers-have-an-npi").await;
    browser.picture("rules-try-refused").await;
    paste(&browser, "#body", "{\"userName\": ").await;
    browser.shows("#outcome", "this is no JSON").await;
    let good =
        json!({"userName": "ann@clinic.example", "isProvider": true, "npi": "1234567893", "colour": "red"});
    paste(&browser, "#body", &good.to_string()).await;
    browser.shows("#outcome", "Taken (201)").await;
    browser.shows("#outcome", "colour was left out").await;
    assert_eq!(scim.get("/Users").await.1["totalResults"], json!(0), "nothing was written");

    // A new rule, by its form; a mistake stands beside its field.
    browser.goto(&format!("{profile}/rules")).await;
    browser.follow("Add a rule").await;
    browser.fill("#name", "short-names").await;
    browser.fill("#condition", "user.userName.size() <").await;
    browser.fill("#path", "userName").await;
    browser.fill("#message", "is too long for a badge; send a shorter one").await;
    browser.press("Apply").await;
    browser.shows("#problems", "Correct this first").await;
    assert_eq!(browser.client.find_all(Locator::Css("#condition[aria-invalid]")).await.unwrap().len(), 1);
    browser.picture("rules-form-wrong").await;
    browser.fill("#condition", "user.userName.size() < 25").await;
    browser.press("Apply").await;
    browser.shows("#draft-title", "Not saved yet").await;
    browser.shows("main", "Rule “short-names” is new").await;
    browser.picture("rules-draft").await;

    // The draft judges, the profile that holds does not.
    browser.press("Try it with a user").await;
    browser.shows("#outcome", "Taken (201)").await;
    let long = json!({"userName": "ann.with.a.long.name@clinic.example"}).to_string();
    paste(&browser, "#body", &long).await;
    browser.shows("#outcome", "is too long for a badge").await;
    browser.picture("rules-try-draft").await;
    browser.click("input[name=by][value=saved]").await;
    browser.shows("#outcome", "Taken (201)").await;

    // What it does is shown, then it is saved, and holds for the identity provider.
    browser.press("Look at what it does").await;
    browser.shows("main", "There is nobody yet to whom it could matter").await;
    browser.shows("main", "Rule “short-names” is new").await;
    browser.press("Save as version 2").await;
    browser.shows("[role=status]", "Version 2 is saved").await;
    let user = || json!({"userName": "ann.with.a.long.name@clinic.example", "active": true});
    let refused = || async {
        let (status, answer) = scim.send("POST", "/Users", Some(user())).await;
        status == 400 && answer.to_string().contains("is too long for a badge")
    };
    eventually(PATIENCE, "the new rule holds", refused).await;

    // Back to the first version: asked by showing what that does.
    browser.follow("Version 1").await;
    browser.shows("main", "From it to the version that holds").await;
    browser.press("Roll back to it").await;
    browser.shows("main", "Rule “short-names” is removed").await;
    browser.picture("rules-roll-back").await;
    browser.press("Save as version 3").await;
    browser.shows("[role=status]", "Version 3 is saved").await;
    let taken = || async { scim.send("POST", "/Users", Some(user())).await.0 == 201 };
    assert!(eventually(PATIENCE, "the old rules hold", taken).await < Duration::from_secs(30));
    browser.follow("Compare two").await;
    browser.shows("main", "Rule “short-names” is removed").await;
    browser.close().await;
}

async fn a_value_set_is_changed_value_by_value(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("clinic"), installation.tenant("clinic", "mdscripts"));
    scim.create("/Users", json!({"userName": "ann@clinic.example", "siteNumbers": "12,17"})).await;
    let browser = Browser::open(390, 900).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.goto(&format!("{}/console/tenants/clinic/value-sets/siteNumbers", server.origin)).await;
    // The first value forbids all others, so it is looked at first.
    browser.fill("#value", "12").await;
    browser.fill("#label", "Main street").await;
    browser.press("Add").await;
    browser.shows("#dry-run", "If this is saved").await;
    browser.shows("main", "1 no longer fits").await;
    browser.picture("value-set-look-phone").await;
    browser.press("Save the list").await;
    browser.shows("[role=status]", "The list is saved").await;
    browser.fill("#value", "17").await;
    browser.press("Add").await;
    browser.shows("[role=status]", "The list is saved").await;
    browser.fill("#label-2", "Harbour").await;
    browser
        .act(Locator::Css(".values li:nth-child(2) button"), |button| async move { button.click().await })
        .await;
    browser.shows("#versions", "Version 3").await;
    let csv = installation.run(&["value-set", "list", "clinic", "siteNumbers", "--json"]);
    assert!(csv.contains("Harbour"), "{csv}");
    browser.picture("value-set-phone").await;
    browser.follow("Version 1").await;
    browser.press("Roll back to it").await;
    browser.shows("main", "17 (Harbour)").await;
    browser.press("Save the list").await;
    browser.shows("[role=status]", "The list is saved").await;
    let list = installation.run(&["value-set", "list", "clinic", "siteNumbers", "--json"]);
    assert!(!list.contains("Harbour") && list.contains("Main street"), "{list}");
    browser.close().await;
}

async fn a_user_is_tried_on_the_command_line(installation: Installation) {
    let server = installation.serve().await;
    let scim = Scim::new(server.base_url("clinic"), installation.tenant("clinic", "mdscripts"));
    scim.create("/Users", json!({"userName": "ann@clinic.example", "isProvider": true, "npi": "1234567893"}))
        .await;
    let file = |name: &str, text: &str| {
        let path = installation.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let attempt = |arguments: &[&str]| {
        let output =
            installation.command(&[&["profile", "try", "clinic"], arguments].concat()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let provider =
        file("provider.json", r#"{"userName": "bo@clinic.example", "isProvider": "True", "colour": "red"}"#);
    let (code, told) = attempt(&[&provider]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.starts_with("refused (400)\n") && told.contains("(rule \"providers-have-an-npi\")"),
        "{told}"
    );
    let text = installation
        .run(&["profile", "show", "clinic"])
        .replace("require = [\"npi\"]", "require = [\"userName\"]");
    let (code, told) = attempt(&[&provider, "--by", &file("mine.toml", &text)]);
    assert_eq!(code, Some(0), "its examples do not come out, and it can be tried: {told}");
    assert!(told.contains("colour: was left out") && told.contains(":isProvider: nothing -> true"), "{told}");
    let patch = file("patch.json", r#"{"Operations": [{"op": "replace", "value": {"isProvider": false}}]}"#);
    let (code, told) = attempt(&[&patch, "--patch", "ANN@clinic.example"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("npi: does not apply here and was left out"), "{told}");
    assert!(told.contains(":npi: \"1234567893\" -> nothing"), "{told}");
    assert!(
        installation.refuse(&["profile", "try", "clinic", &patch, "--patch", "nobody"]).contains("nobody")
    );
    assert_eq!(scim.get("/Users").await.1["totalResults"], json!(1), "nothing was written");
}
