//! A PostgreSQL and a Redis of a trial's own, which may be killed, and a small disk, which may be filled.

use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    harness::{PATIENCE, free_port, variable},
    owner,
};

/// How long a slow Redis takes for each piece of an answer.
const SLOW: Duration = Duration::from_secs(2);

/// A PostgreSQL that waits for its disk.
pub(crate) struct Postgres {
    dir: PathBuf,
    port: u16,
    child: Option<Child>,
    /// Kept for its `Drop`, after the server has gone.
    _dir: TempDir,
}

impl Postgres {
    /// A new one, with its files in a folder of its own or on a disk of so many megabytes that is mounted there.
    pub(crate) async fn start(disk: Option<usize>) -> (Self, Option<Disk>) {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        let dir = folder.path().join("pg");
        fs::create_dir(&dir).unwrap();
        let disk = disk.map(|megabytes| Disk::mount(&dir, megabytes));
        owner::give(&dir);
        fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
        let mut made = Self::program("initdb");
        // Small pieces of its log, so that it takes room while it is written.
        made.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
        made.arg("--wal-segsize=1").arg("-D").arg(&dir).stdout(Stdio::null());
        assert!(made.status().unwrap().success(), "initdb failed");
        let mut server = Self { dir, port: free_port(), child: None, _dir: folder };
        server.start_again().await;
        (server, disk)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it, as often as it takes: what is left of the one before may be in its way for a moment.
    pub(super) async fn start_again(&mut self) {
        let begun = Instant::now();
        loop {
            let running = self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none());
            if !running {
                self.child = Some(self.command().spawn().unwrap());
            }
            if sea_orm::Database::connect(self.url()).await.is_ok() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "PostgreSQL does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// SIGKILL to the one that all others belong to.
    pub(super) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The stop that aborts what is under way ("immediate").
    pub(super) fn stop_at_once(&mut self) {
        let mut child = self.child.take().unwrap();
        assert!(Command::new("kill").args(["-QUIT", &child.id().to_string()]).status().unwrap().success());
        child.wait().unwrap();
    }

    fn command(&self) -> Command {
        let log = File::options().append(true).create(true).open(self.dir.with_extension("log")).unwrap();
        let mut command = Self::program("postgres");
        command.arg("-D").arg(&self.dir).args(["-p", &self.port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=64MB"] {
            command.args(["-c", setting]);
        }
        command.stdout(Stdio::null()).stderr(log);
        command
    }

    /// One of its programs, as a user that it accepts.
    fn program(name: &str) -> Command {
        owner::as_postgres(Path::new(&variable("ROLLCALL_TEST_POSTGRES_BIN")).join(name))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(Command::new("kill").args(["-QUIT", &child.id().to_string()]).status());
            drop(child.wait());
        }
    }
}

/// A Redis behind a way that can be made slow.
pub(super) struct Redis {
    port: u16,
    child: Option<Child>,
    way: u16,
    slow: Arc<AtomicBool>,
}

impl Redis {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = listener.local_addr().unwrap().port();
        let mut redis = Self { port: free_port(), child: None, way, slow: Arc::default() };
        redis.start_again().await;
        let (port, slow) = (redis.port, redis.slow.clone());
        tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                if let Ok(to) = TcpStream::connect(("127.0.0.1", port)).await {
                    let (from, to) = (from.into_split(), to.into_split());
                    tokio::spawn(pass(from.0, to.1, Arc::default()));
                    tokio::spawn(pass(to.0, from.1, slow.clone()));
                }
            }
        });
        redis
    }

    /// The address that nodes are given.
    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.way)
    }

    pub(super) async fn start_again(&mut self) {
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            &self.port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        self.child = Some(command.current_dir("/tmp").stdout(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "Redis does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(super) fn set_slow(&self, slow: bool) {
        self.slow.store(slow, Ordering::SeqCst);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Hands on what comes, until one side ends.
async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    slow: Arc<AtomicBool>,
) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if slow.load(Ordering::SeqCst) {
            tokio::time::sleep(SLOW).await;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

/// A disk in memory; whoever mounts it must be root.
pub(crate) struct Disk {
    at: PathBuf,
}

impl Disk {
    /// Of so many megabytes.
    pub(super) fn mount(at: &Path, megabytes: usize) -> Self {
        let size = format!("size={megabytes}m,mode=0777");
        let mounted = as_root("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", &at.display().to_string()]);
        assert!(
            mounted,
            "a disk cannot be mounted: run this trial as root, outside of a container without rights"
        );
        Self { at: at.to_owned() }
    }

    /// Fills it to the last block.
    pub(super) fn fill(&self) {
        let mut file = File::options().append(true).create(true).open(self.at.join("ballast")).unwrap();
        for piece in [1 << 20, 1 << 12] {
            while file.write_all(&vec![0; piece]).is_ok() {}
        }
    }

    /// Gives the room back.
    pub(super) fn clear(&self) {
        fs::remove_file(self.at.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        as_root("umount", &["--lazy", &self.at.display().to_string()]);
    }
}

fn as_root(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(if owner::is_root() { program } else { "sudo" });
    if !owner::is_root() {
        command.arg(program);
    }
    command.args(arguments).status().is_ok_and(|status| status.success())
}
