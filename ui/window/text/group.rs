//! What the group page says, in both languages.

use cardume::engine::election::Refusal;
use cardume::engine::trace::{FaultKind, MailKind};

/// The sentences of the group page.
#[derive(Debug)]
pub(crate) struct GroupText {
    pub pause_tracker: &'static str,
    pub pause_tracker_tip: &'static str,
    pub ring: &'static str,
    pub live: &'static str,
    pub live_tip: &'static str,
    pub play: &'static str,
    pub hold: &'static str,
    pub earlier_election: &'static str,
    pub later_election: &'static str,
    pub export: &'static str,
    pub export_tip: &'static str,
    pub moment: &'static str,
    pub speeds: [&'static str; 3],
    pub speed_tip: &'static str,
    pub no_records: &'static str,
    pub unheard: &'static str,
    pub crashed: &'static str,
    pub paused: &'static str,
    pub link_cut: &'static str,
    pub column_epoch: &'static str,
    pub column_files: &'static str,
    pub column_version: &'static str,
    pub legend_heartbeat: &'static str,
    pub legend_asks: &'static str,
    pub legend_grants: &'static str,
    pub legend_refuses: &'static str,
    pub end_drills: &'static str,
    pub time_line_tip: &'static str,
    pub notice_paused: &'static str,
    pub notice_moved: fn(&str) -> String,
    pub notice_founding: fn(u32, u32) -> String,
    pub notice_disk_full: &'static str,
    pub notice_disk_failed: &'static str,
    pub nobody_leads: &'static str,
    pub drills_of: fn(&str) -> String,
    pub pause_peer: fn(&str) -> String,
    pub cut_link: fn(&str) -> String,
    pub leads: fn(&str) -> String,
    pub votes: fn(usize, u32) -> String,
    pub on_ring: fn(&OnRing<'_>) -> String,
    pub stopwatch_done: fn(&str, u64, Option<u64>) -> String,
    pub exported: fn(&str) -> String,
    pub drill_failed: fn(&str) -> String,
    pub export_failed: fn(&str, &str) -> String,
    pub roster: fn(&str, &str) -> String,
    pub says: fn(&Says<'_>) -> String,
}

/// A peer of the ring, for whoever does not see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnRing<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub role: &'a str,
    /// Its epoch.
    pub epoch: Option<u64>,
}

/// What a row of the time line says; peers by name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says<'a> {
    TimerExpired,
    Asks(MailKind, u64),
    Answered { by: &'a str, kind: MailKind, epoch: u64, refusal: Option<Refusal> },
    Tracker(u64),
    SteppedDown,
    Follows(&'a str, u64),
    IndexComplete(&'a str, u32),
    Fault(FaultKind, bool, &'a str),
}

pub(super) const ENGLISH: GroupText = GroupText {
    pause_tracker: "Pause the tracker",
    pause_tracker_tip: "The tracker stands still for 5 seconds, as a stopped process does, with its connections open",
    ring: "Ring of peers",
    live: "Live",
    live_tip: "Show what happens now, half a second later",
    play: "Play",
    hold: "Hold",
    earlier_election: "Earlier election",
    later_election: "Later election",
    export: "Export…",
    export_tip: "Write everything that the peers recorded into a JSON file in the download folder",
    moment: "Moment shown",
    speeds: ["1×", "0.1×", "0.01×"],
    speed_tip: "Speed of the replay",
    no_records: "Waiting for the peers' records",
    unheard: "no answer",
    crashed: "silent (drill)",
    paused: "standing still (drill)",
    link_cut: "link cut (drill)",
    column_epoch: "Epoch",
    column_files: "Files",
    column_version: "Version",
    legend_heartbeat: "heartbeat",
    legend_asks: "vote asked for",
    legend_grants: "granted",
    legend_refuses: "refused",
    end_drills: "End the drills of this peer",
    time_line_tip: "Show this moment on the ring",
    notice_paused: "Fault drill: this peer stands still as a stopped process",
    notice_moved: |address| {
        format!("This machine's address is {address} now: start Cardume again, or the others do not find it")
    },
    notice_founding: |registered, expected| {
        format!("Waiting for the group: {registered} of {expected} peers are here")
    },
    notice_disk_full: "This peer does not vote: its disk is full, make room on it",
    notice_disk_failed: "This peer does not vote: its disk failed, check it and start Cardume again",
    nobody_leads: "no tracker",
    drills_of: |name| format!("Fault drills of {name}"),
    pause_peer: |name| format!("Pause {name} for 5 seconds"),
    cut_link: |name| format!("Cut the link to {name} for 10 seconds"),
    leads: |name| format!("{name} leads"),
    votes: |votes, needed| format!("{votes} of {needed} votes"),
    on_ring: |peer| match peer.epoch {
        Some(epoch) => format!("{}, {}, epoch {epoch}", peer.name, peer.role),
        None => format!("{}, {}", peer.name, peer.role),
    },
    stopwatch_done: |tracker, millis, complete| match complete {
        Some(complete) => format!("New tracker {tracker} in {millis} ms, index complete in {complete} ms"),
        None => format!("New tracker {tracker} in {millis} ms"),
    },
    exported: |path| format!("The records are in {path}"),
    drill_failed: |why| format!("The fault drill did not begin: {why}"),
    export_failed: |path, why| format!("Could not write {path}: {why}"),
    roster: |voters, members| {
        let (voter, member) = (noun(voters, "voter", "voters"), noun(members, "member", "members"));
        format!("{voters} {voter}, {members} {member}")
    },
    says: |says| match *says {
        Says::TimerExpired => "heard no heartbeat in time: its timer ran out".to_owned(),
        Says::Asks(MailKind::PreVote, epoch) => {
            format!("asks whether the others would vote for it in epoch {epoch}")
        }
        Says::Asks(_, epoch) => format!("stands as candidate of epoch {epoch} and asks for votes"),
        Says::Answered { by, kind, epoch, refusal } => match (kind, refusal) {
            (MailKind::PreVoteAnswer, None) => format!("hears that {by} would vote for it in epoch {epoch}"),
            (_, None) => format!("gets the vote of {by} in epoch {epoch}"),
            (MailKind::PreVoteAnswer, Some(why)) => {
                format!("hears that {by} would not vote for it: {}", refusal_en(why))
            }
            (_, Some(why)) => format!("is refused the vote of {by}: {}", refusal_en(why)),
        },
        Says::Tracker(epoch) => format!("is the tracker of epoch {epoch}"),
        Says::SteppedDown => "is not the tracker any more".to_owned(),
        Says::Follows(tracker, epoch) => format!("hears {tracker}, the tracker of epoch {epoch}"),
        Says::IndexComplete(files, 1) => format!("has the files of one peer in the index: {files}"),
        Says::IndexComplete(files, of) => format!("has the files of all {of} peers in the index: {files}"),
        Says::Fault(FaultKind::Crash, true, _) => "falls silent as after a crash (drill)".to_owned(),
        Says::Fault(FaultKind::Crash, false, _) => "is back as after a restart".to_owned(),
        Says::Fault(FaultKind::Pause, true, _) => "stands still as a stopped process (drill)".to_owned(),
        Says::Fault(FaultKind::Pause, false, _) => "goes on".to_owned(),
        Says::Fault(FaultKind::Cut(_), true, to) => format!("has its link to {to} cut (drill)"),
        Says::Fault(FaultKind::Cut(_), false, to) => format!("is linked to {to} again"),
    },
};

/// What so many are called.
fn noun<'a>(count: &str, one: &'a str, many: &'a str) -> &'a str {
    if count == "1" { one } else { many }
}

fn refusal_en(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::OldEpoch => "it knows a later epoch",
        Refusal::OldRoster => "it knows a newer list of members",
        Refusal::NotAVoter => "the asker has no vote",
        Refusal::VotedForOther => "it voted for another one",
        Refusal::TrackerKnown => "it knows the tracker of that epoch",
        Refusal::Sticky => "it has just heard the tracker",
        Refusal::AbsurdEpoch => "the epoch is impossible",
        Refusal::TwoGroups => "it belongs to another group",
        Refusal::CannotVote => "it cannot vote now",
    }
}

pub(super) const PORTUGUESE: GroupText = GroupText {
    pause_tracker: "Pausar o tracker",
    pause_tracker_tip: "O tracker fica parado por 5 segundos, como um processo suspenso, com as conexões abertas",
    ring: "Anel de peers",
    live: "Ao vivo",
    live_tip: "Mostrar o que acontece agora, meio segundo depois",
    play: "Reproduzir",
    hold: "Parar aqui",
    earlier_election: "Eleição anterior",
    later_election: "Eleição seguinte",
    export: "Exportar…",
    export_tip: "Gravar tudo o que os peers registraram em um arquivo JSON na pasta de downloads",
    moment: "Momento mostrado",
    speeds: ["1×", "0,1×", "0,01×"],
    speed_tip: "Velocidade da reprodução",
    no_records: "Esperando os registros dos peers",
    unheard: "sem resposta",
    crashed: "mudo (ensaio)",
    paused: "parado (ensaio)",
    link_cut: "ligação cortada (ensaio)",
    column_epoch: "Época",
    column_files: "Arquivos",
    column_version: "Versão",
    legend_heartbeat: "heartbeat",
    legend_asks: "voto pedido",
    legend_grants: "concedido",
    legend_refuses: "recusado",
    end_drills: "Encerrar os ensaios deste peer",
    time_line_tip: "Mostrar este momento no anel",
    notice_paused: "Ensaio de falha: este peer está parado como um processo suspenso",
    notice_moved: |address| {
        format!(
            "O endereço desta máquina agora é {address}: inicie o Cardume de novo, ou os outros não o encontram"
        )
    },
    notice_founding: |registered, expected| {
        format!("Esperando o grupo: {registered} de {expected} peers estão aqui")
    },
    notice_disk_full: "Este peer não vota: o disco dele está cheio, libere espaço",
    notice_disk_failed: "Este peer não vota: o disco dele falhou, verifique-o e inicie o Cardume de novo",
    nobody_leads: "sem tracker",
    drills_of: |name| format!("Ensaios de falha de {name}"),
    pause_peer: |name| format!("Pausar {name} por 5 segundos"),
    cut_link: |name| format!("Cortar a ligação com {name} por 10 segundos"),
    leads: |name| format!("{name} lidera"),
    votes: |votes, needed| format!("{votes} de {needed} votos"),
    on_ring: |peer| match peer.epoch {
        Some(epoch) => format!("{}, {}, época {epoch}", peer.name, peer.role),
        None => format!("{}, {}", peer.name, peer.role),
    },
    stopwatch_done: |tracker, millis, complete| match complete {
        Some(complete) => format!("Novo tracker {tracker} em {millis} ms, índice completo em {complete} ms"),
        None => format!("Novo tracker {tracker} em {millis} ms"),
    },
    exported: |path| format!("Os registros estão em {path}"),
    drill_failed: |why| format!("O ensaio de falha não começou: {why}"),
    export_failed: |path, why| format!("Não foi possível gravar {path}: {why}"),
    roster: |voters, members| {
        let (voter, member) = (noun(voters, "votante", "votantes"), noun(members, "membro", "membros"));
        format!("{voters} {voter}, {members} {member}")
    },
    says: |says| match *says {
        Says::TimerExpired => "não ouviu heartbeat a tempo: seu temporizador acabou".to_owned(),
        Says::Asks(MailKind::PreVote, epoch) => {
            format!("pergunta se os outros votariam nele na época {epoch}")
        }
        Says::Asks(_, epoch) => format!("se candidata na época {epoch} e pede votos"),
        Says::Answered { by, kind, epoch, refusal } => match (kind, refusal) {
            (MailKind::PreVoteAnswer, None) => format!("ouve que {by} votaria nele na época {epoch}"),
            (_, None) => format!("recebe o voto de {by} na época {epoch}"),
            (MailKind::PreVoteAnswer, Some(why)) => {
                format!("ouve que {by} não votaria nele: {}", refusal_pt(why))
            }
            (_, Some(why)) => format!("tem o voto de {by} recusado: {}", refusal_pt(why)),
        },
        Says::Tracker(epoch) => format!("é o tracker da época {epoch}"),
        Says::SteppedDown => "não é mais o tracker".to_owned(),
        Says::Follows(tracker, epoch) => format!("ouve {tracker}, o tracker da época {epoch}"),
        Says::IndexComplete(files, 1) => format!("tem os arquivos de um peer no índice: {files}"),
        Says::IndexComplete(files, of) => {
            format!("tem os arquivos de todos os {of} peers no índice: {files}")
        }
        Says::Fault(FaultKind::Crash, true, _) => "fica mudo como após uma queda (ensaio)".to_owned(),
        Says::Fault(FaultKind::Crash, false, _) => "voltou como após um reinício".to_owned(),
        Says::Fault(FaultKind::Pause, true, _) => "fica parado como um processo suspenso (ensaio)".to_owned(),
        Says::Fault(FaultKind::Pause, false, _) => "continua".to_owned(),
        Says::Fault(FaultKind::Cut(_), true, to) => format!("tem a ligação com {to} cortada (ensaio)"),
        Says::Fault(FaultKind::Cut(_), false, to) => format!("está ligado a {to} de novo"),
    },
};

fn refusal_pt(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::OldEpoch => "conhece uma época posterior",
        Refusal::OldRoster => "conhece uma lista de membros mais nova",
        Refusal::NotAVoter => "quem pede não tem voto",
        Refusal::VotedForOther => "votou em outro",
        Refusal::TrackerKnown => "conhece o tracker dessa época",
        Refusal::Sticky => "acabou de ouvir o tracker",
        Refusal::AbsurdEpoch => "a época é impossível",
        Refusal::TwoGroups => "pertence a outro grupo",
        Refusal::CannotVote => "não pode votar agora",
    }
}
