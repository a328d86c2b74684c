//! How long new credentials may live: what the platform allows, and what is allowed to a tenant.

use std::{fmt, str::FromStr};

use store::{StoreError, TenantId, credentials::Credential};

use crate::{
    TokenService,
    expiry::{self, DAY, ExpiryError, MAX_DAYS, PRESETS},
};

/// The preset of a token when nobody says otherwise, where it fits.
const USUAL: &str = "1y";

/// A longest life, in whole days: 1 to [`MAX_DAYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifetime(u16);

impl Lifetime {
    /// What tokens may live at all.
    pub const MAX: Self = Self(MAX_DAYS as u16);

    /// Days as they are kept of a tenant; what is out of range is cut.
    #[must_use]
    pub fn from_days(days: i32) -> Self {
        let most = Self::MAX.0;
        Self(u16::try_from(days.clamp(1, i32::from(most))).unwrap_or(most))
    }

    /// Whole days.
    #[must_use]
    pub fn days(self) -> i32 {
        i32::from(self.0)
    }

    /// Milliseconds.
    #[must_use]
    pub fn millis(self) -> i64 {
        i64::from(self.0) * DAY
    }

    /// `90 days`, `1 year`.
    #[must_use]
    pub fn words(self) -> String {
        let (count, unit) = match self.years() {
            Some(years) => (years, "year"),
            None => (self.0, "day"),
        };
        format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
    }

    /// So many calendar years, wherever their leap days lie: one in four, begun fours counted.
    fn of_years(years: u16) -> u16 {
        years.saturating_mul(365).saturating_add(years.div_ceil(4))
    }

    fn years(self) -> Option<u16> {
        (1..=10).find(|years| Self::of_years(*years) == self.0)
    }
}

/// `90d`, `1y`: what [`Lifetime::from_str`] takes.
impl fmt::Display for Lifetime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.years() {
            Some(years) => write!(formatter, "{years}y"),
            None => write!(formatter, "{}d", self.0),
        }
    }
}

impl FromStr for Lifetime {
    type Err = ExpiryError;

    /// A length of time as in [`expiry::duration`]; begun days count, and a year is a calendar year with its leap day.
    fn from_str(text: &str) -> Result<Self, ExpiryError> {
        let shown: String = text.trim().chars().take(40).collect();
        let unfit = || {
            ExpiryError(format!(
                "{shown:?} is no longest life; write a duration of 1 day to 10 years, such as 90d or 2y"
            ))
        };
        let millis = expiry::duration(text).map_err(|_| unfit())?;
        let years = text.trim().trim_end_matches(['y', 'Y']).trim_end().parse::<u16>();
        let days = match years {
            Ok(years) if text.trim().ends_with(['y', 'Y']) => i64::from(Self::of_years(years)),
            _ => millis.saturating_add(DAY - 1).div_euclid(DAY),
        };
        let days = u16::try_from(days).ok().filter(|days| (1..=Self::MAX.0).contains(days));
        days.map(Self).ok_or_else(unfit)
    }
}

/// A longest life as it is set: one, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub Option<Lifetime>);

/// What [`Limit::from_str`] takes.
impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(lifetime) => lifetime.fmt(formatter),
            None => formatter.write_str("none"),
        }
    }
}

impl FromStr for Limit {
    type Err = ExpiryError;

    /// `none`, or as [`Lifetime`].
    fn from_str(text: &str) -> Result<Self, ExpiryError> {
        if text.trim().eq_ignore_ascii_case("none") {
            return Ok(Self(None));
        }
        text.parse().map(|lifetime| Self(Some(lifetime)))
    }
}

/// What an installation's operator decides.
#[derive(Clone, Default)]
pub struct Options {
    /// Longest life of new credentials; `None`: tokens ten years, and what needs no end needs none.
    pub max_lifetime: Option<Lifetime>,
    /// Fetches the keys of identity providers.
    pub egress: egress::Client,
}

