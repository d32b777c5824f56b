//! Random histories against slow references.

use super::*;
use crate::base::natural_parts;
use crate::engine::index::fold;
use proptest::prelude::*;
use proptest::sample::{Index as Pick, select};

/// What a peer keeps: every version of its list, by the number of the change that led to it.
struct Peer {
    versions: Vec<BTreeMap<u64, FileEntry>>,
    journal: Vec<Change>,
}

impl Peer {
    fn new() -> Self {
        Self { versions: vec![BTreeMap::new()], journal: Vec::new() }
    }

    fn seq(&self) -> u64 {
        self.journal.len() as u64
    }

    fn version(&self, seq: u64) -> Vec<FileEntry> {
        self.versions[usize::try_from(seq).expect("small")].values().cloned().collect()
    }

    fn change(&mut self, change: Change) {
        let mut next = self.versions.last().expect("at least one").clone();
        match &change {
            Change::Put(entry) => drop(next.insert(entry.key, entry.clone())),
            Change::Remove(key) => drop(next.remove(key)),
        }
        self.versions.push(next);
        self.journal.push(change);
    }

    fn begin(&self, seq: u64) -> Message {
        Message::Begin(announcement(seq, &self.version(seq)))
    }

    fn chunks(&self, seq: u64) -> Vec<Message> {
        let files = self.version(seq);
        let mut parts: Vec<_> = files.chunks(3).map(<[FileEntry]>::to_vec).collect();
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let end = parts.len() - 1;
        let chunk = |(number, part): (usize, &Vec<FileEntry>)| {
            Message::Chunk(chunk(u32::try_from(number).expect("small"), number == end, part))
        };
        parts.iter().enumerate().map(chunk).collect()
    }

    fn delta(&self, prev_seq: u64) -> Message {
        let changes = self.journal[usize::try_from(prev_seq).expect("small")..].to_vec();
        Message::Delta(delta(prev_seq, self.seq(), changes))
    }
}

#[derive(Clone, Debug)]
enum Message {
    Begin(Announcement),
    Chunk(Chunk),
    Delta(Delta),
}

#[derive(Clone, Debug)]
enum Op {
    Change(Change),
    Begin,
    Chunks,
    Delta(Pick),
    /// Any message ever sent arrives (again, late, out of order); whatever is not picked is lost.
    Arrives(Pick),
    /// The oldest messages that did not arrive yet do, in order.
    InOrder(usize),
    Epoch,
}

fn arrive(index: &mut Index, message: Message) {
    match message {
        Message::Begin(announced) => drop(index.begin(PEER, announced).expect("within the limits")),
        Message::Chunk(chunk) => drop(index.chunk(PEER, chunk).expect("within the limits")),
        Message::Delta(delta) => drop(index.delta(PEER, delta)),
    }
}

/// What a peer does that is answered: the protocol as the documentation has it.
fn announce(index: &mut Index, peer: &Peer) -> bool {
    let Message::Begin(announced) = peer.begin(peer.seq()) else { return false };
    match index.begin(PEER, announced).expect("within the limits") {
        Begun::UpToDate => return true,
        Begun::SendFrom(seq) => arrive(index, peer.delta(seq)),
        Begun::SendAll => peer.chunks(peer.seq()).into_iter().for_each(|chunk| arrive(index, chunk)),
    }
    false
}

fn change() -> impl Strategy<Value = Change> {
    let put = (0_u64..12, select(vec!["a", "b", "c d"]), proptest::option::of(0_u8..4));
    prop_oneof![
        3 => put.prop_map(|(key, name, content)| Change::Put(file(key, name, content))),
        1 => (0_u64..12).prop_map(Change::Remove),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => change().prop_map(Op::Change),
        2 => Just(Op::Begin),
        1 => Just(Op::Chunks),
        3 => any::<Pick>().prop_map(Op::Delta),
        4 => any::<Pick>().prop_map(Op::Arrives),
        6 => (1_usize..5).prop_map(Op::InOrder),
        1 => Just(Op::Epoch),
    ]
}

fn naive(lists: &[(PeerId, Vec<FileEntry>)], words: &str, limit: u32) -> (u64, Vec<Found>) {
    let query = Query::parse(words).expect("within the limits");
    let folded_words = fold(words);
    let fits = |file: &FileEntry| {
        let name = fold(file.name.as_str());
        folded_words.split_whitespace().all(|word| name.contains(word))
    };
    let mut groups = Vec::new();
    let mut seen = BTreeSet::new();
    let mut hits: Vec<_> = (lists.iter())
        .flat_map(|(peer, files)| files.iter().map(move |file| (*peer, file)))
        .filter(|(_, file)| fits(file))
        .map(|(peer, file)| {
            let folded = fold(file.name.as_str());
            let rank = query.rank(&folded).expect("all words occur");
            (rank, natural_parts(&folded), file.name.clone(), file.content, peer, file.key, file.size)
        })
        .collect();
    hits.sort();
    for (_, _, name, content, peer, _, size) in hits {
        let sources = match content {
            None => vec![Source { peer, folder: FolderPath::default(), name: name.clone() }],
            Some(content) if seen.insert(content) => naive_sources(lists, &query, content),
            Some(_) => continue,
        };
        groups.push(Found { content, name, size, sources });
    }
    let total = groups.len() as u64;
    groups.truncate(limit as usize);
    (total, groups)
}

