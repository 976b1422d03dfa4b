//! One run: a server from its start to its end, and the load generator against it in between.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::arms::{Arm, Site};
use super::check_interruption;
use super::load::Load;
use super::outcome::{self, Figures};
use super::places::Places;
use super::server::{Server, has_real_time};
use crate::programs::free_address;

/// The CPU that the load generator is pinned to; servers have another.
const CPU: &str = "1";

/// Missing messages are waited for that long, connections a little longer.
const PATIENCE: &str = "1s";
const CONNECT_TIMEOUT: &str = "10s";

/// The load generator ends by itself long before; this is for one that does not.
const ENDS_WITHIN: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A run that was made, whatever came of it.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) arm: &'static str,
    pub(super) load: String,
    pub(super) round: usize,
    pub(super) server_command: Vec<String>,
    pub(super) load_command: Vec<String>,
    pub(super) outcome: Result<Figures, String>,
    /// The load generator's whole report; null if it made none.
    pub(super) report: Value,
}

/// What all runs have in common.
#[derive(Debug)]
pub(super) struct Bench {
    places: Places,
    folder: Folder,
    goes_first: bool,
}

/// A folder for what servers write, gone with its value.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the system's folder for temporary files is the system's to clear.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Bench {
    pub(super) fn new(places: Places) -> Bench {
        let path = std::env::temp_dir().join(format!("ringwire-peers-{}", std::process::id()));
        Bench {
            places,
            folder: Folder(path),
            goes_first: has_real_time(),
        }
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Whether servers and load go before the machine's other processes.
    pub(super) fn goes_first(&self) -> bool {
        self.goes_first
    }

    /// Makes one run. Only an interruption, or a machine that is no use, is an error.
    pub(super) fn run(&self, arm: &Arm, load: &Load, round: usize) -> Result<Run, String> {
        check_interruption()?;
        let folder = self.folder.0.join(arm.key);
        fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let address = free_address()?;
        let site = Site {
            places: &self.places,
            address,
            folder: &folder,
        };
        let mut server_command = (arm.start)(&site)?;
        let mut load_command = self.load_command(&(arm.reach)(address), load);
        let mut run = Run {
            arm: arm.key,
            load: load.name.clone(),
            round,
            server_command: words(&server_command),
            load_command: Vec::new(),
            outcome: Err("was not measured".to_owned()),
            report: Value::Null,
        };
        match Server::start(&mut server_command, address, arm.has_worker) {
            Ok(server) => {
                load_command.args(["--server-pid", &server.worker().to_string()]);
                run.load_command = words(&load_command);
                (run.outcome, run.report) = attend(&mut load_command, &folder)?;
            }
            Err(reason) => run.outcome = Err(reason),
        }
        check_interruption()?;
        Ok(run)
    }

    fn load_command(&self, reach: &[String], load: &Load) -> Command {
        let program = self.places.ours("ringwire-load");
        let mut command = if self.goes_first {
            let mut command = Command::new("nice");
            command.args(["-n", "-20", &program]);
            command
        } else {
            Command::new(program)
        };
        command.args(reach).args(load.arguments());
        command.args(["--pin", CPU, "--settle", "50ms", "--patience", PATIENCE]);
        command.args(["--connect-timeout", CONNECT_TIMEOUT, "--json"]);
        command
    }
}

/// Waits for the load generator's report.
fn attend(
    command: &mut Command,
    folder: &Path,
) -> Result<(Result<Figures, String>, Value), String> {
    let unmade = |error| format!("cannot make a file in {}: {error}", folder.display());
    let (output, complaints) = (folder.join("report"), folder.join("complaints"));
    let mut process = command
        .stdin(Stdio::null())
        .stdout(File::create(&output).map_err(unmade)?)
        .stderr(File::create(&complaints).map_err(unmade)?)
        .spawn()
        .map_err(|error| format!("cannot start ringwire-load: {error}"))?;
    let begun = Instant::now();
    while let Ok(None) = process.try_wait() {
        if begun.elapsed() > ENDS_WITHIN {
            let _ = process.kill();
            let _ = process.wait();
            return Ok((
                Err("the load generator did not end".to_owned()),
                Value::Null,
            ));
        }
        thread::sleep(LOOK_AGAIN);
    }
    let text = fs::read_to_string(output).unwrap_or_default();
    Ok(match serde_json::from_str(&text) {
        Ok(report) => (outcome::judge(&report), report),
        Err(_) => {
            let complaints = fs::read_to_string(complaints).unwrap_or_default();
            let reason = complaints
                .lines()
                .next()
                .unwrap_or("the load generator said nothing");
            let reason = reason.trim_start_matches("ringwire-load: ");
            (Err(reason.to_owned()), Value::Null)
        }
    })
}

/// A command as it was given.
fn words(command: &Command) -> Vec<String> {
    let environment = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.display(), value?.display())));
    let program = std::iter::once(command.get_program().display().to_string());
    let arguments = command.get_args().map(|word| word.display().to_string());
    environment.chain(program).chain(arguments).collect()
}
