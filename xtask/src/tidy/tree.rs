//! What the rules look at: the workspace's files as paths and texts.
//!
//! A tree comes from disk, or from a test that makes up a few files. Build products, dependencies
//! and hidden folders are not part of it. Only Rust sources, manifests, Markdown and scripts carry
//! their text; of everything else the rules need to know only that it exists.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::source::Source;

/// Folders that hold what tools made.
const SKIPPED_FOLDERS: &[&str] = &[
    "target",
    "node_modules",
    "__pycache__",
    "seeds",
    "corpus",
    "corpus-local",
    "artifacts",
];

/// Files whose text the rules read, by how their names end.
const READ_EXTENSIONS: &[&str] = &["rs", "toml", "md", "py", "js", "mjs", "sh"];

/// The workspace's files.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Files with their text, in the order of their paths.
    pub(super) files: Vec<File>,
    /// Every file and folder, relative to the root, with `/` between.
    pub(super) paths: BTreeSet<String>,
}

/// One file that was read.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
    /// Code and comments apart; `None` for what is not Rust.
    pub(super) source: Option<Source>,
}

impl Tree {
    /// Reads the workspace at `root`.
    pub(super) fn read(root: &Path) -> io::Result<Tree> {
        let mut tree = Tree::default();
        tree.walk(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                if !name.starts_with('.') && !SKIPPED_FOLDERS.contains(&name.as_str()) {
                    self.walk(&entry.path(), &format!("{path}/"))?;
                    self.paths.insert(path);
                }
            } else if READ_EXTENSIONS
                .iter()
                .any(|end| extension(&name) == Some(end))
            {
                self.add(&path, fs::read_to_string(entry.path())?);
            } else {
                self.paths.insert(path);
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str, text: String) {
        let source = path.ends_with(".rs").then(|| Source::split(&text));
        self.paths.insert(path.to_owned());
        self.files.push(File {
            path: path.to_owned(),
            text,
            source,
        });
    }

    /// Each Rust file, its text split.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files
            .iter()
            .filter_map(|file| Some((file, file.source.as_ref()?)))
    }

    /// Each package's manifest, without the workspace's own and without the fuzz workspace's, which
    /// cannot inherit from a workspace that it is not in.
    pub(super) fn member_manifests(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| {
            file.path.ends_with("/Cargo.toml")
                && !file.text.lines().any(|line| line.trim() == "[workspace]")
        })
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A tree of made-up files.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.add(path, (*text).to_owned());
            for (end, _) in path.match_indices('/') {
                tree.paths.insert(path[..end].to_owned());
            }
        }
        tree
    }
}

fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree read from disk holds sources and knows other files, but not what tools made.
    #[test]
    fn build_products_and_hidden_folders_are_no_part_of_a_tree() {
        let root = std::env::temp_dir().join(format!("xtask-tree-{}", std::process::id()));
        for folder in ["src", "target", ".git"] {
            fs::create_dir_all(root.join(folder)).unwrap();
            fs::write(root.join(folder).join("a.rs"), "//! A.\n").unwrap();
        }
        fs::write(root.join("picture.png"), [0x89, 0xff]).unwrap();
        let tree = Tree::read(&root).unwrap();
        fs::remove_dir_all(&root).unwrap();
        let read: Vec<&str> = tree.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(read, ["src/a.rs"]);
        assert!(tree.paths.contains("picture.png") && tree.paths.contains("src"));
    }
}
