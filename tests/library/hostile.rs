//! What must not be shared, and attempts to get at what lies outside.

use super::*;
use cardume::base::FileName;
use cardume::store::{NeverShared, OpenContentError, ShareState, SkipKind};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

fn fifo(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

#[test]
fn links_pipes_sockets_and_hidden_files_are_not_shared() {
    let place = Place::new();
    let outside = place.home().join("secret");
    write_old(&outside, b"secret", 60);
    place.write("ordinary", b"x");
    place.write(".hidden", b"h");
    place.write(".cardume/partial", b"p");
    place.write(".folder/in it", b"i");
    place.write("sub/ok", b"ok");
    symlink(&outside, place.share().join("link")).unwrap();
    symlink(place.home(), place.share().join("folder link")).unwrap();
    symlink(place.share(), place.share().join("sub/loop")).unwrap();
    symlink("nowhere", place.share().join("broken")).unwrap();
    fifo(&place.share().join("sub/pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(place.share().join("socket")).unwrap();
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("ordinary", b"x"), ("ok", b"ok")]);
    wait_for("the skipped ones", || library.shares()[0].skipped == 6);
    let share = place.share();
    let state = ShareState {
        path: share.clone(),
        files: 2,
        bytes: 3,
        hashing: 0,
        hashing_bytes: 0,
        paused: false,
        walking: false,
        unwatched: 0,
        skipped: 6,
        // The folder of partial files is nobody's hidden file.
        skips: BTreeMap::from([(SkipKind::Hidden, 2), (SkipKind::Link, 4), (SkipKind::Special, 2)]),
        problem: None,
    };
    assert_eq!(library.shares(), [state]);
    let skipped: Vec<(String, String)> = library
        .skipped(&share)
        .into_iter()
        .map(|skip| (skip.path.strip_prefix(&share).unwrap().display().to_string(), skip.reason))
        .collect();
    let (link, irregular) = ("it is a link", "it is not a regular file");
    let expected = [
        ("broken", link),
        ("folder link", link),
        ("link", link),
        ("socket", irregular),
        ("sub/loop", link),
        ("sub/pipe", irregular),
    ];
    assert_eq!(skipped, expected.map(|(path, reason)| (path.to_owned(), reason.to_owned())));
    assert!(matches!(library.open_content(content(b"secret")), Err(OpenContentError::Unknown)));

    // What is skipped no more does not count any more.
    std::fs::remove_file(share.join("link")).unwrap();
    std::fs::remove_file(share.join("broken")).unwrap();
    place.write("broken", b"whole");
    wait_for_files(&library, &[("ordinary", b"x"), ("ok", b"ok"), ("broken", b"whole")]);
    wait_for("fewer skipped", || library.shares()[0].skipped == 4);
}

#[test]
fn names_that_are_refused_are_skipped_and_all_others_shared() {
    let place = Place::new();
    let long = "n".repeat(255);
    let names = [
        "plain.txt",
        "ünïcödé",
        "名前",
        "🦀",
        "a b",
        "-rf",
        "~",
        "#",
        "$HOME",
        "%41",
        "it's",
        "é",
        "e\u{301}",
        "COM",
        "COM10",
        "console",
        "nul_",
        &long,
        // Refused:
        "a:b",
        "a*b",
        "a?b",
        "a\"b",
        "a<b",
        "a>b",
        "a|b",
        "a\\b",
        "x\\..\\x",
        "nl\n",
        "tab\t",
        "\u{7f}",
        "\u{85}",
        "gpj.\u{202e}exe",
        "x\u{2066}y",
        " leading",
        "trailing ",
        "trailing.",
        "CON",
        "con.txt",
        "PRN",
        "aux",
        "NUL.tar.gz",
        "COM0",
        "com1.x",
        "LPT9",
        "COM¹",
        "lpt³.txt",
    ];
    let mut expected = BTreeSet::new();
    for (number, name) in names.iter().enumerate() {
        let bytes = format!("content {number}").into_bytes();
        place.write(name, &bytes);
        if FileName::new(name).is_ok() {
            expected.insert(((*name).to_owned(), bytes.len() as u64, Some(content(&bytes))));
        }
    }
    assert_eq!(expected.len(), 18);
    write_old(&place.share().join(OsStr::from_bytes(b"not \xff text")), b"x", 60);
    write_old(&place.share().join(OsStr::from_bytes(b"folder \xff/in it")), b"x", 60);
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for("the good ones", || list(&library) == expected);
    let refused = (names.len() - expected.len() + 2) as u64;
    wait_for("the refused ones", || library.shares()[0].skipped == refused);
    assert!(library.skipped(&place.share()).iter().all(|skip| !skip.reason.is_empty()));
}

#[test]
fn what_took_a_files_place_is_not_opened() {
    type Replace = fn(&Path, &Path);
    let place = Place::new();
    let outside = place.home().join("outside");
    write_old(&outside, b"outside", 60);
    let replace: [(&str, Replace); 5] = [
        ("link", |path, outside| symlink(outside, path).unwrap()),
        ("pipe", |path, _| fifo(path)),
        ("folder", |path, _| std::fs::create_dir(path).unwrap()),
        ("nothing", |_, _| ()),
        ("other", |path, outside| assert_eq!(std::fs::copy(outside, path).unwrap(), 7)),
    ];
    for (name, _) in replace {
        place.write(&format!("{name}/file"), name.as_bytes());
    }
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for("all hashed", || library.totals().files == 5 && library.totals().hashing == 0);
    for (name, put) in replace {
        let path = place.share().join(name).join("file");
        let mut before = library.open_content(content(name.as_bytes())).unwrap();
        std::fs::remove_file(&path).unwrap();
        put(&path, &outside);
        let opened = library.open_content(content(name.as_bytes()));
        let refused = matches!(
            opened,
            Err(OpenContentError::Changed | OpenContentError::Gone | OpenContentError::Unknown)
        );
        assert!(refused, "{name}: {opened:?}");
        // What was open stays what it was.
        let mut text = String::new();
        before.file.read_to_string(&mut text).unwrap();
        assert_eq!(text, name);
    }
    wait_for("the end", || list(&library) == files(&[("file", b"outside")]));
}

#[test]
fn a_folder_that_became_a_link_is_not_entered() {
    let place = Place::new();
    let outside = place.home().join("tree");
    write_old(&outside.join("file"), b"inside", 60);
    place.write("sub/file", b"inside");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("file", b"inside")]);
    std::fs::remove_dir_all(place.share().join("sub")).unwrap();
    symlink(&outside, place.share().join("sub")).unwrap();
    assert!(library.open_content(content(b"inside")).is_err());
    wait_for_files(&library, &[]);
    wait_for("the link", || library.shares()[0].skipped == 1);

    // The shared folder itself.
    std::fs::rename(place.share(), place.home().join("was shared")).unwrap();
    symlink(&outside, place.share()).unwrap();
    library.rescan(&place.share()).unwrap();
    wait_for("the problem", || library.shares()[0].problem.is_some());
    assert_eq!(library.totals().files, 0);
    library.unshare(&place.share()).unwrap();
    assert_eq!(library.shares(), []);
}

