//! Sentences of the folders of a peer, in both languages.

/// What is in a folder, as text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFolder<'a> {
    /// Folders right in it, and files right in it.
    pub own: [u64; 2],
    /// Files in it and below.
    pub files: &'a str,
    /// Their bytes.
    pub size: &'a str,
    /// Those that are still to be hashed.
    pub hashing: u64,
}

/// What is said of the folders of a peer.
#[derive(Debug)]
pub(crate) struct BrowseText {
    /// Goes to the folder above.
    pub up: &'static str,
    /// Explains it.
    pub up_tip: &'static str,
    /// Goes to where one was before.
    pub back: &'static str,
    /// Explains it.
    pub back_tip: &'static str,
    /// Asks the peer again.
    pub refresh: &'static str,
    /// Explains it.
    pub refresh_tip: &'static str,
    /// Shows what can be done with a row.
    pub menu: &'static str,
    /// Explains it.
    pub menu_tip: &'static str,
    /// Looks into a folder.
    pub open: &'static str,
    /// Downloads the folder that is looked into.
    pub download_folder: &'static str,
    /// Names the rows.
    pub list: &'static str,
    /// Heads the numbers of files.
    pub column_files: &'static str,
    /// What is to be typed to narrow the rows.
    pub filter: &'static str,
    /// Nothing is in the folder.
    pub empty: &'static str,
    /// What to do then.
    pub empty_hint: &'static str,
    /// What will be seen of a peer that shares nothing.
    pub shares_nothing_hint: &'static str,
    /// What to expect of a peer that is away.
    pub away_hint: &'static str,
    /// The folder is gone.
    pub no_folder: &'static str,
    /// Why that may be.
    pub no_folder_hint: &'static str,
    /// Asks again.
    pub retry: &'static str,
    /// Looks into the folders of this peer.
    pub browse: fn(&str) -> String,
    /// Looks into the folder of this peer that a file lies in.
    pub show_in_folder: fn(&str) -> String,
    /// The peer is asked.
    pub asking: fn(&str) -> String,
    /// The peer shares nothing.
    pub shares_nothing: fn(&str) -> String,
    /// No name contains this.
    pub nothing_fits: fn(&str) -> String,
    /// The peer cannot be reached.
    pub away: fn(&str) -> String,
    /// The peer refuses, and why.
    pub refused: fn(&str) -> String,
    /// What is in the folder.
    pub totals: fn(&InFolder<'_>) -> String,
    /// So many of so many names fit the filter, as far as is known.
    pub fitting: fn(&str, &str) -> String,
    /// Only so many of so many rows are shown.
    pub first_rows: fn(&str, &str) -> String,
    /// A link to the file of this name was opened elsewhere.
    pub link_opened: fn(&str) -> String,
    /// A step of the path.
    pub go_to: fn(&str) -> String,
    /// A folder's row: its name, files and size.
    pub row_folder: fn(&str, u64, &str) -> String,
    /// A file's row: its name and size.
    pub row_file: fn(&str, &str) -> String,
    /// The same while it is hashed.
    pub row_hashing: fn(&str) -> String,
}

pub(super) const ENGLISH: BrowseText = BrowseText {
    up: "Folder above",
    up_tip: "Go to the folder that this one lies in",
    back: "Back",
    back_tip: "Go to where you were before",
    refresh: "Look again",
    refresh_tip: "Ask the peer again what is in the folder",
    menu: "Menu of the row",
    menu_tip: "Everything that can be done with the selected row",
    open: "Open",
    download_folder: "Download this folder",
    list: "Contents of the folder",
    column_files: "Files",
    filter: "Filter this folder",
    empty: "Nothing is in this folder any more",
    empty_hint: "It was emptied a moment ago",
    shares_nothing_hint: "Folders appear here as soon as they are shared",
    away_hint: "A peer tells itself what it shares; its folders are shown as soon as it is back",
    no_folder: "This folder is not shared any more",
    no_folder_hint: "It may have been renamed, moved or taken back",
    retry: "Try again",
    browse: |peer| format!("Browse files of {peer}"),
    show_in_folder: |peer| format!("Show in folder of {peer}"),
    asking: |peer| format!("Asking {peer} what it shares …"),
    shares_nothing: |peer| format!("{peer} shares nothing"),
    nothing_fits: |words| format!("Nothing in this folder has “{words}” in its name"),
    away: |peer| format!("{peer} cannot be reached"),
    refused: |why| format!("The folder cannot be shown: {why}"),
    totals: |of| {
        let [folders, files] = of.own;
        let mut parts = Vec::new();
        if folders > 0 {
            parts.push(format!("{folders} {}", if folders == 1 { "folder" } else { "folders" }));
        }
        if files > 0 {
            parts.push(format!("{files} {}", if files == 1 { "file" } else { "files" }));
        }
        let noun = if of.files == "1" { "file" } else { "files" };
        let whole = format!("in all {} {noun}, {}", of.files, of.size);
        let hashing = if of.hashing > 0 { format!(" · {} being hashed", of.hashing) } else { String::new() };
        format!("{} · {whole}{hashing}", parts.join(", "))
    },
    fitting: |shown, all| format!("{shown} of {all} fit the filter"),
    first_rows: |shown, all| format!("The first {shown} of {all}; the filter finds the others"),
    link_opened: |name| format!("A link to {name} was opened; download it from here"),
    go_to: |folder| format!("Go to {folder}"),
    row_folder: |name, files, size| {
        format!("Folder {name}, {files} {}, {size}", if files == 1 { "file" } else { "files" })
    },
    row_file: |name, size| format!("{name}, {size}"),
    row_hashing: |row| format!("{row}, being hashed"),
};

pub(super) const PORTUGUESE: BrowseText = BrowseText {
    up: "Pasta acima",
    up_tip: "Ir para a pasta que contém esta",
    back: "Voltar",
    back_tip: "Ir para onde você estava antes",
    refresh: "Olhar de novo",
    refresh_tip: "Perguntar de novo ao peer o que há na pasta",
    menu: "Menu da linha",
    menu_tip: "Tudo o que se pode fazer com a linha selecionada",
    open: "Abrir",
    download_folder: "Baixar esta pasta",
    list: "Conteúdo da pasta",
    column_files: "Arquivos",
    filter: "Filtrar esta pasta",
    empty: "Não há mais nada nesta pasta",
    empty_hint: "Ela foi esvaziada há um instante",
    shares_nothing_hint: "As pastas aparecem aqui assim que forem compartilhadas",
    away_hint: "O próprio peer diz o que compartilha; as pastas aparecem assim que ele voltar",
    no_folder: "Esta pasta não é mais compartilhada",
    no_folder_hint: "Talvez tenha sido renomeada, movida ou retirada",
    retry: "Tentar de novo",
    browse: |peer| format!("Ver arquivos de {peer}"),
    show_in_folder: |peer| format!("Mostrar na pasta de {peer}"),
    asking: |peer| format!("Perguntando a {peer} o que compartilha …"),
    shares_nothing: |peer| format!("{peer} não compartilha nada"),
    nothing_fits: |words| format!("Nada nesta pasta tem “{words}” no nome"),
    away: |peer| format!("Não é possível alcançar {peer}"),
    refused: |why| format!("Não é possível mostrar a pasta: {why}"),
    totals: |of| {
        let [folders, files] = of.own;
        let mut parts = Vec::new();
        if folders > 0 {
            parts.push(format!("{folders} {}", if folders == 1 { "pasta" } else { "pastas" }));
        }
        if files > 0 {
            parts.push(format!("{files} {}", if files == 1 { "arquivo" } else { "arquivos" }));
        }
        let noun = if of.files == "1" { "arquivo" } else { "arquivos" };
        let whole = format!("ao todo {} {noun}, {}", of.files, of.size);
        let hashing =
            if of.hashing > 0 { format!(" · {} sendo verificados", of.hashing) } else { String::new() };
        format!("{} · {whole}{hashing}", parts.join(", "))
    },
    fitting: |shown, all| format!("{shown} de {all} passam pelo filtro"),
    first_rows: |shown, all| format!("Os primeiros {shown} de {all}; o filtro acha os outros"),
    link_opened: |name| format!("Um link para {name} foi aberto; baixe por aqui"),
    go_to: |folder| format!("Ir para {folder}"),
    row_folder: |name, files, size| {
        format!("Pasta {name}, {files} {}, {size}", if files == 1 { "arquivo" } else { "arquivos" })
    },
    row_file: |name, size| format!("{name}, {size}"),
    row_hashing: |row| format!("{row}, sendo verificado"),
};
