//! Entries that were there first, one of each kind: what becomes of them, and that neither side is overwritten.

use std::{collections::BTreeMap, sync::Arc};

use directory_testing::{Attributes, BASE, Directory};
use serde_json::json;
use store_testing::on_both;

use super::bed::{Bed, context, example, mapping, shown};

async fn add(server: &Directory, name: &str, more: &[(&str, &str)]) {
    let mut attributes = BTreeMap::from([("cn", name), ("sn", name), ("uid", name), ("empStatus", "ACTIVE")]);
    attributes.extend(more.iter().copied());
    let values: Vec<(&str, Vec<&str>)> = attributes
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, vec![value]))
        .collect();
    let mut all: Vec<(&str, &[&str])> = vec![("objectClass", &["empRecord"])];
    all.extend(values.iter().map(|(name, values)| (*name, values.as_slice())));
    // Named by the description, where there is one, so that two may have one uid.
    let dn = match values.iter().find(|(name, _)| *name == "description") {
        Some((_, values)) => format!("description={},{BASE}", values[0]),
        None => format!("uid={name},{BASE}"),
    };
    server.add(&dn, &all).await;
}

on_both! {
    async fn each_kind_of_entry_has_its_fate(store: TestStore) {
        let bed = Bed::new(store, "epic-emp").await;
        let server = Directory::start().await;
        let to = bed.writes_to(server.ldaps(), example(&server)).await;
        // Who is there already would be linked by a POST, and their attributes lost: an import does not do that.
        let mut tenant = (*bed.tenant).clone();
        Arc::make_mut(&mut tenant.profile).policies.duplicate = scim_core::profile::DuplicatePolicy::Link;
        add(&server, "NEW", &[("title", "RN")]).await;
        add(&server, "AWAY", &[("empStatus", "INACTIVE")]).await;
        add(&server, "ODD", &[("empStatus", "SLEEPING")]).await;
        // Its user would be written with another display name: "{name.familyName}, {name.givenName}".
        add(&server, "OTHERWISE", &[("givenName", "Ann"), ("displayName", "Ann")]).await;
        add(&server, "TWICE", &[]).await;
        add(&server, "TWICE", &[("description", "second")]).await;
        add(&server, "ELSEWHERE", &[("description", "third")]).await;
        add(&server, "NOBODY", &[("uid", ""), ("description", "fourth")]).await;
        let before = server.entries().await;
        let told = std::sync::Mutex::new(Vec::new());
        let directory = bed.destinations.directory(bed.tenant.id(), "directory").await.unwrap();
        let (store, context) = (bed.store.store(), context());
        let progress = |done: u64, total: u64| told.lock().unwrap().push((done, total));
        let run = async |dry_run| {
            directory.import(&store, &bed.provisioner, &tenant, &context, dry_run, &progress).await.unwrap()
        };
        let tried = run(true).await;
        let report = run(false).await;
        assert_eq!((report.entries, report.created, report.linked, report.conflicts, report.failed), (8, 2, 0, 4, 2));
        assert_eq!((&tried.findings, tried.created, tried.dry_run), (&report.findings, 2, true));
        assert_eq!(told.lock().unwrap().last(), Some(&(8, 8)));
        let mut findings: Vec<(&str, &str)> =
            report.findings.iter().map(|one| (one.dn.as_str(), one.problem.as_str())).collect();
        findings.sort_unstable();
        let expected = [
            (format!("description=fourth,{BASE}"), "it has no uid"),
            (format!("description=second,{BASE}"), "several entries are linked to one user"),
            (format!("description=third,{BASE}"), "written otherwise"),
            (format!("uid=ODD,{BASE}"), "SLEEPING"),
            (format!("uid=OTHERWISE,{BASE}"), "written otherwise"),
            (format!("uid=TWICE,{BASE}"), "several entries are linked to one user"),
        ];
        for (found, (dn, problem)) in findings.iter().zip(&expected) {
            assert!(found.0 == dn && found.1.contains(problem), "{found:?}: {dn} {problem}");
        }
        assert_eq!(findings.len(), expected.len());
        let moved = report.findings.iter().find(|one| one.dn.starts_with("description=third")).unwrap();
        assert_eq!(moved.differences[0].attribute, "dn");

        // The events of those who were made fill in the id, and change nothing else; nobody else is touched.
        bed.all_done(to).await;
        let mut after = server.entries().await;
        for name in ["NEW", "AWAY"] {
            let entry: &mut Attributes = after.get_mut(&format!("uid={name},{BASE}")).unwrap();
            assert!(entry.remove("rollcallId").is_some(), "{name}");
        }
        assert_eq!(after, before);
        let scope = bed.store.tenant(bed.tenant.id());
        let away = scope.user_by_name("away", false).await.unwrap().unwrap();
        assert_eq!((away.active, &away.document["displayName"]), (false, &json!("AWAY")));

        // Once more: those who agree are linked; whoever differs is told, and stays on both sides.
        server.set(&format!("uid=NEW,{BASE}"), "title", &["MD"]).await;
        let again = run(false).await;
        assert_eq!((again.created, again.linked, again.conflicts, again.failed), (0, 1, 5, 2));
        let differs = again.findings.iter().find(|one| one.link.as_deref() == Some("NEW")).unwrap();
        assert_eq!(
            serde_json::to_value(&differs.differences).unwrap(),
            json!([{"attribute": "title", "wanted": ["RN"], "found": ["MD"]}])
        );
        assert_eq!(shown(server.entry(&format!("uid=NEW,{BASE}")).await)["title"], "MD");
        assert_eq!(scope.user_by_name("new", false).await.unwrap().unwrap().document["title"], "RN");
    }

    async fn what_cannot_be_read_is_said(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        let directory = |settings: serde_json::Value| {
            let bed = &bed;
            let server = &server;
            async move {
                let to = bed.writes_to(server.ldaps(), settings).await;
                bed.destinations.directory(bed.tenant.id(), &to.to_string()).await.unwrap()
            }
        };
        let mut by_id = mapping(&server);
        by_id["link"]["template"] = "{id}".into();
        let writer = directory(by_id).await;
        let store = bed.store.store();
        let refused = writer.import(&store, &bed.provisioner, &bed.tenant, &context(), true, &|_, _| ()).await;
        assert!(refused.unwrap_err().to_string().contains("{id}"));
        // A walk that does not come to its end is no answer.
        let mut elsewhere = mapping(&server);
        elsewhere["baseDn"] = "ou=gone,dc=emp,dc=example".into();
        elsewhere["dn"] = "uid={userName},ou=gone,dc=emp,dc=example".into();
        let writer = directory(elsewhere).await;
        let refused = writer.reconcile(&store, &bed.tenant, &|_| ()).await.unwrap_err().to_string();
        assert!(refused.contains("ou=gone") && refused.contains("noSuchObject"), "{refused}");
        assert!(bed.destinations.directory(bed.tenant.id(), "nothing").await.is_err());
        let several = bed.destinations.directory(bed.tenant.id(), "directory").await.err().unwrap().to_string();
        assert!(several.contains("by its id"), "{several}");
    }
}
