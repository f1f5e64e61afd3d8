//! Polls for a condition with a deadline; never sleeps for a fixed time.

use std::thread;
use std::time::{Duration, Instant};

/// Polls until `ready` returns a value; fails after 30 seconds.
#[track_caller]
pub fn wait_until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    wait_for(|| ready().ok_or_else(|| what.to_owned()))
}

/// Polls until `ready` returns a value; `None` if it does not within this time.
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

/// Polls until `ready` returns a value; fails after 30 seconds with the last error.
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
