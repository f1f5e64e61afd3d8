//! The container's argv, word by word.

mod entries;

use super::*;
use crate::docker::option;
use crate::settings::choices::Policy;
use crate::task::model::request::Cron;
use crate::task::spec::resolve::ImageType;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn answers() -> AppFacts {
    AppFacts {
        app: "demo".to_owned(),
        image: "dokku/demo:latest".to_owned(),
        stop_timeout: 30,
        user: "ada".to_owned(),
        ..AppFacts::default()
    }
}

fn request(command: &str) -> Request {
    Request {
        command: words(command),
        ..Request::default()
    }
}

/// The arguments without those that are common to all tasks.
fn own_arguments(answers: AppFacts, request: Request, streams: TaskStreams) -> String {
    let arguments = TaskSpec::new(answers, request, streams)
        .unwrap()
        .container(7)
        .unwrap()
        .arguments()
        .join(" ");
    let common = [
        "container create ",
        "--pull=never --restart=no ",
        "--label=com.dokku.cron-id= --label=dokku-oneoff.lock= --label=dokku-oneoff.user=ada \
         --label=com.dokku.container-type=run --label=com.dokku.app-name=demo \
         --label=dokku-oneoff.name=demo.run.7 --name=demo.run.7 --env-file /dev/stdin ",
        "dokku/demo:latest ",
    ];
    // An empty label means that there is no deadline.
    let arguments = arguments.replace("--label=com.dokku.active-deadline-seconds= ", "");
    common.iter().fold(arguments, |arguments, part| {
        assert!(arguments.contains(part), "{part:?} is not in {arguments:?}");
        arguments.replacen(part, "", 1)
    })
}

#[test]
fn every_part_of_request_and_app_facts_becomes_its_docker_arguments() {
    let table: Vec<(&str, AppFacts, Request, &str)> = vec![
        ("a command", answers(), request("ls -l --help"), "-- ls -l --help"),
        ("no command", answers(), request(""), "-- /bin/bash"),
        (
            "no command, and a shell of the app's",
            AppFacts { shell: Some("/bin/zsh".into()), ..answers() },
            request(""),
            "-- /bin/zsh",
        ),
        (
            "a Procfile entry",
            AppFacts { procfile_command: Some("bundle 'exec x'".into()), ..answers() },
            request("console -v"),
            "--label=com.dokku.process-type=console -- bundle exec x -v",
        ),
        (
            "a herokuish image",
            AppFacts { image_type: ImageType::Herokuish, ..answers() },
            request("ls"),
            "-- /exec ls",
        ),
        (
            "init, platform, user, directory",
            AppFacts { init: true, platform: Some("linux/amd64"), ..answers() },
            Request { user: Some("app:1000".into()), workdir: Some("/srv".into()), ..request("ls") },
            "--init --platform=linux/amd64 --user=app:1000 --workdir=/srv -- ls",
        ),
        (
            "labels, deadline",
            answers(),
            Request {
                labels: vec![("k".into(), "v w".into())],
                time_to_live: Some(60),
                ..request("ls")
            },
            "--label=k=v w --label=com.dokku.active-deadline-seconds=60 -- ls",
        ),
        (
            "labels of the image's that only others read",
            AppFacts {
                image_labels: labels::READ_BY_OTHERS.to_vec(),
                ..answers()
            },
            request("ls"),
            "--label=com.dokku.process-type= --label=com.dokku.concurrency-policy= -- ls",
        ),
        (
            "the app's limits",
            AppFacts {
                resources: Resources {
                    memory: Some("64m".into()),
                    memory_swap: Some("128m".into()),
                    memory_reservation: Some("32m".into()),
                    cpus: Some("0.5".into()),
                    gpus: Some("1".into()),
                },
                ..answers()
            },
            request("ls"),
            "--memory=64m --memory-swap=128m --memory-reservation=32m --cpus=0.5 --gpus=1 -- ls",
        ),
        (
            "limits of this task",
            AppFacts {
                resources: Resources {
                    memory: Some("64m".into()),
                    memory_swap: Some("128m".into()),
                    cpus: Some("0.5".into()),
                    ..Resources::default()
                },
                ..answers()
            },
            Request { memory: Some("32".into()), cpus: Some("2".into()), ..request("ls") },
            "--memory=32m --cpus=2 -- ls",
        ),
        (
            "docker options",
            AppFacts {
                docker_options: option::parse(words(
                    "--env=KEY -v /a:/b --rm -it --restart=always --name=x --pull always --network=n -e A=b",
                ))
                .unwrap(),
                ..answers()
            },
            request("ls"),
            "-v=/a:/b --network=n -- ls",
        ),
    ];
    for (what, answers, request, expected) in table {
        assert_eq!(
            own_arguments(answers, request, TaskStreams::default()),
            expected,
            "{what}"
        );
    }
}

