//! `rollcall import` and `rollcall export`: what they print, how they end, and that a server shows what came in.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::harness::{Installation, Scim, describe, on_both_databases};

on_both_databases!(
    a_file_comes_in_and_goes_out,
    an_import_that_is_killed_goes_on_where_it_broke_off,
    two_processes_import_the_same_file,
    lines_with_errors_are_told_as_editors_read_them,
    mistakes_with_files_are_explained
);

fn write(installation: &Installation, name: &str, text: &str) {
    std::fs::write(installation.dir.path().join(name), text).unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn a_file_comes_in_and_goes_out(installation: Installation) {
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "epic-emp");
    installation.tenant("other", "epic-emp");
    write(
        &installation,
        "people.csv",
        "userName,name.givenName,name.familyName,active,templates,emails.value\r\n\
         ALEE,Ann,Lee,true,\"T100, T200\",ann@hospital.example\r\n\
         BOLEE,Bo,'-Lee,,,\r\n\
         CLEE,Cy,Lee,false,T100,\r\n",
    );
    let dry = installation.run(&["import", "acme", "people.csv", "--dry-run"]);
    assert_eq!(dry, "nothing was written; would be: 3 created, 0 updated, 0 unchanged, 0 skipped, 0 failed");
    let done = installation.run(&["import", "acme", "people.csv"]);
    assert_eq!(done, "3 created, 0 updated, 0 unchanged, 0 skipped, 0 failed");
    let again = installation.json(&["import", "acme", "people.csv", "--json"]);
    assert_eq!(
        again,
        json!({"created": 0, "updated": 0, "unchanged": 3, "skipped": 0, "failed": 0, "dry_run": false,
               "stopped": null, "errors": []})
    );

    let server = installation.serve().await;
    let okta = Scim::new(server.base_url("acme"), authorization);
    let (status, list) = okta.get("/Users?startIndex=1&count=100").await;
    assert_eq!((status, &list["totalResults"]), (200, &json!(3)));
    let (_, found) = okta.get("/Users?filter=userName%20eq%20%22bolee%22").await;
    assert_eq!(found["Resources"][0]["name"]["familyName"], "-Lee");
    assert_eq!(found["Resources"][0]["active"], true);

    let out = installation.run(&["export", "acme", "--columns", "userName,name.familyName,active,templates"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines,
        [
            "userName,name.familyName,active,templates",
            "ALEE,Lee,true,\"T100,T200\"",
            "BOLEE,'-Lee,true,",
            "CLEE,Lee,false,T100"
        ]
    );
    assert_eq!(installation.run(&["export", "acme", "--output", "all.csv"]), "3 users written to all.csv");
    let file = installation.dir.path().join("all.csv");
    let whole = std::fs::read_to_string(&file).unwrap();
    assert!(whole.starts_with("id,userName,externalId,active,") && whole.lines().count() == 4, "{whole}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "names of people are for nobody else");

    // By stdin into another tenant; its own file leaves each tenant as it is.
    let mut command = installation.command(&["import", "other", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(whole.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout), "3 created, 0 updated, 0 unchanged, 0 skipped, 0 failed\n");
    for slug in ["acme", "other"] {
        let done = installation.run(&["import", slug, "all.csv"]);
        assert_eq!(done, "0 created, 0 updated, 3 unchanged, 0 skipped, 0 failed", "{slug}");
    }
    let skipped = installation.run(&["import", "acme", "all.csv", "--existing", "skip"]);
    assert_eq!(skipped, "0 created, 0 updated, 0 unchanged, 3 skipped, 0 failed");
}

/// A file of so many people, and what they are in a database.
fn people(count: usize) -> String {
    let mut file = "userName,externalId,name.familyName,emails.value,active\n".to_owned();
    for at in 0..count {
        writeln!(
            file,
            "person{at}@x.example,e{at},Number {at},person{at}@x.example,{}",
            !at.is_multiple_of(9)
        )
        .unwrap();
    }
    file
}

/// The process ends without a chance to say goodbye while the file is still being read.
async fn an_import_that_is_killed_goes_on_where_it_broke_off(installation: Installation) {
    installation.run(&["migrate"]);
    installation.tenant("acme", "generic");
    let file = people(3_000);
    write(&installation, "people.csv", &file);
    let mut command = installation.command(&["import", "acme", "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // The rest never comes, so it cannot be finished, however fast it is.
    pipe.write_all(people(2_600).as_bytes()).unwrap();
    pipe.flush().unwrap();
    let begun = Instant::now();
    while installation.made().await[0] == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no row came in");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let [users, entries, events] = installation.made().await;
    assert!((1..3_000).contains(&users), "{users}");
    assert_eq!([entries, events], [users, users], "nobody is half there");

    let again = installation.json(&["import", "acme", "people.csv", "--json"]);
    let told = [&again["created"], &again["unchanged"], &again["updated"], &again["failed"]];
    assert_eq!(told, [&json!(3_000 - users), &json!(users), &json!(0), &json!(0)]);
    assert_eq!(installation.made().await, [3_000; 3]);
}

async fn two_processes_import_the_same_file(installation: Installation) {
    installation.run(&["migrate"]);
    installation.tenant("acme", "generic");
    write(&installation, "people.csv", &people(2_000));
    let import = || {
        let mut command = installation.command(&["import", "acme", "people.csv", "--json"]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let (mut created, mut unchanged) = (0, 0);
    for child in [import(), import()] {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", describe(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        created += report["created"].as_i64().unwrap();
        unchanged += report["unchanged"].as_i64().unwrap();
    }
    assert_eq!((created, unchanged), (2_000, 2_000));
    assert_eq!(installation.made().await, [2_000; 3]);
}

async fn lines_with_errors_are_told_as_editors_read_them(installation: Installation) {
    installation.run(&["migrate"]);
    installation.tenant("clinic", "mdscripts");
    write(
        &installation,
        "people.csv",
        "userName,npi,isProvider,timezone\n\
         ann@clinic.example,1234567893,true,US/Eastern\n\
         bo@clinic.example,1234567890,true,Eastern\n\
         ann@clinic.example,,,\n\
         cy@clinic.example,,false,\n",
    );
    let import = |arguments: &[&str]| -> Output {
        let arguments = [&["import", "clinic", "people.csv"], arguments].concat();
        installation.command(&arguments).output().unwrap()
    };
    let output = import(&[]);
    assert_eq!(output.status.code(), Some(1), "{}", describe(&output));
    assert_eq!(text(&output.stdout), "2 created, 0 updated, 0 unchanged, 0 skipped, 2 failed\n");
    let said = text(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("people.csv:3: timezone: is a text of 7 characters"), "{said}");
    assert!(
        lines[0].contains(":npi: is 10 digits with a wrong check digit; send the provider's NPI"),
        "{said}"
    );
    assert!(lines[1].starts_with("people.csv:4: userName: is the same as in line 2"), "{said}");
    assert!(!said.contains("1234567890"), "no number is told: {said}");

    let output = import(&["--json", "--existing", "refuse"]);
    assert_eq!(output.status.code(), Some(1), "{}", describe(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["failed"], &report["created"]), (&json!(4), &json!(0)));
    let found: Vec<_> = report["errors"].as_array().unwrap().iter().map(|error| &error["line"]).collect();
    assert_eq!(found, [2, 3, 4, 5]);
    assert_eq!(report["errors"][0]["path"], "userName");
    assert!(report["errors"][0]["problem"].as_str().unwrap().contains("update users"), "{report}");
    assert_eq!(text(&output.stderr), "");
}

async fn mistakes_with_files_are_explained(installation: Installation) {
    installation.run(&["migrate"]);
    installation.tenant("acme", "generic");
    write(&installation, "tenant.csv", "userName,tenant\nann,other\n");
    write(&installation, "none.csv", "");
    write(&installation, "wide.csv", "userName;title\nann;Nurse\n");
    for (arguments, words) in [
        (
            &["import", "acme", "tenant.csv"][..],
            "tenant.csv:1: tenant: column 2 is no attribute of this tenant's users",
        ),
        (&["import", "acme", "none.csv"], "none.csv:1: the file is empty"),
        (&["import", "acme", "wide.csv"], "separated by commas"),
        (&["import", "acme", "nonesuch.csv"], "nonesuch.csv: No such file"),
        (&["import", "acme", "."], "is a folder"),
        (&["import", "nobody", "none.csv"], "tenant list"),
        (&["import", "acme", "none.csv", "--existing", "forget"], "refuse"),
        (&["export", "nobody"], "tenant list"),
        (&["export", "acme", "--columns", "userName,tenant"], "--columns: tenant: is no attribute"),
        (&["export", "acme", "--output", "no/such/folder.csv"], "cannot write no/such/folder.csv"),
        (&["export", "acme", "--format", "xlsx"], "csv"),
    ] {
        let error = installation.refuse(arguments);
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
    let report = installation.command(&["import", "acme", "tenant.csv", "--json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["stopped"]["line"], &report["stopped"]["path"]), (&json!(1), &json!("tenant")));
    assert_eq!(installation.run(&["export", "acme"]).lines().count(), 1, "nothing was written");
}
