//! Backups between both databases: what comes back is what was there, or nothing comes.

use std::{
    io::{self, BufReader, Write},
    sync::Mutex,
};

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use store::{
    Backend, ListQuery, Store, TenantId, Total,
    backup::{BackupError, How, JSON, Place, Restored, Scope, TABLES, TableSum, Taken},
    feed::FeedQuery,
    keys::DataKey,
    tenants::{PURGED, TenantStatus},
    trail::verify::{Step, Walk},
};
use store_testing::TestStore;

use crate::{
    common::{context, raw, run, tenant},
    credentials::bearer,
    removal::fill,
    support::{group_state, user_state},
};

const BOTH: [Backend; 2] = [Backend::Sqlite, Backend::Postgres];

fn opens(key: &DataKey) -> Result<DataKey, String> {
    Ok(key.clone())
}

async fn taken(store: &TestStore, scope: &Scope) -> (Taken, Vec<u8>) {
    let mut file = Vec::new();
    let taken = store.back_up(store.options(), scope, &mut file, &|_| ()).await.expect("a backup");
    (taken, file)
}

async fn restored(store: &TestStore, file: &[u8], how: How<'_>) -> Result<Restored, BackupError> {
    Store::restore(store.options(), &mut BufReader::new(file), how, &|_| ()).await
}

fn refused(outcome: Result<Restored, BackupError>) -> String {
    match outcome {
        Err(BackupError::Refused(text)) => text,
        other => panic!("not refused: {other:?}"),
    }
}

/// Users, groups, roles and credentials of a tenant, in a trail of some entries; the last one has no number yet.
async fn filled(store: &TestStore, slug: &str) -> TenantId {
    let id = tenant(store, slug).await;
    let scope = store.tenant(id);
    store.platform().configure_tenant(id, &TenantStatus::Active.into(), &context()).await.unwrap();
    scope.create_credential(&bearer("okta"), &context()).await.unwrap();
    let mut members = Vec::new();
    for number in 0..30 {
        let user = json!({
            "userName": format!("u{number}@{slug}"), "displayName": format!("Ünï \"{number}\"\n{slug}"),
            "emails": [{"value": format!("U{number}@x"), "type": "work"}], "x": [1.0, 1e20, 0.5, null, true],
        });
        members.push(scope.create_user(&user_state(user), &context()).await.unwrap().id.to_string());
    }
    let all: Vec<&String> = members.iter().collect();
    scope.create_group(&group_state("nurses", &all[..20]), false, &context()).await.unwrap();
    store.number().await;
    scope.create_user(&user_state(json!({"userName": "late"})), &context()).await.unwrap();
    id
}

async fn whole(store: &TestStore, id: TenantId) -> i64 {
    let mut walk = Walk::default();
    loop {
        match store.tenant(id).verify_trail(walk).await.unwrap() {
            Step::More(next) => walk = next,
            Step::Done(check) => {
                assert_eq!(check.fault, None);
                return check.through;
            }
        }
    }
}

async fn total(store: &Store, id: TenantId) -> u64 {
    let query = ListQuery { limit: 1, total: Total::Whole, ..ListQuery::default() };
    store.tenant(id).users(&query).await.unwrap().total
}

/// How many rows stand in all tables of the installation.
async fn rows(store: &TestStore) -> Vec<(String, i64)> {
    let db = raw(store).await;
    let mut counts = Vec::new();
    for (table, _) in TABLES {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let row =
            db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap().unwrap();
        counts.push(((*table).to_owned(), row.try_get_by_index(0).unwrap()));
    }
    db.close().await.unwrap();
    counts
}

/// A table that nobody thought of fails here.
#[tokio::test]
async fn every_table_has_its_place() {
    for backend in BOTH {
        let store = store_testing::on(backend).await;
        let db = raw(&store).await;
        let sql = match backend {
            Backend::Postgres => {
                "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace \
                 AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'seaql_migrations'"
            }
            Backend::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                 AND name <> 'seaql_migrations'"
            }
        };
        let texts = async |sql: &str| {
            let found =
                db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
            let mut found: Vec<String> = found.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
            found.sort();
            found
        };
        let mut listed: Vec<String> = TABLES.iter().map(|(table, _)| (*table).to_owned()).collect();
        listed.sort();
        assert_eq!(texts(sql).await, listed, "{backend:?}");
        if backend == Backend::Postgres {
            let sql = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE data_type = 'jsonb' \
                       AND table_schema = 'public' AND table_name !~ '_p\\d\\d$'";
            let mut json: Vec<String> =
                JSON.iter().map(|(table, column)| format!("{table}.{column}")).collect();
            json.sort();
            assert_eq!(texts(sql).await, json);
        }
        db.close().await.unwrap();
    }
    // What a purge of a tenant removes is what comes with the tenant, or is nothing that a backup has.
    for (table, column) in PURGED {
        let (_, place) = TABLES.iter().find(|(name, _)| name == table).expect(table);
        let fits = match place {
            Place::Tenant(own) | Place::Shared(own) => own == column,
            Place::Left(_) => true,
            Place::Installation | Place::Last => false,
        };
        assert!(fits, "{table}: {place:?}");
    }
}

