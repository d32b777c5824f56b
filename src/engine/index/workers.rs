//! Who does the parts of a search. What comes out does not depend on it: a search is cut by rows, then by
//! contents, and no part looks at what another one has found.
//!
//! What is absent on purpose: threads. The engine says what may be done side by side; who has cores does it.

/// Those who do the parts of a search.
pub trait Workers {
    /// Into how many parts a search through so many rows is cut; one at least is made.
    fn parts(&self, rows: usize) -> usize;

    /// Does all parts, in any order or side by side; the results are in the order of the parts.
    fn each<T: Send, F: FnOnce() -> T + Send>(&self, parts: Vec<F>) -> Vec<T>;
}

/// Whoever asks does all of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Workers for Alone {
    fn parts(&self, _: usize) -> usize {
        1
    }

    fn each<T: Send, F: FnOnce() -> T + Send>(&self, parts: Vec<F>) -> Vec<T> {
        parts.into_iter().map(|part| part()).collect()
    }
}
