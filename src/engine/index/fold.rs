//! Folding: the form of a name in which case, accents and look-alikes of compatibility do not matter.

use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The most bytes of a folded name. A name has at most 255 bytes and common scripts grow at most
/// threefold (Hangul); a few characters grow elevenfold, and are cut here, so that a hostile list cannot
/// fill the memory.
pub const MAX_FOLDED_BYTES: usize = 1024;

/// Folds a text: compatibility decomposition (NFKD), combining marks and invisible characters removed,
/// lower case. `Ação.PDF` becomes `acao.pdf`. Folding a folded text changes nothing. White space becomes
/// plain spaces; everything else is kept as it is, so metacharacters are plain text.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        let spaced: Cow<'_, str> = if text.contains(|c: char| c.is_ascii_whitespace()) {
            text.replace(|c: char| c.is_ascii_whitespace(), " ").into()
        } else {
            text.into()
        };
        return spaced.to_ascii_lowercase();
    }
    // Decomposed twice: some upper-case characters decompose only in their lower-case form.
    let lower = text.nfkd().filter(|c| is_kept(*c)).flat_map(char::to_lowercase);
    lower.nfkd().filter(|c| is_kept(*c)).map(unify).collect()
}

/// Cuts a folded text to [`MAX_FOLDED_BYTES`], at the border of a character.
pub(super) fn fold_name(name: &str) -> String {
    let mut folded = fold(name);
    folded.truncate(folded.floor_char_boundary(MAX_FOLDED_BYTES));
    folded
}

/// Combining marks are accents. Invisible characters (zero width, soft hyphen) cannot be typed by one who
/// searches, and bidirectional controls only change how a text is shown.
pub(super) fn is_kept(c: char) -> bool {
    let invisible = matches!(
        c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    );
    !invisible && !is_combining_mark(c)
}

fn unify(c: char) -> char {
    match c {
        'ς' => 'σ',
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_accents_width_and_ligatures_do_not_matter() {
        let cases = [
            ("", ""),
            ("Ação.PDF", "acao.pdf"),
            ("ac\u{327}a\u{303}o", "acao"),
            ("ﬁle", "file"),
            ("Ｆｕｌｌ", "full"),
            ("İstanbul", "istanbul"),
            ("ΟΔΟΣ οδος", "οδοσ οδοσ"),
            ("Ångström № 5", "angstrom no 5"),
            ("a\u{a0}b\tc", "a b c"),
            ("zero\u{200b}width\u{feff}", "zerowidth"),
            (".*[a]\\(%_'\"", ".*[a]\\(%_'\""),
            ("../", "../"),
            ("\u{202e}fdp", "fdp"),
        ];
        for (text, expected) in cases {
            assert_eq!(fold(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_name_that_grows_is_cut_at_a_character() {
        let folded = fold_name(&"\u{fdfa}".repeat(85));
        assert!(folded.len() <= MAX_FOLDED_BYTES && folded.len() > MAX_FOLDED_BYTES - 4);
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn composed_and_decomposed_fold_alike(text in "\\PC{0,40}") {
            let composed: String = text.nfc().collect();
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(fold(&composed), fold(&decomposed));
        }
    }
}
