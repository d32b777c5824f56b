//! What is searched for, and how well a name fits. How it is written: [`parse`].

mod asked;
mod beginnings;
mod columns;
mod parse;
mod rank;
mod size;

pub(super) use beginnings::BestRanks;
pub(super) use columns::{Columns, TakenClasses};
pub(super) use rank::Known;
pub use rank::Rank;

use super::fold::fold;
use crate::base::{ContentId, FileKind, PeerId};
use memchr::memmem::Finder;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Something like `size:>10M` in a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// Of these extensions.
    Ext,
    /// Of this size.
    Size,
    /// In the share of one of these peers.
    Peer,
    /// Of these kinds ([`FileKind`]).
    Type,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ext, Self::Size, Self::Peer, Self::Type];

    /// What it begins with, without the colon.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ext => "ext",
            Self::Size => "size",
            Self::Peer => "peer",
            Self::Type => "type",
        }
    }

    /// How it is written.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Ext => "ext:pdf,doc",
            Self::Size => "size:>10M, size:<1G or size:1M..5M",
            Self::Peer => "peer:peer-2 or peer:\"Ana Maria\"",
            Self::Type => "type:audio,video,image,document,archive,code,program,other",
        }
    }
}

/// Why a query is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// More than [`Query::MAX_BYTES`].
    #[error("a search has at most {} bytes; use fewer words", Query::MAX_BYTES)]
    TooLong,
    /// More than [`Query::MAX_WORDS`].
    #[error("a search has at most {} words; use fewer words", Query::MAX_WORDS)]
    TooManyWords,
    /// What stands behind an operator is not understood.
    #[error("`{}:{value}` is not understood; write it as {}", .operator.name(), .operator.example())]
    BadValue {
        /// The operator.
        operator: Operator,
        /// What stands behind it (its beginning).
        value: String,
    },
    /// No member's name begins so.
    #[error("no peer of the group has a name that begins with `{0}`")]
    NoSuchPeer(String),
    /// A link that cannot be read.
    #[error("{0}")]
    BadLink(crate::base::ContentLinkError),
}

/// A checked query. All of it must hold; a query of nothing fits every file.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// A content that was named by its hash.
    content: Option<ContentId>,
    /// The words as they were typed, with one space between them.
    phrase: String,
    /// The longest first: it is the rarest, and is what the names are scanned for.
    words: Vec<Word>,
    /// What must not occur.
    without: Vec<Word>,
    filters: Vec<Filter>,
    peers: Vec<PeerTerm>,
}

#[derive(Clone, Debug)]
struct Word {
    text: String,
    finder: Finder<'static>,
}

/// Whether what is asked for must hold or must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    With,
    Without,
}

/// A condition on one file.
#[derive(Clone, Debug)]
struct Filter {
    wanted: Wanted,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// The folded name ends with one of these; each begins with a dot.
    Extension(Vec<String>),
    Kind(Vec<FileKind>),
    /// From the first up to but not including the second.
    Size(Range<u64>),
}

/// A condition on who has a file: folded names or their beginnings, as alternatives.
#[derive(Clone, Debug)]
struct PeerTerm {
    wanted: Wanted,
    names: Vec<String>,
}

/// The peers that a query means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChosenPeers {
    /// Of each set, one has the content.
    pub all_of: Vec<BTreeSet<PeerId>>,
    /// None of these has it.
    pub none_of: BTreeSet<PeerId>,
}

impl Query {
    /// The most bytes of a query: more than anybody types, and a whole link.
    pub const MAX_BYTES: usize = 1024;
    /// The most words and operators of a query: each one costs a scan.
    pub const MAX_WORDS: usize = 32;

