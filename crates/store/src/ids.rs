//! One type for each kind of id. All are UUIDv7, so they sort by creation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, later than all before it.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        /// Takes the hyphenated lower-case form only: SCIM ids are compared with case.
        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                let id = Uuid::try_parse(text).map_err(|_| ())?;
                if id.to_string() == text { Ok(Self(id)) } else { Err(()) }
            }
        }
    )+};
}

ids! {
    /// A customer.
    TenantId,
    /// A user of a tenant.
    UserId,
    /// A group of a tenant.
    GroupId,
    /// An import of a file into a tenant.
    ImportId,
    /// A credential of a tenant; the `jti` of a bearer token.
    CredentialId,
    /// A person who signs in to the console.
    AdminId,
    /// A token of the installation, its `jti`.
    PlatformTokenId,
    /// A link to a tenant's set-up page.
    SetupLinkId,
    /// To whom events are sent.
    DestinationId,
}
