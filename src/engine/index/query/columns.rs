//! What the operators of a query say of sizes and kinds, as a few numbers: these columns are looked at for
//! a million files.

use super::{Query, Test, Wanted};
use crate::base::FileKind;
use std::ops::Range;

/// The sizes and kinds that all operators take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::index) struct Columns {
    /// One bit for each kind.
    kinds: u8,
    /// The least and the greatest size.
    least: u64,
    greatest: u64,
    /// What is not taken of these.
    except: Vec<Range<u64>>,
}

impl Columns {
    /// Whether a file of this kind and size is taken. The size is read only if it matters.
    pub(in crate::engine::index) fn take(&self, kind: FileKind, size: impl FnOnce() -> u64) -> bool {
        if self.kinds & bit(kind) == 0 {
            return false;
        }
        if self.least == 0 && self.greatest == u64::MAX && self.except.is_empty() {
            return true;
        }
        let size = size();
        self.least <= size && size <= self.greatest && !self.except.iter().any(|range| range.contains(&size))
    }
}

impl Query {
    /// What its operators say of the columns.
    pub(in crate::engine::index) fn columns(&self) -> Columns {
        let mut columns = Columns { kinds: u8::MAX, least: 0, greatest: u64::MAX, except: Vec::new() };
        for filter in &self.filters {
            match (&filter.test, filter.wanted) {
                (Test::Kind(kinds), wanted) => {
                    let named = kinds.iter().fold(0, |named, kind| named | bit(*kind));
                    columns.kinds &= if wanted == Wanted::With { named } else { !named };
                }
                (Test::Size(range), Wanted::With) => {
                    // Ranges are not empty.
                    columns.least = columns.least.max(range.start);
                    columns.greatest = columns.greatest.min(range.end.saturating_sub(1));
                }
                (Test::Size(range), Wanted::Without) => columns.except.push(range.clone()),
                (Test::Extension(_), _) => {}
            }
        }
        columns
    }
}

fn bit(kind: FileKind) -> u8 {
    1 << kind as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_counts() {
        let cases = [
            ("", 5, FileKind::Audio, true),
            ("", u64::MAX, FileKind::Other, true),
            ("type:audio,video", 5, FileKind::Video, true),
            ("type:audio,video", 5, FileKind::Image, false),
            ("type:audio -type:audio", 5, FileKind::Audio, false),
            ("-type:audio -type:video", 5, FileKind::Video, false),
            ("-type:audio -type:video", 5, FileKind::Other, true),
            ("size:10..20", 9, FileKind::Audio, false),
            ("size:10..20", 10, FileKind::Audio, true),
            ("size:10..20", 19, FileKind::Audio, true),
            ("size:10..20", 20, FileKind::Audio, false),
            ("size:10..20 size:15..30", 14, FileKind::Audio, false),
            ("size:10..20 size:15..30", 15, FileKind::Audio, true),
            ("size:10..20 size:30..40", 30, FileKind::Audio, false),
            ("-size:10..20 -size:30..40", 35, FileKind::Audio, false),
            ("-size:10..20 -size:30..40", 25, FileKind::Audio, true),
            ("ext:pdf", 5, FileKind::Audio, true),
        ];
        for (text, size, kind, expected) in cases {
            let columns = Query::parse(text).expect("a query").columns();
            assert_eq!(columns.take(kind, || size), expected, "{text:?} of {size} {kind:?}");
        }
    }
}
