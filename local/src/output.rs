//! Lines on standard output.

use std::fmt::Arguments;
use std::io::Write;

/// Prints a line. It ignores errors, because `println!` would panic when the reader of
/// `make run | head` closes the pipe.
pub(crate) fn print_line(text: Arguments<'_>) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{text}");
    let _ = output.flush();
}
