//! Filters and sorting: both databases select what the evaluator in memory selects.

use std::collections::BTreeSet;

use scim_core::{
    Document, ResourceType,
    filter::{Filter, parse},
    path::Resolved,
    projection::Envelope,
    search, timestamp,
};
use serde_json::{Value, json};
use store::{
    Backend, ListQuery, Sort, Start,
    groups::{Group, Member},
    users::User,
};

use uuid::Uuid;

use crate::support::{Bed, context, user_state};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// People with something of everything, and something missing in each.
fn people() -> Vec<Value> {
    vec![
        json!({"userName": "Ann@Example.com", "externalId": "AbC", "displayName": "Ann A.", "active": true,
            "name": {"givenName": "Ann", "familyName": "Éclair", "formatted": "Ann Éclair"}, "title": "Dr",
            "emails": [{"value": "ann@work.example", "type": "work", "primary": true},
                       {"value": "ann@home.example", "type": "home"}],
            "phoneNumbers": [{"value": "tel:+1-555-0100", "type": "work"}],
            ENTERPRISE: {"department": "Sales", "employeeNumber": "7", "manager": {"value": "M-1", "displayName": "Max"}}}),
        json!({"userName": "bob_100%@example.com", "externalId": "abc", "active": false,
            "name": {"givenName": "Bob"}, "emails": [{"value": "bob@home.example", "type": "home"}],
            ENTERPRISE: {"department": "sales"}}),
        json!({"userName": "Émile@example.com", "displayName": "Émile", "nickName": "(x",
            "emails": [{"value": "emile@work.example", "type": "work"},
                       {"value": "EMILE@HOME.example", "type": "home", "primary": true}]}),
        json!({"userName": "émilie", "displayName": "A or B", "nickName": "not", "userType": "Employee"}),
        json!({"userName": "straße", "title": "back\\slash \"quoted\"", "locale": "de-DE",
            "emails": [{"value": "no-type@x"}]}),
        json!({"userName": "zed", "externalId": "", "displayName": "zed", "active": false,
            "emails": [{"type": "work"}]}),
        json!({"userName": "Zoë_%", "displayName": "Zo%", "title": "Dr",
            "addresses": [{"type": "work", "streetAddress": "1 Market Street", "locality": "San Francisco",
                           "country": "US", "primary": true},
                          {"type": "home", "locality": "Zürich", "country": "CH"}]}),
        json!({"userName": "\u{10FFFF}", "displayName": "last"}),
        json!({"userName": "0", "title": "", "preferredLanguage": "en",
            "roles": [{"value": "Admin", "primary": false}, {"value": "Clerk", "primary": true}],
            "x509Certificates": [{"value": "QUJD"}]}),
        json!({"userName": "x' OR 1=1 --", "displayName": "{\"a\":1}", "title": "[1]",
            ENTERPRISE: {"costCenter": "CC-001", "organization": "Acme"}}),
        json!({"userName": "true", "displayName": "null", "title": "1", "nickName": "false"}),
        json!({"userName": "line\nbreak", "displayName": "tab\t", "title": "Ünï\u{1F600}"}),
    ]
}

