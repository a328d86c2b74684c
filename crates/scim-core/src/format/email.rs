//! E-mail addresses as people have them: one `@`, a domain with a dot.

use super::{Misfit, class_of};

const REMEDY: &str = "send an address such as name@example.com";

/// Longest address that mail can be sent to, in bytes (RFC 5321 §4.5.3.1.3, the brackets left out).
const MAX_LENGTH: usize = 254;
/// Longest part before the `@` (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Longest part of a domain between two dots (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// The address; blanks around it are dropped, its case stays. Quoted names and addresses without a dot in the domain,
/// which mail standards allow and nobody has, are refused.
pub fn check(text: &str) -> Result<String, Misfit> {
    let text = text.trim();
    let misfit = |class: &str| Misfit::new(class, REMEDY);
    let Some((local, domain)) = text.split_once('@') else {
        return Err(misfit(&format!("{} without an @", class_of(text))));
    };
    if domain.contains('@') {
        return Err(misfit("a text with more than one @"));
    }
    if text.len() > MAX_LENGTH || local.len() > MAX_LOCAL {
        return Err(misfit("longer than an address can be"));
    }
    if !is_local(local) {
        return Err(misfit("an address with a part before the @ that mail does not take"));
    }
    if !is_domain(domain) {
        return Err(misfit("an address whose part after the @ is no domain"));
    }
    Ok(text.to_owned())
}

/// Words of letters, digits and the marks of RFC 5322 §3.2.3, with single dots between them.
fn is_local(local: &str) -> bool {
    let good = |ch: char| ch.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(ch);
    local.split('.').all(|word| !word.is_empty() && word.chars().all(good))
}

/// At least two labels of letters, digits and inner hyphens; letters of any alphabet (RFC 5890).
fn is_domain(domain: &str) -> bool {
    let good = |ch: char| ch.is_alphanumeric() || ch == '-';
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= MAX_LABEL
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(good)
    };
    domain.contains('.') && domain.split('.').all(label)
}
