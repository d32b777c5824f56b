//! The running window: takes what came from the peer, draws the pages, carries out what follows.
//!
//! Invariant: the model is changed by [`reduce`] only.

use super::WindowOptions;
use super::action::{Action, ActivityAction, Page, SearchAction, Verb};
use super::bridge::{self, Bridge, Peer};
use super::keys::{go_behind_text, pressed_keys, select_text};
use super::log::feed;
use super::model::{Model, Welcome, ZOOMS};
use super::motion::MotionChoice;
use super::pace::Pace;
use super::reduce::{Effect, reduce, shows_log};
use super::system_fonts;
use super::text::Language;
use super::theme;
use super::theme_choice::ThemeChoice;
use super::views;
use eframe::egui;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The key of what is kept between two starts.
const SETTINGS: &str = "settings";

/// What is kept between two starts.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    language: Option<Language>,
    theme: ThemeChoice,
    page: Page,
    /// Whether the first start is over.
    #[serde(default)]
    welcomed: bool,
    zoom: Option<u16>,
    motion: MotionChoice,
}

/// The running window.
pub(crate) struct Shell<P: Peer> {
    pub(super) model: Model,
    bridge: Bridge<P>,
    pace: Pace,
    /// When frames are wanted, by the window's clock. The window system keeps only the next one, and forgets the
    /// others when it draws.
    wakes: BTreeSet<Duration>,
    keeps_settings: bool,
    may_close: bool,
}

impl<P: Peer> Shell<P> {
    /// The window as it opens, with what was kept from the last time.
    pub(super) fn from_creation(
        creation: &eframe::CreationContext<'_>,
        peer: P,
        runtime: tokio::runtime::Handle,
        options: &WindowOptions,
        stopped: Arc<AtomicBool>,
    ) -> Self {
        let kept = creation
            .storage
            .filter(|_| options.settings_file.is_some())
            .and_then(|storage| eframe::get_value::<Settings>(storage, SETTINGS))
            .unwrap_or_default();
        let system = || sys_locale::get_locale().map(|locale| Language::of_locale(&locale));
        let language = options.language.or(kept.language).or_else(system).unwrap_or_default();
        let theme = options.theme.unwrap_or(kept.theme);
        let mut shell = Self::new(&creation.egui_ctx, peer, runtime, language, theme, stopped);
        system_fonts::install(&creation.egui_ctx);
        shell.bridge.follow_desktop();
        shell.model.page = kept.page;
        shell.take(&creation.egui_ctx, Action::Motion(kept.motion));
        shell.bridge.desk.clone_from(&options.desk);
        let welcomes = options.welcomes && !kept.welcomed && shell.model.view.shares.is_empty();
        shell.model.welcome = welcomes.then(Welcome::default);
        if let Some(zoom) = kept.zoom.filter(|zoom| ZOOMS.contains(zoom)) {
            shell.model.zoom = zoom;
            shell.carry_out(&creation.egui_ctx, Effect::Zoom(zoom));
        }
        if let Some(link) = &options.link {
            shell.take(&creation.egui_ctx, Action::Do(Verb::Go(Page::Search)));
            shell.take(&creation.egui_ctx, Action::Search(SearchAction::Words(link.clone())));
        }
        if let Some([x, y]) = options.position {
            // Window managers may place a new window as they like; one that asks is moved.
            let place = egui::ViewportCommand::OuterPosition(egui::pos2(x, y));
            creation.egui_ctx.send_viewport_cmd_to(egui::ViewportId::ROOT, place);
        }
        shell.keeps_settings = options.settings_file.is_some();
        shell
    }

    /// The window as it opens for the first time.
    pub(crate) fn new(
        ctx: &egui::Context,
        peer: P,
        runtime: tokio::runtime::Handle,
        language: Language,
        theme: ThemeChoice,
        stopped: Arc<AtomicBool>,
    ) -> Self {
        theme::install(ctx);
        ctx.set_theme(theme);
        // The table of verbs has these keys.
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        let view = peer.views().borrow().clone();
        let mut model = Model::new(view, language, theme);
        model.home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
        let bridge = Bridge::new(peer, runtime, ctx.clone(), stopped);
        let mut shell = Self {
            model,
            bridge,
            pace: Pace::default(),
            wakes: BTreeSet::new(),
            keeps_settings: false,
            may_close: false,
        };
        shell.take(ctx, Action::Do(Verb::FocusSearch));
        shell.take(ctx, Action::ReducedMotion(super::motion::is_unwanted()));
        shell
    }

