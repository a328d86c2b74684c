//! The editor of a profile: its parts, their forms, the tester, and the versions.

use askama::Template;
use provisioning::configuration::diff;
use scim_core::profile::{Profile, edit};
use store::admins::AdminRole;

use super::{chrome, head, person};
use crate::{
    chrome::{Badge, Chrome},
    diff_view,
    form::Errors,
    pages::profile::{
        MisfitRow,
        draft::{DraftFault, DraftView},
        entry::EntryPage,
        part::PartPage,
        recheck::RecheckPage,
        samples,
        trial::{ChangeRow, Outcome, TryForm, TryPage, ViolationRow},
        versions::{ComparePage, Difference},
        words::words,
    },
};

fn mdscripts() -> &'static str {
    Profile::builtin("mdscripts").expect("mdscripts")
}

fn changed() -> String {
    mdscripts()
        .replace("names of providers have no digits, so remove them", "<b>no digits</b>")
        .replace("delete = \"deactivate\"", "delete = \"purge\"")
        .replace("attributes = [\"userName\", ", "attributes = [\"userName\", \"title\", ")
}

fn draft(is_changed: bool, faulty: bool) -> DraftView {
    let text = if is_changed { changed() } else { mdscripts().to_owned() };
    DraftView {
        version: 3,
        words: words(&edit::changes(mdscripts(), &text).expect("texts")),
        changed: is_changed,
        fault: faulty.then(|| DraftFault {
            problem: "Line 128: the example \"A provider without an NPI\" is taken; it should be refused"
                .into(),
            form: Some(("this example".into(), "examples/2".into())),
        }),
        text,
    }
}

fn part(key: &str, draft: DraftView, role: AdminRole) -> askama::Result<String> {
    PartPage::sample(
        Chrome::of("Rules · Northwind Hospital", Some(&person(role).admin)),
        head("profile"),
        draft,
        key,
    )
    .render()
}

