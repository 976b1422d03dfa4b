//! The programs that take part: building ours, installing what package registries have, finding what the system
//! has, and asking each for its version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::programs;

/// Where everything lies.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) root: PathBuf,
    /// The folder of our own programs.
    release: PathBuf,
}

impl Places {
    /// Builds the load generator, without which nothing can be measured.
    pub(super) fn new(root: &Path) -> Result<Places, String> {
        Ok(Places {
            root: root.to_owned(),
            release: programs::release(root, &["ringwire-load"])?,
        })
    }

    /// The release build of one of our programs.
    pub(super) fn ours(&self, name: &str) -> String {
        path_text(&self.release.join(name))
    }

    /// The folder of something that is made once and then stays.
    pub(super) fn made(&self, name: &str) -> PathBuf {
        self.release.join("peers").join(name)
    }

    /// The folder in which a peer's files lie.
    pub(super) fn peer(&self, name: &str) -> PathBuf {
        self.root.join("benches/peers").join(name)
    }

    /// Builds one of our packages by itself, so that it has the features that its users get.
    pub(super) fn build(&self, package: &str) -> Result<(), String> {
        programs::release(&self.root, &[package]).map(drop)
    }

    /// Installs what the peer's package-lock.json says.
    pub(super) fn install_from_npm(&self, peer: &str) -> Result<(), String> {
        let folder = self.peer(peer);
        let installed = folder.join("node_modules/.package-lock.json");
        if is_newer(&installed, &folder.join("package-lock.json")) {
            return Ok(());
        }
        call(
            Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--silent"])
                .current_dir(folder),
        )
    }

    /// The folder of programs that the peer's requirements.txt brings.
    pub(super) fn python_programs(&self, peer: &str) -> PathBuf {
        self.release.join("peers").join(peer).join("bin")
    }

    /// Installs what the peer's requirements.txt says into an environment of its own.
    pub(super) fn install_from_pypi(&self, peer: &str) -> Result<(), String> {
        let requirements = self.peer(peer).join("requirements.txt");
        let programs = self.python_programs(peer);
        let environment = programs.parent().unwrap_or(&programs);
        // A copy of what was asked for says that all of it is there.
        let installed = environment.join("requirements.txt");
        if is_newer(&installed, &requirements) {
            return Ok(());
        }
        call(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(environment),
        )?;
        call(
            Command::new(programs.join("python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "-r",
                ])
                .arg(&requirements),
        )?;
        match fs::copy(&requirements, &installed) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("cannot write {}: {error}", installed.display())),
        }
    }

    /// The version of a package in Cargo.lock.
    pub(super) fn locked_version(&self, package: &str) -> String {
        let lock = fs::read_to_string(self.root.join("Cargo.lock")).unwrap_or_default();
        version_in(&lock, package).unwrap_or_else(|| "?".to_owned())
    }
}

/// A program that the system is to have, with the Debian packages that bring it.
pub(super) fn installed(program: &str, packages: &str) -> Result<(), String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&folders).any(|folder| folder.join(program).is_file()) {
        return Ok(());
    }
    Err(format!(
        "`{program}` is not installed: apt-get install {packages}"
    ))
}

/// The first line of what a program says, on either output.
pub(super) fn says(program: &str, arguments: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        return "not installed".to_owned();
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or("").trim().to_owned()
}

/// Runs a command to its end; what it complains about is seen.
pub(super) fn call(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} failed ({status})")),
        Err(error) => Err(format!("cannot run {name}: {error}")),
    }
}

fn is_newer(made: &Path, from: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|it| it.modified()).ok();
    time(made).is_some_and(|made| time(from).is_some_and(|from| made >= from))
}

pub(super) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The newest where there are several, which is the one that we ask for.
fn version_in(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"\nversion = \"");
    let rest = &lock[lock.rfind(&name)? + name.len()..];
    Some(rest[..rest.find('"')?].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package is not taken for another whose name begins like it.
    #[test]
    fn versions_are_found_by_the_whole_name() {
        let lock = "[[package]]\nname = \"tokio\"\nversion = \"0.2.0\"\n\n[[package]]\nname = \"tokio-uring\"\nversion = \"0.5.0\"\n\n[[package]]\nname = \"tokio\"\nversion = \"1.54.1\"\n";
        assert_eq!(version_in(lock, "tokio").as_deref(), Some("1.54.1"));
        assert_eq!(version_in(lock, "toki"), None);
    }

    /// A missing program is an error that names the remedy.
    #[test]
    fn a_missing_program_names_its_package() {
        let error = installed("no-such-program", "some-package").expect_err("it is not there");
        assert!(error.contains("apt-get install some-package"));
    }
}
