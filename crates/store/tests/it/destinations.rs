//! Deliveries: made of the feed, due one after the other of each object, settled by whoever holds the destination.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde_json::json;
use store::{
    DestinationId, StoreError, TenantId, UserId,
    activity::HOUR,
    destinations::{
        Attempt, Backlog, COUNTED, Delivered, Delivery, DeliveryQuery, Destination, DestinationChange,
        DestinationKind, DestinationState, End, Failing, Fate, Hold, MANY, MOST, NewDestination, Waiting,
    },
};
use store_testing::{TestStore, on_both};
use uuid::Uuid;

use crate::{
    common::{context, raw, run, tenant},
    support::user_state,
};

/// Longer than any test.
const LONG: i64 = 600_000;

fn new(tenant: Option<TenantId>) -> NewDestination {
    NewDestination {
        id: DestinationId::generate(),
        tenant,
        kind: DestinationKind::Webhook,
        name: "app".to_owned(),
        settings: json!({"url": "https://example.com/"}),
        sealed: b"sealed".to_vec(),
        events: Some(vec!["user.created".to_owned(), "user.updated".to_owned()]),
        state: DestinationState::Active,
        target: 60_000,
        after: Some(0),
        is_unique: false,
    }
}

async fn made(store: &TestStore, new: NewDestination) -> Destination {
    store.platform().create_destination(new, &context()).await.unwrap().expect("there is room")
}

async fn held(store: &TestStore, node: Uuid) -> Vec<Hold> {
    store.platform().hold_destinations(node, LONG).await.unwrap()
}

async fn one(store: &TestStore, node: Uuid) -> Hold {
    let mut holds = held(store, node).await;
    assert_eq!(holds.len(), 1);
    holds.remove(0)
}

async fn user(store: &TestStore, tenant: TenantId, name: &str) -> UserId {
    let state = user_state(json!({ "userName": name }));
    store.tenant(tenant).create_user(&state, &context()).await.unwrap().id
}

async fn renamed(store: &TestStore, tenant: TenantId, id: UserId, name: &str, title: &str) {
    let scope = store.tenant(tenant);
    let user = scope.user(id, false).await.unwrap().expect("there");
    let state = user_state(json!({ "userName": name, "title": title }));
    scope.replace_user(id, user.version, &state, &context()).await.unwrap().expect("replaced");
}

/// All that is in the feed is made deliveries.
async fn make(store: &TestStore, hold: &Hold) {
    store.number().await;
    while store.platform().make_deliveries(hold).await.unwrap().expect("it is held") {}
}

async fn due(store: &TestStore, hold: &Hold) -> Vec<i64> {
    let due = store.platform().due(hold.destination.id, store.now(), &[], 100).await.unwrap();
    due.iter().map(|letter| letter.event.position).collect()
}

fn attempt(store: &TestStore, position: i64, end: End) -> Attempt {
    Attempt { position, at: store.now(), took: 7, status: Some(200), of_event: false, end }
}

async fn settle(store: &TestStore, hold: &Hold, ends: &[(i64, End)]) -> Option<Option<Failing>> {
    let attempts: Vec<Attempt> =
        ends.iter().map(|(position, end)| attempt(store, *position, end.clone())).collect();
    store.platform().settle(hold, &attempts).await.unwrap()
}

async fn all(store: &TestStore, hold: &Hold) -> Vec<Delivery> {
    let query = DeliveryQuery { limit: 1_000, ..DeliveryQuery::default() };
    let mut all = store.platform().deliveries(hold.destination.id, &query).await.unwrap();
    all.reverse();
    all
}

async fn fates(store: &TestStore, hold: &Hold) -> Vec<(i64, Fate)> {
    all(store, hold).await.into_iter().map(|one| (one.position, one.fate)).collect()
}

fn again(store: &TestStore, later: i64) -> End {
    End::Again(store.now() + later, "it answered 500".to_owned())
}

