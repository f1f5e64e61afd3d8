//! `docker container kill`

use anyhow::Result;

use super::Docker;

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
        let call = |verb: &[&str]| self.call(&[&["container"], verb, &["--"], ids].concat());
        let kill = ["kill", &signal];
        if !self.capture(call(&kill))?.status.success() {
            self.capture(call(&["unpause"]))?;
            self.capture(call(&kill))?;
        }
        Ok(())
    }
}
