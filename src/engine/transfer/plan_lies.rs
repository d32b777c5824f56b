//! Lying sources by the thousand, against the plan and the check of pieces alone: whatever they send, no wrong byte is
//! taken, a liar is out after its first lie, and an honest source finishes. More cases with `CARDUME_LIES`.

use super::*;
use crate::engine::transfer::manifest::{PieceHash, piece_hash};

/// Cases in every run.
const CASES: u64 = 3_000;
const NOW: Duration = Duration::ZERO;

/// Numbers that look random, the same for every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit.max(1)
    }

    fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).unwrap_or(0)
    }
}

/// What a source sends instead of a piece.
fn lie(dice: &mut Dice, honest: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = honest.to_vec();
    match dice.below(6) {
        0 => {
            let at = dice.index(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
        }
        1 => bytes.truncate(dice.index(bytes.len())),
        2 => bytes.extend_from_slice(&honest[..=dice.index(honest.len().min(9))]),
        3 => bytes = others[dice.index(others.len())].clone(),
        4 => bytes.fill(0),
        _ => {
            let (a, b) = (dice.index(bytes.len()), dice.index(bytes.len()));
            bytes.swap(a, b);
        }
    }
    bytes
}

fn contents() -> (PieceLayout, Vec<Vec<u8>>, Vec<PieceHash>) {
    let layout = PieceLayout::of(2 * u64::from(PieceLayout::MIN_PIECE_BYTES) + 777).expect("valid");
    let bytes = |piece: PieceIndex| {
        let range = layout.range(piece);
        let mut bytes = vec![0; usize::try_from(range.end - range.start).expect("small")];
        blake3::Hasher::new().update(&piece.number().to_le_bytes()).finalize_xof().fill(&mut bytes);
        bytes
    };
    let pieces: Vec<Vec<u8>> = layout.pieces().map(bytes).collect();
    let hash =
        |piece: PieceIndex| piece_hash(layout, piece, &pieces[piece.number() as usize]).expect("whole");
    let hashes = layout.pieces().map(hash).collect();
    (layout, pieces, hashes)
}

#[test]
fn no_lie_is_taken_and_no_liar_is_asked_twice() {
    let cases = option_env!("CARDUME_LIES").and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let (layout, pieces, hashes) = contents();
    for case in 0..cases {
        let mut dice = Dice(case);
        let mut plan = Plan::new(layout);
        let sources = 2 + dice.index(4);
        let honest = dice.index(sources);
        let id = |number: usize| PeerId::from_bytes([u8::try_from(number).unwrap_or(0); 32]);
        for number in 0..sources {
            plan.add_source(id(number));
        }
        let mut kept: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        let mut lied = vec![false; sources];
        let mut rounds = 0;
        while plan.standing() != Standing::Complete {
            rounds += 1;
            assert!(rounds < 1_000, "case {case} does not end");
            let number = dice.index(sources);
            let Some(run) = plan.take(id(number), 2, NOW) else { continue };
            assert!(!lied[number], "case {case}: a liar is asked again");
            for piece in run.pieces(layout) {
                let right = &pieces[piece.number() as usize];
                let is_lie = number != honest && dice.below(2) == 0;
                let sent = if is_lie { lie(&mut dice, right, &pieces) } else { right.clone() };
                if piece_hash(layout, piece, &sent) == Some(hashes[piece.number() as usize]) {
                    assert_eq!(&sent, right, "case {case}: a wrong piece has the right hash");
                    if plan.arrived(id(number), piece, NOW).is_new {
                        kept.insert(piece.number(), sent);
                    }
                } else {
                    lied[number] = true;
                    plan.fail_source(id(number), Fault::BadPiece);
                    break;
                }
            }
        }
        assert!(kept.values().eq(&pieces), "case {case}: the content is right");
        assert!(!lied[honest], "case {case}: the honest source is not blamed");
    }
}
