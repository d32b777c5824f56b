//! What the search page, the palette, the status bar and the messages say, in both languages.

use super::grouped;
use cardume::base::FileKind;
use cardume::node::{Operator, QueryError, SortKey};

macro_rules! search_text {
    (words: $($word:ident,)* ; sentences: $($sentence:ident: $kind:ty,)*) => {
        /// Sentences for finding things.
        #[derive(Debug)]
        pub(crate) struct SearchText {
            $(pub $word: &'static str,)*
            $(pub $sentence: $kind,)*
        }

        #[cfg(test)]
        impl SearchText {
            /// The plain words with the names of their fields.
            pub(crate) fn words(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($word), self.$word)),*]
            }
        }
    };
}

search_text! {
    words:
        filter, filter_tip, filter_field, close_filter,
        palette, palette_tip, palette_field, palette_hint, nothing_fits, files_of_peer, open_downloaded,
        download_to, download_to_tip, download_from, copy_link, copy_link_tip, select_all, select_all_tip,
        toggle_sources, operators, operators_tip, messages_tip, zoom_in, zoom_out, zoom_reset, zoom_tip,
        column_type, sort_best, sorted_up, sorted_down, loading_row, mine, dismiss_message,
        audio, video, image, document, archive, code, program, other,
        size, peers, nobody_has_it, nobody_has_it_hint, filled_soon,
        target_field, choose_folder, download_here,
        query_too_long, query_too_many,
        help_word, help_phrase, help_without, help_ext, help_type, help_size, help_range, help_peer, help_link, help_try,;
    sentences:
        sort_by: fn(&str) -> String,
        counted: fn(u64, u64) -> String,
        selected: fn(u64) -> String,
        chip: fn(&str, u64) -> String,
        remove_chip: fn(&str) -> String,
        search_for: fn(&str) -> String,
        download_title: fn(u64) -> String,
        links_copied: fn(u64) -> String,
        downloads_started: fn(u64) -> String,
        selected_first: fn(u64) -> String,
        several_not_hashed: fn(u64) -> String,
        unseen: fn(u64) -> String,
        bad_value: fn(&str, &str) -> String,
        no_such_peer: fn(&str) -> String,
        bad_link: fn(&str) -> String,
        row_mine: fn(&str) -> String,
        tracker_short: fn(&str, u64) -> String,
}

const SPACE: &str = "\u{202f}";
const POINT: &str = ".";

pub(super) const EN: SearchText = SearchText {
    filter: "Filter these results",
    filter_tip: "Narrow the results by more words or operators",
    filter_field: "Filter",
    close_filter: "Close the filter",
    palette: "Find a command",
    palette_tip: "Everything that can be done, every page, peer and recent file, by typing",
    palette_field: "Command",
    palette_hint: "Type a command, a page, a peer or a file",
    nothing_fits: "Nothing fits",
    files_of_peer: "Show this peer's files",
    open_downloaded: "Open the downloaded file",
    download_to: "Download to…",
    download_to_tip: "Choose the folder that the selected files go to",
    download_from: "Download from",
    copy_link: "Copy link",
    copy_link_tip: "Copy a link that finds this content for everybody in the group, whatever it is called",
    select_all: "Select all",
    select_all_tip: "Select all results",
    toggle_sources: "Show or hide sources",
    operators: "Search operators",
    operators_tip: "How to search by type, size and peer",
    messages_tip: "What you were told lately",
    zoom_in: "Larger",
    zoom_out: "Smaller",
    zoom_reset: "Usual size",
    zoom_tip: "How large everything in the window is",
    column_type: "Type",
    sort_best: "Best match",
    sorted_up: "sorted, smallest first",
    sorted_down: "sorted, largest first",
    loading_row: "Loading",
    mine: "On this computer",
    dismiss_message: "Put this message away",
    audio: "Audio",
    video: "Video",
    image: "Image",
    document: "Document",
    archive: "Archive",
    code: "Code",
    program: "Program",
    other: "Other",
    size: "Size",
    peers: "Peer",
    nobody_has_it: "Nobody here has this file now",
    nobody_has_it_hint: "It is found as soon as somebody who has it comes to the group",
    filled_soon: "What is there is shown as soon as it is known",
    target_field: "Folder to download to",
    choose_folder: "Choose a folder…",
    download_here: "Download",
    query_too_long: "The search is too long. Use fewer words",
    query_too_many: "The search has too many words. Use fewer",
    help_word: "in the name, without regard to case and accents",
    help_phrase: "exactly these words, side by side",
    help_without: "not in the name; works before every operator too",
    help_ext: "with one of these endings",
    help_type: "audio, video, image, document, archive, code, program, other",
    help_size: "larger than 10 MB; also <, >=, <= and k, G, T",
    help_range: "from 1 MB to below 5 MB; either end may be open",
    help_peer: "that this peer has",
    help_link: "a pasted link, or a hash alone, finds that very content",
    help_try: "Click one to try it",
    sort_by: |column| format!("Sort by {column}"),
    counted: |shown, total| match (shown, total) {
        (_, 1) => "1 result".to_owned(),
        (shown, total) if shown < total => {
            format!("The first {} of {} results", grouped(shown, SPACE), grouped(total, SPACE))
        }
        _ => format!("{} results", grouped(total, SPACE)),
    },
    selected: |count| format!("{} selected", grouped(count, SPACE)),
    chip: |name, count| format!("{name} {}", grouped(count, SPACE)),
    remove_chip: |term| format!("Remove {term}"),
    search_for: |words| format!("Search for “{words}”"),
    download_title: |count| match count {
        1 => "Download to which folder?".to_owned(),
        _ => format!("Download {} files to which folder?", grouped(count, SPACE)),
    },
    links_copied: |count| match count {
        1 => "Link copied".to_owned(),
        _ => format!("{} links copied", grouped(count, SPACE)),
    },
    downloads_started: |count| format!("Downloading {} files", grouped(count, SPACE)),
    selected_first: |count| {
        format!("The first {} results are selected: more cannot be at once", grouped(count, SPACE))
    },
    several_not_hashed: |count| {
        let count = grouped(count, SPACE);
        format!("{count} files are still being hashed by their owners. Try again in a moment")
    },
    unseen: |count| match count {
        0 => "Messages".to_owned(),
        1 => "Messages: 1 new".to_owned(),
        _ => format!("Messages: {} new", grouped(count, SPACE)),
    },
    bad_value: |term, example| format!("“{term}” is not understood. Write it as {example}"),
    no_such_peer: |name| format!("No peer of the group has a name that begins with “{name}”"),
    bad_link: |_| "The link is damaged. Copy the whole link and nothing else".to_owned(),
    row_mine: |row| format!("{row}, on this computer"),
    tracker_short: |name, epoch| format!("{name} ({epoch})"),
};

