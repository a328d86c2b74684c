//! Every table of Rollcall behind small repositories, on PostgreSQL or SQLite; the only crate with SQL.
//!
//! [`Store::tenant`] gives a [`TenantScope`]: the only way to a tenant's rows, so a query without a tenant does not
//! compile. [`Store::platform`] gives what belongs to the installation: tenants, admins, sessions, keys, the epoch.

pub mod activity;
pub mod admins;
pub mod audit;
pub mod backlog;
pub mod backup;
pub mod change;
pub mod credentials;
pub mod destinations;
pub mod domains;
pub mod error;
pub mod federations;
pub mod feed;
pub mod groups;
pub mod ids;
pub mod imports;
pub mod keys;
pub mod logins;
pub mod page;
pub mod partitions;
pub mod platform;
pub mod platform_audit;
pub mod platform_tokens;
pub mod refusals;
pub mod revoked_tokens;
pub mod setup_links;
pub mod store;
pub mod tenants;
pub mod trail;
pub mod users;
pub mod walks;

mod at_hand;
mod call;
mod connect;
mod entity;
mod events;
mod filter;
mod live;
mod many;
#[cfg(not(rollcall_no_tenant_predicate))]
mod outgoing;
#[cfg(rollcall_no_tenant_predicate)]
#[path = "unfenced.rs"]
mod outgoing;
mod pooler;
mod record;
mod resources;
mod rows;
mod setup;
mod signals;
mod sqlite;
mod statement;
mod statistics;
mod traced;
mod tx;
mod values;
mod waits;
mod words;

pub use change::{Actor, ActorKind, ChangeContext};
pub use error::StoreError;
pub use ids::{
    AdminId, CredentialId, DestinationId, GroupId, ImportId, PlatformTokenId, SetupLinkId, TenantId, UserId,
};
pub use page::{ListQuery, Page, Part, Resource, RootQuery, Sort, Start, Total};
pub use platform::Platform;
pub use pooler::Pooler;
pub use store::{Backend, Clock, Store, StoreOptions, TenantScope, Terms};
