//! What is kept of a stream, and what of it fits.

use std::collections::BTreeSet;

use egress::{Client, Schemes};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::Unfit;

/// How URLs of Redis begin.
pub(super) const SCHEMES: Schemes = Schemes { secure: "rediss", clear: "redis" };

/// Longest URL, in bytes.
const URL: usize = 2_048;

/// Longest key of a stream, in bytes.
const KEY: usize = 512;

/// Most consumer groups, and the longest name of one, in bytes.
const GROUPS: usize = 20;
const GROUP: usize = 200;

/// Databases of one server are numbered; this is more than anybody has.
const DATABASES: i64 = 100_000;

/// A stream to be written to.
#[derive(Clone, Debug, Default)]
pub struct NewRedisStream {
    /// `rediss://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub url: String,
    /// Key of the stream.
    pub stream: String,
    /// Entries that are kept, a few more at times; `None`: all.
    pub max_len: Option<u64>,
    /// Consumer groups that are to be there.
    pub groups: Vec<String>,
}

/// What changes of a stream; `None`: it stays.
#[derive(Clone, Debug, Default)]
pub struct RedisStreamChange {
    /// Where it is, and who writes: without a password in it there is none any more.
    pub url: Option<String>,
    /// Key.
    pub stream: Option<String>,
    /// Entries that are kept; `Some(None)`: all.
    pub max_len: Option<Option<u64>>,
    /// Consumer groups; those that are named no more stay where they are.
    pub groups: Option<Vec<String>>,
}

/// What may be shown of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RedisStreamSettings)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Where it is, without user and password.
    #[schema(example = "rediss://redis.example.com:6380/0")]
    pub url: String,
    /// Key of the stream.
    #[schema(example = "rollcall")]
    pub stream: String,
    /// Entries that are kept, a few more at times; null: all.
    pub max_len: Option<u64>,
    /// Consumer groups that are made, and made again when they are lost.
    pub groups: Vec<String>,
    /// Does a password belong to it?
    pub has_password: bool,
}

/// What must not be shown.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secrets {
    /// Whose password it is; `None`: the server's one user without a name.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
}

impl NewRedisStream {
    /// What is kept of it.
    pub(crate) fn check(self, egress: &Client) -> Result<(Settings, Secrets), Unfit> {
        let (url, secrets) = check_url(&self.url, egress)?;
        check_stream(&self.stream)?;
        check_max_len(self.max_len)?;
        check_groups(&self.groups)?;
        let settings = Settings {
            url: url.into(),
            stream: self.stream,
            max_len: self.max_len,
            groups: self.groups,
            has_password: secrets.password.is_some(),
        };
        Ok((settings, secrets))
    }
}

impl RedisStreamChange {
    /// Changes what is kept. Gives other secrets, if there are.
    pub(crate) fn apply(self, settings: &mut Settings, egress: &Client) -> Result<Option<Secrets>, Unfit> {
        if let Some(stream) = self.stream {
            check_stream(&stream)?;
            settings.stream = stream;
        }
        if let Some(max_len) = self.max_len {
            check_max_len(max_len)?;
            settings.max_len = max_len;
        }
        if let Some(groups) = self.groups {
            check_groups(&groups)?;
            settings.groups = groups;
        }
        let Some(url) = self.url else { return Ok(None) };
        // A password goes where whoever knows it sends it, and never along to another server.
        let (url, secrets) = check_url(&url, egress)?;
        settings.url = url.into();
        settings.has_password = secrets.password.is_some();
        Ok(Some(secrets))
    }
}

/// The URL without user and password, and these.
fn check_url(text: &str, egress: &Client) -> Result<(Url, Secrets), Unfit> {
    let unfit = |detail: String| Unfit::new("url", detail);
    if text.len() > URL {
        return Err(unfit(format!("it is longer than {URL} bytes")));
    }
    let mut url = Url::parse(text)
        .map_err(|error| unfit(format!("{error}; write rediss://USER:PASSWORD@HOST:PORT/DATABASE")))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(unfit("it names no host; write rediss://USER:PASSWORD@HOST:PORT/DATABASE".to_owned()));
    }
    let decoded = |part: &str| {
        let text = percent_decode_str(part).decode_utf8().map(|text| text.into_owned());
        text.map_err(|_| unfit("user and password have to be UTF-8".to_owned()))
    };
    let user = Some(decoded(url.username())?).filter(|user| !user.is_empty());
    let password = url.password().map(decoded).transpose()?.filter(|password| !password.is_empty());
    if user.is_some() && password.is_none() {
        return Err(unfit("it names a user and no password; write USER:PASSWORD@HOST".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unfit("nothing may follow the number of the database".to_owned()));
    }
    database(&url)?;
    // Only a URL without a host has none of them.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    egress.check_service(&url, SCHEMES).map_err(|error| unfit(error.to_string()))?;
    Ok((url, Secrets { user, password }))
}

/// The number of the database, which the path says.
pub(super) fn database(url: &Url) -> Result<i64, Unfit> {
    let text = url.path().trim_start_matches('/');
    if text.is_empty() {
        return Ok(0);
    }
    let number = text.parse().ok().filter(|number| (0..DATABASES).contains(number));
    number.ok_or_else(|| Unfit::new("url", "the path is the number of a database, such as /0"))
}

fn check_stream(stream: &str) -> Result<(), Unfit> {
    let detail = format!("use a key of 1 to {KEY} bytes without control characters");
    check_name("stream", stream, KEY, &detail)
}

