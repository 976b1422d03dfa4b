//! Those of rows P that concern parsing and memory: names that are none, readers that do not read, buffers that are used again.

use crate::row::Attack::{Behaviour, Ours};
use crate::row::Row;

mod behaviour;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "P3",
        name: "topics of 64 KiB, and of thousands of levels",
        advisories: &["CVE-2019-11779", "CVE-2026-95844"],
        config: "",
        attack: Ours(
            behaviour::endless_topics,
            "an error, `bad_topic`; the connection lives",
        ),
    },
    Row {
        id: "P5",
        name: "topics with empty levels, control characters, marks of direction",
        advisories: &["CVE-2026-58213"],
        config: "",
        attack: Ours(
            behaviour::odd_topics,
            "an error, `bad_topic`; the connection lives",
        ),
    },
    Row {
        id: "P12",
        name: "subscribers that stop reading",
        advisories: &["RUSTSEC-2020-0043"],
        config: "[websocket]\nwrite_timeout = \"1m\"\n[io]\nsend_buffer_bytes = \"64KiB\"\n",
        attack: Ours(
            behaviour::stalled_subscribers,
            "4408 `slow_consumer`; the memory of one backlog, not one for each",
        ),
    },
    Row {
        id: "P13",
        name: "a subscriber that reads a byte now and then",
        advisories: &[],
        config: "[websocket]\nwrite_timeout = \"1s\"\n[io]\nsend_buffer_bytes = \"64KiB\"\n\
                 [topic_default]\non_lag = \"latest\"\n",
        attack: Ours(behaviour::dripping_reader, "ended, `write_timeout`"),
    },
    Row {
        id: "P30",
        name: "bytes of somebody else in buffers that are used again",
        advisories: &["CVE-2026-45736"],
        config: "[topic_default]\nmessages_max = 0\n",
        attack: Behaviour(
            behaviour::recycled_buffers,
            "everybody gets back exactly what they said",
        ),
    },
];
