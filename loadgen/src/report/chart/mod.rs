//! Pictures of figures: inline SVG that stretches to the page's width, with axes in HTML, so that their text keeps its size on a
//! telephone and can be selected. No script and no font is needed to see them.
//!
//! Coordinates in here run from 0 to 1, from left to right and from the bottom upwards.

mod heat;
mod plot;
mod scale;

pub(super) use self::heat::{Heat, legend};
pub(super) use self::plot::{Plot, area, bars, dot, line, span, steps};
pub(super) use self::scale::{Scale, short};
