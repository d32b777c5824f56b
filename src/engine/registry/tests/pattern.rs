//! Regular expressions on names.

use super::*;

#[test]
fn patterns_are_found_anywhere_unless_they_say_otherwise() {
    // Pattern, names in which it is found, names in which it is not.
    let table: [(_, &[&str], &[&str]); 10] = [
        ("", &["peer-1"], &[]),
        ("eer", &["peer-1"], &["per"]),
        ("^p", &["peer-1"], &["a peer"]),
        ("^peer-[0-9]+$", &["peer-1", "peer-42"], &["peer-", "peer-1a", "my peer-1"]),
        ("Epoca_(7|9)$", &["Tracker_Epoca_7"], &["Tracker_Epoca_17a", "Tracker_Epoca_8"]),
        (r"^\w+ \w+$", &["Ana Luísa"], &["Ana", "Ana-Luísa"]),
        ("(?i)LUÍSA", &["Ana Luísa"], &["Ana"]),
        (r"\bLuís\b", &["Ana Luís"], &["Ana Luísa"]),
        (r"1\.0", &["v1.0"], &["v1x0"]),
        (".{65}", &[], &["peer-1"]),
    ];
    for (pattern, found, missed) in table {
        let parsed = Pattern::parse(pattern).expect(pattern);
        assert!(found.iter().all(|name| parsed.is_in(name)), "{pattern}: {found:?}");
        assert!(!missed.iter().any(|name| parsed.is_in(name)), "{pattern}: {missed:?}");
    }
}

#[test]
fn what_is_no_pattern_is_refused_and_it_is_said_where() {
    let malformed = |at, why: &str| PatternError::Malformed { at, why: why.to_owned() };
    let table = [
        ("peer-(", malformed(6, "unclosed group")),
        ("Luísa)", malformed(6, "unopened group")),
        ("[a", malformed(1, "unclosed character class")),
        ("é*+**[z-a]", malformed(7, "invalid character class range, the start must be <= the end")),
        ("*", malformed(1, "repetition operator missing expression")),
        ("a{9}{2,1}", malformed(5, "invalid repetition count range, the start must be <= the end")),
        (r"(a)\1", malformed(4, "backreferences are not supported")),
        ("(?=a)", malformed(1, "look-around, including look-ahead and look-behind, is not supported")),
        (r"a\", malformed(2, "incomplete escape sequence, reached end of pattern prematurely")),
        (r"\w{9}", PatternError::TooLarge),
        ("((a{99}){99}){99}", PatternError::TooLarge),
    ];
    for (text, expected) in table {
        assert_eq!(Pattern::parse(text).err(), Some(expected), "{text}");
    }
    assert_eq!(Pattern::parse(&"a".repeat(256)).err(), None);
    assert_eq!(Pattern::parse(&"a".repeat(257)).err(), Some(PatternError::TooLong));
    assert_eq!(Pattern::parse(&"a".repeat(1 << 20)).err(), Some(PatternError::TooLong));
    // Nested as deep as the length allows: read without a deep stack.
    let deep = format!("{}{}", "(".repeat(128), ")".repeat(128));
    assert_eq!(Pattern::parse(&deep).err(), None);
}
