//! Topic names, and the one validator that every entrance uses.
//!
//! A name is 1 to 256 bytes of UTF-8 in 1 to 16 levels parted by `/`. What is refused, and why: empty
//! levels (`a//b`, `/a`, `a/`), for two spellings of one name would be two topics; the levels `.` and
//! `..`, for URL clients fold them away before a request leaves; control characters of both ranges
//! with the line and paragraph separators, byte order marks and the marks that turn the writing
//! direction, for names are shown in logs and on dashboards; `*`, `+` and `#`, the wildcards of
//! patterns here and in MQTT; a first level that starts with `$`, the broker's own. The name as given
//! is the name: nothing is normalised, so two names are one topic only if their bytes are equal.

use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use crate::limits::{LEVELS_MAX, NAME_BYTES_MAX};

/// Why a name or a pattern was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// The name has no bytes.
    Empty,
    /// The name has more than 256 bytes.
    TooLong,
    /// The name has more than 16 levels.
    TooManyLevels,
    /// A level is empty: the name starts or ends with `/`, or holds `//`.
    EmptyLevel,
    /// A level is `.` or `..`.
    DotLevel,
    /// The name holds a character that may not stand in a name.
    Character(char),
    /// The first level starts with `$`, which is kept for the broker.
    Reserved,
    /// `*` or `**` shares its level with other characters, or `**` is not the last level.
    Wildcard,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a topic name must not be empty"),
            Self::TooLong => write!(f, "a topic name has at most {NAME_BYTES_MAX} bytes"),
            Self::TooManyLevels => write!(f, "a topic name has at most {LEVELS_MAX} levels"),
            Self::EmptyLevel => f.write_str("a topic name has no empty level"),
            Self::DotLevel => f.write_str("`.` and `..` are no levels of a topic name"),
            Self::Character(c) => write!(f, "U+{:04X} may not stand in a topic name", *c as u32),
            Self::Reserved => f.write_str("topics that start with `$` belong to the broker"),
            Self::Wildcard => {
                f.write_str("`*` is a whole level of a pattern, and `**` its last one")
            }
        }
    }
}

impl std::error::Error for NameError {}

/// A topic name that passed the validator, borrowed: what a publish needs, without an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicRef<'a>(&'a str);

impl<'a> TopicRef<'a> {
    /// Checks a name that came from outside.
    pub fn parse(text: &'a str) -> Result<Self, NameError> {
        check(text, false)?;
        if text.starts_with('$') {
            Err(NameError::Reserved)
        } else {
            Ok(Self(text))
        }
    }

    /// The name.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// An owned copy.
    pub fn to_name(self) -> TopicName {
        TopicName(self.0.into())
    }
}

impl<'a> From<&'a TopicName> for TopicRef<'a> {
    fn from(name: &'a TopicName) -> Self {
        TopicRef(&name.0)
    }
}

/// A topic name that passed the validator. Clones share the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName(Arc<str>);

