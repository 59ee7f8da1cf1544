//! The main job told as a story: scene by scene, on a lab of its own.

/// The scenes.
mod scenes;
/// What a scene does and sees, printed and compared with what was told.
mod stage;

use crate::failure::Failure;
use crate::lab::{Lab, Options};
use crate::progress::{Progress, tell};
use crate::report;

pub use scenes::{SCENES, Scene};
use stage::Stage;
pub use stage::decision;

/// Plays the scenes on a fresh lab. Answers whether everything went as told.
///
/// # Errors
/// There is no scene called `only`, or the lab cannot be brought up or taken down.
pub fn play(options: &Options, only: Option<&str>, keep: bool, progress: &Progress) -> Result<bool, Failure> {
    let scenes: Vec<&Scene> = SCENES.iter().filter(|scene| only.is_none_or(|name| scene.name == name)).collect();
    if scenes.is_empty() {
        let names: Vec<&str> = SCENES.iter().map(|scene| scene.name).collect();
        return Err(Failure::new(
            format!("there is no scene `{}`", only.unwrap_or_default()),
            format!("use one of {}", names.join(", ")),
        ));
    }
    let lab = Lab::up(options, progress)?;
    let outcomes: Vec<(&Scene, bool)> = scenes.into_iter().map(|scene| (scene, play_one(scene, &lab))).collect();
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
