//! An installation, or some of its tenants, as a declaration: what it says is what `apply` reads. Secrets are named, and not
//! in it.

use std::collections::BTreeMap;

use anyhow::bail;
use delivery::Shown;
use provisioning::Tenant;
use scim_core::profile::Profile;
use serde_json::Value;
use store::{
    TenantId,
    destinations::{Destination, DestinationState},
};
use token_service::Lifetime;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table};

use super::file::{
    DeclarationFile, DestinationFile, EnvRef, ProfileFile, SecretFile, TenantFile, TextFile, ValueFile,
    ValueSetFile,
};
use crate::installation::Installation;

/// What stands above.
const HEAD: &str = "\
# Written by `rollcall export --configuration`; `rollcall apply` reads it. Secrets are not in it: `env` names the variables
# that hold them when something is made anew, and what is there already keeps its own.
";

/// Target of a destination of which nobody says another one, in milliseconds.
const TARGET: i64 = delivery::TARGET as i64 * 1_000;

/// Tenants read at a time.
const PAGE: u64 = 100;

/// The configuration of these tenants; of none of them all that the installation has.
pub(crate) async fn write(installation: &Installation, slugs: &[String]) -> anyhow::Result<String> {
    let mut file = DeclarationFile::default();
    if slugs.is_empty() {
        file.destinations = destinations(installation, None).await?;
        let mut last: Option<String> = None;
        loop {
            let rows = installation.store.platform().tenants_after("", last.as_deref(), PAGE).await?;
            let Some(row) = rows.last() else { break };
            last = Some(row.slug.clone());
            for row in &rows {
                file.tenants.push(tenant(installation, &*installation.tenant(&row.slug).await?).await?);
            }
        }
    }
    for slug in slugs {
        file.tenants.push(tenant(installation, &*installation.tenant(slug).await?).await?);
    }
    let mut document = DocumentMut::new();
    if let Value::Object(keys) = serde_json::to_value(&file)? {
        fill(document.as_table_mut(), keys, true);
    }
    Ok(format!("{HEAD}{document}"))
}

async fn tenant(installation: &Installation, tenant: &Tenant) -> anyhow::Result<TenantFile> {
    let row = &tenant.row;
    let profile = match Profile::builtin(&row.profile_name) {
        Some(text) if text == row.profile => ProfileFile::Shipped(row.profile_name.clone()),
        _ => ProfileFile::Text(TextFile { text: row.profile.clone() }),
    };
    let values = |(name, set): (&str, &scim_core::value_set::ValueSet)| {
        let values = set.values().iter().map(ValueFile::from).collect();
        (name.to_owned(), ValueSetFile::Values(values))
    };
    Ok(TenantFile {
        slug: row.slug.clone(),
        name: Some(row.name.clone()),
        active: Some(tenant.is_active()),
        compatibility: Some(row.compatibility.clone()),
        organization: row.organization.clone(),
        max_token_lifetime: row.credential_days.map(|days| Lifetime::from_days(days).to_string()),
        rate_limit: row.rate_limit.and_then(|rate| u32::try_from(rate).ok()),
        prune: false,
        profile: Some(profile),
        properties: row.properties.clone(),
        value_sets: tenant.own_sets.iter().map(values).collect(),
        destinations: destinations(installation, Some((row.id, &row.slug))).await?,
    })
}

