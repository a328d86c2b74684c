//! An installation, or some of its tenants, as a declaration: what it says is what `apply` reads. Secrets are named, and not
//! in it.

use std::collections::{BTreeMap, HashMap};

use delivery::{Shown, names};
use provisioning::Tenant;
use scim_core::profile::Profile;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store::{
    TenantId,
    destinations::{Destination, DestinationKind, DestinationState},
};
use token_service::Lifetime;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table};

use super::file::{
    DeclarationFile, DestinationFile, EnvRef, ProfileFile, ProfileWord, SecretFile, TenantFile, TextFile,
    ValueFile, ValueSetFile,
};
use crate::installation::Installation;

/// What stands above.
const HEAD: &str = "\
# Written by `rollcall export --configuration`; `rollcall apply` reads it. Secrets are not in it: `env` names the variables
# that hold them when something is made anew, and what is there already keeps its own.
";

/// Tenants read at a time.
const PAGE: u64 = 100;

/// A declaration that was written.
pub(crate) struct Written {
    /// The file.
    pub(crate) text: String,
    /// What is not in it, and why; it says so, too.
    pub(crate) left_out: Vec<String>,
}

/// The configuration of these tenants; of none of them all that the installation has.
pub(crate) async fn write(installation: &Installation, slugs: &[String]) -> anyhow::Result<Written> {
    let mut file = DeclarationFile::default();
    // Of the installation, then of each tenant.
    let mut notes = vec![Vec::new()];
    let mut add = async |file: &mut DeclarationFile, slug: &str| -> anyhow::Result<()> {
        let (tenant, noted) = tenant(installation, &*installation.tenant(slug).await?).await?;
        file.tenants.push(tenant);
        notes.push(noted);
        Ok(())
    };
    for slug in slugs {
        add(&mut file, slug).await?;
    }
    if slugs.is_empty() {
        let mut last: Option<String> = None;
        loop {
            let rows = installation.store.platform().tenants_after("", last.as_deref(), PAGE).await?;
            let Some(row) = rows.last() else { break };
            last = Some(row.slug.clone());
            for row in &rows {
                add(&mut file, &row.slug).await?;
            }
        }
        (file.destinations, notes[0]) = destinations(installation, None).await?;
    }
    let mut document = DocumentMut::new();
    if let Value::Object(keys) = serde_json::to_value(&file)? {
        fill(document.as_table_mut(), keys, true);
    }
    let comment = |noted: &[String]| noted.iter().map(|note| format!("# {note}\n")).collect::<String>();
    let tables = document.get_mut("tenant").and_then(Item::as_array_of_tables_mut);
    for (table, noted) in tables.into_iter().flat_map(ArrayOfTables::iter_mut).zip(&notes[1..]) {
        if !noted.is_empty() {
            table.decor_mut().set_prefix(format!("\n{}", comment(noted)));
        }
    }
    let text = format!("{HEAD}{}{document}", comment(&notes[0]));
    Ok(Written { text, left_out: notes.into_iter().flatten().collect() })
}

/// It, and what is left out of it.
async fn tenant(installation: &Installation, tenant: &Tenant) -> anyhow::Result<(TenantFile, Vec<String>)> {
    let (row, declared) = (&tenant.row, &tenant.profile);
    let profile = match Profile::builtin(&row.profile_name) {
        Some(text) if text == row.profile => ProfileFile::Shipped(row.profile_name.clone()),
        _ => ProfileFile::Text(TextFile { text: row.profile.clone() }),
    };
    let (destinations, mut notes) = destinations(installation, Some((row.id, &row.slug))).await?;
    let properties: BTreeMap<String, String> = declared
        .gates
        .iter()
        .map(|gate| (gate.name.clone(), row.properties.get(&gate.name).cloned().unwrap_or_default()))
        .collect();
    let values = |name: &str| match tenant.own_sets.get(name) {
        Some(set) => ValueSetFile::Values(set.values().iter().map(ValueFile::from).collect()),
        None => ValueSetFile::Word(ProfileWord::Profile),
    };
    let value_sets: BTreeMap<String, ValueSetFile> =
        declared.value_sets.iter().map(|set| (set.name.clone(), values(&set.name))).collect();
    let mut leave_out = |what: &str, name: &str| {
        notes.push(format!(
            "{what} {name:?} of {} is left out: its profile does not have it any more",
            row.slug
        ));
    };
    let others = row.properties.keys().filter(|name| !properties.contains_key(*name));
    others.for_each(|name| leave_out("the property", name));
    let others = tenant.own_sets.iter().filter(|(name, _)| !value_sets.contains_key(*name));
    others.for_each(|(name, _)| leave_out("the list", name));
    let file = TenantFile {
        slug: row.slug.clone(),
        name: Some(row.name.clone()),
        active: Some(tenant.is_active()),
        compatibility: Some(row.compatibility.clone()),
        organization: Some(row.organization.clone().unwrap_or_default()),
        max_token_lifetime: Some(
            row.credential_days
                .map_or_else(|| "none".to_owned(), |days| Lifetime::from_days(days).to_string()),
        ),
        rate_limit: Some(row.rate_limit.and_then(|rate| u32::try_from(rate).ok()).unwrap_or_default()),
        prune: false,
        profile: Some(profile),
        properties,
        value_sets,
        destinations,
    };
    Ok((file, notes))
}

