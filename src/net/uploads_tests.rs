//! Turns with tasks that wait, the list, and the limit of speed: in memory.

use super::*;
use crate::engine::upload::leases::Lapse;

const ONE: TurnLimits = TurnLimits { all: 1, per_peer: 1, waiting: 3, waiting_per_peer: 2 };
const CONTENT: ContentId = ContentId::from_bytes([7; 32]);

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

#[tokio::test]
async fn waiting_is_bounded_and_leaves_nothing_behind() {
    let uploads = Uploads::new(ONE);
    let turn = uploads.turn(peer(1)).await.expect("free");
    let began = Instant::now();
    assert_eq!(uploads.turn(peer(2)).await.err(), Some(Busy));
    assert!(began.elapsed() >= Uploads::WAIT);
    assert!(uploads.try_turn(peer(2)).is_none(), "the one who waited in vain has no turn");
    drop(turn);
    for number in 1..=3 {
        drop(uploads.turn(peer(number)).await.expect("everything was given back"));
    }
}

#[tokio::test]
async fn turns_go_round_by_peer() {
    let uploads = Uploads::new(TurnLimits { waiting: 99, waiting_per_peer: 99, ..ONE });
    let first = uploads.turn(peer(1)).await.expect("free");
    let (order, mut seen) = tokio::sync::mpsc::channel(16);
    for number in [1, 1, 1, 2, 3, 2] {
        let (uploads, order) = (uploads.clone(), order.clone());
        tokio::spawn(async move {
            let turn = uploads.turn(peer(number)).await.expect("in time");
            order.send(number).await.expect("the test listens");
            drop(turn);
        });
        tokio::task::yield_now().await;
    }
    drop((order, first));
    let mut numbers = Vec::new();
    while let Some(number) = seen.recv().await {
        numbers.push(number);
    }
    assert_eq!(numbers, [2, 3, 1, 2, 1, 1]);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_loses_its_turn_to_who_waits() {
    let uploads = Uploads::new(ONE);
    let slow = uploads.begin(peer(1), CONTENT, "slow", 10);
    let mut held = uploads.turn(peer(1)).await.expect("free");
    held.takes().expect("new");
    assert_eq!(uploads.turn(peer(2)).await.err(), Some(Busy), "what it takes is made ready");
    held.given();
    assert_eq!(uploads.turn(peer(1)).await.err(), Some(Busy), "another one of its own is not what it lacks");
    held.takes().expect("nobody else asked");
    held.given();
    let quick = uploads.turn(peer(2)).await.expect("it lapses meanwhile");
    assert_eq!(held.takes(), Err(Lapse));
    let again = slow.again(held);
    tokio::pin!(again);
    assert!(futures_util::poll!(&mut again).is_pending());
    drop(quick);
    again.await.expect("its turn again").takes().expect("new");
    assert!(uploads.try_turn(peer(3)).is_some(), "everything was given back");
}

#[tokio::test]
async fn too_many_are_sent_away_at_once_and_who_goes_away_makes_room() {
    let uploads = Uploads::new(ONE);
    let turn = uploads.turn(peer(1)).await.expect("free");
    let wait = |number| {
        let uploads = uploads.clone();
        tokio::spawn(async move { uploads.turn(peer(number)).await.map(drop) })
    };
    let (gone, one, two) = (wait(2), wait(3), wait(4));
    tokio::task::yield_now().await;
    let began = Instant::now();
    assert_eq!(uploads.turn(peer(5)).await.err(), Some(Busy));
    assert!(began.elapsed() < Uploads::WAIT, "three wait, and that is all");
    gone.abort();
    assert!(gone.await.expect_err("aborted").is_cancelled());
    let three = wait(5);
    tokio::task::yield_now().await;
    drop(turn);
    for waiter in [one, two, three] {
        assert_eq!(waiter.await.expect("runs"), Ok(()));
    }
    assert!(uploads.try_turn(peer(9)).is_some());
}

#[tokio::test]
async fn whoever_sends_for_long_lets_others_in() {
    let uploads = Uploads::new(ONE);
    let mut long = uploads.begin(peer(1), CONTENT, "long", 10);
    let turn = uploads.turn(peer(1)).await.expect("free");
    long.sending();
    let turn = long.let_others(turn).await.expect("nobody waits");
    let waiting = uploads.clone();
    let other = tokio::spawn(async move { waiting.turn(peer(2)).await.map(drop) });
    tokio::task::yield_now().await;
    let turn = long.let_others(turn).await.expect("its turn comes again");
    assert!(other.is_finished(), "the other one was first");
    drop(turn);
}

#[tokio::test]
async fn the_list_says_what_each_does_and_forgets() {
    let uploads = Uploads::new(ONE);
    let phases = || uploads.rows().iter().map(|row| row.phase).collect::<Vec<_>>();
    let mut upload = uploads.begin(peer(1), CONTENT, "name", 10);
    assert_eq!(phases(), [UploadPhase::Waiting]);
    upload.sending();
    upload.sent(4);
    let second = uploads.begin(peer(1), CONTENT, "name", 10);
    let row = UploadRow {
        peer: peer(1),
        content: CONTENT,
        name: "name".to_owned(),
        size: 10,
        sent: 4,
        phase: UploadPhase::Sending,
    };
    assert_eq!(uploads.rows(), [row], "one row for one peer and content");
    drop(upload);
    assert_eq!(phases(), [UploadPhase::Waiting], "the second request waits");
    second.spoiled();
    drop(second);
    assert_eq!(phases(), [UploadPhase::Spoiled]);
    let again = uploads.begin(peer(1), CONTENT, "name", 10);
    assert_eq!(phases(), [UploadPhase::Waiting], "a new request says how it is now");
    let later = Instant::now() + 2 * Uploads::KEEP;
    assert_eq!(uploads.rows_at(later).len(), 1, "who is served stays");
    drop(again);
    assert_eq!(phases(), [UploadPhase::Idle]);
    assert_eq!(uploads.rows_at(later), []);
    assert_eq!(phases(), [], "it is forgotten");
    for number in 0..1_570_u32 {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_le_bytes());
        drop(uploads.begin(peer(2), ContentId::from_bytes(id), &number.to_string(), 1));
        assert!(uploads.rows().len() <= Uploads::MAX_ROWS);
    }
    let mut shown: Vec<u32> = uploads.rows().iter().map(|row| row.name.parse().expect("a number")).collect();
    shown.sort_unstable();
    let first = shown[0];
    assert!((570..=670).contains(&first), "the oldest go, a hundred at a time: {first}");
    assert!(shown.iter().copied().eq(first..1_570), "the others stay");
}

