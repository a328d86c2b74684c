//! The file of a backup: compressed (gzip), then encrypted as the program `age` does it, so that it opens with that, too. A
//! file that was cut off or changed gives an error, never another content.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    str::FromStr as _,
};

use age::{DecryptError, Decryptor, Encryptor, IdentityFile, scrypt, secrecy::SecretString, x25519};
use anyhow::{Context as _, bail};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// Most work that a passphrase may cost, as a power of two: some 4 GiB of memory, where 1 GiB is a good deal.
const MOST_WORK: u8 = 22;

/// Who can open a file that is made.
pub(crate) enum Lock {
    /// Whoever knows it.
    Passphrase(SecretString),
    /// Whoever has one of the private keys of these.
    Recipients(Vec<x25519::Recipient>),
}

/// What opens a file.
pub(crate) enum Unlock {
    /// As in [`Lock`].
    Passphrase(SecretString),
    /// Private keys, one at least of which it was made for.
    Identities(Vec<Box<dyn age::Identity + Send + Sync>>),
}

impl Lock {
    /// For these public keys (`age1…`).
    pub(crate) fn for_recipients(texts: &[String]) -> anyhow::Result<Self> {
        let read = |text: &String| {
            x25519::Recipient::from_str(text.trim()).map_err(|_| {
                anyhow::anyhow!("{text:?} is no public key: write age1…, as `age-keygen` prints it")
            })
        };
        Ok(Self::Recipients(texts.iter().map(read).collect::<Result<_, _>>()?))
    }
}

impl Unlock {
    /// By the keys in a file of `age-keygen`.
    pub(crate) fn by_identities(file: &Path) -> anyhow::Result<Self> {
        let named = || file.display().to_string();
        let keys = IdentityFile::from_file(named()).with_context(named)?.into_identities();
        let keys = keys.map_err(|error| anyhow::anyhow!("{}: {error}", named()))?;
        if keys.is_empty() {
            bail!("{} has no key in it: it is the file that `age-keygen` makes", named());
        }
        Ok(Self::Identities(keys))
    }
}

/// A file being made.
pub(crate) struct Sealed<W: Write> {
    gzip: GzEncoder<age::stream::StreamWriter<W>>,
}

impl<W: Write> Sealed<W> {
    /// Begins one.
    pub(crate) fn begin(into: W, lock: &Lock) -> anyhow::Result<Self> {
        let encryptor = match lock {
            Lock::Passphrase(passphrase) => Encryptor::with_user_passphrase(passphrase.clone()),
            Lock::Recipients(recipients) => {
                Encryptor::with_recipients(recipients.iter().map(|one| one as &dyn age::Recipient))?
            }
        };
        let stream = encryptor.wrap_output(into)?;
        Ok(Self { gzip: GzEncoder::new(stream, Compression::fast()) })
    }

    /// Ends it: without this the file is one that was cut off.
    pub(crate) fn finish(self) -> io::Result<W> {
        self.gzip.finish()?.finish()
    }
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gzip.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.gzip.flush()
    }
}

/// Opens a file; the error says why it does not open.
pub(crate) fn open<R: Read>(from: R, unlock: &Unlock) -> anyhow::Result<impl BufRead + use<R>> {
    let decryptor = Decryptor::new_buffered(BufReader::new(from)).map_err(explained)?;
    let stream = match unlock {
        Unlock::Passphrase(passphrase) => {
            if !decryptor.is_scrypt() {
                bail!(
                    "the backup was made for keys, not with a passphrase: name the private key with --identity"
                );
            }
            let mut identity = scrypt::Identity::new(passphrase.clone());
            identity.set_max_work_factor(MOST_WORK);
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
        }
        Unlock::Identities(identities) => {
            if decryptor.is_scrypt() {
                bail!("the backup was made with a passphrase: give that, not --identity");
            }
            decryptor.decrypt(identities.iter().map(|one| &**one as &dyn age::Identity))
        }
    };
    Ok(BufReader::with_capacity(64 * 1024, ToTheEnd(GzDecoder::new(stream.map_err(explained)?))))
}

