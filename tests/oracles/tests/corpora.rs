//! Every committed input of every fuzz target is replayed, so that a finding once fixed stays fixed on any
//! toolchain; and each corpus keeps within its bounds.

use ringwire_oracles::TARGETS;
use std::fs;
use std::path::{Path, PathBuf};

/// What a corpus may take of the repository, and what all of them may.
const CORPUS_BYTES_MAX: u64 = 100 * 1024;
const CORPORA_BYTES_MAX: u64 = 1024 * 1024;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The names in a folder of `fuzz`, sorted; none if it is not there.
fn names(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(fuzz().join(folder)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The committed inputs of a target.
fn inputs(target: &str) -> Vec<PathBuf> {
    let folders = ["seeds", "corpus"].map(|kind| format!("{kind}/{target}"));
    let paths = folders.iter().flat_map(|folder| {
        let names = names(folder).into_iter();
        names.map(move |name| fuzz().join(folder).join(name))
    });
    paths.collect()
}

#[test]
fn every_committed_input_is_replayed() {
    for target in TARGETS {
        let inputs = inputs(target.name);
        assert!(!inputs.is_empty(), "{} has no seed", target.name);
        for path in inputs {
            println!("{}", path.display());
            (target.judge)(&fs::read(path).unwrap());
        }
    }
}

#[test]
fn every_target_has_its_program_and_its_seeds() {
    let targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let programs = names("fuzz_targets");
    let programs: Vec<&str> = programs
        .iter()
        .filter_map(|name| name.strip_suffix(".rs"))
        .collect();
    assert_eq!(programs, targets);
    assert_eq!(names("seeds"), targets);
    let corpora = names("corpus");
    assert!(corpora.iter().all(|name| targets.contains(&name.as_str())));
}

#[test]
fn corpora_stay_small() {
    let mut all_bytes = 0;
    for target in TARGETS {
        let sizes = inputs(target.name).into_iter();
        let bytes: u64 = sizes.map(|path| fs::metadata(path).unwrap().len()).sum();
        assert!(bytes <= CORPUS_BYTES_MAX, "{}: {bytes} bytes", target.name);
        all_bytes += bytes;
    }
    assert!(all_bytes <= CORPORA_BYTES_MAX);
}