pub(super) const PT_BR: SearchText = SearchText {
    filter: "Filtrar estes resultados",
    filter_tip: "Restringir os resultados com mais palavras ou operadores",
    filter_field: "Filtro",
    close_filter: "Fechar o filtro",
    palette: "Encontrar um comando",
    palette_tip: "Tudo o que se pode fazer, cada página, peer e arquivo recente, digitando",
    palette_field: "Comando",
    palette_hint: "Digite um comando, uma página, um peer ou um arquivo",
    nothing_fits: "Nada corresponde",
    files_of_peer: "Mostrar os arquivos deste peer",
    open_downloaded: "Abrir o arquivo baixado",
    download_to: "Baixar para…",
    download_to_tip: "Escolher a pasta para os arquivos selecionados",
    download_from: "Baixar de",
    copy_link: "Copiar link",
    copy_link_tip: "Copiar um link que encontra este conteúdo para todos do grupo, qualquer que seja o nome",
    select_all: "Selecionar tudo",
    select_all_tip: "Selecionar todos os resultados",
    toggle_sources: "Mostrar ou ocultar fontes",
    operators: "Operadores de busca",
    operators_tip: "Como buscar por tipo, tamanho e peer",
    messages_tip: "O que lhe foi dito há pouco",
    zoom_in: "Maior",
    zoom_out: "Menor",
    zoom_reset: "Tamanho normal",
    zoom_tip: "O tamanho de tudo na janela",
    column_type: "Tipo",
    sort_best: "Melhor resultado",
    sorted_up: "em ordem, menor primeiro",
    sorted_down: "em ordem, maior primeiro",
    loading_row: "Carregando",
    mine: "Neste computador",
    dismiss_message: "Dispensar esta mensagem",
    audio: "Áudio",
    video: "Vídeo",
    image: "Imagem",
    document: "Documento",
    archive: "Compactado",
    code: "Código",
    program: "Programa",
    other: "Outro",
    size: "Tamanho",
    peers: "Peer",
    nobody_has_it: "Ninguém aqui tem este arquivo agora",
    nobody_has_it_hint: "Ele será encontrado assim que alguém que o tem entrar no grupo",
    filled_soon: "O que houver aparece assim que for conhecido",
    target_field: "Pasta de destino",
    choose_folder: "Escolher uma pasta…",
    download_here: "Baixar",
    query_too_long: "A busca é longa demais. Use menos palavras",
    query_too_many: "A busca tem palavras demais. Use menos",
    help_word: "no nome, sem diferença de maiúsculas e acentos",
    help_phrase: "exatamente estas palavras, lado a lado",
    help_without: "não no nome; vale também antes de cada operador",
    help_ext: "com uma destas terminações",
    help_type: "audio, video, image, document, archive, code, program, other",
    help_size: "maior que 10 MB; também <, >=, <= e k, G, T",
    help_range: "de 1 MB até menos de 5 MB; um dos lados pode faltar",
    help_peer: "que este peer tem",
    help_link: "um link colado, ou só o hash, encontra exatamente esse conteúdo",
    help_try: "Clique em um para experimentar",
    sort_by: |column| format!("Ordenar por {column}"),
    counted: |shown, total| match (shown, total) {
        (_, 1) => "1 resultado".to_owned(),
        (shown, total) if shown < total => {
            format!("Os primeiros {} de {} resultados", grouped(shown, POINT), grouped(total, POINT))
        }
        _ => format!("{} resultados", grouped(total, POINT)),
    },
    selected: |count| match count {
        1 => "1 selecionado".to_owned(),
        _ => format!("{} selecionados", grouped(count, POINT)),
    },
    chip: |name, count| format!("{name} {}", grouped(count, POINT)),
    remove_chip: |term| format!("Remover {term}"),
    search_for: |words| format!("Buscar “{words}”"),
    download_title: |count| match count {
        1 => "Baixar para qual pasta?".to_owned(),
        _ => format!("Baixar {} arquivos para qual pasta?", grouped(count, POINT)),
    },
    links_copied: |count| match count {
        1 => "Link copiado".to_owned(),
        _ => format!("{} links copiados", grouped(count, POINT)),
    },
    downloads_started: |count| format!("Baixando {} arquivos", grouped(count, POINT)),
    selected_first: |count| {
        format!(
            "Os primeiros {} resultados estão selecionados: mais não é possível de uma vez",
            grouped(count, POINT)
        )
    },
    several_not_hashed: |count| {
        let count = grouped(count, POINT);
        format!("{count} arquivos ainda estão sendo verificados por quem os tem. Tente de novo em instantes")
    },
    unseen: |count| match count {
        0 => "Mensagens".to_owned(),
        1 => "Mensagens: 1 nova".to_owned(),
        _ => format!("Mensagens: {} novas", grouped(count, POINT)),
    },
    bad_value: |term, example| format!("“{term}” não foi entendido. Escreva como {example}"),
    no_such_peer: |name| format!("Nenhum peer do grupo tem um nome que começa com “{name}”"),
    bad_link: |_| "O link está danificado. Copie o link inteiro e nada mais".to_owned(),
    row_mine: |row| format!("{row}, neste computador"),
    tracker_short: |name, epoch| format!("{name} ({epoch})"),
};

