//! Sentences of the transfers page, in both languages.

use super::{en, grouped, pt_br};

/// What the transfers page says.
#[derive(Debug)]
pub(crate) struct TransfersText {
    /// Lets a download wait.
    pub pause: &'static str,
    /// Lets it go on.
    pub resume: &'static str,
    /// Begins it anew, or tries at once.
    pub retry: &'static str,
    /// Removes what a download left that failed.
    pub remove_left: &'static str,
    /// One place earlier.
    pub up: &'static str,
    /// One place later.
    pub down: &'static str,
    /// Before all others.
    pub top: &'static str,
    /// Lets all wait.
    pub pause_all: &'static str,
    /// Lets all go on.
    pub resume_all: &'static str,
    /// Takes what is over out of the list.
    pub clear: &'static str,
    /// Shows the limits.
    pub limits: &'static str,
    /// Names the limit of receiving.
    pub limit_down: &'static str,
    /// Names the limit of sending.
    pub limit_up: &'static str,
    /// Names how many run at once.
    pub at_once: &'static str,
    /// No limit.
    pub no_limit: &'static str,
    /// While it waits for the person.
    pub paused: &'static str,
    /// Heads the uploads.
    pub uploads: &'static str,
    /// Heads the sources.
    pub sources: &'static str,
    /// No source is known yet.
    pub no_sources: &'static str,
    /// Closes the details.
    pub close: &'static str,
    /// Names a button with the download that it is about.
    pub of: fn(&str, &str) -> String,
    /// Why a download does not run, or what it does: by code and what it is about.
    pub reason: fn(&str, &str) -> String,
    /// A source's state, by code.
    pub source_state: fn(&str) -> &'static str,
    /// A source's fault, by code.
    pub fault: fn(&str) -> &'static str,
    /// An upload's state, by code.
    pub upload_state: fn(&str) -> &'static str,
    /// An upload: to whom, its state, what was sent, of what, how fast.
    pub upload: fn(&str, &str, &str, &str, &str) -> String,
    /// Paused: what is here, of what.
    pub paused_at: fn(&str, &str) -> String,
    /// A source's state with its fault.
    pub because: fn(&str, &str) -> String,
    /// A source in one line: its name, state, bytes and rate.
    pub source: fn(&str, &str, &str, &str) -> String,
    /// Two sentences in one line.
    pub both: fn(&str, &str) -> String,
    /// How many files of a folder are there.
    pub files: fn(u64, u64) -> String,
    /// Downloads a folder of a peer.
    pub download_folder: fn(&str, &str) -> String,
    /// A change could not be made.
    pub failed: fn(&str) -> String,
}

