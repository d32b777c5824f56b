//! Sentences of the activity page, the first start and the farewell, in both languages.

use super::super::log::Level;
use super::super::model::Section;
use super::{check, en, grouped, pt_br};
use cardume::wire::check::{CheckTest, Verdict};

/// What the activity page, the first start and the farewell say.
#[derive(Debug)]
pub(crate) struct ActivityText {
    /// The name of a part of the page.
    pub section: fn(Section) -> &'static str,
    /// The name of a level.
    pub level: fn(Level) -> &'static str,
    /// The level of one line.
    pub level_of_line: fn(Level) -> &'static str,
    /// The field that filters the log.
    pub filter: &'static str,
    /// Holds the log.
    pub pause_log: &'static str,
    /// Follows it again.
    pub follow_log: &'static str,
    /// Copies the lines that are shown.
    pub copy_log: &'static str,
    /// They were copied.
    pub log_copied: &'static str,
    /// No line fits.
    pub log_empty: &'static str,
    /// How many lines are shown of how many.
    pub log_count: fn(usize, usize) -> String,
    /// Makes a check.
    pub check: &'static str,
    /// Explains that.
    pub check_tip: &'static str,
    /// One is under way.
    pub checking: &'static str,
    /// None was made.
    pub no_check: &'static str,
    /// What it does.
    pub check_hint: &'static str,
    /// How the tests ended: passed, warnings, failed.
    pub check_count: fn(usize, usize, usize) -> String,
    /// A verdict in a word.
    pub verdict: fn(Verdict) -> &'static str,
    /// The sentence of a test.
    pub message: fn(&CheckTest) -> String,
    /// What to do about it; empty if nothing.
    pub advice: fn(&CheckTest) -> String,
    /// The check could not be made.
    pub check_failed: fn(&str) -> String,
    /// The peer's name.
    pub name: &'static str,
    /// Uses what was typed.
    pub save: &'static str,
    /// Asks a person to choose in a dialog.
    pub choose: &'static str,
    /// Whether things move by themselves.
    pub reduce_motion: &'static str,
    /// It is so.
    pub on: &'static str,
    /// It is not.
    pub off: &'static str,
    /// The choice of starting with the system.
    pub autostart: &'static str,
    /// Its name in the list.
    pub start: &'static str,
    /// It could not be changed.
    pub autostart_failed: fn(&str) -> String,
    /// Puts the invite on the clipboard.
    pub copy_invite: &'static str,
    /// Explains that.
    pub copy_invite_tip: &'static str,
    /// It was put there.
    pub invite_copied: &'static str,
    /// It is, but the name service is at a loopback address.
    pub local_invite_copied: &'static str,
    /// There is none.
    pub invite_failed: fn(&str) -> String,
    /// The invite's name in the list.
    pub invite: &'static str,
    /// What an invite is.
    pub invite_warning: &'static str,
    /// The first start's title.
    pub welcome: &'static str,
    /// What the program is for.
    pub welcome_hint: &'static str,
    /// Whom others see.
    pub who: &'static str,
    /// The group.
    pub your_group: &'static str,
    /// How the group is.
    pub group_state: fn(usize) -> String,
    /// The field for an invite.
    pub paste_invite: &'static str,
    /// Joins its group.
    pub join: &'static str,
    /// It is about to.
    pub joining: &'static str,
    /// Not now.
    pub later: &'static str,
    /// The question before closing: how many downloads run.
    pub still_running: fn(usize) -> String,
    /// What becomes of them.
    pub go_on_later: &'static str,
    /// Close all the same.
    pub close: &'static str,
    /// Do not.
    pub stay: &'static str,
}

pub(super) const ENGLISH: ActivityText = ActivityText {
    section: |section| match section {
        Section::Messages => "Messages",
        Section::Check => "Connection check",
        Section::Log => "Log",
        Section::Settings => "Settings",
    },
    level: |level| match level {
        Level::Error => "Errors",
        Level::Warning => "Warnings",
        Level::Info => "Info",
        Level::Debug => "Details",
    },
    level_of_line: |level| match level {
        Level::Error => "Error",
        Level::Warning => "Warning",
        Level::Info => "Info",
        Level::Debug => "Detail",
    },
    filter: "Filter the log",
    pause_log: "Pause",
    follow_log: "Follow",
    copy_log: "Copy lines",
    log_copied: "Lines of the log copied",
    log_empty: "No line of the log fits",
    log_count: |shown, all| format!("{shown} of {all} lines"),
    check: "Check connections",
    check_tip: "Test the ways to the name service and to every peer, and back",
    checking: "Testing every link…",
    no_check: "Is something not working?",
    check_hint: "The check tests the name service, every peer in both directions, heartbeats, clocks and disk, and names \
                 what fails",
    check_count: |passed, warnings, failed| match (warnings, failed) {
        (0, 0) => format!("All is well: {passed} tests passed"),
        (warnings, 0) => format!("{passed} tests passed, {warnings} to look at"),
        (0, failed) => format!("{failed} failed, {passed} passed"),
        (warnings, failed) => format!("{failed} failed, {warnings} to look at, {passed} passed"),
    },
    verdict: |verdict| match verdict {
        Verdict::Passed => "passed",
        Verdict::Warning => "look at this",
        Verdict::Failed => "failed",
        Verdict::Skipped => "not tested",
    },
    message: |test| test.message.clone(),
    advice: |test| test.advice.clone(),
    check_failed: |why| format!("Could not check the connections: {why}"),
    reduce_motion: "Reduce motion",
    on: "On",
    off: "Off",
    name: "Name",
    save: "Save",
    choose: "Choose…",
    autostart: "Start this peer when I log in",
    start: "Start",
    autostart_failed: |why| format!("Could not change how it starts: {why}"),
    copy_invite: "Copy invite",
    copy_invite_tip: "A link that makes another computer a member of this group",
    invite_copied: "Invite copied. Who has it is a member: hand it only to people you trust",
    local_invite_copied: "Invite copied, but it works on this computer only. For others: stop the peers here, run `cardume names move`, and start them again",
    invite_failed: |why| format!("There is no invite: {why}"),
    invite: "Invite",
    invite_warning: "Whoever has the invite is a member of the group. Hand it only to people you trust",
    welcome: "Welcome to Cardume",
    welcome_hint: "Share folders with the people around you, without a server",
    who: "Others see you as",
    your_group: "Your group",
    group_state: |peers| match peers {
        0 | 1 => "A new group, with you as its first peer. Invite others with a link".to_owned(),
        peers => format!("You are in a group of {peers} peers"),
    },
    paste_invite: "or paste an invite to another group",
    join: "Join",
    joining: "Joining: the window opens again in a moment…",
    later: "Not now",
    still_running: |count| match count {
        0 => "No download is running any more".to_owned(),
        1 => "1 download is running".to_owned(),
        count => format!("{} downloads are running", grouped(count as u64, en::THOUSANDS)),
    },
    go_on_later: "What is there already is kept. They go on at the next start",
    close: "Close",
    stay: "Stay",
};

