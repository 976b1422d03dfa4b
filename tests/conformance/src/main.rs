//! `cargo run -p ringwire-conformance -- export FOLDER` writes the cases as seeds for fuzzers.

#![forbid(unsafe_code)]

use ringwire_conformance::export;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["export", folder] => match export::write(Path::new(folder)) {
            Ok(count) => {
                println!("{count} seeds in {folder}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("cannot write seeds to {folder}: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: ringwire-conformance export FOLDER");
            ExitCode::from(2)
        }
    }
}
