//! What is said of which facts: a table.

use super::*;

const NOW: i64 = 1_795_255_200_000;
const MINUTE: i64 = 60_000;

/// So many minutes ago.
fn seen(minutes: i64) -> Option<Seen> {
    Some(Seen { first: NOW - minutes * MINUTE, last: NOW - minutes * MINUTE })
}

fn nothing() -> Facts {
    Facts {
        now: NOW,
        guest: false,
        active: true,
        credential: None,
        had_credential: false,
        groups: true,
        provider: "Okta",
        test: "Test API Credentials",
        pushes: true,
        call: None,
        lookup: None,
        user: None,
        update: None,
        group: None,
        membership: None,
        failure: None,
        refusal: None,
    }
}

fn made() -> Facts {
    Facts { credential: Some(NOW - 5 * MINUTE), had_credential: true, ..nothing() }
}

fn called() -> Facts {
    Facts { call: seen(4), ..made() }
}

fn users() -> Facts {
    Facts { lookup: seen(3), user: seen(3), call: seen(3), ..called() }
}

fn refusal(minutes: i64, status: u16, count: u64) -> Option<Refusal> {
    Some(Refusal {
        status,
        what: "The token “Okta” belongs to another tenant.".into(),
        remedy: "Use the address of its tenant.".into(),
        count,
        last: NOW - minutes * MINUTE,
    })
}

fn failure(minutes: i64, count: u64, of_groups: bool) -> Option<Failure> {
    Some(Failure {
        status: 400,
        reason: "npi is required.".into(),
        of_groups,
        count,
        last: NOW - minutes * MINUTE,
    })
}

#[test]
fn one_thing_is_said() {
    let complete = Facts { group: seen(2), membership: seen(1), call: seen(1), ..users() };
    let table: Vec<(Facts, &str, &str, &str)> = vec![
        (nothing(), "", "Nothing has happened yet.", "Make the credential"),
        (
            Facts { had_credential: true, ..nothing() },
            "bad",
            "No credential works any more",
            "Make a new one",
        ),
        (Facts { active: false, ..made() }, "warn", "The tenant is inactive", "Activate it."),
        (
            made(),
            "warn",
            "The credential was made 5 minutes ago, and nobody has called",
            "Paste address and secret into Okta, then press Test API Credentials",
        ),
        (
            Facts { guest: true, ..made() },
            "warn",
            "The credential was made 5 minutes ago, and nobody has called",
            "or one that you were given) into Okta, then press",
        ),
        (
            Facts {
                failure: failure(2, 1, true).map(|one| Failure { status: 404, ..one }),
                groups: false,
                ..users()
            },
            "bad",
            "Groups are refused: 404 npi is required. The last time was 2 minutes ago.",
            "this product has none",
        ),
        (
            Facts { refusal: refusal(1, 401, 1), ..made() },
            "bad",
            "401 1 minute ago: The token “Okta” belongs to another tenant.",
            "Use the address of its tenant.",
        ),
        (
            Facts { refusal: refusal(1, 403, 3), active: false, ..made() },
            "bad",
            "403 1 minute ago, 3 times: ",
            "",
        ),
        (Facts { refusal: refusal(1, 401, 2), ..nothing() }, "bad", "401 1 minute ago, 2 times: ", "Use"),
        // It was mended since, or is long ago.
        (
            Facts { refusal: refusal(10, 401, 1), ..called() },
            "warn",
            "Connected: the last call was 4 minutes ago.",
            "Assign one person",
        ),
        (Facts { refusal: refusal(3000, 401, 1), ..made() }, "warn", "The credential was made", ""),
        // It went well once, and does not any more.
        (Facts { refusal: refusal(1, 401, 1), ..users() }, "bad", "401 1 minute ago", ""),
        (
            called(),
            "warn",
            "Connected: the last call was 4 minutes ago. No user has come yet.",
            "Assign one person",
        ),
        (
            Facts { lookup: seen(3), ..called() },
            "warn",
            "Somebody was looked up 3 minutes ago",
            "creating users is switched on",
        ),
        (
            Facts { failure: failure(2, 4, false), lookup: seen(1), call: seen(1), ..called() },
            "bad",
            "Users are refused: 400 npi is required. 4 times, the last 2 minutes ago.",
            "Mend the value",
        ),
        (
            Facts { failure: failure(2, 1, false), ..users() },
            "bad",
            "Users are refused: 400 npi is required. The last time was 2 minutes ago.",
            "",
        ),
        // A user came after it.
        (
            Facts { failure: failure(8, 4, false), ..users() },
            "warn",
            "Users arrive, and no groups are pushed: assigning a group is not pushing it.",
            "Push a group",
        ),
        (Facts { failure: failure(2, 1, true), ..users() }, "bad", "Groups are refused: 400", ""),
        (users(), "warn", "Users arrive, and no groups are pushed", "tab Push Groups"),
        (
            Facts { pushes: false, ..users() },
            "warn",
            "Users arrive, and no group has come yet.",
            "Assign a group",
        ),
        (Facts { groups: false, ..users() }, "ok", "All is well. The last call was 3 minutes ago.", ""),
        (Facts { group: seen(2), ..users() }, "warn", "Groups arrive without members.", "Assign the members"),
        (
            Facts { failure: failure(8, 2, false), ..complete.clone() },
            "warn",
            "Some users were refused: 400 npi is required. 2 times, the last 8 minutes ago.",
            "Mend the value",
        ),
        (complete, "ok", "All is well. The last call was 1 minute ago.", ""),
    ];
    for (facts, tone, text, todo) in table {
        let said = Checklist::of(&facts).said;
        assert_eq!(said.tone, tone, "{said:?} of {facts:?}");
        assert!(said.text.starts_with(text) && said.todo.contains(todo), "{said:?}, not {text:?} {todo:?}");
    }
}

fn marks(facts: &Facts) -> String {
    let lines = Checklist::of(facts).lines;
    let letter = |line: &Line| match line.mark {
        Mark::Done => 'x',
        Mark::Next => '>',
        Mark::Open => '.',
    };
    lines.iter().map(letter).collect()
}

#[test]
fn lines_tick_themselves_and_one_is_next() {
    let table = [
        (nothing(), ">x....."),
        (Facts { active: false, ..nothing() }, ">......"),
        (Facts { active: false, ..made() }, "x>....."),
        (made(), "xx>...."),
        (called(), "xxx>..."),
        (Facts { lookup: seen(3), ..called() }, "xxxx>.."),
        (users(), "xxxxx>."),
        (Facts { group: seen(3), ..users() }, "xxxxxx>"),
        (Facts { group: seen(3), membership: seen(3), ..users() }, "xxxxxxx"),
        (Facts { groups: false, ..users() }, "xxxxx"),
        // Nobody was looked up: an import, or an identity provider that does not.
        (Facts { lookup: None, ..users() }, "xxx.x>."),
    ];
    for (facts, expected) in table {
        assert_eq!(marks(&facts), expected, "{facts:?}");
    }
    let lines = Checklist::of(&users()).lines;
    assert_eq!(lines[4].detail, "heard 3 minutes ago");
    let twice = Facts { user: Some(Seen { first: NOW - 9 * MINUTE, last: NOW }), ..users() };
    assert_eq!(Checklist::of(&twice).lines[4].detail, "first 9 minutes ago, last just now");
    assert_eq!(Checklist::of(&twice).progress(), (5, 7));
}
