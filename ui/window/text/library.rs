//! Sentences of the library page and of the question before sharing, in both languages.

use super::{grouped, time_left};

/// What the library page says.
#[derive(Debug)]
pub(crate) struct LibraryText {
    /// Looks at everything again.
    pub rescan: &'static str,
    /// Explains that.
    pub rescan_tip: &'static str,
    /// Holds hashing.
    pub pause: &'static str,
    /// Lets it go on.
    pub resume: &'static str,
    /// While it is held.
    pub paused: &'static str,
    /// While all files are looked at.
    pub walking: &'static str,
    /// Asks for the list of skipped files.
    pub loading: &'static str,
    /// The list is empty.
    pub only_hidden: &'static str,
    /// The list has an end.
    pub first_hundred: &'static str,
    /// The question's title.
    pub ask: &'static str,
    /// Yes.
    pub share_all_the_same: &'static str,
    /// Another one.
    pub choose_another: &'static str,
    /// A finding that would be shared.
    pub key_shared: &'static str,
    /// A key that would not.
    pub key_safe: &'static str,
    /// Something hidden.
    pub hidden_safe: &'static str,
    /// While the files of a folder are counted.
    pub looking: fn(&str) -> String,
    /// Names a button with the folder that it is about.
    pub of_folder: fn(&str, &str) -> String,
    /// Hashing: files left, files in all, bytes left as text, seconds left.
    pub hashing: fn(u64, u64, &str, Option<u64>) -> String,
    /// Folders that the system does not watch, and after how many seconds they are looked at.
    pub unwatched: fn(u64, u64) -> String,
    /// By the kind of problem, and what the peer says of it in English.
    pub problem: fn(&str, &str) -> String,
    /// Not shared: how many.
    pub not_shared: fn(u64) -> String,
    /// A kind of reason with its number.
    pub kind: fn(&str, u64) -> String,
    /// The reason for the question, by the folder's place.
    pub place: fn(&str) -> &'static str,
    /// Files and bytes; whether that is all.
    pub count: fn(u64, &str, Counted) -> String,
    /// Hidden entries.
    pub hidden: fn(u64) -> String,
    /// Something about a shared folder failed.
    pub failed: fn(&str, &str) -> String,
}

/// Whether all files were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// All.
    All,
    /// There are more.
    More,
}

impl Counted {
    /// By whether the whole folder was looked at.
    pub(crate) fn of(whole: bool) -> Self {
        if whole { Self::All } else { Self::More }
    }
}

pub(super) const ENGLISH: LibraryText = LibraryText {
    rescan: "Look again",
    rescan_tip: "Changes are noticed by themselves; this looks at every file now",
    pause: "Pause hashing",
    resume: "Go on hashing",
    paused: "hashing is paused",
    walking: "looking for changes",
    loading: "Making the list…",
    only_hidden: "Hidden files and folders are never shared and are not listed",
    first_hundred: "These are the first hundred",
    ask: "Share this folder?",
    share_all_the_same: "Share all the same",
    choose_another: "Choose another…",
    key_shared: "keys or passwords, would be shared",
    key_safe: "keys or passwords, is not shared",
    hidden_safe: "hidden, is not shared",
    looking: |path| format!("Counting the files in {path}…"),
    of_folder: |what, path| format!("{what}: {path}"),
    hashing: |left, of, bytes, seconds| {
        let files = format!("Hashing: {} of {} files left", en(left), en(of));
        let time = seconds.map(|seconds| format!(" · {}", time_left(seconds))).unwrap_or_default();
        format!("{files} · {bytes}{time}")
    },
    unwatched: |folders, seconds| {
        let what = if folders == 1 { "1 folder".to_owned() } else { format!("{} folders", en(folders)) };
        let every = time_left(seconds);
        format!("The system's limit of watches is reached: changes in {what} are found every {every}")
    },
    problem: |kind, said| match kind {
        "gone" => "The folder is not there. Is its disk connected? It comes back by itself".to_owned(),
        "denied" => "Your account may not read this folder: change its permissions".to_owned(),
        "unreadable" => "The folder cannot be read".to_owned(),
        "unsaved" => "Changes cannot be saved, and others do not see them yet".to_owned(),
        _ => said.to_owned(),
    },
    not_shared: |count| match count {
        1 => "1 entry is not shared".to_owned(),
        _ => format!("{} entries are not shared", en(count)),
    },
    kind: |kind, count| {
        let (one, many) = match kind {
            "hidden" => ("hidden", "hidden"),
            "link" => ("link", "links"),
            "special" => ("not a regular file", "not regular files"),
            "unreadable" => ("unreadable", "unreadable"),
            "name" => ("with a refused name", "with refused names"),
            "too_large" => ("too large", "too large"),
            "too_deep" => ("too deep", "too deep"),
            "too_many" => ("beyond the limit", "beyond the limit"),
            "own" => ("of Cardume itself", "of Cardume itself"),
            "ignored" => ("ignored", "ignored"),
            "pattern" => ("ignore file with a bad line", "ignore files with bad lines"),
            other => (other, other),
        };
        format!("{} {}", en(count), if count == 1 { one } else { many })
    },
    place: |place| match place {
        "root" => "This is the whole computer",
        "system" => "This is a folder of the system",
        "home" => "This is your home folder",
        "above_home" => "Your home folder lies in it",
        _ => "Look at what is in it first",
    },
    count: |files, bytes, counted| {
        let files = if files == 1 { "1 file".to_owned() } else { format!("{} files", en(files)) };
        match counted {
            Counted::All => format!("{files} · {bytes}, for everybody in the group"),
            Counted::More => format!("More than {files} and {bytes}, for everybody in the group"),
        }
    },
    hidden: |count| match count {
        1 => "1 hidden entry. What is hidden is never shared".to_owned(),
        _ => format!("{} hidden entries. What is hidden is never shared", en(count)),
    },
    failed: |path, why| format!("Could not do that with {path}: {why}"),
};

