//! Whether a case came out as it should.

use super::Kind;
use crate::support::{Account, Fault, HOOK, Output};

/// The task's own exit code, which nobody else gives.
pub const CODE: i32 = 7;

/// What came of a case.
pub struct Outcome {
    /// Whether there was such a step: what goes on in the background has not always as
    /// many of a kind.
    pub was_taken: bool,
    /// The exit status that the caller got; `None` where there was none.
    pub code: Option<i32>,
    /// Sentences.
    pub wrong: Vec<String>,
}

/// What is wrong with what was written down, and with what the caller was told.
pub fn judge(
    kind: Kind,
    fault: Option<(&str, Fault)>,
    output: Option<&Output>,
    accounts: &[Account],
) -> Vec<String> {
    let started: usize = accounts.iter().map(|account| account.started.len()).sum();
    let ended: usize = accounts.iter().map(|account| account.ended).sum();
    let told: Vec<i32> = accounts
        .iter()
        .flat_map(|account| account.told.clone())
        .collect();
    let mut claims = vec![
        (started <= 1, "started more than once"),
        (ended == started, "did not run to its end"),
        (told.len() <= 1, "its end was told more than once"),
        (
            told.is_empty() || started == 0 || told == [CODE],
            "a wrong code was told",
        ),
        (
            started == 0 || !told.is_empty() || may_be_untold(fault),
            "its end was not told",
        ),
    ];
    if let Some(output) = output {
        let code = output.code;
        claims.push(match kind {
            Kind::Attached => (
                code == CODE && ended == 1 || code > 100 || code == 1 || code == 20,
                "the caller was lied to",
            ),
            Kind::Detached => (code != 0 || started == 1, "the caller was told of a start"),
            Kind::Pass => (
                code != 0 || fault.is_some() || ended == 1,
                "the pass was not made",
            ),
        });
        // Bash says what killed us; of all else we, or docker's client, have to.
        let needs_words = !matches!(code, 0 | CODE | 137);
        claims.push((
            !needs_words || !output.stderr.is_empty(),
            "the caller was not told why",
        ));
    }
    let wrong = claims.into_iter().filter(|(holds, _)| !holds);
    wrong
        .map(|(_, what)| format!("{what}: {accounts:?}, {output:?}"))
        .collect()
}

/// Whether the hook itself was kept from writing it down.
fn may_be_untold(fault: Option<(&str, Fault)>) -> bool {
    fault.is_some_and(|(step, fault)| {
        step.starts_with(&format!("{HOOK} scheduler-post-run"))
            && matches!(
                fault,
                Fault::Fails | Fault::Hangs | Fault::DiesBefore | Fault::WeDieBefore
            )
    })
}
