//! Who may import whom: the arrows between our crates, and no others.
//!
//! The table below is ARCHITECTURE.md's, in code. Test dependencies are free: a crate may be tested
//! beside any other.

use super::Finding;
use super::manifest::{self, Need};
use super::tree::Tree;

/// Which of our crates a package may depend on. Packages that only test or measure may use all.
const ALLOWED: &[(&str, Allowed)] = &[
    ("crates/frame", Allowed::Only(&[])),
    ("crates/protocol", Allowed::Only(&["frame"])),
    ("crates/pages", Allowed::Only(&[])),
    ("crates/broker", Allowed::Only(&["pages"])),
    ("crates/session", Allowed::Only(&["broker"])),
    ("crates/reactor", Allowed::Only(&["pages"])),
    ("crates/tls", Allowed::Only(&[])),
    ("crates/mesh", Allowed::Only(&[])),
    (
        "crates/server",
        Allowed::Only(&[
            "session", "broker", "protocol", "frame", "reactor", "mesh", "pages", "tls",
        ]),
    ),
    (
        "crates/sim",
        Allowed::Only(&["server", "reactor", "broker"]),
    ),
    (
        "loadgen",
        Allowed::Only(&["frame", "protocol", "reactor", "tls"]),
    ),
    ("benches", Allowed::Every),
    ("benches/floor", Allowed::Only(&[])),
    ("benches/peers/tokio", Allowed::Only(&[])),
    ("benches/userspace", Allowed::Every),
    ("tests", Allowed::Every),
    ("tests/attacks", Allowed::Only(&["ringwire-tests"])),
    ("tests/oracles", Allowed::Every),
    ("tests/conformance", Allowed::Every),
    (
        "tests/autobahn",
        Allowed::Only(&["frame", "protocol", "tls"]),
    ),
    ("xtask", Allowed::Only(&[])),
];

enum Allowed {
    Only(&'static [&'static str]),
    Every,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let ours = our_crates(tree);
    let mut findings = Vec::new();
    for file in tree.member_manifests() {
        let folder = manifest::folder(file);
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == folder) else {
            findings.push(Finding::new(
                &file.path,
                1,
                format!("the package in {folder} has no place in the architecture"),
                "say in xtask/src/tidy/imports.rs and ARCHITECTURE.md whom it may import",
            ));
            continue;
        };
        let Allowed::Only(allowed) = allowed else {
            continue;
        };
        for dependency in manifest::dependencies(file) {
            if dependency.need == Need::Build
                && ours.contains(&dependency.name)
                && !allowed.contains(&dependency.name)
            {
                findings.push(Finding::new(
                    &file.path,
                    dependency.line,
                    format!("{folder} must not import {}", dependency.name),
                    "move the code to the crate that may, or pass the value in as an argument",
                ));
            }
        }
    }
    findings
}

/// Our crates by the names that dependents use: the entries of the workspace's table with a path.
fn our_crates(tree: &Tree) -> Vec<&str> {
    let Some(root) = tree.file("Cargo.toml") else {
        return Vec::new();
    };
    root.text
        .lines()
        .filter(|line| line.contains("path = \""))
        .filter_map(|line| Some(line.split_once('=')?.0.trim()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.dependencies]\nframe = { package = \"ringwire-frame\", path = \"crates/frame\" }\n\
                        broker = { package = \"ringwire-broker\", path = \"crates/broker\" }\nbytes = \"1\"\n";

    fn tree(path: &str, manifest: &str) -> Tree {
        Tree::of(&[("Cargo.toml", ROOT), (path, manifest)])
    }

    /// An arrow that the architecture does not have is refused on its line.
    #[test]
    fn a_forbidden_arrow_is_refused() {
        let manifest =
            "[package]\n[dependencies]\nframe = { workspace = true }\nbroker.workspace = true\n";
        let findings = check(&tree("crates/protocol/Cargo.toml", manifest));
        assert_eq!(findings.len(), 1);
        assert_eq!(
            (findings[0].line, findings[0].path.as_str()),
            (4, "crates/protocol/Cargo.toml")
        );
        assert!(findings[0].what.contains("must not import broker"));
    }

    /// Allowed arrows, foreign crates and test dependencies pass.
    #[test]
    fn allowed_arrows_pass() {
        let manifest = "[dependencies]\nframe.workspace = true\nbytes.workspace = true\n[dev-dependencies]\nbroker.workspace = true\n";
        assert_eq!(check(&tree("crates/protocol/Cargo.toml", manifest)), []);
        assert_eq!(
            check(&tree(
                "tests/Cargo.toml",
                "[dependencies]\nbroker.workspace = true\n"
            )),
            []
        );
    }

    /// A package that nobody has placed is refused.
    #[test]
    fn a_package_without_a_place_is_refused() {
        let findings = check(&tree("crates/extra/Cargo.toml", "[package]\n"));
        assert!(findings[0].what.contains("no place in the architecture"));
    }
}
