//! What happened when: one drawing below the other over the same time, so that a stall is seen to be the same in all of them.

use maud::{Markup, html};

use super::super::Report;
use super::super::chart::{Heat, Plot, Scale, area, bars, legend, short, span, steps};
use super::super::timeline::{Interval, Timeline};
use super::words::duration;
use crate::quantity::grouped;

/// Lower ends of the axis of reach: the highest that all values are above.
const REACH_FLOORS: [f64; 5] = [0.999, 0.99, 0.9, 0.5, 0.0];

/// A phase that takes a smaller part of the width has no room for its name.
const PHASE_NAMED_MIN: f64 = 0.07;

/// What stands above a drawing.
struct Caption<'a> {
    title: &'a str,
    about: &'a str,
    /// What the lines are, if there are several.
    key: Markup,
}

/// A timeline, and where each of its intervals lies in a drawing.
struct Strip<'a> {
    timeline: &'a Timeline,
    time: Scale,
}

pub(super) fn section(report: &Report) -> Markup {
    let timeline = &report.timeline;
    if timeline.intervals.is_empty() {
        return html! {};
    }
    let strip = Strip::new(timeline);
    html! {
        section.over-time {
            h2 { "What happened when" }
            p.about {
                "Time runs from the first publish to the end of draining, in intervals of " (short(timeline.interval_seconds))
                " s; what lies outside of the measured window is veiled."
            }
            p.readout hidden {}
            (strip.phases())
            (strip.heat_map())
            @if !report.is_idle() {
                (strip.deliveries())
                (strip.publishes())
                (strip.reach())
            }
            (strip.connections())
            (strip.troubles())
        }
    }
}

impl<'a> Caption<'a> {
    /// Of a drawing with one thing in it.
    fn of(title: &'a str, about: &'a str) -> Caption<'a> {
        Caption {
            title,
            about,
            key: html! {},
        }
    }
}