fn explained(error: DecryptError) -> anyhow::Error {
    match error {
        DecryptError::NoMatchingKeys | DecryptError::KeyDecryptionFailed | DecryptError::DecryptionFailed => {
            anyhow::anyhow!(
                "the backup does not open: it is another passphrase or key, or the file was changed"
            )
        }
        DecryptError::InvalidHeader | DecryptError::UnknownFormat => {
            anyhow::anyhow!("this is no file that `rollcall backup` has made, or its beginning was changed")
        }
        DecryptError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            anyhow::anyhow!("the file was cut off")
        }
        other => anyhow::anyhow!("the backup does not open: {other}"),
    }
}

/// Reads what was compressed and then what is left of the file around it, which is nothing but the proof that it is whole.
struct ToTheEnd<R: Read>(GzDecoder<R>);

impl<R: Read> Read for ToTheEnd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(into)?;
        if read == 0 && !into.is_empty() && io::copy(self.0.get_mut(), &mut io::sink())? > 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "something stands behind the end of the backup",
            ));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> (Lock, Unlock) {
        let key = x25519::Identity::generate();
        (Lock::Recipients(vec![key.to_public()]), Unlock::Identities(vec![Box::new(key)]))
    }

    fn sealed(lock: &Lock, text: &str) -> Vec<u8> {
        let mut file = Sealed::begin(Vec::new(), lock).expect("begun");
        file.write_all(text.as_bytes()).expect("written");
        file.finish().expect("finished")
    }

    fn opened(file: &[u8], unlock: &Unlock) -> anyhow::Result<String> {
        let mut text = String::new();
        open(file, unlock)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn whoever_has_the_key_reads_it_and_nobody_else() {
        let (lock, unlock) = lock();
        let file = sealed(&lock, "what must not be seen");
        assert_eq!(opened(&file, &unlock).expect("opened"), "what must not be seen");
        assert!(!file.windows(8).any(|window| window == b"must not"));
        let error = opened(&file, &self::lock().1).expect_err("another key").to_string();
        assert!(error.contains("does not open"), "{error}");
        assert!(Lock::for_recipients(&["age1nothing".into()]).is_err());
    }

    /// Whichever byte is another one, wherever it ends: never another text, and never a part of it as if it were all.
    #[test]
    fn a_changed_or_cut_file_is_an_error() {
        let (lock, unlock) = lock();
        let text: String =
            (0..40_000_u32).map(|number| format!("{:x} ", number.wrapping_mul(2_654_435_761))).collect();
        let file = sealed(&lock, &text);
        assert!(file.len() > 130_000, "more than two pieces of the stream: {}", file.len());
        assert_eq!(opened(&file, &unlock).expect("opened"), text);
        let step = file.len() / 97;
        for at in (0..file.len()).step_by(step).chain([file.len() - 1]) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(opened(&changed, &unlock).is_err(), "byte {at}");
            assert!(opened(&file[..at], &unlock).is_err(), "cut at {at}");
        }
        let longer = [file.as_slice(), b"x"].concat();
        assert!(opened(&longer, &unlock).is_err(), "something behind it");
    }

    #[test]
    fn a_passphrase_opens_what_it_locked() {
        let of = |text: &str| SecretString::from(text.to_owned());
        let file = sealed(&Lock::Passphrase(of("correct horse")), "text");
        assert_eq!(opened(&file, &Unlock::Passphrase(of("correct horse"))).expect("opened"), "text");
        let wrong =
            opened(&file, &Unlock::Passphrase(of("battery staple"))).expect_err("another one").to_string();
        assert!(wrong.contains("another passphrase"), "{wrong}");
        let key = opened(&file, &lock().1).expect_err("a key").to_string();
        assert!(key.contains("made with a passphrase"), "{key}");
        let (lock, _) = lock();
        let none = opened(&sealed(&lock, "text"), &Unlock::Passphrase(of("x")))
            .expect_err("a passphrase")
            .to_string();
        assert!(none.contains("--identity"), "{none}");
    }
}
