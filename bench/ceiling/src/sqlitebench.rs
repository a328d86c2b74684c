//! SQLite in WAL mode, in this process, on one thread: the same create transaction and the same look-ups.
//! One JSON line a measurement.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Parser;
use rusqlite::{Connection, TransactionBehavior, params};
use uuid::Uuid;

/// The ceilings of a SCIM server on SQLite.
#[derive(Parser)]
struct Options {
    /// Database file, made and filled when it is not there
    file: PathBuf,
    /// Users in it
    rows: usize,
    /// Seconds for each measurement
    #[arg(long, default_value_t = 5.0)]
    secs: f64,
    /// Leave out the look-ups
    #[arg(long)]
    writes_only: bool,
    /// `PRAGMA synchronous` of the writes
    #[arg(long, default_value = "FULL")]
    synchronous: String,
}

const TENANT: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

fn document(n: usize) -> String {
    serde_json::json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "userName": user_name(n),
        "name": {
            "givenName": "Ada",
            "familyName": format!("Lovelace{n}"),
            "formatted": format!("Ada Lovelace{n}"),
        },
        "emails": [
            {"value": format!("mail{n:07}@acme.example"), "type": "work", "primary": true},
            {"value": format!("home{n:07}@acme.example"), "type": "home"},
        ],
        "phoneNumbers": [{"value": "+1-555-0100", "type": "work"}],
        "addresses": [{
            "type": "work",
            "streetAddress": "1 Market Street",
            "locality": "San Francisco",
            "region": "CA",
            "postalCode": "94105",
            "country": "US",
        }],
        "displayName": format!("Ada Lovelace{n}"),
        "title": "Engineer",
        "userType": "Employee",
        "locale": "en-US",
        "timezone": "America/Los_Angeles",
        "externalId": format!("00u{n:09}"),
        "active": true,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": format!("{n:07}"),
            "costCenter": "CC-001",
            "organization": "Acme",
            "division": "West",
            "department": "Engineering",
        },
    })
    .to_string()
}

fn user_name(n: usize) -> String {
    format!("user{n:07}@acme.example")
}

fn row_id(n: usize) -> [u8; 16] {
    *Uuid::from_u128((0xACE_u128 << 64) | n as u128).as_bytes()
}

/// xorshift64: the same rows in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % n as u64) as usize
    }
}

struct Bench {
    connection: Connection,
    rows: usize,
    secs: f64,
}

impl Bench {
    /// Repeats `once` for the time of a measurement and prints its line.
    fn measure(
        &self,
        scenario: &str,
        synchronous: &str,
        mut once: impl FnMut(usize) -> rusqlite::Result<()>,
    ) -> anyhow::Result<()> {
        let (mut took, start) = (vec![], Instant::now());
        while start.elapsed() < Duration::from_secs_f64(self.secs) {
            let began = Instant::now();
            once(took.len())?;
            took.push(began.elapsed());
        }
        let secs = start.elapsed().as_secs_f64();
        took.sort_unstable();
        let quantile =
            |q: f64| took[((took.len() as f64 * q) as usize).min(took.len() - 1)].as_secs_f64() * 1e3;
        let line = serde_json::json!({
            "server": "sqlite", "scenario": scenario, "synchronous": synchronous, "users": self.rows,
            "ops": took.len(), "rps": (took.len() as f64 / secs).round(),
            "p50_ms": quantile(0.5), "p95_ms": quantile(0.95), "p99_ms": quantile(0.99), "errors": 0, "wrong": 0,
        });
        println!("{line}");
        Ok(())
    }

    fn fill(&mut self) -> anyhow::Result<()> {
        let have: i64 = self.connection.query_row("SELECT count(*) FROM users", [], |row| row.get(0))?;
        if have >= self.rows as i64 {
            return Ok(());
        }
        let tx = self.connection.transaction()?;
        {
            let sql = "INSERT OR IGNORE INTO users (tenant_id, id, user_name, user_name_ci, data) VALUES (?1, ?2, ?3, ?3, ?4)";
            let mut insert = tx.prepare(sql)?;
            for n in 0..self.rows {
                insert.execute(params![TENANT, row_id(n), user_name(n), document(n)])?;
            }
        }
        tx.commit()?;
        Ok(self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); ANALYZE;")?)
    }

    fn reads(&self) -> anyhow::Result<()> {
        let mut dice = Dice(88_172_645_463_325_252);
        let mut by_id = self.connection.prepare("SELECT data FROM users WHERE tenant_id = ?1 AND id = ?2")?;
        self.measure("select_by_id", "-", |_| {
            by_id.query_row(params![TENANT, row_id(dice.below(self.rows))], |row| row.get::<_, String>(0))?;
            Ok(())
        })?;
        let mut by_name =
            self.connection.prepare("SELECT data FROM users WHERE tenant_id = ?1 AND user_name_ci = ?2")?;
        self.measure("select_by_name", "-", |_| {
            by_name.query_row(params![TENANT, user_name(dice.below(self.rows))], |row| {
                row.get::<_, String>(0)
            })?;
            Ok(())
        })
    }

    fn writes(&self, synchronous: &str) -> anyhow::Result<()> {
        self.connection.pragma_update(None, "synchronous", synchronous)?;
        self.measure("insert_txn", synchronous, |n| {
            let id = Uuid::new_v4();
            let name = format!("new-{n}-{id}@acme.example");
            let tx =
                rusqlite::Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            let id = id.as_bytes();
            tx.prepare_cached("INSERT INTO users (tenant_id, id, user_name, user_name_ci, data) VALUES (?1, ?2, ?3, lower(?3), ?4)")?
                .execute(params![TENANT, id, name, document(n)])?;
            tx.prepare_cached("INSERT INTO audit (tenant_id, actor, action, resource_id, detail) VALUES (?1, 'bench', 'user.create', ?2, ?3)")?
                .execute(params![TENANT, id, name])?;
            tx.prepare_cached("INSERT INTO outbox (tenant_id, topic, payload) VALUES (?1, 'user.created', ?2)")?
                .execute(params![TENANT, name])?;
            tx.commit()
        })?;
        self.connection.execute("DELETE FROM users WHERE user_name_ci LIKE 'new-%'", [])?;
        let tidy = "DELETE FROM audit; DELETE FROM outbox; PRAGMA wal_checkpoint(TRUNCATE);";
        Ok(self.connection.execute_batch(tidy)?)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let connection = Connection::open(&options.file)?;
    connection.execute_batch(include_str!("sqlite.sql"))?;
    let mut bench = Bench { connection, rows: options.rows, secs: options.secs };
    bench.fill()?;
    if !options.writes_only {
        bench.reads()?;
    }
    bench.writes(&options.synchronous)
}
