//! The few things that the rules ask of a `Cargo.toml`: which dependencies, of which kind, on which
//! line.
//!
//! Read line by line, since a finding needs the line: a section's header, then `name = ...` entries, or
//! a section for one dependency. Entries that span lines are read by their first line.

use super::tree::File;

/// What a dependency is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// `[dependencies]`, `[build-dependencies]`, and both for one target.
    Build,
    /// `[dev-dependencies]`.
    Test,
}

/// One entry of a manifest's dependency tables.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency<'m> {
    pub(super) name: &'m str,
    /// What stands right of the `=`; empty for a section of its own.
    pub(super) value: &'m str,
    pub(super) line: usize,
    pub(super) need: Need,
}

/// The folder that a manifest stands in.
pub(super) fn folder(manifest: &File) -> &str {
    manifest
        .path
        .trim_end_matches("Cargo.toml")
        .trim_end_matches('/')
}

/// Every dependency of a manifest.
pub(super) fn dependencies(manifest: &File) -> Vec<Dependency<'_>> {
    let mut found = Vec::new();
    let mut need = None;
    for (index, line) in manifest.text.lines().enumerate() {
        let text = line.trim();
        if let Some(header) = text.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or(header);
            need = section_need(header);
            if need.is_none()
                && let Some((section, name)) = header.rsplit_once('.')
                && let Some(need) = section_need(section)
            {
                found.push(Dependency {
                    name,
                    value: "",
                    line: index + 1,
                    need,
                });
            }
        } else if let (Some(need), Some((name, value))) = (need, text.split_once('='))
            && !text.starts_with('#')
        {
            // `name.workspace = true` is one way to write `name = { workspace = true }`.
            let (name, value) = match name.trim().split_once('.') {
                Some((name, _)) => (name, text),
                None => (name.trim(), value.trim()),
            };
            found.push(Dependency {
                name,
                value,
                line: index + 1,
                need,
            });
        }
    }
    found
}

/// What a section's entries are needed for; `None` for a section of something else. A section
/// may stand under `target.'cfg(...)'`.
fn section_need(header: &str) -> Option<Need> {
    match header.rsplit('.').next() {
        Some("dependencies") if header != "workspace.dependencies" => Some(Need::Build),
        Some("build-dependencies") => Some(Need::Build),
        Some("dev-dependencies") => Some(Need::Test),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;

    /// Every way to write a dependency is seen, with its line; other sections are not.
    #[test]
    fn dependencies_are_found_however_written() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nb = { workspace = true }\nc.workspace = true\n# d = 1\n\
                    [target.'cfg(unix)'.dependencies]\ne = \"1\"\n[dev-dependencies.f]\nversion = \"1\"\n[features]\ng = []\n";
        let tree = Tree::of(&[("crates/a/Cargo.toml", text)]);
        let found: Vec<(&str, usize, Need)> = dependencies(&tree.files[0])
            .iter()
            .map(|dependency| (dependency.name, dependency.line, dependency.need))
            .collect();
        let expected = [
            ("b", 4, Need::Build),
            ("c", 5, Need::Build),
            ("e", 8, Need::Build),
            ("f", 9, Need::Test),
        ];
        assert_eq!(found, expected);
    }
}