/// Nothing is ever read through a link, however the tree is turned over meanwhile.
#[test]
fn a_race_of_links_never_opens_what_is_outside() {
    let place = Place::new();
    let outside = place.home().join("tree");
    write_old(&outside.join("file"), b"secret", 60);
    let (sub, kept) = (place.share().join("sub"), place.share().join(".kept"));
    place.write("sub/file", b"shared");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("file", b"shared")]);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let turning = std::thread::Builder::new().spawn_scoped(scope, || {
            while !over.load(Ordering::Relaxed) {
                std::fs::rename(&sub, &kept).unwrap();
                symlink(&outside, &sub).unwrap();
                std::fs::remove_file(&sub).unwrap();
                std::fs::rename(&kept, &sub).unwrap();
            }
        });
        for _ in 0..5_000 {
            if let Ok(mut opened) = library.open_content(content(b"shared")) {
                let mut text = String::new();
                opened.file.read_to_string(&mut text).unwrap();
                assert_eq!(text, "shared");
            }
            assert!(list(&library).iter().all(|(_, _, found)| *found != Some(content(b"secret"))));
        }
        over.store(true, Ordering::Relaxed);
        turning.unwrap().join().unwrap();
    });
    assert!(matches!(library.open_content(content(b"secret")), Err(OpenContentError::Unknown)));
    wait_for_files(&library, &[("file", b"shared")]);
}

#[test]
fn folders_deeper_than_any_honest_one_are_skipped() {
    let place = Place::new();
    let deep = |depth: usize| format!("{}file", "d/".repeat(depth));
    place.write(&deep(60), b"reached");
    place.write(&deep(80), b"too deep");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("file", b"reached")]);
    wait_for("the skipped folder", || library.shares()[0].skipped == 1);
}

/// The very same file, and so the same size, time and inode: only the link tells.
#[test]
fn a_link_to_the_file_that_was_shared_is_not_followed() {
    let place = Place::new();
    let (share, outside) = (place.share(), place.home().join("moved out"));
    std::fs::create_dir_all(&outside).unwrap();
    place.write("file", b"one");
    place.write("sub/in it", b"two");
    let library = place.open();
    library.share(&share).unwrap();
    wait_for_files(&library, &[("file", b"one"), ("in it", b"two")]);
    for name in ["file", "sub"] {
        std::fs::rename(share.join(name), outside.join(name)).unwrap();
        symlink(outside.join(name), share.join(name)).unwrap();
    }
    for bytes in [b"one", b"two"] {
        let opened = library.open_content(content(bytes));
        let refused = matches!(
            opened,
            Err(OpenContentError::Changed | OpenContentError::Gone | OpenContentError::Unknown)
        );
        assert!(refused, "{opened:?}");
    }
    wait_for_files(&library, &[]);
    wait_for("both links", || library.shares()[0].skipped == 2);
}

