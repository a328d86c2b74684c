//! Nodes of an installation that are killed, stopped and started again.

use std::{
    fs::File,
    process::{Command, Stdio},
};

use crate::harness::{Installation, Server, free_port};

/// A node with a port of its own, which it keeps.
pub(crate) struct Node {
    pub(crate) port: u16,
    server: Option<Server>,
    /// Variables of this node alone.
    pub(crate) environment: Vec<(&'static str, String)>,
}

impl Node {
    /// One that does not run yet.
    pub(crate) fn new() -> Self {
        Self { port: free_port(), server: None, environment: Vec::new() }
    }

    /// As many as an installation may have: a file has one process that serves it; a database server many.
    pub(crate) fn of(installation: &Installation) -> Vec<Self> {
        (0..if installation.is_sqlite() { 1 } else { 2 }).map(|_| Self::new()).collect()
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it and waits until it answers; its log goes on in a file of its own.
    pub(crate) async fn start(&mut self, installation: &Installation) {
        let listen = format!("127.0.0.1:{}", self.port);
        let log = installation.dir.path().join(format!("node-{}.log", self.port));
        let log = File::options().append(true).create(true).open(log).unwrap();
        let mut command = installation.command(&["serve", "--listen", &listen]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.server = Some(Server::start_with_log(&mut command, self.port, Stdio::from(log)).await);
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    /// Sends a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let server = self.server.as_ref().unwrap();
        let mut command = Command::new("kill");
        command.args([&format!("-{name}"), &server.child.id().to_string()]);
        assert!(command.status().unwrap().success());
    }
}
