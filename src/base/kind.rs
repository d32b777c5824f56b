//! What sort of thing a file is, as its name says. A label for people: nothing is opened or trusted by it.

/// A sort of files, by the extension of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Music and speech.
    Audio,
    /// Films.
    Video,
    /// Pictures.
    Image,
    /// Texts, tables, slides, books.
    Document,
    /// Packed files and disk images.
    Archive,
    /// Source code and its data.
    Code,
    /// What is run or installed.
    Program,
    /// None of these.
    #[default]
    Other,
}

/// The longest extension that says something.
const MAX_EXTENSION: usize = 8;

impl FileKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Audio,
        Self::Video,
        Self::Image,
        Self::Document,
        Self::Archive,
        Self::Code,
        Self::Program,
        Self::Other,
    ];

    /// How a search names it (`type:audio`).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Image => "image",
            Self::Document => "document",
            Self::Archive => "archive",
            Self::Code => "code",
            Self::Program => "program",
            Self::Other => "other",
        }
    }

    /// The sort that a search names so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a file with this name is; case does not matter.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let Some((_, extension)) = name.rsplit_once('.') else { return Self::Other };
        let mut lower = [0; MAX_EXTENSION];
        let Some(lower) = lower.get_mut(..extension.len()) else { return Self::Other };
        lower.copy_from_slice(extension.as_bytes());
        lower.make_ascii_lowercase();
        Self::of_extension(lower)
    }

    fn of_extension(lower: &[u8]) -> Self {
        match lower {
            b"aac" | b"aif" | b"aiff" | b"ape" | b"flac" | b"m4a" | b"m4b" | b"mid" | b"midi" | b"mka"
            | b"mp3" | b"oga" | b"ogg" | b"opus" | b"wav" | b"wma" => Self::Audio,
            b"3gp" | b"avi" | b"divx" | b"flv" | b"m2ts" | b"m4v" | b"mkv" | b"mov" | b"mp4" | b"mpeg"
            | b"mpg" | b"mts" | b"ogv" | b"vob" | b"webm" | b"wmv" => Self::Video,
            b"ai" | b"avif" | b"bmp" | b"cr2" | b"dng" | b"gif" | b"heic" | b"heif" | b"ico" | b"jfif"
            | b"jpeg" | b"jpg" | b"jxl" | b"kra" | b"nef" | b"png" | b"psd" | b"raw" | b"svg" | b"tga"
            | b"tif" | b"tiff" | b"webp" | b"xcf" => Self::Image,
            b"azw3" | b"csv" | b"djvu" | b"doc" | b"docm" | b"docx" | b"epub" | b"htm" | b"html" | b"key"
            | b"log" | b"md" | b"mobi" | b"numbers" | b"odg" | b"odp" | b"ods" | b"odt" | b"pages"
            | b"pdf" | b"pps" | b"ppsx" | b"ppt" | b"pptx" | b"ps" | b"rtf" | b"srt" | b"tex" | b"tsv"
            | b"txt" | b"xls" | b"xlsm" | b"xlsx" => Self::Document,
            b"7z" | b"bz2" | b"cab" | b"cbr" | b"cbz" | b"dmg" | b"gz" | b"img" | b"iso" | b"lz4"
            | b"lzma" | b"rar" | b"tar" | b"tbz" | b"tgz" | b"txz" | b"vdi" | b"vhd" | b"vmdk" | b"xz"
            | b"zip" | b"zst" => Self::Archive,
            b"asm" | b"bat" | b"c" | b"cc" | b"cpp" | b"cs" | b"css" | b"dart" | b"go" | b"h" | b"hpp"
            | b"hs" | b"ipynb" | b"java" | b"js" | b"json" | b"jsx" | b"kt" | b"lua" | b"php" | b"pl"
            | b"ps1" | b"py" | b"r" | b"rb" | b"rs" | b"scala" | b"sh" | b"sql" | b"swift" | b"toml"
            | b"ts" | b"tsx" | b"xml" | b"yaml" | b"yml" | b"zig" => Self::Code,
            b"apk" | b"appimage" | b"deb" | b"dll" | b"exe" | b"flatpak" | b"jar" | b"msi" | b"nes"
            | b"pkg" | b"rpm" | b"snap" | b"so" | b"wasm" => Self::Program,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_files_are() {
        let cases = [
            ("song.mp3", FileKind::Audio),
            ("SONG.FLAC", FileKind::Audio),
            ("lecture 04.Mp4", FileKind::Video),
            ("sea.jpeg", FileKind::Image),
            ("slides.pdf", FileKind::Document),
            ("backup.tar.gz", FileKind::Archive),
            ("main.rs", FileKind::Code),
            ("setup.exe", FileKind::Program),
            ("a.flatpak", FileKind::Program),
            ("README", FileKind::Other),
            ("pdf", FileKind::Other),
            ("a.", FileKind::Other),
            ("a.an-extension-that-is-long", FileKind::Other),
            ("a.çédille", FileKind::Other),
            ("", FileKind::Other),
        ];
        for (name, kind) in cases {
            assert_eq!(FileKind::of_name(name), kind, "{name}");
        }
    }

    #[test]
    fn kinds_are_found_by_their_names() {
        for kind in FileKind::ALL {
            assert_eq!(FileKind::named(kind.name()), Some(kind));
        }
        assert_eq!(FileKind::named("vid"), None);
    }
}
