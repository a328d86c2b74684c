//! Pages about imports.

use askama::Template;
use provisioning::{
    csv::{ImportSummary, LineError},
    imports::Outcome,
};

use super::{at, chrome, head};
use crate::{
    chrome::Badge,
    form::Errors,
    pages::{
        import::{ImportLine, ImportPage},
        import_run::{Bar, ColumnField, ErrorRow, ImportRunPage, ResultCard, Step},
    },
};

fn import(wrong: bool) -> ImportPage {
    let mut errors = Errors::default();
    if wrong {
        errors.add("file", "Line 1: cells are separated by semicolons or tabs; save the file with commas.");
    }
    let columns = ["userName", "name.givenName", "name.familyName", "emails.value", "active"];
    let line = |file: &str, status: Badge, result: &str, days| ImportLine {
        id: "0199f0a0-0000-7000-8000-000000000001".into(),
        file_name: file.into(),
        status,
        result: result.into(),
        who: "ada.lovelace@example.com".into(),
        when: at(days),
    };
    ImportPage {
        chrome: chrome("Import users · Northwind Hospital"),
        head: head("users"),
        columns: columns.map(str::to_owned).to_vec(),
        most: 32,
        notice: wrong.then_some("The file is removed."),
        errors,
        imports: if wrong {
            Vec::new()
        } else {
            vec![
                line("<b>people.csv", Badge::new("ok", "Being imported"), "", 0),
                line("old.csv", Badge::new("ok", "Done"), "412 made, 12 changed, 240 with an error", -3),
            ]
        },
    }
}

fn result(step: Step) -> ResultCard {
    let error = |line, column: &str, path: &str, problem: &str| ErrorRow {
        line,
        column: column.into(),
        path: path.into(),
        problem: problem.into(),
    };
    let summary = ImportSummary {
        created: 412,
        updated: 12,
        unchanged: 3,
        skipped: 0,
        failed: 240,
        errors: Vec::new(),
    };
    let stopped = LineError { line: 900, path: None, problem: "the database is busy".into() };
    ResultCard {
        outcome: Outcome { summary, stopped: (step == Step::Stopped).then_some(stopped) },
        errors: vec![
            error(7, "Login", "userName", "is required; send a name that is unique in this tenant."),
            error(19, "", "", "has 4 cells where the header has 5; <b>put cells with a comma in quotes</b>"),
        ],
        more: 238,
        worth_it: true,
    }
}

fn run(step: Step) -> ImportRunPage {
    let column = |name: &str, cells: &[&str], holds: &str| ColumnField {
        name: name.into(),
        cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
        holds: holds.into(),
    };
    let status = match step {
        Step::Map => Badge::new("quiet", "Columns to choose"),
        Step::Trying => Badge::new("quiet", "Being tried"),
        Step::Tried => Badge::new("quiet", "Tried"),
        Step::Running => Badge::new("ok", "Being imported"),
        Step::BrokenOff => Badge::new("warn", "Broken off"),
        Step::Stopped => Badge::new("warn", "Stopped"),
        Step::Done => Badge::new("ok", "Done"),
    };
    ImportRunPage {
        chrome: chrome("Import people.csv · Northwind Hospital"),
        head: head("users"),
        id: "0199f0a0-0000-7000-8000-000000000001".into(),
        file_name: "<b>people.csv".into(),
        size: "1.4 MiB".into(),
        status,
        step,
        columns: vec![
            column("Login", &["ada@x", "bo@x", "cy@x"], "userName"),
            column("First Name", &["Ada", "Bo"], "name.givenName"),
            column("Shoe <size>", &["<b>41</b>"], ""),
        ],
        known: ["userName", "name.givenName", "emails[type eq \"home\"].value"].map(str::to_owned).to_vec(),
        existing: "update",
        errors: Errors::default(),
        progress: Bar { bytes: 700_000, of: 1_400_000, percent: 50, rows: 2_100, failed: 12 },
        result: matches!(step, Step::Tried | Step::Stopped | Step::Done).then(|| result(step)),
    }
}

fn wrong() -> ImportRunPage {
    let mut shown = run(Step::Map);
    shown.errors.add("columns", "Say which column holds the userName: by it users are found.");
    shown
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("import", import(false).render()),
        ("import-wrong", import(true).render()),
        ("import-map", run(Step::Map).render()),
        ("import-map-wrong", wrong().render()),
        ("import-trying", run(Step::Trying).render()),
        ("import-tried", run(Step::Tried).render()),
        ("import-running", run(Step::Running).render()),
        ("import-broken-off", run(Step::BrokenOff).render()),
        ("import-stopped", run(Step::Stopped).render()),
        ("import-done", run(Step::Done).render()),
    ]
}
