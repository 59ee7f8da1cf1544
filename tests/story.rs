//! The story that `cargo xtask demo` tells. Its drills are tests of their own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use support::turn;
use xtask::demo::{Part, play_one, scenes};

#[test]
fn every_scene_goes_as_told() {
    let lab = turn();
    let story = scenes().filter(|scene| scene.part == Part::Story);
    let others: Vec<&str> = story.filter(|scene| !play_one(scene, &lab)).map(|scene| scene.name).collect();
    assert_eq!(others, Vec::<&str>::new(), "these scenes went otherwise; see above");
}

#[test]
fn the_story_has_the_scenes_of_the_main_job() {
    let story = scenes().filter(|scene| scene.part == Part::Story);
    let names: Vec<&str> = story.map(|scene| scene.name).collect();
    let told = ["complete", "no-start-role", "missing-flag", "other-project", "forged-token", "keycloak-stopped"];
    assert_eq!(names, told);
}
