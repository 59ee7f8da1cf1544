//! The story that `cargo xtask demo` tells.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use support::turn;
use xtask::demo::{SCENES, play_one};

#[test]
fn every_scene_goes_as_told() {
    let lab = turn();
    let others: Vec<&str> = SCENES.iter().filter(|scene| !play_one(scene, &lab)).map(|scene| scene.name).collect();
    assert_eq!(others, Vec::<&str>::new(), "these scenes went otherwise; see above");
}

#[test]
fn the_story_has_the_scenes_of_the_main_job() {
    let names: Vec<&str> = SCENES.iter().map(|scene| scene.name).collect();
    for told in ["complete", "no-start-role", "missing-flag", "other-project", "forged-token", "keycloak-stopped"] {
        assert!(names.contains(&told), "{told} is not among {names:?}");
    }
}
