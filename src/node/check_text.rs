//! The findings of the connection check in English sentences, for the command line and for programs. The
//! window says the same in its own languages.
//!
//! Invariant: [`FINDINGS`] lists every finding, and each that is not good has an advice.

use crate::wire::check::{CheckTest, Verdict};
use crate::wire::codes::Code;

/// Every finding: test, word, how it ends.
pub const FINDINGS: &[(&str, &str, Verdict)] = &[
    ("names", "answers", Verdict::Passed),
    ("names", "silent", Verdict::Failed),
    ("names", "name_refused", Verdict::Failed),
    ("tracker", "known", Verdict::Passed),
    ("tracker", "electing", Verdict::Warning),
    ("tracker", "no_quorum", Verdict::Failed),
    ("tracker", "outside", Verdict::Failed),
    ("address", "seen", Verdict::Passed),
    ("address", "this_machine", Verdict::Passed),
    ("address", "other", Verdict::Warning),
    ("address", "unknown", Verdict::Skipped),
    ("peer", "both_ways", Verdict::Passed),
    ("peer", "no_way_there", Verdict::Failed),
    ("peer", "no_way_back", Verdict::Failed),
    ("peer", "election_cut", Verdict::Failed),
    ("peer", "no_answer", Verdict::Failed),
    ("peer", "refused", Verdict::Warning),
    ("rhythm", "steady", Verdict::Passed),
    ("rhythm", "uneven", Verdict::Warning),
    ("rhythm", "few", Verdict::Skipped),
    ("version", "same", Verdict::Passed),
    ("version", "different", Verdict::Warning),
    ("clock", "together", Verdict::Passed),
    ("clock", "apart", Verdict::Warning),
    ("disk", "room", Verdict::Passed),
    ("disk", "little", Verdict::Warning),
    ("disk", "full", Verdict::Failed),
    ("disk", "not_writable", Verdict::Failed),
    ("watches", "enough", Verdict::Passed),
    ("watches", "exhausted", Verdict::Warning),
];

/// A number of microseconds as `0.4 ms`.
#[must_use]
pub fn millis_text(micros: u64) -> String {
    format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
}

/// The sentence of a finding.
pub(super) fn message(test: &CheckTest) -> String {
    let CheckTest { about, detail, .. } = test;
    let figure = |name| test.figure(name);
    let millis = |name| millis_text(test.figure(name));
    match (test.test.as_str(), test.finding.as_str()) {
        ("names", "answers") => {
            format!("The name service at {about} ({}) answers in {}", origin(detail), millis("rtt_micros"))
        }
        ("names", "silent") if figure("others") > 0 => {
            format!("At {about} another group or another program listens, and no name service of this group")
        }
        ("names", "silent") => format!("The name service at {about} ({}) does not answer", origin(detail)),
        ("names", "name_refused") => format!("The name service refuses this peer: {detail}"),
        ("tracker", "known") => format!("The tracker is {about} (epoch {})", figure("epoch")),
        ("tracker", "electing") => "There is no tracker; one is being elected".to_owned(),
        ("tracker", "no_quorum") => {
            let (here, of, needed) = (figure("reachable"), figure("voters"), figure("needed"));
            format!("There is no tracker: {here} of {of} peers are here, {needed} are needed")
        }
        ("tracker", "outside") => "This peer belongs to no group yet".to_owned(),
        ("address", "seen") => format!("Others see this peer at {detail}, as it says itself"),
        ("address", "this_machine") => "This peer can be reached on this computer only".to_owned(),
        ("address", "other") => format!("Others see this peer at {detail}, but it says {about}"),
        ("address", "unknown") => "Nobody was there to say how others see this peer".to_owned(),
        ("peer", "both_ways") => format!("{about}: both ways work, {}", millis("rtt_micros")),
        ("peer", "no_way_there") => format!("{about}: no connection from here to there: {detail}"),
        ("peer", "no_way_back") => format!("{about}: no connection from there to here"),
        ("peer", "election_cut") => format!("{about}: files pass, heartbeats do not ({})", way(detail)),
        ("peer", "no_answer") => format!("{about}: connected, and does not answer: {detail}"),
        ("peer", "refused") => format!("{about}: it cannot be checked: {detail}"),
        ("rhythm", "steady" | "uneven") => {
            let (middle, late, longest) =
                (millis("p50_micros"), millis("p99_micros"), millis("longest_micros"));
            format!("{about} hears a heartbeat every {middle} (99 of 100 within {late}, longest {longest})")
        }
        ("rhythm", "few") => format!("{about} has not heard enough heartbeats to judge them"),
        ("version", "same") => format!("All run version {detail}"),
        ("version", "different") => format!("{about} runs version {detail}"),
        ("clock", "together") => format!("The clocks differ by at most {}", millis("micros")),
        ("clock", "apart") => format!("The clock of {about} differs by {} s", figure("micros") / 1_000_000),
        ("disk", "room" | "little" | "full") => {
            let free = crate::base::bytes_text(figure("free_bytes"));
            format!("{free} are free for downloads in {about}")
        }
        ("disk", "not_writable") => format!("The download folder {about} cannot be written: {detail}"),
        ("watches", "enough") => {
            format!("Watched folders: {} of {} that the system allows", figure("used"), figure("limit"))
        }
        ("watches", "exhausted") => {
            format!("The system's limit of watched folders ({}) is reached", figure("limit"))
        }
        (test, finding) => format!("{test}: {finding}"),
    }
}

