//! The findings of the connection check in Portuguese; English comes with the findings themselves.

use cardume::base::bytes_text;
use cardume::node::millis_text;
use cardume::wire::check::CheckTest;
use cardume::wire::codes::Code;

/// The sentence of a finding.
pub(super) fn portuguese_message(test: &CheckTest) -> String {
    let CheckTest { about, detail, .. } = test;
    let figure = |name| test.figure(name);
    let millis = |name| millis_text(test.figure(name)).replace('.', ",");
    match (test.test.as_str(), test.finding.as_str()) {
        ("names", "answers") => {
            format!("O serviço de nomes em {about} ({}) responde em {}", origin(detail), millis("rtt_micros"))
        }
        ("names", "silent") if figure("others") > 0 => {
            format!("Em {about} escuta outro grupo ou outro programa, e nenhum serviço de nomes deste grupo")
        }
        ("names", "silent") => format!("O serviço de nomes em {about} ({}) não responde", origin(detail)),
        ("names", "name_refused") => format!("O serviço de nomes recusa este peer: {detail}"),
        ("tracker", "known") => format!("O tracker é {about} (época {})", figure("epoch")),
        ("tracker", "electing") => "Não há tracker; um está sendo eleito".to_owned(),
        ("tracker", "no_quorum") => {
            let (here, of, needed) = (figure("reachable"), figure("voters"), figure("needed"));
            format!("Não há tracker: {here} de {of} peers estão aqui, e são necessários {needed}")
        }
        ("tracker", "outside") => "Este peer ainda não pertence a um grupo".to_owned(),
        ("address", "seen") => format!("Os outros veem este peer em {detail}, como ele mesmo diz"),
        ("address", "this_machine") => "Este peer só é alcançado neste computador".to_owned(),
        ("address", "other") => format!("Os outros veem este peer em {detail}, mas ele diz {about}"),
        ("address", "unknown") => "Não havia ninguém para dizer como os outros veem este peer".to_owned(),
        ("peer", "both_ways") => format!("{about}: os dois caminhos funcionam, {}", millis("rtt_micros")),
        ("peer", "no_way_there") => format!("{about}: sem conexão daqui para lá: {detail}"),
        ("peer", "no_way_back") => format!("{about}: sem conexão de lá para cá"),
        ("peer", "election_cut") => format!("{about}: arquivos passam, heartbeats não ({})", way(detail)),
        ("peer", "no_answer") => format!("{about}: conectado, mas não responde: {detail}"),
        ("peer", "refused") => format!("{about}: não pode ser testado: {detail}"),
        ("rhythm", "steady" | "uneven") => {
            let (middle, late, longest) =
                (millis("p50_micros"), millis("p99_micros"), millis("longest_micros"));
            format!(
                "{about} ouve um heartbeat a cada {middle} (99 de 100 em até {late}, o mais longo {longest})"
            )
        }
        ("rhythm", "few") => format!("{about} ainda não ouviu heartbeats suficientes"),
        ("version", "same") => format!("Todos usam a versão {detail}"),
        ("version", "different") => format!("{about} usa a versão {detail}"),
        ("clock", "together") => format!("Os relógios diferem no máximo {}", millis("micros")),
        ("clock", "apart") => format!("O relógio de {about} difere {} s", figure("micros") / 1_000_000),
        ("disk", "room" | "little" | "full") => {
            let free = bytes_text(figure("free_bytes")).replace('.', ",");
            format!("Há {free} livres para downloads em {about}")
        }
        ("disk", "not_writable") => format!("Não é possível gravar na pasta de downloads {about}: {detail}"),
        ("watches", "enough") => {
            format!("Pastas observadas: {} de {} que o sistema permite", figure("used"), figure("limit"))
        }
        ("watches", "exhausted") => {
            format!("O limite do sistema para pastas observadas ({}) foi atingido", figure("limit"))
        }
        // A finding of a later version, as it came.
        _ => test.message.clone(),
    }
}

