//! The question before joining a group.

use super::super::invite::{Invitation, Question};
use super::super::text::Language;
use super::super::theme;
use eframe::egui;
use egui::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

struct Asked {
    harness: Harness<'static, Invitation>,
    joined: Arc<AtomicBool>,
    tries: Arc<AtomicU32>,
}

/// The question in a window; joining fails with this, if with anything.
fn asked(language: Language, leaves_other: bool, problem: Option<&'static str>) -> Asked {
    let (joined, tries) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
    let counted = Arc::clone(&tries);
    let join = Box::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        problem.map_or(Ok(()), |problem| Err(problem.to_owned()))
    });
    let question = Question { names: "192.0.2.7:7734".to_owned(), leaves_other, join };
    let invitation = Invitation::new(question, language, Arc::clone(&joined));
    let mut harness = Harness::builder()
        .with_size([460.0, 340.0])
        .with_context_setup(theme::install)
        .build_ui_state(|ui, invitation: &mut Invitation| invitation.show(ui), invitation);
    harness.step();
    Asked { harness, joined, tries }
}

impl Asked {
    fn has(&self, label: &str) -> bool {
        self.harness.query_all_by_label_contains(label).next().is_some()
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_role_and_label(Role::Button, label).click();
        self.harness.step();
        self.harness.step();
    }

    fn outcome(&self) -> (u32, bool) {
        (self.tries.load(Ordering::Relaxed), self.joined.load(Ordering::Relaxed))
    }
}

#[test]
fn nothing_is_joined_before_the_person_says_so() {
    for language in Language::ALL {
        let mut asked = asked(language, false, None);
        assert!(asked.has("192.0.2.7:7734"));
        assert_eq!(asked.outcome(), (0, false));
        let join = if language == Language::English { "Join the group" } else { "Entrar no grupo" };
        asked.click(join);
        assert_eq!(asked.outcome(), (1, true));
    }
}

#[test]
fn not_now_joins_nothing() {
    let mut asked = asked(Language::English, false, None);
    asked.click("Not now");
    assert_eq!(asked.outcome(), (0, false));
}

#[test]
fn leaving_another_group_is_said_and_a_failure_too() {
    let mut asked = asked(Language::English, true, Some("the profile peer-1 is in use"));
    assert!(asked.has("belongs to another group"));
    asked.click("Leave the other group and join");
    assert_eq!(asked.outcome(), (1, false));
    assert!(asked.has("Could not join: the profile peer-1 is in use"));
}
