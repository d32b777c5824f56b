//! English.

use super::{Progress, Text, grouped, time_left, took};
use cardume::wire::codes::Code;
use cardume::wire::control::EventRecord;

pub(super) const THOUSANDS: &str = "\u{202f}";

pub(super) const TEXT: Text = Text {
    language_name: "English",
    decimal_point: ".",
    thousands: THOUSANDS,
    search: "Search",
    transfers: "Transfers",
    library: "Library",
    group: "Group",
    activity: "Activity",
    search_tip: "Find files in everybody's shared folders",
    transfers_tip: "Downloads and how far they are",
    library_tip: "The folders that you share",
    group_tip: "Peers, tracker and elections",
    activity_tip: "Messages, diagnostics and settings",
    focus_search: "Search for files",
    focus_search_tip: "Go to the search field",
    share_a_folder: "Share a folder…",
    share_a_folder_tip: "Choose a folder that everybody in the group can download from",
    download: "Download",
    download_tip: "Download the selected file from all its sources, or from the selected source",
    show_sources: "Show sources",
    hide_sources: "Hide sources",
    sources_tip: "Who has this file",
    crash_tracker: "Simulate tracker crash",
    crash_tracker_tip: "The tracker is silent for 5 seconds, as after a crash, and the others elect a new one",
    crash_me: "Simulate my own crash",
    crash_me_tip: "This peer is silent for 5 seconds, as after a crash",
    copy_diagnostics: "Copy diagnostics",
    copy_diagnostics_tip: "Status, members and latest events as text, without secrets",
    shortcuts: "Keyboard shortcuts",
    shortcuts_tip: "All keys",
    escape: "Close or clear",
    escape_tip: "Close what is open, or clear the search",
    role_outside: "outside",
    role_follower: "follower",
    role_pre_candidate: "asking whether to stand",
    role_candidate: "candidate",
    role_tracker: "tracker",
    role_silent: "silent (simulated crash)",
    no_tracker: "No tracker",
    notice_silent: "Fault drill: this peer is silent as after a crash",
    notice_alone: "Waiting for the group",
    notice_electing: "Electing a tracker",
    name_service: "name service",
    name_service_address: "Name service",
    name_service_up: "The name service answers",
    name_service_down: "The name service does not answer. Searches, elections and transfers go on without it",
    search_hint: "Search everybody's files",
    search_field: "Search",
    clear: "Clear",
    column_name: "Name",
    column_size: "Size",
    column_sources: "Who has it",
    waiting_for_tracker: "No tracker at the moment. The search runs by itself as soon as there is one",
    asking: "Searching…",
    nothing_shared: "Nobody shares anything yet",
    nothing_shared_hint: "Share a folder, and everybody in the group finds its files here",
    nothing_found_hint: "All words must be in the file's name. Try fewer or shorter words",
    still_hashing: "being hashed",
    you: "you",
    this_is_you: "On this computer",
    download_from_this: "Download from this one",
    cancel: "Cancel",
    open_file: "Open",
    open_folder: "Open folder",
    no_transfers: "No downloads yet",
    no_transfers_hint: "Search for a file and press Enter, or double-click it",
    to_search: "Search for files",
    waiting: "Waiting",
    cancelled: "Cancelled",
    from_nobody: "looking for a source",
    no_shares: "You share nothing yet",
    no_shares_hint: "Files in a shared folder can be found and downloaded by everybody in the group",
    path_field: "Path of a folder to share",
    path_hint: "or type a path, as ~/Music",
    share: "Share",
    stop_sharing: "Stop sharing",
    picking: "Choose a folder in the other window…",
    stop_waiting: "Cancel choosing",
    all_hashed: "all ready to download",
    drop_here: "Drop to share",
    members: "Peers",
    column_member: "Name",
    column_role: "Role",
    column_address: "Address",
    column_contact: "Last contact",
    not_connected: "not connected",
    voter: "voter",
    guest: "no vote",
    me: "this peer",
    never: "never",
    just_now: "now",
    time_line: "What happened",
    no_events: "Nothing happened yet",
    simulate: "Fault drill",
    simulate_hint: "See how fast the others notice a silent tracker and elect a new one",
    counters: "Counters",
    language: "Language",
    theme: "Theme",
    theme_system: "As the system",
    theme_light: "Light",
    theme_dark: "Dark",
    download_folder: "Download folder",
    profile: "Profile",
    messages: "Messages",
    no_messages: "No messages",
    this_peer: "This peer",
    peer_id: "Peer id",
    process: "Process",
    close_hint: "The other peers take over what this one did",
    closing: "Handing over and leaving…",
    copied: "Diagnostics copied",
    no_tracker_to_crash: "There is no tracker to crash at the moment",
    dismiss: "Close",
    finding: super::search::EN,
    tracker_is: |name, epoch| format!("Tracker: {name} (epoch {epoch})"),
    peers_here: |here, of| format!("{here} of {of} peers"),
    quorum_missing: |here, of, needed| format!("{here} of {of} peers here, {needed} needed"),
    files: |count| match count {
        1 => "1 file".to_owned(),
        _ => format!("{} files", grouped(count, THOUSANDS)),
    },
    index_partial: |have, of| format!("Index {have} of {of} peers: more results may come"),
    nothing_found: |words| format!("Nothing found for “{words}”"),
    source_as: |name| format!("as “{name}”"),
    search_failed: |why| format!("The search failed: {why}"),
    row_content: |name, size, sources| match sources {
        1 => format!("{name}, {size}, 1 source"),
        _ => format!("{name}, {size}, {sources} sources"),
    },
    row_source: |peer, name, folder| match folder {
        "" => format!("{peer} has {name}"),
        folder => format!("{peer} has {name} in {folder}"),
    },
    download_named: |name| format!("Download {name} from all sources"),
    download_from: |peer| format!("Download from {peer}"),
    running,
    failed: |why| format!("Failed: {why}"),
    finished_at: |size, seconds| {
        format!("Finished: {size} in {}, verified", took(seconds, TEXT.decimal_point))
    },
    row_transfer: |name, sentence| format!("{name}: {sentence}"),
    share_totals: |files, bytes| match files {
        1 => format!("1 file · {bytes}"),
        _ => format!("{} files · {bytes}", grouped(files, THOUSANDS)),
    },
    stop_sharing_named: |path| format!("Stop sharing {path}"),
    own_role: |role, epoch| format!("This peer: {role} · epoch {epoch}"),
    quorum: |here, of, needed| {
        format!("{here} of {of} voters answer; {needed} are needed to elect a tracker")
    },
    ago: |seconds| format!("{} ago", time_left(seconds)),
    row_member: |name, role| format!("{name}, {role}"),
    stopwatch_running: |crashed| format!("{crashed} is silent; waiting for a new tracker"),
    stopwatch_own: |crashed| format!("{crashed} is this peer: it hears of the new tracker when it is back"),
    stopwatch_done_own: |tracker, millis| {
        format!("Back: heard of the new tracker {tracker} after {millis} ms")
    },
    of_group: &super::group::ENGLISH,
    epoch: |epoch| format!("epoch {epoch}"),
    counter,
    event,
    sharing: super::library::ENGLISH,
    browsing: super::browse::ENGLISH,
    refusal: super::refusal::english,
    code: super::refusal::english_code,
    moving: super::transfers::ENGLISH,
    activities: super::activity::ENGLISH,
    note_downloaded: |name| format!("Downloaded {name}"),
    note_download_failed: |name, why| format!("Could not download {name}: {why}"),
    note_download_started: |name| format!("Downloading {name}"),
    note_not_hashed: |name| format!("{name} is still being hashed by its owner. Try again in a moment"),
    note_share_failed: |path, why| format!("Could not share {path}: {why}"),
    note_unshare_failed: |path, why| format!("Could not stop sharing {path}: {why}"),
    note_start_failed: |name, why| format!("Could not start downloading {name}: {why}"),
    note_cancel_failed: |why| format!("Could not cancel: {why}"),
    note_crash_failed: |why| format!("Could not simulate the crash: {why}"),
    note_open_failed: |path, why| format!("Could not open {path}: {why}"),
};

