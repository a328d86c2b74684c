//! `master.key` in the data folder: made once, read, and changed so that a crash at any moment leaves what the next
//! start understands.
//!
//! A change makes `master.key.new` first, then the data keys are wrapped anew, then the new file takes the place of the
//! old one, which stays beside it for backups of the database from before. As long as there is a `master.key.new` both
//! keys are tried, since nobody knows how far the change came.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::zeroize::Zeroizing;

use crate::{MasterKey, master_key::MasterKeyError, sealing};

/// Name of the file in the data folder.
const FILE_NAME: &str = "master.key";
/// Name of the key that is to take its place.
const NEW_FILE_NAME: &str = "master.key.new";

impl MasterKey {
    /// Reads `master.key` in a data folder; `None` when there is none. The key of a change that was broken off is tried as
    /// well.
    pub fn read_data_dir(dir: &Path) -> Result<Option<Self>, MasterKeyError> {
        let Some(key) = read_file(&dir.join(FILE_NAME))? else { return Ok(None) };
        let Some(new) = read_file(&dir.join(NEW_FILE_NAME))? else { return Ok(Some(key)) };
        tracing::warn!(
            folder = %dir.display(),
            "a change of the master key was broken off; `rollcall key rewrap` completes it"
        );
        Ok(Some(key.with_former(new)))
    }

    /// The same, or makes the file with mode 0600; `true` when it was made.
    pub fn from_data_dir(dir: &Path) -> Result<(Self, bool), MasterKeyError> {
        match Self::read_data_dir(dir)? {
            Some(key) => Ok((key, false)),
            None => read_or_make(dir, FILE_NAME),
        }
    }

    /// Begins a change of `master.key`, or takes up one that was broken off: gives the new key, with the present one as
    /// its former. [`MasterKey::complete_change`] once nothing is wrapped under that any more.
    pub fn begin_change(dir: &Path) -> Result<Self, MasterKeyError> {
        let path = dir.join(FILE_NAME);
        let present = read_file(&path)?.ok_or_else(|| {
            MasterKeyError(format!(
                "There is no {}: the next start makes it, or says that it is missing.",
                path.display()
            ))
        })?;
        let (new, _) = read_or_make(dir, NEW_FILE_NAME)?;
        Ok(new.with_former(present))
    }

    /// The new key takes the place of the present one; gives the file in which that one stays. `None` when somebody else
    /// has completed the change.
    pub fn complete_change(dir: &Path) -> Result<Option<PathBuf>, MasterKeyError> {
        let (path, new) = (dir.join(FILE_NAME), dir.join(NEW_FILE_NAME));
        let failed = |error: io::Error| file_error(&path, "changed", &error);
        let kept = former_name(dir).map_err(failed)?;
        fs::hard_link(&path, &kept).map_err(failed)?;
        match fs::rename(&new, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::remove_file(&kept).map_err(failed)?;
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        }
        sync(dir).map_err(failed)?;
        Ok(Some(kept))
    }
}

/// `master.key.former`, or the first `master.key.former-2`, … that is not there.
fn former_name(dir: &Path) -> io::Result<PathBuf> {
    let first = std::iter::once(dir.join(format!("{FILE_NAME}.former")));
    let more = (2..1000).map(|number| dir.join(format!("{FILE_NAME}.former-{number}")));
    for path in first.chain(more) {
        if !path.try_exists()? {
            return Ok(path);
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "there are too many files master.key.former-…"))
}

/// The key in this file, which is made when it is not there; `true` when it was made.
fn read_or_make(dir: &Path, name: &str) -> Result<(MasterKey, bool), MasterKeyError> {
    let path = dir.join(name);
    if let Some(key) = read_file(&path)? {
        return Ok((key, false));
    }
    let bytes =
        sealing::random_key().ok_or_else(|| MasterKeyError("The system gives no random numbers.".into()))?;
    let line = Zeroizing::new(BASE64_STANDARD.encode(&bytes[..]) + "\n");
    match make_file(dir, &path, line.as_bytes()) {
        Ok(()) => Ok((MasterKey::from_bytes(&bytes[..])?, true)),
        // Another process was faster: its key counts.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match read_file(&path)? {
            Some(key) => Ok((key, false)),
            None => Err(file_error(&path, "made", &error)),
        },
        Err(error) => Err(file_error(&path, "made", &error)),
    }
}

