//! Files that a declaration names: which of them may be read, and how much of each. Whoever wrote a declaration need not be who
//! applies it, so it does not reach what only the latter may read.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::source::{Fault, Place};
use crate::settings::Settings;

/// Largest file of a declaration, in bytes, and of a list.
pub(crate) const LARGEST: u64 = 16 * 1024 * 1024;

/// Where files may lie that a declaration names.
pub(crate) struct Permitted {
    /// Beside the folder of the declaration.
    folders: Vec<PathBuf>,
    /// The file of settings that is in use.
    settings: Option<PathBuf>,
    /// The data folder: what is in it, keys and rows, copies of them among others, is for nobody else.
    data: Option<PathBuf>,
}

impl Permitted {
    /// Below the folder of the declaration, and below these.
    pub(crate) fn new(folders: &[PathBuf], settings: &Settings, file: Option<&Path>) -> anyhow::Result<Self> {
        let whole = |folder: &PathBuf| {
            let found = folder.canonicalize();
            found.map_err(|error| anyhow::anyhow!("--allow-files {}: {error}", folder.display()))
        };
        Ok(Self {
            folders: folders.iter().map(whole).collect::<anyhow::Result<_>>()?,
            settings: file.and_then(|file| file.canonicalize().ok()),
            data: settings.data_dir.canonicalize().ok(),
        })
    }

    /// Is it the file of settings that is in use?
    pub(super) fn is_of_settings(&self, file: &Path) -> bool {
        self.settings.is_some() && file.canonicalize().ok() == self.settings
    }

    /// What a file holds that stands at a place of a declaration; links are followed before it is judged where it lies.
    pub(super) fn read(&self, place: &Place, file: &Path, largest: u64) -> Result<Vec<u8>, Fault> {
        let below = &place.source().folder;
        let path = below.join(file);
        let shown = path.display();
        let fault = |problem: &str| place.fault(format_args!("{shown}: {problem}"));
        let unreadable = |error: std::io::Error| fault(&format!("cannot be read: {error}"));
        let whole = path.canonicalize().map_err(unreadable)?;
        let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        let below = below.canonicalize().map_err(unreadable)?;
        if self.is_ours(&whole) {
            return Err(fault("belongs to Rollcall itself, and is read for no declaration"));
        }
        if !whole.starts_with(&below) && !self.folders.iter().any(|folder| whole.starts_with(folder)) {
            return Err(fault(
                "lies outside of the folder of the declaration; name a folder that it may lie in with --allow-files",
            ));
        }
        let file = File::open(&whole).map_err(unreadable)?;
        bounded(file, largest).map_err(|problem| fault(&problem))
    }

    fn is_ours(&self, file: &Path) -> bool {
        self.settings.as_deref() == Some(file)
            || self.data.as_deref().is_some_and(|data| file.starts_with(data))
    }
}

/// All that there is to be read, if it is not more: of what a pipe or a device gives nobody knows how much it will be.
pub(super) fn bounded(reader: impl Read, largest: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.take(largest + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    match bytes.len() as u64 > largest {
        true => Err(format!("has more than {largest} bytes, the most that is read")),
        false => Ok(bytes),
    }
}

/// What was read, as text.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "is not UTF-8; save it as UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_not_read() {
        assert_eq!(bounded(&b"four"[..], 4), Ok(b"four".to_vec()));
        assert_eq!(bounded(&b"fives"[..], 4), Err("has more than 4 bytes, the most that is read".to_owned()));
        assert!(bounded(std::io::repeat(b' '), 1024).is_err(), "a device has no end");
        assert!(text(vec![0xff]).is_err());
    }
}
