//! The generator's own threads and addresses.

use std::net::IpAddr;

use clap::Args;

use crate::source;

/// What the generator runs on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Generator")]
pub struct Generator {
    /// Threads of the generator, each with its own share of the connections
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub threads: u32,

    /// CPU of each thread, in order; give the server other ones
    #[arg(long, value_delimiter = ',', value_name = "CPU,..")]
    pub pin: Vec<usize>,

    /// Local addresses to connect from, in turn
    ///
    /// One has about 28,000 ports towards one server, and beyond half of them the kernel searches long: give one for each 14,000
    /// connections. All of 127.0.0.0/8 is loopback
    #[arg(long, value_name = "IP[-IP],..")]
    pub source: Option<String>,

    /// Connections that may be on their way at once, for each thread
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub connecting: u32,

    /// Polls instead of sleeping: latencies without the time that waking up takes
    ///
    /// Takes the whole of a CPU for each thread, so give it one that the server does not need
    #[arg(long)]
    pub spin: bool,
}

impl Generator {
    /// The local addresses to connect from; none leaves it to the kernel.
    pub(super) fn sources(&self) -> Result<Vec<IpAddr>, String> {
        let Some(text) = &self.source else {
            return Ok(Vec::new());
        };
        source::parse(text).map_err(|reason| format!("--source {text}: {reason}"))
    }

    /// Refuses numbers that no generator could run on.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(1..=256).contains(&self.threads) {
            return Err(format!("--threads {}: give 1 to 256", self.threads));
        }
        if !self.pin.is_empty() && self.pin.len() != self.threads as usize {
            return Err(format!(
                "--pin names {} CPUs for {} threads: give one for each",
                self.pin.len(),
                self.threads
            ));
        }
        if self.connecting == 0 {
            return Err("--connecting 0: nothing would ever connect".into());
        }
        Ok(())
    }
}
