//! From notes to rows: whose a refusal is, and what is known of the credential behind it.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

use aws_lc_rs::hmac;
use scim_core::{fold, profile::CredentialKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    Actor, ActorKind, ChangeContext, CredentialId, Store, StoreError, TenantId, TenantScope,
    credentials::Credential, logins::Login, refusals::RefusalRow,
};

use super::{
    Refusals,
    mistake::{Facts, Mistake},
    notes::{Key, Note},
    sent::Fingerprint,
};

/// Bytes of a digest that names what is alike.
const ID_LENGTH: usize = 16;
/// Entries of a credential's trail among which the one of its end is looked for, newest first.
const TRAIL: u64 = 20;

/// What a row says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Details {
    pub(super) mistake: Mistake,
    #[serde(default)]
    pub(super) facts: Facts,
    pub(super) base_url: String,
    #[serde(default)]
    pub(super) sent: Fingerprint,
    #[serde(default)]
    pub(super) username: Option<String>,
    #[serde(default)]
    pub(super) credential: Option<CredentialId>,
    #[serde(default)]
    pub(super) sender: Option<IpAddr>,
    #[serde(default)]
    pub(super) agent: String,
}

/// Writes notes to those whose they are. Notes of addresses that are nobody's are dropped; those that could not be
/// written because the database was away come back to `refusals`.
pub(super) async fn write(
    store: &Store,
    refusals: &Refusals,
    taken: HashMap<Key, Note>,
) -> Result<(), StoreError> {
    if taken.is_empty() {
        return Ok(());
    }
    let Refusals { notes, key, .. } = refusals;
    let slugs: BTreeSet<&str> = taken.keys().filter_map(|key| key.slug.as_deref()).collect();
    let names: BTreeSet<&str> = taken.keys().filter_map(|key| key.login.as_deref()).collect();
    let platform = store.platform();
    let found = async {
        let tenants = platform.tenants_of_slugs(&Vec::from_iter(slugs)).await?;
        Ok::<_, StoreError>((tenants, platform.logins(&Vec::from_iter(names)).await?))
    };
    let (tenants, logins) = match found.await {
        Ok(found) => found,
        Err(error) => {
            taken.into_iter().for_each(|(key, note)| notes.add(key, note));
            return Err(error);
        }
    };
    let mut of_each: HashMap<Option<TenantId>, Vec<(Key, Note)>> = HashMap::new();
    for (mut key, note) in taken {
        let login = key.login.as_ref().and_then(|name| logins.get(&fold(name)));
        key.whose = key.whose.or_else(|| login.map(|login| (login.tenant, login.credential)));
        let owner = match &key.slug {
            Some(slug) => match tenants.get(slug) {
                Some(tenant) => Some(*tenant),
                None => continue,
            },
            // Of whom nothing is known, the tenant may be unknown, too.
            None if key.mistake == Mistake::NotIssued => None,
            None => key.whose.map(|(tenant, _)| tenant),
        };
        of_each.entry(owner).or_default().push((key, note));
    }
    let mut outcome = Ok(());
    for (owner, mut alike) in of_each {
        let written = match owner {
            Some(tenant) => write_tenants(&store.tenant(tenant), refusals, &logins, &mut alike).await,
            None => write_shared(store, key, &alike).await,
        };
        if let Err(error) = written {
            if matches!(error, StoreError::Unavailable(_) | StoreError::Contended(_)) {
                alike.into_iter().for_each(|(key, note)| notes.add(key, note));
            }
            outcome = Err(error);
        }
    }
    outcome
}

async fn write_shared(store: &Store, key: &hmac::Key, alike: &[(Key, Note)]) -> Result<(), StoreError> {
    let rows = alike.iter().filter_map(|(what, note)| row(key, what, note, Known::default()));
    store.platform().note_refusals(&rows.collect::<Vec<_>>()).await
}

/// What is known of the credential behind a refusal.
#[derive(Default)]
struct Known {
    mistake: Option<Mistake>,
    facts: Facts,
    credential: Option<CredentialId>,
    username: Option<String>,
}

async fn write_tenants(
    scope: &TenantScope,
    refusals: &Refusals,
    logins: &HashMap<String, Login>,
    alike: &mut [(Key, Note)],
) -> Result<(), StoreError> {
    let named = alike.iter().any(|(what, _)| what.whose.is_some() || what.login.is_some());
    let credentials = if named { scope.credentials().await? } else { Vec::new() };
    let mut enders = HashMap::new();
    let mut rows = Vec::with_capacity(alike.len());
    for (what, note) in &*alike {
        let credential = behind(scope.id(), what, logins, &credentials);
        if let Some(ended) = credential.filter(|credential| credential.revoked_at.is_some())
            && !enders.contains_key(&ended.id)
        {
            enders.insert(ended.id, ender(scope, ended.id).await?);
        }
        rows.extend(row(&refusals.key, what, note, known(scope.id(), what, note, credential, &enders)));
    }
    scope.note_refusals(&rows).await?;
    for (what, note) in alike {
        if note.news && refusals.news.has_room(scope.id()).await {
            let credential = behind(scope.id(), what, logins, &credentials);
            record_throttled(scope, what, note, credential).await?;
        }
        note.news = false;
    }
    Ok(())
}

