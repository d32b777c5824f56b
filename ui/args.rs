//! What the command line understands. Sentences for people stand here and in `commands`; what the window
//! says is in its translations.

mod browse;
mod transfers;

pub(crate) use browse::BrowseArgs;
use cardume::node::Sort;
use clap::{Args, Parser, Subcommand};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
pub(crate) use transfers::{LimitsArgs, TransfersArgs};

const EXAMPLES: &str = "\
Examples:
  cardume                                      open a peer's window
  cardume demo --headless                      a name service and five peers in this terminal
  cardume --home D --profile peer-2 status     how that peer is
  cardume share ~/Music                        share a folder
  cardume search holiday pictures --json       who has these files
  cardume browse peer-3 Music                  what a peer shares, folder by folder
  cardume get lecture.pdf --from peer-3        download from the peer of your choice
  cardume check                                what is wrong with the connections
  cardume crash                                silence the tracker for 5 s; see cardume events
  cardume names list                           what is registered at the name service

Environment:
  CARDUME_LOG=debug        what the log says: error, warn, info, debug, or trace
  CARDUME_REAL_TIME=0      heartbeats do not go first, where the system would let them

Exit codes:
  0 done   1 failed   2 wrong usage   3 no running peer   4 not found   5 no tracker at the moment
  6 not found, and the index is still filling";

/// How a search is written; PROTOCOL.md says it in full.
const QUERIES: &str = "\
All of it must fit; case and accents do not matter:
  word  \"two words\"      in the file's name
  -word                   not in it (after --, as in: search holiday -- -draft)
  ext:pdf,doc             with one of these endings
  type:video              audio, video, image, document, archive, code, program, other
  size:>10M  size:<1G     also >= <= and size:1M..5M
  peer:peer-2             that peer has it; peer:\"Ana Maria\", -peer:bob
  cardume:?h=…            the file of a link, or of a hash alone

Examples:
  cardume search lecture
  cardume search \"sao paulo\" --limit 5 --json
  cardume search holiday type:image \"size:>1M\" --sort -size
  cardume search --limit 5 -- holiday -draft";