#[tokio::test]
async fn under_a_low_limit_few_send_at_once_so_that_each_gets_somewhere() {
    let uploads = Uploads::new(Uploads::LIMITS);
    let at_once = || (1..=99).map_while(|number| uploads.try_turn(peer(number))).collect::<Vec<_>>().len();
    assert_eq!(at_once(), 16);
    uploads.limit_speed(Some(ByteRate::per_second(32 * 1024)));
    assert_eq!(at_once(), 4, "8 KiB/s each");
    uploads.limit_speed(Some(ByteRate::per_second(1)));
    assert_eq!(at_once(), 1);
    uploads.limit_speed(Some(ByteRate::per_second(u64::MAX)));
    assert_eq!(at_once(), 16);
    uploads.limit_speed(None);
    assert_eq!(at_once(), 16);
}

#[tokio::test]
async fn under_a_limit_of_speed_each_peer_gets_the_same() {
    let uploads = Uploads::new(Uploads::LIMITS);
    uploads.limit_speed(Some(ByteRate::per_second(2_000_000)));
    // One peer with five requests, another one with one.
    let rows: Vec<_> = [1, 1, 1, 1, 1, 2].map(|number| uploads.begin(peer(number), CONTENT, "x", 9)).into();
    for upload in rows {
        tokio::spawn(async move {
            loop {
                let part = upload.part(64 * 1024).await;
                upload.sent(part);
            }
        });
    }
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let sent: Vec<u64> = uploads.rows().iter().map(|row| row.sent).collect();
    let all: u64 = sent.iter().sum();
    let allowed = 2_000 * u64::try_from(began.elapsed().as_millis()).expect("short") + 400_000;
    assert!((500_000..=allowed).contains(&all), "2 MB in a second: {sent:?}");
    assert!(sent[0].abs_diff(sent[1]) <= all / 10, "in equal parts: {sent:?}");
    uploads.limit_speed(None);
    let free = uploads.begin(peer(3), CONTENT, "x", 9);
    assert_eq!(free.part(1 << 20).await, 1 << 20, "all at once without a limit");
}
