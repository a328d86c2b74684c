//! Pages about those who are told of changes.

use askama::Template;
use store::destinations::{Delivered, HourOfDelivery};

use super::{NOW, at, chrome, head};
use crate::{
    chrome::Badge,
    form::Errors,
    pages::{
        delivery::{DeliveryPage, Kept},
        destination::{ChangeForm, DestinationPage, Row as EventRow},
        destinations::{DestinationsPage, Issued, NewWebhookForm, Row},
    },
    plot::{Plot, Span},
    when::Took,
};

const HOUR: i64 = 3_600_000;
const ID: &str = "0199f0a0-0000-7000-8000-0000000000d1";

fn hours() -> Vec<HourOfDelivery> {
    (0..24)
        .map(|ago| {
            let delivered = 20 + (ago * 7) % 13 * 9;
            let late = if ago == 5 { delivered / 2 } else { 0 };
            let counts = Delivered {
                delivered,
                late,
                dead: i64::from(ago == 5),
                applied: delivered,
                applied_late: late,
            };
            HourOfDelivery { hour: NOW - NOW % HOUR - ago * HOUR, counts }
        })
        .collect()
}

fn plot(quiet: bool) -> Plot {
    let hours = if quiet { Vec::new() } else { hours() };
    Plot::of_deliveries(Span::Day, &hours, NOW)
}

pub(super) fn kept() -> Kept {
    Kept::of(&hours())
}

fn row(name: &str, state: Badge, problem: Option<&str>) -> Row {
    Row {
        id: ID.into(),
        name: name.into(),
        way: "Webhook",
        host: "https://app.example.com".into(),
        problem: problem.map(str::to_owned),
        events: "18 events: user, group, membership, role".into(),
        target: "1 min".into(),
        waiting: problem.map(|_| ("1204 events".into(), Some(at(-2)))),
        dead: if problem.is_some() { 3 } else { 0 },
        state,
    }
}

fn rows() -> Vec<Row> {
    vec![
        row("Our application", Badge::new("ok", "Active"), None),
        row("Data warehouse", Badge::new("bad", "Disabled"), Some("it answered 500")),
    ]
}

fn issued() -> Issued {
    Issued {
        name: "Our application".into(),
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
        href: format!("/console/destinations/{ID}"),
    }
}

fn wrong() -> Errors {
    let mut errors = Errors::default();
    errors.add("name", "Use 1 to 100 characters in one line.");
    errors.add("url", "Use https.");
    errors.add("events", "Choose one or more, or all of them.");
    errors
}

fn list(empty: bool, with_issued: bool, is_wrong: bool) -> DestinationsPage {
    DestinationsPage {
        chrome: chrome("Destinations"),
        notice: (!empty).then_some("The destination is deleted: it is sent nothing any more."),
        issued: with_issued.then(issued),
        rows: if empty { Vec::new() } else { rows() },
        action: "/console/destinations".into(),
        typed: NewWebhookForm::fresh(),
        errors: if is_wrong { wrong() } else { Errors::default() },
    }
}

fn delivery(empty: bool) -> DeliveryPage {
    DeliveryPage {
        chrome: chrome("Delivery · Northwind Hospital"),
        head: head("delivery"),
        issued: None,
        plot: plot(empty),
        plot_path: "/console/tenants/northwind/delivery".into(),
        kept: if empty { Kept::default() } else { kept() },
        own: if empty { Vec::new() } else { rows() },
        shared: if empty { Vec::new() } else { rows() },
        action: "/console/tenants/northwind/delivery".into(),
        typed: NewWebhookForm::fresh(),
        errors: Errors::default(),
    }
}

fn event(position: i64, event: &str, state: Badge, fine: bool) -> EventRow {
    EventRow {
        position,
        event: event.into(),
        tenant: "northwind".into(),
        href: Some("/console/tenants/northwind/users/x".into()),
        at: at(-1),
        attempts: if fine { 1 } else { 3 },
        delivered: fine.then_some(Took(120)),
        applied: fine.then_some(Took(3_100)),
        problem: (!fine).then(|| "it answered 500".into()),
        next: (state.kind == "warn").then(|| at(1)),
        state,
    }
}

fn one(troubled: bool) -> DestinationPage {
    let rows = vec![
        event(1_205, "user.updated", Badge::new("quiet", "Behind another"), true),
        event(1_204, "user.deactivated", Badge::new("warn", "To be tried again"), false),
        event(1_203, "role.granted", Badge::new("bad", "Given up"), false),
        event(1_202, "user.created", Badge::new("ok", "Delivered"), true),
    ];
    let path = format!("/console/destinations/{ID}");
    DestinationPage {
        chrome: chrome("Our application"),
        id: ID.into(),
        name: "Our application".into(),
        state: if troubled { Badge::new("bad", "Disabled") } else { Badge::new("ok", "Active") },
        notice: (!troubled).then(|| "The test event was taken with 204, after 31 ms.".into()),
        untaken: troubled.then(|| "it answered 500".into()),
        issued: None,
        tenant: troubled.then(|| ("northwind".into(), "Northwind Hospital".into())),
        way: "Webhook",
        is_webhook: true,
        headers: vec!["X-Api-Key".into()],
        facts: vec![
            ("url".into(), "https://app.example.com/hooks/rollcall".into()),
            ("headers".into(), "X-Api-Key".into()),
        ],
        events: "all events".into(),
        target: Took(60_000),
        is_active: !troubled,
        is_disabled: troubled,
        problem: troubled.then(|| {
            ("it has taken nothing for five days; the last time it answered 500".into(), Some(at(-5)))
        }),
        waiting: troubled.then(|| ("1204 events".into(), Some(at(-5)))),
        dead: if troubled { 3 } else { 0 },
        missed: if troubled { 7 } else { 0 },
        made: at(-90),
        made_by: "ada.lovelace@example.com".into(),
        plot: plot(false),
        plot_path: path.clone(),
        kept: kept(),
        filters: vec![
            (format!("{path}?state="), "All", true),
            (format!("{path}?state=due"), "Due", false),
            (format!("{path}?state=dead"), "Given up", false),
        ],
        rows: if troubled { rows } else { Vec::new() },
        older: troubled.then(|| format!("{path}?before=1")),
        typed: ChangeForm {
            name: "Our application".into(),
            url: "https://app.example.com/hooks/rollcall".into(),
            without_headers: None,
            target: 60,
        },
        errors: Errors::default(),
    }
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("destinations", list(false, false, false).render()),
        ("destinations-empty", list(true, false, false).render()),
        ("destinations-issued", list(false, true, false).render()),
        ("destinations-wrong", list(false, false, true).render()),
        ("delivery", delivery(false).render()),
        ("delivery-empty", delivery(true).render()),
        ("destination", one(false).render()),
        ("destination-troubled", one(true).render()),
    ]
}