    /// What names are scanned for; `None` for a query of no words.
    pub(super) fn rarest(&self) -> Option<&Finder<'static>> {
        self.words.first().map(|word| &word.finder)
    }

    /// The content that is meant by its hash.
    pub(super) fn content(&self) -> Option<ContentId> {
        self.content
    }

    /// Whether names decide: not for a link.
    pub(super) fn asks_for_names(&self) -> bool {
        self.content.is_none() || !self.words.is_empty()
    }

    /// How well a folded name fits; `None` if a word is missing, or one is there that must not be.
    #[must_use]
    pub fn rank(&self, folded: &str) -> Option<Rank> {
        self.rank_bytes(folded.as_bytes())
    }

    fn rank_bytes(&self, folded: &[u8]) -> Option<Rank> {
        self.rank_knowing(folded, &Known::default())
    }

    /// The same, when something is known of the name already; `None` also if the extension is not one that is asked
    /// for.
    pub(super) fn rank_with_extension(&self, folded: &[u8], known: &Known) -> Option<Rank> {
        if self.takes_extension(folded) { self.rank_knowing(folded, known) } else { None }
    }

    fn rank_knowing(&self, folded: &[u8], known: &Known) -> Option<Rank> {
        if !self.is_without(folded) {
            return None;
        }
        let mut words = self.words.iter().zip(0..);
        if self.words.is_empty() || known.is_inside {
            let has = |(word, number)| known.has(number) || Word::find(word, folded).is_some();
            return words.all(has).then_some(Rank::Inside);
        }
        // Most names begin with another byte, and to compare them costs a call.
        let phrase = self.phrase.as_bytes();
        if phrase.first().is_none_or(|first| folded.first() == Some(first))
            && let Some(rest) = folded.strip_prefix(phrase)
        {
            return Some(if is_extension(rest) { Rank::Exact } else { Rank::Prefix });
        }
        words.try_fold(Rank::Prefix, |worst, (word, number)| {
            if known.starts >> number & 1 != 0 {
                return Some(worst.max(word.rank_of_start(folded)));
            }
            let place = known.place.filter(|_| number == 0).or_else(|| word.find(folded))?;
            Some(if worst == Rank::Inside { worst } else { worst.max(word.rank_from(folded, place)) })
        })
    }

    /// Whether nothing that must not be is in a folded name.
    fn is_without(&self, folded: &[u8]) -> bool {
        self.without.iter().all(|word| word.find(folded).is_none())
    }

    /// The rank of a folded name that is known to fit.
    pub(super) fn rank_of_fitting(&self, folded: &[u8]) -> Rank {
        self.rank_bytes(folded).unwrap_or(Rank::Inside)
    }

    /// Whether the operators take a folded name.
    fn takes_extension(&self, folded: &[u8]) -> bool {
        self.filters.iter().all(|filter| match &filter.test {
            Test::Extension(ends) => {
                ends.iter().any(|end| folded.ends_with(end.as_bytes())) == (filter.wanted == Wanted::With)
            }
            Test::Kind(_) | Test::Size(_) => true,
        })
    }

    /// Whom the query means by `peer:`, among peers with these names: who is called exactly so, or else
    /// all whose names begin so.
    ///
    /// # Errors
    /// If there is none.
    pub fn chosen_peers(&self, names: &BTreeMap<PeerId, String>) -> Result<ChosenPeers, QueryError> {
        let mut chosen = ChosenPeers::default();
        if self.peers.is_empty() {
            return Ok(chosen);
        }
        let folded: Vec<_> = names.iter().map(|(peer, name)| (*peer, fold(name))).collect();
        for term in &self.peers {
            let mut set = BTreeSet::new();
            for wanted in &term.names {
                set.extend(peers_called(wanted, &folded)?);
            }
            match term.wanted {
                Wanted::With => chosen.all_of.push(set),
                Wanted::Without => chosen.none_of.extend(set),
            }
        }
        Ok(chosen)
    }
}

fn peers_called(wanted: &str, names: &[(PeerId, String)]) -> Result<Vec<PeerId>, QueryError> {
    let those = |fits: &dyn Fn(&str) -> bool| -> Vec<PeerId> {
        names.iter().filter(|(_, name)| fits(name)).map(|(peer, _)| *peer).collect()
    };
    let exactly = those(&|name| name == wanted);
    let found = if exactly.is_empty() { those(&|name| name.starts_with(wanted)) } else { exactly };
    if found.is_empty() { Err(QueryError::NoSuchPeer(wanted.to_owned())) } else { Ok(found) }
}

impl Word {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), finder: Finder::new(text.as_bytes()).into_owned() }
    }

    /// Where it begins first in a folded name.
    fn find(&self, folded: &[u8]) -> Option<usize> {
        self.finder.find(folded)
    }

    /// How well it fits into a folded name in which it begins a word.
    fn rank_of_start(&self, folded: &[u8]) -> Rank {
        if folded.starts_with(self.text.as_bytes()) { Rank::Prefix } else { Rank::WordStart }
    }

    /// How well it fits into a folded name in which it begins first at this place.
    fn rank_from(&self, folded: &[u8], mut place: usize) -> Rank {
        debug_assert!(!self.text.is_empty(), "a word has at least one character");
        loop {
            let is_at_word = match place.checked_sub(1).map(|before| folded[before]) {
                None => return Rank::Prefix,
                Some(before) if before.is_ascii() => !before.is_ascii_alphanumeric(),
                Some(_) => !last_char(&folded[..place]).is_some_and(char::is_alphanumeric),
            };
            if is_at_word {
                return Rank::WordStart;
            }
            let next = place + self.text.len();
            let Some(distance) = self.finder.find(&folded[next..]) else { return Rank::Inside };
            place = next + distance;
        }
    }
}