fn of<'a>(sums: &'a [TableSum], table: &str) -> &'a TableSum {
    sums.iter().find(|sum| sum.table == table).unwrap_or_else(|| panic!("nothing of {table}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_either_database_is_put_into_either() {
    for from in BOTH {
        let source = store_testing::on(from).await;
        let id = filled(&source, "acme").await;
        let every = tenant(&source, "every").await;
        let db = raw(&source).await;
        // A row in each table that a tenant has rows in.
        fill(&source, &db, every).await;
        db.close().await.unwrap();
        filled(&source, "beta").await;
        source.platform().delete_tenant(tenant(&source, "gone").await, &context()).await.unwrap();
        source.number().await;
        source.tenant(id).create_user(&user_state(json!({"userName": "later"})), &context()).await.unwrap();
        let feed = async |store: &TestStore| {
            let query = FeedQuery { after: 0, limit: 500, ..FeedQuery::default() };
            let page = store.platform().feed(&query).await.unwrap();
            page.items
                .iter()
                .map(|one| (one.position, one.slug.clone(), one.record.clone()))
                .collect::<Vec<_>>()
        };
        let (before, entries) = (feed(&source).await, whole(&source, id).await);
        let (taken, file) = taken(&source, &Scope::Installation).await;
        assert_eq!(taken.tenants, 4);
        assert!(of(&taken.tables, "users").rows > 60 && before.len() > 60);
        let kept = TABLES.iter().filter(|(_, place)| matches!(place, Place::Tenant(_)));
        for (table, _) in kept {
            assert!(of(&taken.tables, table).rows > 0, "{table} is tried with a row at least");
        }
        assert!(
            taken.tables.iter().all(|sum| !["walk_marks", "setup_sessions"].contains(&sum.table.as_str()))
        );

        for to in BOTH {
            let target = store_testing::on(to).await;
            let outcome = restored(&target, &file, How::Whole(&opens)).await.expect("restored");
            assert_eq!(
                (&outcome.tables, &outcome.head, outcome.tenants),
                (&taken.tables, &taken.head, 4),
                "{from:?} to {to:?}"
            );
            assert!(!outcome.elsewhere);
            // The same backup is made of it.
            let (again, _) = self::taken(&target, &Scope::Installation).await;
            assert_eq!(again.tables, taken.tables, "{from:?} to {to:?}");
            assert_eq!(target.platform().installation_id().await.unwrap(), taken.head.installation);

            // It goes on there.
            assert_eq!(feed(&target).await, before);
            assert_eq!(whole(&target, id).await, entries);
            assert_eq!(total(&target, id).await, 32);
            let user = target.tenant(id).user_by_name("U7@ACME", true).await.unwrap().expect("a user");
            assert_eq!(user.groups.expect("read").len(), 1);
            assert_eq!(
                target.tenant(id).credentials().await.unwrap(),
                source.tenant(id).credentials().await.unwrap()
            );
            target.tenant(id).create_user(&user_state(json!({"userName": "new"})), &context()).await.unwrap();
            target.number().await;
            assert_eq!(whole(&target, id).await, entries + 2, "what waited for its number, and what is new");
            assert_eq!(total(&target, id).await, 33);
            assert_eq!(feed(&target).await.len(), before.len() + 2);

            // It takes nothing's place.
            let text = refused(restored(&target, &file, How::Whole(&opens)).await);
            assert!(text.contains("in use"), "{text}");
        }
    }
}

/// Somebody who makes users while the backup is being written.
struct Disturbed<'a> {
    file: Mutex<Vec<u8>>,
    store: &'a TestStore,
    tenant: TenantId,
    made: u32,
}

