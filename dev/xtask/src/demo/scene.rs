//! One scene: what it is called, where it belongs, and how it is played.

use super::stage::Stage;
use crate::failure::Failure;

/// One scene.
pub struct Scene {
    /// What `--scene` calls it.
    pub name: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// Where it belongs.
    pub part: Part,
    pub(super) play: fn(&mut Stage<'_>) -> Result<(), Failure>,
}

/// Where a scene belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The story of the main job.
    Story,
    /// A drill: something happens to an identity while a workflow runs. A short one is part of the demo.
    ShortDrill,
    /// A drill that takes its time, or takes parts of the lab away. It is played by name.
    LongDrill,
}
