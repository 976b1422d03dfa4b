//! `unsafe` has few doors; everywhere else each crate forbids it.
//!
//! The compiler enforces the crates' own attribute; this rule enforces that the attribute is there,
//! and that nobody opens a new door without a line in [`DOORS`].

use super::Finding;
use super::source::line_of;
use super::tree::Tree;

/// Where `unsafe` may stand, and why it has to: a file, or a folder with a `/` at its end.
const DOORS: &[(&str, &str)] = &[
    (
        "crates/frame/src/mask/x86.rs",
        "SIMD intrinsics, chosen at run time",
    ),
    (
        "crates/frame/src/mask/aarch64.rs",
        "SIMD intrinsics, chosen at run time",
    ),
    (
        "crates/reactor/src/sys.rs",
        "the system calls that the standard library lacks",
    ),
    (
        "crates/reactor/src/driver/io_uring/",
        "memory shared with the kernel",
    ),
    (
        "benches/floor/src/uring.rs",
        "the floor is the bare kernel interface: nothing of ours may stand in its way",
    ),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        if is_door(&file.path) {
            continue;
        }
        for at in source.words("unsafe") {
            findings.push(Finding::new(
                &file.path,
                line_of(&file.text, at),
                "`unsafe` outside its doors".to_owned(),
                "write it safely, or measure why it cannot be and add a door to xtask/src/tidy/doors.rs",
            ));
        }
        if let Some(package) = root_of(&file.path) {
            let has_door = DOORS
                .iter()
                .any(|(door, _)| door.starts_with(&format!("{package}/src/")));
            let wanted = if has_door {
                "#![deny(unsafe_code)]"
            } else {
                "#![forbid(unsafe_code)]"
            };
            if !source.code.contains(wanted) && !source.code.contains("#![forbid(unsafe_code)]") {
                findings.push(Finding::new(
                    &file.path,
                    1,
                    format!("a crate root without `{wanted}`"),
                    "add it below the file's head",
                ));
            }
        }
    }
    findings
}

fn is_door(path: &str) -> bool {
    DOORS
        .iter()
        .any(|(door, _)| *door == path || (door.ends_with('/') && path.starts_with(door)))
}

/// The package's folder, if `path` is the root of one of its libraries or programs.
fn root_of(path: &str) -> Option<&str> {
    let (package, file) = path.split_once("/src/")?;
    let is_program = file
        .strip_prefix("bin/")
        .is_some_and(|file| !file.contains('/'));
    (file == "lib.rs" || file == "main.rs" || is_program).then_some(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORBID: &str = "//! A.\n#![forbid(unsafe_code)]\n";

    /// The keyword outside a door is refused on its line; in prose it is not the keyword.
    #[test]
    fn unsafe_outside_its_doors_is_refused() {
        let tree = Tree::of(&[(
            "crates/broker/src/log.rs",
            "//! unsafe\nlet a = \"unsafe\";\nunsafe { b() }\n",
        )]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].line, 3);
    }

    /// Behind a door it passes; a name that begins like the door does not.
    #[test]
    fn unsafe_behind_its_doors_passes() {
        let text = "unsafe { b() }\n";
        let inside = [
            "crates/reactor/src/driver/io_uring/ring.rs",
            "crates/frame/src/mask/x86.rs",
        ];
        for path in inside {
            assert_eq!(check(&Tree::of(&[(path, text)])), [], "{path}");
        }
        assert_eq!(
            check(&Tree::of(&[(
                "crates/reactor/src/driver/io_uring_two.rs",
                text
            )]))
            .len(),
            1
        );
    }

    /// Each crate root carries the attribute; a crate with a door may deny instead of forbid.
    #[test]
    fn a_crate_root_without_the_attribute_is_refused() {
        let bare = "//! A.\n";
        for path in [
            "crates/broker/src/lib.rs",
            "crates/server/src/main.rs",
            "loadgen/src/bin/a.rs",
        ] {
            assert_eq!(check(&Tree::of(&[(path, bare)])).len(), 1, "{path}");
            assert_eq!(check(&Tree::of(&[(path, FORBID)])), [], "{path}");
        }
        let deny = "//! A.\n#![deny(unsafe_code)]\n";
        assert_eq!(check(&Tree::of(&[("crates/reactor/src/lib.rs", deny)])), []);
        assert_eq!(
            check(&Tree::of(&[("crates/broker/src/lib.rs", deny)])).len(),
            1
        );
        assert_eq!(
            check(&Tree::of(&[("crates/broker/src/bin/deep/a.rs", bare)])),
            []
        );
    }
}
