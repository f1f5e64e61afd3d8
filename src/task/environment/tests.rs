//! Which value wins, and how it travels.

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
fn what_goes_into_the_file_and_what_by_name() {
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
        let carried = environment(&[(name, value)]).carried().unwrap();
        let expected = if in_file {
            format!("{name}={value}\n")
        } else {
            String::new()
        };
        assert_eq!(carried.file, expected);
        assert_eq!(carried.by_name.len(), usize::from(!in_file), "{name:?}");
    }
}

#[test]
fn steering_names_go_by_file_only() {
    for name in [
        "PATH",
        "HOME",
        "DOCKER_HOST",
        "DOCKER_CONFIG",
        "LD_PRELOAD",
        "GODEBUG",
        "GOOGLE_CREDENTIALS",
        "SSL_KEY",
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
    ] {
        let carried = environment(&[(name, "x")]).carried().unwrap();
        assert_eq!(
            (carried.file, carried.by_name),
            (format!("{name}=x\n"), Vec::new())
        );
        let error = environment(&[(name, "secret\nsecret")])
            .carried()
            .unwrap_err()
            .to_string();
        assert!(error.contains(name) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn keys_and_credentials_with_line_breaks_are_an_apps_own() {
    for name in ["TLS_KEY", "SSH_PRIVATE_KEY", "PATHS", "HOME_TEXT"] {
        let carried = environment(&[(name, "one\ntwo")]).carried().unwrap();
        assert_eq!(carried.by_name.len(), 1, "{name}");
    }
}

#[test]
fn what_no_program_can_be_given_is_refused() {
    let longest = "x".repeat(LONGEST - 2);
    assert!(environment(&[("A", &longest)]).carried().is_ok());
    for (name, value) in [
        ("A", longest + "x"),
        ("A", "\0".to_owned()),
        ("", "x".to_owned()),
        ("A\0", "x".to_owned()),
    ] {
        assert!(
            environment(&[(name, &value)]).carried().is_err(),
            "{name:?}"
        );
    }
}

#[test]
fn the_last_one_wins() {
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
        .take_from(
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
