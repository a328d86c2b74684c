//! Sessions as people see them, changes of people, second factors, invitations, identities.

use std::collections::BTreeSet;

use store::{
    AdminId,
    admins::{
        Admin, AdminRole, Outcome, Proof, Standing,
        factors::{TRIES, Turn, WINDOW},
        sessions::{Seat, SessionRow},
    },
};
use store_testing::on_both;

use crate::common::{conflict, context, tenant};

fn admin(email: &str, role: AdminRole) -> Admin {
    Admin {
        id: AdminId::generate(),
        email: email.into(),
        password_hash: "$argon2id$…".into(),
        role,
        tenants: BTreeSet::new(),
        created_at: 1_700_000_000_001,
    }
}

fn session(byte: u8, admin: &Admin, at: i64) -> SessionRow {
    let seat = Seat {
        admin: admin.id,
        pending: false,
        created_at: at,
        last_seen_at: at,
        address: "203.0.113.7".into(),
        agent: "Firefox".into(),
    };
    SessionRow { id_hash: vec![byte; 32], data: "{}".into(), expires_at: at + 43_200_000, seat: Some(seat) }
}

on_both! {
    async fn sessions_are_somebodys(store: TestStore) {
        let platform = store.platform();
        let (ada, bo) = (admin("ada@x", AdminRole::Operator), admin("bo@x", AdminRole::Auditor));
        for person in [&ada, &bo] {
            platform.create_admin(person, &context()).await.unwrap();
        }
        let (first, second, other) = (session(1, &ada, store.now()), session(2, &ada, store.now() + 1), session(3, &bo, store.now()));
        let mut half = session(4, &ada, store.now());
        half.seat.as_mut().unwrap().pending = true;
        for row in [&first, &second, &other, &half] {
            platform.create_session(row).await.unwrap();
        }
        assert_eq!(platform.sessions_of(ada.id).await.unwrap(), [second.clone(), first.clone()], "without the one that waits for a code");
        // A minute has to pass before it is written that a session was used.
        store.advance(50_000);
        platform.session_seen(&first.id_hash, "192.0.2.1").await.unwrap();
        assert_eq!(platform.session(&first.id_hash).await.unwrap(), Some(first.clone()));
        store.advance(11_000);
        platform.session_seen(&first.id_hash, "192.0.2.1").await.unwrap();
        let seat = platform.session(&first.id_hash).await.unwrap().unwrap().seat.unwrap();
        let since = first.seat.as_ref().unwrap().last_seen_at;
        assert!(seat.last_seen_at >= since + 61_000 && seat.address == "192.0.2.1", "{seat:?}");
        assert_eq!(platform.sessions_of(ada.id).await.unwrap()[0].id_hash, first.id_hash, "the last used first");

        let epoch = store.epoch();
        assert!(!platform.end_session(bo.id, &first.id_hash, &context()).await.unwrap());
        assert_eq!(store.epoch(), epoch);
        assert!(platform.end_session(ada.id, &first.id_hash, &context()).await.unwrap());
        assert_eq!(store.epoch(), epoch + 1);
        platform.create_session(&first).await.unwrap();
        assert_eq!(platform.end_sessions(ada.id, Some(&second.id_hash), &context()).await.unwrap(), 2, "the half one, too");
        assert_eq!(platform.end_sessions(ada.id, Some(&second.id_hash), &context()).await.unwrap(), 0);
        assert_eq!(store.epoch(), epoch + 2);
        platform.delete_session(&second.id_hash).await.unwrap();
        assert_eq!(store.epoch(), epoch + 3, "other nodes may remember it");
        platform.delete_session(&second.id_hash).await.unwrap();
        assert_eq!(store.epoch(), epoch + 3);
        assert!(platform.session(&other.id_hash).await.unwrap().is_some());
        platform.remove_admin(bo.id, &context()).await.unwrap();
        assert_eq!(platform.session(&other.id_hash).await.unwrap(), None, "a session goes with its person");
    }

    async fn a_person_has_fifty_sessions_at_most(store: TestStore) {
        let (platform, ada) = (store.platform(), admin("ada@x", AdminRole::Operator));
        platform.create_admin(&ada, &context()).await.unwrap();
        for byte in 0..53 {
            platform.create_session(&session(byte, &ada, store.now() + i64::from(byte))).await.unwrap();
        }
        let kept = platform.sessions_of(ada.id).await.unwrap();
        assert_eq!((kept.len(), kept.last().unwrap().id_hash[0]), (50, 3), "the oldest have gone");

        // Whoever has the password and no code ends none of them.
        let waiting = |byte: u8| {
            let mut row = session(byte, &ada, store.now() + 1000 + i64::from(byte));
            row.seat.as_mut().unwrap().pending = true;
            row
        };
        let epoch = store.epoch();
        for byte in 100..152 {
            platform.create_session(&waiting(byte)).await.unwrap();
        }
        assert_eq!(platform.sessions_of(ada.id).await.unwrap(), kept);
        assert_eq!(platform.session(&[101; 32]).await.unwrap(), None, "they are bounded, too");
        assert_eq!(store.epoch(), epoch);
        platform.create_session(&session(60, &ada, store.now() + 2000)).await.unwrap();
        assert_eq!(platform.session(&[3; 32]).await.unwrap(), None);
        assert_eq!(store.epoch(), epoch + 1, "nodes may remember the one that ended");
    }

    async fn what_was_proven_is_asked_once_more(store: TestStore) {
        let (platform, ada) = (store.platform(), admin("ada@x", AdminRole::Operator));
        platform.create_admin(&ada, &context()).await.unwrap();
        let proof = |hash: &str, second_factor| Proof::Password { hash: hash.into(), second_factor };
        let first = proof(&ada.password_hash, false);
        assert!(platform.note_sign_in(&ada, &first, "password", "", &context()).await.unwrap());
        let refused = async |proof: &Proof| {
            assert!(!platform.is_still_proven(ada.id, proof).await.unwrap());
            assert!(!platform.note_sign_in(&ada, proof, "password", "", &context()).await.unwrap());
        };
        // Whoever knows a password that is no longer that changes nothing.
        assert!(!platform.set_admin_password(ada.id, "other", "new", None, &context()).await.unwrap());
        assert!(platform.is_still_proven(ada.id, &first).await.unwrap());
        assert!(platform.set_admin_password(ada.id, &ada.password_hash, "new", None, &context()).await.unwrap());
        refused(&first).await;
        platform.begin_second_factor(ada.id, b"one").await.unwrap();
        assert!(platform.is_still_proven(ada.id, &proof("new", false)).await.unwrap(), "it is not confirmed");
        platform.confirm_second_factor(ada.id, 1, &[], None, &context()).await.unwrap();
        refused(&proof("new", false)).await;
        assert!(platform.is_still_proven(ada.id, &proof("new", true)).await.unwrap());
        platform.remove_second_factor(ada.id, &context()).await.unwrap();
        refused(&proof("new", true)).await;
        assert!(platform.is_still_proven(ada.id, &Proof::Provider).await.unwrap());
        let trail = platform.audit(Some(&ada.id.to_string()), 9).await.unwrap();
        assert_eq!(trail.iter().filter(|row| row.event == "admin.signed-in").count(), 1);
        platform.create_admin(&admin("bo@x", AdminRole::Operator), &context()).await.unwrap();
        platform.remove_admin(ada.id, &context()).await.unwrap();
        refused(&Proof::Provider).await;
    }

    async fn somebody_who_can_sign_in_stays_operator(store: TestStore) {
        let platform = store.platform();
        let acme = tenant(&store, "acme").await;
        let ada = admin("ada@x", AdminRole::Operator);
        let invited = Admin { password_hash: String::new(), ..admin("new@x", AdminRole::Operator) };
        for person in [&ada, &invited] {
            platform.create_admin(person, &context()).await.unwrap();
        }
        let to_manager = async |id| platform.set_admin_role(id, AdminRole::Manager, &BTreeSet::from([acme]), &context()).await.unwrap();
        assert_eq!(to_manager(ada.id).await, Outcome::LastOperator);
        assert_eq!(platform.remove_admin(ada.id, &context()).await.unwrap(), Outcome::LastOperator);
        assert_eq!(platform.admin_by_id(ada.id).await.unwrap(), Some(ada.clone()));
        // Whoever comes by the provider can sign in.
        platform.bind_identity(invited.id, "https://login.example.com", "u-1", &context()).await.unwrap();
        let before = store.epoch();
        let Outcome::Done(changed) = to_manager(ada.id).await else { panic!("not changed") };
        assert_eq!((changed.role, changed.tenants.len(), store.epoch()), (AdminRole::Manager, 1, before + 1));
        assert_eq!(platform.admin_by_id(ada.id).await.unwrap(), Some(changed));
        assert_eq!(to_manager(ada.id).await, Outcome::Done(platform.admin_by_id(ada.id).await.unwrap().unwrap()));
        assert_eq!(store.epoch(), before + 1, "nothing was changed");
        assert_eq!(to_manager(AdminId::generate()).await, Outcome::Unknown);
        assert_eq!(platform.remove_admin(AdminId::generate(), &context()).await.unwrap(), Outcome::Unknown);
        let trail = platform.audit(Some(&ada.id.to_string()), 9).await.unwrap();
        let events: Vec<_> = trail.iter().map(|row| (row.event.as_str(), row.object_version)).collect();
        assert_eq!(events, [("admin.updated", 2), ("admin.created", 1)]);
        assert_eq!(trail[0].payload.as_ref().unwrap()["before"]["role"], "operator");
    }

    async fn of_two_operators_who_go_at_once_one_stays(store: TestStore) {
        let platform = store.platform();
        let pair = [admin("ada@x", AdminRole::Operator), admin("bo@x", AdminRole::Operator)];
        for person in &pair {
            platform.create_admin(person, &context()).await.unwrap();
        }
        let by = context();
        let both = futures::future::join_all(pair.iter().map(|person| platform.remove_admin(person.id, &by))).await;
        let stayed = both.into_iter().filter(|outcome| !matches!(outcome, Ok(Outcome::Done(_)))).count();
        assert_eq!((stayed, platform.admin_count().await.unwrap()), (1, 1));
    }

    async fn codes_are_tried_and_taken(store: TestStore) {
        let (platform, ada) = (store.platform(), admin("ada@x", AdminRole::Operator));
        platform.create_admin(&ada, &context()).await.unwrap();
        assert_eq!(platform.try_code(ada.id).await.unwrap(), Turn::None);
        assert!(platform.begin_second_factor(ada.id, b"one").await.unwrap());
        assert!(platform.begin_second_factor(ada.id, b"two").await.unwrap(), "it was not confirmed");
        assert_eq!(platform.try_code(ada.id).await.unwrap(), Turn::None);
        let codes = [vec![1; 32], vec![2; 32]];
        assert!(platform.confirm_second_factor(ada.id, 100, &codes, None, &context()).await.unwrap());
        assert!(!platform.confirm_second_factor(ada.id, 101, &codes, None, &context()).await.unwrap());
        assert!(!platform.begin_second_factor(ada.id, b"three").await.unwrap());
        assert_eq!(platform.second_factor(ada.id).await.unwrap().unwrap().sealed, b"two");
        for (step, taken) in [(100, false), (99, false), (101, true), (101, false)] {
            assert_eq!(platform.take_code(ada.id, step).await.unwrap(), taken, "{step}");
        }
        let since = store.now();
        for _ in 0..TRIES {
            assert!(matches!(platform.try_code(ada.id).await.unwrap(), Turn::Open(_)));
        }
        assert!(matches!(platform.try_code(ada.id).await.unwrap(), Turn::Locked(until) if until >= since + WINDOW));
        store.advance(WINDOW);
        assert!(matches!(platform.try_code(ada.id).await.unwrap(), Turn::Open(_)));

        assert_eq!(platform.recovery_codes_left(ada.id).await.unwrap(), 2);
        assert_eq!(platform.take_recovery_code(ada.id, &[3; 32], &context()).await.unwrap(), None);
        assert_eq!(platform.take_recovery_code(ada.id, &codes[0], &context()).await.unwrap(), Some(1));
        assert_eq!(platform.take_recovery_code(ada.id, &codes[0], &context()).await.unwrap(), None);
        let standing = platform.standings(&[ada.id]).await.unwrap().remove(&ada.id).unwrap();
        assert_eq!(standing, Standing { second_factor: true, ..Standing::default() });
        assert!(platform.remove_second_factor(ada.id, &context()).await.unwrap());
        assert!(!platform.remove_second_factor(ada.id, &context()).await.unwrap());
        assert_eq!(platform.recovery_codes_left(ada.id).await.unwrap(), 0);
        assert!(!platform.replace_recovery_codes(ada.id, &codes, &context()).await.unwrap());
    }

    async fn an_invitation_is_taken_once(store: TestStore) {
        let platform = store.platform();
        let new = Admin { password_hash: String::new(), ..admin("new@x", AdminRole::Operator) };
        let ends = store.now() + 1000;
        platform.create_invited_admin(&new, &[1; 32], ends, &context()).await.unwrap();
        let again = Admin { id: AdminId::generate(), ..new.clone() };
        assert_eq!(conflict(platform.create_invited_admin(&again, &[2; 32], ends, &context()).await), "email");
        assert_eq!(platform.invitation(&[1; 32]).await.unwrap().unwrap().admin, new.id);
        assert!(platform.invite_admin(new.id, &[3; 32], ends, &context()).await.unwrap());
        assert!(!platform.invite_admin(AdminId::generate(), &[4; 32], ends, &context()).await.unwrap());
        assert_eq!(platform.accept_invitation(&[1; 32], "hash", "r").await.unwrap(), None);
        let accepted = platform.accept_invitation(&[3; 32], "hash", "r").await.unwrap().unwrap();
        assert_eq!(platform.admin_by_id(new.id).await.unwrap(), Some(accepted));
        assert_eq!(platform.accept_invitation(&[3; 32], "other", "r").await.unwrap(), None);
        platform.invite_admin(new.id, &[5; 32], ends, &context()).await.unwrap();
        store.advance(1000);
        assert_eq!(platform.accept_invitation(&[5; 32], "other", "r").await.unwrap(), None);
        assert_eq!(platform.admin_by_id(new.id).await.unwrap().unwrap().password_hash, "hash");
        let trail = platform.audit(Some(&new.id.to_string()), 1).await.unwrap();
        assert_eq!(trail[0].event, "admin.invited");
    }

    async fn a_subject_is_one_persons(store: TestStore) {
        let platform = store.platform();
        let (ada, bo) = (admin("ada@x", AdminRole::Operator), admin("bo@x", AdminRole::Operator));
        platform.create_admin(&ada, &context()).await.unwrap();
        platform.create_admin_of_issuer(&bo, "https://i", "u-2", &context()).await.unwrap();
        platform.bind_identity(ada.id, "https://i", "u-1", &context()).await.unwrap();
        for subject in ["u-1", "u-2", "u-3"] {
            assert_eq!(conflict(platform.bind_identity(ada.id, "https://i", subject, &context()).await), "identity", "{subject}");
        }
        assert_eq!(platform.admin_by_identity("https://i", "u-2").await.unwrap(), Some(bo.clone()));
        assert_eq!(platform.admin_by_identity("https://i", "U-2").await.unwrap(), None);
        assert_eq!(platform.admin_by_identity("https://j", "u-2").await.unwrap(), None);
        platform.remove_admin(bo.id, &context()).await.unwrap();
        assert_eq!(platform.admin_by_identity("https://i", "u-2").await.unwrap(), None);
    }
}
