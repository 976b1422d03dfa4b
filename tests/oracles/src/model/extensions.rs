//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1), first cut into tokens, then read.

/// Extensions with their parameters, as text.
pub(crate) type Listed = Vec<Listing>;

/// One extension: its name, and each parameter with its value.
pub(crate) type Listing = (String, Vec<(String, Option<String>)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Lexeme {
    Token(String),
    /// What a quoted string means.
    Quoted(String),
    Separator(char),
}

/// The list, if the whole of `value` is one. Elements with nothing in them do not count (RFC 2616 section 2.1).
pub(crate) fn read(value: &str) -> Option<Listed> {
    let lexemes = lexemes(value)?;
    let listed: Listed = lexemes
        .split(|lexeme| *lexeme == Lexeme::Separator(','))
        .filter(|element| !element.is_empty())
        .map(extension)
        .collect::<Option<_>>()?;
    (!listed.is_empty()).then_some(listed)
}

fn extension(lexemes: &[Lexeme]) -> Option<Listing> {
    let mut parts = lexemes.split(|lexeme| *lexeme == Lexeme::Separator(';'));
    let [Lexeme::Token(name)] = parts.next()? else {
        return None;
    };
    let parameters = parts.map(parameter).collect::<Option<_>>()?;
    Some((name.clone(), parameters))
}

fn parameter(lexemes: &[Lexeme]) -> Option<(String, Option<String>)> {
    match lexemes {
        [Lexeme::Token(name)] => Some((name.clone(), None)),
        [
            Lexeme::Token(name),
            Lexeme::Separator('='),
            Lexeme::Token(value) | Lexeme::Quoted(value),
        ] => Some((name.clone(), Some(value.clone()))),
        _ => None,
    }
}

/// `None` at a character that belongs to nothing, and at a quoted string that means no token.
fn lexemes(value: &str) -> Option<Vec<Lexeme>> {
    let mut characters = value.chars().peekable();
    let mut found = Vec::new();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' => {}
            ',' | ';' | '=' => found.push(Lexeme::Separator(character)),
            '"' => {
                let mut meaning = String::new();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => meaning.push(characters.next()?),
                        other => meaning.push(other),
                    }
                }
                if meaning.is_empty() || !meaning.chars().all(is_token_character) {
                    return None;
                }
                found.push(Lexeme::Quoted(meaning));
            }
            first if is_token_character(first) => {
                let mut token = String::from(first);
                while let Some(next) = characters.next_if(|next| is_token_character(*next)) {
                    token.push(next);
                }
                found.push(Lexeme::Token(token));
            }
            _ => return None,
        }
    }
    Some(found)
}

/// RFC 9110 section 5.6.2, as it lists them.
fn is_token_character(character: char) -> bool {
    matches!(
        character,
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '.' | '^' | '_' | '`' | '|' | '~'
    ) || character.is_ascii_digit()
        || character.is_ascii_alphabetic()
}
