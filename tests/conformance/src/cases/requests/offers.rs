//! `Sec-WebSocket-Extensions`: its grammar (RFC 6455 section 9.1), and offers that are declined.

use super::super::RequestCase;
use super::{asking, refused, switched};

pub(super) fn cases() -> Vec<RequestCase> {
    let mut cases: Vec<_> = DECLINED
        .iter()
        .map(|(name, values)| {
            offering(values).answered(
                format!("extension/{name}"),
                "RFC 6455 section 9.1",
                switched(),
            )
        })
        .collect();
    cases.extend(MALFORMED.iter().map(|(name, value)| {
        offering(&[value]).answered(
            format!("extension/{name}"),
            "RFC 6455 section 9.1",
            refused(400),
        )
    }));
    cases
}

/// Well-formed, and nothing that anybody serves: the answer names no extension.
const DECLINED: &[(&str, &[&str])] = &[
    ("unknown", &["x-unknown"]),
    ("unknown_with_parameters", &["x-unknown; a; b=c; d=\"e\""]),
    ("several_unknown", &["x-a, x-b; c, x-d"]),
    ("several_lines", &["x-a", "x-b; c"]),
    ("names_of_javascript", &["__proto__, constructor; toString"]),
    ("withdrawn", &["x-webkit-deflate-frame, bbf-usp-protocol"]),
    ("no_space", &["a;b=c;d,e"]),
    ("space_everywhere", &["a ; b = c ; d , e"]),
    ("quoted_token", &["a; b=\"c\""]),
    ("quoted_token_with_escape", &["a; b=\"c\\d\""]),
    ("same_one_twice", &["x-a, x-a"]),
    ("same_parameter_twice", &["x-a; b; b"]),
    ("prefix_of_a_known_one", &["permessage-deflat"]),
    ("longer_than_a_known_one", &["permessage-deflate2"]),
];

const MALFORMED: &[(&str, &str)] = &[
    ("empty", ""),
    ("only_a_comma", ","),
    ("only_a_semicolon", ";"),
    ("empty_parameter", "a;"),
    ("empty_parameter_inside", "a;;b"),
    ("empty_value", "a; b="),
    ("empty_quoted_value", "a; b=\"\""),
    ("no_parameter_name", "a; =b"),
    ("two_words", "a b"),
    ("two_words_as_parameter", "a; b c"),
    ("two_words_as_value", "a; b=c d"),
    ("quoted_two_words", "a; b=\"c d\""),
    ("quoted_separator", "a; b=\"c,d\""),
    ("unended_quote", "a; b=\"c"),
    ("escaped_last_quote", "a; b=\"c\\\""),
    ("text_behind_a_quote", "a; b=\"c\"d"),
    ("quoted_name", "\"a\""),
    ("quoted_parameter", "a; \"b\"=c"),
    ("value_of_a_name", "a=b"),
    ("two_values", "a; b=c=d"),
    ("slash", "a/b"),
    ("not_ascii", "gr\u{fc}n"),
    ("good_then_bad", "x-a; b=c, x y"),
    ("bad_then_good", "x y, x-a"),
];

fn offering(values: &[&str]) -> super::Asking {
    asking().with("Sec-WebSocket-Extensions", values)
}
