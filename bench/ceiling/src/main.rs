//! What axum and the fewest SQL statements reach: no SCIM rules, no authentication, one tenant. A real server is slower.
//!
//! - `GET /pg/user/{n}`: one SELECT by (tenant, id), row number n from 0
//! - `GET /pg/text/{n}`: the same, the document passed through as text, never parsed
//! - `GET /pg/name/{n}`: one SELECT by (tenant, folded user name)
//! - `POST /pg/user`: the create transaction: row, audit row and outbox row in one commit
//!
//! The tables are those of `bench/pg/schema.sql`.

use anyhow::Context as _;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use clap::Parser;
use serde_json::Value;
use sqlx::{PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

/// The ceilings of a SCIM server on PostgreSQL.
#[derive(Parser)]
struct Options {
    /// Port on the loopback
    #[arg(long, default_value_t = 18080)]
    port: u16,
    /// Worker threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// postgres://… of the database that bench/pg/schema.sql and load.sql were run in
    #[arg(long)]
    pg: String,
    /// Connections to it
    #[arg(long, default_value_t = 8)]
    pool: u32,
}

/// Row n of `bench/pg/load.sql`.
fn row_id(n: u64) -> Uuid {
    Uuid::from_u128((0xACE_u128 << 64) | u128::from(n))
}

fn tenant() -> Uuid {
    Uuid::from_u128(1)
}

fn scim(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/scim+json")], body).into_response()
}

/// The document, 404, or the database's error.
fn answer(found: Result<Option<String>, sqlx::Error>) -> Response {
    match found {
        Ok(Some(document)) => scim(StatusCode::OK, document),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn by_id(State(pool): State<PgPool>, Path(n): Path<u64>) -> Response {
    let query =
        sqlx::query_as::<_, (Value,)>("SELECT data FROM anchor.users WHERE tenant_id = $1 AND id = $2");
    let found = query.bind(tenant()).bind(row_id(n)).fetch_optional(&pool).await;
    answer(found.map(|row| row.map(|(document,)| document.to_string())))
}

async fn by_id_as_text(State(pool): State<PgPool>, Path(n): Path<u64>) -> Response {
    let sql = "SELECT data::text FROM anchor.users WHERE tenant_id = $1 AND id = $2";
    let found =
        sqlx::query_as::<_, (String,)>(sql).bind(tenant()).bind(row_id(n)).fetch_optional(&pool).await;
    answer(found.map(|row| row.map(|(document,)| document)))
}

async fn by_name(State(pool): State<PgPool>, Path(n): Path<u64>) -> Response {
    let sql = "SELECT data FROM anchor.users WHERE tenant_id = $1 AND user_name_ci = $2";
    let name = format!("user{n:07}@acme.example");
    let found = sqlx::query_as::<_, (Value,)>(sql).bind(tenant()).bind(name).fetch_optional(&pool).await;
    answer(found.map(|row| row.map(|(document,)| document.to_string())))
}

async fn create(State(pool): State<PgPool>, Json(mut document): Json<Value>) -> Response {
    let id = Uuid::new_v4();
    match insert(&pool, id, &document).await {
        Ok(()) => {
            document["id"] = serde_json::json!(id);
            scim(StatusCode::CREATED, document.to_string())
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn insert(pool: &PgPool, id: Uuid, document: &Value) -> Result<(), sqlx::Error> {
    let name = document["userName"].as_str().unwrap_or_default().to_owned() + &id.to_string();
    let mut tx = pool.begin().await?;
    sqlx::query(
        "INSERT INTO anchor.users (tenant_id, id, user_name, user_name_ci, data) VALUES ($1, $2, $3, lower($3), $4)",
    )
    .bind(tenant())
    .bind(id)
    .bind(&name)
    .bind(document)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO anchor.audit (tenant_id, actor, action, resource_id, detail) VALUES ($1, 'bench', 'user.create', $2, $3)",
    )
    .bind(tenant())
    .bind(id)
    .bind(serde_json::json!({"userName": name}))
    .execute(&mut *tx)
    .await?;
    sqlx::query("INSERT INTO anchor.outbox (tenant_id, topic, payload) VALUES ($1, 'user.created', $2)")
        .bind(tenant())
        .bind(serde_json::json!({"id": id}))
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

async fn serve(options: Options) -> anyhow::Result<()> {
    // No ping before each use of a connection: a round trip that the server does not make either.
    let pool = PgPoolOptions::new()
        .test_before_acquire(false)
        .max_connections(options.pool)
        .min_connections(options.pool)
        .connect(&options.pg)
        .await
        .context("cannot connect to PostgreSQL")?;
    let routes = Router::new()
        .route("/pg/user/{n}", get(by_id))
        .route("/pg/text/{n}", get(by_id_as_text))
        .route("/pg/name/{n}", get(by_name))
        .route("/pg/user", post(create))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", options.port)).await.context("the port")?;
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, routes).await?)
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(options.threads).enable_all().build()?.block_on(serve(options))
}
