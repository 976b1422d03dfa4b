//! `cargo xtask clients`: clients that nobody here wrote, against the real program.
//!
//! Builds the broker, makes a Python environment and a `node_modules` with the pinned versions, and
//! hands the program's path to the two test runners. They start and stop the broker themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::target;

/// Tells the tests where the broker is. It does not begin with `RINGWIRE_`, for those are settings.
const PROGRAM_VARIABLE: &str = "BROKER_UNDER_TEST";

/// Installs what the tests need, builds the broker and runs both runners.
pub(crate) fn run(root: &Path, _arguments: &[String]) -> Result<(), String> {
    let target = target(root);
    let folder = root.join("tests/clients");
    call(
        Command::new("cargo")
            .args(["build", "--workspace", "--bin", "ringwire"])
            .current_dir(root),
    )?;
    let python = python(&folder, &target)?;
    node_modules(&folder)?;
    let program = target.join("debug/ringwire");
    let outcomes = [
        call(
            Command::new(&python)
                .args([
                    "-m",
                    "pytest",
                    "--quiet",
                    "-p",
                    "no:cacheprovider",
                    "python",
                ])
                .current_dir(&folder)
                .env(PROGRAM_VARIABLE, &program)
                .env("PYTHONDONTWRITEBYTECODE", "1"),
        ),
        call(
            Command::new("node")
                .args([
                    "--test",
                    "--test-reporter=spec",
                    "--test-concurrency=1",
                    "node/",
                ])
                .current_dir(&folder)
                .env(PROGRAM_VARIABLE, &program),
        ),
    ];
    outcomes.into_iter().collect()
}

/// The interpreter of an environment with the pinned packages; made again when the pins change.
pub(crate) fn python(folder: &Path, target: &Path) -> Result<PathBuf, String> {
    let environment = target.join("clients-python");
    let interpreter = environment.join("bin/python");
    let wanted = fs::read_to_string(folder.join("requirements.txt"))
        .map_err(|error| format!("cannot read requirements.txt: {error}"))?;
    let installed = environment.join("installed-requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(interpreter);
    }
    call(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    )?;
    call(
        Command::new(&interpreter)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "-r",
            ])
            .arg(folder.join("requirements.txt")),
    )?;
    fs::write(&installed, wanted)
        .map_err(|error| format!("cannot write {}: {error}", installed.display()))?;
    Ok(interpreter)
}

/// Installs exactly what package-lock.json says, unless it stands already.
pub(crate) fn node_modules(folder: &Path) -> Result<(), String> {
    let wanted = fs::read_to_string(folder.join("package-lock.json"))
        .map_err(|error| format!("cannot read package-lock.json: {error}"))?;
    let installed = folder.join("node_modules/installed-package-lock.json");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    call(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(folder),
    )?;
    fs::write(&installed, wanted)
        .map_err(|error| format!("cannot write {}: {error}", installed.display()))
}

/// Runs a command to its end; its output is this program's.
fn call(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} failed ({status})")),
        Err(error) => Err(format!("cannot run {name}: {error}")),
    }
}
