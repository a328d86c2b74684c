//! How far the connection of a tenant has come, and the one thing to say about it. Pure: what to say is decided by the
//! facts alone.

use scim_core::timestamp::relative;

/// How long a failure or a refusal is news, in milliseconds.
pub(crate) const NEWS: i64 = 24 * 3_600_000;

/// When something was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// First, in milliseconds.
    pub(crate) first: i64,
    /// Last.
    pub(crate) last: i64,
}

/// Requests with a good credential that were answered with an error, as far as they are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: i32,
    /// The answer's reason.
    pub(crate) reason: String,
    /// Were they about groups?
    pub(crate) of_groups: bool,
    /// How many of the newest ones.
    pub(crate) count: u64,
    /// Milliseconds.
    pub(crate) last: i64,
}

/// Calls whose credential was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// What was wrong, in a sentence.
    pub(crate) what: String,
    pub(crate) remedy: String,
    pub(crate) count: u64,
    /// Milliseconds.
    pub(crate) last: i64,
}

/// All that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Milliseconds.
    pub(crate) now: i64,
    /// Does somebody look who came by a link, and knows of no credential but the one that the link makes?
    pub(crate) guest: bool,
    /// Is the tenant served?
    pub(crate) active: bool,
    /// When the newest credential was made that lets an identity provider in.
    pub(crate) credential: Option<i64>,
    /// Was there ever one?
    pub(crate) had_credential: bool,
    /// Has the product groups?
    pub(crate) groups: bool,
    /// Of the identity provider: its name, and what tests the connection.
    pub(crate) provider: &'static str,
    pub(crate) test: &'static str,
    /// Does it push groups apart from assigning them?
    pub(crate) pushes: bool,
    pub(crate) call: Option<Seen>,
    pub(crate) lookup: Option<Seen>,
    pub(crate) user: Option<Seen>,
    /// Of a user.
    pub(crate) update: Option<Seen>,
    pub(crate) group: Option<Seen>,
    pub(crate) membership: Option<Seen>,
    /// The newest kind of failure.
    pub(crate) failure: Option<Failure>,
    /// The newest refusal.
    pub(crate) refusal: Option<Refusal>,
}

/// State of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It has happened.
    Done,
    /// It is to be done now.
    Next,
    /// Later.
    Open,
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// For tests and addresses: `call`.
    pub(crate) key: &'static str,
    pub(crate) title: String,
    pub(crate) mark: Mark,
    /// When, or what is to be done.
    pub(crate) detail: String,
}

/// What is said above the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// `ok`, `warn`, `bad`, or empty: the look.
    pub(crate) tone: &'static str,
    pub(crate) text: String,
    /// What to do, if anything.
    pub(crate) todo: String,
}

/// The list, and what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checklist {
    pub(crate) lines: Vec<Line>,
    pub(crate) said: Said,
}

impl Checklist {
    /// Of these facts.
    pub(crate) fn of(facts: &Facts) -> Self {
        Self { lines: lines(facts), said: said(facts) }
    }

    /// How many are done, of how many.
    pub(crate) fn progress(&self) -> (usize, usize) {
        (self.lines.iter().filter(|line| line.mark == Mark::Done).count(), self.lines.len())
    }
}

fn lines(facts: &Facts) -> Vec<Line> {
    let ago = |at: i64| relative(at - facts.now);
    let heard = |seen: Option<Seen>| {
        seen.map(|seen| match seen.last - seen.first {
            0 => format!("heard {}", ago(seen.last)),
            _ => format!("first {}, last {}", ago(seen.first), ago(seen.last)),
        })
    };
    let active = facts.active.then(|| "its identity provider is served".to_owned());
    let mut all = vec![
        (
            "credential",
            "Credential made".to_owned(),
            facts.credential.map(|at| format!("made {}", ago(at))),
            "Make it on this page.".to_owned(),
        ),
        (
            "active",
            "Tenant active".to_owned(),
            active,
            "Activate it, or every call is answered 403.".to_owned(),
        ),
        (
            "call",
            "First call with it".to_owned(),
            heard(facts.call),
            format!("Press {} in {}.", facts.test, facts.provider),
        ),
        (
            "lookup",
            "First look-up of a person".to_owned(),
            heard(facts.lookup),
            "Assign one person to the app.".to_owned(),
        ),
        ("user", "First user".to_owned(), heard(facts.user), "It follows the look-up by itself.".to_owned()),
    ];
    if facts.groups {
        let push = if facts.pushes { "Push a group: assigning it is not enough." } else { "Assign a group." };
        all.push(("group", "First group".to_owned(), heard(facts.group), push.to_owned()));
        all.push((
            "membership",
            "First membership".to_owned(),
            heard(facts.membership),
            "Its members must be assigned to the app, too.".to_owned(),
        ));
    }
    // What comes after something that happened has happened, too: Okta does not look up whom it imports.
    let last_done = |done: &[bool], at: usize| done.iter().skip(at).any(|done| *done);
    let done: Vec<bool> = all.iter().map(|(_, _, done, _)| done.is_some()).collect();
    let next = done.iter().position(|done| !done);
    all.into_iter()
        .enumerate()
        .map(|(at, (key, title, detail, todo))| {
            let skipped = key == "lookup" && detail.is_none() && last_done(&done, at + 1);
            let mark = match detail {
                Some(_) => Mark::Done,
                None if skipped => Mark::Open,
                None if Some(at) == next || next_after_skip(&done, at, key) => Mark::Next,
                None => Mark::Open,
            };
            let detail = match detail {
                Some(detail) => detail,
                None if skipped => "Not needed: users arrived without it.".to_owned(),
                None => todo,
            };
            Line { key, title, mark, detail }
        })
        .collect()
}

