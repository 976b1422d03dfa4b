//! `ringwire-load`: reads the command line, runs the plan, prints the report, and exits with its outcome.
//!
//! Everything else is in the library, so that tests run the same code.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use ringwire_load::arguments::Arguments;

/// Each core's buffers come from its own thread's heap.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Arguments::parse().plan() {
        Ok(plan) => {
            println!("{plan:#?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("ringwire-load: {failure}");
            failure.outcome().into()
        }
    }
}
