//! Okta Epic EMP Implementation Guide, July 2020.

use serde_json::{Value, json};

use super::{every_feature_holds, okta::Okta, prepared, step};
use crate::harness::{Installation, Scim, on_both_databases};

on_both_databases!(epic_emp_step_by_step, epic_emp_by_the_simulator);

const EPIC: &str = "urn:rollcall:params:scim:schemas:extension:epic-emp:2.0:User";

/// The hospital's Epic environment, with two EMP records that were there before Okta.
fn environment(installation: &Installation) -> String {
    let run = |arguments: &[&str]| installation.run(arguments);
    run(&["migrate"]);
    run(&[
        "tenant",
        "create",
        "memorial",
        "--profile",
        "epic-emp",
        "--name",
        "Memorial Hospital",
        "--activate",
    ]);
    run(&["value-set", "set", "memorial", "templates", "T100", "T200", "T300"]);
    run(&["value-set", "set", "memorial", "subTemplates", "S1", "S2"]);
    run(&["value-set", "set", "memorial", "linkedEmp", "E7", "E8"]);
    run(&["value-set", "set", "memorial", "linkedSer", "P9"]);
    let file = installation.dir.path().join("emp.csv");
    let records = "userName,name.givenName,name.familyName,emails.value,templates\n\
        gwhite@memorial.example,Grace,White,gwhite@memorial.example,T100\n\
        oldhand@memorial.example,Otto,Hand,oldhand@memorial.example,\"T200,T300\"\n";
    std::fs::write(&file, records).unwrap();
    run(&["import", "memorial", &file.display().to_string()]);
    run(&["token", "create", "memorial", "--name", "Okta", "--expires-in", "10y"])
}

fn person(name: &str, given: &str, record: Value) -> Value {
    json!({
        "userName": name, "name": {"givenName": given, "familyName": "Reyes"}, "displayName": given,
        "emails": [{"primary": true, "value": name, "type": "work"}], EPIC: record,
    })
}

async fn epic_emp_step_by_step(installation: Installation) {
    step(
        "4",
        "To get started, SCIM URL and an API token has to be generated from Identityforge SCIM 2.0 Server",
    );
    let token = environment(&installation);
    let server = installation.serve().await;
    let base_url = server.base_url("memorial");

    step("4.1", "Add SCIM enabled application Epic EMP Provisioning Connector by IDMWORCS");
    step("4.2", "In Okta, open General application tab and check the following boxes");
    // Both happen in Okta alone.
    step("4.3", "Enable API integration by navigating to Provisioning → Integration");
    assert!(base_url.ends_with("/scim/v2"), "the guide's example: https://…/scim/v2");
    step("4.4", "Configure Integration by entering SCIM URL, API Token and clicking on Save");
    let wrong = Okta::configured(&base_url, "Bearer rcl_wrong");
    assert_eq!(wrong.test_api_credentials().await, 401);
    let okta = Okta::configured(&base_url, &format!("Bearer {token}"));
    assert_eq!(okta.test_api_credentials().await, 200);
    no_groups(&okta.scim).await;

    step("4.5", "Select To App in the left panel, then select the Provisioning Features you want to enable");
    let ann = push_new_users(&okta).await;
    let ann = push_profile_updates(&okta, &ann).await;
    unsupported_attributes(&okta, &ann).await;
    deactivation_and_reactivation(&okta, &ann).await;

    step("4.6", "Select To Okta in the left panel if you want to … change Import rule settings");
    import_users(&okta).await;
    step("4.7", "Click Save");
}

/// Chapter 2, second note.
async fn no_groups(scim: &Scim) {
    step("2", "Epic does not support Groups. So Import Groups and Push Groups are not in-scope");
    let group = json!({"displayName": "Nurses", "members": []});
    for (method, body) in [("GET", None), ("POST", Some(group))] {
        let (status, answer) = scim.send(method, "/Groups", body).await;
        assert_eq!(status, 404, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains("has no groups"), "{answer}");
    }
    let (_, types) = scim.get("/ResourceTypes").await;
    let names: Vec<&Value> = types["Resources"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["User"]);
}

/// Chapter 2: "Push New Users", and its first note.
async fn push_new_users(okta: &Okta) -> Value {
    step("2", "Push New Users - New users created in Okta will also create an Epic EMP user");
    step(
        "2",
        "Integration supports single and multiple Epic Templates, Sub-Templates, Link EMP and SER records, etc",
    );
    let record = json!({"templates": "t100", "subTemplates": "S1"});
    let ann = okta.assign(person("areyes@memorial.example", "Ann", record)).await;
    assert_eq!(ann[EPIC], json!({"templates": ["T100"], "subTemplates": ["S1"]}));
    let record = json!({"templates": ["T100", "T200"], "subTemplates": "S1, S2", "linkedEmp": "E7,E8", "linkedSer": "P9"});
    let bo = okta.assign(person("breyes@memorial.example", "Bo", record)).await;
    let kept = json!({"templates": ["T100", "T200"], "subTemplates": ["S1", "S2"], "linkedEmp": ["E7", "E8"],
        "linkedSer": ["P9"]});
    assert_eq!(bo[EPIC], kept);
    // Each value must be one of the environment's; all that is wrong is told at once.
    let record =
        json!({"templates": ["T100", "T999"], "subTemplates": "S9", "linkedEmp": ["E1"], "linkedSer": "P1"});
    let paths =
        ["templates[1]", "subTemplates", "linkedEmp", "linkedSer"].map(|name| format!("{EPIC}:{name}"));
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    okta.refused(person("creyes@memorial.example", "Cy", record), &paths).await;
    ann
}