pub(super) const ENGLISH: TransfersText = TransfersText {
    pause: "Pause",
    resume: "Resume",
    retry: "Try again",
    remove_left: "Remove what it left",
    up: "Earlier",
    down: "Later",
    top: "To the top",
    pause_all: "Pause all",
    resume_all: "Resume all",
    clear: "Clear finished",
    limits: "Limits",
    limit_down: "Download limit",
    limit_up: "Upload limit",
    at_once: "Downloads at once",
    no_limit: "No limit",
    paused: "Paused",
    uploads: "Others download from here",
    sources: "Sources",
    no_sources: "No source is known yet",
    close: "Close the details",
    of: |what, name| format!("{what}: {name}"),
    reason: |code, about| match code {
        "queued" => "In the queue".to_owned(),
        "asking_tracker" => "Asking the tracker who has it".to_owned(),
        "no_tracker" => format!("Waiting for a tracker: {about}"),
        "nobody_has_it" => "Nobody has it now; goes on when somebody has".to_owned(),
        "sources_away" => format!("Waiting for a source: {about}"),
        "file_changed" => format!("The file changed at the source ({about}); waiting for the same one"),
        "file_gone" => format!("Not shared any more ({about}); goes on when somebody shares it"),
        "no_source_left" => format!("No source left: {about}; goes on when another one has it"),
        "hashing" => format!("The source is still hashing {}", files_en(about)),
        "disk_full" => "The disk is full; make room and it goes on by itself".to_owned(),
        "no_permission" => format!("The folder may not be written to: {about}"),
        "folder_unusable" => format!("The folder cannot be used: {about}"),
        "folder_gone" => {
            format!("The folder is not there any more: {about}; goes on when it is back in its place")
        }
        "in_the_way" => format!("Something else lies in the target folder: {about}"),
        "in_use" => "Another peer on this computer downloads the same file into this folder".to_owned(),
        "disk_error" => format!("The disk fails: {about}"),
        "proving" => "Checking the list of pieces".to_owned(),
        "checking" => "Checking what is there already".to_owned(),
        "downloading" => "Downloading".to_owned(),
        "listing" => "Asking what is in the folder".to_owned(),
        "finishing" => "Putting the file in its place".to_owned(),
        "too_large" => "The file is too large for this volume".to_owned(),
        "name_refused" => format!("This volume does not take the file's name: {about}"),
        "not_taken" => format!("The rest is there; this cannot be put in its place: {about}"),
        "names_taken" => "Too many files of that name exist".to_owned(),
        "list_too_long" => {
            format!(
                "The peer's list of this folder is too long ({about}); download the folders in it one by one"
            )
        }
        "internal" => format!("Something failed that should not: {about}"),
        "not_removed" => {
            format!("What it left could not be removed; cancel it again, or remove it yourself: {about}")
        }
        "renamed" => format!("A file of that name existed; this one is called {about}"),
        other => format!("{other} {about}"),
    },
    source_state: |state| match state {
        "active" => "In use",
        "spare" => "In reserve",
        "resting" => "Asked again soon",
        "dropped" => "Not used any more",
        _ => "",
    },
    fault: |fault| match fault {
        "bad_piece" => "sent a wrong piece",
        "bad_manifest" => "sent a wrong list of pieces",
        "wrong_length" => "lied about the length",
        "nonsense" => "sent an answer that makes no sense",
        "not_shared" => "does not share the file any more",
        "changed" => "its file changed",
        "busy" => "could not send for now",
        "unreachable" => "cannot be reached",
        "closed" => "closed the connection",
        "silent" => "is silent",
        _ => "failed",
    },
    upload_state: |state| match state {
        "sending" => "Sending",
        "waiting" => "Waits for its turn",
        "changed" => "The file changed and is hashed again",
        _ => "Idle",
    },
    upload: |to, state, sent, size, rate| format!("To {to} · {state} · {sent} of {size} · {rate}"),
    paused_at: |done, size| format!("Paused · {done} of {size}"),
    because: |state, fault| format!("{state}: {fault}"),
    source: |name, state, bytes, rate| format!("{name} · {state} · {bytes} · {rate}"),
    both: |first, second| format!("{first} · {second}"),
    files: |done, files| format!("{} of {}", grouped(done, en::THOUSANDS), (en::TEXT.files)(files)),
    download_folder: |folder, peer| format!("Download the folder “{folder}” from {peer}"),
    failed: |why| format!("Could not change the transfers: {why}"),
};

