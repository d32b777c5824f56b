//! What can happen in the palette.

/// Everything that changes the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PaletteAction {
    /// What is typed is now this.
    Typed(String),
    /// The cursor moves by so many items.
    Move(isize),
    /// The chosen item was brought into view.
    Revealed,
    /// Do what the item with this number says.
    Run(usize),
    /// Do what the item at the cursor says.
    RunChosen,
}
