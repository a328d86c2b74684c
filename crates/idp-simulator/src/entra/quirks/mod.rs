//! What a server must take from Entra, each habit an operation of its own on one user.

mod attributes;
mod elements;
mod identity;
mod manager;

use super::{Engine, User};

/// One habit, or a few of a kind, tried on a user who keeps the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserCase {
    /// Found by each matching attribute, whatever the case of letters may mean there.
    Match,
    /// Every attribute at once.
    Everything,
    /// Keys with dots and URNs in a value without a path.
    DottedKeys,
    /// Extension paths with a colon and with a dot, and an extension object without a path.
    ExtensionPaths,
    /// A manager as text, object and list, removed in three ways.
    Manager,
    /// Elements of lists made by a filter that finds none.
    MissingElements,
    /// Parts of elements one by one, names with capitals, and the primary mark.
    Parts,
    /// Roles by their primary mark, and application roles.
    Roles,
    /// Attributes and elements removed, also when there are none.
    Removal,
    /// Another userName, and back.
    Rename,
    /// Disabled and enabled.
    Disable,
    /// A twin that must be refused.
    Duplicate,
}

impl UserCase {
    /// All of them, in the order in which they are played.
    pub const ALL: [Self; 12] = [
        Self::Match,
        Self::Manager,
        Self::MissingElements,
        Self::Everything,
        Self::Roles,
        Self::DottedKeys,
        Self::Parts,
        Self::Disable,
        Self::ExtensionPaths,
        Self::Removal,
        Self::Rename,
        Self::Duplicate,
    ];
}

/// Who else there is, for changes that refer to others.
#[derive(Clone, Debug)]
pub struct Others {
    /// A user of the server.
    pub somebody: String,
    /// A GUID that nobody has.
    pub nobody: String,
}

impl Engine {
    /// Plays one case on a user. True when the server did as Entra needs.
    pub async fn play(&self, case: UserCase, user: &mut User, others: &Others) -> bool {
        match case {
            UserCase::Match => self.match_user(user).await & self.match_nobody(&others.nobody).await,
            UserCase::Everything => self.set_everything(user, &others.somebody).await,
            UserCase::DottedKeys => self.set_by_dotted_keys(user).await,
            UserCase::ExtensionPaths => self.set_by_extension_paths(user).await,
            UserCase::Manager => self.set_and_remove_manager(user, others).await,
            UserCase::MissingElements => self.make_missing_elements(user).await,
            UserCase::Parts => self.set_parts(user).await,
            UserCase::Roles => self.set_roles(user, &others.nobody).await,
            UserCase::Removal => self.remove_attributes(user).await,
            UserCase::Rename => self.change_user_name(user).await,
            UserCase::Disable => self.disable(user).await && self.enable(user).await,
            UserCase::Duplicate => self.refuse_duplicate(user, &others.nobody).await,
        }
    }
}
