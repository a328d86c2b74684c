//! Every page of the console, as the router has them, in a real browser: WCAG 2.2 AA by axe-core in both themes, what a
//! first visit weighs, whether it fits a phone, what the browser complains of; pictures go to `target/tmp/console`.

mod look;
mod speed;
pub(crate) mod world;

use std::{path::PathBuf, process::Command};

use serde_json::Value;

use crate::{browsing::Browser, harness::variable};
use look::{MANNERS, Manner};
use world::World;

/// Looks at every page in one manner.
async fn every_page(manner: Manner) {
    let world = World::new().await;
    let browser = Browser::open(1440, 1000).await;
    browser.see_as(manner).await;
    let mut faults =
        browser.visit("sign-in", &format!("{}/console/sign-in", world.server.origin), manner).await;
    world.enter(&browser).await;
    let pages = world.pages();
    for (name, url) in &pages {
        faults.extend(browser.visit(name, url, manner).await);
    }
    faults.extend(
        browser.visit("not-found", &format!("{}/console/nowhere", world.server.origin), manner).await,
    );
    browser.close().await;
    assert!(faults.is_empty(), "{} faults on {} pages:\n{}", faults.len(), pages.len(), faults.join("\n"));
}

#[tokio::test]
async fn every_page_on_a_desk_in_the_light() {
    every_page(MANNERS[0]).await;
}

#[tokio::test]
async fn every_page_on_a_desk_in_the_dark() {
    every_page(MANNERS[1]).await;
}

#[tokio::test]
async fn every_page_on_a_phone_in_the_light() {
    every_page(MANNERS[2]).await;
}

#[tokio::test]
async fn every_page_on_a_phone_in_the_dark() {
    every_page(MANNERS[3]).await;
}

/// A manager reads nothing of another tenant, whatever address they type: every page that the router has.
#[tokio::test]
async fn a_manager_sees_no_page_of_another_tenant() {
    const MANAGER: &str = "manager@rollcall.example";
    let world = World::new().await;
    let manager = ["admin", "create", MANAGER, "--role", "manager", "--tenant", "contoso", "--generate"];
    let password = world.installation.run(&manager);
    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&world.server.origin, MANAGER, &password).await;
    browser.goto(&format!("{}/console/tenants", world.server.origin)).await;
    browser.shows("main", "contoso").await;
    let listed = browser.text("body").await.to_lowercase();
    assert!(!listed.contains("northwind") && !listed.contains("fabrikam"), "{listed}");
    browser.goto(&format!("{}/console/tenants/contoso/setup", world.server.origin)).await;
    browser.shows("main", "SCIM connector base URL").await;
    let others =
        world.pages().into_iter().filter(|(_, url)| !url.contains("contoso") && url.contains("/tenants/"));
    let mut tried = 0;
    for (name, url) in others.filter(|(_, url)| url.contains("/northwind") || url.contains("/fabrikam")) {
        browser.goto(&url).await;
        assert_eq!(browser.text("h1").await, "Not found", "{name}");
        let shown = browser.text("body").await;
        assert!(!shown.contains("Northwind Hospital") && !shown.contains("Ames"), "{name}: {shown}");
        tried += 1;
    }
    assert!(tried > 40, "{tried} pages");
    browser.close().await;
}

/// CSP Evaluator finds nothing of high severity, and nothing that allows more than it must.
#[tokio::test]
async fn the_policy_of_all_pages_holds() {
    const HIGH: u64 = 10;
    /// "May be a weakness", such as `'self'` where files of users are served, which there are none of.
    const HIGH_MAYBE: u64 = 40;
    let world = World::new().await;
    let console = world.console().await;
    let mut policies = std::collections::BTreeSet::new();
    for (name, url) in world.pages() {
        let answer = console.get(url.strip_prefix(&world.server.origin).unwrap()).await;
        let policy = answer.headers().get("content-security-policy");
        let policy = policy.unwrap_or_else(|| panic!("{name} has no policy")).to_str().unwrap();
        assert!(!policy.contains("unsafe"), "{name}: {policy}");
        policies.insert(policy.to_owned());
    }
    let checks = PathBuf::from(variable("ROLLCALL_TEST_WEB_CHECKS"));
    for policy in policies {
        let output = Command::new("node").arg(checks.join("csp.js")).arg(&policy).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let severe = findings.iter().filter(|finding| {
            let severity = finding["severity"].as_u64().unwrap();
            (HIGH..HIGH_MAYBE).contains(&severity)
        });
        assert_eq!(severe.count(), 0, "{policy}: {findings:?}");
    }
    // The tool can tell: it does not like a policy that allows everything.
    let open =
        Command::new("node").arg(checks.join("csp.js")).arg("script-src * 'unsafe-inline'").output().unwrap();
    let findings: Vec<Value> = serde_json::from_slice(&open.stdout).unwrap();
    assert!(findings.iter().any(|finding| finding["severity"] == HIGH), "{findings:?}");
}
