//! Options that say where a credential may come from.

use clap::Args;
use store::credentials::AllowedFrom;
use token_service::Networks;

/// Of a new credential.
#[derive(Debug, Args)]
pub(crate) struct AllowFrom {
    /// Networks that it may come from, as addresses or CIDR with commas: from elsewhere it is refused [default: from
    /// anywhere]
    #[arg(long, value_name = "NETWORKS")]
    allow_from: Option<Networks>,
    /// Let it in from elsewhere too, and only tell so in the log
    #[arg(long, requires = "allow_from")]
    report_only: bool,
}

impl From<AllowFrom> for AllowedFrom {
    fn from(options: AllowFrom) -> Self {
        let networks = options.allow_from.unwrap_or_default().0;
        Self { networks, report_only: options.report_only }
    }
}

/// Of a credential that is there.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Change {
    /// Networks that it may come from, as addresses or CIDR with commas; they take the place of those before
    #[arg(long, value_name = "NETWORKS")]
    from: Option<Networks>,
    /// No list any more: it may come from anywhere
    #[arg(long, conflicts_with_all = ["from", "report_only", "enforce"])]
    from_anywhere: bool,
    /// Let it in from elsewhere too, and only tell so in the log
    #[arg(long)]
    report_only: bool,
    /// Refuse it from elsewhere
    #[arg(long, conflicts_with = "report_only")]
    enforce: bool,
}

impl Change {
    /// What is allowed then, if that was allowed before. New networks are enforced unless the options say otherwise; a
    /// mode without networks is an error, since nothing would come of it.
    pub(crate) fn of(&self, before: &AllowedFrom) -> Result<AllowedFrom, &'static str> {
        if self.from_anywhere {
            return Ok(AllowedFrom::default());
        }
        let (networks, report_only) = match &self.from {
            Some(networks) => (networks.0.clone(), self.report_only),
            None => (before.networks.clone(), self.report_only),
        };
        if networks.is_empty() {
            return Err("it has no networks: name some with --from, or say --from-anywhere");
        }
        Ok(AllowedFrom { networks, report_only })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_stays() {
        let list = |text: &str| text.parse::<Networks>().expect("networks");
        let change = |from: Option<&str>, from_anywhere, report_only| Change {
            from: from.map(list),
            from_anywhere,
            report_only,
            enforce: !report_only && from.is_none(),
        };
        let before = AllowedFrom { networks: list("10.0.0.0/8").0, report_only: true };
        let told = |change: Change| change.of(&before);
        assert_eq!(told(change(None, true, false)), Ok(AllowedFrom::default()));
        assert_eq!(
            told(change(None, false, false)),
            Ok(AllowedFrom { report_only: false, ..before.clone() })
        );
        assert_eq!(told(change(None, false, true)), Ok(before.clone()));
        let other = AllowedFrom { networks: list("192.0.2.0/24").0, report_only: false };
        assert_eq!(told(change(Some("192.0.2.0/24"), false, false)), Ok(other.clone()));
        let reported = AllowedFrom { report_only: true, ..other };
        assert_eq!(told(change(Some("192.0.2.0/24"), false, true)), Ok(reported));
        assert!(told(change(Some(""), false, false)).is_err());
        assert!(change(None, false, true).of(&AllowedFrom::default()).is_err());
    }
}
