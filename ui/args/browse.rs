//! What `cardume browse` understands.

use clap::Args;

/// Whose folder to look into.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  cardume browse peer-2\n  cardume browse peer-2 Music/Albums\n  \
    cardume browse peer-2 Music --filter live --limit 20\n  \
    cardume browse peer-2 Music --recursive --json\n  cardume get --folder Music/Albums --from peer-2")]
pub(crate) struct BrowseArgs {
    /// The peer: its name, or its id.
    #[arg(value_name = "PEER")]
    pub(crate) peer: String,
    /// The folder, as `Music/Albums` [default: the folders that the peer shares].
    #[arg(value_name = "FOLDER", default_value = "", hide_default_value = true)]
    pub(crate) folder: String,
    /// Only names that contain this, without regard to case and accents.
    #[arg(long, value_name = "WORDS", default_value = "", hide_default_value = true)]
    pub(crate) filter: String,
    /// At most so many folders and files.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Every file in the folder and below it, without limit.
    #[arg(long, conflicts_with_all = ["filter", "limit"])]
    pub(crate) recursive: bool,
}
