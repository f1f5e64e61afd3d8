//! Procfile entries, lines for a shell, and entrypoints.

use super::*;

#[test]
fn entries_and_lines_are_run_by_a_shell_of_the_image() {
    let table: Vec<(&str, AppFacts, Request, &str)> = vec![
        (
            "a Procfile entry for a shell",
            AppFacts {
                procfile_command: Some("psql $DATABASE_URL".into()),
                ..answers()
            },
            request("db -c x"),
            "--label=com.dokku.process-type=db -- sh -c psql $DATABASE_URL \"$@\" sh -c x",
        ),
        (
            "an image whose entrypoint takes a line",
            AppFacts {
                image_entrypoint: words("/bin/sh -l -c"),
                ..answers()
            },
            request("echo *"),
            "-- echo '*'",
        ),
        (
            "an entrypoint among the docker options",
            AppFacts {
                image_entrypoint: words("/bin/sh -l -c"),
                docker_options: option::parse(words("--entrypoint=/init")).unwrap(),
                ..answers()
            },
            request("echo *"),
            "--entrypoint=/init -- echo *",
        ),
    ];
    for (what, answers, request, expected) in table {
        let arguments = own_arguments(answers, request, TaskStreams::default());
        assert_eq!(arguments, expected, "{what}");
    }
}

#[test]
fn a_procfile_entry_has_the_variables_of_procfile_util_unless_something_sets_them() {
    let facts = |image_variables: &[&'static str], port: Option<&str>| AppFacts {
        procfile_command: Some("serve $PORT".into()),
        image_variables: image_variables.to_vec(),
        config: port
            .map(|port| ("PORT".to_owned(), port.to_owned()))
            .into_iter()
            .collect(),
        ..answers()
    };
    for (facts, expected) in [
        (facts(&[], None), "DYNO=run.1\nPORT=5000\nPS=web\n"),
        (facts(&[], Some("80")), "DYNO=run.1\nPORT=80\nPS=web\n"),
        (facts(&["PORT", "PS"], None), "DYNO=run.1\n"),
        (answers(), "DYNO=run.1\n"),
    ] {
        let task = TaskSpec::new(facts, request("web"), TaskStreams::default()).unwrap();
        assert_eq!(task.container(1).unwrap().environment.file, expected);
    }
}
