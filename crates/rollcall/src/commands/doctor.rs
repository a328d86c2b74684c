//! `rollcall doctor`: is everything in place, and how is each fault mended?

use std::{
    fmt::Display,
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use store::{Backend, Pooler, Store};
use token_service::TokenService;

use super::output;
use crate::{
    installation::{is_sealed, master_key, missing_key, present_master_key, store_options},
    settings::Settings,
};

/// Longest wait for Redis.
const PATIENCE: Duration = Duration::from_secs(3);

/// What one look found, where nothing is broken.
enum Finding {
    /// As it should be.
    Good(String),
    /// No fault, but somebody may want to know.
    Note(String),
}

impl<T: Into<String>> From<T> for Finding {
    fn from(text: T) -> Self {
        Self::Good(text.into())
    }
}

/// Checks one thing after another; fails when any check does.
pub(super) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let mut healthy = true;
    let mut say = |name: &str, result: anyhow::Result<Finding>| {
        let (mark, text): (_, &dyn Display) = match &result {
            Ok(Finding::Good(text)) => ("✓", text),
            Ok(Finding::Note(text)) => ("!", text),
            Err(error) => {
                healthy = false;
                ("✗", &format!("{error:#}"))
            }
        };
        output::line(format_args!("{mark} {name}: {text}"));
    };
    say("settings", Ok(format!("public URL {}", settings.public_url()).into()));
    say("address", address(settings.listen));
    match Store::open(&store_options(settings)).await {
        Ok(store) => {
            say("database", Ok(database(&store).into()));
            if let Some(file) = settings.sqlite_file().filter(|file| others_read(file)) {
                say("privacy", Ok(shared(&file)));
            }
            if let Some(pooler) = store.pooler() {
                say("pooler", Ok(between(pooler, settings).into()));
            }
            say("search", Ok(search(&store).into()));
            if let Some(shapes) = partitions(&store).await.transpose() {
                say("partitions", shapes.map(Into::into));
            }
            say("clock", clock(&store).map(Into::into));
            say("keys", keys(&store, settings).await.map(Into::into));
            say("operators", operators(&store).await);
            store.close().await;
        }
        Err(error) => say("database", Err(error.into())),
    }
    if let Some(url) = &settings.redis_url {
        say("redis", redis(url).await.map(Into::into));
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Could a server listen here?
fn address(listen: SocketAddr) -> anyhow::Result<Finding> {
    match TcpListener::bind(listen) {
        Ok(_) => Ok(format!("{listen} is free").into()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(Finding::Note(format!(
            "something listens on {listen} already; if that is not this installation's server, choose another address with \
             --listen"
        ))),
        Err(error) => {
            Err(anyhow::anyhow!("cannot listen on {listen}: {error}; choose another with --listen"))
        }
    }
}

fn database(store: &Store) -> String {
    let name = match store.backend() {
        Backend::Sqlite => "SQLite",
        Backend::Postgres => "PostgreSQL",
    };
    format!("{name}, schema up to date, row-level checks hold")
}

fn shared(file: &Path) -> Finding {
    Finding::Note(format!(
        "others on this machine can read people's data in {}: run `chmod 600` on it",
        file.display()
    ))
}

/// May others than the owner pass the folder of this file, and read it?
fn others_read(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let has = |path: &Path, bits: u32| {
        std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & bits != 0)
    };
    has(file, 0o044) && file.parent().is_none_or(|folder| has(folder, 0o011))
}

/// What is between this program and PostgreSQL; what is not fit has been refused by now.
fn between(pooler: Pooler, settings: &Settings) -> String {
    let migrations = match &settings.migrate_database_url {
        Some(_) => "migrations go by ROLLCALL_MIGRATE_DATABASE_URL",
        None => {
            "set ROLLCALL_MIGRATE_DATABASE_URL to the owner's login at PostgreSQL itself before you migrate"
        }
    };
    match pooler {
        Pooler::Session => "in between, in session mode".to_owned(),
        Pooler::Transaction => format!(
            "in between, in transaction mode: it keeps prepared statements, row-level security binds the login itself; \
             {migrations}"
        ),
    }
}

/// How texts inside of names are found. Nothing of it is a fault.
fn search(store: &Store) -> String {
    let all_are_read = "texts inside of names are found by looking at all names of the tenant";
    match (store.backend(), store.finds_parts()) {
        (Backend::Sqlite, _) => all_are_read.to_owned(),
        (Backend::Postgres, true) => "texts inside of names are found by an index".to_owned(),
        (Backend::Postgres, false) => format!(
            "{all_are_read}; for an index let a superuser run `CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gin` in \
             this database (both belong to PostgreSQL's contrib), then run `rollcall migrate` and start the servers again"
        ),
    }
}

fn clock(store: &Store) -> anyhow::Result<String> {
    // Tokens made before this program was written cannot exist: such a clock is wrong.
    const WRITTEN: i64 = 1_793_000_000_000;
    let now = scim_core::timestamp::to_rfc3339(store.now());
    anyhow::ensure!(
        store.now() > WRITTEN,
        "it is not {now}: set the machine's clock (NTP), tokens expire by it"
    );
    Ok(now)
}

/// How the large tables are kept, where some are in partitions.
async fn partitions(store: &Store) -> anyhow::Result<Option<String>> {
    let shapes = store.shapes().await?;
    let most = shapes.iter().map(|shape| shape.partitions).max().unwrap_or(0);
    let others: Vec<&str> =
        shapes.iter().filter(|shape| shape.partitions != most).map(|shape| &*shape.table).collect();
    Ok(match (most, others.is_empty()) {
        (0, _) => None,
        (_, true) => Some(format!("{most} in each of the {} large tables", shapes.len())),
        (_, false) => Some(format!(
            "{most} in most large tables, but not in {}: `rollcall migrate --partitions {most}` makes them alike",
            others.join(", ")
        )),
    })
}

/// What verifies tokens, for those who do so themselves.
async fn keys(store: &Store, settings: &Settings) -> anyhow::Result<String> {
    let key = match present_master_key(settings)? {
        Some(_) => master_key(settings)?,
        None if !is_sealed(store).await? => {
            return Ok("none yet; the server makes them when it starts".to_owned());
        }
        None => return Err(missing_key(settings)),
    };
    let tokens = TokenService::open(store.clone(), key).await?;
    let active = tokens.signing_keys().await?.into_iter().next().map(|key| key.kid).unwrap_or_default();
    let jwks = settings.public_url().join(".well-known/jwks.json")?;
    let (all, outdated) = tokens.vault().data_keys();
    let hint = match (outdated, settings.former_master_key.is_some()) {
        (0, true) => "; ROLLCALL_FORMER_MASTER_KEY is needed no more: take it away".to_owned(),
        (0, false) => String::new(),
        (outdated, _) => {
            format!("; a former master key still wraps {outdated} of them: run `rollcall key rewrap`")
        }
    };
    let issuer = tokens.issuer();
    Ok(format!(
        "master key opens {}{hint}; {active} signs; issuer {issuer}, public keys at {jwks}",
        output::counted(all, "data key")
    ))
}

async fn operators(store: &Store) -> anyhow::Result<Finding> {
    let count = store.platform().admin_count().await?;
    // No fault: an installation may be run from the command line alone.
    Ok(match count {
        0 => Finding::Note(
            "nobody can sign in to the console yet; `rollcall admin create EMAIL` makes an operator"
                .to_owned(),
        ),
        count => format!("{count} can sign in to the console").into(),
    })
}

async fn redis(url: &str) -> anyhow::Result<String> {
    let help = "check redis_url; Rollcall works without Redis, nodes then learn of changes within a second";
    let client = redis::Client::open(url).map_err(|error| anyhow::anyhow!("{error}; {help}"))?;
    let ping = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<String>(&mut connection).await
    };
    match tokio::time::timeout(PATIENCE, ping).await {
        Ok(Ok(_)) => Ok("answers".to_owned()),
        Ok(Err(error)) => Err(anyhow::anyhow!("{error}; {help}")),
        Err(_) => Err(anyhow::anyhow!("no answer within {} s; {help}", PATIENCE.as_secs())),
    }
}
