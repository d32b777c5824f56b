//! The question before joining a group, as a small window of its own: there is no peer yet.
//!
//! Invariant: nothing is joined before the person says so. Absent on purpose: how one joins; the caller
//! gives it.

use super::text::{InviteText, Language};
use super::{logo, theme, widgets};
use eframe::egui;
use egui::{Key, Sense, Ui, vec2};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Width and height: the longest sentences of both languages fit.
const SIZE: [f32; 2] = [460.0, 340.0];

/// What is asked.
pub(crate) struct Question {
    /// Where the group's name services are.
    pub names: String,
    /// Whether another group is left by joining.
    pub leaves_other: bool,
    /// Joins, or says why not.
    pub join: Box<dyn FnMut() -> Result<(), String>>,
}

/// The window that asks.
pub(super) struct Invitation {
    question: Question,
    text: &'static InviteText,
    problem: Option<String>,
    joined: Arc<AtomicBool>,
}

/// Asks, and says whether the group was joined. Must be called on the main thread.
///
/// # Errors
/// There is no display, or it gives no window.
pub(crate) fn ask(question: Question) -> anyhow::Result<bool> {
    let joined = Arc::new(AtomicBool::new(false));
    let tells = Arc::clone(&joined);
    let viewport = egui::ViewportBuilder::default()
        .with_title("Cardume")
        .with_app_id("cardume")
        .with_icon(logo::icon())
        .with_inner_size(SIZE)
        .with_resizable(false);
    let native = eframe::NativeOptions {
        viewport,
        system_font_fallback: false,
        persist_window: false,
        centered: true,
        ..Default::default()
    };
    let language = sys_locale::get_locale().map(|locale| Language::of_locale(&locale)).unwrap_or_default();
    let made = move |creation: &eframe::CreationContext<'_>| {
        theme::install(&creation.egui_ctx);
        Ok(Box::new(Invitation::new(question, language, tells)) as Box<dyn eframe::App>)
    };
    eframe::run_native("Cardume", native, Box::new(made))
        .map_err(|error| anyhow::anyhow!("cannot open a window: {error}. Use `cardume join LINK`"))?;
    Ok(joined.load(Ordering::Relaxed))
}

impl Invitation {
    pub(super) fn new(question: Question, language: Language, joined: Arc<AtomicBool>) -> Self {
        Self { question, text: InviteText::of(language), problem: None, joined }
    }

    /// Draws the question.
    pub(super) fn show(&mut self, ui: &mut Ui) {
        let tokens = theme::tokens(ui);
        egui::CentralPanel::no_frame().frame(theme::page_frame(tokens)).show(ui, |ui| self.question_ui(ui));
    }

    fn question_ui(&mut self, ui: &mut Ui) {
        let tokens = theme::tokens(ui);
        let text = self.text;
        let (rect, _) = ui.allocate_exact_size(vec2(56.0, 56.0), Sense::hover());
        logo::paint(ui, rect);
        widgets::title_ui(ui, text.title);
        widgets::weak_ui(ui, text.meaning);
        widgets::weak_ui(ui, &(text.names)(&self.question.names));
        if self.question.leaves_other {
            widgets::colored_ui(ui, text.leaves_other, tokens.warning);
        }
        if let Some(problem) = &self.problem {
            widgets::colored_ui(ui, &(text.failed)(problem), tokens.error);
        }
        ui.add_space(theme::GRID);
        ui.horizontal(|ui| {
            let join = if self.question.leaves_other { text.join_and_leave } else { text.join };
            if widgets::primary_button(ui, join).clicked() {
                match (self.question.join)() {
                    Ok(()) => {
                        self.joined.store(true, Ordering::Relaxed);
                        ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
                    }
                    Err(why) => self.problem = Some(why),
                }
            }
            let escape = ui.input(|input| input.key_pressed(Key::Escape));
            if widgets::button(ui, text.not_now).clicked() || escape {
                ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
            }
        });
    }
}

impl eframe::App for Invitation {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
}
