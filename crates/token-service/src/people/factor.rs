//! The second factor: time-based one-time codes (RFC 6238) as every authenticator app makes them (SHA-1, six digits, 30 s),
//! and recovery codes for those who have lost the phone.

use rand::RngExt as _;
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use sha2::{Digest as _, Sha256};
use store::{
    ChangeContext,
    admins::{Admin, factors::Turn},
};
use totp_rs::{Builder, Secret, Totp};

use super::PeopleError;
use crate::{TokenService, sealing};

/// Bytes that codes are made from: as long as the hash (RFC 4226 §4, R6).
const SECRET_LENGTH: usize = 20;
/// Recovery codes that somebody gets.
const RECOVERY_CODES: usize = 10;
/// Letters of a recovery code: 16 of 31 are 79 bits. None looks like another.
const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Letters of a recovery code.
const CODE_LENGTH: usize = 16;
/// Longest text that is taken for a code.
const LONGEST: usize = 64;
/// What an unconfirmed secret is shown for. Milliseconds.
const SHOWN_FOR: i64 = 30 * 60 * 1000;

const NONE: PeopleError = PeopleError::Factor("There is no second factor to confirm: begin again.");
const ONE_ALREADY: PeopleError =
    PeopleError::Factor("There is a second factor already: turn it off before you set up another one.");

/// What somebody sets their app up with.
pub struct Enrolment {
    /// `otpauth://totp/…`, for a QR code.
    pub uri: SecretString,
    /// The secret in base32, for those who type it.
    pub secret: SecretString,
}

/// How the second factor was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// By a code of the app.
    Code,
    /// By a recovery code; so many are left.
    Recovery(u64),
}

fn context(admin: &Admin) -> String {
    format!("second-factor:{}", admin.id)
}

fn app(secret: &[u8], admin: &Admin, issuer: &str) -> Result<Totp, PeopleError> {
    let broken = |error: totp_rs::TotpError| PeopleError::Broken(format!("second factor: {error}"));
    let built = Builder::new()
        .with_secret(Secret::from(secret.to_vec()))
        .with_skew(1)
        // A colon parts issuer and name in the label.
        .with_account_name(admin.email.replace(':', " "))
        .with_issuer(Some(issuer.replace(':', " ")))
        .build();
    built.map_err(broken)
}

/// What is sealed: what codes are made from, and the digest of the session that it was begun in.
fn parts(kept: &[u8]) -> Result<(&[u8], &[u8]), PeopleError> {
    kept.split_at_checked(SECRET_LENGTH)
        .ok_or_else(|| PeopleError::Broken("second factor: what is kept of it is too short".into()))
}

/// The step of a code that is right at this time (milliseconds), or was or will be half a minute from it.
fn step(app: &Totp, code: &str, now: i64) -> Option<i64> {
    let digits: String = code.chars().filter(|ch| !ch.is_whitespace()).collect();
    let plain = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = u64::try_from(now.div_euclid(1000)).ok()?;
    app.check(plain.then_some(digits.as_str())?, seconds).and_then(|step| i64::try_from(step).ok())
}

/// Is it meant as a code of the app?
fn is_digits(text: &str) -> bool {
    text.chars().all(|ch| ch.is_ascii_digit() || ch.is_whitespace())
}

fn recovery_digest(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(|ch| ch.is_alphanumeric()).collect();
    // Random, so a fast hash is enough.
    Sha256::digest(plain.to_lowercase().as_bytes()).to_vec()
}