pub(super) const PORTUGUESE: ActivityText = ActivityText {
    section: |section| match section {
        Section::Messages => "Mensagens",
        Section::Check => "Teste de conexão",
        Section::Log => "Registro",
        Section::Settings => "Configurações",
    },
    level: |level| match level {
        Level::Error => "Erros",
        Level::Warning => "Avisos",
        Level::Info => "Informações",
        Level::Debug => "Detalhes",
    },
    level_of_line: |level| match level {
        Level::Error => "Erro",
        Level::Warning => "Aviso",
        Level::Info => "Informação",
        Level::Debug => "Detalhe",
    },
    filter: "Filtrar o registro",
    pause_log: "Pausar",
    follow_log: "Acompanhar",
    copy_log: "Copiar linhas",
    log_copied: "Linhas do registro copiadas",
    log_empty: "Nenhuma linha do registro corresponde",
    log_count: |shown, all| format!("{shown} de {all} linhas"),
    check: "Testar conexões",
    check_tip: "Testar os caminhos até o serviço de nomes e até cada peer, e de volta",
    checking: "Testando cada ligação…",
    no_check: "Algo não funciona?",
    check_hint: "O teste verifica o serviço de nomes, cada peer nas duas direções, heartbeats, relógios e disco, e diz o \
                 que falha",
    check_count: |passed, warnings, failed| match (warnings, failed) {
        (0, 0) => format!("Tudo certo: {passed} testes passaram"),
        (warnings, 0) => format!("{passed} testes passaram, {warnings} a observar"),
        (0, failed) => format!("{failed} falharam, {passed} passaram"),
        (warnings, failed) => format!("{failed} falharam, {warnings} a observar, {passed} passaram"),
    },
    verdict: |verdict| match verdict {
        Verdict::Passed => "passou",
        Verdict::Warning => "a observar",
        Verdict::Failed => "falhou",
        Verdict::Skipped => "não testado",
    },
    message: check::portuguese_message,
    advice: check::portuguese_advice,
    check_failed: |why| format!("Não foi possível testar as conexões: {why}"),
    name: "Nome",
    reduce_motion: "Reduzir movimento",
    on: "Sim",
    off: "Não",
    save: "Salvar",
    choose: "Escolher…",
    autostart: "Iniciar este peer quando eu entrar",
    start: "Início",
    autostart_failed: |why| format!("Não foi possível mudar o início: {why}"),
    copy_invite: "Copiar convite",
    copy_invite_tip: "Um link que torna outro computador membro deste grupo",
    invite_copied: "Convite copiado. Quem o tem é membro: entregue só a quem você confia",
    local_invite_copied: "Convite copiado, mas só vale neste computador. Para outros: pare os peers daqui, execute `cardume names move` e inicie-os de novo",
    invite_failed: |why| format!("Não há convite: {why}"),
    invite: "Convite",
    invite_warning: "Quem tem o convite é membro do grupo. Entregue só a quem você confia",
    welcome: "Boas-vindas ao Cardume",
    welcome_hint: "Compartilhe pastas com as pessoas ao seu redor, sem servidor",
    who: "Os outros veem você como",
    your_group: "Seu grupo",
    group_state: |peers| match peers {
        0 | 1 => "Um grupo novo, com você como primeiro peer. Convide outros com um link".to_owned(),
        peers => format!("Você está em um grupo de {peers} peers"),
    },
    paste_invite: "ou cole um convite para outro grupo",
    join: "Entrar",
    joining: "Entrando: a janela abre de novo em instantes…",
    later: "Agora não",
    still_running: |count| match count {
        0 => "Nenhum download em andamento".to_owned(),
        1 => "1 download em andamento".to_owned(),
        count => format!("{} downloads em andamento", grouped(count as u64, pt_br::THOUSANDS)),
    },
    go_on_later: "O que já chegou fica guardado. Eles continuam no próximo início",
    close: "Fechar",
    stay: "Ficar",
};
