//! `docker container kill`

use anyhow::Result;

use crate::docker::Docker;
use crate::docker::container_inspect::Status;

impl Docker {
    /// Sends a signal by its number to the container's first process. Gives
    /// whether docker did: not before it runs, and not after.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn container_kill(&self, id: &str, signal: i32) -> Result<bool> {
        let signal = format!("--signal={signal}");
        let output = self.capture(self.call(&["container", "kill", &signal, "--", id]))?;
        Ok(output.status.success())
    }

    /// The same to many in one call. One that is paused goes on first: it would get
    /// no signal.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn containers_kill(&self, ids: &[&str], signal: i32) -> Result<()> {
        let signal = format!("--signal={signal}");
        let call = |verb: &[&str], ids| {
            self.capture(self.call(&[&["container"], verb, &["--"], ids].concat()))
        };
        if call(&["kill", &signal], ids)?.status.success() {
            return Ok(());
        }
        // It fails for one that has ended, too, and the others have got their signal.
        let looks = self.container_infos(ids)?;
        let paused = looks
            .found
            .iter()
            .filter(|facts| facts.state.status == Status::Paused);
        let paused: Vec<&str> = paused.map(|facts| facts.id.as_str()).collect();
        if !paused.is_empty() {
            call(&["unpause"], &paused)?;
            call(&["kill", &signal], &paused)?;
        }
        Ok(())
    }
}