/// The tenant's own credential that was tried: the one that a signature or a user name names, or the last one that had
/// the user name.
fn behind<'a>(
    tenant: TenantId,
    what: &Key,
    logins: &HashMap<String, Login>,
    credentials: &'a [Credential],
) -> Option<&'a Credential> {
    if let Some((owner, id)) = what.whose {
        return credentials.iter().find(|credential| owner == tenant && credential.id == id);
    }
    let name = fold(what.login.as_deref()?);
    let had = |credential: &&Credential| credential.login.as_deref().is_some_and(|login| fold(login) == name);
    if logins.contains_key(&name) { None } else { credentials.iter().find(had) }
}

fn known(
    tenant: TenantId,
    what: &Key,
    note: &Note,
    credential: Option<&Credential>,
    enders: &HashMap<CredentialId, Option<String>>,
) -> Known {
    use Mistake::{
        AccessTokenEnded, ClientAsLogin, Expired, Revoked, RotatedAway, WrongPassword, WrongSecret,
    };
    let Some(credential) = credential else {
        let elsewhere = what.whose.is_some_and(|(owner, _)| owner != tenant);
        let mistake = match what.mistake {
            // A wrong password for a name of another tenant says no more than for a name that nobody has.
            WrongPassword | WrongSecret => what.mistake.of_nobody(),
            _ if elsewhere => Mistake::OtherTenant,
            other => other,
        };
        return Known { mistake: Some(mistake), ..Known::default() };
    };
    let is_client = credential.kind == CredentialKind::Oauth;
    let (mistake, at, by) = match (credential.revoked_at, what.mistake) {
        (Some(at), Revoked | WrongPassword | WrongSecret) => {
            (Revoked, Some(at), enders.get(&credential.id).cloned().flatten())
        }
        (_, Expired | Revoked) if note.access_until.is_some() => (AccessTokenEnded, note.access_until, None),
        (_, Expired) if credential.replaced => (RotatedAway, credential.expires_at, None),
        (_, Expired) => (Expired, credential.expires_at, None),
        (_, WrongPassword) if is_client => (ClientAsLogin, None, None),
        (_, other) => (other, None, None),
    };
    let basic = credential.kind == CredentialKind::Basic;
    let name = if basic { credential.login.clone() } else { Some(credential.name.clone()) };
    Known {
        mistake: Some(mistake),
        facts: Facts { name, basic, client: is_client, at, by, word: None },
        credential: Some(credential.id),
        username: credential.login.clone(),
    }
}

/// Who revoked a credential.
async fn ender(scope: &TenantScope, id: CredentialId) -> Result<Option<String>, StoreError> {
    let trail = scope.audit(Some(&id.to_string()), TRAIL).await?;
    let end = trail.into_iter().find(|record| record.event == "credential.revoked");
    Ok(end.map(|record| record.actor.name).filter(|name| !name.is_empty()))
}

/// `None` when it cannot be written as JSON, which what is here can.
fn row(key: &hmac::Key, what: &Key, note: &Note, known: Known) -> Option<RefusalRow> {
    let mistake = known.mistake.unwrap_or(what.mistake.of_nobody());
    let facts = Facts { word: note.word.clone(), ..known.facts };
    let details = Details {
        mistake,
        facts,
        base_url: what.address.clone(),
        sent: note.print.clone(),
        username: known.username,
        credential: known.credential,
        sender: what.sender,
        agent: note.agent.clone(),
    };
    let sender = what.sender.map(|sender| sender.to_string());
    let alike = json!([
        details.mistake,
        details.base_url,
        details.credential,
        details.sent.scheme,
        details.sent.digest,
        details.facts.word,
        sender
    ]);
    let id = hmac::sign(key, alike.to_string().as_bytes()).as_ref()[..ID_LENGTH].to_vec();
    Some(RefusalRow {
        id,
        details: serde_json::to_string(&details).ok()?,
        count: i64::try_from(note.count).unwrap_or(i64::MAX),
        first_at: note.first_at,
        last_at: note.last_at,
    })
}

async fn record_throttled(
    scope: &TenantScope,
    what: &Key,
    note: &Note,
    credential: Option<&Credential>,
) -> Result<(), StoreError> {
    let address = what.sender.map(|sender| sender.to_string()).unwrap_or_default();
    let facts = json!({
        "baseUrl": what.address,
        "sender": address,
        "agent": note.agent,
        "credential": credential.map(|credential| &credential.name),
        "login": credential.and_then(|credential| credential.login.as_ref()),
    });
    let context = ChangeContext {
        actor: Actor { kind: ActorKind::Stranger, id: address.clone(), name: address },
        cause: "wrong credentials".to_owned(),
    };
    scope.record_throttled(credential.map(|credential| credential.id), facts, &context).await
}
