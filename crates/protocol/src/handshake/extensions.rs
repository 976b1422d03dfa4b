//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1), read in one pass.
//!
//! ```text
//! extension-list = 1#extension
//! extension      = token *( ";" param )
//! param          = token [ "=" ( token | quoted-string ) ]
//! ```
//!
//! Nothing is allocated for an offer, however many parameters it has, and names are only compared,
//! never looked up. What the extensions mean is not known here: that of the only one that is served
//! is `deflate`'s business.

use crate::http1::is_token;
use std::borrow::Cow;
use std::fmt;

/// The one extension of the IANA's registry (RFC 6455 section 11.4) that compresses: RFC 7692. The
/// other one there, `bbf-usp-protocol`, names an endpoint of a protocol that is not spoken here; an
/// offer of it is declined like one of any unknown name.
pub const PERMESSAGE_DEFLATE: &str = "permessage-deflate";

/// The text is no list of extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the list of extensions is malformed")
    }
}

impl std::error::Error for Malformed {}

/// One extension with its parameters, whose text is known to be well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// The extension's token.
    pub name: &'a str,
    parameters: &'a str,
}

/// One parameter of an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The parameter's token.
    pub name: &'a str,
    /// Its value, without quotes.
    pub value: Option<Cow<'a, str>>,
}

impl<'a> Extension<'a> {
    /// The parameters in their order, duplicates included.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'a>> {
        let mut rest = Cursor {
            text: self.parameters,
        };
        std::iter::from_fn(move || rest.take(';').then(|| rest.parameter().ok()).flatten())
    }
}

/// The extensions of one header value. The first malformed one ends the iteration.
///
/// RFC 2616 section 2.1, whose list this is: "null elements are allowed, but do not contribute to the
/// count of elements present", which here is one at least.
pub fn parse(value: &str) -> impl Iterator<Item = Result<Extension<'_>, Malformed>> {
    let mut state = Some(Cursor { text: value });
    std::iter::from_fn(move || {
        let cursor = state.as_mut()?;
        cursor.skip_empty();
        let extension = cursor.extension();
        let goes_on = extension.is_ok() && cursor.take(',');
        cursor.skip_empty();
        let ended = cursor.text.is_empty();
        if !goes_on || ended {
            state = None;
        }
        let judged = |extension| match goes_on || ended {
            true => Ok(extension),
            false => Err(Malformed),
        };
        Some(extension.and_then(judged))
    })
}

/// What is left to read.
struct Cursor<'a> {
    text: &'a str,
}

impl<'a> Cursor<'a> {
    /// Skips elements with nothing in them.
    fn skip_empty(&mut self) {
        self.text = self.text.trim_start_matches([' ', '\t', ',']);
    }

    fn skip_space(&mut self) {
        self.text = self.text.trim_start_matches([' ', '\t']);
    }

    /// Takes `wanted` and the space around it, if it is next.
    fn take(&mut self, wanted: char) -> bool {
        self.skip_space();
        let Some(rest) = self.text.strip_prefix(wanted) else {
            return false;
        };
        self.text = rest;
        self.skip_space();
        true
    }

    fn token(&mut self) -> Result<&'a str, Malformed> {
        let end = self
            .text
            .find([' ', '\t', ',', ';', '=', '"'])
            .unwrap_or(self.text.len());
        let (token, rest) = self.text.split_at(end);
        if !is_token(token) {
            return Err(Malformed);
        }
        self.text = rest;
        Ok(token)
    }

    fn extension(&mut self) -> Result<Extension<'a>, Malformed> {
        self.skip_space();
        let name = self.token()?;
        let parameters = self.text;
        while self.take(';') {
            self.parameter()?;
        }
        let length = parameters.len() - self.text.len();
        Ok(Extension {
            name,
            parameters: &parameters[..length],
        })
    }

    fn parameter(&mut self) -> Result<Parameter<'a>, Malformed> {
        let name = self.token()?;
        if !self.take('=') {
            return Ok(Parameter { name, value: None });
        }
        let value = match self.text.strip_prefix('"') {
            Some(quoted) => self.quoted(quoted)?,
            None => Cow::Borrowed(self.token()?),
        };
        Ok(Parameter {
            name,
            value: Some(value),
        })
    }

    /// RFC 6455 section 9.1: what a quoted string means must be a token as well.
    fn quoted(&mut self, text: &'a str) -> Result<Cow<'a, str>, Malformed> {
        let mut escaped = false;
        let end = text.find(|character| match character {
            _ if escaped => {
                escaped = false;
                false
            }
            '\\' => {
                escaped = true;
                false
            }
            _ => character == '"',
        });
        let end = end.ok_or(Malformed)?;
        let (inner, rest) = (&text[..end], &text[end + 1..]);
        let value = if inner.contains('\\') {
            Cow::Owned(unescape(inner))
        } else {
            Cow::Borrowed(inner)
        };
        if !is_token(&value) {
            return Err(Malformed);
        }
        self.text = rest;
        Ok(value)
    }
}

