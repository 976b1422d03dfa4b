//! The client machine before the Autobahn test suite: asks a fuzzing server how many cases it has, plays
//! each of them by sending back what comes, and asks for the report.
//!
//! Usage: `ringwire-autobahn URL AGENT [CERTIFICATES]`, where the URL is `ws://` or `wss://`, a host and a
//! port, and the file has the certificates that are trusted. It judges nothing; the suite does.

#![forbid(unsafe_code)]

mod conversation;
mod wire;

use std::process::ExitCode;

use conversation::Conversation;
use wire::{Address, Failure};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, agent, certificates) = match arguments.as_slice() {
        [url, agent] => (url, agent, None),
        [url, agent, certificates] => (url, agent, Some(certificates.as_str())),
        _ => {
            eprintln!("usage: ringwire-autobahn URL AGENT [CERTIFICATES]");
            return ExitCode::from(2);
        }
    };
    match Address::parse(url, certificates).and_then(|address| play(&address, agent)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("ringwire-autobahn: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// All cases of the suite's server, one after the other.
fn play(address: &Address, agent: &str) -> Result<(), Failure> {
    let count = Conversation::open(address, "/getCaseCount")?.hear()?;
    let count: u32 = String::from_utf8_lossy(&count)
        .parse()
        .map_err(|_| Failure("the suite does not say how many cases it has".into()))?;
    for case in 1..=count {
        let target = format!("/runCase?case={case}&agent={agent}");
        // A case may well end with a broken connection; whether that was right is the suite's to say.
        if let Err(failure) = Conversation::open(address, &target).and_then(Conversation::echo) {
            eprintln!("case {case} of {count}: {failure}");
        }
    }
    Conversation::open(address, &format!("/updateReports?agent={agent}"))?.echo()
}
