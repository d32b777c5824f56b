//! Menus that the keys reach: opened at a row by the menu key, walked through by the arrows.
//!
//! egui opens menus by the pointer, and its arrows go to whatever is nearest on the screen, be it under the menu.

use eframe::egui;
use egui::{
    Context, EventFilter, Id, Key, Modifiers, Popup, Pos2, Response, SetOpenCommand, Ui, Widget, vec2,
};

/// Where a menu opens by a key: from the row's lower left corner, so that the row is still read.
const INDENT: egui::Vec2 = vec2(48.0, -4.0);

/// The entries of an open menu, in their order.
#[derive(Debug, Default)]
pub(crate) struct Menu {
    items: Vec<Id>,
}

impl Menu {
    /// Draws an entry; whether it was chosen, and then the menu closes.
    pub(crate) fn item(&mut self, ui: &mut Ui, button: impl Widget) -> bool {
        let response = ui.add(button);
        self.join(ui, &response);
        let chosen = response.clicked();
        if chosen {
            ui.close();
        }
        chosen
    }

    /// Counts something that was drawn otherwise among the entries.
    pub(crate) fn join(&mut self, ui: &Ui, response: &Response) {
        let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        self.items.push(response.id);
    }

    /// The arrows go round; a menu that a key opened begins at its first entry.
    fn keys(&self, ui: &Ui, opened_by_key: Id) {
        if ui.is_sizing_pass() {
            return;
        }
        let Some(first) = self.items.first() else { return };
        if ui.data_mut(|data| data.remove_temp::<bool>(opened_by_key)).is_some() {
            ui.memory_mut(|memory| memory.request_focus(*first));
            return;
        }
        let pressed = |key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
        let (down, up) = (pressed(Key::ArrowDown), pressed(Key::ArrowUp));
        let count = self.items.len();
        let focused = ui.memory(egui::Memory::focused);
        let at = focused.and_then(|id| self.items.iter().position(|item| *item == id));
        let goal = match at {
            _ if down == up => return,
            Some(at) => (at + down + count * up - up) % count,
            None if down > up => 0,
            None => count - 1,
        };
        if let Some(item) = self.items.get(goal) {
            ui.memory_mut(|memory| memory.request_focus(*item));
        }
    }
}

/// The menu of a row: by the secondary button, or now at the row if `asked` by a key.
pub(crate) fn context_menu(response: &Response, asked: bool, content: impl FnOnce(&mut Ui, &mut Menu)) {
    let id = Popup::default_response_id(response);
    let place = id.with("opened_at");
    let mut popup = Popup::context_menu(response);
    if asked {
        let corner = response.rect.left_bottom() + INDENT;
        response.ctx.data_mut(|data| data.insert_temp(place, corner));
        mark(&response.ctx, id);
        popup = popup.open_memory(SetOpenCommand::Bool(true));
    } else if response.secondary_clicked() {
        response.ctx.data_mut(|data| data.remove_temp::<Pos2>(place));
    }
    if let Some(corner) = response.ctx.data(|data| data.get_temp::<Pos2>(place)) {
        popup = popup.at_position(corner);
    }
    popup.show(|ui| show(ui, id, content));
}

/// The menu of a button.
pub(crate) fn button_menu(button: &Response, content: impl FnOnce(&mut Ui, &mut Menu)) {
    let id = Popup::default_response_id(button);
    let by_key = button.clicked() && button.ctx.input(|input| !input.pointer.any_released());
    if by_key {
        mark(&button.ctx, id);
    }
    Popup::menu(button).show(|ui| show(ui, id, content));
}

fn mark(ctx: &Context, id: Id) {
    ctx.data_mut(|data| data.insert_temp(id.with("opened_by_key"), true));
}

fn show(ui: &mut Ui, id: Id, content: impl FnOnce(&mut Ui, &mut Menu)) {
    let mut menu = Menu::default();
    content(ui, &mut menu);
    menu.keys(ui, id.with("opened_by_key"));
}
