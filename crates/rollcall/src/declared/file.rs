//! The keys of a declaration.

use std::{collections::BTreeMap, path::PathBuf};

use delivery::ldap::Directory;
use scim_core::value_set::AllowedValue;
use serde::{Deserialize, Serialize};
use store::destinations::DestinationKind;

/// A whole file. Every key that is not named here is refused.
#[derive(Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct DeclarationFile {
    /// `[[tenant]]`
    #[serde(default, rename = "tenant", skip_serializing_if = "Vec::is_empty")]
    pub(super) tenants: Vec<TenantFile>,
    /// `[[destination]]`: destinations of the installation, which are sent the events of all tenants.
    #[serde(default, rename = "destination", skip_serializing_if = "Vec::is_empty")]
    pub(super) destinations: Vec<DestinationFile>,
}

/// `[[tenant]]`: a tenant; it is made if there is none. What is not named stays as it is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TenantFile {
    /// Part of its addresses; never changed.
    pub(super) slug: String,
    /// For people; of a new tenant the slug if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Is it served? A new one is not, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) active: Option<bool>,
    /// `lenient` (if not given) or `strict`; chosen when the tenant is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compatibility: Option<String>,
    /// The part of the product that its people belong to; empty: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organization: Option<String>,
    /// Longest life of new credentials, such as `90d`; `none`: what the installation allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_token_lifetime: Option<String>,
    /// Requests a second that a node takes of it; 0: what the installation sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rate_limit: Option<u32>,
    /// Take away what is not declared of its properties, value sets and destinations.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) prune: bool,
    /// A profile that ships, by name, or one of its own. A new tenant needs one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) profile: Option<ProfileFile>,
    /// Properties of the customer's account by name; empty: it has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) properties: BTreeMap<String, String>,
    /// Its lists of allowed values, by the name that its profile has for each. A list takes the place of the one before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) value_sets: BTreeMap<String, ValueSetFile>,
    /// `[[tenant.destination]]`: destinations that are sent the events of this tenant.
    #[serde(default, rename = "destination", skip_serializing_if = "Vec::is_empty")]
    pub(super) destinations: Vec<DestinationFile>,
}

/// Where a profile comes from.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "write the name of a profile that ships, { file = \"PATH\" } or { text = '''…''' }"
)]
pub(super) enum ProfileFile {
    /// One that ships, as it does with this version.
    Shipped(String),
    /// A profile file.
    File(FileRef),
    /// Its text.
    Text(TextFile),
}

/// A file beside the declaration.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct FileRef {
    /// Its path, seen from the folder of the declaration.
    pub(super) file: PathBuf,
}

/// A text in the declaration.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TextFile {
    /// The text.
    pub(super) text: String,
}

/// A list of allowed values.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "write a list of values, each \"value\" or { value = \"…\", label = \"…\" }, { file = \"PATH\" }, or \"profile\" for \
                 no list of its own"
)]
pub(super) enum ValueSetFile {
    /// Here.
    Values(Vec<ValueFile>),
    /// A CSV file with the columns value and label.
    File(FileRef),
    /// `"profile"`: the tenant has no list of its own; those of its profile hold, or every value.
    Word(ProfileWord),
}

/// What stands for the values of the profile.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum ProfileWord {
    /// `profile`
    Profile,
}

/// An allowed value.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "write \"value\" or { value = \"…\", label = \"…\" }")]
pub(super) enum ValueFile {
    /// Without a label.
    Value(String),
    /// With one.
    Labelled(LabelledFile),
}

/// A value with its label.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct LabelledFile {
    /// As it is sent.
    pub(super) value: String,
    /// For people.
    pub(super) label: String,
}

/// `[[destination]]`: to whom events are sent. One of the same name is changed, else it is made.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct DestinationFile {
    /// For people; by it the destination is found.
    pub(super) name: String,
    /// `webhook` (if not given), `redis-stream` or `ldap`; it stays of its kind.
    #[serde(default = "webhook")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) kind: DestinationKind,
    /// Where to; without user and password.
    pub(super) url: String,
    /// Types of events, `user.*` for all of a kind, `*` for all; a new one gets all if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) events: Option<Vec<String>>,
    /// false: it is sent nothing, and its events wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) active: Option<bool>,
    /// Within how many seconds of a change its event shall be there; of a new one 60 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target_seconds: Option<u32>,
    /// Of a webhook: what signs; of a new one it is made and shown once if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<SecretFile>,
    /// Of a webhook: headers beside the usual ones, by name; those that are not named are taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) headers: Option<BTreeMap<String, SecretFile>>,
    /// Of a stream of Redis: its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<String>,
    /// Of a stream: entries that are kept; 0: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_len: Option<u64>,
    /// Of a stream: consumer groups that are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) groups: Option<Vec<String>>,
    /// Of a stream: who writes, where the server has several users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<SecretFile>,
    /// Of a stream or a directory: the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<SecretFile>,
    /// Of a directory: what docs/ldap.md says, by the names that it has there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    pub(super) ldap: Option<Box<Directory>>,
}

fn webhook() -> DestinationKind {
    DestinationKind::Webhook
}

/// Where a secret is: it never stands in the declaration.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "write { env = \"NAME\" } or { file = \"PATH\" }: secrets do not stand in a declaration"
)]
pub(super) enum SecretFile {
    /// In an environment variable.
    Env(EnvRef),
    /// In a file; a line feed at its end does not belong to it.
    File(FileRef),
}

/// An environment variable.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct EnvRef {
    /// Its name.
    pub(super) env: String,
}

impl From<ValueFile> for AllowedValue {
    fn from(value: ValueFile) -> Self {
        match value {
            ValueFile::Value(value) => Self { value, label: None },
            ValueFile::Labelled(LabelledFile { value, label }) => Self { value, label: Some(label) },
        }
    }
}

impl From<&AllowedValue> for ValueFile {
    fn from(allowed: &AllowedValue) -> Self {
        let value = allowed.value.clone();
        match &allowed.label {
            None => Self::Value(value),
            Some(label) => Self::Labelled(LabelledFile { value, label: label.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/configuration.schema.json` is what editors check a declaration with. To write it anew:
    /// `ROLLCALL_WRITE_SCHEMA=1` before this test.
    #[test]
    fn the_schema_of_a_declaration_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.schema.json");
        let mut schema = schemars::schema_for!(DeclarationFile).to_value();
        schema["title"] = "Rollcall configuration".into();
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("json"));
        if std::env::var_os("ROLLCALL_WRITE_SCHEMA").is_some() {
            std::fs::write(path, &text).expect("written");
        }
        let kept = std::fs::read_to_string(path).expect("docs/configuration.schema.json");
        assert!(kept == text, "docs/configuration.schema.json is old; write it anew as this test says");

        let guide = include_str!("../../../../docs/configuration.md");
        let keys = ["$defs/TenantFile/properties", "$defs/DestinationFile/properties", "properties"];
        let keys =
            keys.iter().flat_map(|at| schema.pointer(&format!("/{at}")).and_then(|found| found.as_object()));
        let missing: Vec<_> =
            keys.flat_map(|found| found.keys()).filter(|key| !guide.contains(&format!("`{key}`"))).collect();
        assert!(missing.is_empty(), "docs/configuration.md says nothing of {missing:?}");
    }
}