/// What to do about a finding; empty if nothing.
pub(super) fn advice(test: &CheckTest) -> String {
    let CheckTest { about, .. } = test;
    match (test.test.as_str(), test.finding.as_str()) {
        ("names", "silent") if test.figure("others") > 0 => "Start a name service for this group at another port \
            (`cardume names serve --listen IP:PORT`) and its peers with `--names` and that address. Searches, elections and \
            transfers go on without it"
            .to_owned(),
        ("names", "silent") => "Start it where that address is (`cardume names serve`), or check that the address is \
            right and that no firewall stands between. Searches, elections and transfers go on without it"
            .to_owned(),
        ("names", "name_refused") => refused_advice(test),
        ("tracker", "electing") => "Wait a second and check again".to_owned(),
        ("tracker", "no_quorum") => {
            "Start the missing peers, or mend the links to them that fail below".to_owned()
        }
        ("tracker", "outside") => {
            "Check the name service first: a peer finds its group there. If it answers, its group may still wait \
             for its first peers"
                .to_owned()
        }
        ("address", "other") => {
            "There is a translation of addresses between the computers. Start this peer with `--listen` and an \
             address that the others reach"
                .to_owned()
        }
        ("peer", "no_way_there") => format!(
            "Check that {about} runs, and that the firewall of its computer lets its ports through"
        ),
        ("peer", "no_way_back") => {
            format!("Let this peer's ports ({}) through this computer's firewall", ports(test))
        }
        ("peer", "election_cut") => format!(
            "Let the election ports through the firewalls of both computers; this peer's are {}",
            ports(test)
        ),
        ("peer", "no_answer") => format!("{about} is overloaded or held up; look at its computer"),
        ("peer", "refused") | ("version", "different") => {
            "Update the older ones: all peers should run the same version".to_owned()
        }
        ("rhythm", "uneven") => {
            "The network or the computer is busy: elections may happen without need. Close what keeps it busy, or use \
             a cable instead of wireless"
                .to_owned()
        }
        ("clock", "apart") => "Set the clocks: times in logs and messages do not fit together. Nothing else depends on it".to_owned(),
        ("disk", "little" | "full") => "Make room, or choose another download folder in the settings".to_owned(),
        ("disk", "not_writable") => "Choose another download folder in the settings".to_owned(),
        ("watches", "exhausted") => {
            "Changes in some folders are noticed a minute later. Raise the limit: `sudo sysctl \
             fs.inotify.max_user_watches=524288`"
                .to_owned()
        }
        _ => String::new(),
    }
}

