//! Decides which task is finalized next, and how many tasks are finalized in parallel.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The number of tasks that are finalized in parallel.
pub(crate) const LANES: usize = 8;

/// The number of those tasks that may be of one app: the hooks of an app may be slow, and must
/// not delay the teardown of other apps' tasks.
const LANES_PER_APP: usize = 2;

/// Jobs that wait for a lane. Each job belongs to an app.
struct Lanes<J> {
    /// In order of arrival.
    waiting: VecDeque<(String, J)>,
    /// The number of jobs in progress by app; never 0.
    busy: HashMap<String, usize>,
}

impl<J> Lanes<J> {
    fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            busy: HashMap::new(),
        }
    }

    fn add(&mut self, app: String, job: J) {
        self.waiting.push_back((app, job));
    }

    /// Takes the next job to start, and its app, for which one more lane is busy from then on.
    /// The job of the app with the fewest busy lanes comes first, then the job that was added
    /// first. `None` if no job waits, or if every waiting job is of an app that uses all of its
    /// lanes.
    fn next(&mut self) -> Option<(String, J)> {
        let lanes = |app: &str| self.busy.get(app).copied().unwrap_or(0);
        let waiting = self.waiting.iter().enumerate();
        let (count, index) = waiting.map(|(index, (app, _))| (lanes(app), index)).min()?;
        if count >= LANES_PER_APP {
            return None;
        }
        let (app, job) = self.waiting.remove(index)?;
        *self.busy.entry(app.clone()).or_default() += 1;
        Some((app, job))
    }

    /// Frees a lane after a job of the app is done.
    fn done(&mut self, app: &str) {
        if let Some(count) = self.busy.get_mut(app) {
            *count -= 1;
            if *count == 0 {
                self.busy.remove(app);
            }
        }
    }
}

/// [`Lanes`] for several threads, each of which is one lane.
pub(crate) struct Queue<J> {
    lanes: Mutex<Lanes<J>>,
    /// Notified when a job is added or done.
    changed: Condvar,
}

impl<J> Queue<J> {
    pub(crate) fn new() -> Self {
        Self {
            lanes: Mutex::new(Lanes::new()),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn add(&self, app: String, job: J) {
        self.lanes().add(app, job);
        self.changed.notify_one();
    }

    /// Waits for the next job and takes it, with its app. The caller has to call
    /// [`Queue::done`] after the job.
    pub(crate) fn next(&self) -> (String, J) {
        let mut lanes = self.lanes();
        loop {
            if let Some(next) = lanes.next() {
                return next;
            }
            let changed = self.changed.wait(lanes);
            lanes = changed.unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn done(&self, app: &str) {
        self.lanes().done(app);
        self.changed.notify_one();
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes<J>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The app in a container's name, `<app>.<type>.<number>`; the whole name if it has another
/// form.
pub(crate) fn app_of(name: &str) -> &str {
    name.rsplitn(3, '.').nth(2).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(jobs: &[(&str, u32)]) -> Lanes<u32> {
        let mut lanes = Lanes::new();
        for (app, job) in jobs {
            lanes.add((*app).to_owned(), *job);
        }
        lanes
    }

    /// The jobs that are started until no further job may start.
    fn started_jobs(lanes: &mut Lanes<u32>) -> Vec<u32> {
        std::iter::from_fn(|| lanes.next())
            .map(|(_, job)| job)
            .collect()
    }

    #[test]
    fn an_app_has_at_most_two_lanes() {
        let jobs = [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("a", 5), ("c", 6)];
        let mut lanes = lanes(&jobs);
        assert_eq!(started_jobs(&mut lanes), [1, 4, 6, 2]);
        lanes.done("b");
        assert_eq!(started_jobs(&mut lanes), [0; 0]);
        lanes.done("a");
        assert_eq!(started_jobs(&mut lanes), [3]);
        lanes.done("a");
        lanes.done("a");
        assert_eq!(started_jobs(&mut lanes), [5]);
    }

    #[test]
    fn jobs_of_one_app_start_in_order() {
        let mut lanes = lanes(&[("a", 1), ("a", 2), ("a", 3), ("a", 4)]);
        let mut order = started_jobs(&mut lanes);
        for _ in 0..2 {
            lanes.done("a");
            order.extend(started_jobs(&mut lanes));
        }
        assert_eq!(order, [1, 2, 3, 4]);
    }

    #[test]
    fn apps_without_a_lane_come_first() {
        let mut lanes = lanes(&[("a", 1), ("a", 2), ("b", 3)]);
        assert_eq!(lanes.next(), Some(("a".to_owned(), 1)));
        assert_eq!(lanes.next(), Some(("b".to_owned(), 3)));
        assert_eq!(lanes.next(), Some(("a".to_owned(), 2)));
        assert_eq!(lanes.next(), None);
    }

    #[test]
    fn a_finished_app_leaves_no_state_in_the_queue() {
        let mut lanes = lanes(&[("a", 1)]);
        assert_eq!(started_jobs(&mut lanes), [1]);
        lanes.done("a");
        lanes.done("a");
        assert_eq!((lanes.waiting.len(), lanes.busy.len()), (0, 0));
    }

    #[test]
    fn an_app_may_have_dots_in_its_name() {
        for (name, app) in [
            ("demo.run.7", "demo"),
            ("demo.example.cron.7", "demo.example"),
            ("odd", "odd"),
        ] {
            assert_eq!(app_of(name), app);
        }
    }
}