    /// Takes what came from the peer. Runs also while the window is hidden.
    pub(crate) fn logic(&mut self, ctx: &egui::Context) {
        let seconds = ctx.input(|input| input.time).max(0.0);
        self.model.now = Duration::try_from_secs_f64(seconds).unwrap_or(self.model.now);
        self.model.unix_micros = bridge::unix_micros();
        self.model.visible = ctx.input(|input| input.viewport().visible().unwrap_or(true));
        if let Some(view) = self.bridge.new_view() {
            self.take(ctx, Action::View(view));
        }
        for action in self.bridge.answers() {
            self.take(ctx, action);
        }
        feed().watch(shows_log(&self.model));
        let lines = feed().take();
        if !lines.is_empty() {
            self.take(ctx, Action::Activity(ActivityAction::Log(lines)));
        }
        self.take(ctx, Action::Tick);
        self.ask_for_next_frame(ctx);
        let closing = ctx.input(|input| input.viewport().close_requested());
        if closing && !self.may_close {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.take(ctx, Action::CloseRequested);
        }
    }

    /// Draws the window.
    pub(crate) fn ui(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        for action in pressed_keys(&ctx, &self.model).into_iter().chain(dropped_folders(&ctx)) {
            self.take(&ctx, action);
        }
        let actions = views::window_ui(ui, &self.model);
        for action in actions {
            self.take(&ctx, action);
            // What the person did shows in the next frame.
            ctx.request_repaint();
        }
        self.ask_for_next_frame(&ctx);
    }

    /// Asks for the next of the frames that are wanted.
    fn ask_for_next_frame(&mut self, ctx: &egui::Context) {
        self.wakes = self.wakes.split_off(&(self.model.now + Duration::from_nanos(1)));
        if let Some(next) = self.wakes.first() {
            ctx.request_repaint_after_for(next.saturating_sub(self.model.now), egui::ViewportId::ROOT);
        }
    }

    fn take(&mut self, ctx: &egui::Context, action: Action) {
        for effect in reduce(&mut self.model, action) {
            if let Some(effect) = self.bridge.carry_out(effect) {
                self.carry_out(ctx, effect);
            }
        }
    }

    fn carry_out(&mut self, ctx: &egui::Context, effect: Effect) {
        match effect {
            Effect::Copy(text) => ctx.copy_text(text),
            Effect::FocusSearch => {
                ctx.memory_mut(|memory| memory.request_focus(views::search_field()));
                go_behind_text(ctx, views::search_field(), &self.model.search.words);
            }
            Effect::SelectWords => select_text(ctx, views::search_field(), &self.model.search.words),
            Effect::Focus(field) => ctx.memory_mut(|memory| memory.request_focus(views::id_of(field))),
            Effect::Zoom(percent) => ctx.set_zoom_factor(f32::from(percent) / 100.0),
            Effect::WakeAfter(after) => {
                self.wakes.insert(self.model.now + after);
                ctx.request_repaint_after_for(after, egui::ViewportId::ROOT);
            }
            Effect::Theme(theme) => ctx.set_theme(theme),
            Effect::ComeForward => come_forward(ctx),
            Effect::Still(still) => theme::set_still(ctx, still),
            Effect::Close => {
                self.may_close = true;
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
            // Carried out by the bridge.
            Effect::Search { .. }
            | Effect::Command(..)
            | Effect::Commands(_)
            | Effect::PickFolder(_)
            | Effect::Desk(_)
            | Effect::StopPicking
            | Effect::Open(_)
            | Effect::Export { .. }
            | Effect::StopPeer => {}
        }
    }
}

impl<P: Peer> eframe::App for Shell<P> {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        Self::logic(self, ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        let own = frame.info().cpu_usage.and_then(|seconds| Duration::try_from_secs_f32(seconds).ok());
        self.model.group.frame_cost = self.pace.frame(own.unwrap_or_default());
        Self::ui(self, ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        if self.keeps_settings {
            let settings = Settings {
                language: Some(self.model.language),
                theme: self.model.theme,
                page: self.model.page,
                welcomed: self.model.welcome.is_none(),
                zoom: Some(self.model.zoom),
                motion: self.model.motion,
            };
            eframe::set_value(storage, SETTINGS, &settings);
        }
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
}

/// The folders that were dropped onto the window.
fn dropped_folders(ctx: &egui::Context) -> Option<Action> {
    let paths: Vec<PathBuf> =
        ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
    (!paths.is_empty()).then_some(Action::Share(paths))
}

/// Windows that may not take the focus ask for attention at least.
fn come_forward(ctx: &egui::Context) {
    use egui::{UserAttentionType, ViewportCommand, ViewportId};
    for command in [
        ViewportCommand::Minimized(false),
        ViewportCommand::Focus,
        ViewportCommand::RequestUserAttention(UserAttentionType::Informational),
    ] {
        ctx.send_viewport_cmd_to(ViewportId::ROOT, command);
    }
}