/// What to do when the name service does not take this peer, by the code of its refusal.
fn refused_advice(test: &CheckTest) -> String {
    let code = i32::try_from(test.figure("code")).ok().and_then(Code::of);
    match code {
        None | Some(Code::NameTaken | Code::BadName) => {
            "Give this peer another name: in the settings, or with `cardume name NAME`".to_owned()
        }
        Some(Code::CallBackFailed) => "The name service does not reach this peer: let its ports through this computer's \
            firewall, or start it with `--listen` and an address that the name service's computer reaches"
            .to_owned(),
        Some(Code::TwoGroups) => "That name service belongs to a group that was founded apart from this peer's. Start this \
            peer with `--names` and the address of its own group's; or, if no other group uses that service, stop it, move \
            `names/registry.redb` in its home aside, and start it again"
            .to_owned(),
        Some(Code::StorageFailed) => {
            "The name service cannot write: make room on the disk of its computer; its log (`names/names.log`) says more"
                .to_owned()
        }
        Some(Code::Busy) => "The name service has too much to do; this peer tries again by itself".to_owned(),
        Some(_) => {
            "This peer tries again by itself; if that does not help, look into the name service's log (`names/names.log`)"
                .to_owned()
        }
    }
}

fn ports(test: &CheckTest) -> String {
    format!("{} and {}", test.figure("port"), test.figure("election_port"))
}

/// How the name service was found, in words.
fn origin(word: &str) -> &str {
    match word {
        "kept" => "as it was given",
        "here" => "started from this computer",
        _ => "the usual place",
    }
}

/// Which way heartbeats fail.
fn way(word: &str) -> &str {
    match word {
        "there" => "from here to there",
        "back" => "from there to here",
        _ => "in both directions",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_has_a_sentence_and_every_bad_one_an_advice() {
        let mut seen = std::collections::BTreeSet::new();
        for (test, finding, verdict) in FINDINGS {
            let case = CheckTest {
                test: (*test).to_owned(),
                about: "peer-3".to_owned(),
                verdict: *verdict,
                finding: (*finding).to_owned(),
                detail: String::new(),
                figures: std::collections::BTreeMap::new(),
                message: String::new(),
                advice: String::new(),
            };
            let sentence = message(&case);
            assert_ne!(sentence, format!("{test}: {finding}"));
            assert!(seen.insert((test, finding)), "{test} {finding} twice");
            let is_bad = matches!(verdict, Verdict::Warning | Verdict::Failed);
            assert_eq!(!advice(&case).is_empty(), is_bad, "{test} {finding}");
        }
    }

    fn names_test(finding: &str, (name, figure): (&str, u64)) -> CheckTest {
        CheckTest {
            test: "names".to_owned(),
            about: "127.0.0.1:7734".to_owned(),
            verdict: Verdict::Failed,
            finding: finding.to_owned(),
            detail: String::new(),
            figures: [(name.to_owned(), figure)].into(),
            message: String::new(),
            advice: String::new(),
        }
    }

    #[test]
    fn an_address_that_belongs_to_others_is_not_said_to_be_silent() {
        let [alone, others] = [0, 1].map(|others| names_test("silent", ("others", others)));
        assert!(message(&alone).contains("does not answer") && advice(&alone).contains("Start it where"));
        assert!(message(&others).contains("another group or another program listens"));
        assert!(advice(&others).contains("another port"));
    }

    #[test]
    fn another_name_is_advised_only_where_the_name_is_what_is_refused() {
        let advised = |code: Code| advice(&names_test("name_refused", ("code", u64::from(code as u32))));
        let all: Vec<_> = Code::ALL.iter().map(|(code, name)| (*name, advised(*code))).collect();
        let another_name = all.iter().filter(|(_, advice)| advice.contains("another name"));
        assert_eq!(another_name.map(|(name, _)| *name).collect::<Vec<_>>(), ["NameTaken", "BadName"]);
        for (code, word) in [
            (Code::CallBackFailed, "firewall"),
            (Code::TwoGroups, "founded apart"),
            (Code::StorageFailed, "make room"),
            (Code::Busy, "tries again by itself"),
        ] {
            assert!(advised(code).contains(word), "{code:?}");
        }
    }

    #[test]
    fn short_times_have_a_decimal() {
        assert_eq!(["0.0 ms", "0.4 ms", "100.3 ms"], [0, 430, 100_399].map(millis_text));
    }
}
