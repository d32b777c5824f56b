//! What the window says: one table of sentences per language.
//!
//! Invariant: a table is a value of [`Text`], so that a missing sentence does not compile. Sentences are
//! nowhere else in the window. Absent on purpose: the choice of what to say.

mod activity;
mod browse;
mod check;
mod en;
mod group;
mod invite;
mod library;
mod pt_br;
mod refusal;
mod search;
mod transfers;

pub(crate) use activity::ActivityText;
pub(crate) use browse::{BrowseText, InFolder};
pub(crate) use search::SearchText;

pub(crate) use group::{GroupText, OnRing, Says};
pub(crate) use invite::InviteText;

use cardume::base::bytes_text;
use cardume::node::CommandError;
use cardume::wire::codes::Code;
use cardume::wire::control::EventRecord;
pub(crate) use library::{Counted, LibraryText};
use serde::{Deserialize, Serialize};
pub(crate) use transfers::TransfersText;

/// A language of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Language {
    /// English.
    #[default]
    English,
    /// Brazilian Portuguese.
    Portuguese,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Portuguese];

    /// The language for a system's locale, as `pt_BR.UTF-8`.
    pub(crate) fn of_locale(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("pt") { Self::Portuguese } else { Self::English }
    }

    /// Its sentences.
    pub(crate) fn text(self) -> &'static Text {
        match self {
            Self::English => &en::TEXT,
            Self::Portuguese => &pt_br::TEXT,
        }
    }

    /// What it calls itself.
    pub(crate) fn own_name(self) -> &'static str {
        self.text().language_name
    }
}

macro_rules! text {
    (words: $($word:ident,)* ; sentences: $($sentence:ident: $kind:ty,)*) => {
        /// Every sentence of the window. Fields that are functions fill in what changes.
        #[derive(Debug)]
        pub(crate) struct Text {
            $(pub $word: &'static str,)*
            $(pub $sentence: $kind,)*
            /// Of the library page.
            pub sharing: LibraryText,
            /// Why the peer did not do something.
            pub refusal: fn(&CommandError) -> String,
            /// What an error code means.
            pub code: fn(Code) -> &'static str,
            /// Of the folders of a peer.
            pub browsing: BrowseText,
            /// Of the transfers page.
            pub moving: TransfersText,
            /// Of the activity page.
            pub activities: ActivityText,
        }

        #[cfg(test)]
        impl Text {
            /// The plain words with the names of their fields.
            pub(crate) fn words(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($word), self.$word)),*]
            }
        }
    };
}

text! {
    words:
        language_name, decimal_point, thousands,
        search, transfers, library, group, activity,
        search_tip, transfers_tip, library_tip, group_tip, activity_tip,
        focus_search, focus_search_tip, share_a_folder, share_a_folder_tip, download, download_tip,
        show_sources, hide_sources, sources_tip, crash_tracker, crash_tracker_tip, crash_me, crash_me_tip,
        copy_diagnostics, copy_diagnostics_tip, shortcuts, shortcuts_tip, escape, escape_tip,
        role_outside, role_follower, role_pre_candidate, role_candidate, role_tracker, role_silent,
        no_tracker, notice_silent, notice_alone, notice_electing, name_service, name_service_address, name_service_up, name_service_down,
        search_hint, search_field, clear, column_name, column_size, column_sources,
        waiting_for_tracker, asking, nothing_shared, nothing_shared_hint, nothing_found_hint,
        still_hashing, you, this_is_you, download_from_this,
        cancel, open_file, open_folder, no_transfers, no_transfers_hint, to_search,
        waiting, cancelled, from_nobody,
        no_shares, no_shares_hint, path_field, path_hint, share, stop_sharing, picking, stop_waiting,
        all_hashed, drop_here,
        members, column_member, column_role, column_address, column_contact,
        not_connected, voter, guest, me, never, just_now,
        time_line, no_events, simulate, simulate_hint, counters,
        language, theme, theme_system, theme_light, theme_dark, download_folder, profile,
        messages, no_messages, this_peer, peer_id, process, close_hint, closing,
        copied, no_tracker_to_crash, dismiss,;
    sentences:
        finding: SearchText,
        tracker_is: fn(&str, u64) -> String,
        peers_here: fn(u32, u32) -> String,
        quorum_missing: fn(u32, u32, u32) -> String,
        files: fn(u64) -> String,
        index_partial: fn(u32, u32) -> String,
        nothing_found: fn(&str) -> String,
        source_as: fn(&str) -> String,
        search_failed: fn(&str) -> String,
        row_content: fn(&str, &str, u64) -> String,
        row_source: fn(&str, &str, &str) -> String,
        download_named: fn(&str) -> String,
        download_from: fn(&str) -> String,
        running: fn(&Progress<'_>) -> String,
        failed: fn(&str) -> String,
        finished_at: fn(&str, f64) -> String,
        row_transfer: fn(&str, &str) -> String,
        share_totals: fn(u64, &str) -> String,
        stop_sharing_named: fn(&str) -> String,
        own_role: fn(&str, u64) -> String,
        quorum: fn(u32, u32, u32) -> String,
        ago: fn(u64) -> String,
        row_member: fn(&str, &str) -> String,
        stopwatch_running: fn(&str) -> String,
        stopwatch_own: fn(&str) -> String,
        stopwatch_done_own: fn(&str, u64) -> String,
        of_group: &'static GroupText,
        epoch: fn(u64) -> String,
        counter: fn(&str) -> String,
        event: fn(&EventRecord) -> String,
        note_downloaded: fn(&str) -> String,
        note_download_failed: fn(&str, &str) -> String,
        note_download_started: fn(&str) -> String,
        note_not_hashed: fn(&str) -> String,
        note_share_failed: fn(&str, &str) -> String,
        note_unshare_failed: fn(&str, &str) -> String,
        note_start_failed: fn(&str, &str) -> String,
        note_cancel_failed: fn(&str) -> String,
        note_crash_failed: fn(&str) -> String,
        note_open_failed: fn(&str, &str) -> String,
}

/// How far a download is, for its sentence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress<'a> {
    /// Bytes verified, as text.
    pub done: &'a str,
    /// Bytes in all, as text.
    pub size: &'a str,
    /// Bytes a second, as text; empty while there is no speed yet.
    pub rate: &'a str,
    /// Time left; `None` while it is not known.
    pub seconds_left: Option<u64>,
    /// Who it comes from, as text; empty: nobody yet.
    pub from: &'a str,
}

