//! What the operators of a query say of sizes and kinds, as a few numbers: these columns are looked at for
//! a million files.

use super::{Query, Test, Wanted};
use crate::base::FileKind;
use crate::engine::index::facets::{CLASSES, Class};
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

/// What is taken of each class of files: all, nothing, or (`None`) what has the right size.
pub(in crate::engine::index) type TakenClasses = [Option<bool>; CLASSES];

impl Columns {
    /// What is taken of each class; `None` if nothing is said of kinds and sizes.
    pub(in crate::engine::index) fn classes(&self) -> Option<TakenClasses> {
        let mut taken = [Some(false); CLASSES];
        for class in Class::all() {
            taken[class.number()] = self.take_class(class);
        }
        let is_all = Class::all().all(|class| taken[class.number()] == Some(true));
        (!is_all).then_some(taken)
    }

    /// Whether the files of a class are taken; `None` if that depends on their sizes.
    fn take_class(&self, class: Class) -> Option<bool> {
        let (least, greatest) = class.sizes();
        if self.kinds & bit(class.kind()) == 0 || greatest < self.least || least > self.greatest {
            return Some(false);
        }
        let touches = |range: &Range<u64>| range.start <= greatest && least < range.end;
        let is_inside = self.least <= least && greatest <= self.greatest;
        (is_inside && !self.except.iter().any(touches)).then_some(true)
    }

    /// Whether a file of this size is taken, if its kind is.
    pub(in crate::engine::index) fn take_size(&self, size: u64) -> bool {
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
            ("size:>=1M", 999_999, FileKind::Audio, false),
            ("size:>=1M", 1_000_000, FileKind::Audio, true),
            ("size:>1M", 1_000_000, FileKind::Audio, false),
            ("size:<1G", 999_999_999, FileKind::Audio, true),
            ("size:<1G", 1_000_000_000, FileKind::Audio, false),
            ("-size:<1G", u64::MAX, FileKind::Other, true),
            ("-size:>=1G", u64::MAX - 1, FileKind::Other, false),
            ("size:>=1G", u64::MAX - 1, FileKind::Other, true),
        ];
        for (text, size, kind, expected) in cases {
            let columns = Query::parse(text).expect("a query").columns();
            let class = Class::of(kind, size);
            let taken = columns.classes().map_or(Some(true), |classes| classes[class.number()]);
            let taken = taken.unwrap_or_else(|| columns.take_size(size));
            assert_eq!(taken, expected, "{text:?} of {size} {kind:?}");
        }
    }
}
