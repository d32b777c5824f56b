//! Brazilian Portuguese.

use super::en::plain;
use super::{Progress, Text, grouped, time_left, took};
use cardume::wire::codes::Code;
use cardume::wire::control::EventRecord;

pub(super) const THOUSANDS: &str = ".";

pub(super) const TEXT: Text = Text {
    language_name: "Português (Brasil)",
    decimal_point: ",",
    thousands: THOUSANDS,
    search: "Busca",
    transfers: "Transferências",
    library: "Biblioteca",
    group: "Grupo",
    activity: "Atividade",
    search_tip: "Encontre arquivos nas pastas compartilhadas de todos",
    transfers_tip: "Downloads e seu andamento",
    library_tip: "As pastas que você compartilha",
    group_tip: "Peers, tracker e eleições",
    activity_tip: "Mensagens, diagnóstico e configurações",
    focus_search: "Buscar arquivos",
    focus_search_tip: "Ir para o campo de busca",
    share_a_folder: "Compartilhar pasta…",
    share_a_folder_tip: "Escolha uma pasta da qual todos do grupo podem baixar",
    download: "Baixar",
    download_tip: "Baixa o arquivo selecionado de todas as fontes, ou da fonte selecionada",
    show_sources: "Mostrar fontes",
    hide_sources: "Ocultar fontes",
    sources_tip: "Quem tem este arquivo",
    crash_tracker: "Simular queda do tracker",
    crash_tracker_tip: "O tracker fica mudo por 5 segundos, como após uma queda, e os outros elegem um novo",
    crash_me: "Simular minha própria queda",
    crash_me_tip: "Este peer fica mudo por 5 segundos, como após uma queda",
    copy_diagnostics: "Copiar diagnóstico",
    copy_diagnostics_tip: "Estado, membros e últimos eventos em texto, sem segredos",
    shortcuts: "Atalhos do teclado",
    shortcuts_tip: "Todas as teclas",
    escape: "Fechar ou limpar",
    escape_tip: "Fecha o que está aberto, ou limpa a busca",
    role_outside: "de fora",
    role_follower: "seguidor",
    role_pre_candidate: "perguntando se deve se candidatar",
    role_candidate: "candidato",
    role_tracker: "tracker",
    role_silent: "mudo (queda simulada)",
    no_tracker: "Sem tracker",
    notice_silent: "Ensaio de falha: este peer está mudo, como após uma queda",
    notice_alone: "Esperando o grupo",
    notice_electing: "Elegendo um tracker",
    name_service: "serviço de nomes",
    name_service_address: "Serviço de nomes",
    name_service_up: "O serviço de nomes responde",
    name_service_down: "O serviço de nomes não responde. Buscas, eleições e transferências continuam sem ele",
    search_hint: "Busque nos arquivos de todos",
    search_field: "Busca",
    clear: "Limpar",
    column_name: "Nome",
    column_size: "Tamanho",
    column_sources: "Quem tem",
    waiting_for_tracker: "Sem tracker no momento. A busca roda sozinha assim que houver um",
    asking: "Buscando…",
    nothing_shared: "Ninguém compartilha nada ainda",
    nothing_shared_hint: "Compartilhe uma pasta, e todos do grupo encontram seus arquivos aqui",
    nothing_found_hint: "Todas as palavras devem estar no nome do arquivo. Tente menos palavras ou mais curtas",
    still_hashing: "sendo verificado",
    you: "você",
    this_is_you: "Neste computador",
    download_from_this: "Baixar desta fonte",
    cancel: "Cancelar",
    open_file: "Abrir",
    open_folder: "Abrir pasta",
    no_transfers: "Nenhum download ainda",
    no_transfers_hint: "Busque um arquivo e tecle Enter, ou clique duas vezes nele",
    to_search: "Buscar arquivos",
    waiting: "Aguardando",
    cancelled: "Cancelado",
    from_nobody: "procurando uma fonte",
    no_shares: "Você não compartilha nada ainda",
    no_shares_hint: "Arquivos em uma pasta compartilhada podem ser encontrados e baixados por todos do grupo",
    path_field: "Caminho de uma pasta a compartilhar",
    path_hint: "ou digite um caminho, como ~/Música",
    share: "Compartilhar",
    stop_sharing: "Parar de compartilhar",
    picking: "Escolha uma pasta na outra janela…",
    stop_waiting: "Cancelar escolha",
    all_hashed: "tudo pronto para baixar",
    drop_here: "Solte para compartilhar",
    members: "Peers",
    column_member: "Nome",
    column_role: "Papel",
    column_address: "Endereço",
    column_contact: "Último contato",
    not_connected: "sem conexão",
    voter: "eleitor",
    guest: "sem voto",
    me: "este peer",
    never: "nunca",
    just_now: "agora",
    time_line: "O que aconteceu",
    no_events: "Nada aconteceu ainda",
    simulate: "Ensaio de falha",
    simulate_hint: "Veja com que rapidez os outros percebem um tracker mudo e elegem um novo",
    counters: "Contadores",
    language: "Idioma",
    theme: "Tema",
    theme_system: "Como o sistema",
    theme_light: "Claro",
    theme_dark: "Escuro",
    download_folder: "Pasta de downloads",
    profile: "Perfil",
    messages: "Mensagens",
    no_messages: "Nenhuma mensagem",
    this_peer: "Este peer",
    peer_id: "Id do peer",
    process: "Processo",
    close_hint: "Os outros peers assumem o que este fazia",
    closing: "Passando o bastão e saindo…",
    copied: "Diagnóstico copiado",
    no_tracker_to_crash: "Não há tracker para derrubar no momento",
    dismiss: "Fechar",
    finding: super::search::PT_BR,
    tracker_is: |name, epoch| format!("Tracker: {name} (época {epoch})"),
    peers_here: |here, of| format!("{here} de {of} peers"),
    quorum_missing: |here, of, needed| {
        let verb = if needed == 1 { "necessário" } else { "necessários" };
        format!("{here} de {of} peers aqui, {needed} {verb}")
    },
    files: |count| match count {
        1 => "1 arquivo".to_owned(),
        _ => format!("{} arquivos", grouped(count, THOUSANDS)),
    },
    index_partial: |have, of| format!("Índice de {have} de {of} peers: podem vir mais resultados"),
    nothing_found: |words| format!("Nada encontrado para “{words}”"),
    source_as: |name| format!("como “{name}”"),
    search_failed: |why| format!("A busca falhou: {why}"),
    row_content: |name, size, sources| match sources {
        1 => format!("{name}, {size}, 1 fonte"),
        _ => format!("{name}, {size}, {sources} fontes"),
    },
    row_source: |peer, name, folder| match folder {
        "" => format!("{peer} tem {name}"),
        folder => format!("{peer} tem {name} em {folder}"),
    },
    download_named: |name| format!("Baixar {name} de todas as fontes"),
    download_from: |peer| format!("Baixar de {peer}"),
    running,
    failed: |why| format!("Falhou: {why}"),
    finished_at: |size, seconds| {
        format!("Concluído: {size} em {}, verificado", took(seconds, TEXT.decimal_point))
    },
    row_transfer: |name, sentence| format!("{name}: {sentence}"),
    share_totals: |files, bytes| match files {
        1 => format!("1 arquivo · {bytes}"),
        _ => format!("{} arquivos · {bytes}", grouped(files, THOUSANDS)),
    },
    stop_sharing_named: |path| format!("Parar de compartilhar {path}"),
    own_role: |role, epoch| format!("Este peer: {role} · época {epoch}"),
    quorum: |here, of, needed| {
        format!("{here} de {of} eleitores respondem; {needed} são necessários para eleger um tracker")
    },
    ago: |seconds| format!("há {}", time_left(seconds)),
    row_member: |name, role| format!("{name}, {role}"),
    stopwatch_running: |crashed| format!("{crashed} está mudo; esperando um novo tracker"),
    stopwatch_own: |crashed| format!("{crashed} é este peer: ele saberá do novo tracker quando voltar"),
    stopwatch_done_own: |tracker, millis| {
        format!("De volta: soube do novo tracker {tracker} após {millis} ms")
    },
    of_group: &super::group::PORTUGUESE,
    epoch: |epoch| format!("época {epoch}"),
    counter,
    event,
    sharing: super::library::PORTUGUESE,
    browsing: super::browse::PORTUGUESE,
    refusal: super::refusal::portuguese,
    code: super::refusal::portuguese_code,
    moving: super::transfers::PORTUGUESE,
    activities: super::activity::PORTUGUESE,
    note_downloaded: |name| format!("{name} foi baixado"),
    note_download_failed: |name, why| format!("Não foi possível baixar {name}: {why}"),
    note_download_started: |name| format!("Baixando {name}"),
    note_not_hashed: |name| {
        format!("{name} ainda está sendo verificado por quem o tem. Tente de novo em instantes")
    },
    note_share_failed: |path, why| format!("Não foi possível compartilhar {path}: {why}"),
    note_unshare_failed: |path, why| format!("Não foi possível parar de compartilhar {path}: {why}"),
    note_start_failed: |name, why| format!("Não foi possível começar a baixar {name}: {why}"),
    note_cancel_failed: |why| format!("Não foi possível cancelar: {why}"),
    note_crash_failed: |why| format!("Não foi possível simular a queda: {why}"),
    note_open_failed: |path, why| format!("Não foi possível abrir {path}: {why}"),
};