impl<'a> Strip<'a> {
    fn new(timeline: &'a Timeline) -> Strip<'a> {
        let time = Scale::time(timeline.length_seconds());
        Strip { timeline, time }
    }

    /// Where each interval begins and ends in the drawing.
    fn spans(&self) -> impl Iterator<Item = (f64, f64, &Interval)> {
        let place = |(from, until, interval)| (self.time.at(from), self.time.at(until), interval);
        self.timeline.spans().map(place)
    }

    /// Where each interval lies, with what was counted in it, for each second.
    fn per_second(&self, of: fn(&Interval) -> u64) -> Vec<(f64, f64, f64)> {
        // The last interval is cut where draining ended: what is in its few milliseconds is no rate.
        let shortest = self.timeline.interval_seconds.max(f64::MIN_POSITIVE);
        let rate = |(from, until, interval): (f64, f64, &Interval)| {
            let seconds = (until - from).max(shortest);
            (
                self.time.at(from),
                self.time.at(until),
                of(interval) as f64 / seconds,
            )
        };
        self.timeline.spans().map(rate).collect()
    }

    fn window(&self) -> (f64, f64) {
        (
            self.time.at(self.timeline.measured_from_seconds),
            self.time.at(self.timeline.measured_until_seconds),
        )
    }

    fn phases(&self) -> Markup {
        let (from, until) = self.window();
        html! {
            div.phases aria-hidden="true" {
                @for (name, from, to) in [("warm-up", 0.0, from), ("measured", from, until), ("draining", until, 1.0)] {
                    @if to > from {
                        span.(name) title=(name) style={ "left:" (format!("{:.2}%", from * 100.0)) ";width:" (format!("{:.2}%", (to - from) * 100.0)) } { @if to - from > PHASE_NAMED_MIN { (name) } }
                    }
                }
            }
        }
    }

    /// A frame over this time, veiled where nothing was measured.
    fn framed(&self, caption: Caption, class: &str, upwards: &Scale, marks: Markup) -> Markup {
        let (from, until) = self.window();
        let frame = Plot {
            label: caption.title,
            class: &format!("time {class}"),
            across: &self.time,
            upwards,
        };
        html! {
            figure {
                figcaption { span { strong { (caption.title) } " " (caption.about) } (caption.key) }
                (frame.around(html! {
                    (marks)
                    @if from > 0.0 { (span("veil", 0.0, from, "warm-up")) }
                    @if until < 1.0 { (span("veil", until, 1.0, "draining")) }
                }, html! {}))
            }
        }
    }

    fn heat_map(&self) -> Markup {
        let cells = self
            .timeline
            .intervals
            .iter()
            .map(|interval| &interval.heat[..]);
        let Some(heat) = Heat::of(cells) else {
            return html! {};
        };
        let upwards = heat.scale();
        let columns: Vec<_> = self.spans().map(|(from, to, _)| (from, to)).collect();
        let percentile = |of: fn(&Interval) -> u64| {
            self.spans().map(move |(from, to, interval)| {
                (
                    from,
                    to,
                    (interval.latency.count > 0).then(|| of(interval) as f64),
                )
            })
        };
        let line = |class: &str, of: fn(&Interval) -> u64| {
            let place =
                |(from, to, ns): (f64, f64, Option<f64>)| (from, to, ns.map(|ns| upwards.at(ns)));
            steps(class, percentile(of).map(place))
        };
        let marks = html! {
            (heat.cells(&columns))
            @for (class, of) in [("p50", (|interval| interval.latency.p50_ns) as fn(&Interval) -> u64), ("p99", |interval| interval.latency.p99_ns)] {
                (line(&format!("halo {class}"), of))
                (line(class, of))
            }
            @for (from, to, interval) in self.spans() {
                (span("hit", from, to, &column_title(interval)))
            }
        };
        let caption = Caption {
            title: "Latency",
            about: "of what arrived in each interval; colour is the number of deliveries, each step the same factor.",
            key: html! { span.key { span { i.stroke.p50 {} "p50" } span { i.stroke.p99 {} "p99" } } },
        };
        html! {
            (self.framed(caption, "tall", &upwards, marks))
            (legend(heat.largest()))
        }
    }

    fn deliveries(&self) -> Markup {
        let arrived = self.per_second(|interval| interval.deliveries);
        let due = self.per_second(|interval| interval.expected);
        let upwards = Scale::rates(highest(&arrived).max(highest(&due)));
        let place = |&(from, until, rate): &(f64, f64, f64)| (from, until, upwards.at(rate));
        let marks = html! {
            (area("s0", arrived.iter().map(place)))
            (steps("expected", due.iter().map(place).map(|(from, until, y)| (from, until, Some(y)))))
        };
        let caption = Caption {
            title: "Deliveries per second",
            about: "as they arrived, and as the messages sent in the interval should come to.",
            key: html! { span.key { span { i.block.s0 {} "arrived" } span { i.stroke.expected {} "due" } } },
        };
        self.framed(caption, "", &upwards, marks)
    }

    fn publishes(&self) -> Markup {
        let published = self.per_second(|interval| interval.publishes);
        let upwards = Scale::rates(highest(&published));
        let marks = area(
            "s1",
            published
                .iter()
                .map(|&(from, until, rate)| (from, until, upwards.at(rate))),
        );
        let caption = Caption::of(
            "Publishes per second",
            "handed to the kernel by all publishers.",
        );
        self.framed(caption, "low", &upwards, marks)
    }

    fn reach(&self) -> Markup {
        let reach = |interval: &Interval| {
            (interval.expected > 0).then(|| interval.received as f64 / interval.expected as f64)
        };
        let lowest = self
            .spans()
            .filter_map(|(.., interval)| reach(interval))
            .fold(1.0, f64::min);
        let floor = REACH_FLOORS
            .into_iter()
            .find(|&floor| lowest >= floor)
            .unwrap_or(0.0);
        let upwards = Scale::linear(floor, 1.0, 2, |part| format!("{} %", short(part * 100.0)));
        let marks = steps(
            "s2",
            self.spans().map(|(from, to, interval)| {
                (from, to, reach(interval).map(|part| upwards.at(part)))
            }),
        );
        self.framed(Caption::of("Reach", "of the deliveries due to messages sent in the interval, the part that arrived, whenever it did."), "low", &upwards, marks)
    }

    fn connections(&self) -> Markup {
        let most = self
            .timeline
            .intervals
            .iter()
            .map(|interval| interval.connections)
            .max()
            .unwrap_or(0);
        let upwards = Scale::rates(most as f64);
        let marks = steps(
            "s3",
            self.spans().map(|(from, to, interval)| {
                (from, to, Some(upwards.at(interval.connections as f64)))
            }),
        );
        self.framed(
            Caption::of("Connections", "standing at the end of the interval."),
            "low",
            &upwards,
            marks,
        )
    }

    /// Only where there were any.
    fn troubles(&self) -> Markup {
        let bar = |title: &str, about: &str, of: fn(&Interval) -> u64| {
            let most = self.timeline.intervals.iter().map(of).max().unwrap_or(0);
            let upwards = Scale::rates(most as f64);
            let marks = bars(
                "trouble",
                self.spans()
                    .map(|(from, to, interval)| (from, to, upwards.at(of(interval) as f64))),
            );
            html! { @if most > 0 { (self.framed(Caption::of(title, about), "low", &upwards, marks)) } }
        };
        html! {
            (bar("Errors", "duplicated, reordered, corrupted, misrouted and never sent messages.", |interval| interval.errors))
            (bar("Late messages", "that left the generator too long after their time: what they took longer is the tool's.", |interval| interval.late))
        }
    }
}

fn highest(rates: &[(f64, f64, f64)]) -> f64 {
    rates.iter().map(|&(.., rate)| rate).fold(0.0, f64::max)
}

fn column_title(interval: &Interval) -> String {
    let latency = &interval.latency;
    let figures = [
        ("p50", latency.p50_ns),
        ("p99", latency.p99_ns),
        ("max", latency.max_ns),
    ]
    .map(|(name, ns)| format!("{name} {}", duration(ns as f64)));
    format!(
        "at {} s: {} deliveries, {}",
        short(interval.at_seconds),
        grouped(latency.count),
        figures.join(", ")
    )
}
