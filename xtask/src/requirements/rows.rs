//! The rows as they stand in the files, and how many there are of each kind.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// All files of the folder, in the order of their names.
#[derive(Debug, Default)]
pub(super) struct Requirements {
    pub(super) parts: Vec<Part>,
    pub(super) registries: Vec<Registry>,
}

/// One file: a part of an RFC, or registries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rfc: Option<u32>,
    #[serde(default)]
    section: Vec<Section>,
    #[serde(default)]
    registry: Vec<Registry>,
}

/// Sections of one RFC.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) rfc: u32,
    pub(super) sections: Vec<Section>,
}

/// One section of an RFC.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    pub(super) number: String,
    pub(super) title: String,
    #[serde(rename = "row")]
    pub(super) rows: Vec<Row>,
}

/// One sentence that binds an endpoint.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// A short quotation or a close paraphrase.
    pub(super) text: String,
    pub(super) level: Level,
    pub(super) binds: Binds,
    /// `path#item`: what does it.
    #[serde(default)]
    pub(super) code: Vec<String>,
    /// `path#test`: what fails when it is not done.
    #[serde(default)]
    pub(super) tests: Vec<String>,
    /// Why there is no code or no test, or what was decided.
    pub(super) reason: Option<String>,
}

/// How strongly.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(super) enum Level {
    #[serde(rename = "MUST")]
    Must,
    #[serde(rename = "MUST NOT")]
    MustNot,
    #[serde(rename = "SHOULD")]
    Should,
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    #[serde(rename = "RECOMMENDED")]
    Recommended,
    /// In lower case, or a grammar or an algorithm that a MUST introduces.
    #[serde(rename = "must")]
    Plain,
}

/// Whom.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Binds {
    Client,
    Server,
    Both,
}

/// One table of the IANA, or of the RFC for the IANA.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Registry {
    /// The section of RFC 6455 that founds it.
    pub(super) section: String,
    pub(super) title: String,
    /// Where its present state is.
    pub(super) source: String,
    pub(super) code: Vec<String>,
    pub(super) tests: Vec<String>,
    /// What a reader should know before the table.
    pub(super) note: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) entries: Vec<Vec<String>>,
}

/// How many rows there are of which kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) rows: usize,
    pub(super) proved: usize,
    pub(super) reasoned: usize,
}

impl Requirements {
    /// Reads every file of the folder.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let unreadable = |error| format!("{}: {error}", folder.display());
        let mut paths: Vec<_> = fs::read_dir(folder)
            .map_err(unreadable)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(unreadable)?;
        paths.sort();
        let mut all = Self::default();
        for path in paths {
            let text = fs::read_to_string(&path).map_err(unreadable)?;
            all.add(&text)
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(all)
    }

    /// Adds the rows of one file.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        match file.rfc {
            Some(rfc) => self.parts.push(Part {
                rfc,
                sections: file.section,
            }),
            None if !file.section.is_empty() => return Err("`rfc` is missing".to_owned()),
            None => {}
        }
        self.registries.extend(file.registry);
        Ok(())
    }

    /// The RFCs in their order, each once.
    pub(super) fn rfcs(&self) -> Vec<u32> {
        let mut rfcs: Vec<u32> = self.parts.iter().map(|part| part.rfc).collect();
        rfcs.sort_unstable();
        rfcs.dedup();
        rfcs
    }

    /// The sections of one RFC, in the order of the files.
    pub(super) fn sections(&self, rfc: u32) -> impl Iterator<Item = &Section> {
        self.parts
            .iter()
            .filter(move |part| part.rfc == rfc)
            .flat_map(|part| &part.sections)
    }

    pub(super) fn count(&self, rfc: u32) -> Count {
        let mut count = Count::default();
        for row in self.sections(rfc).flat_map(|section| &section.rows) {
            count.rows += 1;
            count.proved += usize::from(!row.tests.is_empty());
            count.reasoned += usize::from(row.tests.is_empty());
        }
        count
    }

    /// One line for whoever ran the task.
    pub(super) fn summary(&self) -> String {
        let parts: Vec<String> = self
            .rfcs()
            .into_iter()
            .map(|rfc| {
                let Count {
                    rows,
                    proved,
                    reasoned,
                } = self.count(rfc);
                format!("RFC {rfc}: {rows} rows, {proved} proved by a test, {reasoned} by a stated reason")
            })
            .collect();
        parts.join("; ")
    }
}

impl Level {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::Recommended => "RECOMMENDED",
            Self::Plain => "must",
        }
    }
}

impl Binds {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Both => "both",
        }
    }
}
