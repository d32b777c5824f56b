//! Pages of folders. Who asks takes nothing for granted: an answer that is longer than asked for, in another order,
//! or does not go on is no answer.

use super::{Checked, MAX_NUMBER, bad, number, parse_content_id};
use crate::base::{FileName, PieceLayout};
use crate::engine::browse::{Ask, Below, Entry, FileState, Listing, Place};
use crate::wire::transfer as shape;

/// Checks which part of a folder is asked for.
pub fn ask_from_wire(
    after: Option<&shape::Place>,
    limit: Option<u32>,
    filter: Option<String>,
) -> Checked<Ask> {
    let limit = limit.map_or(Ok(Ask::DEFAULT_ENTRIES), |limit| {
        usize::try_from(limit).ok().filter(|limit| (1..=Ask::MAX_ENTRIES).contains(limit)).ok_or_else(|| {
            bad("limit", format!("1 to {} entries are given at once, not {limit}", Ask::MAX_ENTRIES))
        })
    })?;
    let filter = filter.unwrap_or_default();
    if filter.len() > Ask::MAX_FILTER_BYTES {
        return Err(bad("filter", format!("it has more than {} bytes", Ask::MAX_FILTER_BYTES)));
    }
    Ok(Ask { after: after.map(|place| place_from_wire("after", place)).transpose()?, limit, filter })
}

fn place_from_wire(parameter: &str, place: &shape::Place) -> Checked<Place> {
    let name = FileName::new(&place.name).map_err(|error| bad(parameter, error))?;
    Ok(match place.key {
        Some(key) => Place::File(name, number(parameter, key)?),
        None => Place::Folder(name),
    })
}

/// A place as JSON.
#[must_use]
pub fn place_to_wire(place: &Place) -> shape::Place {
    match place {
        Place::Folder(name) => shape::Place { name: name.to_string(), key: None },
        Place::File(name, key) => shape::Place { name: name.to_string(), key: Some(*key) },
    }
}

/// Checks a page against what was asked for.
pub fn listing_from_wire(listing: &shape::Listing, ask: &Ask) -> Checked<Listing> {
    let count = listing.folders.len() + listing.files.len();
    if count > ask.limit {
        return Err(bad("files", format!("{} entries were asked for, not {count}", ask.limit)));
    }
    let folders = listing.folders.iter().map(folder_from_wire);
    let entries: Vec<Entry> =
        folders.chain(listing.files.iter().map(file_from_wire)).collect::<Result<_, _>>()?;
    let next = listing.next.as_ref().map(|next| place_from_wire("next", next)).transpose()?;
    let mut last = ask.after.clone();
    for place in entries.iter().map(Entry::place) {
        if last.as_ref() >= Some(&place) {
            return Err(bad("files", "folders come first, then files, each once and by name"));
        }
        last = Some(place);
    }
    // It may pass over what the filter leaves out, and never goes back.
    if next.as_ref().is_some_and(|next| Some(next) < last.as_ref() || Some(next) <= ask.after.as_ref()) {
        return Err(bad("next", "a page goes on behind the one before"));
    }
    Ok(Listing {
        below: below(&listing.below)?,
        folders: number("folder_count", listing.folder_count)?,
        files: number("file_count", listing.file_count)?,
        entries,
        next,
    })
}

fn below(below: &shape::Below) -> Checked<Below> {
    Ok(Below {
        files: number("files", below.files)?,
        bytes: number("bytes", below.bytes)?,
        hashing: number("hashing", below.hashing)?,
    })
}

fn below_to_wire(below: &Below) -> shape::Below {
    shape::Below { files: below.files, bytes: below.bytes.min(MAX_NUMBER), hashing: below.hashing }
}

fn folder_from_wire(folder: &shape::SubFolder) -> Checked<Entry> {
    let name = FileName::new(&folder.name).map_err(|error| bad("name", error))?;
    Ok(Entry::Folder { name, below: below(&folder.below)? })
}

fn file_from_wire(file: &shape::ListedFile) -> Checked<Entry> {
    if file.size > PieceLayout::MAX_BYTES {
        return Err(bad("size", "a file has at most 2^53 - 1 bytes"));
    }
    let content = file.content.as_deref().map(|text| parse_content_id("content", text)).transpose()?;
    Ok(Entry::File {
        name: FileName::new(&file.name).map_err(|error| bad("name", error))?,
        key: number("key", file.key)?,
        state: FileState { size: file.size, content },
    })
}