async fn destinations(
    installation: &Installation,
    of: Option<(TenantId, &str)>,
) -> anyhow::Result<Vec<DestinationFile>> {
    let slug = of.map(|(_, slug)| slug);
    let found = installation.store.platform().destinations(of.map(|(id, _)| id)).await?;
    let mut files: Vec<DestinationFile> = Vec::new();
    for one in &found {
        if files.iter().any(|other| other.name == one.name) {
            let whose = slug.unwrap_or("the installation");
            bail!(
                "{whose} has two destinations called {}: rename one of them first, since a declaration finds them by name",
                one.name
            );
        }
        files.push(destination(installation, one, slug)?);
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(files)
}

fn destination(
    installation: &Installation,
    one: &Destination,
    slug: Option<&str>,
) -> anyhow::Result<DestinationFile> {
    let secret = |member: &str| {
        let words = [slug.unwrap_or("rollcall"), &one.name, member].join("_");
        SecretFile::Env(EnvRef { env: variable(&words) })
    };
    let known = installation.destinations.known_secrets(one, &BTreeMap::new());
    let kept = |member: &str| known.members.contains_key(member).then(|| secret(member));
    let mut file = DestinationFile {
        name: one.name.clone(),
        kind: one.kind,
        url: String::new(),
        events: one.events.clone(),
        active: (one.state == DestinationState::Paused).then_some(false),
        target_seconds: (one.target != TARGET).then(|| u32::try_from(one.target / 1_000).unwrap_or(u32::MAX)),
        secret: None,
        headers: None,
        stream: None,
        max_len: None,
        groups: None,
        user: None,
        password: None,
        ldap: None,
    };
    match Shown::of(one).map_err(anyhow::Error::msg)? {
        Shown::Webhook(settings) => {
            file.url = settings.url;
            let headers = settings.headers.into_iter().map(|name| {
                let value = secret(&format!("headers.{name}"));
                (name, value)
            });
            file.headers = Some(headers.collect()).filter(|headers: &BTreeMap<_, _>| !headers.is_empty());
        }
        Shown::RedisStream(settings) => {
            file.url = settings.url;
            file.stream = Some(settings.stream);
            file.max_len = settings.max_len;
            file.groups = Some(settings.groups);
            file.user = kept("user");
            file.password = settings.has_password.then(|| secret("password"));
        }
        Shown::Ldap(settings) => {
            file.url = settings.url;
            file.ldap = Some(Box::new(settings.ldap));
            file.password = Some(secret("password"));
        }
    }
    Ok(file)
}

/// `acme_Our App_headers.X-Key` as the name of an environment variable: `ACME_OUR_APP_HEADERS_X_KEY`.
fn variable(words: &str) -> String {
    let letter = |ch: char| if ch.is_ascii_alphanumeric() { ch.to_ascii_uppercase() } else { '_' };
    let name: String = words.chars().map(letter).collect();
    // A name does not begin with a digit.
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// Lists of tenants and destinations become tables of their own, other lists stay in their line or get a line for each element.
/// `holds_lists`: the keys are those of the file or of a tenant, not somebody's own names.
fn fill(table: &mut Table, keys: serde_json::Map<String, Value>, holds_lists: bool) {
    let is_list = |key: &str| holds_lists && matches!(key, "tenant" | "destination");
    // A secret stays in its line.
    let is_table = |key: &str| !matches!(key, "secret" | "user" | "password" | "headers");
    let is_below = |key: &str, value: &Value| match value {
        Value::Array(_) => is_list(key),
        Value::Object(_) => is_table(key),
        _ => false,
    };
    let (below, here): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(key, value)| is_below(key, value));
    for (key, value) in here.into_iter().chain(below) {
        let item = match value {
            Value::Array(tables) if is_list(&key) => {
                let mut list = ArrayOfTables::new();
                for entry in tables {
                    if let Value::Object(keys) = entry {
                        let mut table = Table::new();
                        fill(&mut table, keys, key == "tenant");
                        list.push(table);
                    }
                }
                Item::ArrayOfTables(list)
            }
            Value::Object(keys) if is_table(&key) => {
                let mut table = Table::new();
                fill(&mut table, keys, false);
                Item::Table(table)
            }
            other => match inline(other, true) {
                Some(value) => Item::Value(value),
                None => continue,
            },
        };
        table.insert(&key, item);
    }
}

fn inline(value: Value, alone: bool) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => value.into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.into(),
        Value::Array(values) => {
            let mut array: Array = values.into_iter().filter_map(|value| inline(value, false)).collect();
            if alone && array.len() > 1 {
                array.iter_mut().for_each(|value| value.decor_mut().set_prefix("\n    "));
                array.set_trailing("\n");
                array.set_trailing_comma(true);
            }
            array.into()
        }
        Value::Object(keys) => {
            let entries = keys.into_iter().filter_map(|(key, value)| Some((key, inline(value, false)?)));
            entries.collect::<InlineTable>().into()
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let profile = "name = \"x\"\n\n[[rule]]\nmessage = '''a\\d'''\ntabs = \"\t\"\n";
        let file = json!({
            "tenant": [{
                "slug": "acme", "name": "Ann \"A\" \u{e9}\u{1b}", "rate-limit": 5, "profile": {"text": profile},
                "value-sets": {"destination": ["x"], "si tes": ["1", {"value": "2", "label": "Two"}], "none": []},
                "destination": [{
                    "name": "App", "headers": {"X-A": {"env": "A"}}, "password": {"file": "p"},
                    "ldap": {"dn": "x", "attributes": {"cn": ["a", "b"], "sn": "c"}, "link": {"attribute": "uid"}},
                }],
            }],
            "destination": [{"name": "All", "events": ["user.created"]}],
        });
        let mut document = DocumentMut::new();
        let Value::Object(keys) = file.clone() else { panic!("an object") };
        fill(document.as_table_mut(), keys, true);
        let text = document.to_string();
        let read: Value = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read, file, "{text}");
        assert!(
            text.contains("[[tenant.destination]]") && text.contains("headers = { X-A = { env = \"A\" } }"),
            "{text}"
        );
    }

    #[test]
    fn names_of_variables() {
        assert_eq!(variable("acme_Our App_headers.X-Key"), "ACME_OUR_APP_HEADERS_X_KEY");
        assert_eq!(variable("7up_\u{e9}"), "_7UP__");
    }
}
