//! Lists of users by name, what finds them, and numbers that are counted up to a bound.

use scim_core::{ResourceType, filter};
use serde_json::json;
use store::{
    Backend, GroupId, UserId,
    users::{Bounded, FOUND, NameQuery, Place, SCANNED, Sought, Standing},
};

use crate::support::{Bed, context, user_state};

both!(
    lists_are_walked_by_name,
    deleted_users_come_last_deleted_first,
    values_are_found_by_their_start_or_inside,
    more_than_is_looked_at_is_told,
    a_look_at_names_has_an_end,
    members_and_holders_are_listed_and_counted,
);

fn query(standing: Standing, place: Place, limit: usize) -> NameQuery {
    NameQuery { standing, filter: None, among: None, place, limit }
}

async fn names(bed: &Bed, query: &NameQuery) -> (Vec<String>, bool, bool) {
    let page = bed.tenant.users_by_name(query).await.expect("a page");
    (page.users.into_iter().map(|user| user.user_name).collect(), page.before, page.after)
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn lists_are_walked_by_name(bed: Bed) {
    let mut ids = Vec::new();
    for name in ["dora", "Ann", "émile", "bob", "Zoe", "carl"] {
        ids.push(bed.user(name).await.id);
    }
    let off = user_state(json!({"userName": "off", "active": false}));
    bed.tenant.create_user(&off, &context()).await.expect("made");
    let all = ["Ann", "bob", "carl", "dora", "Zoe", "émile"];
    let list = |place, limit| query(Standing::Active, place, limit);
    assert_eq!(names(&bed, &list(Place::First, 10)).await, (texts(&all), false, false));
    assert_eq!(names(&bed, &list(Place::First, 2)).await, (texts(&all[..2]), false, true));
    assert_eq!(names(&bed, &list(Place::After(ids[3]), 2)).await, (texts(&all[2..4]), true, true));
    assert_eq!(names(&bed, &list(Place::After(ids[4]), 2)).await, (texts(&all[5..]), true, false));
    assert_eq!(names(&bed, &list(Place::Before(ids[4]), 2)).await, (texts(&all[2..4]), true, true));
    assert_eq!(names(&bed, &list(Place::Before(ids[3]), 2)).await, (texts(&all[..1]), false, true));
    assert_eq!(names(&bed, &list(Place::Last, 2)).await, (texts(&all[4..]), true, false));
    assert_eq!(
        names(&bed, &list(Place::After(UserId::generate()), 2)).await,
        (texts(&all[..2]), false, true)
    );
    assert_eq!(names(&bed, &query(Standing::Inactive, Place::First, 9)).await.0, ["off"]);
    assert_eq!(names(&bed, &query(Standing::Live, Place::First, 9)).await.0.len(), 7);

    // Of some of them, and of those who fit a filter.
    let kind = ResourceType::user();
    let filter = filter::parse(r#"userName co "o""#, &kind, true).expect("a filter");
    let some = |place, limit| NameQuery { among: Some(ids[..5].to_vec()), ..list(place, limit) };
    assert_eq!(names(&bed, &some(Place::First, 3)).await, (texts(&["Ann", "bob", "dora"]), false, true));
    assert_eq!(names(&bed, &some(Place::After(ids[0]), 3)).await, (texts(&["Zoe", "émile"]), true, false));
    assert_eq!(names(&bed, &some(Place::Last, 1)).await, (texts(&["émile"]), true, false));
    let fitting = NameQuery { filter: Some(filter), ..some(Place::First, 9) };
    assert_eq!(names(&bed, &fitting).await.0, ["bob", "dora", "Zoe"]);
    let counted = bed.tenant.count_by_name(&fitting, 2).await.expect("a number");
    assert_eq!(counted, Bounded { count: 2, more: true });
    let counted = bed.tenant.count_by_name(&fitting, 3).await.expect("a number");
    assert_eq!(counted, Bounded { count: 3, more: false });
    assert!(bed.other.users_by_name(&some(Place::First, 9)).await.expect("a page").users.is_empty());
}

async fn deleted_users_come_last_deleted_first(bed: Bed) {
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let id = bed.named_user(name, &format!("The {name}")).await.id;
        bed.tick();
        assert!(bed.tenant.soft_delete_user(id, None, &context()).await.expect("deleted"));
        ids.push(id);
    }
    let list = |place, limit| query(Standing::Deleted, place, limit);
    assert_eq!(names(&bed, &list(Place::First, 2)).await, (texts(&["c", "b"]), false, true));
    assert_eq!(names(&bed, &list(Place::After(ids[1]), 2)).await, (texts(&["a"]), true, false));
    assert_eq!(names(&bed, &list(Place::Before(ids[0]), 2)).await, (texts(&["c", "b"]), false, true));
    assert_eq!(names(&bed, &list(Place::Last, 1)).await, (texts(&["a"]), true, false));
    assert!(names(&bed, &query(Standing::Live, Place::First, 2)).await.0.is_empty());
    // The index of values does not have them.
    for text in [r#"userName co "b""#, r#"displayName sw "the b""#, r#"displayName eq "THE B""#] {
        let filter = filter::parse(text, &ResourceType::user(), true).expect("a filter");
        let fitting = NameQuery { filter: Some(filter), ..list(Place::First, 9) };
        assert_eq!(names(&bed, &fitting).await.0, ["b"], "{text}");
        let counted = bed.tenant.count_by_name(&fitting, 9).await.expect("a number");
        assert_eq!(counted.count, 1, "{text}");
    }
}

async fn found(bed: &Bed, text: &str, inside: bool) -> (Vec<UserId>, bool) {
    let paths = [("name.familyName".to_owned(), false), ("emails.value".to_owned(), false)];
    let found = bed.tenant.find_users(&Sought { text, inside, paths: &paths }).await.expect("found");
    (found.ids, found.whole)
}

async fn values_are_found_by_their_start_or_inside(bed: Bed) {
    let state = user_state(json!({
        "userName": "Ann@x", "externalId": "Xy%_1", "name": {"familyName": "STRASSE", "givenName": "Ann"},
        "emails": [{"value": "lee%_@home!"}, {"value": "ANN@work"}],
    }));
    let ann = bed.tenant.create_user(&state, &context()).await.expect("made").id;
    bed.user("zed").await;
    for (text, inside, finds) in [
        ("aNN@", false, true),
        ("straße", false, true),
        ("lee", false, true),
        ("ann@w", false, true),
        ("Xy%", false, true),
        ("xy%", false, false),
        ("Xyz", false, false),
        ("work", false, false),
        ("work", true, true),
        ("%_", true, true),
        ("_%", true, false),
        ("e!!", true, false),
        ("E!", true, true),
        ("Xy%", true, true),
        ("y%", true, false),
        ("rass", true, true),
        ("", true, false),
        ("a\0", false, false),
        ("\u{10FFFF}", false, false),
    ] {
        let expected = if finds { vec![ann] } else { Vec::new() };
        assert_eq!(found(&bed, text, inside).await, (expected, true), "{text:?} {inside}");
    }
    let paths = [("emails.value".to_owned(), false)];
    let sought = Sought { text: "lee", inside: false, paths: &paths };
    assert!(bed.other.find_users(&sought).await.expect("found").ids.is_empty());
    assert!(bed.tenant.soft_delete_user(ann, None, &context()).await.expect("deleted"));
    assert_eq!(found(&bed, "ann", false).await.0, []);
}

async fn more_than_is_looked_at_is_told(bed: Bed) {
    for number in 0..=FOUND {
        bed.user(&format!("u{number:04}")).await;
    }
    let (ids, whole) = found(&bed, "u", false).await;
    assert!(!whole && ids.len() > FOUND);
    let (ids, whole) = found(&bed, "u00", false).await;
    assert_eq!((ids.len(), whole), (100, true));
}

async fn a_look_at_names_has_an_end(bed: Bed) {
    let ann = bed.named_user("ann", "Zoe Zimmermann").await.id;
    bed.many_rows_of_names(ann, SCANNED - 1).await;
    assert_eq!(found(&bed, "zimmer", true).await, (vec![ann], true));
    bed.many_rows_of_names(ann, SCANNED).await;
    // An index looks at what it finds alone.
    let (ids, whole) = found(&bed, "zimmer", true).await;
    let expected = match bed.backend {
        Backend::Postgres => (vec![ann], true),
        Backend::Sqlite => (Vec::new(), false),
    };
    assert_eq!((ids, whole), expected, "behind more rows than are looked at");
    // Two letters no index finds.
    assert_eq!(found(&bed, "zi", true).await, (Vec::new(), false));
    assert_eq!(found(&bed, "zoe", false).await, (Vec::new(), true));
}

async fn members_and_holders_are_listed_and_counted(bed: Bed) {
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(bed.user(name).await.id);
    }
    let inner = bed.group("Zone", &[]).await.id;
    let group = bed.group("Envi_Manager", &[ids[0].0, ids[1].0, ids[2].0]).await.id;
    let counts = bed.tenant.member_counts(&[group, inner]).await.expect("counts");
    assert_eq!(counts.get(&group), Some(&Bounded { count: 3, more: false }));
    assert_eq!(counts.get(&inner), Some(&Bounded::default()));
    assert_eq!(bed.tenant.member_users(group, None, 2).await.expect("members"), ids[..2]);
    assert_eq!(bed.tenant.member_users(group, Some(ids[1]), 2).await.expect("members"), ids[2..]);
    assert_eq!(bed.tenant.member_users_before(group, None, 1).await.expect("members"), ids[2..]);
    assert_eq!(bed.tenant.member_users_before(group, Some(ids[1]), 9).await.expect("members"), ids[..1]);
    assert_eq!(bed.tenant.members_among(group, &ids[1..]).await.expect("members").len(), 2);
    assert!(bed.tenant.members_among(inner, &ids).await.expect("members").is_empty());
    let labels = bed.tenant.group_labels(Some("envi_manager"), 9).await.expect("labels");
    assert_eq!(labels.iter().map(|label| label.display_name.as_str()).collect::<Vec<_>>(), ["Zone"]);
    assert_eq!(bed.tenant.labels_of(&[group]).await.expect("labels").len(), 1);

    let held = bed.tenant.held_roles(None, 9).await.expect("roles");
    let held: Vec<_> = held.iter().map(|role| (role.name.as_str(), role.holders.count)).collect();
    assert_eq!(held, [("Manager", 3)]);
    let holders = bed.tenant.role_holders("manager", Some(ids[0]), 9).await.expect("holders");
    assert_eq!(holders, [(ids[1], vec![group]), (ids[2], vec![group])]);
    assert_eq!(bed.tenant.role_name("manager").await.expect("a name").as_deref(), Some("Manager"));
    assert!(bed.other.role_holders("manager", None, 9).await.expect("holders").is_empty());
    let none: &[GroupId] = &[];
    assert!(bed.tenant.member_counts(none).await.expect("counts").is_empty());
}
