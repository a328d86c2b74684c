//! What the operations of one PATCH may cost, all together.

use serde_json::Value;

use crate::error::ScimError;

/// Most bytes of JSON that the operations may go over: each one pays for the attribute it touches, once and once more
/// for every comparison of its filter, and for its value as often as it is laid over an element.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Most comparisons of one element with another.
const MAX_PAIRS: usize = 2_000_000;
/// What reading a name or a path costs, whatever its length.
const NAME: usize = 512;
/// What each value costs on top of its text.
const NODE: usize = 16;

/// The work done so far for one request; never beyond the limits, since it is charged before it is done.
#[derive(Default)]
pub(super) struct Work {
    bytes: usize,
    pairs: usize,
}

impl Work {
    /// Going over so many bytes, so many times; 413 beyond the limit.
    pub(super) fn bytes(&mut self, bytes: usize, times: usize) -> Result<(), ScimError> {
        charge(&mut self.bytes, bytes.saturating_mul(times), MAX_BYTES)
    }

    /// Resolving a path, or a key of a value.
    pub(super) fn name(&mut self, name: &str) -> Result<(), ScimError> {
        self.bytes(NAME.saturating_add(name.len()), 1)
    }

    /// Comparing an element with so many others; 413 beyond the limit.
    pub(super) fn pairs(&mut self, pairs: usize) -> Result<(), ScimError> {
        charge(&mut self.pairs, pairs, MAX_PAIRS)
    }
}

fn charge(spent: &mut usize, more: usize, limit: usize) -> Result<(), ScimError> {
    match spent.checked_add(more).filter(|sum| *sum <= limit) {
        Some(sum) => {
            *spent = sum;
            Ok(())
        }
        None => Err(ScimError::new(
            413,
            "The operations of this PATCH touch too many elements together; split it.",
        )),
    }
}

/// Roughly how many bytes a value has as JSON, with a charge for each value in it.
pub(super) fn size(value: &Value) -> usize {
    NODE + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + size(value)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn charges_up_to_the_limit_and_no_further() {
        let mut work = Work::default();
        assert!(work.bytes(MAX_BYTES / 2, 2).is_ok() && work.pairs(MAX_PAIRS).is_ok());
        for refused in [work.bytes(1, 1), work.bytes(usize::MAX, 2), work.pairs(1), work.name("")] {
            assert_eq!(refused.expect_err("spent").status, 413);
        }
        assert_eq!((work.bytes, work.pairs), (MAX_BYTES / 2 * 2, MAX_PAIRS));
        assert_eq!(size(&json!({"ab": ["cde", null]})), 4 * NODE + 5);
    }
}
