//! The house's rules, read from the source: imports go only downward, the core knows no clock, no
//! randomness and no I/O, files and functions stay short, and sentences stand where translations are.
//!
//! The checks read text, not syntax: a line is taken as it stands, without comments.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 70;

/// A source file: its path below the repository and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The lines outside of comments and of `#[cfg(test)] mod … { … }` at the end, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        let before_tests = lines.take_while(|(_, line)| *line != "#[cfg(test)]");
        before_tests.map(|(number, line)| (number + 1, strip_comment(line)))
    }

    fn is_below(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// Whether the whole file is tests.
    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.is_below("tests/")
            || name == "tests.rs"
            || name.ends_with("_tests.rs")
            || self.path.contains("/tests/")
    }
}

fn strip_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find("//").map(|at| at + from) {
        // Not inside of a text as "wss://".
        if line[..at].matches('"').count().is_multiple_of(2) {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["src", "ui", "tests", "examples", "benches"].iter().map(|name| root.join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(root).expect("below the root");
                let text = std::fs::read_to_string(&path).expect("readable source");
                found.push(Source { path: below.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 20, "the sources are found");
    found
}

/// Fails with all complaints at once.
fn expect_none(rule: &str, complaints: &[String]) {
    assert!(complaints.is_empty(), "{rule}\n{}", complaints.join("\n"));
}

/// What each layer may import of the others: only what lies below it. `net` and `store` never see each
/// other; of the library, `ui` uses the facade, the contract's shapes and the name service.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &["base"]),
    ("engine", &["base", "engine"]),
    ("wire", &["base", "engine", "wire"]),
    ("net", &["base", "engine", "wire", "net"]),
    ("store", &["base", "engine", "wire", "store"]),
    ("names", &["base", "engine", "wire", "net", "store", "names"]),
    ("node", &["base", "engine", "wire", "net", "store", "node"]),
];

#[test]
fn imports_go_only_downward() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let Some(layer) = source.path.strip_prefix("src/").and_then(|rest| rest.split(['/', '.']).next())
        else {
            continue;
        };
        let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == layer) else { continue };
        for (number, line) in source.code() {
            for (at, _) in line.match_indices("crate::") {
                let end = line[at + 7..].find(|c: char| !c.is_alphanumeric() && c != '_');
                let module = &line[at + 7..][..end.unwrap_or(line.len() - at - 7)];
                let known = LAYERS.iter().any(|(name, _)| *name == module);
                // The name service reads where its home is.
                let home = layer == "names" && line.contains("crate::node::config");
                if known && !below.contains(&module) && !home {
                    complaints.push(format!("{}:{number}: {layer} imports {module}", source.path));
                }
            }
        }
    }
    expect_none("a layer imports only what lies below it", &complaints);
}

/// Words that must not appear in code below a folder, except in the files named.
struct Ban {
    below: &'static str,
    words: &'static [&'static str],
    except: &'static [&'static str],
    why: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        below: "src/base/",
        words: CORE_WORDS,
        except: &[],
        why: "values know no clock, randomness, I/O, async or JSON",
    },
    Ban {
        below: "src/engine/",
        words: CORE_WORDS,
        except: &[],
        why: "decisions know no clock, randomness, I/O, async or JSON",
    },
    Ban {
        below: "src/store/",
        words: &["jsonrpsee", "tokio::net"],
        except: &[],
        why: "the disk never sees the network",
    },
    Ban { below: "ui/", words: &["jsonrpsee"], except: &[], why: "what a person touches uses the facade" },
    Ban { below: "ui/", words: &["egui", "eframe"], except: &["ui/window/"], why: "egui stays in ui/window" },
    Ban { below: "src/", words: &["egui", "eframe", "rfd::"], except: &[], why: "egui stays in ui/window" },
    Ban {
        below: "ui/",
        words: &[
            "from_rgb",
            "from_gray",
            "from_rgba",
            "from_hex",
            "Color32::WHITE",
            "Color32::BLACK",
            "Color32::RED",
        ],
        except: &["ui/window/theme"],
        why: "colours stand only in theme.rs",
    },
    Ban {
        below: "",
        words: &["unbounded_channel", "mpsc::channel::<", "thread::spawn(", "allow(clippy", "unsafe {"],
        except: &["tests/tidy.rs"],
        why: "every channel has a limit, every thread a name, every exception a reason",
    },
    Ban {
        below: "",
        words: &["/work/", "/root/", "/home/"],
        except: &["tests/tidy.rs"],
        why: "no machine's paths",
    },
];

const CORE_WORDS: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::net::ToSocketAddrs",
    "std::thread",
    "std::process",
    "std::env",
    "Instant",
    "SystemTime",
    "rand::",
    "serde",
    "async ",
    "jsonrpsee",
    "Mutex",
    "println!",
    "HashMap<",
    "HashSet<",
];

#[test]
fn banned_words_do_not_appear() {
    let mut complaints = Vec::new();
    for source in &sources() {
        for ban in BANS.iter().filter(|ban| source.is_below(ban.below)) {
            if ban.except.iter().any(|except| source.is_below(except)) {
                continue;
            }
            for (number, line) in source.code() {
                for word in ban.words.iter().filter(|word| line.contains(**word)) {
                    complaints.push(format!("{}:{number}: `{word}`: {}", source.path, ban.why));
                }
            }
        }
    }
    expect_none("banned words", &complaints);
}

