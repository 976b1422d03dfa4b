//! What keeps the program from doing what it was asked: one line for a person, with the remedy.
//!
//! Nobody handles such an error but by printing it, so it is its text. What can go wrong with a
//! client is never one of these; that is a `session::Reason`.

use std::fmt;

/// One line that says what is wrong and what to do.
#[derive(Debug)]
pub struct Error(pub(crate) String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self(text)
    }
}
