//! Progress bars on stderr; plain lines where stderr is no terminal.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar with a name, drawn only on a terminal.
pub(super) fn bar(name: &str) -> ProgressBar {
    styled(name, "{prefix:>18.bold} {bar:36.cyan/dim} {pos:>5}/{len} {wide_msg:.dim}")
}

/// A bar that counts bytes; of a length of 0 nobody knows how many there will be.
pub(super) fn bytes(name: &str, length: u64) -> ProgressBar {
    if length == 0 {
        return styled(name, "{prefix:>18.bold} {spinner} {bytes} {wide_msg:.dim}");
    }
    let bar = styled(name, "{prefix:>18.bold} {bar:36.cyan/dim} {bytes:>10}/{total_bytes} {wide_msg:.dim}");
    bar.set_length(length);
    bar
}

/// Of what nobody knows how much there will be.
pub(super) fn spinner(name: &str) -> ProgressBar {
    styled(name, "{prefix:>18.bold} {spinner} {wide_msg:.dim}")
}

fn styled(name: &str, template: &str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(1), target).with_prefix(name.to_owned());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Moves a bar.
pub(super) fn advance(bar: &ProgressBar, done: u64, total: u64, label: &str) {
    bar.set_length(total.max(1));
    bar.set_position(done);
    bar.set_message(label.to_owned());
}