fn check_max_len(max_len: Option<u64>) -> Result<(), Unfit> {
    match max_len {
        Some(0) => Err(Unfit::new("maxLen", "use 1 or more, or leave it out to keep all entries")),
        Some(large) if i64::try_from(large).is_err() => Err(Unfit::new("maxLen", "no stream is that long")),
        _ => Ok(()),
    }
}

fn check_groups(groups: &[String]) -> Result<(), Unfit> {
    if groups.len() > GROUPS {
        return Err(Unfit::new("groups", format!("there are {}; name {GROUPS} at most", groups.len())));
    }
    let detail = format!("use names of 1 to {GROUP} bytes without control characters");
    groups.iter().try_for_each(|group| check_name("groups", group, GROUP, &detail))?;
    match groups.iter().collect::<BTreeSet<_>>().len() == groups.len() {
        true => Ok(()),
        false => Err(Unfit::new("groups", "one stands there twice")),
    }
}

fn check_name(member: &str, name: &str, most: usize, detail: &str) -> Result<(), Unfit> {
    let fits = (1..=most).contains(&name.len()) && !name.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(Unfit::new(member, detail)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(url: &str) -> Result<(Settings, Secrets), Unfit> {
        let new = NewRedisStream { url: url.into(), stream: "rollcall".into(), ..NewRedisStream::default() };
        new.check(&Client::default())
    }

    #[test]
    fn user_and_password_are_kept_apart() {
        let (settings, secrets) =
            checked("rediss://ann:p%40ss%3Aword@redis.example.com:6380/2").expect("fits");
        assert_eq!(settings.url, "rediss://redis.example.com:6380/2");
        assert_eq!((secrets.user.as_deref(), secrets.password.as_deref()), (Some("ann"), Some("p@ss:word")));
        assert!(settings.has_password);
        let (settings, secrets) = checked("rediss://:secret@redis.example.com").expect("fits");
        assert_eq!((settings.url.as_str(), secrets.user), ("rediss://redis.example.com", None));
        assert_eq!(secrets.password.as_deref(), Some("secret"));
        let (settings, secrets) = checked("rediss://redis.example.com").expect("fits");
        assert!(!settings.has_password && secrets == Secrets::default());
    }

    #[test]
    fn what_is_no_address_of_a_redis_is_refused_without_repeating_it() {
        for url in [
            "",
            "redis.example.com:6379",
            "https://redis.example.com",
            "rediss://",
            "rediss:///0",
            "rediss://ann:sesame@",
            "rediss://ann@redis.example.com",
            "rediss://ann:sesame@redis.example.com/zero",
            "rediss://ann:sesame@redis.example.com/-1",
            "rediss://ann:sesame@redis.example.com/0/1",
            "rediss://ann:sesame@redis.example.com/#insecure",
            "rediss://ann:sesame@redis.example.com/?protocol=3",
            "rediss://ann:sesame@127.0.0.1",
            "rediss://ann:sesame@[::1]",
            "rediss://ann:sesame@0x7f000001",
            "redis://ann:sesame@10.0.0.1",
            "redis://ann:sesame@1.1.1.1",
            "redis+unix:///tmp/redis.sock",
            "rediss://ann:sesame@redis.example.com:99999",
            "rediss://%ff:sesame@redis.example.com",
        ] {
            let unfit = checked(url).err().expect(url);
            assert_eq!(unfit.member, "url", "{url}");
            assert!(!unfit.detail.contains("sesame"), "{unfit}");
        }
        assert!(checked("rediss://redis.example.com/15").is_ok());
    }

    #[test]
    fn names_and_numbers_have_their_bounds() {
        let good = NewRedisStream {
            url: "rediss://redis.example.com".into(),
            stream: "rollcall".into(),
            max_len: Some(1),
            groups: vec!["app".into(), "other app".into()],
        };
        assert!(good.clone().check(&Client::default()).is_ok());
        let with = |change: &dyn Fn(&mut NewRedisStream)| {
            let mut new = good.clone();
            change(&mut new);
            new.check(&Client::default()).err().expect("unfit").member
        };
        assert_eq!(with(&|new| new.stream = String::new()), "stream");
        assert_eq!(with(&|new| new.stream = "a\r\nb".into()), "stream");
        assert_eq!(with(&|new| new.stream = "x".repeat(KEY + 1)), "stream");
        assert_eq!(with(&|new| new.max_len = Some(0)), "maxLen");
        assert_eq!(with(&|new| new.max_len = Some(u64::MAX)), "maxLen");
        assert_eq!(with(&|new| new.groups = vec![String::new()]), "groups");
        assert_eq!(with(&|new| new.groups = vec!["a".into(), "a".into()]), "groups");
        assert_eq!(with(&|new| new.groups = (0..=GROUPS).map(|at| at.to_string()).collect()), "groups");
    }

    #[test]
    fn another_url_takes_no_password_along() {
        let (mut settings, _) = checked("rediss://ann:secret@redis.example.com").expect("fits");
        let change =
            |url: Option<&str>| RedisStreamChange { url: url.map(str::to_owned), ..Default::default() };
        assert!(change(None).apply(&mut settings, &Client::default()).expect("fits").is_none());
        assert!(settings.has_password);
        let other = change(Some("rediss://other.example.com")).apply(&mut settings, &Client::default());
        assert!(other.expect("fits").is_some_and(|secrets| secrets == Secrets::default()));
        assert!(!settings.has_password);
    }
}
