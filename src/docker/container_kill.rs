//! `docker container kill`

use anyhow::Result;

use crate::docker::Docker;

impl Docker {
    /// Sends a signal, given by its number, to the container's first process. Returns whether
    /// docker has sent it, which docker does only while the container runs.
    ///
    /// # Errors
    /// docker does not answer (exit code 125).
    pub(crate) fn container_kill(&self, id: &str, signal: i32) -> Result<bool> {
        let signal = format!("--signal={signal}");
        let output = self.capture(self.call(&["container", "kill", &signal, "--", id]))?;
        Ok(output.status.success())
    }

    /// Sends a signal to several containers in one call. A paused container is resumed and then
    /// signalled, because it would not get the signal otherwise.
    ///
    /// # Errors
    /// docker does not answer (exit code 125).
    pub(crate) fn containers_kill(&self, ids: &[&str], signal: i32) -> Result<()> {
        let signal = format!("--signal={signal}");
        let call = |verb: &[&str], ids| {
            self.capture(self.call(&[&["container"], verb, &["--"], ids].concat()))
        };
        if call(&["kill", &signal], ids)?.status.success() {
            return Ok(());
        }
        // `kill` also fails if one of the containers has ended; the others have received the
        // signal.
        let inspections = self.containers_inspect(ids)?;
        let paused = inspections
            .found
            .iter()
            .filter(|info| info.state.status.is_paused());
        let paused: Vec<&str> = paused.map(|info| info.id.as_str()).collect();
        if !paused.is_empty() {
            call(&["unpause"], &paused)?;
            call(&["kill", &signal], &paused)?;
        }
        Ok(())
    }
}
