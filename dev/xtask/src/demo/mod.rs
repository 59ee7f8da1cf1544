//! The main job told as a story, and what can happen to an identity under way: scene by scene, on a lab of its own.

/// What can happen to an identity while a workflow runs.
mod drills;
/// An execution's history in short.
mod outline;
/// One scene.
mod scene;
/// The scenes of the story.
mod scenes;
/// The stack's signing key in an administrator's hands.
mod signing;
/// What a scene does and sees, printed and compared with what was told.
mod stage;

use crate::failure::Failure;
use crate::lab::{Lab, Options};
use crate::progress::{Progress, tell};
use crate::report;

pub use scene::{Part, Scene};
use stage::Stage;
pub use stage::decision;

/// All scenes: the story, then the drills.
pub fn scenes() -> impl Iterator<Item = &'static Scene> {
    scenes::STORY.iter().chain(drills::DRILLS)
}

/// Plays the scene called `only`, or the story with the short drills, on a fresh lab. Answers whether everything went as
/// told.
///
/// # Errors
/// There is no scene called `only`, or the lab cannot be brought up or taken down.
pub fn play(options: &Options, only: Option<&str>, keep: bool, progress: &Progress) -> Result<bool, Failure> {
    let wanted = |scene: &&Scene| only.map_or(scene.part != Part::LongDrill, |name| scene.name == name);
    let wanted: Vec<&Scene> = scenes().filter(wanted).collect();
    if wanted.is_empty() {
        let names: Vec<&str> = scenes().map(|scene| scene.name).collect();
        return Err(Failure::new(
            format!("there is no scene `{}`", only.unwrap_or_default()),
            format!("use one of {}", names.join(", ")),
        ));
    }
    let lab = Lab::up(options, progress)?;
    let outcomes: Vec<(&Scene, bool)> = wanted.into_iter().map(|scene| (scene, play_one(scene, &lab))).collect();
    tell!("\n── the story in short ──");
    for (scene, as_told) in &outcomes {
        tell!("{} {:<18} {}", if *as_told { "✔" } else { "✘" }, scene.name, scene.title);
    }
    if keep {
        lab.keep();
        tell!("\n{}", report::usage(&lab));
    } else {
        let step = progress.step("take the lab down");
        lab.down()?;
        step.done("");
    }
    Ok(outcomes.iter().all(|(_, as_told)| *as_told))
}

/// Plays one scene on a lab that is up, and prints it. Answers whether it went as told.
pub fn play_one(scene: &Scene, lab: &Lab) -> bool {
    tell!("\n── {} · {} ──", scene.name, scene.title);
    let told = Stage::new(lab).and_then(|mut stage| {
        (scene.play)(&mut stage)?;
        Ok(stage.went_as_told())
    });
    match told {
        Ok(true) => {
            tell!("✔ as told");
            true
        }
        Ok(false) => {
            tell!("✘ not as told");
            false
        }
        Err(failure) => {
            tell!("✘ {failure}");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scene_names_are_unique() {
        let mut names: Vec<&str> = scenes().map(|scene| scene.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), scenes().count());
    }
}
