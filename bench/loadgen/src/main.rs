//! Load on a SCIM server, from one thread that can be pinned to a core of its own: a closed loop over keep-alive
//! connections, or many tenants at a steady rate. Answers are checked. One JSON line a measurement on stdout.

mod http;
mod measure;
mod people;
mod process;
mod raw;
mod roster;
mod scenarios;
mod tenants;

use std::{cell::RefCell, path::PathBuf, rc::Rc};

use clap::{Args, Parser, Subcommand};
use serde_json::json;

use crate::{
    http::Target,
    measure::{Length, Processes},
    roster::Roster,
    scenarios::Load,
};

/// Load on a SCIM server; its answers are checked.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure one scenario
    Run {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        length: Lengths,
        /// What
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(scenarios::NAMES))]
        scenario: String,
        /// Members of the group in the group scenarios
        #[arg(long, default_value_t = 0)]
        group_size: usize,
    },
    /// Make groups of these sizes from the users of the roster
    Groups {
        #[command(flatten)]
        server: Server,
        /// Members of each
        #[arg(long, value_delimiter = ',', required = true)]
        sizes: Vec<usize>,
        /// Members a PATCH
        #[arg(long, default_value_t = 500)]
        chunk: usize,
    },
    /// Read the users that are there into the roster
    Walk {
        #[command(flatten)]
        server: Server,
    },
    /// One URL that is no SCIM: {i} in it becomes a number from 0 to --rows
    Raw {
        #[command(flatten)]
        length: Lengths,
        #[command(flatten)]
        processes: Watched,
        /// http://…
        url: String,
        /// POST users there instead
        #[arg(long)]
        post: bool,
        /// Numbers that {i} can become
        #[arg(long, default_value_t = 1)]
        rows: usize,
    },
    /// Many tenants at once, each at the same rate
    Tenants {
        #[command(flatten)]
        processes: Watched,
        #[command(flatten)]
        steady: tenants::Steady,
    },
    /// Print users as a CSV file for an import
    Csv {
        /// Number of the first
        #[arg(long, default_value_t = 0)]
        first: usize,
        /// How many
        #[arg(long)]
        users: usize,
        /// First part of the names
        #[arg(long)]
        prefix: String,
    },
}

/// A tenant of a server.
#[derive(Args)]
struct Server {
    /// SCIM base URL of the tenant, http://…
    #[arg(long)]
    base: String,
    /// The whole Authorization header
    #[arg(long, default_value = "")]
    authorization: String,
    /// File that says who is in the tenant; made if it is not there
    #[arg(long)]
    roster: PathBuf,
    /// First part of the names in a new roster
    #[arg(long, default_value = "bench")]
    prefix: String,
    #[command(flatten)]
    processes: Watched,
}

/// Processes on this machine whose CPU time and memory are taken along.
#[derive(Args)]
struct Watched {
    /// Process id of the server
    #[arg(long, default_value_t = 0)]
    server_pid: u32,
    /// Process id of the database's postmaster
    #[arg(long, default_value_t = 0)]
    database_pid: u32,
}

/// How long.
#[derive(Args)]
struct Lengths {
    /// Seconds at most
    #[arg(long, default_value_t = 5.0)]
    secs: f64,
    /// Seconds before the clock starts
    #[arg(long, default_value_t = 0.0)]
    warm_up: f64,
    /// Requests at most
    #[arg(long, default_value_t = usize::MAX)]
    requests: usize,
    /// Connections
    #[arg(long, default_value_t = 16)]
    connections: usize,
}

impl Watched {
    fn processes(&self) -> Processes {
        Processes { server: self.server_pid, database: self.database_pid }
    }
}

impl Lengths {
    fn length(&self) -> Length {
        Length {
            connections: self.connections,
            secs: self.secs,
            requests: self.requests,
            warm_up: self.warm_up,
        }
    }
}

fn load(server: &Server, length: Length, group_size: usize) -> anyhow::Result<Load> {
    Ok(Load {
        target: Target::new(&server.base, &server.authorization)?,
        roster: Rc::new(RefCell::new(Roster::open(&server.roster, &server.prefix)?)),
        length,
        processes: server.processes.processes(),
        group_size,
    })
}

async fn run(command: Command) -> anyhow::Result<()> {
    const ONCE: Length = Length { connections: 1, secs: 0.0, requests: 1, warm_up: 0.0 };
    let line = match command {
        Command::Run { server, length, scenario, group_size } => {
            scenarios::run(&load(&server, length.length(), group_size)?, &scenario).await?
        }
        Command::Groups { server, sizes, chunk } => {
            scenarios::make_groups(&load(&server, ONCE, 0)?, &sizes, chunk, "big").await?;
            json!({"scenario": "groups", "sizes": sizes, "errors": 0, "wrong": 0})
        }
        Command::Walk { server } => scenarios::walk(&load(&server, ONCE, 0)?).await?,
        Command::Raw { length, processes, url, post, rows } => {
            raw::raw(&url, post, rows, length.length(), processes.processes()).await?
        }
        Command::Tenants { processes, steady } => tenants::tenants(&steady, processes.processes()).await?,
        Command::Csv { first, users, prefix } => return people::csv(&prefix, first..first + users),
    };
    println!("{line}");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, run(options.command))
}