/// The last character of bytes that are UTF-8.
fn last_char(bytes: &[u8]) -> Option<char> {
    let start = bytes.iter().rposition(|byte| byte & 0b1100_0000 != 0b1000_0000)?;
    std::str::from_utf8(&bytes[start..]).ok()?.chars().next()
}

/// Whether nothing is left of a name but an extension.
fn is_extension(rest: &[u8]) -> bool {
    rest.is_empty() || rest.strip_prefix(b".").is_some_and(|extension| !extension.contains(&b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        use Rank::{Exact, Inside, Prefix, WordStart};
        let cases = [
            ("report", "report", Some(Exact)),
            ("report", "report.pdf", Some(Exact)),
            ("report.pdf", "report.pdf", Some(Exact)),
            ("annual report", "annual report.pdf", Some(Exact)),
            ("report annual", "annual report.pdf", Some(WordStart)),
            ("annual  rep", "annual report.pdf", Some(Prefix)),
            ("rep", "report.pdf", Some(Prefix)),
            ("report", "annual_report.pdf", Some(WordStart)),
            ("port", "report.pdf", Some(Inside)),
            ("port rep", "report.pdf", Some(Inside)),
            ("ana", "banana ana", Some(WordStart)),
            ("report x", "report.pdf", None),
            ("", "anything", Some(Inside)),
            (" \t ", "anything", Some(Inside)),
            ("\u{200b}", "anything", Some(Inside)),
            ("AÇÃO", "acao.txt", Some(Exact)),
            (".*", "a.b", None),
            (".*", "a.*b", Some(Inside)),
            ("../", "a", None),
            ("aa", "aa aa", Some(Prefix)),
            ("b", "жb", Some(Inside)),
            ("b", "жb “b”", Some(WordStart)),
            ("b", "中b\u{1f41f}b", Some(WordStart)),
        ];
        for (words, name, expected) in cases {
            let query = Query::parse(words).expect("within the limits");
            assert_eq!(query.rank(name), expected, "{words:?} in {name:?}");
        }
    }

    #[test]
    fn limits() {
        let parse = |text: &str| Query::parse(text).map(|query| query.words.len());
        assert_eq!(parse(&"x".repeat(1024)), Ok(1));
        assert_eq!(parse(&"x".repeat(1025)), Err(QueryError::TooLong));
        let words: Vec<_> = (0..33).map(|number| number.to_string()).collect();
        assert_eq!(parse(&words[..32].join(" ")), Ok(32));
        assert_eq!(parse(&words.join(" ")), Err(QueryError::TooManyWords));
        assert_eq!(parse("a A á"), Ok(1));
    }

    /// What a query is made of, as one text.
    fn shape(text: &str) -> String {
        let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let words = |sign: &str, words: &[Word]| -> Vec<String> {
            words.iter().map(|word| format!("{sign}[{}]", word.text)).collect()
        };
        let sign = |wanted| if wanted == Wanted::With { "" } else { "-" };
        let filter = |filter: &Filter| format!("{}{:?}", sign(filter.wanted), filter.test);
        let peers = |term: &PeerTerm| format!("{}Peer({:?})", sign(term.wanted), term.names);
        let mut parts = words("", &query.words);
        parts.extend(words("-", &query.without));
        parts.extend(query.filters.iter().map(filter));
        parts.extend(query.peers.iter().map(peers));
        parts.extend(query.content.map(|content| content.short()));
        parts.join(" ")
    }

    #[test]
    fn how_queries_are_read() {
        let hash = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
        let cases = [
            ("holiday sea", "[holiday] [sea]"),
            ("\"by the sea\" holiday", "[by the sea] [holiday]"),
            ("\"by the", "[by the]"),
            ("by\" the\"sea", "[by thesea]"),
            ("\"\" \" \"", ""),
            ("holiday -sea", "[holiday] -[sea]"),
            ("-\"by the sea\"", "-[by the sea]"),
            ("\"-sea\"", "[-sea]"),
            ("a - b", "[-] [a] [b]"),
            ("wi-fi --x", "[wi-fi] -[-x]"),
            ("EXT:PDF,.doc,*.tar.gz", "Extension([\".pdf\", \".doc\", \".tar.gz\"])"),
            ("ext:pdf,", "Extension([\".pdf\"])"),
            ("-ext:pdf", "-Extension([\".pdf\"])"),
            ("type:video", "Kind([Video])"),
            ("type:a,im", "Kind([Audio, Archive, Image])"),
            ("size:1M..5M", "Size(1000000..5000000)"),
            (
                "size:>10k -size:>1G",
                "Size(10001..18446744073709551615) -Size(1000000001..18446744073709551615)",
            ),
            ("peer:\"Ana Maria\",Bob", "Peer([\"ana maria\", \"bob\"])"),
            ("-peer:José", "-Peer([\"jose\"])"),
            ("\"ext:pdf\"", "[ext:pdf]"),
            ("ガンダム －逆襲のシャア－", "[-逆襲のシャア-] [カンタム]"),
            ("12＂ vinyl rip.flac", "[rip.flac] [vinyl] [12\"]"),
            ("TYPE：0.mp4 -－a", "[type:0.mp4] -[-a]"),
            ("TÝPE:Vídeo ＥＸＴ:ＰＤＦ，doc", "Kind([Video]) Extension([\".pdf\", \".doc\"])"),
            ("l´a \"x´y\" -x´y", "[x y] [a] [l] -[x y]"),
            ("size:＞10k a\u{3000}b", "[a] [b] Size(10001..18446744073709551615)"),
            ("\u{200b}-a\u{feff} b\u{301}-c", "[b-c] -[a]"),
            ("exta:pdf http://x 12:30", "[exta:pdf] [http://x] [12:30]"),
            (hash, "[6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85] 6437b3ac"),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(text), expected, "{text}");
        }
        assert_eq!(shape(&format!(" cardume:?h={hash}&n=a.txt ")), "6437b3ac");
    }

    #[test]
    fn a_name_that_is_pasted_finds_itself() {
        for name in ["ガンダム －逆襲のシャア－", "12＂ vinyl rip.flac", "TYPE：0.mp4", "－ － x.txt"]
        {
            let query = Query::parse(name).expect("a query");
            assert_eq!(query.rank(&fold(name)), Some(Rank::Exact), "{name}");
        }
    }

    #[test]
    fn malformed_operators_are_refused_by_name_with_an_example() {
        let refused = |text: &str| Query::parse(text).expect_err("malformed").to_string();
        assert_eq!(
            refused("sea size:big"),
            "`size:big` is not understood; write it as size:>10M, size:<1G or size:1M..5M"
        );
        assert_eq!(refused("ext:"), "`ext:` is not understood; write it as ext:pdf,doc");
        assert_eq!(
            refused("-type:film"),
            "`type:film` is not understood; write it as type:audio,video,image,document,archive,code,program,other"
        );
        assert!(refused("peer:,").starts_with("`peer:,` is not understood; write it as peer:peer-2"));
        assert!(refused(&format!("size:{}", "9".repeat(900))).len() < 150, "bounded");
        assert!(refused("cardume:?h=1").contains("the hash in the link is damaged"));
        assert!(refused("cardume:join?key=x").contains("cardume join"));
    }

    #[test]
    fn peers_are_meant_by_their_name_or_its_beginning() {
        let id = |number| PeerId::from_bytes([number; 32]);
        let names: BTreeMap<_, _> = [(1, "peer-1"), (2, "peer-10"), (3, "José"), (4, "Ana Maria")]
            .map(|(n, name)| (id(n), name.to_owned()))
            .into();
        let chosen = |text: &str| Query::parse(text).expect("a query").chosen_peers(&names);
        let all_of = |sets: &[&[u8]]| ChosenPeers {
            all_of: sets.iter().map(|set| set.iter().map(|number| id(*number)).collect()).collect(),
            none_of: BTreeSet::new(),
        };
        assert_eq!(chosen("x"), Ok(all_of(&[])));
        assert_eq!(chosen("peer:peer-1"), Ok(all_of(&[&[1]])), "exactly so");
        assert_eq!(chosen("peer:PEER"), Ok(all_of(&[&[1, 2]])));
        assert_eq!(chosen("peer:jose,\"ana maria\" peer:ana"), Ok(all_of(&[&[3, 4], &[4]])));
        let none = ChosenPeers { none_of: [id(3)].into(), ..ChosenPeers::default() };
        assert_eq!(chosen("-peer:jos"), Ok(none));
        assert_eq!(chosen("peer:bob"), Err(QueryError::NoSuchPeer("bob".to_owned())));
        let refusal = chosen("peer:jose,bob").expect_err("no bob").to_string();
        assert_eq!(refusal, "no peer of the group has a name that begins with `bob`");
    }
}
