//! Made-up shares as people have them: names of 30 to 60 bytes with capitals, accents, dates and
//! numbers, in folders of some twenty files, a fifth of the contents in every share.

use cardume::base::{ContentId, FileName, FolderPath, PeerId};
use cardume::engine::index::FileEntry;

const SUBJECTS: &[&str] = &[
    "Relatório",
    "Holiday",
    "Reunião",
    "Invoice",
    "Aula",
    "Lecture",
    "Orçamento",
    "Sunset",
    "Ensaio",
    "Concert",
    "Manual",
    "Protocol",
    "Fotografia",
    "Interview",
    "Contrato",
    "Backup",
    "Planilha",
    "Recording",
    "Tese",
    "Presentation",
    "Receita",
    "Diagram",
    "Mapa",
    "Survey",
    "Coração",
    "Draft",
    "Canção",
    "Trailer",
    "Índice",
    "Source",
];
const THINGS: &[&str] = &[
    "da seção norte",
    "by the sea",
    "do laboratório",
    "with friends",
    "de São Paulo",
    "of the reef",
    "anual",
    "final version",
    "do Zé e da Inês",
    "for review",
    "de física",
    "in the mountains",
    "trimestral",
    "second take",
    "da diretoria",
    "at the harbour",
    "de programação",
    "night shift",
    "do edifício",
    "spare copy",
    "de biologia marinha",
    "old archive",
    "preliminar",
    "high resolution",
    "da família",
    "working set",
    "de outubro",
    "unsorted",
    "do arquivo geral",
    "raw material",
];
const ENDS: &[&str] = &[
    "pdf", "jpg", "jpg", "mp3", "mp4", "docx", "xlsx", "png", "txt", "zip", "JPG", "flac", "mkv", "pptx",
    "rs", "tar.gz", "CR2", "html", "exe", "csv",
];
const PLACES: &[&str] = &[
    "Niterói",
    "Amsterdam",
    "Recife",
    "Lisboa",
    "Kyoto",
    "Room 12",
    "São Luís",
    "Group B",
    "Zürich",
    "Belém",
    "Ana Maria",
    "Edinburgh",
    "Florianópolis",
    "Camera 2",
    "Maputo",
];
const TOPS: &[&str] = &["Documents", "Música", "Pictures", "Vídeos", "Projects"];

/// The id of the peer with this number.
pub(crate) fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

fn mixed(number: u64) -> u64 {
    // SplitMix64: its numbers look random, and are the same in every run.
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn pick<'a>(of: &[&'a str], dice: u64) -> &'a str {
    of[usize::try_from(dice % of.len() as u64).unwrap_or(0)]
}

/// The name of the file with this number in this peer's share.
pub(crate) fn name(owner: u8, key: u64) -> String {
    let dice = mixed(key << 8 | u64::from(owner));
    let (subject, thing, end) = (pick(SUBJECTS, dice), pick(THINGS, dice >> 8), pick(ENDS, dice >> 16));
    let number = key * 7 % 1_000_003;
    let place = pick(PLACES, dice >> 28);
    match dice >> 24 & 7 {
        0 => format!("{subject}_{thing}_{place}_{number:06}.{end}").replace(' ', "_"),
        1 => {
            let (year, month, day) = (1990 + number % 35, 1 + number % 12, 1 + key % 28);
            format!("{year:04}-{month:02}-{day:02} {subject} {thing} {place}.{end}")
        }
        2 => format!("IMG_{number:07} {subject} {thing}.{end}"),
        3 => format!("{} - {subject} {thing}, {place} ({number}).{end}", 1 + key % 99),
        4 => format!("{subject} {thing} v{} {number}.{end}", key % 13).to_lowercase(),
        5 => format!("{subject} {number} {thing} [{:08x}].{end}", dice >> 32),
        6 => format!("{subject} {thing} - cópia {} de {place} {number}.{end}", key % 7),
        _ => format!("{place} - {subject} {thing} {number}.{end}"),
    }
}

/// The files of one peer, in the order of their keys.
pub(crate) fn files(peer: u8, count: u64) -> impl Iterator<Item = FileEntry> {
    let mut folder = FolderPath::default();
    (0..count).map(move |key| {
        // A fifth of the files is in every share, mostly under the same name.
        let owner = if mixed(key).is_multiple_of(5) { 0 } else { peer };
        let content = blake3::hash(&[&key.to_le_bytes()[..], &[owner]].concat());
        if key.is_multiple_of(20) {
            let dice = mixed(key ^ 0xF01D);
            let text = format!(
                "{}/{} {}/{}",
                pick(TOPS, dice),
                pick(SUBJECTS, dice >> 8),
                1990 + dice % 35,
                key / 20
            );
            folder = FolderPath::new(&text).expect("a valid path");
        }
        FileEntry {
            key,
            folder: folder.clone(),
            name: FileName::new(&name(owner, key)).expect("a plain name"),
            size: mixed(key * 3) >> (24 + mixed(key) % 32),
            content: Some(ContentId::from_bytes(*content.as_bytes())),
        }
    })
}