/// Chapter 2: "Push Profile Updates".
async fn push_profile_updates(okta: &Okta, ann: &Value) -> Value {
    step("2", "Push Profile Updates - Updates made to Okta user's profile will be updated to Epic EMP user");
    let changed = json!({"title": "Nurse", EPIC: {"templates": ["T200", "T300"], "linkedSer": ["P9"]}});
    let ann = okta.update(ann, changed).await;
    assert_eq!(ann["title"], "Nurse");
    let kept = json!({"templates": ["T200", "T300"], "subTemplates": ["S1"], "linkedSer": ["P9"]});
    assert_eq!(ann[EPIC], kept);
    ann
}

/// Chapter 2, third note: taken and dropped, never an error, never kept.
async fn unsupported_attributes(okta: &Okta, ann: &Value) {
    step(
        "2",
        "Following SCIM 2.0 attributes: phoneNumbers, photos, … are not supported by Epic target system",
    );
    let unsupported = json!({
        "phoneNumbers": [{"value": "+1-415-555-0143", "type": "work"}],
        "photos": [{"value": "https://photos.example.com/1.png", "type": "photo"}],
        "addresses": [{"type": "work", "locality": "Boston"}],
        "groups": [{"value": "7"}],
        "x509Certificates": [{"value": "AA=="}],
        "isuserregistered": true,
        "sendinvite": false,
        "forcepasswordchangeatnextlogin": true,
        "administrativedisable": false,
        "pwdhistorylist": ["none"],
        "inviteexpiration": "2030-01-01",
    });
    let names: Vec<String> =
        unsupported.as_object().unwrap().keys().map(|name| name.to_lowercase()).collect();
    assert_eq!(names.len(), 11, "all of the guide's list");
    let kept = |user: &Value| {
        let keys = user.as_object().unwrap().keys().map(|key| key.to_lowercase());
        keys.filter(|key| names.contains(key)).collect::<Vec<_>>()
    };
    let updated = okta.update(ann, unsupported.clone()).await;
    assert_eq!(kept(&updated), [""; 0]);
    let mut profile = person("dreyes@memorial.example", "Di", json!({"templates": "T100"}));
    profile.as_object_mut().unwrap().extend(unsupported.as_object().unwrap().clone());
    let di = okta.assign(profile).await;
    assert_eq!(kept(&di), [""; 0]);
    let (_, schemas) = okta.scim.get("/Schemas").await;
    for schema in schemas["Resources"].as_array().unwrap() {
        for attribute in schema["attributes"].as_array().unwrap() {
            let name = attribute["name"].as_str().unwrap();
            assert!(!names.contains(&name.to_lowercase()), "{name} is announced");
        }
    }
}

/// Chapter 2: "Push User Deactivation" and "Reactivate Users".
async fn deactivation_and_reactivation(okta: &Okta, ann: &Value) {
    step(
        "2",
        "Push User Deactivation - Deactivating the user or disabling the user's access … will inactivate",
    );
    let gone = okta.unassign(ann).await;
    assert_eq!(gone["active"], false);
    assert_eq!(gone[EPIC], ann[EPIC], "the record is kept");
    // Even a DELETE, which Okta never sends, only inactivates.
    let (status, _) =
        okta.scim.send("DELETE", &format!("/Users/{}", ann["id"].as_str().unwrap()), None).await;
    assert_eq!(status, 204);
    assert_eq!(okta.read(ann).await["active"], false);

    step(
        "2",
        "Reactivate Users - Reactivating the user in Okta and assigning the application again will activate",
    );
    let back = okta.assign_again(ann).await;
    assert_eq!((&back["active"], &back["id"], &back[EPIC]), (&json!(true), &ann["id"], &ann[EPIC]));
}

/// Chapter 2: "Import Users"; chapter 4, step 6: "Imported user is an exact match to Okta user if: Okta username format
/// matches".
async fn import_users(okta: &Okta) {
    step(
        "2",
        "Import Users - Epic EMP users can be imported into Okta and either matched against existing Okta users",
    );
    let imported = okta.import().await;
    let named = |name: &str| {
        let found: Vec<&Value> = imported.iter().filter(|user| user["userName"] == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0].clone()
    };
    let grace = named("gwhite@memorial.example");
    assert!(grace.get("externalId").is_none(), "Okta did not make her");
    assert_eq!(grace[EPIC]["templates"], json!(["T100"]));
    // Matched with the Okta user of that name, and confirmed: the app is assigned, which links the record.
    let mut profile = person("gwhite@memorial.example", "Grace", json!({"templates": ["T100", "T300"]}));
    profile["externalId"] = json!("00uGrace");
    let linked = okta.assign(profile).await;
    assert_eq!(linked["id"], grace["id"]);
    assert_eq!(
        (&linked["externalId"], &linked[EPIC]["templates"]),
        (&json!("00uGrace"), &json!(["T100", "T300"]))
    );

    step("2", "… or created as new Okta users");
    let otto = named("oldhand@memorial.example");
    assert_eq!(otto["name"], json!({"givenName": "Otto", "familyName": "Hand"}));
    assert_eq!(otto["emails"][0]["value"], "oldhand@memorial.example");
    assert_eq!(otto[EPIC]["templates"], json!(["T200", "T300"]));
    assert_eq!(imported.len(), 5, "Ann, Bo, Di, and the two who were there before");
}

async fn epic_emp_by_the_simulator(installation: Installation) {
    prepared(&installation, "epic", "epic-emp");
    let token = installation.run(&["token", "create", "epic", "--name", "Okta"]);
    let server = installation.serve().await;
    every_feature_holds("epic-emp", server.base_url("epic"), format!("Bearer {token}")).await;
}