#[test]
fn stdin_and_terminal_become_interactive_and_tty() {
    for (terminal, stdin, expected) in [
        (false, false, "-- ls"),
        (false, true, "--interactive -- ls"),
        (true, true, "--interactive --tty -- ls"),
    ] {
        let arguments = own_arguments(answers(), request("ls"), TaskStreams { terminal, stdin });
        assert_eq!(arguments, expected);
    }
}

#[test]
fn only_the_default_shell_may_fall_back_to_sh() {
    let mut task = TaskSpec::new(answers(), request(""), TaskStreams::default()).unwrap();
    assert_eq!(task.default_shell(), Some("/bin/bash"));
    assert_eq!(task.use_fallback_shell(), "sh");
    assert_eq!(task.container(1).unwrap().command, ["sh"]);
    for (answers, request) in [
        (answers(), request("ls")),
        (
            AppFacts {
                shell: Some("/bin/zsh".into()),
                ..answers()
            },
            request(""),
        ),
    ] {
        assert_eq!(
            TaskSpec::new(answers, request, TaskStreams::default())
                .unwrap()
                .default_shell(),
            None
        );
    }
}

#[test]
fn a_cron_task_spec_has_the_cron_name_and_labels() {
    let cron = Cron {
        id: "abc".to_owned(),
        policy: Policy::Allow,
    };
    let task = TaskSpec::new(
        answers(),
        Request {
            cron: Some(cron),
            ..request("ls")
        },
        TaskStreams::default(),
    )
    .unwrap();
    let container = task.container(3).unwrap();
    assert_eq!(container.name, "demo.cron.3");
    assert_eq!(container.environment.file, "DYNO=cron.3\n");
    let expected = [
        "--label=com.dokku.cron-id=abc",
        "--label=com.dokku.concurrency-policy=allow",
        "--label=com.dokku.container-type=cron",
        "--label=dokku-oneoff.name=demo.cron.3",
        "--label=dokku-oneoff.lock=",
        "--label=com.dokku.active-deadline-seconds=",
    ];
    for label in expected {
        assert!(
            container.options.iter().any(|option| option == label),
            "{label}"
        );
    }
}

#[test]
fn a_task_spec_merges_config_docker_options_and_env_in_that_order() {
    let answers = AppFacts {
        config: [("A", "config"), ("B", "config"), ("C", "config")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        docker_options: option::parse(words("--env=A --env=B=option -e C=option")).unwrap(),
        trace: true,
        ..answers()
    };
    let own = vec![
        ("C".to_owned(), "own".to_owned()),
        ("C".to_owned(), "last".to_owned()),
    ];
    let task = TaskSpec::new(
        answers,
        Request {
            environment: own,
            ..request("ls")
        },
        TaskStreams::default(),
    )
    .unwrap();
    let expected = "A=config\nB=option\nC=last\nDYNO=run.1\nTRACE=true\n";
    assert_eq!(task.container(1).unwrap().environment.file, expected);
}
