//! The receiver as a process of its own, which may be killed: what it has kept stays.

use std::{
    collections::HashSet,
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::harness::{PATIENCE, free_port, variable};

/// A call that the receiver verified and kept.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Kept {
    /// The event's id.
    pub(super) id: String,
    /// Kind and id of what it is about.
    pub(super) object: (String, String),
    pub(super) version: i64,
    pub(super) position: i64,
    /// `title` of the state.
    pub(super) title: Option<String>,
}

pub(super) struct Receiver {
    port: u16,
    file: PathBuf,
    secret: String,
    child: Option<Child>,
}

impl Receiver {
    /// One that does not run yet and keeps what it gets in this file.
    pub(super) fn new(file: PathBuf) -> Self {
        Self { port: free_port(), file, secret: String::new(), child: None }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/rollcall", self.port)
    }

    /// Starts it with the destination's secret.
    pub(super) async fn start(&mut self, secret: &str) {
        secret.clone_into(&mut self.secret);
        self.start_again().await;
    }

    pub(super) async fn start_again(&mut self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/whole_system/delivery/receiver.py");
        let mut command = Command::new(variable("ROLLCALL_TEST_EXAMPLES_PYTHON"));
        command.args(["-B", script, &self.port.to_string()]).arg(&self.file);
        command.stdin(Stdio::piped());
        let begun = Instant::now();
        let mut child = self.spawn(&mut command);
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "the receiver does not answer");
            // Somebody else may have had its port for a moment.
            if child.try_wait().unwrap().is_some() {
                child = self.spawn(&mut command);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.child = Some(child);
    }

    fn spawn(&self, command: &mut Command) -> Child {
        let mut child = command.spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", self.secret).unwrap();
        child
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// All that it has kept, in the order in which it came.
    pub(super) fn kept(&self) -> Vec<Kept> {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How many different events it has kept.
    pub(super) fn count(&self) -> usize {
        self.kept().into_iter().map(|kept| kept.id).collect::<HashSet<String>>().len()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.kill();
    }
}
