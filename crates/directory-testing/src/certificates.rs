//! A certificate for this machine, and the authority that it is signed by.

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// As PEM.
pub(crate) struct Certificates {
    pub(crate) ca: String,
    certificate: String,
    key: String,
}

/// New ones.
pub(crate) fn make() -> Certificates {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = KeyPair::generate().unwrap();
    let ca = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = own.signed_by(&key, &issuer).unwrap().pem();
    Certificates { ca, certificate, key: key.serialize_pem() }
}

impl Certificates {
    /// Into a folder.
    pub(crate) fn write(&self, dir: &Path) {
        for (name, text) in [("ca.pem", &self.ca), ("cert.pem", &self.certificate), ("key.pem", &self.key)] {
            fs::write(dir.join(name), text).unwrap();
        }
    }
}