fn form(
    key: &str,
    entry: &str,
    role: AdminRole,
    wrong: Option<(&'static str, &str)>,
) -> askama::Result<String> {
    let mut errors = Errors::default();
    if let Some((field, problem)) = wrong {
        errors.add(field, problem);
    }
    let chrome = Chrome::of("Rule · Northwind Hospital", Some(&person(role).admin));
    EntryPage::sample(chrome, head("profile"), draft(wrong.is_some(), false), (key, entry), errors).render()
}

fn tester(kind: &str) -> TryPage {
    let profile = Profile::from_toml(mdscripts()).expect("mdscripts");
    let mut typed = TryForm { method: "create".into(), ..TryForm::default() };
    samples::fill(&mut typed, &profile, None);
    let mut errors = Errors::default();
    let urn = "urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User";
    let change = |path: &str, before: Option<&str>, after: Option<&str>| ChangeRow {
        path: path.into(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let outcome = match kind {
        "taken" => Some(Outcome {
            verdict: Badge::new("ok", "Taken (201)"),
            meaning: "The user would be made.".into(),
            violations: Vec::new(),
            notes: vec![
                ("colour".into(), "was left out: no attribute of that name is known".into()),
                ("id".into(), "is the server's own and was passed over".into()),
            ],
            reshaped: vec![
                change(&format!("{urn}:role"), Some("manager"), Some("Manager")),
                change("emails[0].type", None, Some("work")),
            ],
            changes: None,
            roles: vec![
                ("Envi_Manager".into(), vec!["Manager".into()], None),
                ("Everyone <all>".into(), Vec::new(), None),
                ("X".into(), Vec::new(), Some("no role belongs to a group of this name".into())),
            ],
            document: Some(typed.body.clone()),
        }),
        "refused" => Some(Outcome {
            verdict: Badge::new("bad", "Refused (400)"),
            meaning: "The identity provider would be told what is wrong, and nothing would change.".into(),
            violations: vec![
                ViolationRow {
                    path: format!("{urn}:npi"),
                    problem: "is required while isProvider is true; send the provider's NPI".into(),
                    origin: "the rule “providers-have-an-npi”".into(),
                },
                ViolationRow {
                    path: "userName".into(),
                    problem: "is a text without an @; send <an> e-mail address".into(),
                    origin: "its format".into(),
                },
            ],
            notes: Vec::new(),
            reshaped: Vec::new(),
            changes: Some(Vec::new()),
            roles: Vec::new(),
            document: None,
        }),
        "wrong" => {
            typed.method = "patch".into();
            errors.add("user", "Nobody in this tenant has this userName or id.");
            errors.add("body", "Line 3, column 7: this is no JSON.");
            None
        }
        _ => {
            typed.body.clear();
            None
        }
    };
    TryPage {
        chrome: chrome("Try a user · Northwind Hospital"),
        head: head("profile"),
        draft: draft(kind == "refused", false),
        samples: samples::offered(&profile),
        typed,
        outcome,
        errors,
    }
}

fn recheck(going_on: bool, of_draft: bool) -> RecheckPage {
    let misfit = |name: &str| MisfitRow {
        id: "0199f0a0-0000-7000-8000-000000000001".into(),
        user_name: name.into(),
        problems: vec!["userName: is no e-mail address; send one like ann@hospital.example".into()],
    };
    RecheckPage {
        chrome: chrome("Who does not fit · Northwind Hospital"),
        head: head("profile"),
        text: if of_draft { changed() } else { String::new() },
        version: 3,
        checked: if going_on { 2000 } else { 12_804 },
        total: 12_804,
        misfits: 2,
        found: vec![misfit("amara"), misfit("<script>alert(1)</script>")],
        after: going_on.then(|| "0199f0a0-0000-7000-8000-00000000ffff".into()),
    }
}

fn compared(wrong: bool) -> ComparePage {
    let mut errors = Errors::default();
    if wrong {
        errors.add("to", "There is no such version; there are 1 to 3.");
    }
    let new = changed();
    ComparePage {
        chrome: chrome("Versions compared · Northwind Hospital"),
        head: head("profile"),
        from: "1".into(),
        to: if wrong { "<9>" } else { "3" }.into(),
        difference: (!wrong).then(|| Difference {
            words: words(&edit::changes(mdscripts(), &new).expect("texts")),
            diff: diff_view::rows(diff(mdscripts(), &new).as_deref()),
        }),
        errors,
    }
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    use AdminRole::{Auditor, Operator};
    vec![
        ("profile-rules", part("rules", draft(false, false), Operator)),
        ("profile-rules-draft", part("rules", draft(true, false), Operator)),
        ("profile-rules-auditor", part("rules", draft(false, false), Auditor)),
        ("profile-examples-fault", part("examples", draft(true, true), Operator)),
        ("profile-attributes", part("attributes", draft(false, false), Operator)),
        ("profile-extension-attributes", part("extension-attributes", draft(false, false), Operator)),
        ("profile-role-rules-none", part("role-rules", draft(false, false), Operator)),
        ("profile-rule", form("rules", "0", Operator, None)),
        ("profile-rule-auditor", form("rules", "0", Auditor, None)),
        (
            "profile-rule-wrong",
            form("rules", "0", Operator, Some(("require", "\"npj\" is not on offer here."))),
        ),
        ("profile-rule-new", form("rules", "new", Operator, None)),
        ("profile-attribute", form("attributes", "name", Operator, None)),
        ("profile-offered", form("attributes", "offered", Operator, None)),
        ("profile-extension-attribute", form("extension-attributes", "0.4", Operator, None)),
        ("profile-policies", form("policies", "all", Operator, None)),
        ("profile-leniencies", form("leniencies", "all", Operator, None)),
        ("profile-example", form("examples", "0", Operator, None)),
        ("profile-example-auditor", form("examples", "0", Auditor, None)),
        ("profile-try", tester("").render()),
        ("profile-try-taken", tester("taken").render()),
        ("profile-try-refused", tester("refused").render()),
        ("profile-try-wrong", tester("wrong").render()),
        ("profile-recheck", recheck(true, false).render()),
        ("profile-recheck-draft", recheck(true, true).render()),
        ("profile-recheck-done", recheck(false, false).render()),
        ("profile-compare", compared(false).render()),
        ("profile-compare-wrong", compared(true).render()),
    ]
}