/// Those of a tenant or of the installation, by name, and what is left out.
async fn destinations(
    installation: &Installation,
    of: Option<(TenantId, &str)>,
) -> anyhow::Result<(Vec<DestinationFile>, Vec<String>)> {
    let slug = of.map(|(_, slug)| slug);
    let whose = slug.unwrap_or("the installation");
    let mut found = installation.store.platform().destinations(of.map(|(id, _)| id)).await?;
    found.sort_by(|left, right| left.name.cmp(&right.name));
    let (mut files, mut notes, mut secrets) = (Vec::new(), Vec::new(), Vec::new());
    for same in found.chunk_by(|one, other| one.name == other.name) {
        let [one] = same else {
            notes.push(format!(
                "{} destinations of {whose} that are called {:?} are left out: rename all but one, since a declaration finds \
                 them by name",
                same.len(),
                same[0].name
            ));
            continue;
        };
        if one.state == DestinationState::Disabled {
            notes.push(format!(
                "the destination {:?} of {whose} has failed for too long and is disabled; active = true has it tried again",
                one.name
            ));
        }
        let file = destination(one)?;
        let members = secret_members(installation, one, &file);
        secrets.extend(members.into_iter().map(|member| (one.name.clone(), member)));
        files.push(file);
    }
    let variables = variables(slug, &secrets);
    for ((name, member), env) in variables {
        if let Some(file) = files.iter_mut().find(|file| file.name == name) {
            name_secret(file, &member, SecretFile::Env(EnvRef { env }));
        }
    }
    Ok((files, notes))
}

/// Without its secrets.
fn destination(one: &Destination) -> anyhow::Result<DestinationFile> {
    let mut file = DestinationFile {
        name: one.name.clone(),
        kind: one.kind,
        url: String::new(),
        events: Some(one.events.clone().unwrap_or_else(|| vec![names::ALL.to_owned()])),
        active: match one.state {
            DestinationState::Active => Some(true),
            DestinationState::Paused => Some(false),
            // Nobody has said that it be so.
            DestinationState::Disabled => None,
        },
        target_seconds: Some(u32::try_from(one.target / 1_000).unwrap_or(u32::MAX)),
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
            file.headers = Some(BTreeMap::new());
        }
        Shown::RedisStream(settings) => {
            file.url = settings.url;
            file.stream = Some(settings.stream);
            file.max_len = Some(settings.max_len.unwrap_or_default());
            file.groups = Some(settings.groups);
        }
        Shown::Ldap(settings) => {
            file.url = settings.url;
            file.ldap = Some(Box::new(settings.ldap));
        }
    }
    Ok(file)
}

/// The members that hold its secrets, but what signs: that is made where nobody names it.
fn secret_members(installation: &Installation, one: &Destination, file: &DestinationFile) -> Vec<String> {
    match file.kind {
        DestinationKind::Webhook => {
            let headers = one.settings["headers"].as_array().into_iter().flatten().filter_map(Value::as_str);
            headers.map(|name| format!("headers.{name}")).collect()
        }
        DestinationKind::RedisStream => {
            let known = installation.destinations.known_secrets(one, &BTreeMap::new()).members;
            let has_password = one.settings["hasPassword"].as_bool().unwrap_or_default();
            let user = known.contains_key("user").then_some("user");
            user.into_iter().chain(has_password.then_some("password")).map(str::to_owned).collect()
        }
        DestinationKind::Ldap => vec!["password".to_owned()],
    }
}

