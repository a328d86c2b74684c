//! Keys of the issuer, and tokens signed with them or in ways that nobody should take.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A key pair with an id.
pub struct TestKey {
    kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<rsa::KeyPair>),
    P256(Box<EcdsaKeyPair>),
}

impl TestKey {
    /// RSA with 2048 bits, for RS256.
    #[must_use]
    pub fn rsa(kid: &str) -> Self {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        Self { kid: kid.to_owned(), pair: Pair::Rsa(Box::new(pair)) }
    }

    /// P-256, for ES256.
    #[must_use]
    pub fn p256(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid: kid.to_owned(), pair: Pair::P256(Box::new(pair)) }
    }

    /// The public half as it is published (RFC 7517). Without `alg`, as Microsoft does.
    #[must_use]
    pub fn public(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                let modulus = text(key.modulus().big_endian_without_leading_zero());
                let exponent = text(key.exponent().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "use": "sig", "kid": self.kid, "n": modulus, "e": exponent })
            }
            Pair::P256(pair) => {
                // Uncompressed: one byte, x, y.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "use": "sig", "kid": self.kid, "crv": "P-256", "x": text(x), "y": text(y) })
            }
        }
    }

    /// A token with its own algorithm and id in the header.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        let alg = match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
        };
        self.token_with(&json!({ "typ": "JWT", "alg": alg, "kid": self.kid }), claims)
    }

    /// A token with this header, signed with this key whatever the header says.
    #[must_use]
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let signed = signed_part(header, claims);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::P256(pair) => pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{signed}.{}", text(&signature))
    }
}

/// A token "signed" with a shared secret.
#[must_use]
pub fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let signed = signed_part(header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = text(hmac::sign(&key, signed.as_bytes()).as_ref());
    format!("{signed}.{signature}")
}

/// A token with this text where the signature stands.
#[must_use]
pub fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    format!("{}.{signature}", signed_part(header, claims))
}

fn signed_part(header: &Value, claims: &Value) -> String {
    format!("{}.{}", text(header.to_string().as_bytes()), text(claims.to_string().as_bytes()))
}

fn text(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
