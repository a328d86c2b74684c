//! Two Redis, the Sentinel that makes one of them the primary, and HAProxy that leads to it; each killed when dropped.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use super::cluster::Program;
use crate::harness::{eventually, free_port, variable};

/// Longest wait for a server that starts, or takes over.
const LONGEST: Duration = Duration::from_secs(60);
/// Where the files that are shipped lie.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/sentinel");

pub(super) struct Redis {
    folder: PathBuf,
    ports: [u16; 2],
    /// Leads to the primary.
    port: u16,
    servers: [Option<Program>; 2],
    others: Vec<Program>,
}

impl Redis {
    /// The first one is the primary.
    pub(super) async fn start(folder: &Path) -> Self {
        let folder = folder.join("redis");
        fs::create_dir(&folder).unwrap();
        let ports = [free_port(), free_port()];
        let mut redis = Self { folder, ports, port: free_port(), servers: [None, None], others: Vec::new() };
        for which in 0..2 {
            let mut command = Command::new("redis-server");
            command.args(["--port", &ports[which].to_string(), "--bind", "127.0.0.1", "--save", ""]);
            if which == 1 {
                command.args(["--replicaof", "127.0.0.1", &ports[0].to_string()]);
            }
            redis.servers[which] = Some(redis.spawn(command, "server"));
        }
        eventually(LONGEST, "a replica", || async {
            redis.says(1, "INFO replication", "master_link_status:up")
        })
        .await;
        redis.start_sentinel();
        let mut command = Command::new(variable("ROLLCALL_TEST_HAPROXY"));
        command
            .args(["-db", "-f", &format!("{SHIPPED}/haproxy.cfg")])
            .env("REDIS_BIND", format!("127.0.0.1:{}", redis.port))
            .env("REDIS_ONE", format!("127.0.0.1:{}", ports[0]))
            .env("REDIS_TWO", format!("127.0.0.1:{}", ports[1]));
        let proxy = redis.spawn(command, "haproxy");
        redis.others.push(proxy);
        redis
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// SIGKILL to the primary; comes back when the other one is.
    pub(super) async fn kill_primary(&mut self) {
        self.servers[0] = None;
        eventually(LONGEST, "another primary", || async { self.says(1, "INFO replication", "role:master") })
            .await;
    }

    /// How many nodes listen for messages at the one that is left.
    pub(super) fn listeners(&self) -> usize {
        self.ask(1, "CLIENT LIST TYPE pubsub")
            .lines()
            .filter(|line| !line.contains("sentinel"))
            .filter(|line| line.contains("addr="))
            .count()
    }

    fn start_sentinel(&mut self) {
        let file = fs::read_to_string(format!("{SHIPPED}/sentinel.conf")).unwrap();
        let port = free_port();
        let file = [
            ("port 26379", format!("port {port}")),
            ("10.0.0.1 6379 2", format!("127.0.0.1 {} 1", self.ports[0])),
        ]
        .iter()
        .fold(file, |file, (shipped, here)| {
            assert!(file.contains(shipped), "{shipped}");
            file.replace(shipped, here)
        });
        let settings = self.folder.join("sentinel.conf");
        fs::write(&settings, file).unwrap();
        let mut command = Command::new(variable("ROLLCALL_TEST_SENTINEL"));
        command.arg(settings);
        let sentinel = self.spawn(command, "sentinel");
        self.others.push(sentinel);
    }

    fn says(&self, which: usize, question: &str, words: &str) -> bool {
        self.ask(which, question).contains(words)
    }

    /// What a server answers; nothing while it does not.
    fn ask(&self, which: usize, question: &str) -> String {
        let answer = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports[which]))?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            write!(stream, "{question}\r\nQUIT\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text)
        };
        answer().unwrap_or_default()
    }

    fn spawn(&self, mut command: Command, name: &str) -> Program {
        let log = self.folder.join(format!("{name}.log"));
        let log = File::options().append(true).create(true).open(log).unwrap();
        command.current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Program(command.spawn().unwrap_or_else(|error| panic!("{name}: {error}")))
    }
}
