//! Lines on standard output, which may have been closed: `make run | head` ends the
//! reader and must not end us in a panic.

use std::fmt::Arguments;
use std::io::Write;

pub(crate) fn line(text: Arguments<'_>) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{text}");
    let _ = output.flush();
}