const USER_FILTERS: &[&str] = &[
    // Columns.
    r#"userName eq "ANN@example.COM""#,
    r#"userName eq "émile@EXAMPLE.com""#,
    r#"userName eq "STRASSE""#,
    r#"userName ne "zed""#,
    r#"userName sw "É""#,
    r#"userName sw "ÉMILI""#,
    r#"userName sw """#,
    "userName sw \"\u{10FFFF}\"",
    r#"userName ew "example.com""#,
    r#"userName ew """#,
    r#"userName ew "a very long text that is longer than each of these names, by far""#,
    r#"userName co "_""#,
    r#"userName co "%""#,
    r#"userName co """#,
    r#"userName co "EXAMPLE""#,
    r#"userName gt "b""#,
    r#"userName ge "zed""#,
    r#"userName lt "ann@example.com""#,
    r#"userName le "ann@example.com""#,
    r#"userName gt "zed\u0000""#,
    r#"userName le "zed\u0000x""#,
    r#"userName eq "zed\u0000""#,
    r#"userName ne "zed\u0000""#,
    r#"userName sw "zed\u0000""#,
    r#"userName eq "x' OR 1=1 --""#,
    r#"userName eq "true""#,
    r#"userName co "\n""#,
    "userName pr",
    "userName eq null",
    "userName ne null",
    r#"externalId eq "AbC""#,
    r#"externalId eq "ABC""#,
    r#"externalId ne "AbC""#,
    r#"externalId sw "A""#,
    r#"externalId gt "B""#,
    "externalId pr",
    "externalId eq null",
    "not (externalId pr)",
    "active eq true",
    "active eq false",
    "active ne true",
    "active pr",
    "active eq null",
    "not (active eq true)",
    r#"id eq "nobody""#,
    r#"id ne "nobody""#,
    r#"id co "-7""#,
    r#"id sw "0""#,
    r#"id gt "8""#,
    "id pr",
    r#"meta.resourceType eq "User""#,
    r#"meta.resourceType eq "user""#,
    r#"meta.resourceType ne "Group""#,
    r#"meta.resourceType sw "Us""#,
    r#"meta.version eq "W/\"1\"""#,
    r#"meta.version ne "W/\"1\"""#,
    "meta pr",
    "meta.created pr",
    r#"meta.created gt "1971-01-01T00:00:00Z""#,
    r#"meta.lastModified lt "1971-01-01T00:00:00+01:00""#,
    "not (meta.created eq null)",
    r#"schemas eq "URN:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
    r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
    r#"schemas co "enterprise""#,
    // Single values in the search form.
    r#"displayName eq "a OR b""#,
    r#"displayName eq "null""#,
    r#"displayName co "%""#,
    r#"displayName ew "\t""#,
    r#"displayName eq "{\"a\":1}""#,
    r#"displayName ne "zed""#,
    r#"not (displayName eq "zed")"#,
    r#"displayName gt "m""#,
    "displayName pr",
    "displayName eq null",
    "displayName ne null",
    r#"nickName eq "(x""#,
    r#"nickName eq "NOT""#,
    r#"title eq "BACK\\slash \"quoted\"""#,
    r#"title eq "1""#,
    r#"title sw "Ü""#,
    "title ew \"\u{1F600}\"",
    r#"title ge "dr""#,
    "title pr and not (nickName pr)",
    r#"name.familyName eq "éCLAIR""#,
    r#"name.givenName sw "B" or name.familyName pr"#,
    "name pr",
    "not (name.familyName pr)",
    r#"locale eq "DE-de""#,
    r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "SALES""#,
    r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department ne "sales""#,
    r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "m-1""#,
    r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "M-1""#,
    r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName co "ax""#,
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager pr",
    r#"employeeNumber eq "7" or costCenter sw "cc-""#,
    // Lists.
    r#"emails co "home""#,
    r#"emails eq "ann@WORK.example""#,
    r#"emails.value ew "home.example""#,
    r#"emails.value ne "bob@home.example""#,
    r#"not (emails.value eq "ann@home.example")"#,
    r#"emails.type eq "work" and emails.value co "home""#,
    r#"emails[type eq "work" and value co "home"]"#,
    r#"emails[type eq "home" and value co "HOME"]"#,
    r#"emails[type eq "work"].value co "work""#,
    r#"emails[not (type pr)]"#,
    r#"emails[type ne "work"]"#,
    r#"emails[primary eq true and type eq "home"]"#,
    "emails[primary ne true]",
    r#"not (emails[type eq "home"])"#,
    "emails.primary eq true",
    "emails.primary eq false",
    "emails.primary ne true",
    "emails.primary pr",
    r#"emails.type ne "work""#,
    "emails.type eq null",
    "emails.value eq null",
    "emails.type pr",
    "emails pr",
    "emails ne null",
    "not (emails pr)",
    r#"emails.value gt "b" and emails.value lt "c""#,
    "roles.primary eq false",
    r#"roles[value eq "admin" and primary eq true]"#,
    r#"roles eq "clerk""#,
    r#"addresses[type eq "work" and country eq "ch"]"#,
    r#"addresses.locality sw "zü""#,
    r#"x509Certificates.value eq "QUJD""#,
    "photos pr",
    // Edges.
    "groups pr",
    "not (groups pr)",
    r#"groups.value eq "nobody""#,
    r#"groups.value ne "nobody""#,
    r#"groups.display eq "EVERYONE""#,
    r#"groups.display ne "everyone""#,
    r#"groups.display sw "envi_""#,
    r#"groups.type eq "direct""#,
    r#"groups.type eq "INDIRECT""#,
    r#"groups.type ne "direct""#,
    r#"groups.type ne "indirect""#,
    r#"not (groups.type eq "indirect")"#,
    r#"groups.type sw "in""#,
    r#"groups.type lt "e""#,
    "groups.type pr",
    "groups.type eq null",
    "groups.display eq null",
    "groups.display ne null",
    "groups.$ref pr",
    r#"groups.display co "ring""#,
    r#"groups.display ew "c""#,
    r#"groups.display gt "m" and groups.display lt "s""#,
    r#"not (groups.display sw "ring")"#,
    r#"groups.display eq "company""#,
    r#"groups.display eq "apex" or userName eq "zed""#,
    r#"groups[type eq "direct" and display co "envi"]"#,
    r#"groups[type eq "indirect" and display co "envi"]"#,
    r#"groups[type eq "direct" and display eq "apex"]"#,
    r#"groups[type eq "indirect" and display eq "apex"]"#,
    r#"groups[type eq "direct" and display eq "ring a"]"#,
    r#"groups[type eq "indirect" and display eq "ring a"]"#,
    r#"groups[type eq "indirect" and display sw "ring"]"#,
    r#"groups[not (type eq "direct")]"#,
    r#"groups[type ne "direct" and not (display sw "ring")]"#,
    r#"groups[(type eq "direct" and display eq "envi_ü") or (type eq "indirect" and display eq "ring b")]"#,
    r#"not (groups[type eq "direct" and display sw "ring"])"#,
    r#"groups.type eq "direct" and not (groups.type eq "indirect")"#,
    r#"groups[display eq "everyone" and type ne "indirect"]"#,
    r#"groups[display sw "envi_" and display ew "ü"]"#,
    // Precedence and nesting.
    r#"userName pr or title pr and displayName eq "none""#,
    r#"(userName pr or title pr) and displayName eq "none""#,
    r#"not (not (not (title eq "dr" or displayName co "é")))"#,
    r#"active eq true and (title pr or emails[type eq "work"]) and not (userName sw "z")"#,
];