/// The first thing to do when the look-up was left out.
fn next_after_skip(done: &[bool], at: usize, key: &str) -> bool {
    const LOOKUP: usize = 3;
    let first = done.iter().position(|done| !done);
    let second = done.iter().enumerate().position(|(at, done)| !done && at > LOOKUP);
    first == Some(LOOKUP)
        && done.iter().skip(LOOKUP + 1).any(|done| *done)
        && second == Some(at)
        && key != "lookup"
}

fn said(facts: &Facts) -> Said {
    let ago = |at: i64| relative(at - facts.now);
    let say = |tone, text: String, todo: &str| Said { tone, text, todo: todo.to_owned() };
    let is_news = |at: i64| facts.now - at < NEWS;
    let since = |seen: Option<Seen>| seen.map_or(i64::MIN, |seen| seen.last);

    if let Some(refusal) =
        facts.refusal.as_ref().filter(|one| is_news(one.last) && one.last >= since(facts.call))
    {
        let times = if refusal.count > 1 { format!(", {} times", refusal.count) } else { String::new() };
        let text = format!("{} {}{times}: {}", refusal.status, ago(refusal.last), refusal.what);
        return say("bad", text, &refusal.remedy);
    }
    let Some(made) = facts.credential else {
        return if facts.had_credential {
            say(
                "bad",
                "No credential works any more: every call is answered 401.".into(),
                "Make a new one on this page and paste it into the identity provider.",
            )
        } else {
            say(
                "",
                "Nothing has happened yet.".into(),
                "Make the credential on this page, then paste it with the address into the identity provider.",
            )
        };
    };
    if !facts.active {
        return say("warn", "The tenant is inactive: whoever calls is answered 403.".into(), "Activate it.");
    }
    let Some(call) = facts.call else {
        let whose =
            if facts.guest { "secret (the one made below, or one that you were given)" } else { "secret" };
        let todo = format!("Paste address and {whose} into {}, then press {}.", facts.provider, facts.test);
        return say(
            "warn",
            format!("The credential was made {}, and nobody has called with it yet.", ago(made)),
            &todo,
        );
    };
    // What failed and has not gone well since.
    let recent = facts.failure.as_ref().filter(|one| is_news(one.last));
    let failed = recent.filter(|one| one.last >= later(facts, one));
    if let Some(failure) = failed {
        let whom = if failure.of_groups { "Groups are refused" } else { "Users are refused" };
        return say("bad", told(whom, failure, facts.now), todo_of(facts, failure));
    }
    if facts.user.is_none() {
        let text = if facts.lookup.is_some() {
            format!("Somebody was looked up {}, and no user has come yet.", ago(since(facts.lookup)))
        } else {
            format!("Connected: the last call was {}. No user has come yet.", ago(call.last))
        };
        return say(
            "warn",
            text,
            "Assign one person to the app, and see to it that creating users is switched on there.",
        );
    }
    if facts.groups && facts.group.is_none() {
        return if facts.pushes {
            say(
                "warn",
                "Users arrive, and no groups are pushed: assigning a group is not pushing it.".into(),
                "Push a group in the tab Push Groups, if groups are wanted.",
            )
        } else {
            say(
                "warn",
                "Users arrive, and no group has come yet.".into(),
                "Assign a group to the app and switch groups on in its mappings, if groups are wanted.",
            )
        };
    }
    if facts.groups && facts.membership.is_none() {
        return say(
            "warn",
            "Groups arrive without members.".into(),
            "Assign the members of the group to the app, too; then push the group again.",
        );
    }
    if let Some(failure) = recent {
        let whom = if failure.of_groups { "Some groups were refused" } else { "Some users were refused" };
        return say("warn", told(whom, failure, facts.now), todo_of(facts, failure));
    }
    say("ok", format!("All is well. The last call was {}.", ago(call.last)), "")
}

fn told(whom: &str, failure: &Failure, now: i64) -> String {
    let times = match failure.count {
        1 => "The last time was".to_owned(),
        count => format!("{count} times, the last"),
    };
    let reason = failure.reason.trim_end_matches('.');
    format!("{whom}: {} {reason}. {times} {}.", failure.status, relative(failure.last - now))
}

/// A failure about users counts until a user came after it, one about groups until a group did.
fn later(facts: &Facts, failure: &Failure) -> i64 {
    let kinds = if failure.of_groups { [facts.group, facts.membership] } else { [facts.user, facts.update] };
    kinds.into_iter().flatten().map(|seen| seen.last).max().unwrap_or(i64::MIN)
}

fn todo_of(facts: &Facts, failure: &Failure) -> &'static str {
    match failure.status {
        404 if failure.of_groups && !facts.groups => {
            "Switch groups off in the identity provider: this product has none. Users come all the same."
        }
        400 => "Mend the value or the mapping in the identity provider, then let it try again.",
        403 => "The credential may not do that: make one that may read and change.",
        404 => {
            "What it asks for is not here. If it was deleted here, let the identity provider make it anew."
        }
        409 => "It is taken here already: link it, or change the name on one of the two sides.",
        412 => "Somebody else changed it meanwhile: let the identity provider try again.",
        429 => "Too many at once: the identity provider tries again by itself.",
        status if status >= 500 => "The fault is here: look for the request id in the server’s log.",
        _ => "Look at the request in Activity.",
    }
}

#[cfg(test)]
#[path = "checklist_tests.rs"]
mod tests;