impl Write for Disturbed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.made < 5 {
            self.made += 1;
            let user = user_state(json!({"userName": format!("meanwhile{}", self.made)}));
            let scope = self.store.tenant(self.tenant);
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current()
                    .block_on(scope.create_user(&user, &context()))
                    .expect("made");
            });
        }
        self.file.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_of_one_moment_while_others_write() {
    for backend in BOTH {
        let source = store_testing::on(backend).await;
        let id = filled(&source, "acme").await;
        let mut file = Disturbed { file: Mutex::default(), store: &source, tenant: id, made: 0 };
        source.back_up(source.options(), &Scope::Installation, &mut file, &|_| ()).await.expect("a backup");
        let made = file.made;
        let file = file.file.into_inner().unwrap();
        assert_eq!(made, 5);
        assert!(!String::from_utf8_lossy(&file).contains("meanwhile"), "{backend:?}");
        let target = store_testing::on(Backend::Sqlite).await;
        restored(&target, &file, How::Whole(&opens)).await.expect("restored");
        assert_eq!((total(&target, id).await, total(&source, id).await), (31, 36));
        whole(&target, id).await;
    }
}

/// Whatever line is another one, or is not there: nothing is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_changed_leaves_everything_as_it_was() {
    let source = store_testing::on(Backend::Sqlite).await;
    filled(&source, "acme").await;
    let (_, file) = taken(&source, &Scope::Installation).await;
    let text = String::from_utf8(file).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let users = lines.iter().position(|line| line.contains("\"users\"")).unwrap();
    let without = |place: usize| [&lines[..place], &lines[place + 1..]].concat().concat();
    let with = |place: usize, line: &str| [&lines[..place], &[line], &lines[place..]].concat().concat();
    let cases = [
        ("a row is missing", without(users + 1)),
        ("a row is there twice", with(users + 1, lines[users + 1])),
        ("a row is another one", text.replacen("u7@acme", "x7@acme", 1)),
        ("a digest is another one", {
            let place = text.rfind("sha256\":\"").unwrap() + 9;
            let digit = if text.as_bytes()[place] == b'0' { "1" } else { "0" };
            format!("{}{digit}{}", &text[..place], &text[place + 1..])
        }),
        ("a section is missing", {
            // One that no other one needs.
            let begin = lines.iter().position(|line| line.contains("\"user_values\"")).unwrap();
            let end = (begin + 1..).find(|place| !lines[*place].starts_with('[')).unwrap();
            [&lines[..begin], &lines[end + 1..]].concat().concat()
        }),
        ("its end is missing", without(lines.len() - 1)),
        ("it ends in a line", text[..text.len() - 10].to_owned()),
        ("it ends in the middle", lines[..users + 5].concat()),
        ("something is behind its end", format!("{text}{}", lines[0])),
        ("a table that nobody has", text.replacen("\"users\"", "\"people\"", 1)),
        ("a column that nobody has", text.replacen("\"user_name\"", "\"nickname\"", 1)),
        ("a number where a text belongs", text.replacen("\"late\"", "7", 1)),
        ("its head is missing", without(0)),
        ("something else", "hello\n".to_owned()),
        ("nothing", String::new()),
    ];
    for to in BOTH {
        let target = store_testing::on(to).await;
        let before = rows(&target).await;
        let id = target.platform().installation_id().await.unwrap();
        for (what, changed) in &cases {
            assert_ne!(*changed, text, "{what}");
            let told = refused(restored(&target, changed.as_bytes(), How::Whole(&opens)).await);
            assert!(told.contains("line ") && told.contains("nothing was changed"), "{what}: {told}");
            if *what != "a column that nobody has" && *what != "a number where a text belongs" {
                refused(restored(&target, changed.as_bytes(), How::Check).await);
            }
        }
        let other = text.replacen(&schema(lines[0]), "m20990101_000001_later", 1);
        assert!(
            refused(restored(&target, other.as_bytes(), How::Whole(&opens)).await)
                .contains("another version")
        );
        let wrong_key = |_: &DataKey| Err("it does not open".to_owned());
        // Without data keys there is nothing to open; with one the wrong master key is found.
        restored(&target, text.as_bytes(), How::Check).await.expect("whole");
        source.platform().ensure_data_key(&data_key(1)).await.unwrap();
        let (_, keyed) = taken(&source, &Scope::Installation).await;
        assert_eq!(refused(restored(&target, &keyed, How::Whole(&wrong_key)).await), "it does not open");
        assert_eq!(rows(&target).await, before, "{to:?}");
        assert_eq!(target.platform().installation_id().await.unwrap(), id);
        restored(&target, &keyed, How::Whole(&opens)).await.expect("whole");
    }
}

