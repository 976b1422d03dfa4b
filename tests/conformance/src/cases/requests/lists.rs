//! Fields that are lists: `Upgrade`, `Connection`, and the subprotocols (RFC 6455 sections 4.2.1 and
//! 11.3.4; RFC 9110 section 5.6.1).

use super::super::RequestCase;
use super::{SUBPROTOCOL, asking, refused, refused_with, switched, switched_to};

pub(super) fn cases() -> Vec<RequestCase> {
    [upgrades(), connections(), subprotocols(), tokens()].concat()
}

fn upgrades() -> Vec<RequestCase> {
    const SECTION: &str = "RFC 6455 section 4.2.1";
    let good: [(&str, &[&str]); 8] = [
        ("capitals", &["WEBSOCKET"]),
        ("mixed_case", &["WebSocket"]),
        ("last_of_a_list", &["h2c, websocket"]),
        ("first_of_a_list", &["websocket,h2c"]),
        ("among_empty_elements", &[",, websocket ,,"]),
        ("twice_in_a_list", &["websocket, websocket"]),
        ("second_line", &["h2c", "websocket"]),
        ("two_lines", &["websocket", "websocket"]),
    ];
    let bad: [(&str, &[&str]); 10] = [
        ("missing", &[]),
        ("empty", &[""]),
        ("other", &["h2c"]),
        ("prefix", &["websock"]),
        ("longer", &["websockets"]),
        ("quoted", &["\"websocket\""]),
        ("two_words", &["web socket"]),
        ("semicolons", &["h2c; websocket"]),
        ("version", &["websocket/13"]),
        ("spaces_instead_of_commas", &["h2c websocket"]),
    ];
    let case = |name: &str, values: &[&str], answer| {
        asking()
            .with("Upgrade", values)
            .answered(format!("upgrade/{name}"), SECTION, answer)
    };
    let good = good.map(|(name, values)| case(name, values, switched()));
    let bad =
        bad.map(|(name, values)| case(name, values, refused_with(426, "upgrade", "websocket")));
    good.into_iter().chain(bad).collect()
}

fn connections() -> Vec<RequestCase> {
    const SECTION: &str = "RFC 6455 section 4.2.1";
    let good: [(&str, &[&str]); 8] = [
        ("capitals", &["UPGRADE"]),
        ("lower_case", &["upgrade"]),
        ("as_firefox_sends_it", &["keep-alive, Upgrade"]),
        ("first_of_a_list", &["Upgrade,keep-alive"]),
        ("among_empty_elements", &[" , Upgrade,\t,"]),
        ("second_line", &["keep-alive", "Upgrade"]),
        ("two_lines", &["Upgrade", "Upgrade"]),
        ("with_close", &["Upgrade, close"]),
    ];
    let bad: [(&str, &[&str]); 8] = [
        ("missing", &[]),
        ("empty", &[""]),
        ("keep_alive", &["keep-alive"]),
        ("close", &["close"]),
        ("prefix", &["up"]),
        ("longer", &["upgraded"]),
        ("quoted", &["\"Upgrade\""]),
        ("spaces_instead_of_commas", &["keep-alive Upgrade"]),
    ];
    let case = |name: &str, values: &[&str], answer| {
        asking()
            .with("Connection", values)
            .answered(format!("connection/{name}"), SECTION, answer)
    };
    let good = good.map(|(name, values)| case(name, values, switched()));
    let bad =
        bad.map(|(name, values)| case(name, values, refused_with(426, "upgrade", "websocket")));
    good.into_iter().chain(bad).collect()
}

/// The server picks one that it speaks, or none; the client's spelling counts.
fn subprotocols() -> Vec<RequestCase> {
    const SECTION: &str = "RFC 6455 section 4.2.2";
    let case = |name: &str, values: &[&str], answer| {
        asking().with("Sec-WebSocket-Protocol", values).answered(
            format!("subprotocol/{name}"),
            SECTION,
            answer,
        )
    };
    let list = |elements: &[&str]| elements.join(", ");
    let chosen: [(&str, &[&str]); 6] = [
        ("served", &["ringwire.v1.json"]),
        ("served_after_another", &["chat, ringwire.v1.json"]),
        ("served_without_spaces", &["a,ringwire.v1.json,b"]),
        ("served_in_a_second_line", &["chat", "ringwire.v1.json"]),
        ("served_among_empty_elements", &[", ringwire.v1.json,,"]),
        (
            "beside_a_token_with_all_characters",
            &["!#$%&'*+-.^_`|~, ringwire.v1.json"],
        ),
    ];
    let declined: [(&str, &[&str]); 5] = [
        ("other", &["chat"]),
        ("several_others", &["chat, superchat"]),
        ("in_capitals", &["RINGWIRE.V1.JSON"]),
        ("longer", &["ringwire.v1.json2"]),
        ("shorter", &["ringwire.v1"]),
    ];
    let refusals: [(&str, &[&str]); 14] = [
        ("empty", &[""]),
        ("only_commas", &[", ,"]),
        ("twice_in_a_list", &["chat, chat"]),
        ("twice_in_two_lines", &["chat", "chat"]),
        ("served_twice", &["ringwire.v1.json, ringwire.v1.json"]),
        ("two_words", &["ring wire"]),
        ("slash", &["a/b"]),
        ("quoted", &["\"chat\""]),
        ("parenthesis", &["chat(1)"]),
        ("at_sign", &["chat@home"]),
        ("equals_sign", &["a=b"]),
        ("semicolon", &["chat; q=1"]),
        ("not_ascii", &["gr\u{fc}n"]),
        ("bad_one_after_a_served_one", &["ringwire.v1.json, a b"]),
    ];
    let mut cases: Vec<_> = chosen
        .into_iter()
        .map(|(name, values)| case(name, values, switched_to(Some(SUBPROTOCOL))))
        .collect();
    cases.extend(declined.map(|(name, values)| case(name, values, switched())));
    cases.extend(refusals.map(|(name, values)| case(name, values, refused(400))));
    let many: Vec<_> = (0..300).map(|number| format!("p{number}")).collect();
    let mut many: Vec<_> = many.iter().map(String::as_str).collect();
    many.push(SUBPROTOCOL);
    cases.push(case(
        "served_after_300_others",
        &[&list(&many)],
        switched_to(Some(SUBPROTOCOL)),
    ));
    many.push("p7");
    cases.push(case("one_of_300_twice", &[&list(&many)], refused(400)));
    cases
}

/// A token may ride in an entry of the list, and is never echoed.
fn tokens() -> Vec<RequestCase> {
    let case = |name: &str, values: &[&str], answer| {
        asking().with("Sec-WebSocket-Protocol", values).answered(
            format!("bearer/{name}"),
            "docs/protocol.md",
            answer,
        )
    };
    vec![
        case("alone", &["bearer.dG9rZW4"], switched()),
        case(
            "beside_a_served_one",
            &["bearer.dG9rZW4, ringwire.v1.json"],
            switched_to(Some(SUBPROTOCOL)),
        ),
        case("twice", &["bearer.dG9rZW4, bearer.dG9rZW4"], refused(400)),
        case("empty", &["bearer."], refused(400)),
        case("not_base64", &["bearer.+++"], refused(400)),
        case("control_character_inside", &["bearer.YQpi"], refused(400)),
    ]
}
