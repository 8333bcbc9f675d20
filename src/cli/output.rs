//! Output: lines on standard output, without a panic when the reader has gone (`| head`).

use std::io::Write as _;

/// Prints a line on standard output. Unlike `println!` it does not panic when the reader has gone (`| head`).
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::output::write(format_args!("{}\n", format_args!($($text)*)))
    };
}

pub(super) fn write(text: std::fmt::Arguments<'_>) {
    let _ = std::io::stdout().write_fmt(text);
}

/// Prints a command's result. A closed pipe (`| head`) is not an error; a full disk is.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