#[test]
fn own_keys_and_profiles_in_a_shared_folder_are_never_shared() {
    let place = Place::new();
    let key = [b'a'; 65];
    place.write("group.key", &key);
    place.write("names/names.db", b"n");
    place.write("profiles/peer-1/peer.key", &key);
    place.write("profiles/peer-1/state/vote", b"v");
    place.write("profiles/peer-1/downloads/film", b"film");
    place.write("other home/peer.key", &key);
    place.write("lecture", b"x");
    let share = place.share();
    let own = ["group.key", "names"].map(|name| share.join(name));
    let never = NeverShared::new(&own, &share.join("profiles"));
    let library = Library::open_beside(&place.home(), never).unwrap();
    library.share(&share).unwrap();
    wait_for_files(&library, &[("lecture", b"x")]);
    let own = || library.shares()[0].skips.get(&SkipKind::Own).copied();
    wait_for("what is skipped", || own() == Some(4));
    // Also not by a hint, as a finished download gives one.
    library.noticed(&share.join("profiles/peer-1/state/vote"));
    library.noticed(&share.join("group.key"));
    place.write("second", b"y");
    library.noticed(&share.join("second"));
    wait_for_files(&library, &[("lecture", b"x"), ("second", b"y")]);
    library.unshare(&share).unwrap();

    let error = library.share(&share.join("profiles/peer-1")).unwrap_err();
    assert!(error.to_string().contains("never shared"), "{error}");
    library.share(&share.join("profiles/peer-1/downloads")).unwrap();
    wait_for_files(&library, &[("film", b"film")]);
}

#[test]
fn a_look_before_sharing_counts_and_names_what_is_risky() {
    let place = Place::new();
    place.write("a/lecture.pdf", b"12345");
    place.write("a/.DS_Store", b"x");
    let harmless = cardume::store::inspect(&place.share(), None).unwrap();
    assert_eq!((harmless.files, harmless.bytes, harmless.hidden, harmless.whole), (1, 5, 0, true));
    assert!(!harmless.is_risky(), "{harmless:?}");
    place.write(".ssh/id_rsa", b"k");
    place.write("work/.env", b"k");
    place.write("work/server.pem", b"k");
    place.write("work/.git/config", b"k");
    place.write("peer.key", &[b'0'; 65]);
    symlink("/", place.share().join("everything")).unwrap();
    let found = cardume::store::inspect(&place.share(), None).unwrap();
    assert_eq!((found.files, found.bytes, found.hidden, found.whole), (2, 6, 3, true));
    let names: Vec<(&str, &str, bool)> =
        found.findings.iter().map(|it| (it.name.as_str(), it.kind.as_str(), it.shared)).collect();
    assert_eq!(names.first(), Some(&("work/server.pem", "key", true)));
    let mut keys = names[1..4].to_vec();
    keys.sort_unstable();
    assert_eq!(keys, [(".ssh", "key", false), ("peer.key", "key", false), ("work/.env", "key", false)]);
    assert_eq!(names[4..], [("work/.git", "hidden", false)]);
    assert!(found.is_risky());
    let home = cardume::store::inspect(&place.share(), Some(&place.share())).unwrap();
    assert_eq!(home.place, "home");
    assert!(cardume::store::inspect(&place.share().join("nowhere"), None).is_err());
}

#[test]
fn a_paused_folder_is_listed_but_not_hashed_until_it_goes_on_also_after_a_restart() {
    let place = Place::new();
    place.write("first", b"1");
    let share = place.share();
    {
        let library = place.open();
        library.share(&share).unwrap();
        wait_for_files(&library, &[("first", b"1")]);
        library.pause_hashing_of(&share).unwrap();
        place.write("second", b"22");
        library.noticed(&share.join("second"));
        wait_for("the second one is listed", || library.shares()[0].files == 2);
        library.rescan(&share).unwrap();
    }
    let library = place.open();
    let paused = library.shares()[0].clone();
    assert_eq!((paused.paused, paused.hashing, paused.hashing_bytes), (true, 1, 2));
    assert_eq!(entry(&library, "second").unwrap().content, None);
    library.resume_hashing_of(&share).unwrap();
    wait_for_files(&library, &[("first", b"1"), ("second", b"22")]);
    assert!(!library.shares()[0].paused);
    assert!(library.pause_hashing_of(&share.join("nowhere")).is_err());
}
