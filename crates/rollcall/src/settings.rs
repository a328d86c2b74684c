//! Settings: a flag beats an environment variable beats a key in `rollcall.toml` beats the default.

mod limits;
mod oidc;

pub(crate) use limits::LimitFlags;
pub(crate) use oidc::OidcFlags;

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use egress::NameServers;
use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use token_service::{AccessLifetime, Networks, lifetime::Limit};
use url::Url;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Who has to type a code beside the password at the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SecondFactor {
    /// Whoever has set that up
    #[default]
    Optional,
    /// Everybody: who has not set it up sees nothing else
    Required,
}

/// The flags. Each is also `ROLLCALL_…` in the environment and a key of the same name (with `_`) in `rollcall.toml`.
#[derive(Clone, Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Settings (also ROLLCALL_… variables and keys in rollcall.toml)")]
pub(crate) struct SettingFlags {
    /// Configuration file [default: rollcall.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "ROLLCALL_CONFIG")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,
    /// sqlite://PATH or postgres://… [default: an SQLite file in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database_url: Option<String>,
    /// URL of the tables' owner, for migrations, where it differs
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) migrate_database_url: Option<String>,
    /// redis://…: lets nodes learn of changes at once; without it within a second
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redis_url: Option<String>,
    /// Address to serve on [default: 127.0.0.1:8080]
    #[arg(long, global = true, hide_short_help = true, value_name = "ADDRESS", value_parser = address)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address for /healthz, /readyz and /metrics alone [default: the main one, /metrics for this machine only]
    #[arg(long, global = true, hide_short_help = true, value_name = "ADDRESS", value_parser = address)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Origin that people and identity providers see [default: http://LISTEN]
    #[arg(long, global = true, hide_short_help = true, value_name = "URL", value_parser = origin)]
    #[serde(skip_serializing_if = "Option::is_none", with = "text")]
    pub(crate) public_url: Option<Url>,
    /// DOMAIN of {slug}.DOMAIN, where tenants have hosts of their own
    #[arg(long, global = true, hide_short_help = true, value_name = "DOMAIN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_domain: Option<String>,
    /// Requests a second that each tenant may send to a node, then 429; 0 is none [default: no limit]
    #[arg(long, global = true, hide_short_help = true, value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate_limit: Option<u32>,
    /// Days that requests of identity providers are kept for people to look at, 0 to 90; 0 keeps none [default: 7]
    #[arg(long, global = true, hide_short_help = true, value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_log_days: Option<u32>,
    /// Days that the feed of events is kept for those who follow it, 1 to 3650 [default: 90]
    #[arg(long, global = true, hide_short_help = true, value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_days: Option<u32>,
    /// Proxies in front, as addresses or CIDR with commas: their X-Forwarded-For is believed [default: none]
    #[arg(long, global = true, hide_short_help = true, value_name = "NETWORKS")]
    #[serde(skip_serializing_if = "Option::is_none", with = "text")]
    pub(crate) trusted_proxies: Option<Networks>,
    /// How long access tokens of OAuth clients live, 5min to 24h [default: 1h]
    #[arg(long, global = true, hide_short_help = true, value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none", with = "text")]
    pub(crate) access_token_lifetime: Option<AccessLifetime>,
    /// Private networks that tenants' addresses may lead to, as addresses or CIDR with commas [default: none]
    #[arg(long, global = true, hide_short_help = true, value_name = "NETWORKS")]
    #[serde(skip_serializing_if = "Option::is_none", with = "text")]
    pub(crate) egress_allow: Option<Networks>,
    /// Name servers that prove host names of tenants, as addresses with commas [default: the system's]
    #[arg(long, global = true, hide_short_help = true, value_name = "ADDRESSES")]
    #[serde(skip_serializing_if = "Option::is_none", with = "text")]
    pub(crate) dns_servers: Option<NameServers>,
    /// Days for which a deleted tenant can be restored before it is purged [default: 30]
    #[arg(long, global = true, hide_short_help = true, value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_retention_days: Option<u32>,
    /// Longest life of new credentials, such as 2y or 90d; a tenant may have a shorter one [default: none, which is 10y]
    #[arg(long, global = true, hide_short_help = true, value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none", with = "text")]
    pub(crate) max_token_lifetime: Option<Limit>,
    /// Who types a code beside the password at the console [default: optional]
    #[arg(long, global = true, hide_short_help = true, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) console_second_factor: Option<SecondFactor>,
    /// Where people of the console sign in and who they are then
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) oidc: OidcFlags,
    /// What a node takes on at once, and how it leaves
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) limits: LimitFlags,
    /// Folder for the SQLite file and master.key [default: data]
    #[arg(long, global = true, value_name = "FOLDER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data_dir: Option<PathBuf>,
    /// What to log, such as `info` or `info,scim_api=debug` [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<String>,
    /// How to log
    #[arg(long, global = true, hide_short_help = true, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_format: Option<LogFormat>,
    /// OTLP/HTTP endpoint for traces, such as http://localhost:4318 [default: off]
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none", with = "text")]
    pub(crate) otlp_endpoint: Option<Url>,
}

