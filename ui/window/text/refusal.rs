//! Why the peer, or another one, did not do something: its English sentence, or what its reason says in Portuguese.
//!
//! The matches are over all reasons and codes: one without a sentence does not compile.

use cardume::node::{Because, CommandError, Why};
use cardume::wire::codes::Code;

pub(super) fn english(error: &CommandError) -> String {
    error.message.clone()
}

pub(super) fn english_code(code: Code) -> &'static str {
    code.meaning().trim_end_matches('.')
}

/// By the reason, where there is one; else by the code, with what was said in brackets.
pub(super) fn portuguese(error: &CommandError) -> String {
    match (&error.because, Code::of(error.code)) {
        (Some(because), _) => portuguese_why(because),
        (None, Some(code)) => portuguese_code(code).to_owned(),
        (None, None) => error.message.clone(),
    }
}

fn portuguese_why(Because { why, about }: &Because) -> String {
    match why {
        Why::NotWhole => format!("a pasta precisa do caminho inteiro ({about})"),
        Why::Unreadable => format!("não é possível ler a pasta; confira o caminho e as permissões ({about})"),
        Why::IsFile => format!("só se compartilham pastas, e isto é um arquivo ({about})"),
        Why::NotText => format!("o caminho da pasta não é UTF-8 válido; renomeie-a ({about})"),
        Why::Inside => format!("a pasta já é compartilhada como parte de outra ({about})"),
        Why::Around => {
            format!("uma parte da pasta já é compartilhada; antes deixe de compartilhar essa ({about})")
        }
        Why::OwnKeys => {
            "a pasta contém as chaves deste programa e nunca é compartilhada; escolha outra".to_owned()
        }
        Why::NotShared => format!("a pasta não é compartilhada ({about})"),
        Why::TooManyFolders => "há pastas demais; compartilhe uma pasta em volta delas".to_owned(),
        Why::Database => format!("a base da biblioteca não pode ser usada; confira o disco ({about})"),
        Why::DownloadsUnusable => format!("a pasta não pode ser usada; escolha outra ({about})"),
        Why::PeerName => {
            "um nome tem até 64 bytes de letras, dígitos, espaços, hifens, sublinhados e pontos".to_owned()
        }
        Why::Renaming => "outro nome está sendo registrado; tente de novo em instantes".to_owned(),
        Why::FileName => format!("o nome do arquivo é recusado ({about})"),
        Why::Limits => {
            "uma taxa é de pelo menos 32 KiB/s, e rodam de 1 a 64 downloads ao mesmo tempo".to_owned()
        }
        Why::NobodyToCrash => "não há tracker agora; espere até que um seja eleito".to_owned(),
        Why::NotConnected => "esse peer não está conectado; tente de novo em instantes".to_owned(),
        Why::TooManyCommands => "coisas demais ao mesmo tempo; tente de novo em instantes".to_owned(),
        Why::Stopping => "o peer está parando".to_owned(),
    }
}

pub(super) fn portuguese_code(code: Code) -> &'static str {
    match code {
        Code::BadParameter => "um valor está fora dos limites",
        Code::NotAllowed => "quem pede não tem permissão para isso",
        Code::Busy => "coisas demais ao mesmo tempo; tente de novo em instantes",
        Code::Internal => "algo falhou neste peer; o registro diz mais",
        Code::ElectionSilent => "a eleição não responde",
        Code::NotTracker => "esse peer não é o tracker",
        Code::TwoGroups => "os grupos foram fundados em separado",
        Code::OldEpoch => "a época já passou",
        Code::UnknownContent => "esse conteúdo não é compartilhado aqui",
        Code::ContentChanged => "o arquivo mudou e é anunciado de novo",
        Code::BadRange => "o trecho fica fora do conteúdo",
        Code::UnknownName => "esse nome não está registrado",
        Code::NameTaken => "o nome pertence a outro peer; escolha outro",
        Code::BadName => "a forma do nome é recusada",
        Code::CallBackFailed => "ninguém respondeu no endereço a registrar",
        Code::EpochSuperseded => "outro já registrou uma época posterior",
        Code::AbsurdEpoch => "a época é impossível",
        Code::NotAVoter => "só quem vota se registra como tracker",
        Code::StorageFailed => "o serviço de nomes não conseguiu gravar",
        Code::NotFound => "isso não existe mais",
        Code::NoTracker => "não há tracker agora",
        Code::PeerAway => "não é possível alcançar o peer",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::*;

    #[test]
    fn every_reason_and_code_is_said_in_both_languages() {
        let [english, portuguese] = Language::ALL.map(Language::text);
        let mut said = Vec::new();
        for why in Why::ALL {
            let because = Some(Because { why: *why, about: "/srv/x".to_owned() });
            let error =
                CommandError { because, ..CommandError::new(Code::BadParameter as i32, "in English") };
            assert_eq!((english.refusal)(&error), "in English");
            said.push((portuguese.refusal)(&error));
        }
        for (code, name) in Code::ALL {
            let error = CommandError::new(*code as i32, "in English");
            assert_eq!((portuguese.refusal)(&error), (portuguese.code)(*code), "{name}");
            assert_ne!((portuguese.code)(*code), (english.code)(*code), "{name}");
            assert!(!(english.code)(*code).is_empty(), "{name}");
            said.push((portuguese.refusal)(&error));
        }
        for sentence in &said {
            let good = !sentence.is_empty() && !sentence.ends_with('.') && !sentence.contains("in English");
            assert!(good, "{sentence}");
        }
        // What a later version says is shown as it is.
        assert_eq!((portuguese.refusal)(&CommandError::new(-1, "in English")), "in English");
    }

    #[test]
    fn words_for_programs_are_each_used_once() {
        let words: std::collections::BTreeSet<&str> = Why::ALL.iter().map(|why| why.word()).collect();
        assert_eq!(words.len(), Why::ALL.len());
    }
}
