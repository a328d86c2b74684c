//! Each product's integration guide, in its own order of steps, on both databases: what its reader does in Okta is sent
//! as Okta sends it, what they do in the product is done on the command line or in a browser.

mod clinical_maestro;
mod envi;
mod epic_emp;
mod eptura_engage;
mod mdscripts;
mod okta;

use idp_simulator::{Target, scenario};

use crate::harness::Installation;

/// The seed of the simulator's people.
const SEED: u64 = 11;

/// The button that the guides call *Copy Token*.
const COPY_TOKEN: &str = "#details ~ .actions button[data-copy]";

/// Says which step of the guide comes next, in the guide's words, so that a failure tells how far its reader got.
#[expect(clippy::print_stderr, reason = "shown by the test runner when a step fails")]
fn step(number: &str, words: &str) {
    eprintln!("step {number}: {words}");
}

/// A tenant that has what the simulator's play of its product's guide needs.
fn prepared(installation: &Installation, slug: &str, profile: &str) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", slug, "--profile", profile, "--activate"]);
    let prepared = scenario::prepared(profile, SEED);
    for (name, values) in prepared.value_sets {
        let arguments = [&["value-set", "set", slug, name][..], values].concat();
        installation.run(&arguments);
    }
    for (name, value) in prepared.properties {
        installation.run(&["tenant", "set", slug, "--property", &format!("{name}={value}")]);
    }
    if let Some(organization) = prepared.organization {
        installation.run(&["tenant", "set", slug, "--organization", organization]);
    }
    if !prepared.users.is_empty() {
        let file = installation.dir.path().join("before.csv");
        let mut rows = String::from("userName,name.givenName,name.familyName,emails.value\n");
        for user in &prepared.users {
            let cells = [
                &user["userName"],
                &user["name"]["givenName"],
                &user["name"]["familyName"],
                &user["emails"][0]["value"],
            ];
            let cells: Vec<&str> = cells.into_iter().map(|cell| cell.as_str().unwrap()).collect();
            rows.push_str(&cells.join(","));
            rows.push('\n');
        }
        std::fs::write(&file, rows).unwrap();
        installation.run(&["import", slug, &file.display().to_string()]);
    }
}

/// Lets the simulator play the whole guide; every feature of it must hold.
async fn every_feature_holds(profile: &str, base_url: String, authorization: String) {
    let target = Target { base_url, authorization };
    let report = scenario::guide(profile, &target, SEED, &|_, _, _| ()).await.unwrap();
    assert_eq!(report.failures, [], "{profile}");
    for feature in &report.features {
        assert!(feature.holds(), "{profile}: {feature:?}");
    }
}
