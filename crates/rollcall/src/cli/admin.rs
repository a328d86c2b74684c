//! `rollcall admin …`: people of the console.

use clap::{Subcommand, ValueEnum};

/// `rollcall admin …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Make a person of the console; the password is asked for, or read from stdin
    Create {
        /// E-mail address to sign in with
        email: String,
        /// What they are there for
        #[arg(long, value_enum, default_value_t = Role::Operator)]
        role: Role,
        /// A tenant that a manager or an auditor is given; repeat it for more. An auditor without any reads all tenants
        #[arg(long = "tenant", value_name = "SLUG")]
        tenants: Vec<String>,
        /// Make a random password and print it
        #[arg(long)]
        generate: bool,
    },
    /// Print a link, good once and for seven days, by which a person chooses a password
    ///
    /// Somebody who is not on the list yet is entered with the role and tenants given. Somebody who is gets another link,
    /// for a forgotten password; then leave --role and --tenant out.
    Invite {
        /// E-mail address to sign in with
        email: String,
        /// What they are there for [default: operator]
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// A tenant that a manager or an auditor is given; repeat it for more
        #[arg(long = "tenant", value_name = "SLUG")]
        tenants: Vec<String>,
    },
    /// Say anew what a person is there for, and for which tenants; it holds at once, in open sessions too
    Set {
        /// E-mail address
        email: String,
        /// What they are there for
        #[arg(long, value_enum)]
        role: Role,
        /// A tenant that a manager or an auditor is given; repeat it for more
        #[arg(long = "tenant", value_name = "SLUG")]
        tenants: Vec<String>,
    },
    /// Remove a person; their sessions end at once. The last operator stays
    Remove {
        /// E-mail address
        email: String,
    },
    /// Take the second factor of a person away who has lost phone and recovery codes, and end their sessions
    ResetSecondFactor {
        /// E-mail address
        email: String,
    },
    /// List the people of the console with their roles and tenants
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// What a person of the console is there for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Role {
    /// All tenants and everything, new tenants too
    Operator,
    /// Everything of the given tenants
    Manager,
    /// Reads; sees no connection data and changes nothing
    Auditor,
}
