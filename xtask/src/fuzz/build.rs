//! Builds the fuzz targets with what libFuzzer reads while it runs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Edge counters, their addresses, and compared values.
const COVERAGE_FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cdebug-assertions -Ccodegen-units=1 \
     -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Builds and returns the folder of the programs. The target is named, so that build scripts and
/// macros, which run on this machine, are not instrumented.
pub(super) fn build(folder: &Path, asan: bool) -> Result<PathBuf, String> {
    let host = host()?;
    // A folder of its own: cargo remembers what it asked the compiler, and the compiler answers
    // otherwise when it is asked for a sanitizer.
    let built = folder.join(if asan { "target/asan" } else { "target" });
    let mut command = Command::new("cargo");
    command
        .args([
            "build",
            "--release",
            "--locked",
            "--bins",
            "--target",
            &host,
        ])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", &built);
    if asan {
        // The stable compiler brings the sanitizer's library, and takes the flag when told to.
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", format!("{COVERAGE_FLAGS} -Zsanitizer=address"));
    } else {
        command.env("RUSTFLAGS", COVERAGE_FLAGS);
    }
    let status = command
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err("the fuzz targets do not build".to_owned());
    }
    Ok(built.join(host).join("release"))
}

fn host() -> Result<String, String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .ok_or_else(|| "rustc does not say what its host is".to_owned())
}
