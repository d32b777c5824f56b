//! State of the transfers page, and what other pages ask of the transfers.

use super::Model;
use cardume::wire::control::Transfer;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The transfers page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transfers {
    /// The selected transfer, by its number.
    pub selected: Option<u64>,
    /// Whether the selected one must be brought into view.
    pub reveal: bool,
    /// The rows on screen.
    pub visible: Range<usize>,
    /// Whether the limits are shown.
    pub limits_open: bool,
    /// Where in the list is what.
    pub places: Places,
}

/// Where in the list of transfers each content and folder is: a page of results asks for every row, in every frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    ids: Vec<u64>,
    by_content: HashMap<String, usize>,
    /// By peer and folder.
    by_folder: HashMap<String, usize>,
}

impl Places {
    /// Follows the list. What a number stands for never changes, so most new lists cost only a comparison.
    pub(crate) fn follow(&mut self, transfers: &[Arc<Transfer>]) {
        let ids = || transfers.iter().map(|transfer| transfer.id);
        if ids().eq(self.ids.iter().copied()) {
            return;
        }
        self.ids = ids().collect();
        self.by_content.clear();
        // Of several the first one counts: it is not over, or the newest.
        self.by_folder.clear();
        for (place, transfer) in transfers.iter().enumerate().rev() {
            match &transfer.folder {
                Some(it) => self.by_folder.insert(key_of_folder(&it.peer, &it.folder), place),
                None => self.by_content.insert(transfer.content.clone(), place),
            };
        }
    }

    /// The first transfer of this content in the list that was followed last.
    pub(crate) fn of<'a>(&self, transfers: &'a [Arc<Transfer>], content: &str) -> Option<&'a Transfer> {
        transfers.get(*self.by_content.get(content)?).map(|transfer| &**transfer)
    }

    /// The same of a folder of the peer with this id.
    pub(crate) fn of_folder<'a>(
        &self,
        transfers: &'a [Arc<Transfer>],
        peer: &str,
        folder: &str,
    ) -> Option<&'a Transfer> {
        let place = *self.by_folder.get(&key_of_folder(peer, folder))?;
        transfers.get(place).map(|transfer| &**transfer)
    }
}

fn key_of_folder(peer: &str, folder: &str) -> String {
    format!("{peer}/{folder}")
}

impl Model {
    /// What became of this content, if it was ever downloaded.
    pub(crate) fn transfer_of(&self, content: &str) -> Option<&Transfer> {
        self.transfers.places.of(&self.view.transfers, content)
    }

    /// What became of this folder of the peer with this id.
    pub(crate) fn transfer_of_folder(&self, peer: &str, folder: &str) -> Option<&Transfer> {
        self.transfers.places.of_folder(&self.view.transfers, peer, folder)
    }

    /// The row of the selected download, if it is still there.
    pub(crate) fn selected_transfer(&self) -> Option<usize> {
        let selected = self.transfers.selected?;
        self.view.transfers.iter().position(|transfer| transfer.id == selected)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::transfer;
    use super::*;

    #[test]
    fn the_first_of_a_content_is_found_after_every_change_of_the_list() {
        let mut places = Places::default();
        let one = |id: u64, content: &str, state: &str| {
            Arc::new(Transfer { content: content.to_owned(), ..transfer(id, "a name", state) })
        };
        let list = vec![one(3, "c", "running"), one(2, "b", "finished"), one(1, "c", "failed")];
        for shown in [&list[..], &list[1..], &list[..], &[], &list[2..]] {
            places.follow(shown);
            for asked in &list {
                let first = shown.iter().find(|transfer| transfer.content == asked.content);
                let found = places.of(shown, &asked.content);
                assert_eq!(found.map(|it| it.id), first.map(|it| it.id));
            }
        }
        // The same list in another state.
        let later = vec![one(1, "c", "finished")];
        places.follow(&later);
        assert_eq!(places.of(&later, &later[0].content).map(|it| it.state.as_str()), Some("finished"));
    }
}
