//! Independent calls are made in parallel.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

/// How many docker clients one command runs in parallel: each takes about 20 MB of memory, and a
/// processor for its first 20 ms.
pub(crate) const CLIENTS: usize = 16;

/// Waits for a thread and returns its result; a panic of the thread continues in the calling
/// thread.
pub(crate) fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Calls `work` for every item and returns the results in the order of the items. At most
/// [`CLIENTS`] calls run in parallel.
pub(crate) fn each<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        while let Some((at, item)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            items.get(at).map(|item| (at, item))
        } {
            let result = work(item);
            if let Ok(mut results) = results.lock() {
                results.push((at, result));
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..items.len().min(CLIENTS))
            .map(|_| scope.spawn(worker))
            .collect();
        workers.into_iter().for_each(joined);
    });
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_calls_are_bounded() {
        let items: Vec<usize> = (0..100).collect();
        let (running, max_running) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let all_workers = std::sync::Barrier::new(CLIENTS);
        let results = each(&items, |item| {
            let count = running.fetch_add(1, Ordering::SeqCst) + 1;
            max_running.fetch_max(count, Ordering::SeqCst);
            if *item < CLIENTS {
                all_workers.wait(); // with fewer workers this would block for ever
            }
            running.fetch_sub(1, Ordering::SeqCst);
            item * 2
        });
        assert_eq!(
            results,
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
        assert_eq!(max_running.into_inner(), CLIENTS);
        assert_eq!(each(&[0; 0], |item| *item), [0; 0]);
    }
}
