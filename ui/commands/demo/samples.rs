//! Sample files for a demonstration: real text, tables, pictures and a recording, always the same bytes,
//! some of them held by several peers.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The recording's size: large enough to watch it arrive from several peers.
const RECORDING_BYTES: u32 = 64 * 1024 * 1024 + 44;
/// How much of the recording is made at once.
const BLOCK: usize = 256 * 1024;
/// Samples per second of the recording.
const RATE: u32 = 44_100;
/// How many peers hold the recording.
const RECORDING_HOLDERS: usize = 3;

/// Writes the samples, one folder per peer. Files that are there with their size are left alone.
pub(crate) fn write(folders: &[PathBuf]) -> std::io::Result<()> {
    for (number, folder) in folders.iter().enumerate() {
        std::fs::create_dir_all(folder)?;
        let place = number + 1;
        text(folder, "Guide to the shoal.txt", &guide())?;
        text(folder, &format!("Field notes of station {place}.txt"), &notes(place))?;
        text(folder, &format!("Tides {}.csv", 2020 + place), &tides(place))?;
        if place % 2 == 1 {
            text(folder, "Reef fish.csv", &fish())?;
            text(folder, "Shoal.svg", &picture(40))?;
        } else {
            text(folder, "Maré alta em São Sebastião.txt", &tides(7))?;
            // The same bytes under another name: one content, two labels.
            text(folder, "Fish of the reef.csv", &fish())?;
        }
        if number < RECORDING_HOLDERS {
            recording(&folder.join("Reef recording.wav"))?;
        }
    }
    Ok(())
}

fn text(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let path = folder.join(name);
    if std::fs::metadata(&path).is_ok_and(|there| there.len() == text.len() as u64) {
        return Ok(());
    }
    std::fs::write(path, text)
}

fn guide() -> String {
    "Guide to the shoal\n\nEvery peer shares a folder. One of them is elected tracker and knows who has \
     which file.\nSilence it, and the others elect another one in a fraction of a second.\n\nTry:\n\
     1. search for reef\n2. download the recording from three peers at once\n3. crash the tracker\n\
     4. search again\n"
        .to_owned()
}

fn notes(station: usize) -> String {
    let mut text = format!("Field notes of station {station}\n");
    for day in 1..=30 {
        let (clear, seen) = ((day * 7 + station * 3) % 25 + 5, (day * day + station * 11) % 400);
        writeln!(text, "Day {day:>2}: visibility {clear:>2} m, about {seen} fish in the shoal")
            .unwrap_or_default();
    }
    text
}

fn tides(seed: usize) -> String {
    let mut text = "hour,height_m\n".to_owned();
    for hour in 0..24 * 31 {
        let height = (hour * 97 + seed * 13) % 240 + 10;
        writeln!(text, "{hour},{}.{:02}", height / 100, height % 100).unwrap_or_default();
    }
    text
}

fn fish() -> String {
    let species = [
        ("Sardinella brasiliensis", 27),
        ("Abudefduf saxatilis", 23),
        ("Haemulon aurolineatum", 25),
        ("Chromis multilineata", 20),
        ("Caranx crysos", 70),
    ];
    let mut text = "species,length_cm,count\n".to_owned();
    for (name, length) in species {
        for survey in 1..=12 {
            writeln!(text, "{name},{length},{}", (survey * length * 31) % 977).unwrap_or_default();
        }
    }
    text
}

fn picture(count: u32) -> String {
    let mut text =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 400 200\">\n<rect width=\"400\" height=\"200\" \
         fill=\"#0b3954\"/>\n"
            .to_owned();
    for number in 0..count {
        let (x, y) = (20 + number * 149 % 360, 15 + number * 83 % 170);
        writeln!(text, "<ellipse cx=\"{x}\" cy=\"{y}\" rx=\"9\" ry=\"4\" fill=\"#bfd7ea\"/>")
            .unwrap_or_default();
    }
    text + "</svg>\n"
}

/// A WAV file: 16-bit mono noise, as a hydrophone hears the sea.
fn recording(path: &Path) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|there| there.len() == u64::from(RECORDING_BYTES)) {
        return Ok(());
    }
    let mut file = BufWriter::with_capacity(BLOCK, File::create(path)?);
    let data = RECORDING_BYTES - 44;
    file.write_all(b"RIFF")?;
    file.write_all(&(RECORDING_BYTES - 8).to_le_bytes())?;
    file.write_all(b"WAVEfmt ")?;
    file.write_all(&16_u32.to_le_bytes())?;
    file.write_all(&1_u16.to_le_bytes())?; // PCM
    file.write_all(&1_u16.to_le_bytes())?; // mono
    file.write_all(&RATE.to_le_bytes())?;
    file.write_all(&(RATE * 2).to_le_bytes())?;
    file.write_all(&2_u16.to_le_bytes())?;
    file.write_all(&16_u16.to_le_bytes())?;
    file.write_all(b"data")?;
    file.write_all(&data.to_le_bytes())?;
    let mut noise = blake3::Hasher::new().update(b"a reef at night").finalize_xof();
    let mut block = vec![0; BLOCK];
    let mut left = data as usize;
    while left > 0 {
        let now = left.min(BLOCK);
        noise.fill(&mut block[..now]);
        file.write_all(&block[..now])?;
        left -= now;
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_is_the_same_everywhere_and_large_enough() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folders: Vec<PathBuf> = (1..=4).map(|number| dir.path().join(number.to_string())).collect();
        write(&folders).expect("written");
        let read = |folder: usize, name: &str| std::fs::read(folders[folder].join(name)).ok();
        let recording = read(0, "Reef recording.wav").expect("a recording");
        assert_eq!(recording.len(), 64 * 1024 * 1024 + 44);
        assert_eq!(
            blake3::hash(&recording).to_hex().as_str(),
            "f0ec4a09f73ca0fec6cdf9c67e19789f70e1f257301972d45919cab0c6a6b219"
        );
        assert_eq!(read(2, "Reef recording.wav"), Some(recording));
        assert_eq!(read(3, "Reef recording.wav"), None);
        assert_eq!(read(0, "Reef fish.csv"), read(1, "Fish of the reef.csv"));
        assert_eq!(std::fs::read_dir(&folders[0]).expect("a folder").count(), 6);
    }
}
