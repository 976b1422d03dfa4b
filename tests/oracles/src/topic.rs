//! Topic names and patterns: the one validator, and which topics a pattern stands for, beside the page
//! that says so in words (docs/protocol.md), read literally.
//!
//! The input is a pattern and a name, with a line feed between, which neither may hold.

use broker::{Pattern, TopicName, TopicRef};

pub(crate) fn judge(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (pattern, name) = text.split_once('\n').unwrap_or((text, text));
    let topic = TopicRef::parse(name).ok();
    assert_eq!(topic.is_some(), is_name(name) && !name.starts_with('$'));
    assert_eq!(
        TopicName::reserved(name).is_ok(),
        is_name(name) && name.starts_with('$')
    );
    let parsed = Pattern::parse(pattern).ok();
    assert_eq!(parsed.is_some(), is_pattern(pattern));
    let Some(parsed) = parsed else { return };
    assert_eq!(parsed.as_str(), pattern);
    assert_eq!(parsed.is_exact(), is_name(pattern));
    assert_eq!(parsed.topic().is_some(), parsed.is_exact());
    if is_name(name) {
        let pattern: Vec<&str> = pattern.split('/').collect();
        let levels: Vec<&str> = name.split('/').collect();
        let hidden = name.starts_with('$') && pattern[0].starts_with('*');
        assert_eq!(
            parsed.matches(name),
            !hidden && stands_for(&pattern, &levels)
        );
    }
}

/// A name of a client's or of the broker's.
fn is_name(text: &str) -> bool {
    let levels: Vec<&str> = text.split('/').collect();
    (1..=256).contains(&text.len()) && levels.len() <= 16 && levels.into_iter().all(is_plain)
}

fn is_pattern(text: &str) -> bool {
    let levels: Vec<&str> = text.split('/').collect();
    let last = levels.len() - 1;
    let allowed = |(at, level): (usize, &&str)| {
        *level == "*" || (*level == "**" && at == last) || is_plain(level)
    };
    (1..=256).contains(&text.len()) && levels.len() <= 16 && levels.iter().enumerate().all(allowed)
}

fn is_plain(level: &str) -> bool {
    !["", ".", ".."].contains(&level) && !level.contains(is_refused)
}

fn is_refused(character: char) -> bool {
    let wildcard = ['*', '+', '#'].contains(&character);
    let control = matches!(character as u32, 0..=0x1f | 0x7f..=0x9f);
    let separator = matches!(character as u32, 0x2028 | 0x2029);
    let byte_order_mark = character as u32 == 0xfeff;
    // The characters with the Unicode property Bidi_Control.
    let direction =
        matches!(character as u32, 0x61c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069);
    wildcard || control || separator || byte_order_mark || direction
}

fn stands_for(pattern: &[&str], name: &[&str]) -> bool {
    match (pattern, name) {
        (["**"], _) | ([], []) => true,
        (["*", pattern @ ..], [_, name @ ..]) => stands_for(pattern, name),
        ([level, pattern @ ..], [same, name @ ..]) => level == same && stands_for(pattern, name),
        _ => false,
    }
}