fn running(progress: &Progress<'_>) -> String {
    let mut text = format!("{} of {}", progress.done, progress.size);
    if !progress.rate.is_empty() {
        text = format!("{text} · {}", progress.rate);
    }
    if let Some(seconds) = progress.seconds_left {
        text = format!("{text} · {} left", time_left(seconds));
    }
    if progress.from.is_empty() {
        format!("{text} · {}", TEXT.from_nobody)
    } else {
        format!("{text} · from {}", progress.from)
    }
}

fn counter(name: &str) -> String {
    let known = match name {
        "timers_fired" => "timers fired",
        "pre_votes_refused" => "pre-votes refused",
        "elections_started" => "elections started",
        "needless_elections" => "needless elections",
        "clock_jumps" => "clock jumps",
        "records_dropped" => "events dropped",
        "heartbeats_late" => "heartbeats late",
        "heartbeats_sent" => "heartbeats sent",
        "heartbeats_received" => "heartbeats received",
        other => return other.replace('_', " "),
    };
    known.to_owned()
}

/// Why a vote was refused, in words; other details as they are.
fn reason(detail: &str) -> &str {
    match detail {
        "old_epoch" => "it knows a later epoch",
        "old_roster" => "it knows a newer list of members",
        "not_a_voter" => "the asker has no vote",
        "voted_for_other" => "it voted for another one",
        "tracker_known" => "it knows the tracker of that epoch",
        "sticky" => "it has just heard the tracker",
        "absurd_epoch" => "the epoch is impossible",
        "two_groups" => "it belongs to another group",
        "cannot_vote" => "it cannot vote now",
        other => other,
    }
}

