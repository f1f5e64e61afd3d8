//! `scheduler-run-retire [<scheduler> <app>]`: Dokku fires it every five minutes.

use std::ffi::OsString;

use anyhow::Result;

use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::dokku::scheduler::DOCKER_LOCAL;
use crate::record;
use crate::task::retire;

/// # Errors
/// Docker gives no answer.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let host = Host::without_flags()?;
    let app = match words[..] {
        [] | ["" | DOCKER_LOCAL] | [DOCKER_LOCAL, ""] => None,
        [DOCKER_LOCAL, app] => Some(host.app(app)?),
        _ => return Ok(0), // another scheduler's
    };
    if app.is_none() {
        record::sweep(&host);
    }
    let docker = Docker::new(host.docker()?, host.trace);
    Ok(u8::from(!retire::retire(&host, &docker, app.as_ref())?))
}
