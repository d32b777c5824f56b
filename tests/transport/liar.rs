//! Answers that lie: somebody between a member and a real server changes what it says.
//!
//! (Only a member can: it has to have the certificate that the caller expects.)

use crate::support::{Host, LIMITS, SOON};
use cardume::net::caller::{CallError, call};
use cardume::net::identity::server_name;
use cardume::net::{CallerLimits, Client, connect};
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::ObjectParams;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What becomes of an answer, and after which pause.
type Lie = fn(String) -> (Duration, Vec<String>);

/// Short answers only: they fit the shortest form of frame.
fn text_frame(payload: &str) -> Vec<u8> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).expect("a short answer");
    [&[0x81, length], payload.as_bytes()].concat()
}

async fn lying(host: &Host, lie: Lie) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    let acceptor = TlsAcceptor::from(host.identity.server_config());
    let connector = TlsConnector::from(host.guest.client_config());
    let real = host.address;
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await?;
        let (mut from_caller, mut to_caller) = tokio::io::split(acceptor.accept(socket).await?);
        let server = connector.connect(server_name(), TcpStream::connect(real).await?).await?;
        let (mut from_server, mut to_server) = tokio::io::split(server);
        let questions = tokio::io::copy(&mut from_caller, &mut to_server);
        let answers = async {
            let mut last = [0; 4];
            while last != *b"\r\n\r\n" {
                let byte = from_server.read_u8().await?;
                last = [last[1], last[2], last[3], byte];
                to_caller.write_u8(byte).await?;
            }
            loop {
                let (first, length) = (from_server.read_u8().await?, from_server.read_u8().await?);
                let mut payload = vec![0; usize::from(length)];
                from_server.read_exact(&mut payload).await?;
                if first != 0x81 {
                    to_caller.write_all(&[&[first, length], &payload[..]].concat()).await?;
                    continue;
                }
                let (pause, said) = lie(String::from_utf8_lossy(&payload).into_owned());
                tokio::time::sleep(pause).await;
                for text in said {
                    to_caller.write_all(&text_frame(&text)).await?;
                }
            }
        };
        let outcome: std::io::Result<()> = tokio::select! {
            copied = questions => copied.map(drop),
            ended = answers => ended,
        };
        outcome
    });
    address
}

async fn echo(client: &Client, number: u64, within: Duration) -> Result<u64, CallError> {
    let mut params = ObjectParams::new();
    params.insert("number", number).expect("a number");
    let answer = call(within, client.request::<(u64, usize, String), _>("test_echo", params)).await;
    answer.map(|(number, _, _)| number)
}

const AT_ONCE: Duration = Duration::ZERO;

#[tokio::test]
async fn a_lie_is_no_answer() {
    let lies: [(&str, Lie); 7] = [
        ("twice", |answer| (AT_ONCE, vec![answer.clone(), answer])),
        ("another id", |answer| (AT_ONCE, vec![answer.replace("\"id\":", "\"id\":7")])),
        ("no id", |answer| (AT_ONCE, vec![answer.replace("\"id\":", "\"di\":")])),
        ("not JSON", |_| (AT_ONCE, vec!["hello".to_owned()])),
        ("neither result nor error", |answer| (AT_ONCE, vec![answer.replace("result", "other")])),
        ("another shape", |answer| (AT_ONCE, vec![answer.replace('[', "[[").replace(']', "]]")])),
        ("a batch", |answer| (AT_ONCE, vec![format!("[{answer}]")])),
    ];
    let host = Host::start(LIMITS).await;
    for (what, lie) in lies {
        let address = lying(&host, lie).await;
        let expected = Some(host.identity.peer_id());
        let (client, _) =
            connect(&host.guest, address, expected, CallerLimits::GENERAL).await.expect("let in");
        for number in 0..5 {
            match echo(&client, number, Duration::from_millis(200)).await {
                Ok(answer) => assert_eq!((what, answer), ("twice", number)),
                Err(CallError::TimedOut(_) | CallError::Broken(_)) => {}
                Err(CallError::Refused(error)) => panic!("{what}: {error}"),
            }
        }
    }
    host.still_serves().await;
}

#[tokio::test]
async fn a_late_answer_is_not_taken_for_another() {
    let host = Host::start(LIMITS).await;
    let late: Lie = |answer| (Duration::from_millis(300), vec![answer]);
    let address = lying(&host, late).await;
    let (client, _) = connect(&host.guest, address, None, CallerLimits::GENERAL).await.expect("let in");
    let within = Duration::from_millis(50);
    assert_eq!(echo(&client, 1, within).await, Err(CallError::TimedOut(within)));
    assert_eq!(echo(&client, 2, SOON).await, Ok(2));
    host.still_serves().await;
}
