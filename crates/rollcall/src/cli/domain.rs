//! `rollcall domain …`.

use clap::Subcommand;

/// What can be done with a tenant's own host names.
#[derive(Debug, Subcommand)]
pub(crate) enum Domain {
    /// Say that a host name is a tenant's, and print the TXT record that proves it
    ///
    /// Set the record at the name service of that name, then run `domain check`. Until it is proven the name leads
    /// nowhere; after seven days an unproven one is forgotten. Traffic for the name has to come to this server, too, with
    /// a certificate for it.
    Add {
        /// Tenant
        slug: String,
        /// Host name, such as scim.example.com
        host: String,
    },
    /// Look whether the TXT record is there; from then on the name leads to the tenant
    Check {
        /// Tenant
        slug: String,
        /// Host name
        host: String,
    },
    /// List a tenant's host names
    List {
        /// Tenant
        slug: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a host name up; it leads nowhere within a second
    Remove {
        /// Tenant
        slug: String,
        /// Host name
        host: String,
    },
}
