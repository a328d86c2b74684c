//! Every shell block of the documents is run as it stands, each document in a folder of its own, or says why not.
//!
//! `<!-- not run: REASON -->` directly above a block keeps it from being run. `<!-- before: COMMANDS -->` is run before the
//! block: what the reader of that place has done already. `rollcall serve` goes on in the background.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use super::{Document, documents};
use crate::harness::free_port;

/// What one document may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Where documents say that a server listens.
const DOCUMENTED: &str = "127.0.0.1:8080";

/// What somebody types where a password is asked for.
const PASSWORD: &str = "correct horse battery staple\n";

const PRELUDE: &str = r#"
set -Eeuo pipefail
trap 'echo "$at: exit code $? of: $BASH_COMMAND" >&2' ERR
trap 'for job in $(jobs -p); do kill "$job"; done' EXIT
curl() { command curl --fail-with-body "$@"; }
rollcall() {
  if [ "${1:-}" != serve ]; then command rollcall "$@"; return; fi
  command rollcall "$@" &
  timeout 30 bash -c 'until curl -fs "$ROLLCALL/healthz" >/dev/null; do sleep 0.05; done'
}
"#;

/// A document's blocks as one program, how many blocks are in it, and why others are not.
#[derive(Default)]
struct Script {
    program: String,
    run: usize,
    not_run: Vec<String>,
}

impl Script {
    fn of(document: &Document) -> Self {
        let mut script = Self::default();
        let blocks = document.parts().0.into_iter();
        for block in blocks.filter(|block| block.language == "sh") {
            let at = format!("{}:{}", document.path, block.line);
            let mut reasons = block.comments.iter().filter_map(|comment| comment.strip_prefix("not run:"));
            if let Some(reason) = reasons.next() {
                assert!(!reason.trim().is_empty(), "{at}: why is it not run?");
                script.not_run.push(format!("{at}: {}", reason.trim()));
                continue;
            }
            script.program.push_str(&format!("at={at}\n"));
            for comment in &block.comments {
                if let Some(before) = comment.strip_prefix("before:") {
                    script.program.push_str(before);
                    script.program.push('\n');
                }
            }
            script.program.push_str(&block.text);
            script.run += 1;
        }
        script
    }

    /// Runs it in an empty folder; gives what is wrong.
    fn run(&self, dir: &Path) -> Result<(), String> {
        let listen = format!("127.0.0.1:{}", free_port());
        let file = dir.join("blocks.sh");
        std::fs::write(&file, format!("{PRELUDE}{}", self.program.replace(DOCUMENTED, &listen))).unwrap();
        std::fs::write(dir.join("typed"), PASSWORD).unwrap();
        let home = dir.join("home");
        std::fs::create_dir(&home).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_rollcall"));
        let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());

        let log = std::fs::File::create(dir.join("log")).unwrap();
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", &LIMIT.as_secs().to_string(), "bash"]).arg(&file).current_dir(&home);
        command
            .env_clear()
            .envs([
                ("PATH", path.as_str()),
                ("ROLLCALL_LISTEN", &listen),
                ("ROLLCALL", &format!("http://{listen}")),
            ])
            .env("HOME", dir)
            .stdin(std::fs::File::open(dir.join("typed")).unwrap())
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log));
        let status = command.status().unwrap();
        let said = std::fs::read_to_string(dir.join("log")).unwrap();
        let end: Vec<&str> = said.lines().rev().take(20).collect();
        let end = end.into_iter().rev().collect::<Vec<_>>().join("\n");
        if status.success() { Ok(()) } else { Err(format!("{status}\n{end}")) }
    }
}

/// How many documents are run at once: they mostly wait for the disk.
const AT_ONCE: usize = 4;

#[test]
fn shell_blocks_run() {
    let scripts: Vec<_> =
        documents().into_iter().map(|document| (Script::of(&document), document.path)).collect();
    for reason in scripts.iter().flat_map(|(script, _)| &script.not_run) {
        eprintln!("not run: {reason}");
    }
    let waiting = Mutex::new(scripts.iter().filter(|(script, _)| script.run > 0));
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                // The lock is given back before the document is run.
                let next = || waiting.lock().unwrap().next();
                while let Some((script, path)) = next() {
                    let begun = std::time::Instant::now();
                    let outcome = script.run(tempfile::tempdir().unwrap().path());
                    eprintln!("{path}: {} blocks in {:.1} s", script.run, begun.elapsed().as_secs_f32());
                    faults.lock().unwrap().extend(outcome.err().map(|fault| format!("{path}: {fault}")));
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    let run: usize = scripts.iter().map(|(script, _)| script.run).sum();
    assert!(run >= 30, "{run} blocks: where are the others?");
}

#[test]
fn a_block_that_fails_is_noticed() {
    let dir = || tempfile::tempdir().unwrap();
    let script = |text: &str| Script::of(&Document { path: "page.md".to_owned(), text: text.to_owned() });
    let good = script(
        "<!-- before: there=1 -->\n\n```sh\necho \"$there\" | grep 1\n```\n```console\n$ exit 9\n```\n",
    );
    assert_eq!((good.run, good.run(dir().path())), (1, Ok(())));
    let left = script("<!-- not run: it needs a moon -->\n```sh\nexit 9\n```\n");
    assert_eq!((left.run, left.not_run), (0, vec!["page.md:3: it needs a moon".to_owned()]));
    for text in [
        "```sh\ntrue\nfalse | true\ntrue\n```\n",
        "```sh\nrollcall tenant lsit\n```\n",
        "```sh\necho $TOKEN\n```\n",
    ] {
        let fault = script(text).run(dir().path()).unwrap_err();
        assert!(fault.contains("page.md:2") || fault.contains("unbound variable"), "{text}: {fault}");
    }
}