/// Who has set a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// Nobody: it is the most that tokens may live at all.
    Nobody,
    /// The installation's setting.
    Platform,
    /// The tenant's own.
    Tenant,
}

/// How long a new credential of a tenant may live: the smaller of what the platform and the tenant's settings allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Longest {
    /// So long.
    pub lifetime: Lifetime,
    /// By whose word.
    pub set_by: SetBy,
}

impl Longest {
    /// The smaller of two limits, each of which may be missing.
    #[must_use]
    pub fn of(platform: Option<Lifetime>, tenant: Option<Lifetime>) -> Self {
        let platform = platform.map(|lifetime| Self { lifetime, set_by: SetBy::Platform });
        let tenant = tenant.map(|lifetime| Self { lifetime, set_by: SetBy::Tenant });
        let set = [platform, tenant].into_iter().flatten().min_by_key(|longest| longest.lifetime);
        set.unwrap_or(Self { lifetime: Lifetime::MAX, set_by: SetBy::Nobody })
    }

    /// Has anybody set a limit? Then each new credential needs an end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.set_by != SetBy::Nobody
    }

    /// May a credential that is made at `now` end then (both in milliseconds)? The error names the limit.
    pub fn check(&self, ends_at: i64, now: i64) -> Result<(), ExpiryError> {
        expiry::check(ends_at, now)?;
        if ends_at.saturating_sub(now) <= self.lifetime.millis() {
            return Ok(());
        }
        let by = match self.set_by {
            SetBy::Tenant => "as its settings say",
            SetBy::Platform | SetBy::Nobody => "as this installation's settings say",
        };
        Err(ExpiryError(format!(
            "expiry: too far ahead; a new credential of this tenant may live {} at most, {by}",
            self.lifetime.words()
        )))
    }

    /// The end of a credential of which nobody says when it ends (milliseconds); `None`: it needs none.
    #[must_use]
    pub fn end(&self, now: i64) -> Option<i64> {
        self.is_set().then(|| now.saturating_add(self.lifetime.millis()))
    }

    /// The end of a token of which nobody says when it ends (milliseconds): a year from `now`, or sooner if it must.
    #[must_use]
    pub fn usual_end(&self, now: i64) -> i64 {
        let year = expiry::duration(USUAL).unwrap_or(self.lifetime.millis());
        now.saturating_add(year.min(self.lifetime.millis()))
    }

    /// Choices to offer a person, those of [`PRESETS`] that fit.
    pub fn presets(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let longest = self.lifetime;
        PRESETS
            .into_iter()
            .filter(move |(value, _)| value.parse::<Lifetime>().is_ok_and(|one| one <= longest))
    }

    /// Does a live credential go on longer than one that were made now could?
    #[must_use]
    pub fn is_exceeded_by(&self, credential: &Credential) -> bool {
        self.is_exceeded(credential.created_at, credential.expires_at)
    }

    /// Does what is live from then until then (milliseconds; `None`: until it is revoked) go on longer than what were made
    /// now could?
    #[must_use]
    pub fn is_exceeded(&self, created_at: i64, expires_at: Option<i64>) -> bool {
        match expires_at {
            Some(at) => at.saturating_sub(created_at) > self.lifetime.millis(),
            None => self.is_set(),
        }
    }
}

impl TokenService {
    /// How long new credentials may live of a tenant that allows so many days (`None`: it says nothing).
    #[must_use]
    pub fn longest(&self, tenant_days: Option<i32>) -> Longest {
        Longest::of(self.inner.max_lifetime, tenant_days.map(Lifetime::from_days))
    }

    /// How long new credentials of a tenant may live.
    pub(crate) async fn longest_of(&self, tenant: TenantId) -> Result<Longest, StoreError> {
        Ok(self.longest(self.inner.store.platform().credential_days(tenant).await?))
    }
}

#[cfg(test)]
#[path = "lifetime_tests.rs"]
mod tests;