fn name_secret(file: &mut DestinationFile, member: &str, secret: SecretFile) {
    match member {
        "user" => file.user = Some(secret),
        "password" => file.password = Some(secret),
        other => {
            let name = other.strip_prefix("headers.").unwrap_or(other);
            file.headers.get_or_insert_default().insert(name.to_owned(), secret);
        }
    }
}

/// The variables for secrets of a tenant, or of the installation, by the name of the destination and the member. No two secrets
/// have one variable, whatever else is exported: it would bring one to the server of the other.
fn variables(slug: Option<&str>, secrets: &[(String, String)]) -> BTreeMap<(String, String), String> {
    let plain = |(name, member): &(String, String)| variable(slug, name, member);
    let mut counts: HashMap<String, usize> = HashMap::new();
    for secret in secrets {
        *counts.entry(plain(secret)).or_default() += 1;
    }
    // Two underscores end the slug, if there are none in it.
    let is_vague = slug.is_some_and(|slug| slug.contains("--"));
    let told = |secret: &(String, String)| {
        let plain = plain(secret);
        match is_vague || counts[&plain] > 1 {
            true => format!("{plain}_{}", digest(&[slug.unwrap_or_default(), &secret.0, &secret.1])),
            false => plain,
        }
    };
    secrets.iter().map(|secret| (secret.clone(), told(secret))).collect()
}

/// `acme`, `Our App` and `headers.X-Key` as the name of an environment variable: `ACME__OUR_APP__HEADERS_X_KEY`. Those of the
/// installation begin with the underscores.
fn variable(slug: Option<&str>, name: &str, member: &str) -> String {
    let letter = |ch: char| if ch.is_ascii_alphanumeric() { ch.to_ascii_uppercase() } else { '_' };
    let words = [slug.unwrap_or_default(), name, member];
    let name = words.map(|text| text.chars().map(letter).collect::<String>()).join("__");
    // A name does not begin with a digit.
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// What tells names apart that look alike as variables.
fn digest(words: &[&str]) -> String {
    let digest = Sha256::digest(words.join("\0"));
    digest[..4].iter().map(|byte| format!("{byte:02X}")).collect()
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
        assert_eq!(variable(Some("acme"), "Our App", "headers.X-Key"), "ACME__OUR_APP__HEADERS_X_KEY");
        assert_eq!(variable(Some("7up"), "\u{e9}", "user"), "_7UP_____USER");
        assert_eq!(variable(None, "All", "user"), "__ALL__USER");
    }

    #[test]
    fn no_two_secrets_have_one_variable() {
        let of = |slug: Option<&str>, name: &str, member: &str| {
            variables(slug, &[(name.to_owned(), member.to_owned())]).into_values().next().expect("one")
        };
        for (one, other) in [
            ((Some("acme"), "Test App", "password"), (Some("acme-test"), "App", "password")),
            ((Some("a"), "b x", "password"), (Some("a--b"), "x", "password")),
            ((Some("rollcall"), "x", "password"), (None, "x", "password")),
            ((Some("x"), "y", "password"), (None, "x y", "password")),
        ] {
            assert_ne!(of(one.0, one.1, one.2), of(other.0, other.1, other.2), "{one:?} {other:?}");
        }
        let pair = |name: &str, member: &str| (name.to_owned(), member.to_owned());
        let secrets = [
            pair("\u{e9}", "user"),
            pair("\u{e8}", "user"),
            pair("App", "headers.X-A"),
            pair("App", "headers.X_A"),
            pair("app", "headers.X-A"),
            pair("Queue", "user"),
        ];
        let named = variables(Some("acme"), &secrets);
        let all: std::collections::BTreeSet<&String> = named.values().collect();
        assert_eq!(all.len(), secrets.len(), "{named:?}");
        assert_eq!(named[&pair("Queue", "user")], "ACME__QUEUE__USER", "what is clear stays readable");
        assert_eq!(variables(Some("acme"), &secrets), named);
        for name in all {
            assert!(!crate::settings::is_ours(name), "{name}");
            assert!(name.chars().all(|ch| ch.is_ascii_alphanumeric() || ch == '_'), "{name}");
        }
        assert!(!crate::settings::is_ours(&of(Some("rollcall-master"), "key", "user")));
        assert!(
            crate::settings::is_ours("ROLLCALL_MASTER_KEY") && crate::settings::is_ours("rollcall_config")
        );
    }
}
