//! Which value takes precedence, and how each value is passed to docker.

use super::*;
use crate::docker::option;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let mut environment = Environment::default();
    for (name, value) in pairs {
        environment.set(*name, *value);
    }
    environment
}

#[test]
fn values_that_an_env_file_would_change_are_passed_by_name() {
    let long = "x".repeat(100_000);
    for (name, value, in_file) in [
        ("A", "", true),
        ("A", " x  'y' \"z\" $(id) `id` a=b \t", true),
        ("A", "é\r!", true),
        ("A", "a\nb", false),
        ("A", "a\r", false),
        ("A", &long, false),
        ("A B", "x", false),
        ("#A", "x", false),
        ("\u{feff}A", "x", false),
    ] {
        let carried = environment(&[(name, value)])
            .for_docker_client(Kind::Executable)
            .unwrap();
        let expected = if in_file {
            format!("{name}={value}\n")
        } else {
            String::new()
        };
        assert_eq!(carried.file, expected);
        assert_eq!(carried.inherited.len(), usize::from(!in_file), "{name:?}");
    }
}

#[test]
fn variables_that_affect_the_docker_client_use_the_env_file_only() {
    for name in [
        "PATH",
        "HOME",
        "DOCKER_HOST",
        "DOCKER_CONFIG",
        "LD_PRELOAD",
        "GODEBUG",
        "GOMEMLIMIT",
        "SSL_CERT_FILE",
        "OTEL_SERVICE_NAME",
        "BASH_ENV",
        "IFS",
        "HTTPS_PROXY",
        "https_proxy",
        "no_proxy",
        "ALL_PROXY",
        "UID",
        "LD_LIBRARY_PATH",
        "DOCKER_CERT_PATH",
        "DOKKU_ROOT",
        "BASH_FUNC_docker%%",
        "GCONV_PATH",
        "XDG_CONFIG_HOME",
        "LISTEN_FDS",
        "NOTIFY_SOCKET",
        "SUDO_COMMAND",
        "SSH_ORIGINAL_COMMAND",
        "LC_ALL",
        "TZ",
        "KRB5_CONFIG",
        "SHELL",
        "ZDOTDIR",
        "CONTAINER_HOST",
        "TERM",
    ] {
        let carried = environment(&[(name, "x")])
            .for_docker_client(Kind::Executable)
            .unwrap();
        assert_eq!(
            (carried.file, carried.inherited),
            (format!("{name}=x\n"), Vec::new())
        );
        let error = environment(&[(name, "secret\nsecret")])
            .for_docker_client(Kind::Executable)
            .unwrap_err()
            .to_string();
        assert!(error.contains(name) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn multi_line_keys_and_credentials_are_passed_by_name() {
    for name in [
        "TLS_KEY",
        "SSL_KEY",
        "SSH_KEY",
        "SSH_PRIVATE_KEY",
        "GOOGLE_CREDENTIALS",
        "DATABASE_CA_CERT",
        "STORAGE_KEY",
        "GIT_SSH_KEY",
    ] {
        for client in [Kind::Executable, Kind::Script] {
            let carried = environment(&[(name, "one\ntwo")]).for_docker_client(client);
            assert_eq!(carried.unwrap().inherited.len(), 1, "{name} {client:?}");
        }
    }
}

#[test]
fn a_script_client_inherits_credential_names_only() {
    for name in [
        "VALUE",
        "PATHS",
        "PERLLIB",
        "PERL5OPT",
        "LUA_INIT",
        "PHPRC",
        "NODE_PATH",
        "NODE_OPTIONS",
        "NODE_EXTRA_CA_CERTS",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "GIT_SSH_COMMAND",
        "GIT_SSL_KEY",
        "MAKEFLAGS",
        "app_key",
        "_KEY",
        "KEY",
        "A B_KEY",
    ] {
        let one = environment(&[(name, "secret\nsecret")]);
        assert_eq!(
            one.for_docker_client(Kind::Executable)
                .unwrap()
                .inherited
                .len(),
            1,
            "{name}"
        );
        let error = one.for_docker_client(Kind::Script).unwrap_err().to_string();
        assert!(error.contains(name) && !error.contains("secret"), "{error}");
        // A value of one line is passed in the env file, for every kind of client.
        let plain = environment(&[(name, "x")]).for_docker_client(Kind::Script);
        let fits = !name.contains(' ');
        assert_eq!(
            plain.is_ok_and(|plain| plain.inherited.is_empty()),
            fits,
            "{name}"
        );
    }
}

#[test]
fn an_env_file_is_a_regular_file_of_a_limited_size() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    duct::cmd!("mkfifo", path("fifo")).run().unwrap();
    let (large, whole) = (path("large"), path("whole"));
    std::fs::File::create(&large)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    std::fs::write(&whole, "A=1\n".repeat(1000)).unwrap();
    for (file, why) in [
        ("/dev/zero", "it is not a regular file"),
        (&path("fifo"), "it is not a regular file"),
        (&path(""), "it is not a regular file"),
        (&large, "it has more than 2 MiB"),
    ] {
        let words = vec![format!("--env-file={file}")];
        let options = option::parse(words).unwrap();
        let error = environment(&[])
            .extract_from_options(options, |_| None)
            .unwrap_err();
        let said = format!("{error:#}");
        let expected = format!("the app's docker option '--env-file {file}' cannot be read: {why}");
        assert_eq!(said, expected);
    }
    let options = option::parse(vec![format!("--env-file={whole}")]).unwrap();
    assert!(
        environment(&[])
            .extract_from_options(options, |_| None)
            .is_ok()
    );
}

#[test]
fn variables_that_no_process_can_receive_are_refused() {
    let longest = "x".repeat(MAX_VARIABLE_BYTES - 2);
    assert!(
        environment(&[("A", &longest)])
            .for_docker_client(Kind::Executable)
            .is_ok()
    );
    for (name, value) in [
        ("A", longest + "x"),
        ("A", "\0".to_owned()),
        ("", "x".to_owned()),
        ("A\0", "x".to_owned()),
    ] {
        assert!(
            environment(&[(name, &value)])
                .for_docker_client(Kind::Executable)
                .is_err(),
            "{name:?}"
        );
    }
}

#[test]
fn the_last_docker_option_or_env_file_sets_a_variable() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "\u{feff}FILE=1\n# no\n\n  B=file\nA=file\nNAME\n",
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    let words = [
        "--env=A",
        "-v",
        "/x:/y",
        "-eB=option",
        "--env-file",
        path,
        "--env",
        "A=option",
        "-e=C=x y",
        "--env=HOST",
        "-e",
        "GONE",
    ];
    let mut environment = environment(&[("A", "config"), ("B", "config"), ("D", "config")]);
    let ours = |name: &str| matches!(name, "HOST" | "NAME" | "A").then(|| "ours".to_owned());
    let rest = environment
        .extract_from_options(
            option::parse(words.map(str::to_owned).to_vec()).unwrap(),
            ours,
        )
        .unwrap();
    assert_eq!(rest.len(), 1);
    let expected = [
        ("A", "option"),
        ("B", "file"),
        ("C", "x y"),
        ("D", "config"),
        ("FILE", "1"),
        ("HOST", "ours"),
        ("NAME", "ours"),
    ];
    assert_eq!(environment, self::environment(&expected));
}
