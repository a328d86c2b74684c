//! An audit trail as a file.

use provisioning::csv::{TrailExport, TrailFormat};
use serde_json::Value;
use store::{
    Actor, ActorKind, ChangeContext,
    trail::{Trail, TrailQuery},
};
use store_testing::on_both;

async fn whole(trail: &Trail, query: TrailQuery, format: TrailFormat) -> (String, usize) {
    let mut export = TrailExport::new(trail.clone(), query, format);
    let (mut text, mut parts) = (String::new(), 0);
    while let Some(part) = export.next().await.expect("a part") {
        text.push_str(&part);
        parts += 1;
    }
    (text, parts)
}

on_both! {
    async fn a_trail_is_written_page_by_page(store: TestStore) {
        let actor = Actor { kind: ActorKind::Admin, id: "7".into(), name: "=HYPERLINK(\"x\")".into() };
        let context = ChangeContext { actor, cause: "r, 1".into() };
        let tenants = provisioning::TenantDirectory::new(store.store());
        let tenant = tenants.create("acme", None, "generic", "lenient", true, &context).await.expect("a tenant");
        for number in 0..120 {
            let name = store::tenants::TenantSettings { name: Some(format!("Acme {number}")), ..Default::default() };
            tenants.configure(&tenant, &name, &context).await.expect("a change");
        }
        store.number().await;
        let trail = Trail::Tenant(store.tenant(tenant.id()));
        let length = usize::try_from(trail.state().await.expect("a state").head).expect("a length");
        assert!(length > 120);

        let (text, parts) = whole(&trail, TrailQuery::default(), TrailFormat::Csv).await;
        assert!(parts > 2, "in parts");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().expect("a header").clone();
        assert_eq!(header.iter().take(3).collect::<Vec<_>>(), ["number", "at", "event"]);
        let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
        assert_eq!(rows.len(), length);
        let cell = |row: usize, name: &str| {
            let column = header.iter().position(|other| other == name).expect(name);
            rows[row][column].to_owned()
        };
        assert_eq!((cell(0, "number"), cell(length - 1, "number")), (length.to_string(), "1".to_owned()));
        assert_eq!(cell(0, "actorName"), "'=HYPERLINK(\"x\")", "no spreadsheet program computes it");
        assert_eq!(cell(0, "cause"), "r, 1");
        assert!(cell(0, "state").contains("\"Acme 119\"") && cell(0, "before").contains("\"Acme 118\""));
        assert_eq!((cell(0, "chain").len(), cell(length - 1, "before")), (64, String::new()));

        let (text, _) = whole(&trail, TrailQuery::default(), TrailFormat::JsonLines).await;
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), length);
        assert_eq!((&lines[0]["actor"]["name"], &lines[0]["payload"]["state"]["name"]), (&"=HYPERLINK(\"x\")".into(), &"Acme 119".into()));
        assert_eq!(lines[length - 1]["event"], "tenant.created");

        // The same filters; of nothing there is a header and nothing.
        let made = TrailQuery { event: Some("tenant.created".into()), ..TrailQuery::default() };
        assert_eq!(whole(&trail, made.clone(), TrailFormat::JsonLines).await.0.lines().count(), 1);
        let none = TrailQuery { event: Some("no".into()), ..TrailQuery::default() };
        assert_eq!(whole(&trail, none.clone(), TrailFormat::JsonLines).await.0, "");
        assert_eq!(whole(&trail, none, TrailFormat::Csv).await.0.lines().count(), 1);
    }
}