/// What is in force. The master keys have no flag: a command line is seen by every process of the machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Set, or derived from the data folder.
    #[serde(default)]
    database_url: Option<String>,
    /// Owner's URL.
    #[serde(default)]
    pub(crate) migrate_database_url: Option<String>,
    /// Redis.
    #[serde(default)]
    pub(crate) redis_url: Option<String>,
    /// Main listener.
    pub(crate) listen: SocketAddr,
    /// Health listener.
    #[serde(default)]
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Set, or derived from `listen`.
    #[serde(default, with = "text")]
    public_url: Option<Url>,
    /// DOMAIN of `{slug}.DOMAIN`.
    #[serde(default)]
    pub(crate) tenant_domain: Option<String>,
    /// Requests a second.
    #[serde(default)]
    rate_limit: Option<u32>,
    /// Days that requests are kept.
    #[serde(default)]
    request_log_days: Option<u32>,
    /// Days that the feed is kept.
    #[serde(default)]
    event_days: Option<u32>,
    /// Proxies in front.
    #[serde(default, with = "text")]
    pub(crate) trusted_proxies: Option<Networks>,
    /// Of access tokens.
    #[serde(default, with = "text")]
    access_token_lifetime: Option<AccessLifetime>,
    /// Private networks that calls to addresses of tenants may reach; plain http is spoken there too.
    #[serde(default, with = "text")]
    pub(crate) egress_allow: Option<Networks>,
    /// Name servers; none: the system's.
    #[serde(default, with = "text")]
    pub(crate) dns_servers: Option<NameServers>,
    /// Of deleted tenants.
    #[serde(default)]
    tenant_retention_days: Option<u32>,
    /// Longest life of new credentials.
    #[serde(default, with = "text")]
    pub(crate) max_token_lifetime: Option<Limit>,
    /// Who has to have a second factor.
    #[serde(default)]
    pub(crate) console_second_factor: Option<SecondFactor>,
    /// `iss` of the OpenID provider; with it, people sign in there too.
    #[serde(default)]
    oidc_issuer: Option<String>,
    /// What the provider calls this installation.
    #[serde(default)]
    oidc_client_id: Option<String>,
    /// What it knows it by; no flag either.
    #[serde(default, deserialize_with = "secret")]
    oidc_client_secret: Option<SecretString>,
    /// Claim with the values below.
    #[serde(default)]
    oidc_roles_claim: Option<String>,
    /// Value that makes an operator.
    #[serde(default)]
    oidc_operator: Option<String>,
    /// Value that makes a manager.
    #[serde(default)]
    oidc_manager: Option<String>,
    /// Value that makes an auditor.
    #[serde(default)]
    oidc_auditor: Option<String>,
    /// Are the provider's e-mail addresses verified though it does not say so?
    #[serde(default)]
    oidc_trust_email: Option<bool>,
    /// Connections with clients.
    #[serde(default)]
    max_connections: Option<u32>,
    /// Requests at once.
    #[serde(default)]
    max_requests: Option<u32>,
    /// Seconds that clients may take for what they have begun.
    #[serde(default)]
    client_timeout: Option<u32>,
    /// Seconds that a connection is kept without a request.
    #[serde(default)]
    keep_alive: Option<u32>,
    /// Seconds that the server goes on after it was told to stop.
    #[serde(default)]
    shutdown_delay: Option<u32>,
    /// Data folder.
    pub(crate) data_dir: PathBuf,
    /// base64 of 32 bytes.
    #[serde(default, deserialize_with = "secret")]
    pub(crate) master_key: Option<SecretString>,
    /// The master key from before a change, which opens what the present one does not: base64 of 32 bytes. No flag either.
    #[serde(default, deserialize_with = "secret")]
    pub(crate) former_master_key: Option<SecretString>,
    /// Log filter.
    pub(crate) log: String,
    /// Log format.
    pub(crate) log_format: LogFormat,
    /// OTLP endpoint.
    #[serde(default, with = "text")]
    pub(crate) otlp_endpoint: Option<Url>,
}

