//! What happened in the group, in sentences: the records of all peers, and what this peer told besides.
//! A click shows that moment on the ring.

use super::super::action::{Action, GroupAction};
use super::super::model::{Happening, HappeningKind, Model};
use super::super::text::{Says, Text};
use super::super::theme;
use super::super::widgets;
use super::activity;
use cardume::engine::trace::FaultKind;
use eframe::egui;
use egui::{Align, Color32, ScrollArea, Ui, pos2, vec2};

/// The height of a row.
const ROW: f32 = 24.0;
/// The width of the column with the names.
const NAME: f32 = 112.0;

/// Draws the time line with its heading into so much height, which scrolls by itself.
pub(crate) fn scrolled_ui(ui: &mut Ui, height: f32, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    widgets::heading_ui(ui, text.time_line);
    let height = (height - theme::FACT).max(3.0 * ROW);
    ScrollArea::vertical()
        .id_salt("time_line")
        .auto_shrink(false)
        .max_height(height)
        .min_scrolled_height(height)
        .show(ui, |ui| time_line_ui(ui, model, text, actions));
}

/// Draws the rows, the newest first; only those that are seen.
pub(crate) fn time_line_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let rows = &model.group.rows;
    if rows.is_empty() {
        widgets::weak_ui(ui, text.no_events);
        return;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    let top = ui.cursor().top();
    let clip = ui.clip_rect();
    let (mut above, mut below, mut y) = (0.0, 0.0, top);
    for row in rows.iter().rev() {
        if y + ROW < clip.top() {
            above += ROW;
        } else if y > clip.bottom() {
            below += ROW;
        } else {
            if above > 0.0 {
                ui.allocate_space(vec2(1.0, std::mem::take(&mut above)));
            }
            row_ui(ui, model, text, row, actions);
        }
        y += ROW;
    }
    ui.allocate_space(vec2(1.0, above + below));
}

fn row_ui(ui: &mut Ui, model: &Model, text: &Text, row: &Happening, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let (name, sentence) = sentence(model, text, row);
    let label = if name.is_empty() { sentence.clone() } else { [name.as_str(), sentence.as_str()].join(" ") };
    let (rect, response) = widgets::row_ui(ui, ROW, false, &label);
    if response.on_hover_text(text.of_group.time_line_tip).clicked() {
        actions.push(Action::Group(GroupAction::Seek(row.at_micros)));
    }
    let time = widgets::span(rect, rect.left() + 8.0, rect.left() + theme::TIME);
    let shown = crate::local_time::time_of_day(row.at_micros / 1_000);
    widgets::cell(ui, time, &shown, theme::small(), tokens.weak, Align::Min);
    let names = widgets::span(rect, rect.left() + theme::TIME + 4.0, rect.left() + theme::TIME + NAME);
    if let Some(peer) = row.peer.filter(|_| !name.is_empty()) {
        widgets::peer_cell(ui, names, model.hue(&peer.to_string()), &name, theme::strong());
    }
    let words = widgets::span(rect, names.right() + 8.0, rect.right() - 4.0);
    ui.painter().circle_filled(pos2(words.left() + 3.0, words.center().y), 3.0, color(ui, row));
    let words = widgets::span(words, words.left() + 14.0, words.right());
    widgets::cell(ui, words, &sentence, theme::body(), tokens.text, Align::Min);
}

/// Who, and what is said of them. What this peer tells of itself is a whole sentence.
fn sentence(model: &Model, text: &Text, row: &Happening) -> (String, String) {
    let words = text.of_group;
    let name = |peer| model.name_of(peer);
    let files;
    let other;
    let says = match &row.what {
        HappeningKind::Told(event) => return (String::new(), (text.event)(event)),
        HappeningKind::TimerExpired => Says::TimerExpired,
        HappeningKind::Asks(kind, epoch) => Says::Asks(*kind, *epoch),
        HappeningKind::Answered { by, kind, epoch, refusal } => {
            other = name(*by);
            Says::Answered { by: &other, kind: *kind, epoch: *epoch, refusal: *refusal }
        }
        HappeningKind::Tracker(epoch) => Says::Tracker(*epoch),
        HappeningKind::SteppedDown => Says::SteppedDown,
        HappeningKind::Follows(tracker, epoch) => {
            other = name(*tracker);
            Says::Follows(&other, *epoch)
        }
        HappeningKind::IndexComplete(count, of) => {
            files = text.number(*count);
            Says::IndexComplete(&files, *of)
        }
        HappeningKind::Fault(kind, began) => {
            other = if let FaultKind::Cut(peer) = kind { name(*peer) } else { String::new() };
            Says::Fault(*kind, *began, &other)
        }
    };
    (row.peer.map(name).unwrap_or_default(), (words.says)(&says))
}

fn color(ui: &Ui, row: &Happening) -> Color32 {
    let tokens = theme::tokens(ui);
    match &row.what {
        HappeningKind::Told(event) => activity::event_color(ui, &event.kind),
        HappeningKind::TimerExpired | HappeningKind::SteppedDown | HappeningKind::Fault(..) => tokens.warning,
        HappeningKind::Asks(..) => tokens.info,
        HappeningKind::Answered { refusal: Some(_), .. } => tokens.error,
        HappeningKind::Answered { .. } | HappeningKind::Tracker(_) | HappeningKind::IndexComplete(..) => {
            tokens.ok
        }
        HappeningKind::Follows(..) => tokens.line,
    }
}
