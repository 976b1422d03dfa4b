//! Moves the receiver's half of TCP on the loopback interface to the clients' CPU, as a real link would.
//!
//! Without it the kernel runs that half in the sender's context, and charges it to the server.

use std::fs;

const RECEIVE_CPUS: &str = "/sys/class/net/lo/queues/rx-0/rps_cpus";

/// While this lives, what the loopback interface receives is handled on one CPU; then as it was before.
#[derive(Debug)]
pub(super) struct Steering {
    before: String,
}

impl Steering {
    /// Steers to `cpu`.
    pub(super) fn to(cpu: u32) -> Result<Steering, String> {
        let before = fs::read_to_string(RECEIVE_CPUS)
            .map_err(|error| format!("--steered: cannot read {RECEIVE_CPUS}: {error}"))?;
        fs::write(RECEIVE_CPUS, format!("{:x}", 1_u64 << cpu)).map_err(|error| {
            format!("--steered: cannot write {RECEIVE_CPUS}: {error}; it takes root, and a kernel with CONFIG_RPS")
        })?;
        Ok(Steering { before })
    }
}

impl Drop for Steering {
    fn drop(&mut self) {
        if let Err(error) = fs::write(RECEIVE_CPUS, &self.before) {
            eprintln!(
                "xtask: {RECEIVE_CPUS} could not be set back to {}: {error}",
                self.before
            );
        }
    }
}