/// A page as JSON.
#[must_use]
pub fn listing_to_wire(listing: &Listing) -> shape::Listing {
    let mut shown = shape::Listing {
        below: below_to_wire(&listing.below),
        folder_count: listing.folders,
        file_count: listing.files,
        folders: Vec::new(),
        files: Vec::new(),
        next: listing.next.as_ref().map(place_to_wire),
    };
    for entry in &listing.entries {
        match entry {
            Entry::Folder { name, below } => {
                shown.folders.push(shape::SubFolder { name: name.to_string(), below: below_to_wire(below) });
            }
            Entry::File { name, key, state } => shown.files.push(shape::ListedFile {
                name: name.to_string(),
                key: *key,
                size: state.size,
                content: state.content.map(|content| content.to_string()),
            }),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::codes::Code;
    use crate::wire::transfer::{ListedFile, Place as WirePlace, SubFolder};

    fn folder(name: &str) -> SubFolder {
        SubFolder { name: name.to_owned(), below: shape::Below { files: 2, bytes: 10, hashing: 1 } }
    }

    fn file(name: &str, key: u64) -> ListedFile {
        ListedFile { name: name.to_owned(), key, size: 5, content: Some("a".repeat(64)) }
    }

    fn place(name: &str, key: Option<u64>) -> WirePlace {
        WirePlace { name: name.to_owned(), key }
    }

    fn listing(folders: &[&str], files: &[(&str, u64)], next: Option<WirePlace>) -> shape::Listing {
        shape::Listing {
            below: shape::Below { files: 9, bytes: 90, hashing: 1 },
            folder_count: 2,
            file_count: 3,
            folders: folders.iter().map(|name| folder(name)).collect(),
            files: files.iter().map(|(name, key)| file(name, *key)).collect(),
            next,
        }
    }

    #[test]
    fn a_page_goes_over_the_wire_and_back() {
        let shown = listing(&["A", "b"], &[("a", 1), ("a", 2), ("B", 0)], Some(place("B", Some(0))));
        let ask = Ask { limit: 5, ..Ask::default() };
        let checked = listing_from_wire(&shown, &ask).expect("well-formed");
        assert_eq!((checked.entries.len(), checked.next.is_some()), (5, true));
        assert_eq!(listing_to_wire(&checked), shown);
    }

    #[test]
    fn pages_that_are_not_what_was_asked_for_are_no_answer() {
        let after = |name: &str, key| place_from_wire("after", &place(name, key)).ok();
        let ask = |limit, after| Ask { after, limit, filter: String::new() };
        let mut huge = listing(&[], &[("a", 1)], None);
        huge.files[0].size = 1 << 53;
        let mut bytes = listing(&["A"], &[], None);
        bytes.folders[0].below.bytes = u64::MAX;
        let mut content = listing(&[], &[("a", 1)], None);
        content.files[0].content = Some("A".repeat(64));
        let table = [
            ("too many", listing(&["A"], &[("a", 1)], None), ask(1, None)),
            ("a hostile folder", listing(&[".."], &[], None), ask(9, None)),
            ("a hostile file", listing(&[], &[("a/b", 1)], None), ask(9, None)),
            ("not sorted", listing(&["b", "A"], &[], None), ask(9, None)),
            ("twice", listing(&[], &[("a", 1), ("a", 1)], None), ask(9, None)),
            ("before what was asked for", listing(&["A"], &[], None), ask(9, after("b", None))),
            ("a folder behind a file", listing(&["A"], &[], None), ask(9, after("a", Some(1)))),
            ("it goes back", listing(&["A", "b"], &[], Some(place("A", None))), ask(9, None)),
            ("it stands still", listing(&[], &[], Some(place("b", None))), ask(9, after("b", None))),
            ("a hostile place", listing(&[], &[], Some(place("..", None))), ask(9, None)),
            ("a large key", listing(&[], &[("a", 1 << 53)], None), ask(9, None)),
            ("a large file", huge, ask(9, None)),
            ("a large folder", bytes, ask(9, None)),
            ("no hash", content, ask(9, None)),
        ];
        for (what, shown, ask) in table {
            let refused = listing_from_wire(&shown, &ask).expect_err(what);
            assert_eq!(refused.code(), Code::BadParameter as i32, "{what}");
        }
    }

    #[test]
    fn an_empty_page_may_go_on() {
        let shown = listing(&[], &[], Some(place("m", Some(7))));
        let ask = Ask { filter: "z".to_owned(), ..Ask::default() };
        assert!(listing_from_wire(&shown, &ask).is_ok());
    }

    #[test]
    fn what_is_asked_for_has_limits() {
        let ask = |after: Option<WirePlace>, limit, filter: &str| {
            ask_from_wire(after.as_ref(), limit, Some(filter.to_owned()))
        };
        let (most, filter) = (u32::try_from(Ask::MAX_ENTRIES).expect("small"), "x".repeat(255));
        assert_eq!(ask_from_wire(None, None, None), Ok(Ask::default()));
        assert!(ask(Some(place("a", Some(MAX_NUMBER))), Some(most), &filter).is_ok());
        let bad = [
            ask(None, Some(0), ""),
            ask(None, Some(most + 1), ""),
            ask(None, Some(u32::MAX), ""),
            ask(None, None, &"x".repeat(256)),
            ask(Some(place("..", None)), None, ""),
            ask(Some(place("", None)), None, ""),
            ask(Some(place("a/b", Some(1))), None, ""),
            ask(Some(place("a", Some(u64::MAX))), None, ""),
        ];
        for refused in bad {
            assert_eq!(refused.expect_err("out of its limits").code(), Code::BadParameter as i32);
        }
    }
}
