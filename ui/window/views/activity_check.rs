//! The connection check: what was tested, what failed, and the way to mend it.

use super::super::action::{Action, Verb};
use super::super::icon::Icon;
use super::super::model::Model;
use super::super::text::Text;
use super::super::theme::{self, Tokens};
use super::super::widgets;
use cardume::wire::check::{CheckReport, CheckTest, Verdict};
use eframe::egui;
use egui::{Color32, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};

/// Draws the connection check.
pub(crate) fn check_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let (check, words) = (&model.activity.check, &text.activities);
    let Some(report) = &check.report else {
        if check.running {
            widgets::weak_ui(ui, words.checking);
        } else {
            widgets::empty_ui(ui, Icon::Activity, words.no_check, words.check_hint, |ui| {
                widgets::primary_verb_button(ui, text, Verb::Check, actions);
            });
        }
        return;
    };
    ui.horizontal(|ui| {
        if check.running {
            widgets::weak_ui(ui, words.checking);
        } else {
            widgets::primary_verb_button(ui, text, Verb::Check, actions);
        }
        let count = |verdict| report.count(verdict);
        let (passed, warnings, failed) =
            (count(Verdict::Passed), count(Verdict::Warning), count(Verdict::Failed));
        let tokens = theme::tokens(ui);
        let worst = match (warnings, failed) {
            (_, 1..) => tokens.error,
            (1.., 0) => tokens.warning,
            (0, 0) => tokens.ok,
        };
        widgets::colored_ui(ui, &(words.check_count)(passed, warnings, failed), worst);
    });
    ui.add_space(theme::GRID);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| report_ui(ui, text, report));
}

/// What fails first, then what to look at, then the rest; each in the order of the tests.
fn report_ui(ui: &mut Ui, text: &Text, report: &CheckReport) {
    ui.spacing_mut().item_spacing.y = 2.0;
    for verdict in [Verdict::Failed, Verdict::Warning, Verdict::Passed, Verdict::Skipped] {
        for test in report.tests.iter().filter(|test| test.verdict == verdict) {
            test_ui(ui, text, test);
        }
    }
    ui.add_space(2.0 * theme::GRID);
}

fn test_ui(ui: &mut Ui, text: &Text, test: &CheckTest) {
    let tokens = theme::tokens(ui);
    let (icon, color) = look(tokens, test.verdict);
    let (message, advice) = ((text.activities.message)(test), (text.activities.advice)(test));
    let row = ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(24.0, theme::FACT), Sense::hover());
        icon.paint(ui, rect, color);
        ui.vertical(|ui| {
            ui.add_space(4.0);
            let words = if matches!(test.verdict, Verdict::Skipped) { tokens.weak } else { tokens.text };
            widgets::colored_ui(ui, &message, words);
            if !advice.is_empty() {
                widgets::weak_ui(ui, &advice);
                ui.add_space(4.0);
            }
        });
    });
    let label = format!("{}: {message}", (text.activities.verdict)(test.verdict));
    row.response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &label));
}

fn look(tokens: &Tokens, verdict: Verdict) -> (Icon, Color32) {
    match verdict {
        Verdict::Passed => (Icon::CheckCircle, tokens.ok),
        Verdict::Warning => (Icon::Warning, tokens.warning),
        Verdict::Failed => (Icon::Failed, tokens.error),
        Verdict::Skipped => (Icon::Minus, tokens.weak),
    }
}