on_both! {
    async fn of_an_object_only_the_first_is_due(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let other = tenant(&store, "other").await;
        store.number().await;
        made(&store, new(Some(id))).await;
        let hold = one(&store, Uuid::new_v4()).await;
        let ann = user(&store, id, "ann").await;
        let bob = user(&store, id, "bob").await;
        user(&store, other, "somebody").await;
        renamed(&store, id, ann, "ann", "a").await;
        renamed(&store, id, ann, "ann", "b").await;
        make(&store, &hold).await;
        let made = all(&store, &hold).await;
        let mut of_ann: Vec<i64> = Vec::new();
        let mut of_bob: Vec<i64> = Vec::new();
        for one in &made {
            assert_eq!(one.tenant, id, "those of its tenant alone");
            if one.object_id == ann.to_string() { of_ann.push(one.position) } else { of_bob.push(one.position) }
        }
        assert_eq!((of_ann.len(), of_bob.len()), (3, 1));
        assert_eq!(made.iter().find(|one| one.object_id == bob.to_string()).map(|one| one.event.as_str()), Some("user.created"));
        let mut first = vec![of_ann[0], of_bob[0]];
        first.sort_unstable();
        assert_eq!(due(&store, &hold).await, first);
        let under_way = store.platform().due(hold.destination.id, store.now(), &first, 100).await.unwrap();
        assert_eq!(under_way, [], "what is under way is not due");

        // A failure keeps what follows back; what has nothing to do with it goes on.
        let failed = settle(&store, &hold, &[(of_ann[0], again(&store, 5_000)), (of_bob[0], End::Done)]).await;
        assert_eq!(failed, Some(None), "something was taken");
        assert_eq!(due(&store, &hold).await, Vec::<i64>::new());
        store.advance(5_000);
        assert_eq!(due(&store, &hold).await, [of_ann[0]]);
        let letters = store.platform().due(hold.destination.id, store.now(), &[], 9).await.unwrap();
        assert_eq!((letters[0].attempts, letters[0].event.record.object_version), (1, 1));
        settle(&store, &hold, &[(of_ann[0], End::Done)]).await.expect("held");
        assert_eq!(due(&store, &hold).await, [of_ann[1]]);
        // What was given up holds nothing back either.
        settle(&store, &hold, &[(of_ann[1], End::Dead("it answered 500".to_owned()))]).await.expect("held");
        assert_eq!(due(&store, &hold).await, [of_ann[2]]);
        // Of one that comes later it is known that there is one before it.
        renamed(&store, id, ann, "ann", "c").await;
        make(&store, &hold).await;
        assert_eq!(due(&store, &hold).await, [of_ann[2]]);
        let waiting = store.platform().waiting(hold.destination.id).await.unwrap();
        assert_eq!((waiting.open, waiting.dead), (2, 1));
        assert!(waiting.oldest_at.is_some());
        let done = &all(&store, &hold).await[0];
        assert_eq!((done.fate, done.status, done.problem.as_deref()), (Fate::Done, Some(200), None));
        assert_eq!(done.delivered_at, done.tried.map(|(_, last)| last + 7));
        let entries = store.tenant(id).audit(Some(&ann.to_string()), 3).await.unwrap();
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
        let told = store.tenant(id).receipts(&ann.to_string(), &ids).await.unwrap();
        let fates: Vec<Fate> = told.iter().map(|receipt| receipt.fate).collect();
        assert_eq!(fates, [Fate::Behind, Fate::Due, Fate::Dead]);
        assert_eq!((told[0].name.as_str(), told[2].problem.as_deref()), ("app", Some("it answered 500")));
        let events: Vec<Uuid> = told.iter().map(|receipt| receipt.event).collect();
        assert_eq!(events, ids, "the trail's own ids");
        assert_eq!(store.tenant(id).receipts(&ann.to_string(), &ids[2..]).await.unwrap(), told[2..]);
        assert_eq!(store.tenant(other).receipts(&ann.to_string(), &ids).await.unwrap(), []);
    }

    async fn one_node_sends_and_what_another_notes_is_not_taken(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let (one_node, other_node) = (Uuid::new_v4(), Uuid::new_v4());
        assert_eq!(held(&store, one_node).await, [], "there is nothing to hold");
        made(&store, new(None)).await;
        let first = one(&store, one_node).await;
        assert_eq!(held(&store, other_node).await, [], "it is held");
        let renewed = one(&store, one_node).await;
        assert_eq!(renewed.term, first.term);
        user(&store, id, "ann").await;
        make(&store, &first).await;
        let [place] = due(&store, &first).await[..] else { panic!("one is due") };

        store.platform().let_go_of_destinations(one_node).await.unwrap();
        let second = one(&store, other_node).await;
        assert_eq!(second.term, first.term + 1);
        assert_eq!(settle(&store, &first, &[(place, End::Done)]).await, None);
        assert_eq!(store.platform().make_deliveries(&first).await.unwrap(), Some(false), "there is nothing to make");
        user(&store, id, "bob").await;
        store.number().await;
        assert_eq!(store.platform().make_deliveries(&first).await.unwrap(), None);
        assert!(!store.platform().disable_destination(&first, "x", &context()).await.unwrap());
        assert_eq!(due(&store, &second).await, [place], "it is sent again");
        // Its time is over: whoever comes takes it.
        assert_eq!(store.platform().hold_destinations(other_node, -1).await.unwrap().len(), 1);
        assert_eq!(one(&store, one_node).await.term, second.term + 1);
    }

    async fn what_takes_nothing_is_noticed_and_comes_back_at_once(store: TestStore) {
        let id = tenant(&store, "acme").await;
        made(&store, new(None)).await;
        let hold = one(&store, Uuid::new_v4()).await;
        for name in ["ann", "bob", "cat"] {
            user(&store, id, name).await;
        }
        make(&store, &hold).await;
        let places = due(&store, &hold).await;
        assert_eq!(places.len(), 3);
        let hour = 3_600_000;
        let ends: Vec<(i64, End)> = places.iter().map(|place| (*place, again(&store, 10 * hour))).collect();
        // The time goes on by itself as well: since when it fails is said by what comes of the first attempts.
        let before = store.now();
        let first = settle(&store, &hold, &ends[..2]).await.flatten().expect("it fails");
        let began = first.since;
        assert!(first.failures == 2 && (before..=store.now()).contains(&began), "{first:?}");
        let failing = |failures| Some(Some(Failing { since: began, failures }));
        store.advance(hour);
        assert_eq!(settle(&store, &hold, &ends[2..]).await, failing(3), "since the first");
        let kept = store.platform().destination(hold.destination.id).await.unwrap().unwrap();
        assert_eq!((kept.failing_since, kept.failures, kept.problem.as_deref()), (Some(began), 3, Some("it answered 500")));
        assert_eq!(due(&store, &hold).await, Vec::<i64>::new());
        // It might be these events alone that it cannot take: what waits goes on waiting.
        user(&store, id, "dan").await;
        make(&store, &hold).await;
        let [fourth] = due(&store, &hold).await[..] else { panic!("one is due") };
        assert_eq!(settle(&store, &hold, &[(fourth, End::Done)]).await, Some(None));
        assert_eq!(due(&store, &hold).await, Vec::<i64>::new());
        let mut began = None;
        for round in 1..=3 {
            let failing = settle(&store, &hold, &ends).await.flatten().expect("it fails");
            assert_eq!(failing, Failing { since: *began.get_or_insert(failing.since), failures: 3 * round });
        }
        assert_eq!(settle(&store, &hold, &[(places[0], End::Done)]).await, Some(None));
        assert_eq!(due(&store, &hold).await, places[1..], "what waited for hours is due");
        let kept = store.platform().destination(hold.destination.id).await.unwrap().unwrap();
        assert_eq!((kept.failing_since, kept.problem), (None, None));

        assert!(store.platform().disable_destination(&hold, "it was too much", &context()).await.unwrap());
        let kept = store.platform().destination(hold.destination.id).await.unwrap().unwrap();
        assert_eq!((kept.state, kept.problem.as_deref()), (DestinationState::Disabled, Some("it was too much")));
        assert_eq!(held(&store, Uuid::new_v4()).await, []);
        let told = store.platform().audit(Some(&kept.id.to_string()), 1).await.unwrap();
        assert_eq!(told[0].event, "destination.disabled");
        let active = DestinationChange { state: Some(DestinationState::Active), ..DestinationChange::default() };
        let kept = store.platform().change_destination(kept.id, active.clone(), &context()).await.unwrap().unwrap();
        assert_eq!((kept.state, kept.problem, kept.failing_since), (DestinationState::Active, None, None));
        let hold = one(&store, Uuid::new_v4()).await;
        assert_eq!(due(&store, &hold).await, places[1..], "nothing was lost meanwhile");

        // One that fails and is active all the same is tried at once when somebody says so.
        settle(&store, &hold, &[(places[1], again(&store, LONG))]).await.expect("held");
        assert_eq!(due(&store, &hold).await, places[2..]);
        let woken = store.platform().change_destination(kept.id, active, &context()).await.unwrap().unwrap();
        assert_eq!((woken.version, woken.failing_since), (kept.version + 1, None));
        assert_eq!(due(&store, &hold).await.len(), places[1..].len());
    }

    async fn a_refusal_of_one_event_says_nothing_of_its_destination(store: TestStore) {
        let id = tenant(&store, "acme").await;
        made(&store, new(None)).await;
        let hold = one(&store, Uuid::new_v4()).await;
        for number in 0..=MANY {
            user(&store, id, &format!("u{number}")).await;
        }
        make(&store, &hold).await;
        let places = due(&store, &hold).await;
        let refused = |place: &i64| Attempt { of_event: true, ..attempt(&store, *place, again(&store, LONG)) };
        let refused: Vec<Attempt> = places.iter().map(refused).collect();
        assert!(refused.len() > usize::try_from(MANY).unwrap());
        assert_eq!(store.platform().settle(&hold, &refused).await.unwrap(), Some(None));
        let kept = store.platform().destination(hold.destination.id).await.unwrap().unwrap();
        assert_eq!((kept.failing_since, kept.failures, kept.problem.as_deref()), (None, 0, Some("it answered 500")));
        assert_eq!(due(&store, &hold).await, Vec::<i64>::new(), "each waits for its time");
        // One that took nothing answers again: what waits for its time is tried at once.
        let ends: Vec<(i64, End)> = places.iter().map(|place| (*place, again(&store, LONG))).collect();
        assert!(settle(&store, &hold, &ends).await.flatten().is_some_and(|failing| failing.failures > MANY));
        assert_eq!(store.platform().settle(&hold, &refused[..1]).await.unwrap(), Some(None));
        assert_eq!(due(&store, &hold).await, places);
    }

    async fn what_became_of_the_events_of_somebody(store: TestStore) {
        let (id, other) = (tenant(&store, "acme").await, tenant(&store, "other").await);
        store.number().await;
        for _ in 0..2 {
            made(&store, new(None)).await;
        }
        let node = Uuid::new_v4();
        let [hold, another] = held(&store, node).await.try_into().unwrap();
        let ann = user(&store, id, "ann").await;
        user(&store, id, "bob").await;
        renamed(&store, id, ann, "ann", "a").await;
        make(&store, &hold).await;
        make(&store, &another).await;
        let of = async |scope: TenantId, hold: &Hold, limit: usize| {
            let found = store.tenant(scope).deliveries_of(hold.destination.id, &ann.to_string(), limit).await.unwrap();
            found.into_iter().map(|one| (one.event, one.fate)).collect::<Vec<_>>()
        };
        let (made, changed) = (("user.created".to_owned(), Fate::Due), ("user.updated".to_owned(), Fate::Behind));
        assert_eq!(of(id, &hold, 9).await, [changed.clone(), made.clone()]);
        assert_eq!(of(id, &hold, 1).await, std::slice::from_ref(&changed));
        assert_eq!(of(other, &hold, 9).await, []);
        settle(&store, &hold, &[(due(&store, &hold).await[0], End::Done)]).await.expect("held");
        assert_eq!(of(id, &another, 9).await, [changed, made], "each has its own");
    }

    async fn what_was_given_up_or_is_wanted_again_is_sent_in_order(store: TestStore) {
        let id = tenant(&store, "acme").await;
        store.number().await;
        made(&store, new(None)).await;
        let hold = one(&store, Uuid::new_v4()).await;
        let ann = user(&store, id, "ann").await;
        renamed(&store, id, ann, "ann", "a").await;
        make(&store, &hold).await;
        let [first] = due(&store, &hold).await[..] else { panic!("one is due") };
        settle(&store, &hold, &[(first, End::Dead("no".to_owned()))]).await.expect("held");
        let [second] = due(&store, &hold).await[..] else { panic!("one is due") };
        let platform = store.platform();
        assert_eq!(platform.revive(hold.destination.id, first, second).await.unwrap(), 0, "it is before");
        assert_eq!(platform.revive(hold.destination.id, 0, second).await.unwrap(), 1);
        assert_eq!(fates(&store, &hold).await, [(first, Fate::Due), (second, Fate::Behind)]);
        assert_eq!(all(&store, &hold).await[0].attempts, 0, "from the first attempt on");
        // What was under way in another order is not taken: it is sent again, in its turn.
        assert_eq!(settle(&store, &hold, &[(second, End::Done)]).await, None);
        let hold = one(&store, hold.node).await;
        assert_eq!(settle(&store, &hold, &[(second, End::Done)]).await, Some(None), "it is not due");
        assert_eq!(fates(&store, &hold).await, [(first, Fate::Due), (second, Fate::Behind)]);
        for place in [first, second] {
            settle(&store, &hold, &[(place, End::Done)]).await.expect("held");
        }
        assert_eq!(fates(&store, &hold).await, [(first, Fate::Done), (second, Fate::Done)]);

        // All again, and what it was never sent.
        renamed(&store, id, ann, "ann", "b").await;
        make(&store, &hold).await;
        let third = due(&store, &hold).await[0];
        let wider = DestinationChange { events: Some(None), ..DestinationChange::default() };
        platform.change_destination(hold.destination.id, wider, &context()).await.unwrap().unwrap();
        assert_eq!(platform.make_deliveries(&hold).await.unwrap(), None, "it is on other terms");
        // What was under way fails: it is tried on these at once, and not in an hour.
        let failed = End::Again(store.now() + 3_600_000, "x".to_owned());
        settle(&store, &hold, &[(third, failed)]).await.expect("held");
        assert_eq!(due(&store, &hold).await, [third]);
        user(&store, id, "bob").await;
        store.number().await;
        let hold = one(&store, hold.node).await;
        assert_eq!(platform.replay(hold.destination.id, 0, i64::MAX).await.unwrap(), Some(hold.destination.position));
        let all = fates(&store, &hold).await;
        let of_ann: Vec<_> = all.iter().filter(|(place, _)| [first, second, third].contains(place)).collect();
        assert_eq!(of_ann, [&(first, Fate::Due), &(second, Fate::Behind), &(third, Fate::Behind)]);
        assert!(all.len() > 3, "tenant.created, too");
        assert_eq!(platform.replay(hold.destination.id, 3, 3).await.unwrap(), Some(3));
        let hold = one(&store, hold.node).await;
        assert_eq!(platform.replay(DestinationId::generate(), 0, 9).await.unwrap(), None);

        // It was sent before, and may be done long since.
        let destination = &hold.destination;
        assert_eq!(platform.note_applied(destination, Some(TenantId::generate()), &[first]).await.unwrap(), 0);
        assert_eq!(platform.note_applied(destination, Some(id), &[first, 999]).await.unwrap(), 1);
        assert_eq!(platform.note_applied(destination, None, &[first]).await.unwrap(), 0, "once");
        assert_eq!(platform.note_applied(destination, None, &[third]).await.unwrap(), 0, "it is not its turn yet");
    }

    async fn it_is_counted_how_soon_events_were_there(store: TestStore) {
        let (id, other) = (tenant(&store, "acme").await, tenant(&store, "other").await);
        store.number().await;
        let destination = made(&store, new(None)).await;
        let hold = one(&store, Uuid::new_v4()).await;
        for name in ["ann", "bob", "cid", "dee"] {
            user(&store, id, name).await;
        }
        make(&store, &hold).await;
        let [ann, bob, cid, dee] = due(&store, &hold).await[..] else { panic!("four are due") };
        settle(&store, &hold, &[(ann, End::Done), (dee, again(&store, 5_000))]).await.expect("held");
        store.advance(61_000);
        settle(&store, &hold, &[(bob, End::Done), (cid, End::Dead("no".to_owned()))]).await.expect("held");
        let platform = store.platform();
        assert_eq!(platform.note_applied(&destination, None, &[ann, bob, dee]).await.unwrap(), 3);
        let counted = async || {
            let (from, until) = (store.now() - 3 * HOUR, store.now() + HOUR);
            let of_tenant = store.tenant(id).delivery_hours(from, until).await.unwrap();
            assert_eq!(platform.delivery_hours_of(destination.id, from, until).await.unwrap(), of_tenant);
            let mut all = Delivered::default();
            of_tenant.iter().for_each(|hour| all.add(&hour.counts));
            (all, of_tenant)
        };
        let (all, hours) = counted().await;
        assert_eq!(all, Delivered { delivered: 2, late: 1, dead: 1, applied: 3, applied_late: 3 });
        assert_eq!((all.ended(), all.missed()), (3, 2));
        assert!(hours.iter().all(|hour| hour.hour % HOUR == 0));
        assert_eq!(store.tenant(other).delivery_hours(0, i64::MAX).await.unwrap(), []);

        // What comes a second time is not counted again; what was given up and comes after all is late.
        platform.replay(destination.id, 0, i64::MAX).await.unwrap();
        let hold = one(&store, hold.node).await;
        settle(&store, &hold, &[ann, bob, cid].map(|place| (place, End::Done))).await.expect("held");
        assert_eq!(platform.note_applied(&destination, None, &[ann, bob]).await.unwrap(), 0);
        let (all, _) = counted().await;
        assert_eq!(all, Delivered { delivered: 3, late: 2, dead: 0, applied: 3, applied_late: 3 });

        assert_eq!(platform.forget_delivery_hours(hours[0].hour).await.unwrap(), 0);
        assert!(platform.forget_delivery_hours(store.now() + 1).await.unwrap() > 0);
        assert_eq!(counted().await.1, []);
    }

    async fn destinations_are_changed_told_of_and_forgotten(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let platform = store.platform();
        let (of_tenant, of_all) = (made(&store, new(Some(id))).await, made(&store, new(None)).await);
        assert_eq!(platform.destinations(Some(id)).await.unwrap(), std::slice::from_ref(&of_tenant));
        assert_eq!(platform.destinations(None).await.unwrap(), std::slice::from_ref(&of_all));
        let epoch = store.epoch();
        let change = DestinationChange {
            name: Some("other".to_owned()),
            sealed: Some(b"anew".to_vec()),
            state: Some(DestinationState::Paused),
            ..DestinationChange::default()
        };
        let changed = platform.change_destination(of_tenant.id, change.clone(), &context()).await.unwrap().unwrap();
        assert_eq!((changed.name.as_str(), changed.version, changed.state), ("other", 2, DestinationState::Paused));
        assert!(store.epoch() > epoch);
        let same = platform.change_destination(of_tenant.id, change, &context()).await.unwrap().unwrap();
        assert_eq!(same.version, 2, "nothing changes");
        let told = store.tenant(id).audit(Some(&of_tenant.id.to_string()), 9).await.unwrap();
        assert_eq!(told.iter().map(|record| record.event.as_str()).collect::<Vec<_>>(), ["destination.updated", "destination.created"]);
        let payload = told[0].payload.as_ref().unwrap();
        assert_eq!((&payload["before"]["name"], &payload["state"]["name"], &payload["secretsChanged"]), (&json!("app"), &json!("other"), &json!(true)));
        assert!(!payload.to_string().contains("anew") && payload.get("settingsChanged").is_none());
        let ldap = |filter: &str| json!({"url": "ldaps://emp.example.com:636/x?secret", "ldap": {"filter": filter, "dn": "uid={userName}"}});
        for (filter, names) in [("(uid=a)", json!(["ldap", "url"])), ("(uid=b)", json!(["ldap.filter"]))] {
            let settings = DestinationChange { settings: Some(ldap(filter)), ..DestinationChange::default() };
            platform.change_destination(of_tenant.id, settings, &context()).await.unwrap().unwrap();
            let told = store.tenant(id).audit(Some(&of_tenant.id.to_string()), 1).await.unwrap().remove(0).payload.unwrap();
            assert_eq!((&told["settingsChanged"], &told["state"]["server"]), (&names, &json!("ldaps://emp.example.com:636")));
            assert!(!told.to_string().contains("uid="), "{told}");
        }
        let hold = one(&store, Uuid::new_v4()).await;
        assert_eq!(hold.destination.id, of_all.id, "one that is paused is not held");

        user(&store, id, "ann").await;
        make(&store, &hold).await;
        let place = due(&store, &hold).await[0];
        store.advance(LONG);
        store.platform().forget_feed(store.now(), 100).await.unwrap();
        assert!(!platform.forget_deliveries(100).await.unwrap());
        assert_eq!(due(&store, &hold).await, [place], "what is not ended is delivered all the same");
        settle(&store, &hold, &[(place, End::Done)]).await.expect("held");
        assert!(platform.forget_deliveries(1).await.unwrap(), "there may be more");
        assert_eq!(all(&store, &hold).await, []);
        assert_eq!(platform.waiting(of_all.id).await.unwrap(), Waiting::default());

        user(&store, id, "bob").await;
        make(&store, &hold).await;
        let stale = platform.delete_destination(of_all.id, Some(of_all.version + 1), &context()).await;
        assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
        assert!(platform.delete_destination(of_all.id, Some(of_all.version), &context()).await.unwrap());
        assert!(!platform.delete_destination(of_all.id, None, &context()).await.unwrap());
        assert_eq!(all(&store, &hold).await.len(), 1);
        assert!(!platform.forget_deliveries(100).await.unwrap());
        assert_eq!(all(&store, &hold).await, [], "with its destination");
        assert_eq!(platform.audit(Some(&of_all.id.to_string()), 1).await.unwrap()[0].event, "destination.deleted");

        // One that waited for too long knows how much it missed.
        let active = DestinationChange { state: Some(DestinationState::Active), ..DestinationChange::default() };
        platform.change_destination(of_tenant.id, active, &context()).await.unwrap().unwrap();
        let hold = one(&store, Uuid::new_v4()).await;
        make(&store, &hold).await;
        let kept = platform.destination(of_tenant.id).await.unwrap().unwrap();
        assert_eq!(kept.missed, platform.feed_ends().await.unwrap().forgotten);

        for _ in 1..MOST {
            made(&store, new(Some(id))).await;
        }
        assert_eq!(platform.create_destination(new(Some(id)), &context()).await.unwrap(), None, "there are enough");
    }

    async fn of_two_that_want_a_name_for_themselves_one_gets_it(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let other = tenant(&store, "other").await;
        let alone = |tenant| NewDestination { is_unique: true, ..new(tenant) };
        for of in [Some(id), None] {
            let made = (0..4).map(|_| {
                let (platform, new) = (store.platform(), alone(of));
                async move { platform.create_destination(new, &context()).await }
            });
            let made = futures::future::join_all(made).await;
            let taken = |outcome: &Result<_, StoreError>| matches!(outcome, Err(StoreError::Conflict { attribute: "name" }));
            assert_eq!(made.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{made:?}");
            assert_eq!(made.iter().filter(|outcome| taken(outcome)).count(), 3, "{made:?}");
        }
        assert!(store.platform().create_destination(alone(Some(other)), &context()).await.is_ok(), "a name is of one tenant");
        assert!(store.platform().create_destination(new(Some(id)), &context()).await.is_ok(), "who does not ask may have it");
    }
}

/// So many deliveries of a destination, made past the store for speed: the first of them got its number first, and waits for the
/// longest time until it is tried again.
async fn many(db: &DatabaseConnection, destination: &Destination, count: i64, state: &str) {
    let id = match db.get_database_backend() {
        DbBackend::Postgres => format!("'{}'::uuid", destination.id),
        _ => format!("unhex('{}')", destination.id.0.simple()),
    };
    let sql = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) \
         INSERT INTO deliveries (destination, position, tenant, seq, event, object_id, numbered_at, state, next_at) \
         SELECT {id}, n, {id}, n, 'user.created', 'o' || n, 1000 + n, '{state}', {count} - n FROM n"
    );
    run(db, &sql).await;
}