/// Drops each backslash that escapes the character after it.
fn unescape(text: &str) -> String {
    let mut characters = text.chars();
    std::iter::from_fn(|| {
        characters.next().and_then(|first| {
            if first == '\\' {
                characters.next()
            } else {
                Some(first)
            }
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Listed = Vec<(String, Vec<(String, Option<String>)>)>;

    fn listed(value: &str) -> Result<Listed, Malformed> {
        let parameters = |extension: Extension<'_>| {
            let owned = |parameter: Parameter<'_>| {
                (
                    parameter.name.to_owned(),
                    parameter.value.map(Cow::into_owned),
                )
            };
            extension.parameters().map(owned).collect()
        };
        parse(value)
            .map(|extension| {
                extension.map(|extension| (extension.name.to_owned(), parameters(extension)))
            })
            .collect()
    }

    fn extension(
        name: &str,
        parameters: &[(&str, Option<&str>)],
    ) -> (String, Vec<(String, Option<String>)>) {
        let owned =
            |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
        (name.to_owned(), parameters.iter().map(owned).collect())
    }

    #[test]
    fn offers_of_browsers_and_the_examples_of_the_rfcs_are_read() {
        let browser = "permessage-deflate; client_max_window_bits";
        assert_eq!(
            listed(browser),
            Ok(vec![extension(
                "permessage-deflate",
                &[("client_max_window_bits", None)]
            )])
        );
        let two = "permessage-deflate;client_max_window_bits ; server_max_window_bits = 10,permessage-deflate , x-foo";
        let first = extension(
            "permessage-deflate",
            &[
                ("client_max_window_bits", None),
                ("server_max_window_bits", Some("10")),
            ],
        );
        assert_eq!(
            listed(two),
            Ok(vec![
                first,
                extension("permessage-deflate", &[]),
                extension("x-foo", &[])
            ])
        );
        assert_eq!(
            listed(r#"a; b="c\d""#),
            Ok(vec![extension("a", &[("b", Some("cd"))])])
        );
        assert_eq!(
            listed("__proto__; constructor"),
            Ok(vec![extension("__proto__", &[("constructor", None)])])
        );
    }

    #[test]
    fn what_does_not_follow_the_grammar_is_malformed() {
        for bad in [
            "",
            " ",
            ",",
            ", ,\t,",
            "a,;",
            "a,=b",
            ";",
            "a;",
            "a;;b",
            "a; =b",
            "a; b=",
            "a b",
            "a; b c",
            "a; b=c d",
            "a; b=\"\"",
            "a; b=\"c",
            "a; b=\"c\\\"",
            "a; b=\"c d\"",
            "a; b=\"c\"d",
            "a=b",
            "a; b=c=d",
            "ä",
            "a/b",
            "\"a\"",
            "a; \"b\"",
            "a\u{0}",
        ] {
            assert!(listed(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn elements_with_nothing_in_them_are_none() {
        let two = vec![extension("a", &[]), extension("b", &[("c", None)])];
        for value in ["a,b;c", "a,,b;c", ",a,b;c", "a, ,\t, b; c , ,", ", a,b;c,"] {
            assert_eq!(listed(value).as_ref(), Ok(&two), "{value:?}");
        }
    }

    #[test]
    fn a_malformed_extension_ends_the_list() {
        let mut extensions = parse("a, b c, d");
        assert!(extensions.next().is_some_and(|first| first.is_ok()));
        assert_eq!(extensions.next(), Some(Err(Malformed)));
        assert_eq!(extensions.next(), None);
    }

    #[test]
    fn thousands_of_parameters_are_all_read() {
        let value = format!("a{}", "; b=c".repeat(10_000));
        assert_eq!(listed(&value).unwrap()[0].1.len(), 10_000);
    }
}