fn running(progress: &Progress<'_>) -> String {
    let mut text = format!("{} de {}", progress.done, progress.size);
    if !progress.rate.is_empty() {
        text = format!("{text} · {}", progress.rate);
    }
    if let Some(seconds) = progress.seconds_left {
        text = format!("{text} · faltam {}", time_left(seconds));
    }
    if progress.from.is_empty() {
        format!("{text} · {}", TEXT.from_nobody)
    } else {
        format!("{text} · de {}", progress.from)
    }
}

fn counter(name: &str) -> String {
    let known = match name {
        "timers_fired" => "temporizadores disparados",
        "pre_votes_refused" => "pré-votos recusados",
        "elections_started" => "eleições iniciadas",
        "needless_elections" => "eleições desnecessárias",
        "clock_jumps" => "saltos do relógio",
        "records_dropped" => "eventos perdidos",
        "heartbeats_late" => "heartbeats atrasados",
        "heartbeats_sent" => "heartbeats enviados",
        "heartbeats_received" => "heartbeats recebidos",
        other => return other.replace('_', " "),
    };
    known.to_owned()
}

/// Why a vote was refused, in words; other details as they are.
fn reason(detail: &str) -> &str {
    match detail {
        "old_epoch" => "conhece uma época posterior",
        "old_roster" => "conhece uma lista de membros mais nova",
        "not_a_voter" => "quem pede não tem voto",
        "voted_for_other" => "votou em outro",
        "tracker_known" => "conhece o tracker dessa época",
        "sticky" => "acabou de ouvir o tracker",
        "absurd_epoch" => "a época é impossível",
        "two_groups" => "pertence a outro grupo",
        "cannot_vote" => "não pode votar agora",
        other => other,
    }
}