/// Longest retention of deleted tenants, in days.
const LONGEST_RETENTION: u32 = 3650;

/// Read when no other file is named, if it is there.
const DEFAULT_FILE: &str = "rollcall.toml";

/// Days that requests are kept, unless it is said otherwise.
const REQUEST_LOG_DAYS: u32 = 7;
/// Most days: as long as the hourly counters are.
const MOST_REQUEST_LOG_DAYS: u32 = 90;

/// Days that the feed of events is kept, unless it is said otherwise.
const EVENT_DAYS: u32 = 90;
/// Most days of them.
const MOST_EVENT_DAYS: u32 = 3650;

/// The keys of a file and, in upper case after `ROLLCALL_`, of the environment.
const KEYS: [&str; 36] = [
    "database_url",
    "migrate_database_url",
    "redis_url",
    "listen",
    "admin_listen",
    "public_url",
    "tenant_domain",
    "rate_limit",
    "request_log_days",
    "event_days",
    "trusted_proxies",
    "access_token_lifetime",
    "egress_allow",
    "dns_servers",
    "tenant_retention_days",
    "max_token_lifetime",
    "console_second_factor",
    "oidc_issuer",
    "oidc_client_id",
    "oidc_client_secret",
    "oidc_roles_claim",
    "oidc_operator",
    "oidc_manager",
    "oidc_auditor",
    "oidc_trust_email",
    "max_connections",
    "max_requests",
    "client_timeout",
    "keep_alive",
    "shutdown_delay",
    "data_dir",
    "master_key",
    "former_master_key",
    "log",
    "log_format",
    "otlp_endpoint",
];

impl Settings {
    /// Reads all sources; the error names the key and where it was set.
    pub(crate) fn load(flags: &SettingFlags) -> anyhow::Result<Self> {
        let mut figment = Figment::new()
            .merge(Serialized::default("listen", "127.0.0.1:8080"))
            .merge(Serialized::default("data_dir", "data"))
            .merge(Serialized::default("log", "info,sea_orm_migration=warn"))
            .merge(Serialized::default("log_format", LogFormat::Text));
        match file_in_use(flags) {
            Some(file) if !file.is_file() => bail!("configuration file {} does not exist", file.display()),
            Some(file) => figment = figment.merge(Toml::file_exact(file)),
            None => {}
        }
        let settings: Self = figment
            .merge(Env::prefixed("ROLLCALL_").only(&KEYS).filter_map(non_empty))
            .merge(Serialized::globals(flags))
            .extract()
            .map_err(|error| anyhow::anyhow!("settings: {error}"))?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> anyhow::Result<()> {
        if self.tenant_retention_days() > LONGEST_RETENTION {
            bail!("tenant_retention_days: use 0 to {LONGEST_RETENTION} days");
        }
        let url = self.public_url();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            bail!("public_url {url} must be an http(s) origin such as https://scim.example.com");
        }
        if url.path() != "/" || url.query().is_some() {
            bail!("public_url {url} must be an origin without a path or query");
        }
        if url.host_str().is_some_and(|host| host.contains('_')) {
            bail!(
                "public_url {url}: Okta refuses a Base URL with an underscore in it; choose another host name"
            );
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            bail!(
                "public_url {url} must be https: tokens and console passwords would travel in clear (plain http is for loopback only)"
            );
        }
        if let Some(days) = self.request_log_days.filter(|days| *days > MOST_REQUEST_LOG_DAYS) {
            bail!("request_log_days {days} is too much; choose 0 to {MOST_REQUEST_LOG_DAYS}, 0 to keep none");
        }
        if let Some(days) = self.event_days.filter(|days| !(1..=MOST_EVENT_DAYS).contains(days)) {
            bail!("event_days {days} does not fit; choose 1 to {MOST_EVENT_DAYS}");
        }
        self.check_limits()?;
        self.oidc().map(|_| ())
    }