/// Share folders with the people around you, without a server.
#[derive(Debug, Parser)]
#[command(name = "cardume", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    /// Without a command: opens a window in the next free profile.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options that every command understands.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Global {
    /// Answer in JSON for programs; PROTOCOL.md, "What --json prints", says in which shapes.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The profile: one peer of this account [default: for a new peer the next free one; else the first that runs].
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Keep everything in this folder instead of the platform's.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Stop when standard input ends: how a demonstration keeps its processes.
    #[arg(long, global = true, hide = true)]
    pub(crate) stop_with_stdin: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Starts a name service and peers with sample files, and stops them all at its end. Without --home: in a temporary folder.
    Demo(DemoArgs),
    /// Runs a peer: with a window, or without one for servers and tests.
    Peer(PeerArgs),
    /// Says how the peer, its tracker and its group are.
    Status,
    /// Asks the tracker which files have all these words in their names.
    #[command(after_help = QUERIES)]
    Search {
        /// Words, without regard to case and accents; operators; or a link.
        #[arg(required = true)]
        words: Vec<String>,
        /// At most so many contents.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Pass over so many first.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Sort by relevance, name, size, sources or type; with `-` before it the largest first.
        #[arg(long, default_value_t, value_name = "ORDER", allow_hyphen_values = true)]
        sort: Sort,
    },
    /// Asks the tracker who has a content.
    Sources {
        /// The content's hash, a link, or a file's name.
        content: String,
    },
    /// Shows what a peer shares, folder by folder.
    Browse(BrowseArgs),
    /// Downloads a file or a folder and waits until it is whole and verified.
    Get(GetArgs),
    /// Shares a folder; without one: lists the shared folders.
    #[command(
        after_help = "Examples:\n  cardume share ~/Music\n  cardume share ~/Music --rescan\n  cardume share ~/Music --skipped\n\nHidden files and what programs leave behind (*.part, *.tmp, ~$*, Thumbs.db, node_modules/ ...) are not shared.\nA file .cardumeignore in the folder says what else is not, with patterns as of .gitignore."
    )]
    Share(ShareArgs),
    /// Stops sharing a folder.
    Unshare {
        /// The folder.
        folder: PathBuf,
    },
    /// Tests the links to the name service and to every peer, and says which one fails and what to do.
    Check,
    /// Calls the running peer NAME from now on.
    Name {
        /// What others see it as.
        name: String,
    },
    /// Lists the downloads of the running peer, and what others download from it.
    Transfers(TransfersArgs),
    /// The limits of speed and of downloads at once: shows them, or sets some.
    Limits(LimitsArgs),
    /// The name service: runs it, and asks what is registered.
    #[command(subcommand)]
    Names(crate::commands::NamesCommand),
    /// Members, invites and credentials of the group.
    #[command(subcommand)]
    Group(GroupCommand),
    /// Makes this machine a member of the group of an invite.
    Join {
        /// The link from `cardume group invite`.
        link: String,
        /// Leave another group for good, if this home belongs to one.
        #[arg(long)]
        replace: bool,
    },
    /// Opens a link: an invite asks whether to join, a file's link is searched in a window.
    #[command(
        after_help = "Desktops call this when a `cardume:` link is clicked; `cardume LINK` is the same.\n\nExamples:\n  \
        cardume open 'cardume:?h=6f3a…&n=lecture.pdf'\n  cardume open 'cardume:join?…'"
    )]
    Open {
        /// The link, from *Copy link* or from `cardume group invite`.
        link: String,
    },
    /// A fault drill: makes the tracker silent as a crash does, and back.
    #[command(
        after_help = "Examples:\n  cardume crash\n  cardume crash --peer peer-2 --for 10s\n  cardume crash --recover"
    )]
    Crash(CrashArgs),
    /// Other fault drills: a peer that stands still, a link that is cut.
    #[command(
        subcommand,
        after_help = "Examples:\n  cardume drill pause\n  cardume drill pause --peer peer-2 --for 10s\n  cardume drill cut --to peer-3 --for 10s\n\n`cardume crash --recover` ends those of the profile that is asked."
    )]
    Drill(DrillCommand),
    /// Stops the running peer; a tracker hands over first.
    Stop,
    /// What happened at the running peer, the latest 500, in local time; `--json` gives UTC.
    Events {
        /// Go on until interrupted.
        #[arg(long)]
        follow: bool,
    },
    /// Writes completions for a shell to standard output.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// How to run a peer.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PeerArgs {
    /// Without a window.
    #[arg(long)]
    pub(crate) headless: bool,
    /// What others see this peer as; kept for later starts [default: the profile's name].
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The address to listen on [default: the one from which the name service is reached].
    #[arg(long, value_name = "IP")]
    pub(crate) listen: Option<IpAddr>,
    /// The general listener's port [default: the last one, else any].
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// The election listener's port [default: the last one, else any].
    #[arg(long)]
    pub(crate) election_port: Option<u16>,
    /// Where the name service is, or several, tried in turn; kept for all peers of this home.
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) names: Vec<SocketAddr>,
    /// Do not start a name service where none answers.
    #[arg(long)]
    pub(crate) no_names: bool,
    /// With how many peers a name service that this peer starts founds the group.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=7))]
    pub(crate) expect: u8,
    /// Share this folder; repeatable.
    #[arg(long, value_name = "DIR")]
    pub(crate) share: Vec<PathBuf>,
    /// Do not ask before sharing a home folder, keys, or very many files.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Let members on other machines order fault drills.
    #[arg(long)]
    pub(crate) drills: bool,
    /// The seed of the random timers, for tests.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Where the window is.
    #[arg(long, hide = true, value_name = "X,Y", value_parser = pair)]
    pub(crate) position: Option<(f32, f32)>,
    /// How large the window is.
    #[arg(long, hide = true, value_name = "W,H", value_parser = pair)]
    pub(crate) size: Option<(f32, f32)>,
    /// The link that the window's search begins with.
    #[arg(long, hide = true)]
    pub(crate) link: Option<String>,
}

/// What to do with a shared folder.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ShareArgs {
    /// The folder.
    pub(crate) folder: Option<PathBuf>,
    /// Do not ask before sharing a home folder, keys, or very many files.
    #[arg(long, requires = "folder")]
    pub(crate) yes: bool,
    /// Look at everything in the shared folder again.
    #[arg(long, requires = "folder", conflicts_with_all = ["yes", "pause", "resume", "skipped"])]
    pub(crate) rescan: bool,
    /// Hold the hashing of the shared folder.
    #[arg(long, requires = "folder", conflicts_with_all = ["yes", "resume", "skipped"])]
    pub(crate) pause: bool,
    /// Let the hashing of the shared folder go on.
    #[arg(long, requires = "folder", conflicts_with_all = ["yes", "skipped"])]
    pub(crate) resume: bool,
    /// List what of the shared folder is not shared, and why: the first hundred.
    #[arg(long, requires = "folder", conflicts_with = "yes")]
    pub(crate) skipped: bool,
}

/// How to run the demonstration.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  cardume demo\n  cardume demo --headless --home D\n\nWhile it runs:\n  \
    cardume --home D --profile peer-2 status\n  cardume --home D names list")]
pub(crate) struct DemoArgs {
    /// How many peers.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) peers: u8,
    /// No windows, but a table in the terminal.
    #[arg(long)]
    pub(crate) headless: bool,
    /// Write no sample files.
    #[arg(long)]
    pub(crate) no_samples: bool,
}

