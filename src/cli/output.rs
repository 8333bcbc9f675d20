//! Output: lines on standard output, without a panic when the reader has gone (`| head`).

use std::io::Write as _;

/// Says a line on standard output. Unlike `println!` it does not panic when nobody reads on (`| head`).
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::output::write(format_args!("{}\n", format_args!($($text)*)))
    };
}

pub(super) fn write(text: std::fmt::Arguments<'_>) {
    let _ = std::io::stdout().write_fmt(text);
}

/// Prints what the command is asked for. That nobody reads on (`| head`) is no failure; a full disk is.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