impl Text {
    /// Bytes as text.
    pub(crate) fn bytes(&self, bytes: u64) -> String {
        bytes_text(bytes).replace('.', self.decimal_point)
    }

    /// Bytes per second as text.
    pub(crate) fn rate(&self, bytes_per_second: u64) -> String {
        format!("{}/s", self.bytes(bytes_per_second))
    }

    /// A number with its thousands apart.
    pub(crate) fn number(&self, number: u64) -> String {
        grouped(number, self.thousands)
    }

    /// A peer's role as a person says it. Roles of later versions are shown as they are.
    pub(crate) fn role<'a>(&'a self, role: &'a str) -> &'a str {
        match role {
            "outside" => self.role_outside,
            "follower" => self.role_follower,
            "pre-candidate" => self.role_pre_candidate,
            "candidate" => self.role_candidate,
            "tracker" => self.role_tracker,
            "silent" => self.role_silent,
            "paused" => self.of_group.paused,
            other => other,
        }
    }
}

/// A number in groups of three digits.
fn grouped(number: u64, separator: &str) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(separator);
        }
        text.push(digit);
    }
    text
}

/// Seconds as `42 s`, `3 min 5 s` or `2 h 10 min`: the same in both languages.
fn time_left(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Seconds that something took: to a tenth, or as [`time_left`] from a minute on.
fn took(seconds: f64, decimal_point: &str) -> String {
    let whole = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    if whole < 60 { format!("{seconds:.1} s").replace('.', decimal_point) } else { time_left(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1 000"), (1_234_567, "1 234 567")];
        for (number, expected) in cases {
            assert_eq!(grouped(number, " "), expected);
        }
    }

    #[test]
    fn one_is_not_many_and_figures_are_grouped() {
        let [english, portuguese] = Language::ALL.map(Language::text);
        let said = |text: &Text| {
            let (files, reason) = (text.moving.files, text.moving.reason);
            let hashing = ["1", "12345", "x"].map(|count| reason("hashing", count));
            let rosters = [("1", "1"), ("3", "5")].map(|(voters, all)| (text.of_group.roster)(voters, all));
            let running = [0, 1, 1_200].map(text.activities.still_running);
            let took = [2.44, 5_400.0].map(|seconds| (text.finished_at)("1 MB", seconds));
            [
                vec![files(0, 1), files(312, 10_000)],
                hashing.into(),
                rosters.into(),
                running.into(),
                took.into(),
            ]
            .concat()
        };
        let expected = [
            "0 of 1 file",
            "312 of 10\u{202f}000 files",
            "The source is still hashing 1 file",
            "The source is still hashing 12\u{202f}345 files",
            "The source is still hashing x files",
            "1 voter, 1 member",
            "3 voters, 5 members",
            "No download is running any more",
            "1 download is running",
            "1\u{202f}200 downloads are running",
            "Finished: 1 MB in 2.4 s, verified",
            "Finished: 1 MB in 1 h 30 min, verified",
        ];
        assert_eq!(said(english), expected);
        let expected = [
            "0 de 1 arquivo",
            "312 de 10.000 arquivos",
            "A fonte ainda calcula o hash de 1 arquivo",
            "A fonte ainda calcula o hash de 12.345 arquivos",
            "A fonte ainda calcula o hash de x arquivos",
            "1 votante, 1 membro",
            "3 votantes, 5 membros",
            "Nenhum download em andamento",
            "1 download em andamento",
            "1.200 downloads em andamento",
            "Concluído: 1 MB em 2,4 s, verificado",
            "Concluído: 1 MB em 1 h 30 min, verificado",
        ];
        assert_eq!(said(portuguese), expected);
    }

    #[test]
    fn no_word_is_empty_and_buttons_follow_the_style() {
        for language in Language::ALL {
            let marks = ["thousands", "decimal_point"];
            let text = language.text();
            let words = text.words().into_iter().chain(text.finding.words());
            for (field, word) in words.filter(|(field, _)| !marks.contains(field)) {
                assert!(!word.trim().is_empty(), "{language:?}: {field} is empty");
                assert!(!word.contains("..."), "{language:?}: {field} needs an ellipsis");
                let sentences = word.matches(". ").count();
                assert!(sentences > 0 || !word.ends_with('.'), "{language:?}: {field} ends in a full stop");
            }
        }
    }

    #[test]
    fn locales_choose_the_language() {
        assert_eq!(Language::of_locale("pt_BR.UTF-8"), Language::Portuguese);
        assert_eq!(Language::of_locale("pt-BR"), Language::Portuguese);
        assert_eq!(Language::of_locale("de_DE"), Language::English);
    }
}
