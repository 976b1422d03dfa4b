//! The project's own programs, built as they are shipped.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds these packages in release; returns the folder in which their programs lie.
pub(crate) fn release(root: &Path, packages: &[&str]) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet"])
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .current_dir(root)
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !built.success() {
        return Err("the build failed".into());
    }
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    };
    Ok(target.join("release"))
}