/// The key in a file; `None` when there is no file.
fn read_file(path: &Path) -> Result<Option<MasterKey>, MasterKeyError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file_error(path, "read", &error)),
    };
    warn_if_shared(path);
    let key = MasterKey::from_base64(&text).map_err(|_| {
        MasterKeyError(format!(
            "{} does not hold base64 of 32 bytes. Restore it from a backup: without it, the signing keys in the \
             database cannot be read.",
            path.display()
        ))
    })?;
    Ok(Some(key))
}

/// Writes a file that only its owner can read. It appears whole or not at all, and never replaces another.
fn make_file(dir: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let draft = dir.join(format!("{FILE_NAME}.draft-{}", uuid::Uuid::now_v7()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        fs::hard_link(&draft, path)
    });
    let removed = match fs::remove_file(&draft) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    written.and(removed)?;
    sync(dir)
}

/// Names must survive a power cut as surely as contents.
fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Says so when others than the owner can read the key.
fn warn_if_shared(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map(|meta| meta.permissions().mode() & 0o777).unwrap_or_default();
        if mode & 0o077 != 0 {
            tracing::warn!(
                path = %path.display(),
                mode = format!("{mode:o}"),
                "others can read the master key; run `chmod 600` on it"
            );
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn file_error(path: &Path, deed: &str, error: &io::Error) -> MasterKeyError {
    MasterKeyError(format!(
        "The master key {} cannot be {deed}: {error}. Give this user the right to it, or set ROLLCALL_MASTER_KEY.",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opens(key: &MasterKey, sealed: &[u8]) -> bool {
        key.decrypt(sealed, "c").is_ok()
    }

    fn files(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .expect("a folder")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_file_is_made_once_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        let (first, made) = MasterKey::from_data_dir(&data).expect("made");
        assert!(made);
        let sealed = first.encrypt(b"x", "c").expect("encrypted");
        let (second, made) = MasterKey::from_data_dir(&data).expect("read");
        assert!(!made && opens(&second, &sealed));
        assert_eq!(files(&data), [FILE_NAME], "the draft is gone");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(data.join(FILE_NAME)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(FILE_NAME), "garbage").expect("written");
        assert!(MasterKey::from_data_dir(dir.path()).is_err_and(|error| error.0.contains("backup")));
        assert!(MasterKey::begin_change(dir.path()).is_err_and(|error| error.0.contains("backup")));
        assert_eq!(fs::read_to_string(dir.path().join(FILE_NAME)).expect("read"), "garbage");
        assert_eq!(files(dir.path()), [FILE_NAME]);
    }

    #[test]
    fn a_change_is_understood_at_every_step() {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        assert!(MasterKey::begin_change(dir).is_err_and(|error| error.0.contains("There is no")));
        let (old, _) = MasterKey::from_data_dir(dir).expect("made");
        let by_old = old.encrypt(b"x", "c").expect("encrypted");
        let changing = MasterKey::begin_change(dir).expect("begun");
        let by_new = changing.encrypt(b"x", "c").expect("encrypted");
        assert!(opens(&changing, &by_old) && !opens(&old, &by_new));

        // Broken off here, whether the data keys were wrapped anew or not: the next start reads both.
        let (started, made) = MasterKey::from_data_dir(dir).expect("read");
        assert!(!made && opens(&started, &by_old) && opens(&started, &by_new));
        let again = MasterKey::begin_change(dir).expect("taken up");
        assert!(again.is_current(&by_new, "c"), "the same new key");

        let kept = MasterKey::complete_change(dir).expect("completed").expect("the former key is kept");
        assert_eq!(files(dir), [FILE_NAME, "master.key.former"]);
        let (after, _) = MasterKey::from_data_dir(dir).expect("read");
        assert!(opens(&after, &by_new) && !opens(&after, &by_old));
        assert!(opens(&read_file(&kept).expect("read").expect("a key"), &by_old));
        #[cfg(unix)]
        for name in files(dir) {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(dir.join(&name)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }

        assert!(MasterKey::complete_change(dir).expect("asked").is_none(), "nothing is left to do");
        MasterKey::begin_change(dir).expect("a second change");
        MasterKey::complete_change(dir).expect("completed").expect("kept");
        assert_eq!(files(dir), [FILE_NAME, "master.key.former", "master.key.former-2"]);
    }
}
