//! `rollcall doctor`: is everything in place, and how is each fault mended?

use std::{process::ExitCode, time::Duration};

use store::{Backend, Pooler, Store};
use token_service::{MasterKey, TokenService};

use super::output;
use crate::{
    installation::{master_key, store_options},
    settings::Settings,
};

/// Longest wait for Redis.
const PATIENCE: Duration = Duration::from_secs(3);

/// Checks one thing after another; fails when any check does.
pub(super) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let mut healthy = true;
    let mut say = |name: &str, result: anyhow::Result<String>| match result {
        Ok(found) => output::line(format_args!("✓ {name}: {found}")),
        Err(error) => {
            healthy = false;
            output::line(format_args!("✗ {name}: {error:#}"));
        }
    };
    say("settings", Ok(format!("public URL {}", settings.public_url())));
    let options = store_options(settings);
    let store = Store::open(&options).await;
    let key = master_key(settings);
    match (store, key) {
        (Ok(store), Ok(key)) => {
            say("database", Ok(format!("{:?}, schema up to date, row-level checks hold", store.backend())));
            if let Some(pooler) = store.pooler() {
                say("pooler", Ok(between(pooler, settings)));
            }
            say("search", Ok(search(&store)));
            if let Some(shapes) = partitions(&store).await.transpose() {
                say("partitions", shapes);
            }
            say("clock", clock(&store));
            say("keys", keys(&store, key, settings).await);
            say("operators", operators(&store).await);
            store.close().await;
        }
        (store, key) => {
            say("database", store.map(|_| "reachable".to_owned()).map_err(Into::into));
            say("keys", key.map(|_| "master key is readable".to_owned()));
        }
    }
    if let Some(url) = &settings.redis_url {
        say("redis", redis(url).await);
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
async fn keys(store: &Store, key: MasterKey, settings: &Settings) -> anyhow::Result<String> {
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

async fn operators(store: &Store) -> anyhow::Result<String> {
    let count = store.platform().admin_count().await?;
    // No fault: an installation may be run from the command line alone.
    Ok(match count {
        0 => "nobody can sign in to the console yet; `rollcall admin create EMAIL` makes an operator"
            .to_owned(),
        count => format!("{count} can sign in to the console"),
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
