//! The cases as files, to begin a fuzzer's corpus with: `<folder>/<kind>/<case>`, one case each.
//!
//! Cases that are large only because a limit is stay out: a fuzzer has its own, small limits.

use crate::cases::{self, AnswerCase, FrameCase, RequestCase};
use crate::wire::Sender;
use std::path::Path;
use std::{fs, io};

/// The bytes of the largest seed.
const SEED_BYTES_MAX: usize = 4096;

/// Writes the folders `requests`, `answers`, `frames_from_client` and `frames_from_server`; returns
/// how many files that are.
///
/// # Errors
/// A file could not be written.
pub fn write(folder: &Path) -> io::Result<usize> {
    let seeds = seeds();
    for (kind, name, bytes) in &seeds {
        let folder = folder.join(kind);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(seeds.len())
}

/// Kind, file name and bytes of each seed.
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let requests = cases::requests().into_iter();
    let requests = requests.map(|case: RequestCase| ("requests", case.bytes(), case.name));
    let answers = cases::answers().into_iter();
    let answers = answers.map(|case: AnswerCase| ("answers", case.answer, case.name));
    let frames = cases::frames().into_iter().flat_map(|case: FrameCase| {
        [
            (
                "frames_from_client",
                case.bytes(Sender::Client),
                case.name.clone(),
            ),
            ("frames_from_server", case.bytes(Sender::Server), case.name),
        ]
    });
    requests
        .chain(answers)
        .chain(frames)
        .filter(|(_, bytes, _)| bytes.len() <= SEED_BYTES_MAX)
        .map(|(kind, bytes, name)| (kind, file_name(&name), bytes))
        .collect()
}

/// Nothing that a shell or a file system could stumble over.
fn file_name(case: &str) -> String {
    case.chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() || "+-.=".contains(character) {
                character
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// No seed overwrites another, and none is larger than a fuzzer wants it.
    #[test]
    fn each_seed_has_a_file_of_its_own() {
        let seeds = seeds();
        let files: HashSet<_> = seeds.iter().map(|(kind, name, _)| (kind, name)).collect();
        assert_eq!(files.len(), seeds.len());
        assert!(
            seeds
                .iter()
                .all(|(_, _, bytes)| bytes.len() <= SEED_BYTES_MAX)
        );
    }
}
