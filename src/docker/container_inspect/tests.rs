use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::*;

/// Which of `ids` [`Inspections::from_output`] has found, and which are unclear.
fn inspections(ids: &[&str], stdout: &str, stderr: &str) -> (Vec<String>, Vec<String>) {
    let output = Output {
        status: ExitStatus::from_raw(256),
        stdout: stdout.as_bytes().to_vec(),
        stderr: stderr.as_bytes().to_vec(),
    };
    let inspections = Inspections::from_output(ids, &output);
    let found = inspections.found.into_iter().map(|info| info.id).collect();
    (found, inspections.unclear)
}

fn line(id: &str) -> String {
    format!(r#"["{id}","/name-{id}","",{{"Status":"exited","ExitCode":0}},null,null,"i"]"#)
}

#[test]
fn one_unreadable_inspect_line_loses_no_other() {
    let strings =
        |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    for (stdout, stderr, found, unclear) in [
        (
            format!("{}\n{}\n", line("a"), line("b")),
            "",
            &["a", "b"][..],
            &["c"][..],
        ),
        (
            format!("{}\n\nnonsense\n", line("b")),
            "Error: No such container: a\n",
            &["b"],
            &["c"],
        ),
        (
            line("c"),
            "Error response from daemon: No such container: a\nError response from daemon: No such container: b",
            &["c"],
            &[],
        ),
        // The message is about another container, whose name ends in the same letter.
        (
            line("b"),
            "Error: No such container: xa\n",
            &["b"],
            &["a", "c"],
        ),
        (
            String::new(),
            "Cannot connect to the Docker daemon",
            &[],
            &["a", "b", "c"],
        ),
    ] {
        let expected = (strings(found), strings(unclear));
        assert_eq!(
            inspections(&["a", "b", "c"], &stdout, stderr),
            expected,
            "{stdout} {stderr}"
        );
    }
    let (found, unclear) = inspections(&["name-a"], &line("a"), "");
    assert_eq!((found.len(), unclear.len()), (1, 0), "by its name");
}