#[test]
fn json_rpc_is_spoken_only_by_the_contract_and_its_adapters() {
    let speakers = ["src/wire/", "src/net/", "src/names/", "src/node/", "tests/", "examples/"];
    let mut complaints = Vec::new();
    for source in &sources() {
        if speakers.iter().any(|folder| source.is_below(folder)) {
            continue;
        }
        let uses = source.code().filter(|(_, line)| line.contains("jsonrpsee"));
        complaints.extend(uses.map(|(number, _)| format!("{}:{number}", source.path)));
    }
    expect_none("jsonrpsee only in wire, net, names and node", &complaints);
}

#[test]
fn time_is_read_in_one_place() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| source.is_below("src/") && !source.is_test()) {
        if source.path == "src/node/clock.rs" {
            continue;
        }
        for (number, line) in source.code() {
            let own_clock = line.contains("Instant::now") && !line.contains("tokio::time::Instant::now");
            let imported = source.text.contains("use tokio::time::") && line.contains("Instant::now");
            if own_clock && !imported {
                complaints.push(format!("{}:{number}: Instant::now", source.path));
            }
        }
    }
    expect_none("std's Instant::now stands only in node/clock.rs", &complaints);
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["TODO", "FIXME", "XXX", "HACK"];
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| source.path != "tests/tidy.rs") {
        for (number, line) in source.text.lines().enumerate() {
            let left =
                words.iter().any(|word| line.split(|c: char| !c.is_alphanumeric()).any(|part| part == *word));
            if left || line.contains("(to be written)") {
                complaints.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    expect_none("nothing is left for later", &complaints);
}

#[test]
fn files_are_short() {
    let long = sources().into_iter().map(|source| (source.path, source.text.lines().count()));
    let long: Vec<String> = long
        .filter(|(_, lines)| *lines > MAX_FILE_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    expect_none("a file has at most 500 lines", &long);
}

#[test]
fn functions_are_short() {
    let mut complaints = Vec::new();
    for source in &sources() {
        for (name, line, length) in functions(&source.text) {
            if length > MAX_FUNCTION_LINES {
                complaints.push(format!("{}:{line}: {name}: {length} lines", source.path));
            }
        }
    }
    expect_none("a function has at most 70 lines", &complaints);
}

/// The functions of a text as rustfmt leaves it: the body ends at a `}` as deep as the line that begins it.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let Some(at_fn) = trimmed.find("fn ").filter(|at| *at == 0 || trimmed[..*at].ends_with(' ')) else {
            continue;
        };
        // Before `fn` stand only `pub`, `const`, `async` and the like.
        let words = "abcdefghijklmnopqrstuvwxyz(): \"C";
        if trimmed[..at_fn].contains(|c| !words.contains(c)) {
            continue;
        }
        let depth = line.len() - trimmed.len();
        let close = format!("{}}}", " ".repeat(depth));
        let ends = |end: &str| end == close || (indent(end) == depth && end.ends_with(';'));
        let length = if line.ends_with('}') { Some(0) } else { lines[at..].iter().position(|end| ends(end)) };
        let name = trimmed[at_fn + 3..].split(['(', '<']).next().unwrap_or_default();
        found.push((name.to_owned(), at + 1, length.unwrap_or(0) + 1));
    }
    found
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[test]
fn the_measure_of_functions_is_right() {
    let mut text = String::from(
        "impl X {\n    fn short(&self) -> u8;\n    pub(crate) async fn long<T>(\n        a: T,\n    ) {\n",
    );
    for number in 0..80 {
        writeln!(text, "        let x{number} = vec![{number}];").expect("text");
    }
    text.push_str("    }\n}\nfn next() {}\n");
    let found = functions(&text);
    assert_eq!(
        found.iter().map(|(name, line, length)| (name.as_str(), *line, *length)).collect::<Vec<_>>()[..2],
        [("short", 2, 1), ("long", 3, 84)]
    );
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|source| !source.is_test() && !source.text.starts_with("//!"))
        .map(|source| source.path.clone())
        .collect();
    expect_none("a file opens with what it is (`//!`)", &silent);
}

#[test]
fn sentences_of_the_window_stand_only_in_the_translations() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| source.is_below("ui/window/views") && !source.is_test()) {
        for (number, line) in source.code() {
            let plumbing = ["expect(", "tracing::", "reason =", "id_salt", "Id::new", "debug!", "warn!"];
            if plumbing.iter().any(|word| line.contains(word)) {
                continue;
            }
            for text in texts(line) {
                let words =
                    text.split(' ').filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1);
                if words.count() > 1 {
                    complaints.push(format!("{}:{number}: {text:?}", source.path));
                }
            }
        }
    }
    expect_none("sentences stand only in the translations", &complaints);
}

/// The texts in a line, as far as they begin and end in it.
fn texts(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

#[test]
fn every_public_test_file_is_known_to_the_house() {
    // Names say what each holds; two files with one name in one layer are a sign of a missing word.
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources().iter().filter(|source| source.is_below("src/")) {
        let lower = source.path.to_lowercase();
        names.entry(lower).or_default().push(source.path.clone());
    }
    let twice: Vec<String> =
        names.values().filter(|paths| paths.len() > 1).map(|paths| paths.join(" and ")).collect();
    expect_none("no two files differ by case only", &twice);
}
