//! The members of the group as a table, with the fault drills of each.

use super::super::action::{Action, BrowseAction, GroupAction};
use super::super::menu::button_menu;
use super::super::model::Model;
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use cardume::wire::control::MemberState;
use eframe::egui;
use egui::{Align, Button, Rect, Ui, pos2, vec2};

/// Where the columns begin, as parts of the width: name, role, epoch, last contact, files, version,
/// address.
const COLUMNS: [f32; 8] = [0.0, 0.18, 0.33, 0.42, 0.58, 0.665, 0.775, 1.0];

fn column(rect: Rect, index: usize) -> Rect {
    let width = rect.width() - 2.0 * theme::CONTROL;
    let at = |index: usize| rect.left() + width * COLUMNS.get(index).copied().unwrap_or(1.0);
    Rect::from_min_max(pos2(at(index) + 8.0, rect.top()), pos2(at(index + 1) - 4.0, rect.bottom()))
}

/// Draws the table.
pub(crate) fn members_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let header = widgets::plain_row_ui(ui, 24.0, text.members);
    let names = [
        (text.column_member, Align::Min),
        (text.column_role, Align::Min),
        (text.of_group.column_epoch, Align::Max),
        (text.column_contact, Align::Min),
        (text.of_group.column_files, Align::Max),
        (text.of_group.column_version, Align::Max),
        (text.column_address, Align::Min),
    ];
    for (index, (name, align)) in names.into_iter().enumerate() {
        widgets::cell(ui, padded(column(header, index), align), name, theme::small(), tokens.weak, align);
    }
    widgets::hairline(ui);
    for member in model.view.members.iter() {
        member_ui(ui, model, text, member, actions);
    }
}

/// Figures end well before the next column's words.
fn padded(rect: Rect, align: Align) -> Rect {
    if align == Align::Max { widgets::span(rect, rect.left(), rect.right() - theme::GRID) } else { rect }
}

fn member_ui(ui: &mut Ui, model: &Model, text: &Text, member: &MemberState, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let role = role(model, text, member);
    let label = (text.row_member)(&member.peer.name, role);
    let rect = widgets::plain_row_ui(ui, theme::ROW, &label);
    if member.tracker {
        ui.painter().rect_filled(rect, theme::RADIUS, tokens.selected);
    }
    let hue = model.hue(&member.peer.peer_id);
    let name_rect = column(rect, 0);
    let used = widgets::peer_cell(ui, name_rect, hue, &member.peer.name, theme::strong());
    if member.me {
        let rest = widgets::span(name_rect, name_rect.left() + used + 6.0, name_rect.right());
        widgets::cell(ui, rest, text.me, theme::small(), tokens.weak, Align::Min);
    }
    let note = member.note.as_ref().filter(|_| member.me || member.connected);
    let (contact, contact_color) = match (member.me, member.cut, member.connected) {
        (true, ..) => (String::new(), tokens.weak),
        (_, true, _) => (text.of_group.link_cut.to_owned(), tokens.error),
        (.., false) => (text.not_connected.to_owned(), tokens.error),
        (.., true) => (contact(text, member.last_contact_millis), tokens.weak),
    };
    let role_color = if member.tracker { tokens.accent } else { tokens.text };
    let cells = [
        (1, role.to_owned(), role_color, Align::Min),
        (2, note.map(|note| note.epoch.to_string()).unwrap_or_default(), tokens.text, Align::Max),
        (3, contact, contact_color, Align::Min),
        (4, note.map(|note| text.number(note.files)).unwrap_or_default(), tokens.text, Align::Max),
        (5, note.map(|note| note.version.clone()).unwrap_or_default(), tokens.weak, Align::Max),
        (6, address(member), tokens.weak, Align::Min),
    ];
    for (index, words, color, align) in cells {
        widgets::cell(ui, padded(column(rect, index), align), &words, theme::body(), color, align);
    }
    browse_ui(ui, rect, text, member, actions);
    menu_ui(ui, rect, text, member, actions);
}

/// The address without what is the same for all.
fn address(member: &MemberState) -> String {
    let uri = member.peer.uri.as_str();
    uri.strip_prefix("wss://").unwrap_or(uri).trim_end_matches('/').to_owned()
}

/// What the member is, as far as it is known.
fn role<'a>(model: &'a Model, text: &'a Text, member: &'a MemberState) -> &'a str {
    let told = member.note.as_ref().filter(|_| member.connected).map(|note| note.role.as_str());
    match (member.tracker, member.me, told) {
        (_, true, _) => text.role(&model.view.status.role),
        (true, ..) => text.role_tracker,
        // One that still takes itself for the tracker is no tracker for this peer.
        (false, false, Some(role)) if role != "tracker" => text.role(role),
        _ if member.voter => text.voter,
        _ => text.guest,
    }
}

/// Looks into the member's folders.
fn browse_ui(ui: &mut Ui, row: Rect, text: &Text, member: &MemberState, actions: &mut Vec<Action>) {
    if !member.me && !member.connected {
        return;
    }
    let at = Rect::from_center_size(
        pos2(row.right() - 1.5 * theme::CONTROL, row.center().y),
        vec2(theme::CONTROL, theme::CONTROL),
    );
    let (label, id) = ((text.browsing.browse)(&member.peer.name), member.peer.peer_id.as_str());
    if widgets::icon_button_at(ui, at, ("browse", id), Icon::FolderOpen, &label).clicked() {
        let (peer, folder) = (id.to_owned(), String::new());
        actions.push(Action::Browse(BrowseAction::Open { peer, folder, file: None }));
    }
}

/// The drills of a member, behind a button at the end of its row.
fn menu_ui(ui: &mut Ui, row: Rect, text: &Text, member: &MemberState, actions: &mut Vec<Action>) {
    let words = text.of_group;
    let name = &member.peer.name;
    let at = Rect::from_center_size(
        pos2(row.right() - theme::CONTROL / 2.0, row.center().y),
        vec2(theme::CONTROL, theme::CONTROL),
    );
    let label = (words.drills_of)(name);
    let id = member.peer.peer_id.as_str();
    let button = widgets::icon_button_at(ui, at, ("drills", id), Icon::More, &label);
    button_menu(&button, |ui, menu| {
        if (member.me || member.connected) && menu.item(ui, Button::new((words.pause_peer)(name))) {
            actions.push(Action::Group(GroupAction::Pause(id.to_owned())));
        }
        if !member.me && menu.item(ui, Button::new((words.cut_link)(name))) {
            actions.push(Action::Group(GroupAction::Cut(id.to_owned())));
        }
    });
}

fn contact(text: &Text, millis: Option<u64>) -> String {
    match millis {
        None => text.never.to_owned(),
        Some(0..1_000) => text.just_now.to_owned(),
        Some(millis) => (text.ago)(millis / 1_000),
    }
}
