//! The settings of the window itself.

use super::super::action::{Action, Page};
use super::super::fixtures::{FakePeer, typical_view};
use super::super::model::{Model, Section};
use super::super::motion::MotionChoice;
use super::super::reduce::{Effect, reduce};
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use super::Window;
use egui_kittest::kittest::Queryable as _;
use std::sync::Arc;

#[test]
fn motion_follows_the_system_unless_a_person_says_otherwise() {
    let mut model = Model::new(Arc::new(typical_view()), Language::English, ThemeChoice::Dark);
    let cases = [
        (MotionChoice::System, false, false),
        (MotionChoice::System, true, true),
        (MotionChoice::Reduced, false, true),
        (MotionChoice::Full, true, false),
    ];
    for (choice, system, still) in cases {
        reduce(&mut model, Action::Motion(choice));
        assert_eq!(reduce(&mut model, Action::ReducedMotion(system)), [Effect::Still(still)], "{choice:?}");
        assert_eq!(model.reduced_motion, still, "{choice:?} where the system says {system}");
    }
}

#[test]
fn the_switch_stands_among_the_settings_in_both_languages() {
    for language in Language::ALL {
        let text = language.text();
        let peer = FakePeer::new(typical_view(), Vec::new());
        let mut window = Window::open_as(peer, language, ThemeChoice::Light, [800.0, 600.0]);
        window.press_ctrl(eframe::egui::Key::Num5);
        assert_eq!(window.model().page, Page::Activity);
        let section = (text.activities.section)(Section::Settings);
        window.harness.get_by_label(section).click();
        window.harness.step();
        let switch = format!("{}: {}", text.activities.reduce_motion, text.activities.on);
        window.wait_for(&switch);
        window.harness.get_by_label(&switch).click();
        window.wait_until("stillness", |window| window.model().reduced_motion);
        assert_eq!(window.model().motion, MotionChoice::Reduced);
    }
}
