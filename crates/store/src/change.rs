//! Who makes a change, and why: goes into the audit and outbox rows of the same transaction.

use serde::{Deserialize, Serialize};

/// Kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorKind {
    /// A tenant's credential: the identity provider.
    Credential,
    /// A token of the installation: the vendor's application at `/api/v1`.
    PlatformToken,
    /// A person in the console.
    Admin,
    /// The command line on the server.
    Cli,
    /// Rollcall itself.
    System,
    /// Somebody without an account, by a link to a tenant's set-up page; the id is the link's.
    SetupLink,
    /// Somebody on the network without a valid credential; id and name are the address.
    Stranger,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Kind.
    pub kind: ActorKind,
    /// Id of the credential, token, admin or setup link; empty for the command line.
    pub id: String,
    /// Name at the time: the token's name, the admin's e-mail.
    pub name: String,
}

/// Travels with each change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeContext {
    /// Who.
    pub actor: Actor,
    /// The request's id.
    pub cause: String,
}
