//! The spans of a request, for whoever collects traces. Each has the target [`TARGET`]: nothing else leaves, so what other code
//! writes into spans and events of its own stays here. No span names a person: no query, no body, no value of a statement.
//!
//! Names and attributes are those of OpenTelemetry's semantic conventions (HTTP server, database client).

use std::sync::{Arc, OnceLock};

use tracing::{Span, field, info_span};

/// Target of all of them.
pub const TARGET: &str = "rollcall::trace";

/// Name of the span of a request: the only one that begins a trace.
pub const REQUEST: &str = "request";

/// The span of a request, an extension of it, where traces are collected. Whoever finds out what it is records that.
#[derive(Clone, Debug)]
pub struct RequestSpan {
    span: Span,
    name: Arc<OnceLock<String>>,
}

/// Begins a request.
#[must_use]
pub fn request(method: &str) -> RequestSpan {
    let span = info_span!(
        target: TARGET,
        parent: None,
        REQUEST,
        otel.kind = "server",
        otel.name = method,
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = field::Empty,
        http.response.status_code = field::Empty,
        rollcall.request_id = field::Empty,
        rollcall.tenant = field::Empty,
    );
    RequestSpan { span, name: Arc::default() }
}

impl RequestSpan {
    /// The span itself.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Its name, once the route is known. It has begun under another one, and a field cannot change that.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.get().map(String::as_str)
    }

    /// The id that the answer carries.
    pub fn id(&self, id: &str) {
        self.span.record("rollcall.request_id", id);
    }

    /// Whose request it is.
    pub fn tenant(&self, slug: &str) {
        self.span.record("rollcall.tenant", slug);
    }

    /// Where it goes to, as the table of routes has it: with `{id}`, not with an id.
    pub fn route(&self, method: &str, route: &str) {
        self.span.record("http.route", route);
        self.name.get_or_init(|| format!("{method} {route}"));
    }

    /// How it ended. What a client did wrong is no fault of the server.
    pub fn status(&self, status: u16) {
        self.span.record("http.response.status_code", status);
        if status >= 500 {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

/// The tenant is looked up.
#[must_use]
pub fn tenant() -> Span {
    info_span!(target: TARGET, "tenant")
}

/// The credential is checked.
#[must_use]
pub fn credential() -> Span {
    info_span!(target: TARGET, "credential")
}

/// The core computes: it takes a body, or makes the next state of a resource.
#[must_use]
pub fn core(step: &'static str) -> Span {
    info_span!(target: TARGET, "core", rollcall.step = step)
}

/// A statement of the database. Its text, in which values have placeholders, gives the name, and stays here.
#[must_use]
pub fn statement(system: &'static str, sql: &str) -> Span {
    let span = info_span!(
        target: TARGET,
        "statement",
        otel.kind = "client",
        otel.name = field::Empty,
        otel.status_code = field::Empty,
        db.system.name = system,
        db.operation.name = field::Empty,
        db.query.summary = field::Empty,
    );
    if !span.is_disabled() {
        let (operation, summary) = summary(sql);
        span.record("otel.name", summary.as_str());
        span.record("db.operation.name", operation);
        span.record("db.query.summary", summary.as_str());
    }
    span
}

/// A change whose statements another thread carries out, with those of other changes in one transaction: from the wait for
/// its turn to the commit.
#[must_use]
pub fn change(system: &'static str) -> Span {
    info_span!(target: TARGET, "change", otel.kind = "client", db.system.name = system)
}

/// The statement failed; why stands in the log.
pub fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}

/// Words after which a table, or a function that is read like one, is named.
const BEFORE_TARGETS: [&str; 4] = ["FROM", "INTO", "UPDATE", "LATERAL"];

/// What a statement does, and to what first: `SELECT`, `SELECT users`.
fn summary(sql: &str) -> (&'static str, String) {
    const OPERATIONS: [&str; 9] =
        ["SELECT", "INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT", "ROLLBACK", "SET", "WITH"];
    let is_word = |ch: char| ch.is_ascii_alphanumeric() || ch == '_' || ch == '.' || ch == '"';
    let mut words = sql.split(|ch: char| !is_word(ch)).filter(|word| !word.is_empty());
    let first = words.clone().next().unwrap_or_default();
    let operation = OPERATIONS.into_iter().find(|known| known.eq_ignore_ascii_case(first)).unwrap_or("OTHER");
    while let Some(word) = words.next() {
        if BEFORE_TARGETS.iter().any(|before| before.eq_ignore_ascii_case(word))
            && let Some(target) = words.next()
        {
            let target = target.trim_matches('"');
            // Placeholders and literals are no names; neither is what a subquery begins with.
            if target.starts_with(|ch: char| ch.is_ascii_lowercase()) {
                return (operation, format!("{operation} {target}"));
            }
        }
    }
    (operation, operation.to_owned())
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn a_statement_has_a_short_name() {
        for (sql, wanted) in [
            ("SELECT * FROM create_user($1, $2)", "SELECT create_user"),
            (r#"SELECT "a"."b" FROM "users" AS "a" WHERE "c" = $1"#, "SELECT users"),
            ("INSERT INTO users (tenant_id) SELECT ?1", "INSERT users"),
            (r#"UPDATE "epochs" SET "value" = "value" + 1"#, "UPDATE epochs"),
            ("DELETE FROM user_values WHERE tenant_id = ?", "DELETE user_values"),
            ("SELECT set_config('rollcall.tenant', $1, true)", "SELECT"),
            ("SELECT x FROM (SELECT y FROM groups) z", "SELECT groups"),
            ("WITH s AS MATERIALIZED (SELECT 1) SELECT x.* FROM s CROSS JOIN feed_ends e", "WITH s"),
            ("SELECT 1 FROM '1d@example.com'", "SELECT"),
            ("BEGIN", "BEGIN"),
            ("CALL a_thing()", "OTHER"),
        ] {
            assert_eq!(summary(sql).1, wanted, "{sql}");
        }
    }
}