on_both! {
    /// What is paused or disabled is waited for by nobody.
    async fn the_backlog_is_that_of_active_destinations(store: TestStore) {
        let db = raw(&store).await;
        let (active, quiet) = (made(&store, new(None)).await, made(&store, NewDestination { name: "quiet".to_owned(), ..new(None) }).await);
        let of = async |wanted: (u64, u64, Option<i64>)| {
            let found = store.platform().backlog().await.unwrap();
            let [webhook, others @ ..] = found;
            assert_eq!((webhook.waiting, webhook.dead, webhook.oldest_at), wanted);
            assert_eq!(others.map(|one: Backlog| one.active + one.waiting + one.dead), [0, 0]);
            (webhook.active, webhook.paused)
        };
        assert_eq!(of((0, 0, None)).await, (2, 0));
        many(&db, &active, 3, "due").await;
        assert_eq!(of((3, 0, Some(1_001))).await, (2, 0), "the oldest, though it is tried last");
        many(&db, &quiet, 5, "dead").await;
        assert_eq!(of((3, 5, Some(1_001))).await, (2, 0));
        let pause = DestinationChange { state: Some(DestinationState::Paused), ..DestinationChange::default() };
        store.platform().change_destination(quiet.id, pause.clone(), &context()).await.unwrap();
        assert_eq!(of((3, 0, Some(1_001))).await, (1, 1));
        store.platform().change_destination(active.id, pause, &context()).await.unwrap();
        assert_eq!(of((0, 0, None)).await, (0, 2));
        db.close().await.unwrap();
    }

    /// However much waits, no more of it is read than is counted, and no index is there for this alone.
    async fn the_look_at_a_backlog_is_a_look_at_an_index(store: TestStore) {
        let db = raw(&store).await;
        let active = made(&store, new(None)).await;
        many(&db, &active, 2 * COUNTED, "due").await;
        run(&db, "ANALYZE").await;
        let found = store.platform().backlog().await.unwrap();
        assert_eq!(found[0].waiting, COUNTED.unsigned_abs());
        let (explain, column) = match db.get_database_backend() {
            DbBackend::Postgres => ("EXPLAIN", 0),
            _ => ("EXPLAIN QUERY PLAN", 3),
        };
        let sql = format!(
            "{explain} SELECT (SELECT MIN(o.numbered_at) FROM (SELECT x.numbered_at FROM deliveries x WHERE x.destination = d.id AND \
             x.state = 'due' ORDER BY x.next_at, x.position LIMIT {COUNTED}) o) FROM destinations d"
        );
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let rows = db.query_all_raw(statement).await.unwrap();
        let plan: String = rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap() + "\n").collect();
        let sorts = plan.contains("Sort") || plan.contains("ORDER BY");
        assert!(plan.contains("deliveries_due") && !sorts, "{plan}");
        db.close().await.unwrap();
    }
}
