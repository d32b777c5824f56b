//! Columns that grow by an eighth: memory counts more here than the time to copy.

/// What a column has room for at first.
const MIN_ROOM: usize = 64;

/// Appends a value.
pub(super) fn push<T>(column: &mut Vec<T>, value: T) {
    push_with_room(column, value, MIN_ROOM);
}

/// The same for a column that has room for so many at first.
pub(super) fn push_with_room<T>(column: &mut Vec<T>, value: T, room: usize) {
    if column.len() == column.capacity() {
        column.reserve_exact(column.len() / 8 + room);
    }
    column.push(value);
}

/// Appends bytes.
pub(super) fn extend(column: &mut Vec<u8>, bytes: &[u8]) {
    if column.capacity() - column.len() < bytes.len() {
        column.reserve_exact(column.len() / 8 + MIN_ROOM + bytes.len());
    }
    column.extend(bytes);
}

/// Appends a text.
pub(super) fn push_str(column: &mut String, text: &str) {
    if column.capacity() - column.len() < text.len() {
        column.reserve_exact(column.len() / 8 + MIN_ROOM + text.len());
    }
    column.push_str(text);
}

/// A number of a row, a content, a folder or a byte. The limits of [`super::Index`] keep all of them far
/// below the end.
pub(super) fn number(from: usize) -> u32 {
    u32::try_from(from).unwrap_or(u32::MAX)
}
