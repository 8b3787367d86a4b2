//! Colours and sizes of pages and charts.
//!
//! A chart names inks; the page's style sheet, which holds the same names as variables, gives them
//! their colours. The table here is what the contrast test goes by.

/// What something in a chart is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ink {
    /// Grid lines.
    Grid = 1,
    /// Base lines.
    Axis = 2,
    /// Quiet text.
    Muted = 3,
    /// The baseline: dashed warm grey.
    Baseline = 4,
    /// The treatment: solid blue.
    Treatment = 5,
    /// Shaded stretches of time.
    Band = 6,
    /// What a claim allows.
    Allowed = 7,
    /// Stretches in which something was done to the system.
    Fault = 8,
}

impl Ink {
    /// All inks, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Grid,
        Self::Axis,
        Self::Muted,
        Self::Baseline,
        Self::Treatment,
        Self::Band,
        Self::Allowed,
        Self::Fault,
    ];

    /// Its name in CSS classes: `k-…` for strokes, `f-…` for fills, `t-…` for text.
    pub fn class(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Axis => "axis",
            Self::Muted => "muted",
            Self::Baseline => "a",
            Self::Treatment => "b",
            Self::Band => "band",
            Self::Allowed => "allowed",
            Self::Fault => "fault",
        }
    }

    /// The ink of an arm's line by its place.
    pub fn of_arm(place: usize) -> Self {
        if place == 0 { Self::Baseline } else { Self::Treatment }
    }
}

/// Size of labels in charts, px at a width of 1:1.
pub const LABEL_PX: f64 = 11.0;
/// Width of one of two charts side by side, px.
pub const HALF_PX: u32 = 560;
/// Room for the labels of the vertical axis, px: the same in all rows, so that their time axes agree.
pub const LEFT_PX: f64 = 60.0;
/// Most points of a line; more are thinned to the extremes of each column of pixels.
pub const MOST_POINTS: usize = 600;
/// About how many points of a line can be read out: one for every few pixels.
pub const READOUT_POINTS: usize = 180;