/// What to do when the name service does not take this peer, by the code of its refusal.
fn refused_advice(test: &CheckTest) -> &'static str {
    match i32::try_from(test.figure("code")).ok().and_then(Code::of) {
        None | Some(Code::NameTaken | Code::BadName) => {
            "Dê outro nome a este peer: nas configurações, ou com `cardume name NOME`"
        }
        Some(Code::CallBackFailed) => {
            "O serviço de nomes não alcança este peer: deixe passar as portas dele no firewall deste computador, ou inicie-o \
             com `--listen` e um endereço que o computador do serviço alcança"
        }
        Some(Code::TwoGroups) => {
            "Esse serviço de nomes é de um grupo fundado à parte. Inicie este peer com `--names` e o endereço do serviço do \
             próprio grupo; ou, se nenhum outro grupo o usa, pare-o, mova `names/registry.redb` da pasta dele para outro \
             lugar e inicie-o de novo"
        }
        Some(Code::StorageFailed) => {
            "O serviço de nomes não consegue gravar: libere espaço no disco do computador dele; o registro dele \
             (`names/names.log`) diz mais"
        }
        Some(Code::Busy) => "O serviço de nomes está ocupado demais; este peer tenta de novo sozinho",
        Some(_) => {
            "Este peer tenta de novo sozinho; se não ajudar, veja o registro do serviço de nomes (`names/names.log`)"
        }
    }
}

/// What to do about a finding; empty if nothing.
pub(super) fn portuguese_advice(test: &CheckTest) -> String {
    let CheckTest { about, .. } = test;
    let ports = || format!("{} e {}", test.figure("port"), test.figure("election_port"));
    match (test.test.as_str(), test.finding.as_str()) {
        ("names", "silent") if test.figure("others") > 0 => "Inicie um serviço de nomes para este grupo em outra porta \
            (`cardume names serve --listen IP:PORTA`), e os peers dele com `--names` e esse endereço. Buscas, eleições e \
            transferências continuam sem ele"
            .to_owned(),
        ("names", "silent") => "Inicie-o no computador desse endereço (`cardume names serve`), ou confira se o endereço \
            está certo e se nenhum firewall está no caminho. Buscas, eleições e transferências continuam sem ele"
            .to_owned(),
        ("names", "name_refused") => refused_advice(test).to_owned(),
        ("tracker", "electing") => "Espere um segundo e teste de novo".to_owned(),
        ("tracker", "no_quorum") => {
            "Inicie os peers que faltam, ou conserte as ligações que falham abaixo".to_owned()
        }
        ("tracker", "outside") => {
            "Veja primeiro o serviço de nomes: é lá que um peer encontra seu grupo. Se ele responde, o grupo talvez \
             ainda espere seus primeiros peers"
                .to_owned()
        }
        ("address", "other") => {
            "Há uma tradução de endereços entre os computadores. Inicie este peer com `--listen` e um endereço que os \
             outros alcançam"
                .to_owned()
        }
        ("peer", "no_way_there") => {
            format!("Confira se {about} está rodando e se o firewall do computador dele deixa passar suas portas")
        }
        ("peer", "no_way_back") => {
            format!("Deixe passar as portas deste peer ({}) no firewall deste computador", ports())
        }
        ("peer", "election_cut") => format!(
            "Deixe passar as portas de eleição nos firewalls dos dois computadores; as deste peer são {}",
            ports()
        ),
        ("peer", "no_answer") => format!("{about} está sobrecarregado ou parado; veja o computador dele"),
        ("peer", "refused") | ("version", "different") => {
            "Atualize os mais antigos: todos os peers devem usar a mesma versão".to_owned()
        }
        ("rhythm", "uneven") => "A rede ou o computador está ocupado: pode haver eleições sem necessidade. Feche o que \
            o ocupa, ou use um cabo em vez de wi-fi"
            .to_owned(),
        ("clock", "apart") => {
            "Acerte os relógios: os horários nos registros não combinam. Nada mais depende disso".to_owned()
        }
        ("disk", "little" | "full") => {
            "Libere espaço, ou escolha outra pasta de downloads nas configurações".to_owned()
        }
        ("disk", "not_writable") => "Escolha outra pasta de downloads nas configurações".to_owned(),
        ("watches", "exhausted") => "Mudanças em algumas pastas são notadas um minuto depois. Aumente o limite: `sudo \
            sysctl fs.inotify.max_user_watches=524288`"
            .to_owned(),
        _ => test.advice.clone(),
    }
}

/// How the name service was found.
fn origin(word: &str) -> &str {
    match word {
        "kept" => "como foi indicado",
        "here" => "iniciado neste computador",
        _ => "o lugar de costume",
    }
}

/// Which way heartbeats fail.
fn way(word: &str) -> &str {
    match word {
        "there" => "daqui para lá",
        "back" => "de lá para cá",
        _ => "nas duas direções",
    }
}
