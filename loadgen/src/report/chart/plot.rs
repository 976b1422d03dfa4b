//! A frame with two axes, and the marks that are drawn into it.

use std::fmt::Write;

use maud::{Markup, html};

use super::scale::Scale;

/// Width and height of every drawing in its own units: one decimal of them is finer than any screen.
pub(super) const UNITS: f64 = 1000.0;

/// A frame: axes, grid, and what a screen reader says of it.
pub(in crate::report) struct Plot<'a> {
    /// What is drawn, in words.
    pub(in crate::report) label: &'a str,
    /// Decides the height.
    pub(in crate::report) class: &'a str,
    pub(in crate::report) across: &'a Scale,
    pub(in crate::report) upwards: &'a Scale,
}

impl Plot<'_> {
    /// The frame around `marks`, which are SVG, with `notes` in HTML on top.
    pub(in crate::report) fn around(&self, marks: Markup, notes: Markup) -> Markup {
        html! {
            div class={ "plot " (self.class) } {
                div.upwards {
                    @for tick in &self.upwards.ticks {
                        span style={ "bottom:" (percent(tick.at)) } { (tick.label) }
                    }
                }
                div.drawing {
                    svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label=(self.label) {
                        path.grid d=(self.grid()) {}
                        (marks)
                    }
                    (notes)
                    div.cursor {}
                }
                div.across {
                    @for tick in &self.across.ticks {
                        span.(tick.class()) style={ "left:" (percent(tick.at)) } { (tick.label) }
                    }
                }
            }
        }
    }

    fn grid(&self) -> String {
        let mut path = String::new();
        for tick in &self.upwards.ticks {
            let _ = write!(path, "M0 {}H1000", down(tick.at));
        }
        for tick in &self.across.ticks {
            let _ = write!(path, "M{} 0V1000", right(tick.at));
        }
        path
    }
}

/// A line from point to point.
pub(in crate::report) fn line(class: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Markup {
    let mut path = String::new();
    for (x, y) in points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{} {}", right(x), down(y));
    }
    html! { path class={ "line " (class) } d=(path) {} }
}

/// A line that is level over each span, for what was counted in it. A span without a value is a gap.
pub(in crate::report) fn steps(
    class: &str,
    spans: impl IntoIterator<Item = (f64, f64, Option<f64>)>,
) -> Markup {
    let mut path = String::new();
    let mut is_drawing = false;
    for (from, to, y) in spans {
        if let Some(y) = y {
            let start = if is_drawing { 'V' } else { 'M' };
            let _ = match start {
                'V' => write!(path, "V{}", down(y)),
                _ => write!(path, "M{} {}", right(from), down(y)),
            };
            let _ = write!(path, "H{}", right(to));
        }
        is_drawing = y.is_some();
    }
    html! { path class={ "line " (class) } d=(path) {} }
}

/// What is under such a line.
pub(in crate::report) fn area(
    class: &str,
    spans: impl IntoIterator<Item = (f64, f64, f64)>,
) -> Markup {
    let mut path = String::new();
    for (from, to, y) in spans {
        if path.is_empty() {
            let _ = write!(path, "M{} 1000", right(from));
        }
        let _ = write!(path, "V{}H{}", down(y), right(to));
    }
    if !path.is_empty() {
        path.push_str("V1000Z");
    }
    html! { path class={ "area " (class) } d=(path) {} }
}

/// A bar over each span that has something.
pub(in crate::report) fn bars(
    class: &str,
    spans: impl IntoIterator<Item = (f64, f64, f64)>,
) -> Markup {
    let mut path = String::new();
    for (from, to, y) in spans.into_iter().filter(|&(.., y)| y > 0.0) {
        let _ = write!(
            path,
            "M{} 1000V{}H{}V1000Z",
            right(from),
            down(y),
            right(to)
        );
    }
    html! { path class={ "area " (class) } d=(path) {} }
}

/// A round point. A line without length has round ends of its width, however the drawing is stretched.
pub(in crate::report) fn dot(class: &str, x: f64, y: f64, title: &str) -> Markup {
    html! {
        path class={ "dot " (class) } d={ "M" (right(x)) " " (down(y)) "h0" } { title { (title) } }
    }
}

/// The whole height from `from` to `to`.
pub(in crate::report) fn span(class: &str, from: f64, to: f64, title: &str) -> Markup {
    html! {
        rect class=(class) x=(right(from)) y="0" width=(number((to - from) * UNITS)) height="1000" {
            @if !title.is_empty() { title { (title) } }
        }
    }
}

/// As CSS has it.
pub(in crate::report) fn percent(part: f64) -> String {
    format!("{}%", number(part * 100.0))
}

fn right(x: f64) -> String {
    number(x * UNITS)
}

fn down(y: f64) -> String {
    number((1.0 - y) * UNITS)
}

/// Two decimals at most, and no zeros behind them.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}
