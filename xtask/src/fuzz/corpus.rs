//! The inputs of a target that are committed: `seeds`, each with a name that says what it is, and `corpus`,
//! made from what long runs learned.

use super::names;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of one corpus. The smallest inputs are kept: they say most for their size.
const CORPUS_BYTES_MAX: u64 = 48 * 1024;

/// Which target reads which kind of case, and what stands before the bytes there: how they are cut, and
/// in `connection` that it is not closing and that nothing is compressed.
const CASES: &[(&str, &str, &[u8])] = &[
    ("answers", "head", &[0x85]),
    ("frames_from_client", "connection", &[0x08, 0x01]),
    ("frames_from_client", "frame", &[0x05]),
    ("frames_from_client", "peer_connection", &[0x08]),
    ("frames_from_server", "connection", &[0x09, 0x01]),
    ("frames_from_server", "frame", &[0x05]),
    ("frames_from_server", "peer_connection", &[0x09]),
    ("requests", "head", &[0x85]),
];

/// Adds the cases of our own suite to what was learned.
pub(super) fn learn(folder: &Path, cases: &Path) -> Result<(), String> {
    for (kind, target, before) in CASES {
        let learned = folder.join("corpus-local").join(target);
        let copy = |name: &String| {
            let bytes = fs::read(cases.join(kind).join(name))?;
            fs::write(learned.join(name), [before, &bytes[..]].concat())
        };
        let names = names(&cases.join(kind))?;
        fs::create_dir_all(&learned)
            .and_then(|()| names.iter().try_for_each(copy))
            .map_err(|error| format!("cannot copy the cases {kind}: {error}"))?;
    }
    Ok(())
}

/// The committed folders of one target, as far as they are there.
pub(super) fn committed(folder: &Path, target: &str) -> Vec<PathBuf> {
    ["seeds", "corpus"]
        .iter()
        .map(|kind| folder.join(kind).join(target))
        .filter(|path| path.is_dir())
        .collect()
}

/// Makes the corpus of one target anew: of all that is known, what reaches an edge that the seeds
/// and smaller inputs do not.
pub(super) fn minimise(folder: &Path, program: &Path, target: &str) -> Result<(), String> {
    let chosen = folder.join("target/minimised").join(target);
    let mut sources = committed(folder, target);
    sources.push(folder.join("corpus-local").join(target));
    sources.retain(|path| path.is_dir());
    let seeds = folder.join("seeds").join(target);
    prepare(&seeds, &chosen).map_err(|error| format!("cannot copy the seeds: {error}"))?;
    let output = Command::new(program)
        .args(["-merge=1", "-use_counters=0"])
        .arg(&chosen)
        .args(sources)
        .current_dir(folder)
        .output()
        .map_err(|error| format!("cannot run the fuzz target {target}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{said}{target} cannot be merged"));
    }
    let (inputs, bytes) = replace(&seeds, &chosen, &folder.join("corpus").join(target))
        .map_err(|error| format!("cannot write the corpus of {target}: {error}"))?;
    println!("corpus of {target}: {inputs} inputs, {bytes} bytes");
    Ok(())
}

/// A folder with the seeds and nothing else: what is there already need not be chosen.
fn prepare(seeds: &Path, chosen: &Path) -> io::Result<()> {
    if chosen.exists() {
        fs::remove_dir_all(chosen)?;
    }
    fs::create_dir_all(chosen)?;
    for name in names(seeds).unwrap_or_default() {
        fs::copy(seeds.join(&name), chosen.join(&name))?;
    }
    Ok(())
}

/// Moves what was chosen beside the seeds into the corpus, up to its bound.
fn replace(seeds: &Path, chosen: &Path, corpus: &Path) -> io::Result<(usize, u64)> {
    if corpus.exists() {
        fs::remove_dir_all(corpus)?;
    }
    fs::create_dir_all(corpus)?;
    let mut inputs: Vec<(u64, String)> = Vec::new();
    for name in names(chosen).map_err(io::Error::other)? {
        if !seeds.join(&name).exists() {
            inputs.push((fs::metadata(chosen.join(&name))?.len(), name));
        }
    }
    inputs.sort();
    let mut kept = 0;
    let mut kept_bytes = 0;
    for (bytes, name) in inputs {
        if kept_bytes + bytes > CORPUS_BYTES_MAX {
            break;
        }
        fs::copy(chosen.join(&name), corpus.join(&name))?;
        kept += 1;
        kept_bytes += bytes;
    }
    Ok((kept, kept_bytes))
}
