//! The rows that no release may fail, each against the real program, under the name of an advisory of its mistake.
//!
//! What a row sends and what must come of it stands in the catalogue; here is only which rows are the gate.

use ringwire_attacks::rows;
use ringwire_attacks::run::{Verdict, run};
use ringwire_attacks::target::Target;

/// Runs the row against a ringwire of its own.
fn assert_row_holds(id: &str) {
    let row = rows::find(id).expect("the gate names rows of the catalogue");
    let outcome = run(row, &Target::start(row.config, None));
    assert_eq!(outcome.verdict, Verdict::Passed, "{id} {}", row.name);
}

/// One test for each row of the gate.
macro_rules! gate {
    ($($test:ident $id:literal)*) => {
        $(#[test] fn $test() { assert_row_holds($id); })*
    };
}

gate! {
    cve_2026_59390_a_page_of_a_foreign_origin "H1"
    cve_2026_35589_null_and_repeated_origins "H2"
    cve_2026_85183_origins_that_look_like_an_allowed_one "H3"
    nats_2026_03_a_key_that_is_none "H8"
    cve_2026_69243_a_handshake_with_a_body "H9"
    cve_2026_2833_frames_before_the_answer "H10"
    cve_2023_43669_a_head_over_its_limit_at_once "H13"
    cve_2023_43669_a_head_over_its_limit_byte_by_byte "H14"
    cve_2024_37890_a_header_line_too_many "H15"
    cve_2020_13849_a_head_that_drips "H16"
    cve_2026_2229_parameters_that_cannot_be "H21"
    cve_2026_27889_cve_2020_13935_a_length_with_its_top_bit_set "F8"
    cve_2026_50161_cve_2026_1528_lengths_that_overflow "F9"
    rustsec_2022_0035_cve_2026_58210_declared_and_never_sent "F10"
    rfc_6455_5_2_a_length_in_too_many_bytes "F11"
    cve_2026_27571_the_last_fragment_is_too_much "F12"
    cve_2026_48779_cve_2026_12151_one_byte_fragments_without_end "F13"
    cve_2026_62389_empty_fragments_without_end "F14"
    cve_2026_123817_a_frame_in_one_byte_segments "F15"
    cve_2026_109932_pings_without_end "F16"
    cve_2026_27571_cve_2026_1526_a_bomb "C1"
    cve_2026_107227_a_bomb_in_fragments "C2"
    cve_2026_85024_malformed_data_behind_the_limit "C3"
    cve_2026_128131_payloads_that_are_no_deflate "C4"
    cve_2026_128131_blocks_that_make_nothing "C5"
    nats_2026_03_empty_compressed_messages "C6"
    rustsec_2024_0401_the_deepest_trees "C7"
    cve_2019_11779_cve_2026_95844_endless_topics "P3"
    cve_2026_58213_topics_that_end_a_line "P5"
    rustsec_2020_0043_subscribers_that_stop_reading "P12"
    nats_write_deadline_a_subscriber_that_reads_bytes "P13"
    cve_2026_45736_bytes_of_somebody_else "P30"
}