/// Ten of them, in groups of four letters.
fn recovery_codes() -> Vec<SecretString> {
    let mut random = rand::rng();
    let mut one = || {
        let mut code = String::new();
        for at in 0..CODE_LENGTH {
            if at > 0 && at % 4 == 0 {
                code.push('-');
            }
            code.push(char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
        }
        SecretString::from(code)
    };
    (0..RECOVERY_CODES).map(|_| one()).collect()
}

fn digests(codes: &[SecretString]) -> Vec<Vec<u8>> {
    codes.iter().map(|code| recovery_digest(code.expose_secret())).collect()
}

impl TokenService {
    /// Makes what codes are to be made from; it is asked for at sign-in only once it is confirmed, in the same session:
    /// nobody confirms what was shown to somebody else. `session` is the digest of it.
    pub async fn begin_second_factor(&self, admin: &Admin, session: &[u8]) -> Result<(), PeopleError> {
        let random = sealing::random_key();
        let random =
            random.ok_or_else(|| PeopleError::Broken("the system gives no random numbers".into()))?;
        // With room for all of it, so that no copy is left behind.
        let mut secret = Zeroizing::new(Vec::with_capacity(SECRET_LENGTH + session.len()));
        secret.extend_from_slice(&random[..SECRET_LENGTH]);
        secret.extend_from_slice(session);
        let sealed = self.inner.vault.seal(&secret[..], &context(admin))?;
        if self.inner.store.platform().begin_second_factor(admin.id, &sealed).await? {
            Ok(())
        } else {
            Err(ONE_ALREADY)
        }
    }

    /// What is to be confirmed, within half an hour of its beginning and in the session of that digest; `issuer` is what
    /// the app calls us.
    pub async fn enrolment(
        &self,
        admin: &Admin,
        session: &[u8],
        issuer: &str,
    ) -> Result<Option<Enrolment>, PeopleError> {
        let Some(app) = self.unconfirmed(admin, session, issuer).await? else { return Ok(None) };
        let uri = app.to_url().map_err(|error| PeopleError::Broken(format!("second factor: {error}")))?;
        Ok(Some(Enrolment { uri: uri.into(), secret: app.secret().to_base32().into() }))
    }

    async fn unconfirmed(
        &self,
        admin: &Admin,
        session: &[u8],
        issuer: &str,
    ) -> Result<Option<Totp>, PeopleError> {
        let store = &self.inner.store;
        let factor = store.platform().second_factor(admin.id).await?;
        let shown_until = |at: i64| at.saturating_add(SHOWN_FOR);
        let open = factor
            .filter(|factor| factor.confirmed_at.is_none() && store.now() < shown_until(factor.created_at));
        let Some(factor) = open else { return Ok(None) };
        let kept = self.inner.vault.open(&factor.sealed, &context(admin))?;
        let (secret, begun_in) = parts(&kept)?;
        if begun_in != session {
            return Ok(None);
        }
        app(secret, admin, issuer).map(Some)
    }

    /// The app shows this code: from now on one is asked for. All sessions of the person end but the present one, of this
    /// digest. Gives the recovery codes, which exist nowhere else.
    pub async fn confirm_second_factor(
        &self,
        admin: &Admin,
        code: &str,
        session: &[u8],
        context: &ChangeContext,
    ) -> Result<Vec<SecretString>, PeopleError> {
        let app = self.unconfirmed(admin, session, "Rollcall").await?.ok_or(NONE)?;
        let step = step(&app, code, self.inner.store.now()).ok_or(PeopleError::WrongCode)?;
        let codes = recovery_codes();
        let platform = self.inner.store.platform();
        if !platform.confirm_second_factor(admin.id, step, &digests(&codes), Some(session), context).await? {
            return Err(NONE);
        }
        Ok(codes)
    }

    /// Does somebody have to type a code after the password?
    pub async fn has_second_factor(&self, admin: &Admin) -> Result<bool, PeopleError> {
        let factor = self.inner.store.platform().second_factor(admin.id).await?;
        Ok(factor.is_some_and(|factor| factor.confirmed_at.is_some()))
    }

    /// A code of the app, or a recovery code. Each is good once.
    pub async fn check_second_factor(
        &self,
        admin: &Admin,
        text: &str,
        change: &ChangeContext,
    ) -> Result<Passed, PeopleError> {
        if text.len() > LONGEST || text.trim().is_empty() {
            return Err(PeopleError::WrongCode);
        }
        let platform = self.inner.store.platform();
        if !is_digits(text) {
            // 79 random bits need no limit, so nobody who guesses codes keeps out who has one of these.
            let taken = platform.take_recovery_code(admin.id, &recovery_digest(text), change).await?;
            return taken.map(Passed::Recovery).ok_or(PeopleError::WrongCode);
        }
        let factor = match platform.try_code(admin.id).await? {
            Turn::Open(factor) => factor,
            Turn::Locked(until) => return Err(PeopleError::Locked(until)),
            Turn::None => return Err(NONE),
        };
        let kept = self.inner.vault.open(&factor.sealed, &context(admin))?;
        let app = app(parts(&kept)?.0, admin, "Rollcall")?;
        let step = step(&app, text, self.inner.store.now()).ok_or(PeopleError::WrongCode)?;
        if platform.take_code(admin.id, step).await? { Ok(Passed::Code) } else { Err(PeopleError::WrongCode) }
    }

    /// Other recovery codes in the place of those that somebody has; they prove both factors first.
    pub async fn renew_recovery_codes(
        &self,
        admin: &Admin,
        password: SecretString,
        code: &str,
        context: &ChangeContext,
    ) -> Result<Vec<SecretString>, PeopleError> {
        self.prove(admin, password, code, context).await?;
        let codes = recovery_codes();
        let platform = self.inner.store.platform();
        if platform.replace_recovery_codes(admin.id, &digests(&codes), context).await? {
            Ok(codes)
        } else {
            Err(NONE)
        }
    }

    /// Turns the second factor off, for somebody who proves both factors.
    pub async fn disable_second_factor(
        &self,
        admin: &Admin,
        password: SecretString,
        code: &str,
        context: &ChangeContext,
    ) -> Result<(), PeopleError> {
        self.prove(admin, password, code, context).await?;
        self.inner.store.platform().remove_second_factor(admin.id, context).await?;
        Ok(())
    }

    /// Password first: a code is used up only for somebody who knows it.
    async fn prove(
        &self,
        admin: &Admin,
        password: SecretString,
        code: &str,
        context: &ChangeContext,
    ) -> Result<Passed, PeopleError> {
        if !self.is_password_of(Some(admin), password).await? {
            return Err(PeopleError::WrongPassword);
        }
        self.check_second_factor(admin, code, context).await
    }
}