/// What to download and how.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  cardume get lecture.pdf\n  cardume get lecture.pdf --from peer-3 --from peer-5\n  \
    cardume get 6f3a… --to ~/Documents --json\n  cardume get --folder Music/Albums --from peer-2\n\n\
    The peer downloads; this command only waits. After Ctrl+C, or \"no source is left\", the download goes on.\n\
    `cardume transfers` lists it, `cardume transfers --cancel NUMBER` ends it."
)]
pub(crate) struct GetArgs {
    /// A link, the content's hash, or a file's whole name.
    #[arg(required_unless_present = "folder")]
    pub(crate) what: Option<String>,
    /// A whole folder of the peer of --from, as `cardume browse` and `cardume sources` show folders.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["what", "via"], requires = "from")]
    pub(crate) folder: Option<String>,
    /// From this peer (name or id); repeated: from these [default: from all that have it].
    #[arg(long, value_name = "PEER")]
    pub(crate) from: Vec<String>,
    /// Into this folder [default: the download folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// How the bytes come.
    #[arg(long, value_enum, default_value_t = Via::Http)]
    pub(crate) via: Via,
}

/// How the bytes of a download come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Via {
    /// As plain bodies of `GET /content/…`: fast.
    Http,
    /// With nothing but JSON-RPC (`transfer_read`).
    Rpc,
}

/// What to do with the group.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// Lists the members.
    Members,
    /// Prints a link that makes another machine a member. Hand it only to people you trust.
    Invite {
        /// Where the others reach the name service [default: as configured here].
        #[arg(long, value_name = "IP:PORT")]
        names: Vec<SocketAddr>,
    },
    /// Gives up this peer's seat for good and stops it.
    Leave,
    /// Writes `ca.pem`, `cert.pem` and `key.pem`, with which curl or any JSON-RPC client is the peer of `--profile` [default: the first one of this home].
    Credentials {
        /// The folder to write to.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// Which peer falls silent and for how long.
#[derive(Clone, Debug, Args)]
pub(crate) struct CrashArgs {
    /// Which peer (name or id) [default: the tracker].
    #[arg(long, value_name = "NAME")]
    pub(crate) peer: Option<String>,
    /// For how long: `500ms`, `5s`, `1m` (at most `1m`).
    #[arg(long = "for", value_name = "TIME", default_value = "5s", value_parser = time)]
    pub(crate) for_time: Duration,
    /// End the drill of this profile's peer now.
    #[arg(long, conflicts_with = "peer")]
    pub(crate) recover: bool,
}

/// Which fault drill.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum DrillCommand {
    /// A peer stands still as a stopped process does: it takes nothing and sends nothing, its connections stay open.
    Pause {
        /// Which peer (name or id) [default: the tracker].
        #[arg(long, value_name = "NAME")]
        peer: Option<String>,
        /// For how long: `500ms`, `5s`, `1m` (at most `1m`).
        #[arg(long = "for", value_name = "TIME", default_value = "5s", value_parser = time)]
        for_time: Duration,
    },
    /// The link between this profile's peer and another one is cut, in both directions.
    Cut {
        /// To which peer (name or id).
        #[arg(long, value_name = "NAME")]
        to: String,
        /// For how long: `500ms`, `5s`, `1m` (at most `1m`).
        #[arg(long = "for", value_name = "TIME", default_value = "10s", value_parser = time)]
        for_time: Duration,
    },
}

fn pair(text: &str) -> Result<(f32, f32), String> {
    let numbers = text.split_once(',').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    numbers
        .filter(|(a, b): &(f32, f32)| a.is_finite() && b.is_finite())
        .ok_or("two numbers, as 640,480".into())
}

fn time(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" => 60_000,
        _ => return Err("a time as 500ms, 5s or 1m".into()),
    };
    let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
    let millis = millis.filter(|millis| (1..=60_000).contains(millis)).ok_or("from 1ms to 1m")?;
    Ok(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Options after the words are options: programs write `search WORDS --json`.
    #[test]
    fn options_may_follow_the_words_of_a_search() {
        let cli = Cli::parse_from(["cardume", "search", "two", "words", "--json", "--", "-draft"]);
        let Some(Command::Search { words, .. }) = cli.command else { panic!("no search") };
        assert!(cli.global.json);
        assert_eq!(words, ["two", "words", "-draft"]);
    }

    #[test]
    fn an_option_behind_the_words_of_a_search_is_an_option() {
        let cli = Cli::try_parse_from(["cardume", "search", "whale", "song", "--json"]).expect("understood");
        assert!(cli.global.json);
        let words = |arguments: &[&str]| match Cli::try_parse_from(arguments).map(|cli| cli.command) {
            Ok(Some(Command::Search { words, .. })) => words,
            other => panic!("{other:?}"),
        };
        assert_eq!(words(&["cardume", "search", "whale", "--json"]), ["whale"]);
        assert_eq!(words(&["cardume", "search", "--", "whale", "-draft"]), ["whale", "-draft"]);
    }

    #[test]
    fn times_have_units_and_limits() {
        let cases = [
            ("500ms", Some(500)),
            ("5s", Some(5_000)),
            ("5", Some(5_000)),
            ("1m", Some(60_000)),
            ("0s", None),
            ("61s", None),
            ("s", None),
            ("-1s", None),
            ("5h", None),
            ("99999999999999999999s", None),
        ];
        for (text, millis) in cases {
            assert_eq!(time(text).ok(), millis.map(Duration::from_millis), "{text}");
        }
    }
}