/// What the code of this name means; what a later version says as it is.
fn meaning(name: &str) -> &str {
    match Code::named(name) {
        Some(code) => (TEXT.code)(code),
        None => name,
    }
}

/// A roster's size, from its data: voters and members.
fn members(detail: &str) -> String {
    match detail.split_once('/') {
        Some((voters, members)) => format!(": {}", (TEXT.of_group.roster)(voters, members)),
        None => String::new(),
    }
}

fn event(record: &EventRecord) -> String {
    let peer = record.peer.as_deref().unwrap_or("um peer");
    let who = record.peer.as_deref().unwrap_or("Este peer");
    let detail = record.detail.as_deref().unwrap_or_default();
    let epoch = record.epoch.unwrap_or_default();
    let because = if detail.is_empty() { String::new() } else { format!(": {}", reason(detail)) };
    match record.kind.as_str() {
        "role_changed" => format!("{who} agora é {}", TEXT.role(detail)),
        "epoch_adopted" => format!("Começa a época {epoch}{because}"),
        "timer_expired" => format!("{who} não ouviu heartbeat a tempo e suspeita do tracker"),
        "pre_vote_started" => format!("{who} pergunta se os outros votariam nele na época {epoch}"),
        "pre_vote_refused" => format!("{peer} não votaria em uma eleição agora{because}"),
        "election_started" => format!("{who} se candidata na época {epoch}"),
        "vote_given" => format!("Voto dado a {peer} na época {epoch}"),
        "vote_received" => format!("Voto de {peer} recebido na época {epoch}"),
        "vote_refused" => format!("{peer} recusou seu voto{because}"),
        "tracker_elected" => format!("{peer} é o tracker da época {epoch}"),
        "tracker_lost" => format!("O tracker {peer} da época {epoch} sumiu{because}"),
        "stepped_down" => format!("{who} deixa o cargo{because}"),
        "needless_election" => format!("Eleição desnecessária: o tracker da época {epoch} estava vivo"),
        "two_trackers" => format!("Dois trackers na época {epoch}: relate isto{because}"),
        "absurd_epoch" => format!("Uma mensagem com época impossível foi recusada{because}"),
        "two_groups" => format!("{peer} pertence a outro grupo{because}"),
        "roster_changed" => format!("O grupo mudou{}", members(detail)),
        "voting_ended" => format!("Este peer não vota mais{because}"),
        "handing_over" => format!("Passando o cargo a {peer}"),
        "pause_started" => format!("{who} fica parado para um ensaio de falha"),
        "pause_ended" => format!("{who} continua depois de parado"),
        "link_cut" => format!("A ligação com {peer} foi cortada para um ensaio de falha"),
        "link_mended" => format!("A ligação com {peer} está inteira de novo"),
        "names_reachable" => "O serviço de nomes responde".to_owned(),
        "names_unreachable" => format!("O serviço de nomes não responde{because}"),
        "names_refused" => format!("O serviço de nomes recusou um registro: {}", meaning(detail)),
        "share_added" => format!("Compartilhando {detail}"),
        "share_removed" => format!("{detail} não é mais compartilhada"),
        "hashing_paused" => format!("A verificação de {detail} está em pausa"),
        "hashing_resumed" => format!("A verificação de {detail} continua"),
        "name_changed" => format!("Este peer agora se chama {detail}"),
        "downloads_moved" => format!("Os downloads vão para {detail} a partir de agora"),
        "drill_started" => format!("{who} fica mudo para um ensaio de falha{because}"),
        "drill_ended" => format!("{who} voltou do ensaio de falha"),
        other => plain(other, record),
    }
}
