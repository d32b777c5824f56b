//! The window by role and label, without a display; and its reducer.

mod activity;
mod browse;
mod frame_cost;
mod group;
mod invite;
mod library;
mod menus;
mod orders;
mod pages;
mod paths;
mod quiet;
mod reducer;
mod search;
mod search_reducer;
mod settings;
mod transfers;

use super::bridge::Peer;
use super::fixtures::FakePeer;
use super::model::Model;
use super::shell::Shell;
use super::text::Language;
use super::theme;
use super::theme_choice::ThemeChoice;
use cardume::node::{Command, CommandError, Reply, View};
use eframe::egui;
use egui::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;

impl Peer for FakePeer {
    fn command(&self, command: Command) -> impl Future<Output = Result<Reply, CommandError>> + Send {
        std::future::ready(self.answer(command))
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        self.pictures()
    }
}

/// A window in memory, with the runtime that its commands run on.
struct Window {
    harness: Harness<'static, Option<Shell<FakePeer>>>,
    peer: FakePeer,
    _runtime: Runtime,
}

/// How often a condition is looked at before the test gives up: with the pause, ten seconds.
const MOST_LOOKS: usize = 1_000;
/// Between two looks: the answer comes from another thread.
const PAUSE: Duration = Duration::from_millis(10);

impl Window {
    fn open(peer: FakePeer) -> Self {
        Self::open_as(peer, Language::English, ThemeChoice::Dark, [1_280.0, 800.0])
    }

    fn open_as(peer: FakePeer, language: Language, theme: ThemeChoice, size: [f32; 2]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .expect("a runtime for the test");
        let (made, handle) = (peer.clone(), runtime.handle().clone());
        let draw = move |ui: &mut egui::Ui, shell: &mut Option<Shell<FakePeer>>| {
            let ctx = ui.ctx().clone();
            let shell = shell.get_or_insert_with(|| {
                Shell::new(&ctx, made.clone(), handle.clone(), language, theme, Arc::default())
            });
            shell.logic(&ctx);
            shell.ui(ui);
        };
        let harness = Harness::builder()
            .with_size(size)
            .with_max_steps(64)
            .with_context_setup(theme::install)
            .build_ui_state(draw, None);
        let mut window = Self { harness, peer, _runtime: runtime };
        window.harness.step();
        window
    }

    /// Draws until this text is there.
    fn wait_for(&mut self, label: &str) {
        self.wait_until(label, |window| window.has(label));
    }

    /// Draws until this is so.
    fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        for _ in 0..MOST_LOOKS {
            self.harness.step();
            if is_so(self) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        panic!("never came: {what}. There is:\n{:?}", self.harness.root());
    }

    /// Whether there is something with a label or a value that contains this.
    fn has(&self, label: &str) -> bool {
        self.harness.query_all_by_label_contains(label).next().is_some()
    }

    /// Clicks the button with this label.
    fn click(&mut self, role: Role, label: &str) {
        self.harness.get_by_role_and_label(role, label).click();
        self.harness.step();
        self.harness.step();
    }

    /// Presses a key with Ctrl.
    fn press_ctrl(&mut self, key: egui::Key) {
        self.harness.key_press_modifiers(egui::Modifiers::COMMAND, key);
        self.harness.step();
        self.harness.step();
    }

    fn press(&mut self, key: egui::Key) {
        self.harness.key_press(key);
        self.harness.step();
        self.harness.step();
    }

    fn type_text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.harness.step();
    }

    /// The label of the row that contains this.
    fn row_with(&self, part: &str) -> String {
        self.rows().into_iter().find(|row| row.contains(part)).unwrap_or_default()
    }

    /// The window's state.
    fn model(&self) -> &Model {
        &self.harness.state().as_ref().expect("an open window").model
    }

    /// The labels of all rows.
    fn rows(&self) -> Vec<String> {
        self.harness
            .query_all_by_role(Role::ListItem)
            .filter_map(|row| row.accesskit_node().label())
            .collect()
    }
}
