//! Every dependency's version stands once, in the workspace's table.
//!
//! Two crates with two versions of one dependency compile it twice and may disagree about a type.
//! A member says `{ workspace = true }` and may add features.

use super::Finding;
use super::manifest;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.member_manifests() {
        for dependency in manifest::dependencies(file) {
            let value: String = dependency.value.split_whitespace().collect();
            if !value.contains("workspace=true") {
                findings.push(Finding::new(
                    &file.path,
                    dependency.line,
                    format!(
                        "`{}` does not take its version from the workspace",
                        dependency.name
                    ),
                    "put it into [workspace.dependencies] and write `{ workspace = true }` here",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_manifest(entries: &str) -> Vec<Finding> {
        check(&Tree::of(&[(
            "crates/a/Cargo.toml",
            &format!("[dependencies]\n{entries}\n"),
        )]))
    }

    /// A version, a path or a section of its own in a member is refused.
    #[test]
    fn a_version_in_a_member_is_refused() {
        for entry in [
            "b = \"1\"",
            "b = { version = \"1\" }",
            "b = { path = \"../b\" }",
        ] {
            assert_eq!(check_manifest(entry).len(), 1, "{entry}");
        }
        assert_eq!(
            check_manifest("[dev-dependencies.b]\nversion = \"1\"").len(),
            1
        );
    }

    /// Inherited versions pass, with features too; the root and the fuzz workspace have their own.
    #[test]
    fn inherited_versions_pass() {
        for entry in [
            "b = { workspace = true }",
            "b.workspace = true",
            "b = { workspace = true, features = [\"c\"] }",
        ] {
            assert_eq!(check_manifest(entry), [], "{entry}");
        }
        let fuzz = "[package]\n[dependencies]\nb = \"1\"\n[workspace]\n";
        assert_eq!(
            check(&Tree::of(&[
                ("fuzz/Cargo.toml", fuzz),
                ("Cargo.toml", "[dependencies]\nb = \"1\"\n")
            ])),
            []
        );
    }
}
