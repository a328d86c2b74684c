//! etcd, two PostgreSQL under Patroni, HAProxy that leads to the primary, and PgBouncer before it; each killed when dropped.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::Value;

use crate::{
    harness::{Installation, eventually, free_port, variable},
    owner,
};

/// Longest wait for a cluster that comes up, or for a server that takes its place in it.
const LONGEST: Duration = Duration::from_secs(120);
const PASSWORD: &str = "of-the-trial";
/// Where the files that are shipped lie.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/patroni");

/// Something that runs; killed when dropped.
pub(super) struct Program(pub(super) Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A PostgreSQL with the Patroni that looks after it.
struct Member {
    name: &'static str,
    folder: PathBuf,
    port: u16,
    api: u16,
    patroni: Option<Program>,
}

pub(super) struct Cluster {
    folder: PathBuf,
    members: [Member; 2],
    /// Leads to the primary.
    primary: u16,
    pooler: u16,
    etcd: u16,
    // Ended in this order, after the members.
    others: Vec<Program>,
}

impl Cluster {
    /// All of it, until one is the primary and the other one may take over.
    pub(super) async fn start(folder: &Path) -> Self {
        // For the user that PostgreSQL and PgBouncer are.
        fs::set_permissions(folder, Permissions::from_mode(0o711)).unwrap();
        let folder = folder.join("cluster");
        make(&folder);
        let member = |name| Member {
            name,
            folder: folder.join(name),
            port: free_port(),
            api: free_port(),
            patroni: None,
        };
        let members = ["one", "two"].map(member);
        let (primary, pooler, etcd) = (free_port(), free_port(), free_port());
        let mut cluster = Self { folder, members, primary, pooler, etcd, others: Vec::new() };
        cluster.start_etcd();
        for which in 0..2 {
            make(&cluster.members[which].folder);
            cluster.start_member(which);
        }
        cluster.start_proxy();
        cluster.is_whole().await;
        cluster
    }

    /// A database that a node may use through the pooler, with all migrations; sets the installation to it.
    pub(super) async fn settle(&mut self, installation: &mut Installation) {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let primary = self.primary;
        let owner = |database: &str| format!("postgres://postgres:{PASSWORD}@127.0.0.1:{primary}/{database}");
        let postgres = sea_orm::Database::connect(owner("postgres")).await.unwrap();
        postgres.execute_unprepared("CREATE DATABASE rollcall").await.unwrap();
        let through = format!("postgres://rollcall_server:{PASSWORD}@127.0.0.1:{}/rollcall", self.pooler);
        installation.set("ROLLCALL_DATABASE_URL", Some(&owner("rollcall")));
        installation.set("ROLLCALL_MASTER_KEY", Some(&BASE64_STANDARD.encode([7_u8; 32])));
        installation.set("ROLLCALL_REDIS_URL", Some(&variable("ROLLCALL_TEST_REDIS_URL")));
        installation.run_long(&["migrate"]);
        let login = format!("CREATE ROLE rollcall_server LOGIN PASSWORD '{PASSWORD}' IN ROLE rollcall_app");
        postgres.execute_unprepared(&login).await.unwrap();
        self.start_pooler(&postgres).await;
        postgres.close().await.unwrap();
        installation.set("ROLLCALL_MIGRATE_DATABASE_URL", Some(&owner("rollcall")));
        installation.set("ROLLCALL_DATABASE_URL", Some(&through));
    }

    /// SIGKILL to the primary and to the Patroni beside it, as if the machine were gone; gives which it was.
    pub(super) async fn kill_primary(&mut self) -> usize {
        let mut which = None;
        for (at, member) in self.members.iter().enumerate() {
            if member.is("primary").await {
                which = Some(at);
            }
        }
        let which = which.expect("a primary");
        let member = &mut self.members[which];
        member.patroni = None;
        let pid = fs::read_to_string(member.folder.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        assert!(Command::new("kill").args(["-KILL", pid]).status().unwrap().success());
        which
    }

    /// Waits until the other one has taken over.
    pub(super) async fn another_is_primary(&self, killed: usize) {
        eventually(LONGEST, "another primary", || self.members[1 - killed].is("primary")).await;
    }

    /// Starts a killed one again, and waits until it may take over.
    pub(super) async fn start_again(&mut self, which: usize) {
        self.start_member(which);
        self.is_whole().await;
    }

    /// Waits until there is a primary, and a standby that has all that was acknowledged.
    async fn is_whole(&self) {
        let [one, two] = &self.members;
        eventually(LONGEST, "a primary and a synchronous standby", || async {
            (one.is("primary").await && two.is("synchronous").await)
                || (two.is("primary").await && one.is("synchronous").await)
        })
        .await;
    }

    fn start_etcd(&mut self) {
        let [clients, peers] = [self.etcd, free_port()].map(|port| format!("http://127.0.0.1:{port}"));
        let mut command = Command::new(variable("ROLLCALL_TEST_ETCD"));
        command.args(["--name", "one", "--initial-cluster", &format!("one={peers}"), "--data-dir"]);
        command.arg(self.folder.join("etcd"));
        command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
        command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
        self.run(command, "etcd");
    }

    fn start_member(&mut self, which: usize) {
        let member = &self.members[which];
        let local = |port: u16| format!("127.0.0.1:{port}");
        let mut command = owner::as_postgres(variable("ROLLCALL_TEST_PATRONI"));
        command.arg(format!("{SHIPPED}/patroni.yml"));
        for (name, value) in [
            ("NAME", member.name.to_owned()),
            ("ETCD3_HOSTS", local(self.etcd)),
            ("RESTAPI_LISTEN", local(member.api)),
            ("RESTAPI_CONNECT_ADDRESS", local(member.api)),
            ("POSTGRESQL_LISTEN", local(member.port)),
            ("POSTGRESQL_CONNECT_ADDRESS", local(member.port)),
            ("POSTGRESQL_DATA_DIR", member.folder.join("data").display().to_string()),
            ("POSTGRESQL_PGPASS", member.folder.join("pgpass").display().to_string()),
            ("POSTGRESQL_BIN_DIR", variable("ROLLCALL_TEST_POSTGRES_BIN")),
            ("SUPERUSER_PASSWORD", PASSWORD.to_owned()),
            ("REPLICATION_PASSWORD", PASSWORD.to_owned()),
            ("REWIND_PASSWORD", PASSWORD.to_owned()),
        ] {
            command.env(format!("PATRONI_{name}"), value);
        }
        let child = self.spawn(command, member.name);
        self.members[which].patroni = Some(child);
    }

    fn start_proxy(&mut self) {
        let [one, two] = &self.members;
        let mut command = Command::new(variable("ROLLCALL_TEST_HAPROXY"));
        command
            .args(["-db", "-f", &format!("{SHIPPED}/haproxy.cfg")])
            .env("PRIMARY_BIND", format!("127.0.0.1:{}", self.primary))
            .env("POSTGRES_ONE", format!("127.0.0.1:{}", one.port))
            .env("POSTGRES_TWO", format!("127.0.0.1:{}", two.port))
            .env("PATRONI_ONE", one.api.to_string())
            .env("PATRONI_TWO", two.api.to_string());
        self.run(command, "haproxy");
    }

    async fn start_pooler(&mut self, postgres: &DatabaseConnection) {
        let folder = self.folder.join("pooler");
        make(&folder);
        let secret = "SELECT format('\"%s\" \"%s\"', rolname, rolpassword) FROM pg_authid WHERE rolname = 'rollcall_server'";
        let row = postgres
            .query_one_raw(Statement::from_string(postgres.get_database_backend(), secret))
            .await
            .unwrap()
            .unwrap();
        let users = folder.join("userlist.txt");
        fs::write(&users, row.try_get_by_index::<String>(0).unwrap()).unwrap();
        let file = fs::read_to_string(format!("{SHIPPED}/pgbouncer.ini")).unwrap();
        let file = [
            ("port=5000", format!("port={}", self.primary)),
            ("listen_port = 6432", format!("listen_port = {}", self.pooler)),
            ("userlist.txt", users.display().to_string()),
        ]
        .iter()
        .fold(file, |file, (shipped, here)| {
            assert!(file.contains(shipped), "{shipped}");
            file.replace(shipped, here)
        });
        let settings = folder.join("pgbouncer.ini");
        fs::write(&settings, file + "unix_socket_dir =\n").unwrap();
        let mut command = owner::as_postgres(variable("ROLLCALL_TEST_PGBOUNCER"));
        command.arg(settings);
        self.run(command, "pgbouncer");
        eventually(LONGEST, "a pooler", || async {
            tokio::net::TcpStream::connect(("127.0.0.1", self.pooler)).await.is_ok()
        })
        .await;
    }

    fn run(&mut self, command: Command, name: &str) {
        let program = self.spawn(command, name);
        self.others.push(program);
    }

    fn spawn(&self, mut command: Command, name: &str) -> Program {
        let log =
            File::options().append(true).create(true).open(self.folder.join(format!("{name}.log"))).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Program(command.spawn().unwrap_or_else(|error| panic!("{name}: {error}")))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in &mut self.members {
            member.patroni = None;
            let pid = fs::read_to_string(member.folder.join("data/postmaster.pid")).unwrap_or_default();
            if let Some(pid) = pid.lines().next() {
                drop(Command::new("kill").args(["-KILL", pid]).stderr(Stdio::null()).status());
            }
        }
    }
}

impl Member {
    /// Does its Patroni say that it is one?
    async fn is(&self, role: &str) -> bool {
        let answer = reqwest::get(format!("http://127.0.0.1:{}/{role}", self.api)).await;
        let Ok(answer) = answer else { return false };
        let is_so = answer.status() == 200;
        is_so && answer.json::<Value>().await.is_ok_and(|told| told["state"] == "running")
    }
}

/// A folder of the user that PostgreSQL is.
fn make(folder: &Path) {
    fs::create_dir(folder).unwrap();
    owner::give(folder);
}
