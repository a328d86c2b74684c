//! Entries of the log as rows of a table (`parts/request_rows.html`), in the list and as they come.

use askama::Template;
use http::StatusCode;
use store::activity::RequestLine;

use crate::{chrome::Badge, when::Moment};

/// Characters of path and query that a row shows.
const SHOWN: usize = 160;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct RequestRow {
    /// Link to its page.
    pub(crate) link: String,
    pub(crate) when: Moment,
    /// `10:02:31`
    pub(crate) clock: String,
    /// `21 Nov 2026`
    pub(crate) date: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: Badge,
    /// What a failure means.
    pub(crate) why: Option<&'static str>,
    pub(crate) caller: String,
    pub(crate) duration: String,
}

/// Rows alone, to be put into a table that is there.
#[derive(Template)]
#[template(path = "parts/request_rows.html")]
pub(crate) struct Rows {
    pub(crate) rows: Vec<RequestRow>,
}

/// An entry as a row.
pub(crate) fn row(line: &RequestLine, slug: &str, now: i64) -> RequestRow {
    let when = Moment::new(line.at, now);
    RequestRow {
        link: format!("/console/tenants/{slug}/activity/{}", line.id),
        clock: when.iso.get(11..19).unwrap_or_default().to_owned(),
        date: when.exact.split(',').next().unwrap_or_default().to_owned(),
        when,
        method: line.method.clone(),
        path: shortened(&address(line)),
        status: badge(line.status),
        why: activity::explain(line.status, line.scim_type.as_deref(), &line.route)
            .map(|meaning| meaning.what),
        caller: line.credential_name.clone(),
        duration: duration(line.duration_us),
    }
}

/// Path and query.
pub(crate) fn address(line: &RequestLine) -> String {
    let path = if line.path.is_empty() { "/" } else { &line.path };
    match &line.query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A status with its name.
pub(crate) fn badge(status: i32) -> Badge {
    let known = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let name = known.and_then(|status| status.canonical_reason()).unwrap_or_default();
    let kind = match status {
        ..300 => "ok",
        300..400 => "quiet",
        400..500 => "warn",
        _ => "bad",
    };
    Badge::new(kind, format!("{status} {name}").trim_end())
}

/// Microseconds for people: `12 ms`, `1.4 s`.
pub(crate) fn duration(microseconds: i64) -> String {
    match microseconds {
        ..1_000 => "under 1 ms".to_owned(),
        1_000..1_000_000 => format!("{} ms", microseconds / 1_000),
        _ => format!("{}.{} s", microseconds / 1_000_000, microseconds % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_statuses_are_for_people() {
        let durations = [0, 999, 1_000, 12_700, 999_999, 1_000_000, 54_321_000].map(duration);
        assert_eq!(durations, ["under 1 ms", "under 1 ms", "1 ms", "12 ms", "999 ms", "1.0 s", "54.3 s"]);
        assert_eq!(badge(201), Badge::new("ok", "201 Created"));
        assert_eq!(badge(304), Badge::new("quiet", "304 Not Modified"));
        assert_eq!(badge(409), Badge::new("warn", "409 Conflict"));
        assert_eq!(badge(503), Badge::new("bad", "503 Service Unavailable"));
        assert_eq!(badge(799), Badge::new("bad", "799"));
    }

    #[test]
    fn long_addresses_are_cut_between_letters() {
        assert_eq!(shortened("/Users"), "/Users");
        let cut = shortened(&"é".repeat(SHOWN + 1));
        assert_eq!(cut.chars().count(), SHOWN + 1);
        assert!(cut.ends_with('…'));
    }
}
