//! Enumerations as the words that stand in text columns: the same as in JSON.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{StoreError, error::unreadable};

/// The word of a value.
pub(crate) fn word<T: Serialize>(column: &'static str, value: T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Ok(word),
        _ => Err(unreadable(column, "the value has no word")),
    }
}

/// The value of a word.
pub(crate) fn value<T: DeserializeOwned>(column: &'static str, word: String) -> Result<T, StoreError> {
    serde_json::from_value(Value::String(word)).map_err(|error| unreadable(column, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ActorKind;

    #[test]
    fn words_go_there_and_back() {
        for (kind, text) in [(ActorKind::Cli, "cli"), (ActorKind::Credential, "credential")] {
            assert_eq!(word("actor_kind", kind).unwrap(), text);
            assert_eq!(value::<ActorKind>("actor_kind", text.to_owned()).unwrap(), kind);
        }
        assert!(value::<ActorKind>("actor_kind", "robot".to_owned()).is_err());
        assert!(word("n", 7).is_err());
    }
}
