//! Waiting for something to become so, never for a time to pass.

use std::thread;
use std::time::{Duration, Instant};

/// Asks again until `ready` gives something; fails after half a minute.
#[track_caller]
pub fn wait_until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    wait_for(|| ready().ok_or_else(|| what.to_owned()))
}

/// The same for what may not become so: `None` when it has not in this time.
pub fn poll_for<T>(time: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + time;
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The same for what can say what there is instead.
#[track_caller]
pub fn wait_for<T>(mut ready: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match ready() {
            Ok(value) => return value,
            Err(what) => assert!(
                Instant::now() < deadline,
                "{what}: not within half a minute"
            ),
        }
        thread::sleep(Duration::from_millis(20));
    }
}
