//! What is counted: each case makes its own world, warms it up, repeats one round, and checks that
//! the rounds did what they are counted for.
//!
//! Whoever counts runs a case twice, for so many rounds and for twice as many: the difference is that of
//! the rounds alone, whatever the start of the program and the making of the world cost.

mod broker;
mod frames;
mod turns;

/// One thing to count.
pub struct Case {
    /// `area/what`.
    pub name: &'static str,
    /// What a unit is.
    pub unit: &'static str,
    /// Units in one round.
    pub units: u32,
    /// Rounds that are enough: what happens every few hundred rounds should be in them.
    pub rounds: usize,
    /// Makes the world, warms it up, and runs so many rounds.
    pub run: fn(usize),
}

const fn case(
    name: &'static str,
    units: u32,
    unit: &'static str,
    rounds: usize,
    run: fn(usize),
) -> Case {
    Case {
        name,
        unit,
        units,
        rounds,
        run,
    }
}

/// Every case, the lowest layer first.
pub const CASES: &[Case] = &[
    case("frame/header", 1, "header", 1000, frames::header),
    case("frame/next", 16, "frame of 64 B", 200, frames::next),
    case("mask/64 B", 1, "payload", 1000, |rounds| {
        frames::unmask(64, rounds)
    }),
    case("mask/4 KiB", 1, "payload", 1000, |rounds| {
        frames::unmask(4096, rounds)
    }),
    case("utf8/64 B", 1, "payload", 1000, |rounds| {
        frames::utf8("a", 64, rounds)
    }),
    case("utf8/4 KiB", 1, "payload", 1000, |rounds| {
        frames::utf8("a", 4096, rounds)
    }),
    case("utf8/3 KiB of CJK", 1, "payload", 1000, |rounds| {
        frames::utf8("世", 3072, rounds)
    }),
    case("broker/nobody", 1, "publish", 1000, |rounds| {
        broker::publish(0, 0, rounds)
    }),
    case("broker/1", 1, "publish", 1000, |rounds| {
        broker::publish(1, 0, rounds)
    }),
    case(
        "broker/1, 1 KiB compressed",
        1,
        "publish",
        50,
        broker::publish_compressed,
    ),
    case(
        "broker/1 beside 100k topics",
        1,
        "publish",
        1000,
        |rounds| broker::publish(1, 100_000, rounds),
    ),
    case("broker/1000", 1000, "delivery", 50, |rounds| {
        broker::publish(1000, 0, rounds)
    }),
    case(
        "broker/up to date",
        1000,
        "gather of nothing",
        50,
        broker::gather_nothing,
    ),
    case("turn/nothing", 1, "turn", 1000, turns::nothing),
    case("turn/1 -> 1", 1, "publish", 500, |rounds| {
        turns::fan_out(1, 64, 1, rounds)
    }),
    case("turn/1 -> 100", 100, "delivery", 100, |rounds| {
        turns::fan_out(100, 64, 1, rounds)
    }),
    case("turn/1 -> 1000", 1000, "delivery", 20, |rounds| {
        turns::fan_out(1000, 64, 1, rounds)
    }),
    case("turn/1 -> 1, W=64", 64, "publish", 50, |rounds| {
        turns::fan_out(1, 64, 64, rounds)
    }),
    case("turn/1 -> 100, W=64", 6400, "delivery", 20, |rounds| {
        turns::fan_out(100, 64, 64, rounds)
    }),
    case("turn/1 -> 1, 16 KiB", 1, "publish", 200, |rounds| {
        turns::fan_out(1, 16 << 10, 1, rounds)
    }),
    case("turn/1000 topics x 1", 10, "publish", 200, turns::topics),
    case("turn/JSON, confirmed", 1, "publish", 300, turns::json),
    case("turn/POST", 1, "publish", 300, turns::post),
    case("turn/come and go", 1, "subscriber", 100, turns::come_and_go),
    case(
        "cores/nothing, one of 64",
        64,
        "turn",
        100,
        turns::nothing_on_64,
    ),
    case(
        "cores/1 -> 1, home elsewhere",
        1,
        "publish",
        300,
        |rounds| turns::two_cores(1, 1, rounds),
    ),
    case("cores/1 -> 2 x 500", 1, "publish", 20, |rounds| {
        turns::two_cores(500, 1, rounds)
    }),
    case("cores/1 -> 2 x 50, W=64", 64, "publish", 20, |rounds| {
        turns::two_cores(50, 64, rounds)
    }),
];