    /// The database: as set, or an SQLite file in the data folder.
    pub(crate) fn database_url(&self) -> String {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", self.data_dir.join("rollcall.db").display()))
    }

    /// Is the database embedded?
    pub(crate) fn is_sqlite(&self) -> bool {
        self.database_url().starts_with("sqlite:")
    }

    /// The file of the embedded database, be it there or not.
    pub(crate) fn sqlite_file(&self) -> Option<PathBuf> {
        self.database_url().strip_prefix("sqlite://").map(PathBuf::from)
    }

    /// The origin: as set, or that of the listener.
    pub(crate) fn public_url(&self) -> Url {
        self.public_url.clone().unwrap_or_else(|| loopback_url(self.listen))
    }

    /// Where this machine asks the server how it is: the health listener, or the main one.
    pub(crate) fn health_url(&self) -> Url {
        loopback_url(self.admin_listen.unwrap_or(self.listen))
    }

    /// Requests a second that each tenant may send; `None`: no limit.
    pub(crate) fn rate_limit(&self) -> Option<NonZeroU32> {
        self.rate_limit.and_then(NonZeroU32::new)
    }

    /// Days for which a deleted tenant can be restored.
    pub(crate) fn tenant_retention_days(&self) -> u32 {
        self.tenant_retention_days.unwrap_or(provisioning::removal::RETENTION_DAYS)
    }

    /// Days that requests are kept; 0: none are.
    pub(crate) fn request_log_days(&self) -> u32 {
        self.request_log_days.unwrap_or(REQUEST_LOG_DAYS)
    }

    /// Days that the feed of events is kept.
    pub(crate) fn event_days(&self) -> u32 {
        self.event_days.unwrap_or(EVENT_DAYS)
    }

    /// How long access tokens live.
    pub(crate) fn access_token_lifetime(&self) -> AccessLifetime {
        self.access_token_lifetime.unwrap_or_default()
    }

    /// Send cookies with `Secure`? Always, but on loopback over plain http.
    pub(crate) fn secure_cookies(&self) -> bool {
        self.public_url().scheme() == "https"
    }

    /// The same with another address, folder and fresh embedded database (for the demo).
    pub(crate) fn embedded_at(&self, listen: SocketAddr, data_dir: &Path) -> Self {
        Self {
            listen,
            data_dir: data_dir.to_owned(),
            database_url: None,
            migrate_database_url: None,
            redis_url: None,
            public_url: None,
            admin_listen: None,
            master_key: None,
            former_master_key: None,
            rate_limit: None,
            trusted_proxies: None,
            max_token_lifetime: None,
            console_second_factor: None,
            oidc_issuer: None,
            ..self.clone()
        }
    }
}

/// The file that settings are read from, if there is one.
pub(crate) fn file_in_use(flags: &SettingFlags) -> Option<&Path> {
    let default = || Some(Path::new(DEFAULT_FILE)).filter(|file| file.is_file());
    flags.config.as_deref().or_else(default)
}

/// Is it the name of an environment variable that sets something of the program? All of ours begin alike, and none has two
/// underscores on end, as those have that an export names.
pub(crate) fn is_ours(variable: &str) -> bool {
    let variable = variable.to_ascii_uppercase();
    variable.starts_with("ROLLCALL_") && !variable.contains("__")
}

