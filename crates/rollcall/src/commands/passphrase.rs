//! Passphrases of backups: from a file, or from whoever sits there.

use std::{
    io::{BufRead as _, BufReader, IsTerminal as _},
    path::Path,
};

use age::secrecy::SecretString;
use anyhow::{Context as _, bail};

/// Letters that a passphrase must have at least: whoever gets the file can try as long as they like.
const LEAST: usize = 12;

/// For a backup that is made: typed twice, and not too short.
pub(super) fn new(file: Option<&Path>) -> anyhow::Result<SecretString> {
    let passphrase = match file {
        Some(file) => first_line(file)?,
        None => {
            ask_of_a_person("--recipient or --passphrase-file")?;
            let passphrase =
                rpassword::prompt_password("Passphrase of the backup (12 characters or more): ")?;
            if rpassword::prompt_password("Once more: ")? != passphrase {
                bail!("the two passphrases differ");
            }
            passphrase
        }
    };
    if passphrase.chars().count() < LEAST {
        bail!("the passphrase has fewer than {LEAST} characters; whoever gets the file can try very many");
    }
    Ok(passphrase.into())
}

/// Of a backup that is there.
pub(super) fn known(file: Option<&Path>) -> anyhow::Result<SecretString> {
    match file {
        Some(file) => Ok(first_line(file)?.into()),
        None => {
            ask_of_a_person("--identity or --passphrase-file")?;
            Ok(rpassword::prompt_password("Passphrase of the backup: ")?.into())
        }
    }
}

fn ask_of_a_person(otherwise: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked for the passphrase here: give {otherwise}");
    }
    Ok(())
}

fn first_line(file: &Path) -> anyhow::Result<String> {
    let named = || format!("cannot read {}", file.display());
    let mut line = String::new();
    BufReader::new(std::fs::File::open(file).with_context(named)?)
        .read_line(&mut line)
        .with_context(named)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
