//! Who somebody is, in one statement.

use serde_json::json;
use store::{
    Backend, TenantScope, UserId,
    users::{Known, KnownBy, KnownQuery},
};

use crate::support::{Bed, context, user_state};

both!(
    each_key_finds_whom_it_should,
    an_address_of_many_is_a_list,
    the_place_is_that_of_what_is_read,
    those_of_a_standing_are_walked_by_name,
);

fn query(by: KnownBy<'_>) -> KnownQuery<'_> {
    KnownQuery { by, active: None, after: None, limit: 50 }
}

async fn known(tenant: &TenantScope, query: KnownQuery<'_>) -> Known {
    tenant.known(&query).await.expect("a look-up")
}

async fn ids(tenant: &TenantScope, query: KnownQuery<'_>) -> Vec<UserId> {
    known(tenant, query).await.users.into_iter().map(|(user, _)| user.id).collect()
}

async fn each_key_finds_whom_it_should(bed: Bed) {
    let state = user_state(json!({
        "userName": "Ann@Clinic.example", "externalId": "Xy1", "active": false,
        "emails": [{"value": "Ann@work"}, {"value": "ann@home"}],
    }));
    let ann = bed.tenant.create_user(&state, &context()).await.expect("made").id;
    let bob = bed.user("bob").await.id;
    let inner = bed.group("Envi_Manager", &[ann.0, bob.0]).await;
    bed.group("envi_buyer", &[ann.0]).await;
    bed.group("Outer", &[inner.id.0]).await;
    let keys = [
        KnownBy::Id(ann),
        KnownBy::UserName("ann@CLINIC.example"),
        KnownBy::ExternalId("Xy1"),
        KnownBy::Value("emails.value", "ann@work"),
        KnownBy::Value("emails.value", "ann@home"),
    ];
    let mut whole = bed.tenant.user(ann, true).await.expect("read").expect("there");
    // Those that roles come from.
    whole.groups.iter_mut().for_each(|groups| groups.retain(|group| group.direct));
    let roles = bed.tenant.roles_of_user(ann).await.expect("roles");
    assert_eq!((whole.groups.as_ref().map(Vec::len), roles.len()), (Some(2), 2));
    for by in keys {
        let found = known(&bed.tenant, query(by)).await;
        assert_eq!(found.users, [(whole.clone(), roles.clone())], "{by:?}");
        let of = |active| KnownQuery { active: Some(active), ..query(by) };
        assert_eq!(ids(&bed.tenant, of(false)).await, [ann], "{by:?}");
        assert_eq!(ids(&bed.tenant, of(true)).await, [], "{by:?}");
        assert_eq!(ids(&bed.tenant, KnownQuery { after: Some(ann), ..query(by) }).await, [], "{by:?}");
        assert_eq!(ids(&bed.other, query(by)).await, [], "{by:?}: another tenant's");
    }
    let nobody = [
        KnownBy::UserName("ann"),
        KnownBy::UserName("a\0"),
        KnownBy::UserName(""),
        KnownBy::ExternalId("xy1"),
        KnownBy::ExternalId("\0"),
        KnownBy::Value("emails.value", "Ann@work"),
        KnownBy::Value("displayName", "ann@work"),
        KnownBy::Value("emails.value", "\0"),
        KnownBy::Id(UserId::generate()),
    ];
    for by in nobody {
        assert_eq!(ids(&bed.tenant, query(by)).await, [], "{by:?}");
    }
    let found = known(&bed.tenant, query(KnownBy::UserName("BOB"))).await.users;
    let [(bob, roles)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((bob.groups.as_ref().map(Vec::len), roles.len()), (Some(1), 1));
    assert!(bed.tenant.soft_delete_user(ann, None, &context()).await.expect("deleted"));
    for by in keys {
        assert_eq!(ids(&bed.tenant, query(by)).await, [], "{by:?}: she is gone");
    }
}

async fn an_address_of_many_is_a_list(bed: Bed) {
    let mut all = Vec::new();
    for number in 0..7 {
        let state = user_state(json!({
            "userName": format!("nurse{number}"), "externalId": "ward", "active": number % 2 == 0,
            "emails": [{"value": "ward@clinic.example"}],
        }));
        all.push(bed.tenant.create_user(&state, &context()).await.expect("made").id);
    }
    all.sort_unstable();
    for by in [KnownBy::Value("emails.value", "ward@clinic.example"), KnownBy::ExternalId("ward")] {
        let (mut met, mut after) = (Vec::new(), None);
        loop {
            let part = ids(&bed.tenant, KnownQuery { after, limit: 2, ..query(by) }).await;
            assert!(part.len() <= 2);
            after = part.last().copied();
            met.extend(part);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(met, all, "{by:?}");
        let active = KnownQuery { active: Some(true), ..query(by) };
        assert_eq!(ids(&bed.tenant, active).await.len(), 4, "{by:?}");
    }
}

async fn the_place_is_that_of_what_is_read(bed: Bed) {
    let nobody = query(KnownBy::UserName("nobody"));
    assert_eq!(known(&bed.tenant, nobody).await.position, 0);
    let ann = bed.user("ann").await.id;
    let by_id = query(KnownBy::Id(ann));
    assert_eq!(known(&bed.tenant, by_id).await.position, 0, "it has no number yet");
    bed.number().await;
    let one = known(&bed.tenant, by_id).await.position;
    assert_eq!(one, 1);
    bed.group("Envi_Manager", &[ann.0]).await;
    bed.number().await;
    let all = known(&bed.tenant, by_id).await.position;
    assert!(all > one);
    // Also where nobody is found, or could be.
    for by in [KnownBy::UserName("nobody"), KnownBy::ExternalId("\0"), KnownBy::Value("emails.value", "x")] {
        assert_eq!(known(&bed.tenant, query(by)).await.position, all, "{by:?}");
    }
}

async fn those_of_a_standing_are_walked_by_name(bed: Bed) {
    for name in ["dora", "Ann", "émile", "bob", "Zoe"] {
        bed.user(name).await;
    }
    for name in ["off", "Away"] {
        let state = user_state(json!({"userName": name, "active": false}));
        bed.tenant.create_user(&state, &context()).await.expect("made");
    }
    let bob = bed.tenant.user_by_name("bob", false).await.expect("read").expect("there");
    bed.group("Envi_Manager", &[bob.id.0]).await;
    let walked = async |active, limit: u64| {
        let (mut names, mut after) = (Vec::new(), None::<String>);
        loop {
            let part = bed.tenant.users_of_standing(active, after.as_deref(), limit).await.expect("a page");
            assert!(part.len() as u64 <= limit);
            after = part.last().map(|user| scim_core::fold(&user.user_name));
            for user in part {
                assert_eq!(
                    user.groups.map(|groups| groups.len()),
                    Some(usize::from(user.user_name == "bob"))
                );
                names.push(user.user_name);
            }
            if after.is_none() {
                return names;
            }
        }
    };
    for limit in [1, 2, 50] {
        assert_eq!(walked(true, limit).await, ["Ann", "bob", "dora", "Zoe", "émile"], "{limit} at a time");
        assert_eq!(walked(false, limit).await, ["Away", "off"], "{limit} at a time");
    }
    assert!(bed.other.users_of_standing(true, None, 5).await.expect("a page").is_empty());
    let after = bed.tenant.users_of_standing(true, Some("bz"), 1).await.expect("a page");
    assert_eq!(after[0].user_name, "dora", "nobody has that name");
}

/// However many others there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_reads_whom_it_finds() {
    let bed = Bed::new(Backend::Postgres).await;
    let many = bed.many_users(5_000).await;
    let state = user_state(json!({
        "userName": "zoe", "externalId": "x1", "active": false, "emails": [{"value": "zoe@work"}],
    }));
    let zoe = bed.tenant.create_user(&state, &context()).await.expect("made").id;
    let members: Vec<_> = many.iter().take(2_000).map(|id| id.parse().expect("an id")).collect();
    let group = bed.group("Envi_Manager", &members).await;
    for number in 0..300 {
        bed.group(&format!("Envi_{number}"), &[]).await;
    }
    bed.add(&group, &[zoe.to_string()]).await;
    let keys = [
        KnownBy::Id(zoe),
        KnownBy::UserName("zoe"),
        KnownBy::ExternalId("x1"),
        KnownBy::Value("emails.value", "zoe@work"),
    ];
    for by in keys {
        let ask = async |tenant: TenantScope| {
            let found = known(&tenant, query(by)).await.users;
            let [(user, roles)] = found.as_slice() else { panic!("{by:?}: {found:?}") };
            assert_eq!((user.id, roles.len(), user.groups.as_ref().map(Vec::len)), (zoe, 1, Some(1)));
            assert_eq!(ids(&tenant, KnownQuery { after: Some(zoe), ..query(by) }).await, []);
            assert_eq!(ids(&tenant, KnownQuery { active: Some(true), ..query(by) }).await, []);
        };
        let reads = bed.rows_read_by(ask).await;
        assert!(reads < 20, "{by:?}: {reads} rows were read");
    }
    let members = async |tenant: TenantScope| {
        let members = tenant.members_after(group.id, Some(zoe.0), 3).await.expect("read").expect("there");
        assert_eq!(members.len(), 3);
    };
    let reads = bed.rows_read_by(members).await;
    assert!(reads < 20, "members: {reads} rows were read");
}

/// However many are active.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_of_a_standing_are_read_alone() {
    let bed = Bed::new(Backend::Postgres).await;
    bed.many_users(5_000).await;
    let state = user_state(json!({"userName": "zoe", "active": false}));
    bed.tenant.create_user(&state, &context()).await.expect("made");
    let of_standing = async |tenant: TenantScope| {
        assert_eq!(tenant.users_of_standing(false, None, 50).await.expect("a page").len(), 1);
        assert!(tenant.users_of_standing(false, Some("zoe"), 50).await.expect("a page").is_empty());
        assert_eq!(tenant.users_of_standing(true, Some("many2"), 3).await.expect("a page").len(), 3);
    };
    let reads = bed.rows_read_by(of_standing).await;
    assert!(reads < 30, "those of a standing: {reads} rows were read");
}
