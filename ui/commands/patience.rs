//! Waiting for an index that is still filling: after an election an answer may lack what is there.
//!
//! Invariant: what an incomplete index lacks is asked for again, and is never called "not found".

use cardume::wire::index::Complete;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long an index gets to fill: several times what that takes after an election.
const FILLING_LIMIT: Duration = Duration::from_secs(3);
/// How often it is asked meanwhile.
const FILLING_PAUSE: Duration = Duration::from_millis(100);

/// Asks again until the answer is enough; after [`FILLING_LIMIT`] the last one is given as it is.
pub(super) async fn ask_until<T, E>(
    is_enough: impl Fn(&T) -> bool,
    ask: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    ask_within(FILLING_LIMIT, is_enough, ask).await
}

async fn ask_within<T, E>(
    limit: Duration,
    is_enough: impl Fn(&T) -> bool,
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    let deadline = Instant::now() + limit;
    loop {
        let answer = ask().await?;
        if is_enough(&answer) || Instant::now() >= deadline {
            return Ok(answer);
        }
        sleep(FILLING_PAUSE).await;
    }
}

/// Whether the lists of all peers are in the index.
pub(super) const fn is_whole(complete: Complete) -> bool {
    complete.have >= complete.of
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// What is looked for, and how complete the index is, in the third answer.
    fn asked(limit: Duration, third: (Option<u32>, Complete)) -> (Option<u32>, Complete, u32) {
        let mut asked = 0;
        let ask = async || {
            asked += 1;
            let filling = (None, Complete { have: 3, of: 5 });
            Ok::<_, Infallible>(if asked < 3 { filling } else { third })
        };
        let enough = |(found, complete): &(Option<u32>, Complete)| found.is_some() || is_whole(*complete);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let Ok((found, complete)) = runtime.block_on(ask_within(limit, enough, ask));
        (found, complete, asked)
    }

    #[test]
    fn an_index_that_is_still_filling_is_asked_again_until_it_has_it_or_is_whole() {
        let (filling, whole) = (Complete { have: 4, of: 5 }, Complete { have: 5, of: 5 });
        assert_eq!(asked(FILLING_LIMIT, (Some(7), filling)), (Some(7), filling, 3));
        assert_eq!(asked(FILLING_LIMIT, (None, whole)), (None, whole, 3));
    }

    #[test]
    fn an_index_that_does_not_fill_is_not_waited_for_for_ever() {
        let filling = Complete { have: 3, of: 5 };
        assert_eq!(asked(Duration::ZERO, (None, filling)), (None, filling, 1));
    }
}
