//! Rust text split into code and comments, byte for byte in place.
//!
//! The rules look for words: a keyword must not be found in a comment, a note not in a string. So
//! the text is cut into three kinds (code, comment, literal), and each half of the result keeps its
//! own kind and has blanks for the rest; offsets and lines stay those of the file. This is a lexer for
//! valid Rust and no parser: it knows no grammar beyond literals, comments, braces and words.

/// A Rust file's code and its comments; both have the length and the lines of the file.
#[derive(Debug)]
pub(super) struct Source {
    /// The text with comments and the insides of literals blanked.
    pub(super) code: String,
    /// The text with everything but comments blanked.
    pub(super) comments: String,
}

/// A function with a body: where the word `fn` stands, and where the closing brace.
pub(super) struct Function<'s> {
    pub(super) name: &'s str,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Source {
    /// Splits `text`.
    pub(super) fn split(text: &str) -> Source {
        let bytes = text.as_bytes();
        let mut code = blank(bytes);
        let mut comments = code.clone();
        let mut at = 0;
        while at < bytes.len() {
            let (end, is_comment) = match comment_end(bytes, at) {
                Some(end) => (end, true),
                None => (literal_end(bytes, at).unwrap_or(at), false),
            };
            if is_comment {
                comments[at..end].copy_from_slice(&bytes[at..end]);
                at = end;
            } else if end > at {
                at = end;
            } else {
                code[at] = bytes[at];
                at += 1;
            }
        }
        let text =
            |bytes| String::from_utf8(bytes).expect("whole literals and comments were blanked");
        Source {
            code: text(code),
            comments: text(comments),
        }
    }

    /// The offset of each place where `word` stands as a whole word in the code.
    pub(super) fn words<'s>(&'s self, word: &'s str) -> impl Iterator<Item = usize> + 's {
        words(&self.code, word)
    }

    /// Every function that has a body, nested ones too.
    pub(super) fn functions(&self) -> impl Iterator<Item = Function<'_>> {
        self.words("fn").filter_map(|start| {
            let rest = self.code[start + 2..].trim_start();
            let name = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
            let open = body(&self.code, start)?;
            // `fn(u8) -> u8` is a type and has no name.
            (!name.is_empty()).then(|| Function {
                name,
                start,
                end: closing(&self.code, open),
            })
        })
    }

    /// Where the file's own `#[cfg(test)] mod name { ...` begins, else the file's end.
    pub(super) fn tests_start(&self) -> usize {
        self.code
            .match_indices("#[cfg(test)]")
            .map(|(at, _)| at)
            .find(|at| {
                let item = self.code[at + "#[cfg(test)]".len()..].trim_start();
                let body = item.find(['{', ';']);
                item.starts_with("mod ") && body.is_some_and(|at| item[at..].starts_with('{'))
            })
            .unwrap_or(self.code.len())
    }
}

/// The line, counted from 1, of the byte at `offset`.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
}

/// The offset of each place where `word` stands as a whole word in `text`.
pub(super) fn words<'s>(text: &'s str, word: &'s str) -> impl Iterator<Item = usize> + 's {
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            !text[..*at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word)
        })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn blank(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .map(|byte| if *byte == b'\n' { b'\n' } else { b' ' })
        .collect()
}

/// The end of the comment that begins at `at`, if one does.
fn comment_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return Some(
            at + rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len()),
        );
    }
    if !rest.starts_with(b"/*") {
        return None;
    }
    let (mut depth, mut end) = (0, at);
    while end < bytes.len() {
        let rest = &bytes[end..];
        if rest.starts_with(b"/*") {
            depth += 1;
            end += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            end += 2;
        } else {
            end += 1;
        }
        if depth == 0 {
            break;
        }
    }
    Some(end)
}

