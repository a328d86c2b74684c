//! Long computations (a profile compiled, two texts compared) away from the threads that serve requests, a few at a time.

use store::StoreError;
use tokio::sync::Semaphore;

/// Computations at a time: whoever saves profiles must not keep all processors from everybody else.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Waits for a turn and computes; the error is a computation that broke off.
pub(crate) async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let turn = TURNS.acquire().await.map_err(|error| StoreError::Setup(error.to_string()))?;
    let working = tokio::task::spawn_blocking(move || {
        // Held by the work itself: it goes on when its caller has gone.
        let _turn = turn;
        work()
    });
    working.await.map_err(|error| StoreError::Setup(format!("a computation broke off: {error}")))
}
