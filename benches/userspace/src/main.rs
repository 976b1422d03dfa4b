//! `ringwire-instructions`: the cases, one at a time, for whoever counts the instructions of this process.
//!
//! Without arguments it names the SIMD that this CPU was found to have, and lists the cases, one a line with tabs
//! between: name, rounds, units of a round, unit. With a name and a number of rounds it runs that case.
//! `cargo xtask instructions` runs it under valgrind.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use userspace::cases::CASES;

/// The broker's own: what it allocates costs here what it costs there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => {
            println!("{}", frame::mask::kernel());
            for case in CASES {
                println!(
                    "{}\t{}\t{}\t{}",
                    case.name, case.rounds, case.units, case.unit
                );
            }
            ExitCode::SUCCESS
        }
        [name, rounds] => match (CASES.iter().find(|case| case.name == name), rounds.parse()) {
            (Some(case), Ok(rounds)) => {
                (case.run)(rounds);
                ExitCode::SUCCESS
            }
            _ => usage(),
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: ringwire-instructions [case rounds]");
    ExitCode::from(2)
}
