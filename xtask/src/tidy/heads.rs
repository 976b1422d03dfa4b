//! Every Rust file says in its first lines what it is, why it exists and what it does not do.
//!
//! The rule checks that the head is there; whether it is any good is for people to say.

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|(file, _)| {
            let first = file.text.lines().next().unwrap_or_default();
            first
                .strip_prefix("//!")
                .is_none_or(|head| head.trim().is_empty())
        })
        .map(|(file, _)| {
            Finding::new(
                &file.path,
                1,
                "the first line is no `//!` head".to_owned(),
                "say what the file is, why it exists and what it does not do, in 3 to 10 lines",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that begins with code, an ordinary comment, an empty head or nothing is refused.
    #[test]
    fn a_file_without_a_head_is_refused() {
        for text in ["use a;\n//! A.\n", "// A.\n", "//!\n", ""] {
            assert_eq!(check(&Tree::of(&[("a.rs", text)])).len(), 1, "{text:?}");
        }
    }

    /// A head passes; what is not Rust needs none.
    #[test]
    fn a_file_with_a_head_passes() {
        assert_eq!(
            check(&Tree::of(&[("a.rs", "//! A.\n"), ("b.md", "B.\n")])),
            []
        );
    }
}