fn naive_sources(lists: &[(PeerId, Vec<FileEntry>)], query: &Query, content: ContentId) -> Vec<Source> {
    let mut sources = Vec::new();
    for (peer, files) in lists {
        let mut names: Vec<_> = (files.iter().filter(|file| file.content == Some(content)))
            .map(|file| {
                let folded = fold(file.name.as_str());
                let rank = query.rank(&folded);
                (rank.is_none(), rank, natural_parts(&folded), file.name.clone())
            })
            .collect();
        names.sort();
        if let Some((_, _, _, name)) = names.into_iter().next() {
            sources.push(Source { peer: *peer, folder: FolderPath::default(), name });
        }
    }
    sources
}

fn some_list() -> impl Strategy<Value = Vec<FileEntry>> {
    let word = select(vec!["a", "ab", "Ba", "á", "b", "aab", "ﬁ", "Ω", ".x", "(a)", "2", "10"]);
    let name = proptest::collection::vec((word, select(vec!["", "_", "-", "z"])), 1..5);
    let entry = (name, 0_u64..3, proptest::option::of(0_u8..5));
    proptest::collection::vec(entry, 0..14).prop_map(|entries| {
        let text = |parts: &[(&str, &str)]| {
            parts
                .iter()
                .flat_map(|(word, gap)| [*word, *gap])
                .collect::<String>()
                .trim_matches('.')
                .to_owned()
        };
        (entries.iter().enumerate())
            .map(|(key, (parts, size, content))| FileEntry {
                size: *size,
                ..file(key as u64, &text(parts), *content)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn the_list_is_always_one_that_the_peer_had_and_is_repaired(
        ops in proptest::collection::vec(op(), 0..80)
    ) {
        let mut peer = Peer::new();
        let mut index = Index::default();
        let mut sent: Vec<Message> = Vec::new();
        let mut arrived = 0;
        for op in ops {
            match op {
                Op::Change(change) => peer.change(change),
                Op::Begin => sent.push(peer.begin(peer.seq())),
                Op::Chunks => sent.extend(peer.chunks(peer.seq())),
                Op::Delta(pick) if peer.seq() > 0 => {
                    let from = pick.index(usize::try_from(peer.seq()).expect("small"));
                    sent.push(peer.delta(from as u64));
                }
                Op::Arrives(pick) if !sent.is_empty() => arrive(&mut index, pick.get(&sent).clone()),
                Op::InOrder(count) => {
                    for message in sent.iter().skip(arrived).take(count) {
                        arrive(&mut index, message.clone());
                    }
                    arrived = (arrived + count).min(sent.len());
                }
                Op::Epoch => index.begin_epoch(),
                Op::Delta(_) | Op::Arrives(_) => {}
            }
            let shown = index.position(PEER).map(|position| position.seq);
            let expected = shown.map(|seq| peer.version(seq)).unwrap_or_default();
            prop_assert_eq!(list(&index), expected, "as of {:?}", shown);
        }
        // Nothing is lost any more: a delta, at the most everything, and then it is the same.
        let rounds = (0..3).position(|_| announce(&mut index, &peer));
        prop_assert!(rounds.is_some(), "repaired");
        prop_assert_eq!(list(&index), peer.version(peer.seq()));
        prop_assert_eq!(index.complete(&only(&[PEER])), (1, 1));
    }

    #[test]
    fn searching_finds_what_the_slow_search_finds(
        mine in some_list(), theirs in some_list(), gone in proptest::collection::vec(0_u64..14, 0..4),
        words in "[abAzÁ.x(Ωωf_ ]{0,4}", limit in 0_u32..12
    ) {
        let mut index = Index::default();
        let mut lists = vec![(PEER, mine), (OTHER, theirs)];
        for (peer, files) in &lists {
            prop_assert_eq!(index.begin(*peer, announcement(1, files)), Ok(Begun::SendAll));
            prop_assert_eq!(index.chunk(*peer, chunk(0, true, files)), Ok(Taken::Accepted));
        }
        let removals = gone.iter().map(|key| Change::Remove(*key)).collect();
        prop_assert_eq!(index.delta(PEER, delta(1, 2, removals)), Ok(Taken::Accepted));
        lists[0].1.retain(|file| !gone.contains(&file.key));
        prop_assert_eq!(find(&index, &words, limit), naive(&lists, &words, limit));
    }
}
