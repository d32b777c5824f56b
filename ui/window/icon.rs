//! Pictures: a subset of the Phosphor icon font, by what they mean.
//!
//! Invariant: every icon has a glyph in both of our fonts, outlined and filled (a test holds it). To add
//! one: a line with its code point here, then `fonts/subset-icons.sh`. Absent on purpose: words; an icon
//! alone says nothing to a person who does not see it, so whoever draws one gives it a label.

use super::theme;
use eframe::egui;
use egui::{Align2, Color32, FontId, Rect, Ui};

macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident = $glyph:literal,)*) => {
        /// A picture.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(not(test), expect(dead_code, reason = "a set to choose from; pages take what they need"))]
        pub(crate) enum Icon {
            $($(#[$doc])* $name,)*
        }

        impl Icon {
            /// All of them.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its code point in the icon font.
            pub(crate) fn glyph(self) -> char {
                match self {
                    $(Self::$name => $glyph,)*
                }
            }
        }
    };
}

icons! {
    /// A magnifier.
    Search = '\u{e30c}',
    /// Arrows down and up.
    Transfers = '\u{e098}',
    /// A folder.
    Folder = '\u{e24a}',
    /// An open folder.
    FolderOpen = '\u{e256}',
    /// A folder to add.
    FolderPlus = '\u{e258}',
    /// Three people.
    Group = '\u{e68e}',
    /// A pulse.
    Activity = '\u{e000}',
    /// An arrow onto a line.
    Download = '\u{e20c}',
    /// An arrow off a line.
    Upload = '\u{e4c0}',
    /// Closed: points right.
    Right = '\u{e13a}',
    /// Open: points down.
    Down = '\u{e136}',
    /// Points left.
    Left = '\u{e138}',
    /// Points up.
    Up = '\u{e13c}',
    /// A cross.
    Close = '\u{e4f6}',
    /// A tick.
    Check = '\u{e182}',
    /// A tick in a circle: done.
    CheckCircle = '\u{e184}',
    /// A cross in a circle: failed.
    Failed = '\u{e4f8}',
    /// A question mark in a circle.
    Help = '\u{e3e8}',
    /// Good to know.
    Info = '\u{e2ce}',
    /// A triangle with an exclamation mark.
    Warning = '\u{e4e0}',
    /// A bell: messages.
    Bell = '\u{e0ce}',
    /// Go on.
    Play = '\u{e3d0}',
    /// Rest for a while.
    Pause = '\u{e39e}',
    /// Stop for good.
    Stop = '\u{e46c}',
    /// Once more.
    Retry = '\u{e036}',
    /// Look again.
    Refresh = '\u{e094}',
    /// To the beginning.
    StepBack = '\u{e5a4}',
    /// To the end.
    StepForward = '\u{e5a6}',
    /// Sorted upward.
    ArrowUp = '\u{e08e}',
    /// Sorted downward.
    ArrowDown = '\u{e03e}',
    /// One more.
    Plus = '\u{e3d4}',
    /// One less.
    Minus = '\u{e32a}',
    /// What else can be done.
    More = '\u{e1fe}',
    /// Opens elsewhere.
    External = '\u{e5de}',
    /// Into a file.
    Save = '\u{e248}',
    /// A bin.
    Trash = '\u{e4a6}',
    /// A link of a chain.
    Link = '\u{e2e2}',
    /// Two sheets.
    Copy = '\u{e1ca}',
    /// A key: an invite.
    Key = '\u{e2d6}',
    /// A square code.
    QrCode = '\u{e3e6}',
    /// Closed to others.
    Lock = '\u{e2fa}',
    /// Seen.
    Eye = '\u{e220}',
    /// Not seen.
    EyeOff = '\u{e224}',
    /// A list.
    List = '\u{e2f2}',
    /// Columns.
    Columns = '\u{e546}',
    /// A funnel.
    Filter = '\u{e266}',
    /// A cogwheel.
    Settings = '\u{e272}',
    /// Limits.
    Sliders = '\u{e434}',
    /// A clock.
    Clock = '\u{e19a}',
    /// What was.
    History = '\u{e1a0}',
    /// A stopwatch.
    Timer = '\u{e492}',
    /// A speed.
    Gauge = '\u{e628}',
    /// A crown: the tracker.
    Tracker = '\u{e616}',
    /// A star.
    Star = '\u{e46a}',
    /// A person.
    Person = '\u{e4c2}',
    /// A peer's machine.
    Peer = '\u{e560}',
    /// Machines that are connected.
    Network = '\u{edde}',
    /// Who is where: the name service.
    Names = '\u{e6f8}',
    /// Connected.
    Plug = '\u{eb5a}',
    /// Not connected.
    Unplug = '\u{eb56}',
    /// Cut a link.
    Scissors = '\u{eae0}',
    /// A crash.
    Lightning = '\u{e2de}',
    /// A heartbeat.
    Heartbeat = '\u{e2ac}',
    /// A raised hand: a vote.
    Vote = '\u{e298}',
    /// Silent as after a crash.
    Silent = '\u{e62a}',
    /// Checked.
    Shield = '\u{e40c}',
    /// The palette.
    Command = '\u{e1c4}',
    /// The keyboard.
    Keyboard = '\u{e2d8}',
    /// To be written.
    Edit = '\u{e3b4}',
    /// Light.
    Sun = '\u{e472}',
    /// Dark.
    Moon = '\u{e330}',
    /// Languages.
    Language = '\u{e4a2}',
    /// A fish.
    Fish = '\u{e728}',
    /// A file of any sort.
    File = '\u{e230}',
    /// A text.
    Document = '\u{e23a}',
    /// A PDF.
    Pdf = '\u{e702}',
    /// A table.
    Table = '\u{eb22}',
    /// Slides.
    Slides = '\u{e656}',
    /// A book.
    Book = '\u{e0e6}',
    /// Sound.
    Audio = '\u{e340}',
    /// Moving pictures.
    Video = '\u{e792}',
    /// A picture.
    Image = '\u{e2ca}',
    /// Files in a file.
    Archive = '\u{e958}',
    /// A program's text.
    Code = '\u{e914}',
    /// A disc's image.
    Disc = '\u{e564}',
    /// A program.
    Program = '\u{e5da}',
    /// Letters.
    Font = '\u{e6ee}',
    /// Words of a film.
    Subtitles = '\u{e1a4}',
}

/// The icon of a file by the end of its name, in lower case.
const FILE_TYPES: &[(Icon, &[&str])] = &[
    (
        Icon::Audio,
        &[
            "aac", "aif", "aiff", "flac", "m4a", "mid", "midi", "mka", "mp3", "oga", "ogg", "opus", "wav",
            "wma",
        ],
    ),
    (
        Icon::Video,
        &[
            "3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "ogv", "ts", "vob",
            "webm", "wmv",
        ],
    ),
    (
        Icon::Image,
        &[
            "arw", "avif", "bmp", "cr2", "dng", "gif", "heic", "heif", "ico", "jpeg", "jpg", "jxl", "kra",
            "nef", "png", "psd", "raw", "svg", "tif", "tiff", "webp", "xcf",
        ],
    ),
    (Icon::Pdf, &["pdf"]),
    (
        Icon::Document,
        &["doc", "docx", "log", "markdown", "md", "odt", "org", "pages", "rst", "rtf", "tex", "txt"],
    ),
    (Icon::Table, &["csv", "numbers", "ods", "tsv", "xls", "xlsx"]),
    (Icon::Slides, &["key", "odp", "ppt", "pptx"]),
    (Icon::Book, &["azw3", "cbr", "cbz", "djvu", "epub", "mobi"]),
    (
        Icon::Archive,
        &["7z", "ar", "bz2", "gz", "lz4", "lzma", "rar", "tar", "tgz", "txz", "xz", "zip", "zst"],
    ),
    (Icon::Disc, &["dmg", "img", "iso", "qcow2", "vdi", "vmdk"]),
    (
        Icon::Code,
        &[
            "c", "cpp", "css", "go", "h", "hpp", "html", "ipynb", "java", "js", "json", "kt", "lua", "php",
            "py", "rb", "rs", "sh", "sql", "swift", "toml", "tsx", "xml", "yaml", "yml",
        ],
    ),
    (Icon::Program, &["apk", "appimage", "bin", "deb", "exe", "flatpak", "jar", "msi", "rpm"]),
    (Icon::Font, &["otf", "ttf", "woff", "woff2"]),
    (Icon::Subtitles, &["ass", "srt", "sub", "vtt"]),
];
/// The longest of those ends: what is longer is none of them.
const LONGEST_END: usize = 8;

impl Icon {
    /// The icon of a file with this name.
    pub(crate) fn of_file(name: &str) -> Self {
        let Some((_, end)) = name.rsplit_once('.').filter(|(_, end)| end.len() <= LONGEST_END) else {
            return Self::File;
        };
        let end = end.to_ascii_lowercase();
        let found = FILE_TYPES.iter().find(|(_, ends)| ends.binary_search(&end.as_str()).is_ok());
        found.map_or(Self::File, |(icon, _)| *icon)
    }

    /// Draws it into the middle of `rect`.
    pub(crate) fn paint(self, ui: &Ui, rect: Rect, color: Color32) {
        self.paint_as(ui, rect, theme::icon(theme::ICON), color);
    }

    /// Draws it filled into the middle of `rect`: what is chosen or on.
    pub(crate) fn paint_filled(self, ui: &Ui, rect: Rect, color: Color32) {
        self.paint_as(ui, rect, theme::filled_icon(theme::ICON), color);
    }

    /// Draws it in a size of its own into the middle of `rect`.
    pub(crate) fn paint_large(self, ui: &Ui, rect: Rect, color: Color32) {
        self.paint_as(ui, rect, theme::icon(theme::LARGE_ICON), color);
    }

    fn paint_as(self, ui: &Ui, rect: Rect, font: FontId, color: Color32) {
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, self.glyph(), font, color);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_has_a_glyph_in_both_fonts() {
        let ctx = egui::Context::default();
        theme::install(&ctx);
        let mut asked = 0;
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            asked = Icon::ALL.len();
            for icon in Icon::ALL {
                for font in [theme::icon(theme::ICON), theme::filled_icon(theme::ICON)] {
                    let there = ui.fonts_mut(|fonts| fonts.has_glyph(&font, icon.glyph()));
                    assert!(there, "{icon:?} is missing in {font:?}: run fonts/subset-icons.sh");
                }
            }
            let none = ui.fonts_mut(|fonts| fonts.has_glyph(&theme::icon(theme::ICON), '\u{e001}'));
            assert!(!none, "a glyph that is not in the subset is missing");
        });
        output.textures_delta.clear();
        assert!(asked > 80, "the icons were looked at");
    }

    #[test]
    fn no_two_icons_look_alike() {
        let glyphs: std::collections::BTreeSet<char> = Icon::ALL.iter().map(|icon| icon.glyph()).collect();
        assert_eq!(glyphs.len(), Icon::ALL.len());
    }

    #[test]
    fn files_are_known_by_the_end_of_their_names() {
        for (icon, ends) in FILE_TYPES {
            assert!(ends.is_sorted(), "{icon:?}: the ends are searched by halving");
            for end in *ends {
                assert!(end.len() <= LONGEST_END, "{end}");
                assert_eq!(Icon::of_file(&format!("a.{end}")), *icon, "{end} stands twice");
            }
        }
        let cases = [
            ("Reef recording.WAV", Icon::Audio),
            ("notes.tar.gz", Icon::Archive),
            ("README", Icon::File),
            (".flac", Icon::Audio),
            ("a.", Icon::File),
            ("a.ação", Icon::File),
            ("a.averyveryverylongend", Icon::File),
        ];
        for (name, icon) in cases {
            assert_eq!(Icon::of_file(name), icon, "{name}");
        }
    }
}
