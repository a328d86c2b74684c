//! Okta's side of each product's guide, one file a product.

mod clinical_maestro;
mod envi;
mod epic_emp;
mod eptura_engage;
mod generic;
mod mdscripts;
mod prepared;

use std::collections::BTreeMap;

pub use prepared::{Prepared, prepared};

use super::{Progress, Steps, mapping, unusable};
use crate::okta::{Account, AppProfile, AppStyle, Engine, PushedGroup};
use crate::people::People;
use crate::report::Feature;
use crate::{Report, Target};

/// Plays Okta's side of the guide of a built-in profile (`epic-emp`, `mdscripts`, `clinical-maestro`,
/// `eptura-engage`, `envi`, `generic`), step by step; `None` for any other name.
///
/// The tenant must hold what [`prepared`] says for the same seed. The report's operations are named by the guide's
/// features, and its `features` tell of each what was checked.
pub async fn guide(profile: &str, target: &Target, seed: u64, progress: Progress<'_>) -> Option<Report> {
    use AppStyle::{Catalogue, Wizard};
    let (style, app, features, ticks) = match profile {
        "epic-emp" => (Catalogue, mapping::EPIC_EMP, epic_emp::FEATURES, epic_emp::TICKS),
        "mdscripts" => (Catalogue, mapping::MDSCRIPTS_APP, mdscripts::FEATURES, mdscripts::TICKS),
        "clinical-maestro" => {
            (Catalogue, mapping::CLINICAL_MAESTRO, clinical_maestro::FEATURES, clinical_maestro::TICKS)
        }
        "eptura-engage" => (Catalogue, mapping::EPTURA_ENGAGE, eptura_engage::FEATURES, eptura_engage::TICKS),
        "envi" => (Catalogue, mapping::ENVI, envi::FEATURES, envi::TICKS),
        "generic" => (Wizard, mapping::GENERIC, generic::FEATURES, generic::TICKS),
        _ => return None,
    };
    let people = People::new(seed, profile);
    let mut play = match Play::new(target, style, app, people, Steps::new(ticks, progress)) {
        Ok(play) => play,
        Err(error) => return Some(unusable(&error)),
    };
    play.engine.recorder().announce(features);
    match profile {
        "epic-emp" => epic_emp::play(&mut play).await,
        "mdscripts" => mdscripts::play(&mut play).await,
        "clinical-maestro" => clinical_maestro::play(&mut play).await,
        "eptura-engage" => eptura_engage::play(&mut play).await,
        "envi" => envi::play(&mut play).await,
        _ => generic::play(&mut play).await,
    }
    Some(play.finish())
}

/// A guide being played.
struct Play<'a> {
    engine: Engine,
    people: People,
    steps: Steps<'a>,
    accounts: Vec<Account>,
    groups: Vec<PushedGroup>,
}

impl<'a> Play<'a> {
    fn new(
        target: &Target,
        style: AppStyle,
        app: AppProfile,
        people: People,
        steps: Steps<'a>,
    ) -> Result<Self, crate::client::TargetError> {
        let engine = Engine::new(target, style, app)?;
        Ok(Self { engine, people, steps, accounts: Vec::new(), groups: Vec::new() })
    }

    /// The report, with who is in which group.
    fn finish(self) -> Report {
        let members = |group: &PushedGroup| group.members.values().cloned().collect();
        let memberships: BTreeMap<String, Vec<String>> =
            self.groups.iter().map(|group| (group.name.clone(), members(group))).collect();
        self.engine.recorder().memberships(memberships);
        self.engine.report()
    }

    /// The engine for one step of the guide.
    fn step(&self, feature: Feature) -> Engine {
        self.engine.for_feature(feature)
    }

    /// Test API Credentials, right and wrong. One tick.
    async fn credentials(&self, feature: Feature) {
        let engine = self.step(feature);
        engine.test_credentials().await;
        engine.refuse_wrong_credentials().await;
        self.steps.tick(feature.name);
    }

    /// Assigns as many people. One tick each.
    async fn assign(&mut self, feature: Feature, many: usize) {
        let engine = self.step(feature);
        for index in 0..many {
            self.accounts.extend(engine.assign(&self.people.person(index)).await);
            self.steps.tick(feature.name);
        }
    }

    /// Promotes everybody at these places, and gives the first a new family name. One tick each.
    async fn update(&mut self, feature: Feature, places: std::ops::Range<usize>) {
        let engine = self.step(feature);
        for place in places {
            if let Some(account) = self.accounts.get_mut(place) {
                let mut person = account.person.clone();
                person.title = format!("Senior {}", person.title);
                person.family_name = format!("{} Núñez", person.family_name);
                engine.update_profile(account, person).await;
            }
            self.steps.tick(feature.name);
        }
    }

    /// Deactivates those at these places. One tick each.
    async fn deactivate(&mut self, feature: Feature, places: std::ops::Range<usize>) {
        let engine = self.step(feature);
        for place in places {
            if let Some(account) = self.accounts.get_mut(place) {
                engine.deactivate(account).await;
            }
            self.steps.tick(feature.name);
        }
    }

    /// Reactivates those at these places. One tick each.
    async fn reactivate(&mut self, feature: Feature, places: std::ops::Range<usize>) {
        let engine = self.step(feature);
        for place in places {
            if let Some(account) = self.accounts.get_mut(place) {
                engine.reactivate(account).await;
            }
            self.steps.tick(feature.name);
        }
    }

    /// Imports everybody, and the groups where there are any, and puts down how many stand. One tick.
    async fn import(&self, feature: Feature) {
        let engine = self.step(feature);
        let users = engine.import_users(&self.accounts, Some(&self.people.mark())).await;
        let groups = if self.groups.is_empty() { 0 } else { engine.import_groups(&self.groups).await };
        self.engine.recorder().standing(users, groups);
        self.steps.tick(feature.name);
    }

    /// The accounts at these places, as far as there are any.
    fn some(&self, places: std::ops::Range<usize>) -> Vec<Account> {
        self.accounts.iter().skip(places.start).take(places.len()).cloned().collect()
    }
}
