//! `cardume browse`: what a peer shares, folder by folder, asked of the peer itself.

use super::asking::with_peer;
use super::drill::find_member;
use super::output::{json, line, plain, plural, table};
use super::{Failure, Outcome};
use crate::args::{BrowseArgs, Global};
use cardume::base::{FolderPath, bytes_text};
use cardume::node::Remote;
use cardume::wire::transfer::{Below, ListedFile, Listing, Place, SubFolder};
use serde::Serialize;

/// How much is asked for at once.
const PAGE: u32 = 1_000;

/// A folder as `--json` shows it; the shape is stable.
#[derive(Serialize)]
struct FolderShape<'a> {
    peer: &'a str,
    folder: &'a str,
    below: &'a Below,
    folders: &'a [SubFolder],
    files: &'a [ListedFile],
}

/// A file as `--recursive --json` shows it, one a line; the shape is stable.
#[derive(Serialize)]
struct FileShape<'a> {
    folder: &'a str,
    name: &'a str,
    size: u64,
    content: Option<&'a str>,
}

/// Whose folders.
struct Browser<'a> {
    remote: &'a Remote,
    /// The peer's id.
    peer: String,
    json: bool,
}

/// Looks into a folder.
pub(crate) fn run(global: &Global, args: &BrowseArgs) -> Outcome {
    // Shells complete a folder's name with a slash behind it.
    let folder = args.folder.strip_suffix('/').unwrap_or(&args.folder);
    let refused = |error| Failure::usage(format!("{folder:?} is no folder of a peer: {error}"));
    let folder = FolderPath::new(folder).map_err(refused)?.to_string();
    with_peer(global, async |remote| {
        let members = remote.members().await?;
        let peer = find_member(&members, &args.peer)?.peer.peer_id.clone();
        let browser = Browser { remote: &remote, peer, json: global.json };
        if args.recursive {
            browser.show_all(folder).await
        } else {
            browser.show(&folder, args.limit, &args.filter).await
        }
    })
}

impl Browser<'_> {
    /// What lies right in a folder: at most so much, one page after the other.
    async fn show(&self, folder: &str, limit: u32, filter: &str) -> Outcome {
        let (mut whole, mut after, mut left) = (Listing::default(), None, limit);
        loop {
            let limit = left.min(PAGE);
            let mut page = self.page(folder, after, limit, filter).await?;
            left -= u32::try_from(page.folders.len() + page.files.len()).unwrap_or(left).min(left);
            whole.folders.append(&mut page.folders);
            whole.files.append(&mut page.files);
            after = page.next.take();
            whole = Listing { folders: whole.folders, files: whole.files, ..page };
            if after.is_none() || left == 0 {
                break;
            }
        }
        let Listing { below, folders, files, folder_count, file_count, .. } = whole;
        if self.json {
            let peer = &self.peer;
            return json(&FolderShape { peer, folder, below: &below, folders: &folders, files: &files });
        }
        if folders.is_empty() && files.is_empty() {
            return line(if filter.is_empty() { "Nothing is shared there" } else { "No name fits" });
        }
        let shown = (folders.len() + files.len()) as u64;
        let mut rows: Vec<_> = folders.iter().map(folder_row).collect();
        rows.extend(files.iter().map(file_row));
        line(&table(["name", "files", "size", "content"], &rows))?;
        if after.is_some() && filter.is_empty() {
            let more = (folder_count + file_count).saturating_sub(shown);
            line(&format!("… and {more} more; raise --limit, or give a --filter"))?;
        } else if after.is_some() {
            line("… and there may be more; raise --limit")?;
        }
        line(&sum(&below))
    }

    async fn page(
        &self,
        folder: &str,
        after: Option<Place>,
        limit: u32,
        filter: &str,
    ) -> Result<Listing, Failure> {
        let (peer, folder) = (self.peer.clone(), folder.to_owned());
        Ok(self.remote.browse(peer, folder, after, limit, filter.to_owned()).await?)
    }

    /// Depth first, one page after the other: as much as there is, and never all in memory.
    async fn show_all(&self, folder: String) -> Outcome {
        let mut left = vec![folder];
        while let Some(folder) = left.pop() {
            let (mut inner, mut after) = (Vec::new(), None);
            loop {
                let page = self.page(&folder, after, PAGE, "").await?;
                inner.extend(page.folders.iter().map(|sub| path(&folder, &sub.name)));
                page.files.iter().try_for_each(|file| self.show_file(&folder, file))?;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            left.extend(inner.into_iter().rev());
        }
        Ok(())
    }

    fn show_file(&self, folder: &str, file: &ListedFile) -> Outcome {
        let (name, size, content) = (file.name.as_str(), file.size, file.content.as_deref());
        if self.json {
            return json(&FileShape { folder, name, size, content });
        }
        line(&format!("{}  {}", plain(&path(folder, name)), bytes_text(size)))
    }
}

fn path(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn folder_row(folder: &SubFolder) -> [String; 4] {
    let hashing = match folder.below.hashing {
        0 => String::new(),
        hashing => format!("({hashing} being hashed)"),
    };
    let name = format!("{}/", plain(&folder.name));
    [name, folder.below.files.to_string(), bytes_text(folder.below.bytes), hashing]
}

fn file_row(file: &ListedFile) -> [String; 4] {
    let content = file.content.clone().unwrap_or_else(|| "(being hashed)".to_owned());
    [plain(&file.name), String::new(), bytes_text(file.size), content]
}

fn sum(below: &Below) -> String {
    format!("{}, {}", plural(below.files, "file"), bytes_text(below.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_are_rows() {
        let below = |hashing| Below { files: 2, bytes: 2_500, hashing };
        let folder = |hashing| SubFolder { name: "A\u{1b}".to_owned(), below: below(hashing) };
        assert_eq!(folder_row(&folder(0)), ["A\u{FFFD}/", "2", "2.5 kB", ""].map(str::to_owned));
        assert_eq!(
            folder_row(&folder(1)),
            ["A\u{FFFD}/", "2", "2.5 kB", "(1 being hashed)"].map(str::to_owned)
        );
        let file = |content: Option<&str>| ListedFile {
            name: "a.txt".to_owned(),
            key: 1,
            size: 3,
            content: content.map(str::to_owned),
        };
        assert_eq!(file_row(&file(Some("64"))), ["a.txt", "", "3 B", "64"].map(str::to_owned));
        assert_eq!(file_row(&file(None)), ["a.txt", "", "3 B", "(being hashed)"].map(str::to_owned));
        assert_eq!(sum(&below(0)), "2 files, 2.5 kB");
    }
}