pub(super) const PORTUGUESE: LibraryText = LibraryText {
    rescan: "Olhar de novo",
    rescan_tip: "Mudanças são notadas sozinhas; isto olha cada arquivo agora",
    pause: "Pausar verificação",
    resume: "Retomar verificação",
    paused: "a verificação está em pausa",
    walking: "procurando mudanças",
    loading: "Fazendo a lista…",
    only_hidden: "Arquivos e pastas ocultos nunca são compartilhados e não aparecem na lista",
    first_hundred: "Estes são os primeiros cem",
    ask: "Compartilhar esta pasta?",
    share_all_the_same: "Compartilhar mesmo assim",
    choose_another: "Escolher outra…",
    key_shared: "chaves ou senhas, seria compartilhado",
    key_safe: "chaves ou senhas, não é compartilhado",
    hidden_safe: "oculto, não é compartilhado",
    looking: |path| format!("Contando os arquivos em {path}…"),
    of_folder: |what, path| format!("{what}: {path}"),
    hashing: |left, of, bytes, seconds| {
        let files = format!("Verificando: faltam {} de {} arquivos", pt(left), pt(of));
        let time = seconds.map(|seconds| format!(" · {}", time_left(seconds))).unwrap_or_default();
        format!("{files} · {bytes}{time}")
    },
    unwatched: |folders, seconds| {
        let what = if folders == 1 { "1 pasta".to_owned() } else { format!("{} pastas", pt(folders)) };
        let every = time_left(seconds);
        format!("O sistema não vigia mais pastas: mudanças em {what} são achadas a cada {every}")
    },
    problem: |kind, said| match kind {
        "gone" => "A pasta não está lá. O disco está conectado? Ela volta sozinha".to_owned(),
        "denied" => "Sua conta não pode ler esta pasta: mude as permissões".to_owned(),
        "unreadable" => "Não é possível ler a pasta".to_owned(),
        "unsaved" => "Não é possível salvar as mudanças, e os outros ainda não as veem".to_owned(),
        _ => said.to_owned(),
    },
    not_shared: |count| match count {
        1 => "1 item não é compartilhado".to_owned(),
        _ => format!("{} itens não são compartilhados", pt(count)),
    },
    kind: |kind, count| {
        let (one, many) = match kind {
            "hidden" => ("oculto", "ocultos"),
            "link" => ("link", "links"),
            "special" => ("não é arquivo comum", "não são arquivos comuns"),
            "unreadable" => ("ilegível", "ilegíveis"),
            "name" => ("com nome recusado", "com nomes recusados"),
            "too_large" => ("grande demais", "grandes demais"),
            "too_deep" => ("fundo demais", "fundos demais"),
            "too_many" => ("além do limite", "além do limite"),
            "own" => ("do próprio Cardume", "do próprio Cardume"),
            "ignored" => ("ignorado", "ignorados"),
            "pattern" => {
                ("arquivo de padrões com linha inválida", "arquivos de padrões com linhas inválidas")
            }
            other => (other, other),
        };
        format!("{} {}", pt(count), if count == 1 { one } else { many })
    },
    place: |place| match place {
        "root" => "Isto é o computador inteiro",
        "system" => "Esta é uma pasta do sistema",
        "home" => "Esta é a sua pasta pessoal",
        "above_home" => "Sua pasta pessoal está dentro dela",
        _ => "Veja antes o que há nela",
    },
    count: |files, bytes, counted| {
        let files = if files == 1 { "1 arquivo".to_owned() } else { format!("{} arquivos", pt(files)) };
        match counted {
            Counted::All => format!("{files} · {bytes}, para todos do grupo"),
            Counted::More => format!("Mais de {files} e {bytes}, para todos do grupo"),
        }
    },
    hidden: |count| match count {
        1 => "1 item oculto. O que é oculto nunca é compartilhado".to_owned(),
        _ => format!("{} itens ocultos. O que é oculto nunca é compartilhado", pt(count)),
    },
    failed: |path, why| format!("Não foi possível fazer isso com {path}: {why}"),
};

fn en(number: u64) -> String {
    grouped(number, super::en::THOUSANDS)
}

fn pt(number: u64) -> String {
    grouped(number, super::pt_br::THOUSANDS)
}
