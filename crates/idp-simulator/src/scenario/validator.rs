//! A run of the sets of Entra's SCIM Validator.

use super::{Progress, Steps, unusable};
use crate::entra::validator::Validator;
use crate::{Report, Target};

/// Plays the sets of the SCIM Validator: what `/Schemas` announces is set to random texts, changed in its two forms of
/// PATCH, and wanted back; duplicates, look-ups, managers, members, deletions. Mandatory and preview sets alike.
///
/// The same seed gives the same texts. Each set deletes what it made, so that nothing is left standing. A product that
/// demands a form of one of its attributes (an identifier with check digits) is told of it here, as by the validator.
pub async fn validator(target: &Target, seed: u64, progress: Progress<'_>) -> Report {
    let mut validator = match Validator::new(target, seed) {
        Ok(validator) => validator,
        Err(error) => return unusable(&error),
    };
    if !validator.read_announced().await {
        Steps::new(1, progress).tick("read schemas");
        return validator.report();
    }
    let sets = validator.sets();
    let steps = Steps::new(1 + sets.len(), progress);
    steps.tick("read schemas");
    for set in sets {
        validator.play(set).await;
        steps.tick(set.name());
    }
    validator.report()
}
