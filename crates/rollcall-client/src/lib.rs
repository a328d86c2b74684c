//! The vendor's application reads what a Rollcall installation knows: who somebody is at a sign-in, a tenant's people with
//! their roles and the reason for each, and everything that changes, in order.
//!
//! Who is this, at a sign-in?
//!
//! ```no_run
//! # async fn example() -> Result<(), rollcall_client::Error> {
//! use rollcall_client::{Client, Key};
//!
//! let acme = Client::new("https://scim.example.com", "rcl_…")?.tenant("acme");
//! match acme.find(Key::UserName("ann@example.com")).await?.items.first() {
//!     Some(ann) if ann.is_active() => println!("{:?} may enter as {:?}", ann.user_name(), ann.role_names()),
//!     Some(_) => println!("deactivated"),
//!     None => println!("nobody"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Everybody once, then what changes, with nothing left out:
//!
//! ```no_run
//! # async fn example() -> Result<(), rollcall_client::Error> {
//! use futures::{StreamExt as _, TryStreamExt as _};
//! use rollcall_client::{Client, Follow, UserQuery};
//!
//! let acme = Client::new("https://scim.example.com", "rcl_…")?.tenant("acme");
//! let mut place = None;
//! let mut pages = std::pin::pin!(acme.user_pages(UserQuery::default()));
//! while let Some(page) = pages.try_next().await? {
//!     // That of the first page: it is true of all that was read after it.
//!     place.get_or_insert(page.position);
//!     // … keep page.items
//! }
//! let mut news = std::pin::pin!(acme.follow(Follow::after(place.unwrap_or_default())));
//! while let Some(page) = news.next().await {
//!     match page {
//!         // … do what the events say, and keep page.last with it, to go on there after a restart
//!         Ok(page) => println!("{} events up to {}", page.events.len(), page.last),
//!         Err(error) if error.may_pass() => eprintln!("{error}; trying again"),
//!         Err(error) => return Err(error),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod client;
mod directory;
mod error;
mod events;
mod model;
mod webhook;

pub use client::Client;
pub use directory::{Key, Tenant, UserQuery};
pub use error::{Error, Problem};
pub use events::Follow;
pub use model::{
    At, Event, EventActor, EventData, EventObject, EventPage, EventTenant, Group, GroupName, Holders, Member,
    Page, Role, RoleName, RoleSource, RoleVia, User,
};
pub use webhook::{Delivered, Webhook, WebhookError};
