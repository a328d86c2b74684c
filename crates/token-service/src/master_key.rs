//! The master key, under which every kept secret is encrypted (AES-256-GCM).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use secrecy::zeroize::Zeroizing;

/// Length of the key in bytes.
const KEY_LEN: usize = 32;
/// Length of the authentication tag in bytes.
const TAG_LEN: usize = 16;
/// First byte of a sealed text: this form (version, nonce, ciphertext, tag).
const VERSION: u8 = 1;
/// What the key of fingerprints is derived for.
const FINGERPRINTS: &[u8] = b"rollcall fingerprints of what was refused";
/// Name of the file in the data folder.
const FILE_NAME: &str = "master.key";

/// 32 bytes; never shown.
#[derive(Clone)]
pub struct MasterKey {
    key: Arc<RandomizedNonceKey>,
    fingerprints: hmac::Key,
}

/// Why a master key cannot be used; the text says how to mend it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MasterKeyError(pub String);

impl MasterKey {
    /// From base64 of 32 bytes (standard or URL-safe, with or without padding).
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
        let bytes = GeneralPurpose::new(alphabet, config).decode(text.trim()).map(Zeroizing::new);
        match bytes {
            Ok(bytes) if bytes.len() == KEY_LEN => Self::from_bytes(&bytes),
            _ => Err(MasterKeyError(
                "The master key is not base64 of 32 bytes; make one with `openssl rand -base64 32`.".into(),
            )),
        }
    }

    /// Reads `master.key` in a data folder, or makes it with mode 0600; `true` when it was made.
    pub fn from_data_dir(dir: &Path) -> Result<(Self, bool), MasterKeyError> {
        let path = dir.join(FILE_NAME);
        if let Some(key) = read_file(&path)? {
            return Ok((key, false));
        }
        let mut bytes = Zeroizing::new([0_u8; KEY_LEN]);
        aws_lc_rs::rand::fill(&mut bytes[..])
            .map_err(|_| MasterKeyError("The system gives no random numbers.".into()))?;
        let line = Zeroizing::new(BASE64_STANDARD.encode(&bytes[..]) + "\n");
        match make_file(dir, &path, line.as_bytes()) {
            Ok(()) => Ok((Self::from_bytes(&bytes[..])?, true)),
            // Another process was faster: its key counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match read_file(&path)? {
                Some(key) => Ok((key, false)),
                None => Err(file_error(&path, "made", &error)),
            },
            Err(error) => Err(file_error(&path, "made", &error)),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, MasterKeyError> {
        let fingerprints = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), FINGERPRINTS);
        let fingerprints = hmac::Key::new(hmac::HMAC_SHA256, fingerprints.as_ref());
        RandomizedNonceKey::new(&AES_256_GCM, bytes)
            .map(|key| Self { key: Arc::new(key), fingerprints })
            .map_err(|_| MasterKeyError("The master key is not usable for AES-256-GCM.".into()))
    }

    /// A key of its own, the same in every node, for digests of what strangers send.
    pub(crate) fn fingerprints(&self) -> hmac::Key {
        self.fingerprints.clone()
    }

    /// Encrypts; `context` (what, where) is authenticated with it.
    pub fn encrypt(&self, plain: &[u8], context: &str) -> Result<Vec<u8>, MasterKeyError> {
        // Room for the tag, so that growing leaves no copy of the plain text behind.
        let mut text = Vec::with_capacity(plain.len() + TAG_LEN);
        text.extend_from_slice(plain);
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(context), &mut text)
            .map_err(|_| MasterKeyError(format!("{context} cannot be encrypted.")))?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + text.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Decrypts; fails on another key, another context, or a changed text.
    pub fn decrypt(&self, sealed: &[u8], context: &str) -> Result<Vec<u8>, MasterKeyError> {
        let unreadable = || {
            MasterKeyError(format!(
                "{context} cannot be decrypted: it was encrypted under another master key, or was changed."
            ))
        };
        let Some((&VERSION, rest)) = sealed.split_first() else { return Err(unreadable()) };
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or_else(unreadable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| unreadable())?;
        let mut text = Zeroizing::new(text.to_vec());
        let plain = self.key.open_in_place(nonce, Aad::from(context), &mut text).map_err(|_| unreadable())?;
        Ok(plain.to_vec())
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
    let draft = dir.join(format!("{FILE_NAME}.{}", uuid::Uuid::now_v7()));
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
    // The name must survive a power cut as surely as the content.
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

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_base64(&BASE64_STANDARD.encode([byte; KEY_LEN])).expect("a key")
    }

    #[test]
    fn base64_in_all_its_forms() {
        // 0xff bytes have `/` in the one alphabet and `_` in the other.
        let standard = BASE64_STANDARD.encode([0xff_u8; KEY_LEN]);
        let url_safe = standard.replace('/', "_");
        let sealed = key(0xff).encrypt(b"x", "c").expect("encrypted");
        for text in [
            standard.as_str(),
            standard.trim_end_matches('='),
            url_safe.as_str(),
            url_safe.trim_end_matches('='),
            &format!(" {standard}\n"),
        ] {
            let key = MasterKey::from_base64(text).expect("a key");
            assert_eq!(key.decrypt(&sealed, "c").expect("decrypted"), b"x");
        }
        for text in ["", "abc", "not base64!", &BASE64_STANDARD.encode([1_u8; 31])] {
            assert!(
                MasterKey::from_base64(text).is_err_and(|error| error.0.contains("openssl rand")),
                "{text:?}"
            );
        }
    }

    #[test]
    fn only_the_same_key_and_context_open_it() {
        let sealed = key(1).encrypt(b"secret", "signing-key:k1").expect("encrypted");
        assert_eq!(sealed.len(), 1 + NONCE_LEN + 6 + TAG_LEN);
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(key(1).decrypt(&sealed, "signing-key:k1").expect("decrypted"), b"secret");
        assert!(key(2).decrypt(&sealed, "signing-key:k1").is_err());
        assert!(key(1).decrypt(&sealed, "signing-key:k2").is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key(1).decrypt(&changed, "signing-key:k1").is_err(), "byte {at}");
            assert!(key(1).decrypt(&sealed[..at], "signing-key:k1").is_err(), "cut at {at}");
        }
    }

    #[test]
    fn two_texts_never_share_a_nonce() {
        let first = key(1).encrypt(b"same", "c").expect("encrypted");
        assert_ne!(first, key(1).encrypt(b"same", "c").expect("encrypted"));
    }

    #[test]
    fn the_file_is_made_once_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        let (first, made) = MasterKey::from_data_dir(&data).expect("made");
        assert!(made);
        let sealed = first.encrypt(b"x", "c").expect("encrypted");
        let (second, made) = MasterKey::from_data_dir(&data).expect("read");
        assert!(!made);
        assert_eq!(second.decrypt(&sealed, "c").expect("decrypted"), b"x");
        let names: Vec<_> = fs::read_dir(&data).expect("a folder").flatten().collect();
        assert_eq!(names.len(), 1, "the draft is gone");
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
        assert_eq!(fs::read_to_string(dir.path().join(FILE_NAME)).expect("read"), "garbage");
    }
}
