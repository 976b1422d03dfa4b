//! `Sec-WebSocket-Extensions`: its grammar (RFC 6455 section 9.1), and what is answered to offers of
//! permessage-deflate (RFC 7692 section 7.1).

use super::super::RequestCase;
use super::{asking, refused, switched, switched_with_extension};

pub(super) fn cases() -> Vec<RequestCase> {
    let case = |name: &str, section, values: &[&str], answer| {
        asking().with("Sec-WebSocket-Extensions", values).answered(
            format!("extension/{name}"),
            section,
            answer,
        )
    };
    let malformed = MALFORMED
        .iter()
        .map(|(name, value)| case(name, "RFC 6455 section 9.1", &[value], refused(400)));
    let unknown = UNKNOWN
        .iter()
        .map(|(name, values)| case(name, "RFC 6455 section 9.1", values, switched()));
    let declined = DECLINED.iter().map(|parameters| {
        let offer = format!("permessage-deflate; {parameters}");
        case(
            &format!("declined {parameters}"),
            "RFC 7692 section 7.1",
            &[&offer],
            switched(),
        )
    });
    let granted = GRANTED.iter().map(|(name, values, answer)| {
        case(
            name,
            "RFC 7692 section 7.1",
            values,
            switched_with_extension(answer),
        )
    });
    let mut cases: Vec<_> = malformed
        .chain(unknown)
        .chain(declined)
        .chain(granted)
        .collect();
    for bits in ["8", "9", "10", "11", "12", "13", "14", "15"] {
        let offer = format!(
            "permessage-deflate; server_max_window_bits={bits}; client_max_window_bits={bits}"
        );
        let answer = format!(
            "permessage-deflate; server_no_context_takeover; server_max_window_bits={bits}; client_max_window_bits={bits}"
        );
        let name = format!("windows_of_{bits}_bits");
        cases.push(case(
            &name,
            "RFC 7692 section 7.1.2",
            &[&offer],
            switched_with_extension(&answer),
        ));
    }
    cases
}

/// The server never keeps a context of its own, and says so; it has memory for those of clients.
const GRANTED: &[(&str, &[&str], &str)] = &[
    (
        "deflate",
        &["permessage-deflate"],
        "permessage-deflate; server_no_context_takeover",
    ),
    (
        "deflate_as_browsers_offer_it",
        &["permessage-deflate; client_max_window_bits"],
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=15",
    ),
    (
        "deflate_without_server_context",
        &["permessage-deflate; server_no_context_takeover"],
        "permessage-deflate; server_no_context_takeover",
    ),
    (
        "deflate_without_client_context",
        &["permessage-deflate; client_no_context_takeover"],
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ),
    (
        "deflate_with_all_parameters",
        &[
            "permessage-deflate; client_max_window_bits=9; server_max_window_bits=12; client_no_context_takeover; server_no_context_takeover",
        ],
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12",
    ),
    (
        "deflate_with_a_quoted_value",
        &["permessage-deflate; server_max_window_bits=\"10\""],
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
    ),
    (
        "deflate_after_an_unknown_one",
        &["x-unknown; a=b, permessage-deflate"],
        "permessage-deflate; server_no_context_takeover",
    ),
    (
        "deflate_after_one_that_is_declined",
        &[
            "permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=9",
        ],
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
    ),
    (
        "deflate_in_a_second_line",
        &["permessage-deflate; x", "permessage-deflate"],
        "permessage-deflate; server_no_context_takeover",
    ),
    (
        "deflate_twice",
        &["permessage-deflate; server_max_window_bits=10, permessage-deflate"],
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
    ),
];

/// Parameters with which an offer "MUST be declined": a value that they may not have, none where
/// there has to be one, twice the same, and one that nobody knows.
const DECLINED: &[&str] = &[
    "server_no_context_takeover=1",
    "server_no_context_takeover=true",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover=1",
    "client_no_context_takeover=\"true\"",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits",
    "server_max_window_bits=0",
    "server_max_window_bits=1",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=08",
    "server_max_window_bits=010",
    "server_max_window_bits=+9",
    "server_max_window_bits=-9",
    "server_max_window_bits=9.0",
    "server_max_window_bits=0x9",
    "server_max_window_bits=9a",
    "server_max_window_bits=a",
    "server_max_window_bits=true",
    "server_max_window_bits=265",
    "server_max_window_bits=4294967305",
    "server_max_window_bits=9; server_max_window_bits=9",
    "client_max_window_bits=0",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=08",
    "client_max_window_bits=+9",
    "client_max_window_bits=-9",
    "client_max_window_bits=9.0",
    "client_max_window_bits=x",
    "client_max_window_bits=265",
    "client_max_window_bits=18446744073709551625",
    "client_max_window_bits; client_max_window_bits",
    "client_max_window_bits=9; client_max_window_bits",
    "unknown",
    "unknown=1",
    "SERVER_NO_CONTEXT_TAKEOVER",
    "server_max_window_bits=9; unknown",
];

/// Well-formed, and nothing that anybody serves: the answer names no extension.
const UNKNOWN: &[(&str, &[&str])] = &[
    ("unknown", &["x-unknown"]),
    ("unknown_with_parameters", &["x-unknown; a; b=c; d=\"e\""]),
    ("several_unknown", &["x-a, x-b; c, x-d"]),
    ("several_lines", &["x-a", "x-b; c"]),
    ("names_of_javascript", &["__proto__, constructor; toString"]),
    ("withdrawn", &["x-webkit-deflate-frame, bbf-usp-protocol"]),
    ("no_space", &["a;b=c;d,e"]),
    ("space_everywhere", &["a ; b = c ; d , e"]),
    ("empty_elements", &[",x-a,, x-b ,"]),
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
