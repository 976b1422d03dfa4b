//! The page itself: the judges, the tables by section, the registries.

use std::fmt::Write as _;

use super::judges::{Autobahn, Judges, Peer, Verdicts};
use super::rows::{Count, Registry, Requirements, Row, Section};
use crate::mutants::Record;

const HEAD: &str = "\
# Conformance

<!-- Made by `cargo xtask requirements` from tests/conformance/requirements and the judges' results. Edit those. -->

What ringwire does with every byte that the WebSocket specifications allow, and with every byte that they forbid, is judged twice, and written down sentence by sentence.

- **[The Autobahn test suite](https://github.com/crossbario/autobahn-testsuite)**, the one that everybody else is measured with, runs against the server and against the client, over the same connection code that brokers messages.
- **[Our own suite](../tests/conformance)** asks what Autobahn never does: unmasked frames, lengths that are not minimal, reserved bits where nobody looks, codes and payloads of Close frames, opening handshakes, limits at -1, 0 and +1.
- **The tables below** take each sentence of the RFCs that binds an endpoint to the code that does it and to the test that fails when it is not done, or to the reason why there is none. A gate refuses a row whose code or test is gone.

";

const SCOPE: &str = "\
## Scope

RFC 6455 with its errata 3150, 3433 and 4398, and RFC 7692, over HTTP/1.1, for servers and clients.

**RFC 8441, WebSocket over HTTP/2, is out of scope for now.** It carries each WebSocket in one stream of a shared HTTP/2 connection. A message would then no longer leave as one send of bytes that all subscribers
share: each stream needs DATA frames of its own around them, and a flow-control window that one slow reader can hold shut. That is another data plane, and no client needs it: browsers open a WebSocket over HTTP/1.1 wherever a
server does not announce RFC 8441, and over TLS this server agrees to `http/1.1` alone (ALPN), so no client tries. RFC 9220, the same over HTTP/3, is out for the same reasons.

";

const TABLES: &str = "\
## The RFCs, sentence by sentence

*Level* is the sentence's own word; a small `must` is an obligation in lower case, in a grammar, or in an algorithm that a MUST introduces. *Binds* says whom. Requirements on those who write extensions, on intermediaries and on
the IANA are not listed: they bind no endpoint.

";

pub(super) fn render(requirements: &Requirements, judges: &Judges) -> String {
    let mut page = HEAD.to_owned();
    results(&mut page, requirements, judges);
    page.push_str(SCOPE);
    page.push_str(TABLES);
    for rfc in requirements.rfcs() {
        let _ = writeln!(page, "### RFC {rfc}\n");
        for section in requirements.sections(rfc) {
            section_table(&mut page, section);
        }
    }
    if !requirements.registries.is_empty() {
        page.push_str("## Registries\n\nThe registries of RFC 6455 section 11 as the IANA keeps them now, and what stands for each entry here.\n\n");
        for registry in &requirements.registries {
            registry_table(&mut page, registry);
        }
    }
    if let Some(autobahn) = &judges.autobahn {
        autobahn_table(&mut page, autobahn);
    }
    if let Some(mutants) = judges
        .mutants
        .as_ref()
        .filter(|mutants| !mutants.survivors.is_empty())
    {
        survivors(&mut page, mutants);
    }
    // One newline at the end, as every text file.
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// The small table of what the judges say.
fn results(page: &mut String, requirements: &Requirements, judges: &Judges) {
    page.push_str("| judge | of what | verdict |\n| --- | --- | --- |\n");
    if let Some(autobahn) = &judges.autobahn {
        autobahn_lines(page, autobahn);
    }
    if let Some(suite) = &judges.own_suite {
        for (of_what, score) in [
            ("the machines, without I/O", &suite.machine),
            ("a running broker", &suite.server),
        ] {
            let _ = writeln!(
                page,
                "| [our own suite](../tests/conformance) | {of_what}, {} cases | {} right |",
                score.cases, score.passed
            );
        }
    }
    if let Some(mutants) = &judges.mutants {
        for part in &mutants.parts {
            let _ = writeln!(
                page,
                "| [cargo-mutants](https://mutants.rs) | `{}`, {} mutants that compile | {} noticed by a test, {} not |",
                part.files,
                part.viable(),
                part.noticed(),
                part.missed
            );
        }
    }
    for rfc in requirements.rfcs() {
        let Count {
            rows,
            proved,
            reasoned,
        } = requirements.count(rfc);
        let _ = writeln!(
            page,
            "| [the table](#rfc-{rfc}) | RFC {rfc}, {rows} requirements | {proved} proved by a test, {reasoned} by a stated reason |"
        );
    }
    page.push('\n');
}

fn autobahn_lines(page: &mut String, autobahn: &Autobahn) {
    for peer in autobahn.peers.iter().filter(|peer| is_ours(peer)) {
        let _ = writeln!(
            page,
            "| [Autobahn {}](#autobahn-section-by-section) | {} over {}, {} cases | {} |",
            autobahn.suite.version,
            peer.role,
            peer.transport,
            peer.total.cases,
            in_words(&peer.total)
        );
    }
}

fn is_ours(peer: &Peer) -> bool {
    peer.name == "ringwire"
}

fn in_words(verdicts: &Verdicts) -> String {
    let mut words = format!("{} OK", verdicts.ok);
    for (count, name) in [
        (verdicts.informational, "informational"),
        (verdicts.non_strict, "non-strict"),
        (verdicts.unimplemented, "unimplemented"),
        (verdicts.failed, "failed"),
    ] {
        if count > 0 {
            let _ = write!(words, ", {count} {name}");
        }
    }
    words
}

/// One line for each section of the Autobahn suite, one column for each implementation, and what is
/// not right with which.
fn autobahn_table(page: &mut String, autobahn: &Autobahn) {
    page.push_str("## Autobahn, section by section\n\n");
    page.push_str("Three cases have no right answer (7.1.6, 7.13.1, 7.13.2): they are informational for everybody. Strict is what counts: `non-strict` is no pass.\n\n");
    let heads: Vec<String> = autobahn.peers.iter().map(head).collect();
    let rule = " --- |".repeat(heads.len() + 1);
    let _ = writeln!(page, "| section | {} |\n|{rule}", heads.join(" | "));
    let mut sections: Vec<&String> = autobahn
        .peers
        .iter()
        .flat_map(|peer| peer.sections.keys())
        .collect();
    sections.sort_by_key(|section| section.parse().unwrap_or(u32::MAX));
    sections.dedup();
    for section in sections {
        let cells: Vec<String> = autobahn
            .peers
            .iter()
            .map(|peer| {
                peer.sections
                    .get(section)
                    .map_or_else(String::new, in_words)
            })
            .collect();
        let _ = writeln!(page, "| {section} | {} |", cells.join(" | "));
    }
    let totals: Vec<String> = autobahn
        .peers
        .iter()
        .map(|peer| in_words(&peer.total))
        .collect();
    let _ = writeln!(page, "| all | {} |\n", totals.join(" | "));
    for peer in autobahn.peers.iter().filter(|peer| !peer.faults.is_empty()) {
        let faults: Vec<String> = peer
            .faults
            .iter()
            .map(|(case, verdict)| format!("{case} {verdict}"))
            .collect();
        let _ = writeln!(page, "{}: {}.\n", head(peer), faults.join(", "));
    }
}

fn head(peer: &Peer) -> String {
    format!(
        "{} {}, {} over {}",
        peer.name, peer.version, peer.role, peer.transport
    )
}

fn section_table(page: &mut String, section: &Section) {
    let _ = writeln!(
        page,
        "#### {} {}\n\n| | requirement | level | binds | code | proof |\n| --- | --- | --- | --- | --- | --- |",
        section.number, section.title
    );
    for (index, row) in section.rows.iter().enumerate() {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            index + 1,
            cell(&row.text),
            row.level.text(),
            row.binds.text(),
            links(&row.code),
            proof(row)
        );
    }
    page.push('\n');
}

fn proof(row: &Row) -> String {
    let reason = row.reason.as_deref().map(cell).unwrap_or_default();
    match (row.tests.is_empty(), reason.is_empty()) {
        (true, _) => format!("*{reason}*"),
        (false, true) => links(&row.tests),
        (false, false) => format!("{}<br>*{reason}*", links(&row.tests)),
    }
}

fn registry_table(page: &mut String, registry: &Registry) {
    let _ = writeln!(
        page,
        "### {} {}\n\n[Registry]({}). In {}; proved by {}.\n",
        registry.section,
        registry.title,
        registry.source,
        links(&registry.code).replace("<br>", ", "),
        links(&registry.tests).replace("<br>", ", ")
    );
    if let Some(note) = &registry.note {
        let _ = writeln!(page, "{note}\n");
    }
    let _ = writeln!(
        page,
        "| {} |\n|{}",
        registry.columns.join(" | "),
        " --- |".repeat(registry.columns.len())
    );
    for entry in &registry.entries {
        let cells: Vec<String> = entry.iter().map(|text| cell(text)).collect();
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
    page.push('\n');
}

fn survivors(page: &mut String, mutants: &Record) {
    page.push_str("## Mutants that survive\n\n");
    page.push_str("[cargo-mutants](https://mutants.rs) changes one thing at a time and runs the tests. These changes no test notices, for the reason beside them.\n\n");
    page.push_str("| mutant | why no test can notice it, or none should |\n| --- | --- |\n");
    for survivor in &mutants.survivors {
        let _ = writeln!(
            page,
            "| `{}` | {} |",
            cell(&survivor.mutant),
            cell(&survivor.why)
        );
    }
    page.push('\n');
}

/// Anchors as links, one a line of the cell.
fn links(anchors: &[String]) -> String {
    let links: Vec<String> = anchors
        .iter()
        .map(|anchor| {
            let (path, item) = anchor.split_once('#').unwrap_or((anchor, ""));
            let file = path.rsplit('/').next().unwrap_or(path);
            let shown = match item {
                "" => file.to_owned(),
                // A table of cases is known by its file as much as by its name.
                item if path.contains("/cases/") => {
                    format!("{}::{item}", file.trim_end_matches(".rs"))
                }
                item => item.to_owned(),
            };
            format!("[`{shown}`](../{path})")
        })
        .collect();
    links.join("<br>")
}

/// Text that cannot end its cell.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_a_line_with_its_number_links_and_reason() {
        let mut requirements = Requirements::default();
        requirements
            .add(
                r#"
                rfc = 6455
                [[section]]
                number = "5.1"
                title = "Overview"
                [[section.row]]
                text = "a client MUST mask | all frames"
                level = "MUST"
                binds = "client"
                code = ["crates/a.rs#Type::does"]
                tests = ["crates/t.rs#it_does"]
                [[section.row]]
                text = "x"
                level = "SHOULD NOT"
                binds = "both"
                reason = "because"
                "#,
            )
            .unwrap();
        let page = render(&requirements, &Judges::default());
        assert!(page.contains("| 1 | a client MUST mask \\| all frames | MUST | client | [`Type::does`](../crates/a.rs) | [`it_does`](../crates/t.rs) |"));
        assert!(page.contains("| 2 | x | SHOULD NOT | both |  | *because* |"));
        assert!(
            page.contains("RFC 6455, 2 requirements | 1 proved by a test, 1 by a stated reason")
        );
    }

    #[test]
    fn what_the_judges_found_stands_in_the_head_and_in_a_table() {
        let counts =
            "cases = 4, ok = 2, informational = 1, non_strict = 0, unimplemented = 0, failed = 1";
        let record = format!(
            "[suite]\nversion = \"25.10.1\"\n[[peers]]\nname = \"ringwire\"\nversion = \"0.1.0\"\nrole = \"server\"\n\
             transport = \"wss\"\ntotal = {{ {counts} }}\n[peers.sections]\n7 = {{ {counts} }}\n[peers.faults]\n\"7.1.1\" = \"failed\"\n"
        );
        let judges = Judges {
            autobahn: Some(toml::from_str(&record).unwrap()),
            own_suite: Some(
                toml::from_str("machine = { cases = 3, passed = 3 }\nserver = { cases = 2, passed = 1 }")
                    .unwrap(),
            ),
            mutants: Some(
                toml::from_str(
                    "[[part]]\nname = \"frame\"\nfiles = \"frame/*.rs\"\ncargo_mutants = \"1\"\nmutants = 11\ncaught = 7\ntimeout = 1\nunviable = 2\nmissed = 1\n\
                     [[survivor]]\npart = \"frame\"\nmutant = \"a | b\"\nwhy = \"equal\"\n",
                )
                .unwrap(),
            ),
        };
        let page = render(&Requirements::default(), &judges);
        for line in [
            "| [Autobahn 25.10.1](#autobahn-section-by-section) | server over wss, 4 cases | 2 OK, 1 informational, 1 failed |",
            "| 7 | 2 OK, 1 informational, 1 failed |",
            "| [our own suite](../tests/conformance) | a running broker, 2 cases | 1 right |",
            "ringwire 0.1.0, server over wss: 7.1.1 failed.",
            "| [cargo-mutants](https://mutants.rs) | `frame/*.rs`, 9 mutants that compile | 8 noticed by a test, 1 not |",
            "| `a \\| b` | equal |",
        ] {
            assert!(page.contains(line), "{line}\n{page}");
        }
    }
}