impl SearchText {
    /// What a kind of files is called.
    pub(crate) fn kind(&self, kind: FileKind) -> &'static str {
        match kind {
            FileKind::Audio => self.audio,
            FileKind::Video => self.video,
            FileKind::Image => self.image,
            FileKind::Document => self.document,
            FileKind::Archive => self.archive,
            FileKind::Code => self.code,
            FileKind::Program => self.program,
            FileKind::Other => self.other,
        }
    }

    /// Why words are no query.
    pub(crate) fn refusal(&self, error: &QueryError) -> String {
        match error {
            QueryError::TooLong => self.query_too_long.to_owned(),
            QueryError::TooManyWords => self.query_too_many.to_owned(),
            QueryError::BadValue { operator, value } => {
                (self.bad_value)(&format!("{}:{value}", operator.name()), example(*operator))
            }
            QueryError::NoSuchPeer(name) => (self.no_such_peer)(name),
            QueryError::BadLink(error) => (self.bad_link)(&error.to_string()),
        }
    }
}

/// The same in both languages: it is what is typed.
fn example(operator: Operator) -> &'static str {
    match operator {
        Operator::Ext => "ext:pdf,doc",
        Operator::Size => "size:>10M · size:<1G · size:1M..5M",
        Operator::Peer => "peer:peer-2 · peer:\"Ana Maria\"",
        Operator::Type => "type:video,audio",
    }
}

impl super::Text {
    /// What a column is called.
    pub(crate) fn column(&self, key: SortKey) -> &'static str {
        match key {
            SortKey::Relevance => self.finding.sort_best,
            SortKey::Name => self.column_name,
            SortKey::Size => self.column_size,
            SortKey::Sources => self.column_sources,
            SortKey::Type => self.finding.column_type,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::*;

    #[test]
    fn every_refusal_is_said_in_both_languages() {
        let bad = |operator| QueryError::BadValue { operator, value: "x".to_owned() };
        let link = "cardume:?h=1".parse::<cardume::base::ContentLink>().expect_err("damaged");
        let mut errors = vec![QueryError::TooLong, QueryError::TooManyWords, QueryError::BadLink(link)];
        errors.extend(Operator::ALL.map(bad));
        errors.push(QueryError::NoSuchPeer("bob".to_owned()));
        for error in errors {
            let said = Language::ALL.map(|language| language.text().finding.refusal(&error));
            assert_ne!(said[0], said[1], "{error:?}");
            if let QueryError::BadValue { operator, .. } = error {
                let named = said.iter().all(|text| text.contains(&format!("“{}:x”", operator.name())));
                assert!(named, "{said:?}");
            }
        }
    }

    #[test]
    fn examples_are_understood() {
        for operator in Operator::ALL {
            for term in example(operator).split(" · ") {
                assert!(cardume::node::Query::parse(term).is_ok(), "{term}");
            }
        }
    }
}
