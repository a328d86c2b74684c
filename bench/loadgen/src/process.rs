//! CPU time and memory of processes and their children, from /proc.

use std::collections::HashMap;

/// Ticks a second of the times in /proc: `USER_HZ`, which Linux fixes at 100.
const TICKS: f64 = 100.0;

/// Fields of /proc/P/stat from the state on: 1 is the parent, 11 to 14 are user and system time, own and of children
/// that ended.
fn stat(process: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(text.get(text.rfind(')')? + 2..)?.split(' ').map(str::to_owned).collect())
}

/// The process and all below it; none for 0.
fn family(root: u32) -> Vec<u32> {
    if root == 0 {
        return vec![];
    }
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        if let Ok(process) = entry.file_name().to_string_lossy().parse()
            && let Some(parent) = stat(process).and_then(|fields| fields.get(1)?.parse().ok())
        {
            children.entry(parent).or_default().push(process);
        }
    }
    let (mut found, mut open) = (vec![], vec![root]);
    while let Some(process) = open.pop() {
        found.push(process);
        open.extend(children.get(&process).into_iter().flatten());
    }
    found
}

/// Seconds of CPU that the process and its children have used; 0 for process 0.
pub(crate) fn cpu_seconds(root: u32) -> f64 {
    let ticks = |fields: Vec<String>| -> f64 {
        fields.iter().skip(11).take(4).filter_map(|field| field.parse::<f64>().ok()).sum()
    };
    family(root).into_iter().filter_map(stat).map(ticks).sum::<f64>() / TICKS
}

/// A line of /proc/P/status such as `VmRSS` or `VmHWM`, summed over the process and its children, in MiB.
pub(crate) fn memory(root: u32, key: &str) -> f64 {
    let of = |process| -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    family(root).into_iter().filter_map(of).sum::<f64>() / 1024.0
}