/// The schema that a head names.
fn schema(head: &str) -> String {
    let head: serde_json::Value = serde_json::from_str(head).unwrap();
    head["rollcall-backup"]["schema"].as_str().unwrap().to_owned()
}

fn data_key(byte: u8) -> DataKey {
    DataKey { id: uuid::Uuid::from_bytes([byte; 16]), wrapped: vec![byte; 40], created_at: 5_000 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_put_beside_others() {
    for (from, to) in [(Backend::Sqlite, Backend::Postgres), (Backend::Postgres, Backend::Sqlite)] {
        let source = store_testing::on(from).await;
        let (id, other) = (filled(&source, "acme").await, filled(&source, "beta").await);
        let every = tenant(&source, "every").await;
        let db = raw(&source).await;
        fill(&source, &db, every).await;
        db.close().await.unwrap();
        source.platform().ensure_data_key(&data_key(1)).await.unwrap();
        source
            .tenant(id)
            .create_user(&user_state(json!({"userName": "unnumbered"})), &context())
            .await
            .unwrap();
        let (_, everything) = taken(&source, &Scope::Installation).await;
        let (alone, file) = taken(&source, &Scope::Tenants(vec![id, every])).await;
        assert_eq!(alone.tenants, 2);
        assert!(!String::from_utf8_lossy(&file).contains("beta"), "nothing of others");

        let target = store_testing::on(to).await;
        target.platform().ensure_data_key(&data_key(9)).await.unwrap();
        let here = filled(&target, "here").await;
        let (epoch, ends) = (target.epoch(), target.platform().feed_ends().await.unwrap());
        let before = rows(&target).await;
        for (slug, file, expected) in
            [("here", &file, "never used again"), ("none", &file, "no tenant"), ("beta", &file, "no tenant")]
        {
            let text = refused(restored(&target, file, How::Tenant(slug, &opens)).await);
            assert!(text.contains(expected), "{text}");
        }
        assert!(refused(restored(&target, &file, How::Whole(&opens)).await).contains("--tenant"));
        assert_eq!(rows(&target).await, before);

        let outcome = restored(&target, &file, How::Tenant("acme", &opens)).await.expect("restored");
        assert_eq!((outcome.tenants, outcome.keys_added, outcome.elsewhere), (1, 0, true));
        assert_eq!(of(&outcome.tables, "users").rows, 32);
        assert_eq!((whole(&target, id).await, total(&target, id).await), (whole(&source, id).await, 32));
        let begun = std::time::Instant::now();
        while target.epoch() == epoch {
            assert!(begun.elapsed().as_secs() < 5, "nodes learn of it");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(target.platform().feed_ends().await.unwrap(), ends, "its events are not told again");
        target.number().await;
        let query = FeedQuery { after: ends.last, limit: 100, ..FeedQuery::default() };
        let told = target.platform().feed(&query).await.unwrap();
        let told: Vec<&str> = told.items.iter().map(|one| one.slug.as_str()).collect();
        assert!(told.contains(&"acme") && told.len() <= 2, "what had no number yet: {told:?}");
        assert_eq!(
            (total(&target, here).await, target.platform().tenant_by_id(other).await.unwrap()),
            (31, None)
        );

        // Out of a backup of everything, with destinations, whose secrets need the key that they were sealed under.
        let refuses = |_: &DataKey| Err("it does not open".to_owned());
        let text = refused(restored(&target, &everything, How::Tenant("every", &refuses)).await);
        assert_eq!(text, "it does not open");
        let rewrapped = |key: &DataKey| Ok(DataKey { wrapped: vec![7; 40], ..key.clone() });
        let outcome =
            restored(&target, &everything, How::Tenant("every", &rewrapped)).await.expect("restored");
        assert_eq!(outcome.keys_added, 1);
        let keys = target.platform().data_keys().await.unwrap();
        let told: Vec<_> = keys.iter().map(|key| (key.id, key.wrapped[0], key.created_at)).collect();
        assert_eq!(
            told,
            [(data_key(1).id, 7, 4_999), (data_key(9).id, 9, 5_000)],
            "the newest stays the newest"
        );
        let position =
            format!("SELECT position FROM destinations WHERE tenant = {}", literal(&target, every));
        let db = raw(&target).await;
        let row = db
            .query_one_raw(Statement::from_string(db.get_database_backend(), position))
            .await
            .unwrap()
            .unwrap();
        let last = target.platform().feed_ends().await.unwrap().last;
        assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), last, "it is told what comes from now on");
        db.close().await.unwrap();

        // A user name that another tenant has here is not taken from it.
        let third = store_testing::on(to).await;
        let owner = tenant(&third, "owner").await;
        let db = raw(&third).await;
        fill(&third, &db, owner).await;
        db.close().await.unwrap();
        let before = rows(&third).await;
        let text = refused(restored(&third, &everything, How::Tenant("every", &rewrapped)).await);
        assert!(text.contains("login is taken"), "{text}");
        assert_eq!(rows(&third).await, before);
    }
}

fn literal(store: &TestStore, id: TenantId) -> String {
    match store.backend() {
        Backend::Postgres => format!("'{id}'"),
        Backend::Sqlite => format!("X'{}'", id.0.simple()),
    }
}

/// Of somebody who was purged no column of any table holds anything, and on SQLite no byte of its files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_somebody_who_was_purged() {
    let canaries =
        ["Canary.Name@acme.example", "Kanarienvögel GmbH", "canary-4711", "+49 30 0815", "canary-group"];
    for backend in BOTH {
        let store = store_testing::on(backend).await;
        let id = tenant(&store, "acme").await;
        let scope = store.tenant(id);
        let state = |title: &str| {
            user_state(json!({
                "userName": canaries[0], "displayName": canaries[1], "externalId": canaries[2], "title": title,
                "phoneNumbers": [{"value": canaries[3]}], "emails": [{"value": canaries[0], "type": "work"}],
            }))
        };
        let user = scope.create_user(&state("one"), &context()).await.unwrap();
        let other = scope.create_user(&user_state(json!({"userName": "stays"})), &context()).await.unwrap();
        let ids = [user.id.to_string(), other.id.to_string()];
        let members: Vec<&String> = ids.iter().collect();
        scope.create_group(&group_state("nurses", &members), false, &context()).await.unwrap();
        store.number().await;
        // What a request said of the person, in the log.
        crate::activity::log(&store, id, &[&user.id.to_string(), canaries[0]], &canaries.join("|")).await;
        scope.replace_user(user.id, user.version, &state("two"), &context()).await.unwrap();
        store.number().await;

        let texts = canaries.map(str::to_owned);
        let (found, looked) = store.scan(store.options(), &texts, &|_| ()).await.unwrap();
        assert!(looked > 10);
        for (place, text) in canaries.iter().enumerate().take(4) {
            let mut places: Vec<String> = found
                .iter()
                .filter(|one| one.text == place)
                .map(|one| format!("{}.{}", one.table, one.column))
                .collect();
            places.sort();
            for expected in ["payloads.body", "request_log.request_body", "users.document", "users.search"] {
                assert!(
                    places.iter().any(|found| found == expected),
                    "{text} is not found in {expected}: {places:?}"
                );
            }
        }
        assert!(scope.purge_user(user.id, None, &context()).await.unwrap());
        store.number().await;
        let (found, _) = store.scan(store.options(), &texts, &|_| ()).await.unwrap();
        assert_eq!(found, [], "{backend:?}");
        let (stays, _) = store.scan(store.options(), &["STAYS".to_owned()], &|_| ()).await.unwrap();
        assert!(!stays.is_empty(), "others stay");
        let (_, file) = taken(&store, &Scope::Installation).await;
        let file = String::from_utf8(file).unwrap();
        assert!(canaries.iter().all(|text| !file.contains(text)), "no backup from now on has it");

        if backend == Backend::Sqlite {
            let path = store.options().url.strip_prefix("sqlite://").unwrap().to_owned();
            // What the log of changes held goes when it is copied into the file, which the server does all the time.
            run(&raw(&store).await, "PRAGMA wal_checkpoint(TRUNCATE)").await;
            for name in [path.clone(), format!("{path}-wal")] {
                let bytes = std::fs::read(&name).unwrap_or_default();
                for text in &canaries {
                    let there =
                        bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()));
                    assert!(!there, "{text} in {name}");
                }
            }
        }
    }
}
