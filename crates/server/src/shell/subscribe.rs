//! `ringwire sub PATTERN`: prints what is published.
use clap::Args;
use super::Error;
/// Print the messages of a topic or pattern.
#[derive(Debug, Args)]
pub struct Subscribe { pattern: String }
/// Runs `ringwire sub`.
pub fn subscribe(args: &Subscribe) -> Result<(), Error> { Err(Error(args.pattern.clone())) }
