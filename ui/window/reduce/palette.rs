//! What follows in the palette.

use super::super::action::{Action, PaletteAction, SearchAction, Verb};
use super::super::model::Model;
use super::super::model::palette::{Goal, Palette, items};
use super::{Effect, Field, reduce};

/// Opens or closes it.
pub(super) fn toggle(model: &mut Model) -> Vec<Effect> {
    if model.palette.take().is_some() {
        return Vec::new();
    }
    model.palette = Some(Palette::default());
    vec![Effect::Focus(Field::Palette)]
}

/// What follows from an action of the palette.
pub(super) fn act(model: &mut Model, action: PaletteAction) -> Vec<Effect> {
    let last = items(model).len().saturating_sub(1);
    let Some(palette) = &mut model.palette else { return Vec::new() };
    match action {
        PaletteAction::Typed(typed) => {
            palette.typed = typed;
            palette.cursor = 0;
            palette.reveal = true;
            Vec::new()
        }
        PaletteAction::Move(by) => {
            palette.cursor = palette.cursor.saturating_add_signed(by).min(last);
            palette.reveal = true;
            Vec::new()
        }
        PaletteAction::Revealed => {
            palette.reveal = false;
            Vec::new()
        }
        PaletteAction::RunChosen => {
            let cursor = palette.cursor;
            run(model, cursor)
        }
        PaletteAction::Run(number) => run(model, number),
    }
}

fn run(model: &mut Model, number: usize) -> Vec<Effect> {
    let Some(item) = items(model).into_iter().nth(number) else { return Vec::new() };
    model.palette = None;
    match item.goal {
        Goal::Do(verb) => reduce(model, Action::Do(verb)),
        Goal::Theme(theme) => reduce(model, Action::Theme(theme)),
        Goal::Language(language) => reduce(model, Action::Language(language)),
        Goal::Open(path) => vec![Effect::Open(path)],
        Goal::Search(words) => {
            let mut effects = reduce(model, Action::Do(Verb::FocusSearch));
            effects.extend(reduce(model, Action::Search(SearchAction::Words(words))));
            effects
        }
    }
}