/// A roster's size, from its data: voters and members.
fn members(detail: &str) -> String {
    match detail.split_once('/') {
        Some((voters, members)) => format!(": {}", (TEXT.of_group.roster)(voters, members)),
        None => String::new(),
    }
}

/// What the code of this name means; what a later version says as it is.
fn meaning(name: &str) -> &str {
    match Code::named(name) {
        Some(code) => (TEXT.code)(code),
        None => name,
    }
}

fn event(record: &EventRecord) -> String {
    let peer = record.peer.as_deref().unwrap_or("a peer");
    let who = record.peer.as_deref().unwrap_or("This peer");
    let detail = record.detail.as_deref().unwrap_or_default();
    let epoch = record.epoch.unwrap_or_default();
    let because = if detail.is_empty() { String::new() } else { format!(": {}", reason(detail)) };
    match record.kind.as_str() {
        "role_changed" => format!("{who} is now {}", TEXT.role(detail)),
        "epoch_adopted" => format!("Epoch {epoch} begins{because}"),
        "timer_expired" => format!("{who} heard no heartbeat in time and suspects the tracker"),
        "pre_vote_started" => format!("{who} asks whether the others would vote for it in epoch {epoch}"),
        "pre_vote_refused" => format!("{peer} would not vote for an election now{because}"),
        "election_started" => format!("{who} stands as candidate in epoch {epoch}"),
        "vote_given" => format!("Voted for {peer} in epoch {epoch}"),
        "vote_received" => format!("Vote of {peer} received in epoch {epoch}"),
        "vote_refused" => format!("{peer} refused its vote{because}"),
        "tracker_elected" => format!("{peer} is the tracker of epoch {epoch}"),
        "tracker_lost" => format!("Tracker {peer} of epoch {epoch} is lost{because}"),
        "stepped_down" => format!("{who} steps down{because}"),
        "needless_election" => format!("Needless election: the tracker of epoch {epoch} was alive"),
        "two_trackers" => format!("Two trackers in epoch {epoch}: report this{because}"),
        "absurd_epoch" => format!("A message with an impossible epoch was refused{because}"),
        "two_groups" => format!("{peer} belongs to another group{because}"),
        "roster_changed" => format!("The group changed{}", members(detail)),
        "voting_ended" => format!("This peer votes no more{because}"),
        "handing_over" => format!("Handing over to {peer}"),
        "pause_started" => format!("{who} stands still for a fault drill"),
        "pause_ended" => format!("{who} goes on after standing still"),
        "link_cut" => format!("The link to {peer} is cut for a fault drill"),
        "link_mended" => format!("The link to {peer} is whole again"),
        "names_reachable" => "The name service answers".to_owned(),
        "names_unreachable" => format!("The name service does not answer{because}"),
        "names_refused" => format!("The name service refused a registration: {}", meaning(detail)),
        "share_added" => format!("Sharing {detail}"),
        "share_removed" => format!("No longer sharing {detail}"),
        "hashing_paused" => format!("Hashing of {detail} is paused"),
        "hashing_resumed" => format!("Hashing of {detail} goes on"),
        "name_changed" => format!("This peer is now called {detail}"),
        "downloads_moved" => format!("Downloads go to {detail} from now on"),
        "drill_started" => format!("{who} is silent for a fault drill{because}"),
        "drill_ended" => format!("{who} is back after the fault drill"),
        other => plain(other, record),
    }
}

/// A kind of a later version, as it is.
pub(super) fn plain(kind: &str, record: &EventRecord) -> String {
    let mut text = kind.replace('_', " ");
    for part in [record.peer.as_deref(), record.detail.as_deref()].into_iter().flatten() {
        text = format!("{text}: {part}");
    }
    text
}
