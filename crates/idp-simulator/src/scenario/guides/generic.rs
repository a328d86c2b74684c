//! Any product: everything that Okta does, as a wizard app and as a catalogue app.

use super::Play;
use crate::okta::{AppStyle, Engine};
use crate::report::Feature;

const TEST: Feature = Feature { name: "Test API credentials", reference: "Okta: test plan C9306" };
const CREATE: Feature = Feature { name: "Create users", reference: "Okta: test plan C9290" };
const LINK: Feature = Feature { name: "Link users", reference: "Okta: test plan C9335" };
const REFUSE: Feature = Feature { name: "Refuse duplicates", reference: "Okta: SCIM 2.0 reference" };
const LOOK_UP: Feature = Feature { name: "Look up nobody", reference: "Okta: SCIM 2.0 reference" };
const UPDATE: Feature = Feature { name: "Update user attributes", reference: "Okta: test plan C9291" };
const EMPTY: Feature = Feature { name: "Push empty values", reference: "Okta: test plan C9337" };
const PASSWORD: Feature = Feature { name: "Sync password", reference: "Okta: test plan C9301" };
const DEACTIVATE: Feature = Feature { name: "Deactivate users", reference: "Okta: test plan C9292" };
const REACTIVATE: Feature = Feature { name: "Reactivate users", reference: "Okta: test plan C9293" };
const PUSH: Feature = Feature { name: "Push groups", reference: "Okta: test plan C9312" };
const CHANGE: Feature = Feature { name: "Change groups", reference: "Okta: test plan C9316, C9332" };
const DELETE: Feature = Feature { name: "Delete pushed groups", reference: "Okta: test plan C9318" };
const IMPORT: Feature =
    Feature { name: "Import users and groups", reference: "Okta: test plan C9303 to C9305" };

pub(super) const FEATURES: &[Feature] = &[
    TEST, CREATE, LINK, REFUSE, LOOK_UP, UPDATE, EMPTY, PASSWORD, DEACTIVATE, REACTIVATE, PUSH, CHANGE,
    DELETE, IMPORT,
];

const USERS: usize = 16;
pub(super) const TICKS: usize = 1 + USERS + 4 + 6 + 2 + 4 + 2 + 2 * 3 + 1;

const STYLES: [AppStyle; 2] = [AppStyle::Wizard, AppStyle::Catalogue];

pub(super) async fn play(play: &mut Play<'_>) {
    play.credentials(TEST).await;
    play.assign(CREATE, USERS).await;
    refusals(play).await;
    for (style, start) in STYLES.into_iter().zip([0, 8]) {
        play.engine = play.engine.with_style(style);
        play.update(UPDATE, start..start + 3).await;
        empty(play, start + 3).await;
        play.deactivate(DEACTIVATE, start + 4..start + 6).await;
        play.reactivate(REACTIVATE, start + 4..start + 5).await;
        groups(play, start).await;
    }
    play.import(IMPORT).await;
}

/// What must not happen, somebody who is there already, names with digits, and a new password.
async fn refusals(play: &mut Play<'_>) {
    let engine = play.step(REFUSE);
    for account in &play.some(0..1) {
        engine.refuse_duplicate(account).await;
    }
    // Okta's own tests use names with digits.
    let mut person = play.people.person(USERS);
    person.given_name = "Runscope123".into();
    if let Some(account) = engine.assign_twice_at_once(&person).await {
        play.accounts.push(account);
    }
    play.steps.tick(REFUSE.name);
    let engine = play.step(LOOK_UP);
    engine.look_up_nobody(&play.people.nobody(0)).await;
    engine.look_up_nobody("").await;
    play.steps.tick(LOOK_UP.name);
    let engine = play.step(LINK);
    if let Some(account) = play.accounts.get_mut(1) {
        let mut person = account.person.clone();
        person.title = "Linked".into();
        if let Some(linked) = engine.assign(&person).await {
            engine.expect_same(account, &linked);
            *account = linked;
        }
    }
    play.steps.tick(LINK.name);
    let engine = play.step(PASSWORD).with_style(AppStyle::Catalogue);
    let password = play.people.person(USERS + 1).password;
    if let Some(account) = play.accounts.get_mut(2) {
        engine.sync_password(account, &password).await;
    }
    play.steps.tick(PASSWORD.name);
}

/// Somebody loses title and telephone: no error, and no value afterwards.
async fn empty(play: &mut Play<'_>, place: usize) {
    let engine = play.step(EMPTY);
    if let Some(account) = play.accounts.get_mut(place) {
        let mut person = account.person.clone();
        person.title.clear();
        person.user_type.clear();
        engine.update_profile(account, person).await;
    }
    play.steps.tick(EMPTY.name);
}

/// Three groups: one with members in and out and a new name, one pushed whole and empty, one deleted.
async fn groups(play: &mut Play<'_>, start: usize) {
    let name = |what: &str| format!("{what} {} {start}", play.people.tag());
    let (changing, pushed, deleted) = (name("Ward"), name("Clinic"), name("Office"));
    let renamed = name("Ward renamed");
    let engine = play.step(PUSH);
    let first = engine.push_group(&changing, &play.some(start..start + 3)).await;
    let second = engine.push_group(&pushed, &play.some(start..start + 8)).await;
    let third = engine.push_group(&deleted, &play.some(start..start + 2)).await;
    play.steps.tick(PUSH.name);
    let engine: Engine = play.step(CHANGE);
    if let Some(mut group) = first {
        engine.refuse_duplicate_group(&group.name).await;
        engine.add_members(&mut group, &play.some(start + 3..start + 6)).await;
        engine.remove_members(&mut group, &play.some(start..start + 2)).await;
        // There and back, so that a later run finds the group by its name.
        engine.rename_group(&mut group, &renamed).await;
        engine.rename_group(&mut group, &changing).await;
        play.groups.push(group);
    }
    if let Some(mut group) = second {
        engine.push_now(&mut group, &[]).await;
        engine.push_now(&mut group, &play.some(start..start + 5)).await;
        play.groups.push(group);
    }
    play.steps.tick(CHANGE.name);
    let engine = play.step(DELETE);
    if let Some(group) = third {
        engine.delete_group(&group, &play.some(start..start + 2)).await;
    }
    play.steps.tick(DELETE.name);
}