const GROUP_FILTERS: &[&str] = &[
    r#"displayName eq "envi_Ü""#,
    r#"displayName ne "everyone""#,
    r#"displayName sw "ENVI_""#,
    r#"displayName co "_""#,
    r#"displayName lt "f""#,
    r#"externalId eq "G1""#,
    "externalId eq null",
    r#"meta.resourceType eq "Group""#,
    "members pr",
    "not (members pr)",
    "members eq null",
    r#"members.type eq "GROUP""#,
    r#"members.type ne "user""#,
    r#"members.display eq "ann a.""#,
    r#"members.display sw "STRASS""#,
    r#"members.display co "everyone""#,
    r#"members.display ne "ann a.""#,
    r#"members[not (display pr)]"#,
    "members.display eq null",
    r#"members[type eq "user" and display sw "é"]"#,
    r#"members[type eq "group" and display sw "é"]"#,
    r#"members.value eq "nobody""#,
    r#"members.value ne "nobody""#,
];

both!(ids_and_times_of_this_population, groups_without_nesting, orders, pages_count_rows_and_not_elements,);

/// The same filters on both databases: the same people, and those that the evaluator chooses.
#[tokio::test]
async fn both_databases_agree_with_the_evaluator() {
    let sqlite = Selections::of(Bed::new(Backend::Sqlite).await).await;
    let postgres = Selections::of(Bed::new(Backend::Postgres).await).await;
    assert_eq!(sqlite.0.len(), USER_FILTERS.len() + GROUP_FILTERS.len());
    for (left, right) in sqlite.0.iter().zip(&postgres.0) {
        assert_eq!(left, right);
    }
}

