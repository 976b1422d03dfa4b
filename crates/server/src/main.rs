//! The binary `ringwire`: everything is in the library, so that tests and the simulator can run it.

#![forbid(unsafe_code)]

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ringwire::args::run()
}