pub(super) const PORTUGUESE: TransfersText = TransfersText {
    pause: "Pausar",
    resume: "Retomar",
    retry: "Tentar de novo",
    remove_left: "Remover o que ele deixou",
    up: "Antes",
    down: "Depois",
    top: "Para o topo",
    pause_all: "Pausar tudo",
    resume_all: "Retomar tudo",
    clear: "Limpar concluídos",
    limits: "Limites",
    limit_down: "Limite de download",
    limit_up: "Limite de upload",
    at_once: "Downloads ao mesmo tempo",
    no_limit: "Sem limite",
    paused: "Pausado",
    uploads: "Outros baixam daqui",
    sources: "Fontes",
    no_sources: "Nenhuma fonte conhecida ainda",
    close: "Fechar os detalhes",
    of: |what, name| format!("{what}: {name}"),
    reason: |code, about| match code {
        "queued" => "Na fila".to_owned(),
        "asking_tracker" => "Perguntando ao tracker quem tem".to_owned(),
        "no_tracker" => "Esperando um tracker".to_owned(),
        "nobody_has_it" => "Ninguém tem agora; continua quando alguém tiver".to_owned(),
        "sources_away" => format!("Esperando uma fonte: {about}"),
        "file_changed" => format!("O arquivo mudou na fonte ({about}); esperando o mesmo"),
        "file_gone" => format!("Não é mais compartilhado ({about}); continua quando alguém compartilhar"),
        "no_source_left" => format!("Nenhuma fonte sobrou: {about}; continua quando outra tiver"),
        "hashing" => format!("A fonte ainda calcula o hash de {}", files_pt(about)),
        "disk_full" => "O disco está cheio; libere espaço e continua sozinho".to_owned(),
        "no_permission" => format!("Sem permissão para gravar na pasta: {about}"),
        "folder_unusable" => format!("A pasta não pode ser usada: {about}"),
        "folder_gone" => format!("A pasta não está mais lá: {about}; continua quando voltar ao seu lugar"),
        "in_the_way" => format!("Há outra coisa na pasta de destino: {about}"),
        "in_use" => "Outro peer neste computador baixa o mesmo arquivo para esta pasta".to_owned(),
        "disk_error" => format!("O disco falha: {about}"),
        "proving" => "Verificando a lista de partes".to_owned(),
        "checking" => "Verificando o que já está aqui".to_owned(),
        "downloading" => "Baixando".to_owned(),
        "listing" => "Perguntando o que há na pasta".to_owned(),
        "finishing" => "Colocando o arquivo no lugar".to_owned(),
        "too_large" => "O arquivo é grande demais para este volume".to_owned(),
        "name_refused" => format!("Este volume não aceita o nome do arquivo: {about}"),
        "not_taken" => format!("O resto está lá; isto não pôde ser colocado no lugar: {about}"),
        "names_taken" => "Já existem arquivos demais com esse nome".to_owned(),
        "list_too_long" => {
            format!(
                "A lista desta pasta no peer é longa demais ({about}); baixe as pastas dentro dela uma a uma"
            )
        }
        "internal" => format!("Falhou algo que não devia: {about}"),
        "not_removed" => {
            format!("O que ele deixou não pôde ser removido; cancele de novo, ou remova: {about}")
        }
        "renamed" => format!("Já existia um arquivo com esse nome; este se chama {about}"),
        other => format!("{other} {about}"),
    },
    source_state: |state| match state {
        "active" => "Em uso",
        "spare" => "De reserva",
        "resting" => "Nova tentativa em breve",
        "dropped" => "Não é mais usada",
        _ => "",
    },
    fault: |fault| match fault {
        "bad_piece" => "enviou uma parte errada",
        "bad_manifest" => "enviou uma lista de partes errada",
        "wrong_length" => "mentiu sobre o tamanho",
        "nonsense" => "enviou uma resposta sem sentido",
        "not_shared" => "não compartilha mais o arquivo",
        "changed" => "seu arquivo mudou",
        "busy" => "não pôde enviar por ora",
        "unreachable" => "não pode ser alcançada",
        "closed" => "fechou a conexão",
        "silent" => "está em silêncio",
        _ => "falhou",
    },
    upload_state: |state| match state {
        "sending" => "Enviando",
        "waiting" => "Espera a sua vez",
        "changed" => "O arquivo mudou e o hash é recalculado",
        _ => "Parado",
    },
    upload: |to, state, sent, size, rate| format!("Para {to} · {state} · {sent} de {size} · {rate}"),
    paused_at: |done, size| format!("Pausado · {done} de {size}"),
    because: |state, fault| format!("{state}: {fault}"),
    source: |name, state, bytes, rate| format!("{name} · {state} · {bytes} · {rate}"),
    both: |first, second| format!("{first} · {second}"),
    files: |done, files| format!("{} de {}", grouped(done, pt_br::THOUSANDS), (pt_br::TEXT.files)(files)),
    download_folder: |folder, peer| format!("Baixar a pasta “{folder}” de {peer}"),
    failed: |why| format!("Não foi possível mudar as transferências: {why}"),
};

/// So many files; what is no number as it is.
fn files_en(count: &str) -> String {
    count.parse().map_or_else(|_| format!("{count} files"), en::TEXT.files)
}

/// The same.
fn files_pt(count: &str) -> String {
    count.parse().map_or_else(|_| format!("{count} arquivos"), pt_br::TEXT.files)
}