/// Each filter and the names that it selects.
struct Selections(Vec<(&'static str, BTreeSet<String>)>);

impl Selections {
    async fn of(bed: Bed) -> Self {
        let population = Population::new(&bed).await;
        let mut selections = Vec::new();
        for filter in USER_FILTERS {
            selections.push((*filter, population.check_users(&bed, filter).await));
        }
        for filter in GROUP_FILTERS {
            selections.push((*filter, population.check_groups(&bed, filter).await));
        }
        let empty = selections.iter().filter(|(_, names)| names.is_empty()).count();
        assert!(empty * 3 < selections.len(), "most filters select somebody");
        Self(selections)
    }
}

/// Everyone is in Envi_Ü, and that in Company: three levels. A diamond: both ways up from Everyone end in Apex. A ring
/// of three groups that contain each other; one person is a member of two of them.
async fn nest(bed: &Bed, ids: &[Uuid], everyone: Uuid, envi: Uuid) {
    bed.group("Company", &[envi]).await;
    let left = bed.group("Left", &[everyone]).await;
    bed.group("Apex", &[left.id.0, envi, ids[1]]).await;
    let first = bed.group("Ring A", &[ids[7], ids[8]]).await;
    let second = bed.group("Ring B", &[first.id.0]).await;
    let third = bed.group("Ring C", &[second.id.0, ids[8]]).await;
    bed.add(&first, &[third.id.to_string()]).await;
}

struct Population {
    users: Vec<User>,
    groups: Vec<Group>,
}

impl Population {
    /// With groups in groups.
    async fn new(bed: &Bed) -> Self {
        let population = Self::flat(bed).await;
        let ids: Vec<Uuid> = population.users.iter().map(|user| user.id.0).collect();
        let [everyone, envi, ..] = &population.groups[..] else { panic!("groups are there") };
        bed.add(envi, &[everyone.id.to_string()]).await;
        nest(bed, &ids, everyone.id.0, envi.id.0).await;
        let nested = Self::read(bed).await;
        assert_eq!((nested.users.len(), nested.groups.len()), (people().len(), 10));
        nested
    }

    /// No group is in another one.
    async fn flat(bed: &Bed) -> Self {
        let mut ids = Vec::new();
        for person in people() {
            let made =
                bed.tenant.create_user(&user_state(canonical(person)), &context()).await.expect("made");
            ids.push(made.id.0);
            bed.tick();
        }
        bed.group("Everyone", &ids[..6]).await;
        bed.group("Envi_Ü", &[ids[0], ids[4]]).await;
        bed.group("empty", &[]).await;
        let mut with_external_id = crate::support::plain("External");
        with_external_id.document.insert("externalId".into(), "G1".into());
        with_external_id.search = search::form(&ResourceType::group(), &with_external_id.document);
        bed.tenant.create_group(&with_external_id, false, &context()).await.expect("made");
        Self::read(bed).await
    }

    async fn read(bed: &Bed) -> Self {
        let all = ListQuery { limit: 100, edges: true, ..ListQuery::default() };
        let users = bed.tenant.users(&all).await.expect("list").items;
        let groups = bed.tenant.groups(&all).await.expect("list").items;
        Self { users, groups }
    }

    async fn check_users(&self, bed: &Bed, text: &str) -> BTreeSet<String> {
        let filter = parse(text, &ResourceType::user(), false).expect(text);
        let expected =
            names(self.users.iter().filter(|user| filter.matches(&user_form(user))), |user| &user.user_name);
        let query = ListQuery { filter: Some(filter), limit: 100, ..ListQuery::default() };
        let page = bed.tenant.users(&query).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let got = names(page.items.iter(), |user| &user.user_name);
        assert_eq!(got, expected, "{text} on {:?}", bed.backend);
        let counted = bed.tenant.users(&ListQuery { limit: 0, ..query }).await.expect(text).total;
        assert_eq!((page.total, counted), (expected.len() as u64, expected.len() as u64), "{text}");
        got
    }

    async fn check_groups(&self, bed: &Bed, text: &str) -> BTreeSet<String> {
        let filter = parse(text, &ResourceType::group(), false).expect(text);
        let matching = self.groups.iter().filter(|group| filter.matches(&group_form(group)));
        let expected = names(matching, |group| &group.display_name);
        let query = ListQuery { filter: Some(filter), limit: 100, ..ListQuery::default() };
        let page = bed.tenant.groups(&query).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let got = names(page.items.iter(), |group| &group.display_name);
        assert_eq!(got, expected, "{text} on {:?}", bed.backend);
        got
    }
}

fn names<'a, T: 'a>(items: impl Iterator<Item = &'a T>, name: impl Fn(&T) -> &String) -> BTreeSet<String> {
    items.map(|item| name(item).clone()).collect()
}

/// Without empty strings, as a canonical document is.
fn canonical(person: Value) -> Value {
    let Value::Object(values) = person else { return person };
    Value::Object(values.into_iter().filter(|(_, value)| value != "").collect())
}

fn complete(
    resource_type: &ResourceType,
    document: &Document,
    id: String,
    (created, last_modified, version): (i64, i64, i64),
    edges: Vec<Value>,
) -> Value {
    let mut form = search::form(resource_type, document);
    let location = format!("https://h/{id}");
    let envelope = Envelope { id: &id, created, last_modified, version, location, edges: Some(edges) };
    search::complete(&mut form, resource_type, &envelope);
    form
}

pub(crate) fn user_form(user: &User) -> Value {
    let groups = user.groups.iter().flatten();
    let edges = groups.map(|membership| {
        json!({"value": membership.group.to_string(), "display": membership.display, "type": membership.kind()})
    });
    let facts = (user.created_at, user.updated_at, user.version);
    complete(&ResourceType::user(), &user.document, user.id.to_string(), facts, edges.collect())
}

pub(crate) fn group_form(group: &Group) -> Value {
    let edge = |member: &Member| json!({"value": member.id.to_string(), "display": member.display, "type": member.kind.name()});
    let edges = group.members.iter().flatten().map(edge).collect();
    let facts = (group.created_at, group.updated_at, group.version);
    complete(&ResourceType::group(), &group.document, group.id.to_string(), facts, edges)
}

async fn ids_and_times_of_this_population(bed: Bed) {
    let population = Population::new(&bed).await;
    let user = &population.users[4];
    let group = &population.groups[1];
    let created = timestamp::to_rfc3339(user.created_at);
    let id = user.id.to_string();
    for text in [
        format!(r#"id eq "{id}""#),
        format!(r#"id eq "{}""#, id.to_uppercase()),
        format!(r#"id eq "{}""#, id.replace('-', "")),
        format!(r#"id ne "{id}""#),
        format!(r#"id co "{}""#, &id[4..20]),
        format!(r#"id ew "{}""#, &id[20..]),
        format!(r#"id ge "{id}""#),
        format!(r#"meta.created eq "{created}""#),
        format!(r#"meta.created ne "{created}""#),
        format!(r#"meta.created gt "{created}""#),
        format!(r#"meta.created le "{created}""#),
        format!(r#"meta.lastModified ge "{created}" and not (meta.created gt "{created}")"#),
        format!(r#"groups.value eq "{}""#, group.id),
        format!(r#"groups eq "{}""#, group.id.to_string().to_uppercase()),
        format!(r#"groups.value ne "{}""#, group.id),
        format!(r#"groups.value sw "{}""#, &group.id.to_string()[..18]),
        format!(r#"groups[value eq "{}" and display co "envi"]"#, group.id),
    ] {
        population.check_users(&bed, &text).await;
    }
    for Group { id, .. } in &population.groups {
        for text in [
            format!(r#"groups.value eq "{id}""#),
            format!(r#"groups.value eq "{id}" and userName sw "e""#),
            format!(r#"groups.value ne "{id}""#),
            format!(r#"not (groups.value eq "{id}")"#),
            format!(r#"groups[type eq "direct" and value eq "{id}"]"#),
            format!(r#"groups[type eq "indirect" and value eq "{id}"]"#),
            format!(r#"groups[type eq "indirect" and value ne "{id}"]"#),
            format!(r#"not (groups[type ne "direct" and value eq "{id}"]) and userName pr"#),
        ] {
            population.check_users(&bed, &text).await;
        }
    }
    for text in [
        format!(r#"members.value eq "{id}""#),
        format!(r#"members eq "{id}" and displayName sw "E""#),
        format!(r#"members[value eq "{id}" and type eq "Group"]"#),
        format!(r#"members[value eq "{}" and type eq "Group"]"#, population.groups[0].id),
        format!(r#"members.value eq "{}""#, population.users[7].id),
        format!(r#"not (members.value eq "{id}")"#),
    ] {
        population.check_groups(&bed, &text).await;
    }
    let one = ListQuery {
        filter: parse(&format!(r#"id eq "{id}""#), &ResourceType::user(), false).ok(),
        limit: 10,
        ..ListQuery::default()
    };
    assert_eq!(bed.tenant.users(&one).await.expect("list").total, 1);
}

/// Each row is one row of the list, however many of its elements fit.
async fn pages_count_rows_and_not_elements(bed: Bed) {
    let mut ids = Vec::new();
    for number in 0..5 {
        let emails: Vec<Value> =
            (0..4).map(|at| json!({"value": format!("{at}@{number}.example")})).collect();
        let state = user_state(json!({"userName": format!("u{number}"), "emails": emails}));
        ids.push(bed.tenant.create_user(&state, &context()).await.expect("made").id);
    }
    for name in ["a", "b", "c"] {
        bed.group(name, &ids.iter().map(|id| id.0).collect::<Vec<_>>()).await;
    }
    for text in ["emails pr", r#"emails co "example""#, "emails[value pr]", r#"emails ne "x""#, "groups pr"] {
        let filter = parse(text, &ResourceType::user(), false).ok();
        for offset in 0..5 {
            let query = ListQuery {
                filter: filter.clone(),
                start: Start::Offset(offset),
                limit: 2,
                ..ListQuery::default()
            };
            let page = bed.tenant.users(&query).await.expect(text);
            let got: Vec<_> = page.items.iter().map(|user| user.id).collect();
            let expected: Vec<_> = ids.iter().copied().skip(offset as usize).take(2).collect();
            assert_eq!((page.total, got), (5, expected), "{text} from {offset}");
        }
    }
}

/// Where no groups are nested, filters on them do not walk; they select the same.
async fn groups_without_nesting(bed: Bed) {
    let population = Population::flat(&bed).await;
    for filter in USER_FILTERS.iter().filter(|filter| filter.contains("groups")) {
        population.check_users(&bed, filter).await;
    }
    for group in &population.groups {
        for filter in ["groups.value eq", "groups.value ne", r#"groups[type ne "direct" or value eq"#] {
            let end = if filter.contains('[') { "]" } else { "" };
            population.check_users(&bed, &format!(r#"{filter} "{}"{end}"#, group.id)).await;
        }
    }
}

async fn orders(bed: Bed) {
    let population = Population::new(&bed).await;
    let numbers: Vec<(&str, &[usize])> = vec![
        // By folded code points: digits, letters, then letters beyond ASCII.
        ("userName", &[8, 0, 1, 11, 4, 10, 9, 5, 6, 2, 3, 7]),
        // Absent values last, among themselves by id.
        ("title", &[10, 9, 4, 0, 6, 11, 1, 2, 3, 5, 7, 8]),
        ("externalId", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("active", &[1, 5, 0, 2, 3, 4, 6, 7, 8, 9, 10, 11]),
        // The primary value, else the first.
        ("emails", &[0, 1, 2, 4, 3, 5, 6, 7, 8, 9, 10, 11]),
        ("emails.type", &[1, 2, 0, 5, 3, 4, 6, 7, 8, 9, 10, 11]),
        ("emails.primary", &[0, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("roles.value", &[8, 0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11]),
        ("name.givenName", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("name", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("groups.display", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("schemas", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("id", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("meta.created", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("meta.version", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        ),
    ];
    for (path, expected) in numbers {
        assert_eq!(sorted(&bed, &population, path, false, None).await, expected, "{path}");
    }
    // Descending: absent values first; equal ones still by id.
    let descending: Vec<(&str, &[usize])> = vec![
        ("userName", &[7, 3, 2, 6, 5, 9, 10, 4, 11, 1, 0, 8]),
        ("title", &[1, 2, 3, 5, 7, 8, 11, 0, 6, 4, 9, 10]),
        ("active", &[0, 2, 3, 4, 6, 7, 8, 9, 10, 11, 1, 5]),
        ("id", &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ("meta.created", &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ("name.givenName", &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 0]),
    ];
    for (path, expected) in descending {
        assert_eq!(sorted(&bed, &population, path, true, None).await, expected, "{path} descending");
    }
    let working = parse("title pr", &ResourceType::user(), false).ok();
    assert_eq!(sorted(&bed, &population, "title", false, working).await, [10, 9, 4, 0, 6, 11]);
}

/// Places in [`people`] of the users in the order of a list, read in pages of five.
async fn sorted(
    bed: &Bed,
    population: &Population,
    path: &str,
    descending: bool,
    filter: Option<Filter>,
) -> Vec<usize> {
    let Resolved::Attribute(by) = ResourceType::user().resolve_in_query(path) else { panic!("{path}") };
    let mut places = Vec::new();
    for offset in [0, 5, 10] {
        let sort = Some(Sort { by: by.clone(), descending });
        let query = ListQuery {
            filter: filter.clone(),
            sort,
            start: Start::Offset(offset),
            limit: 5,
            ..ListQuery::default()
        };
        let page = bed.tenant.users(&query).await.unwrap_or_else(|error| panic!("{path}: {error:?}"));
        let place = |user: &User| population.users.iter().position(|known| known.id == user.id);
        places.extend(page.items.iter().filter_map(place));
    }
    places
}