/// The end of the string, raw string or character that begins at `at`, if one does. Their prefixes
/// `b` and `c` are left in the code, where they do no harm.
fn literal_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes[at] {
        b'"' => Some(quoted_end(bytes, at, b'"')),
        b'\'' => is_character(&bytes[at..]).then(|| quoted_end(bytes, at, b'\'')),
        b'r' => raw_end(bytes, at),
        _ => None,
    }
}

fn quoted_end(bytes: &[u8], at: usize, quote: u8) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != quote {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

/// `'x'` and `'\n'` are characters, `'a` and `'_` are lifetimes: the third character tells.
fn is_character(rest: &[u8]) -> bool {
    let Some(first) = rest.get(1) else {
        return false;
    };
    let width = match first {
        b'\\' => return true,
        0x00..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    rest.get(1 + width) == Some(&b'\'')
}

fn raw_end(bytes: &[u8], at: usize) -> Option<usize> {
    // The letter may end a word (`for"` is none, but `br"` is): only a prefix of its own counts.
    let before = &bytes[..at];
    let before = before
        .strip_suffix(b"b")
        .or(before.strip_suffix(b"c"))
        .unwrap_or(before);
    if before.last().is_some_and(|byte| is_word(char::from(*byte))) {
        return None;
    }
    let hashes = bytes[at + 1..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    let open = at + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"')
        .chain(std::iter::repeat_n(b'#', hashes))
        .collect();
    let inside = &bytes[open + 1..];
    let length = inside
        .windows(close.len())
        .position(|window| window == close)?;
    Some(open + 1 + length + close.len())
}

/// Where the body of the function whose `fn` stands at `start` opens; `None` for a declaration.
fn body(code: &str, start: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b';' if depth == 0 => return None,
            b'{' if depth == 0 => return Some(at),
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    None
}

/// Where the brace that opens at `open` closes.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words in comments, strings and characters are no code, however they are written.
    #[test]
    fn literals_and_comments_are_not_code() {
        let text = r####"
            let a = "fn \" fn"; let b = r#"fn " fn"#; let c = b"fn"; let d = '"'; let e = '\'';
            // fn in a comment
            /* fn /* nested fn */ fn */ let f: &'static str = br##"fn"##; let g = 'é';
            real();
        "####;
        let source = Source::split(text);
        assert_eq!(source.words("fn").count(), 0, "{}", source.code);
        assert_eq!(source.words("real").count(), 1);
        assert_eq!(words(&source.comments, "fn").count(), 4);
        assert_eq!(source.code.len(), text.len());
    }

    /// Lifetimes open no character literal, raw identifiers no raw string.
    #[test]
    fn lifetimes_and_raw_identifiers_are_code() {
        let source = Source::split("fn f<'a>(x: &'a str, y: &'_ u8) { r#loop(); unsafe {} } // '");
        assert_eq!(source.words("unsafe").count(), 1);
        assert_eq!(source.words("loop").count(), 1);
    }

    /// Functions are found with their bodies: methods, nested ones, array types in the signature;
    /// declarations and function types are none.
    #[test]
    fn functions_end_at_their_own_brace() {
        let text = "trait T { fn declared(&self, a: [u8; 4]); }\n\
                    fn outer(f: fn(u8) -> u8, a: [u8; 4]) -> u8 where u8: Copy {\n\
                    fn inner() { if true { '{'; } }\n\
                    f(1)\n}\n";
        let source = Source::split(text);
        let found: Vec<(&str, usize)> = source
            .functions()
            .map(|function| (function.name, line_of(text, function.end)))
            .collect();
        assert_eq!(found, [("outer", 5), ("inner", 3)]);
    }

    /// A test module in the file ends what counts; one in a file of its own does not.
    #[test]
    fn tests_begin_at_the_module_with_a_body() {
        let text = "#[cfg(test)]\nmod naive;\nfn a() {}\n#[cfg(test)]\nmod tests {\n}\n";
        let source = Source::split(text);
        assert_eq!(line_of(text, source.tests_start()), 4);
        assert_eq!(Source::split("fn a() {}").tests_start(), 9);
    }
}