/// A value that stands in a file as text.
mod text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(|error| D::Error::custom(format!("{text:?}: {error}"))))
            .transpose()
    }
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// A variable that is set to nothing counts as not set: compose files do that.
fn non_empty(key: &figment::value::UncasedStr) -> Option<figment::value::Uncased<'_>> {
    let name = format!("ROLLCALL_{}", key.as_str().to_ascii_uppercase());
    std::env::var(name).is_ok_and(|value| !value.is_empty()).then(|| key.into())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An address to listen on.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080 or [::]:8080".to_owned())
}

/// The origin that people see.
fn origin(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| format!("{error}; write all of it, such as https://scim.example.com"))
}

/// `http://` and a listener's address; an unspecified address is shown as loopback.
fn loopback_url(listen: SocketAddr) -> Url {
    let host = match listen {
        SocketAddr::V4(address) if address.ip().is_unspecified() => "127.0.0.1".to_owned(),
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) if address.ip().is_unspecified() => "[::1]".to_owned(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    let text = format!("http://{host}:{}", listen.port());
    #[expect(clippy::expect_used, reason = "an address and a port always make a URL")]
    Url::parse(&text).expect("a URL from a socket address")
}

/// Makes the data folder if need be, for its owner alone: it holds personal data and password hashes.
pub(crate) fn ensure_dir(dir: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make the data folder {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: SettingFlags) -> anyhow::Result<Settings> {
        Settings::load(&flags)
    }

    #[test]
    fn flag_beats_file_beats_default() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rollcall.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:9999\"\nlog = \"debug\"\n").unwrap();
        let from_file = load(SettingFlags { config: Some(file.clone()), ..Default::default() }).unwrap();
        assert_eq!(from_file.listen.port(), 9999);
        assert_eq!(from_file.log, "debug");
        assert_eq!(from_file.public_url().as_str(), "http://127.0.0.1:9999/");
        let flagged = SettingFlags {
            config: Some(file),
            listen: Some("127.0.0.1:1".parse().unwrap()),
            ..Default::default()
        };
        assert_eq!(load(flagged).unwrap().listen.port(), 1);
    }

    #[test]
    fn a_rate_limit_is_set_by_flag_or_file_and_zero_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rollcall.toml");
        let limit = |text: &str, rate_limit| {
            std::fs::write(&file, text).unwrap();
            load(SettingFlags { config: Some(file.clone()), rate_limit, ..Default::default() })
                .map(|settings| settings.rate_limit().map(NonZeroU32::get))
        };
        assert_eq!(limit("", None).unwrap(), None);
        assert_eq!(limit("rate_limit = 25", None).unwrap(), Some(25));
        assert_eq!(limit("rate_limit = 25", Some(50)).unwrap(), Some(50));
        assert_eq!(limit("rate_limit = 25", Some(0)).unwrap(), None);
        for wrong in ["rate_limit = -1", "rate_limit = 2.5", "rate_limit = \"many\""] {
            let error = limit(wrong, None).unwrap_err().to_string();
            assert!(error.contains("rate_limit"), "{error}");
        }
    }

    #[test]
    fn requests_are_kept_for_a_week_unless_it_is_said_otherwise() {
        let days = |request_log_days| {
            load(SettingFlags { request_log_days, ..Default::default() })
                .map(|settings| settings.request_log_days())
        };
        assert_eq!(days(None).unwrap(), 7);
        assert_eq!(days(Some(0)).unwrap(), 0);
        assert_eq!(days(Some(90)).unwrap(), 90);
        let error = days(Some(91)).unwrap_err().to_string();
        assert!(error.contains("request_log_days 91") && error.contains("0 to 90"), "{error}");
    }

    #[test]
    fn events_are_kept_for_ninety_days_unless_it_is_said_otherwise() {
        let days = |event_days| {
            load(SettingFlags { event_days, ..Default::default() }).map(|settings| settings.event_days())
        };
        assert_eq!((days(None).unwrap(), days(Some(1)).unwrap(), days(Some(3650)).unwrap()), (90, 1, 3650));
        for wrong in [0, 3651] {
            let error = days(Some(wrong)).unwrap_err().to_string();
            assert!(error.contains(&format!("event_days {wrong}")) && error.contains("1 to 3650"), "{error}");
        }
    }

    #[test]
    fn access_tokens_live_as_long_as_it_is_set() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rollcall.toml");
        let lifetime = |text: &str, flag: Option<&str>| {
            std::fs::write(&file, text).unwrap();
            let access_token_lifetime = flag.map(|flag| flag.parse().unwrap());
            load(SettingFlags { config: Some(file.clone()), access_token_lifetime, ..Default::default() })
                .map(|settings| settings.access_token_lifetime().to_string())
        };
        assert_eq!(lifetime("", None).unwrap(), "3600s");
        assert_eq!(lifetime("access_token_lifetime = \"15min\"", None).unwrap(), "900s");
        assert_eq!(lifetime("access_token_lifetime = \"15min\"", Some("2h")).unwrap(), "7200s");
        for wrong in ["\"4min\"", "\"25h\"", "\"soon\"", "3600"] {
            let error = lifetime(&format!("access_token_lifetime = {wrong}"), None).unwrap_err().to_string();
            assert!(error.contains("access_token_lifetime"), "{error}");
        }
    }

    #[test]
    fn a_longest_life_is_set_by_flag_or_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rollcall.toml");
        let days = |text: &str, flag: Option<&str>| {
            std::fs::write(&file, text).unwrap();
            let max_token_lifetime = flag.map(|flag| flag.parse().unwrap());
            load(SettingFlags { config: Some(file.clone()), max_token_lifetime, ..Default::default() }).map(
                |settings| {
                    settings.max_token_lifetime.map(|limit| limit.0.map(token_service::Lifetime::days))
                },
            )
        };
        assert_eq!(days("", None).unwrap(), None);
        assert_eq!(days("max_token_lifetime = \"2y\"", None).unwrap(), Some(Some(731)));
        assert_eq!(days("max_token_lifetime = \"2y\"", Some("90d")).unwrap(), Some(Some(90)));
        assert_eq!(days("max_token_lifetime = \"2y\"", Some("none")).unwrap(), Some(None));
        let error = days("max_token_lifetime = \"11y\"", None).unwrap_err().to_string();
        assert!(error.contains("max_token_lifetime") && error.contains("such as 90d or 2y"), "{error}");
    }

    #[test]
    fn name_servers_and_the_retention_of_tenants_are_set() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rollcall.toml");
        let set = |text: &str, tenant_retention_days| {
            std::fs::write(&file, text).unwrap();
            load(SettingFlags { config: Some(file.clone()), tenant_retention_days, ..Default::default() })
        };
        let settings = set("", None).unwrap();
        assert_eq!((settings.dns_servers.clone(), settings.tenant_retention_days()), (None, 30));
        let settings =
            set("dns_servers = \"192.0.2.53,[::1]:5353\"\ntenant_retention_days = 7", None).unwrap();
        assert_eq!(settings.dns_servers.clone().unwrap().to_string(), "192.0.2.53:53,[::1]:5353");
        assert_eq!(settings.tenant_retention_days(), 7);
        assert_eq!(set("tenant_retention_days = 7", Some(0)).unwrap().tenant_retention_days(), 0);
        for (wrong, word) in
            [("dns_servers = \"dns.example\"", "dns_servers"), ("tenant_retention_days = 4000", "3650")]
        {
            let error = set(wrong, None).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rollcall.toml");
        std::fs::write(&file, "lisen = \"127.0.0.1:9999\"\n").unwrap();
        let error = load(SettingFlags { config: Some(file), ..Default::default() }).unwrap_err().to_string();
        assert!(error.contains("lisen"), "{error}");
        for (url, word) in [
            ("http://scim.example.com", "https"),
            ("https://scim.example.com/base", "path"),
            ("https://my_host.example.com", "underscore"),
            ("ftp://x", "http(s)"),
        ] {
            let flags = SettingFlags { public_url: Some(url.parse().unwrap()), ..Default::default() };
            let error = load(flags).unwrap_err().to_string();
            assert!(error.contains(word), "{url}: {error}");
        }
    }
}
