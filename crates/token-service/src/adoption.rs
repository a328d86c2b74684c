//! Data keys of another database, such as one that a backup is of.

use store::keys::DataKey;

use crate::{MasterKey, master_key::MasterKeyError, vault};

/// The data key as the present master key wraps it. Fails when neither this one nor a former one opens it.
pub fn adopt(master: &MasterKey, key: &DataKey) -> Result<DataKey, MasterKeyError> {
    let context = vault::context(key.id);
    let plain = master.decrypt(&key.wrapped, &context).map_err(|_| {
        MasterKeyError(format!(
            "The master key does not open the data key {} of the backup, so no secret in it could be read. Set \
             ROLLCALL_MASTER_KEY, or ROLLCALL_FORMER_MASTER_KEY beside it, to the master key that the installation had when \
             the backup was made; on SQLite without that setting it was the file master.key in the data folder.",
            key.id
        ))
    })?;
    if master.is_current(&key.wrapped, &context) {
        return Ok(key.clone());
    }
    Ok(DataKey { wrapped: master.encrypt(&plain, &context)?, ..key.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::{Vault, generate, tests::master};

    #[test]
    fn a_data_key_is_taken_over_by_whoever_opens_it() {
        let theirs = generate(&master(1), 7).expect("a data key");
        let sealed =
            Vault::of(std::slice::from_ref(&theirs), &master(1)).expect("a vault").seal(b"secret", "c");
        let sealed = sealed.expect("sealed");
        assert_eq!(adopt(&master(1), &theirs).expect("the same master key"), theirs);
        let refused = adopt(&master(2), &theirs).expect_err("another master key").0;
        assert!(
            refused.contains(&theirs.id.to_string()) && refused.contains("ROLLCALL_FORMER_MASTER_KEY"),
            "{refused}"
        );

        let ours = adopt(&master(2).with_former(master(1)), &theirs).expect("with the former one");
        assert_eq!((ours.id, ours.created_at), (theirs.id, theirs.created_at));
        let vault = Vault::of(&[ours], &master(2)).expect("a vault");
        assert_eq!(**vault.open(&sealed, "c").expect("opened"), *b"secret");
    }
}