impl TopicName {
    /// Checks a name that came from outside.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        TopicRef::parse(text).map(TopicRef::to_name)
    }

    /// Checks a name of the broker's own, whose first level starts with `$`. Never for a client's input.
    pub fn reserved(text: &str) -> Result<Self, NameError> {
        check(text, false)?;
        if text.starts_with('$') {
            Ok(Self(text.into()))
        } else {
            Err(NameError::Reserved)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For text that a validator has seen already.
    pub(crate) fn trusted(text: Arc<str>) -> Self {
        Self(text)
    }

    /// A copy with its own allocation, so that two cores never share its reference count.
    pub(crate) fn detached(&self) -> Self {
        Self(Arc::from(&*self.0))
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks everything but the reserved first level. With `wildcards`, the rules for patterns.
pub(crate) fn check(text: &str, wildcards: bool) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    let mut levels = text.split('/');
    let mut count = 0;
    while let Some(level) = levels.next() {
        count += 1;
        if count > LEVELS_MAX {
            return Err(NameError::TooManyLevels);
        }
        match level {
            "" => return Err(NameError::EmptyLevel),
            "." | ".." => return Err(NameError::DotLevel),
            "*" if wildcards => {}
            "**" if wildcards && levels.clone().next().is_none() => {}
            _ if wildcards && level.contains('*') => return Err(NameError::Wildcard),
            _ => check_level(level)?,
        }
    }
    Ok(())
}

fn check_level(level: &str) -> Result<(), NameError> {
    match level.chars().find(|&c| is_refused(c)) {
        Some(c) => Err(NameError::Character(c)),
        None => Ok(()),
    }
}

fn is_refused(c: char) -> bool {
    match c {
        '*' | '+' | '#' => true,
        ' '..='~' => false,
        '\u{200e}'
        | '\u{200f}'
        | '\u{061c}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => true,
        '\u{2028}' | '\u{2029}' | '\u{feff}' => true,
        _ => c.is_control(),
    }
}

/// The hash that places a topic: keyed for each process, so that nobody outside can aim at one core or one bucket.
pub(crate) fn hash(key: [u64; 2], text: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(key[0], key[1]);
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// A borrowed topic name with its hash beside it: hashed once on its way through this crate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashedRef<'a> {
    pub(crate) topic: TopicRef<'a>,
    pub(crate) hash: u64,
}

impl<'a> From<&'a HashedName> for HashedRef<'a> {
    fn from(name: &'a HashedName) -> Self {
        Self {
            topic: (&name.name).into(),
            hash: name.hash,
        }
    }
}

/// A topic name with its hash beside it: what travels on lanes and stands in tables, hashed once.
#[derive(Clone, Debug)]
pub(crate) struct HashedName {
    pub(crate) name: TopicName,
    pub(crate) hash: u64,
}

impl HashedName {
    pub(crate) fn detached(&self) -> Self {
        Self {
            name: self.name.detached(),
            hash: self.hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        for name in [
            "a",
            "chat/room 1",
            "größe/東京/🚀",
            "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p",
            "a$",
            "a/$b",
            "...",
        ] {
            assert_eq!(
                TopicName::parse(name).map(|n| n.as_str().to_owned()),
                Ok(name.to_owned())
            );
        }
        assert!(TopicName::parse(&"x".repeat(256)).is_ok());
    }

    #[test]
    fn each_rule_refuses_with_its_own_error() {
        let deep = "a/".repeat(16) + "a";
        let long = "x".repeat(257);
        let cases: &[(&str, NameError)] = &[
            ("", NameError::Empty),
            (&long, NameError::TooLong),
            (&deep, NameError::TooManyLevels),
            ("/a", NameError::EmptyLevel),
            ("a/", NameError::EmptyLevel),
            ("a//b", NameError::EmptyLevel),
            ("a/../b", NameError::DotLevel),
            (".", NameError::DotLevel),
            ("a\0", NameError::Character('\0')),
            ("a\r\nb", NameError::Character('\r')),
            ("a\u{85}", NameError::Character('\u{85}')),
            ("a\u{7f}", NameError::Character('\u{7f}')),
            ("\u{feff}a", NameError::Character('\u{feff}')),
            ("a\u{202e}b", NameError::Character('\u{202e}')),
            ("a\u{2028}b", NameError::Character('\u{2028}')),
            ("a/*", NameError::Character('*')),
            ("a/+/b", NameError::Character('+')),
            ("a/#", NameError::Character('#')),
            ("$SYS/x", NameError::Reserved),
        ];
        for (name, error) in cases {
            assert_eq!(TopicName::parse(name), Err(*error), "{name:?}");
        }
        assert!(TopicName::reserved("$SYS/x").is_ok());
        assert_eq!(TopicName::reserved("SYS/x"), Err(NameError::Reserved));
    }
}
