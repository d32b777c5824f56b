//! PROMISES, bad inputs, "name service": each gets a clear error, nothing is lost, the service goes on.

use super::*;
use futures_util::future::join_all;

#[tokio::test]
async fn bad_parameters_are_refused_and_the_service_goes_on() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, None).await;
    let peer = Peer::start(&group).await;
    let client = peer.connect(service.local_addr()).await;
    let long = "a".repeat(64 * 1024);
    let bad_names = [
        "",
        " ",
        ".",
        "..",
        "a/b",
        "a\u{0}b",
        "a\nb",
        "\u{202E}abc",
        "tracker_epoca_1",
        "TRACKER_EPOCA_1",
        "Tracker_Epoca_",
        "Tracker_Epoca_0",
        "Tracker_Epoca_007",
        "Tracker_Epoca_+7",
        "Tracker_Epoca_-1",
        "Tracker_Epoca_1 ",
        "Tracker_Epoca_٧",
        "Tracker_Epoca_9007199254740992",
        &long,
    ];
    for name in bad_names {
        assert_eq!(code(peer.register(&client, name, None).await), Code::BadName as i32, "{name:?}");
        assert_eq!(code(client.renew(name.to_owned(), None).await), Code::BadName as i32, "{name:?}");
        assert_eq!(code(client.lookup(name.to_owned()).await), Code::BadName as i32, "{name:?}");
        assert_eq!(code(client.remove(name.to_owned()).await), Code::BadName as i32, "{name:?}");
        let outcome = client.set_metadata(name.to_owned(), names::Metadata::new()).await;
        assert_eq!(code(outcome), Code::BadName as i32, "{name:?}");
    }
    let long_uri = format!("wss://{long}/");
    for uri in ["", "wss://127.0.0.1:0/", "wss://localhost:1/", "http://127.0.0.1:1/", &long_uri] {
        let outcome = client.register("p".to_owned(), uri.to_owned(), None, None, None, None).await;
        assert_eq!(code(outcome), Code::BadParameter as i32, "{uri}");
        let election_uri = Some(uri.to_owned());
        let outcome = client.register("p".to_owned(), peer.uri(), election_uri, None, None, None).await;
        assert_eq!(code(outcome), Code::BadParameter as i32, "{uri}");
    }
    let outcome = client.register("p".to_owned(), peer.uri(), None, None, Some(0), None).await;
    assert_eq!(code(outcome), Code::BadParameter as i32);
    let many = (0..17).map(|number| (number.to_string(), String::new())).collect();
    let outcome = client.register("p".to_owned(), peer.uri(), None, Some(many), None, None).await;
    assert_eq!(code(outcome), Code::BadParameter as i32);
    assert_eq!(client.count().await.expect("is answered"), 0);
    assert_eq!(client.list(Some(long), None, None).await.expect("is answered").len(), 0);
    let unknown = client.set_metadata("peer-1".to_owned(), names::Metadata::new()).await;
    assert_eq!(code(unknown), Code::UnknownName as i32);
    peer.register(&client, "peer-1", None).await.expect("the service goes on");
    let many: names::Metadata = (0..17).map(|number| (number.to_string(), String::new())).collect();
    let wrong = [("", "1"), ("k", &"v".repeat(257)), ("k\n", "1"), ("k", "\u{7}")];
    let wrong = wrong.map(|(name, value)| [(name.to_owned(), value.to_owned())].into());
    for metadata in wrong.into_iter().chain([many]) {
        let outcome = client.set_metadata("peer-1".to_owned(), metadata.clone()).await;
        assert_eq!(code(outcome), Code::BadParameter as i32, "{metadata:?}");
    }
    assert_eq!(client.lookup("peer-1".to_owned()).await.expect("is unchanged"), peer.entry());
    service.stop().await;
}

#[tokio::test]
async fn bad_questions_to_a_list_are_refused_and_it_is_said_where() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, None).await;
    let peer = Peer::start(&group).await;
    let client = peer.connect(service.local_addr()).await;
    peer.register(&client, "peer-1", None).await.expect("is accepted");
    let huge = "a".repeat(1 << 20);
    let table = [
        ("peer-(", "from character 6 on: unclosed group"),
        ("*", "from character 1 on"),
        (r"(a)\1", "backreferences are not supported"),
        (r"\w{99}", "too large"),
        ("(((a{99}){99}){99}){99}", "too large"),
        ("a\u{0}(", "from character 3 on"),
        (&huge, "at most 256 bytes"),
    ];
    for (pattern, expected) in table {
        match client.list(None, Some(pattern.to_owned()), None).await {
            Err(Error::Call(error)) => {
                assert_eq!(error.code(), Code::BadParameter as i32, "{error:?}");
                let message = error.message();
                assert!(message.starts_with("`pattern` is refused: "), "{message}");
                assert!(message.contains(expected) && message.len() < 300, "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
    let many = (0..17).map(|number| (number.to_string(), String::new())).collect();
    for metadata in [many, [(String::new(), "1".to_owned())].into(), [("k".to_owned(), huge)].into()] {
        assert_eq!(code(client.list(None, None, Some(metadata)).await), Code::BadParameter as i32);
    }
    // The slowest that is taken, many times at once: each is answered or told to come back, and others go on.
    let slow = "(((a|b)?.){0,9}){0,9}z";
    let flood = join_all((0..200).map(|_| client.list(None, Some(slow.to_owned()), None)));
    let (outcomes, pong) = tokio::join!(flood, client.ping());
    pong.expect("the service goes on");
    for outcome in outcomes {
        assert!(outcome.is_ok() || code(outcome) == Code::Busy as i32);
    }
    assert_eq!(client.list(None, Some("1$".to_owned()), None).await.expect("is answered").len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn a_flood_of_registrations_is_bounded_and_others_are_served() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let (flooder, other) = (Peer::start(&group).await, Peer::start(&group).await);
    let client = flooder.connect(service.local_addr()).await;
    let second = other.connect(service.local_addr()).await;
    let flood = join_all((0..200).map(|number| {
        let (flooder, client) = (&flooder, &client);
        async move { flooder.register(client, &format!("n{number}"), None).await }
    }));
    let served = async {
        for _ in 0..10 {
            second.ping().await.expect("is answered during the flood");
        }
        other.register(&second, "peer-2", None).await
    };
    let (outcomes, served) =
        tokio::time::timeout(DEADLINE, async { tokio::join!(flood, served) }).await.expect("nothing hangs");
    served.expect("is accepted during the flood");
    let mut accepted = 0;
    for outcome in outcomes {
        match outcome {
            Ok(_) => accepted += 1,
            Err(Error::Call(error)) => {
                let known = [Code::Busy as i32, Code::NotAllowed as i32];
                assert!(known.contains(&error.code()), "{error:?}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!((1..=16).contains(&accepted), "{accepted} names of one key");
    assert_eq!(second.count().await.expect("is answered"), accepted + 1);
    service.stop().await;
}
