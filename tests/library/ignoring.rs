//! Ignore files and what programs leave behind.

use super::*;
use cardume::store::{IGNORE_FILE, SkipKind};

fn skipped(library: &Library, share: &Path) -> Vec<(String, SkipKind, String)> {
    let below = |path: &Path| path.strip_prefix(share).unwrap().display().to_string();
    library.skipped(share).into_iter().map(|skip| (below(&skip.path), skip.kind, skip.reason)).collect()
}

fn counted(library: &Library, kind: SkipKind) -> u64 {
    library.shares()[0].skips.get(&kind).copied().unwrap_or(0)
}

#[test]
fn what_programs_leave_behind_is_not_shared_and_is_counted() {
    let place = Place::new();
    for name in
        ["film.mkv", "film2.mkv.part", "~$letter.docx", "sub/Thumbs.db", "sub/node_modules/x/index.js"]
    {
        place.write(name, name.as_bytes());
    }
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("film.mkv", b"film.mkv")]);
    wait_for("what is ignored", || counted(&library, SkipKind::Ignored) == 4);
    let ignored = skipped(&library, &place.share());
    let expected = (
        "film2.mkv.part".to_owned(),
        SkipKind::Ignored,
        "it is ignored by *.part, which is built in".to_owned(),
    );
    assert_eq!(ignored[0], expected);
    assert_eq!(ignored[2].0, "sub/node_modules", "a folder is one entry");

    // A finished download gets its name by a rename, and later ones are not listed either.
    let share = place.share();
    std::fs::rename(share.join("film2.mkv.part"), share.join("film2.mkv")).unwrap();
    place.write("later.crdownload", b"x");
    place.write("sub/node_modules/y.js", b"y");
    place.write("z", b"z");
    wait_for_files(&library, &[("film.mkv", b"film.mkv"), ("film2.mkv", b"film2.mkv.part"), ("z", b"z")]);
    wait_for("what is ignored now", || counted(&library, SkipKind::Ignored) == 4);
}

#[test]
fn an_ignore_file_holds_for_its_folder_and_a_change_of_it_takes_effect() {
    let place = Place::new();
    for name in ["a.log", "keep.log", "sub/b.log", "sub/c.txt", "draft/d", "x.tmp"] {
        place.write(name, name.as_bytes());
    }
    place.write(IGNORE_FILE, b"# mine\n*.log\n!keep.log\ndraft/\n!*.tmp\n");
    let library = place.open();
    library.share(&place.share()).unwrap();
    let (kept, text, temporary) = (&b"keep.log"[..], &b"sub/c.txt"[..], &b"x.tmp"[..]);
    wait_for_files(&library, &[("keep.log", kept), ("c.txt", text), ("x.tmp", temporary)]);
    wait_for("three ignored", || counted(&library, SkipKind::Ignored) == 3);
    let reasons: Vec<String> = skipped(&library, &place.share()).into_iter().map(|skip| skip.2).collect();
    assert_eq!(reasons, ["it is ignored by *.log", "it is ignored by draft/", "it is ignored by *.log"]);
    assert_eq!(counted(&library, SkipKind::Hidden), 0, "the ignore file itself is nobody's hidden file");

    // A deeper one decides for its folder; what was listed goes, what was not comes.
    place.write(&format!("sub/{IGNORE_FILE}"), b"!b.log\nc.*\n");
    wait_for_files(&library, &[("keep.log", kept), ("b.log", b"sub/b.log"), ("x.tmp", temporary)]);
    std::fs::remove_file(place.share().join("sub").join(IGNORE_FILE)).unwrap();
    wait_for_files(&library, &[("keep.log", kept), ("c.txt", text), ("x.tmp", temporary)]);
    place.write(IGNORE_FILE, b"keep.log\n");
    let all: [(&str, &[u8]); 4] =
        [("a.log", b"a.log"), ("b.log", b"sub/b.log"), ("c.txt", text), ("d", b"draft/d")];
    wait_for_files(&library, &all);

    // It holds from the start of the next run, also for what changed meanwhile.
    drop(library);
    place.write(IGNORE_FILE, b"*.log\n");
    place.write("new.log", b"n");
    let library = place.open();
    library.noticed(&place.share().join("new.log"));
    wait_for_files(&library, &[("c.txt", text), ("d", b"draft/d")]);
}

#[test]
fn a_hostile_ignore_file_is_bounded_and_said() {
    let place = Place::new();
    place.write("a.txt", b"a");
    place.write("b.log", b"b");
    let stars = "*a".repeat(16);
    let mut hostile = String::new();
    for number in 0..40_000 {
        hostile += &stars;
        hostile += &number.to_string();
        hostile.push('\n');
    }
    assert!(hostile.len() > 1_000_000);
    place.write(IGNORE_FILE, format!("*.log\n[z-a]\n{hostile}").as_bytes());
    let library = place.open();
    let began = SystemTime::now();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a.txt", b"a")]);
    wait_for("what is said", || counted(&library, SkipKind::Pattern) == 1);
    assert!(began.elapsed().unwrap() < Duration::from_secs(20), "{:?}", began.elapsed());
    let said = skipped(&library, &place.share());
    let (path, _, reason) = said.iter().find(|skip| skip.1 == SkipKind::Pattern).unwrap();
    assert_eq!(path, IGNORE_FILE);
    assert!(reason.starts_with("line 2 does not hold: "), "{reason}");
    // When it is mended, nothing is said any more.
    place.write(IGNORE_FILE, b"*.txt\n");
    wait_for_files(&library, &[("b.log", b"b")]);
    wait_for("silence", || counted(&library, SkipKind::Pattern) == 0);
}

#[test]
fn an_ignore_file_that_is_no_file_ignores_nothing() {
    let place = Place::new();
    place.write("a", b"a");
    std::os::unix::fs::symlink("/etc/passwd", place.share().join(IGNORE_FILE)).unwrap();
    place.write(&format!("sub/{IGNORE_FILE}/in it"), b"x");
    place.write("sub/b", b"b");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"a"), ("b", b"b")]);
    wait_for("both are said", || counted(&library, SkipKind::Pattern) == 2);
}
