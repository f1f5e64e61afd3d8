use super::*;
use crate::settings::choices::{OnHangup, Policy};
use crate::settings::times;

#[test]
fn key_value_pairs_and_labels_are_validated() {
    assert_eq!(
        key_value("A=b=c").unwrap(),
        ("A".to_owned(), "b=c".to_owned())
    );
    assert_eq!(key_value("A=").unwrap(), ("A".to_owned(), String::new()));
    for text in ["A", "", "=", "=b"] {
        assert!(key_value(text).is_err(), "{text:?}");
    }
    assert!(label("team=a b").is_ok());
    // Docker sets these two attributes after the labels.
    assert!(label("name=x").is_ok() && label("image=x").is_ok());
    assert!(label("com.dokku.test-label=x").is_ok() && label("com.dokku.app-names=x").is_ok());
    for text in [
        "team",
        "com.dokku.app-name=x",
        "com.dokku.cron-id=",
        "com.dokku.docker-image-labeler/alternate-tags=[]",
        "org.label-schema.vendor=x",
        "dokku-oneoff.lock=x",
        "a b=c",
        "=x",
        "exitCode=0",
        "execDuration=",
        "execID=x",
        "signal=9",
    ] {
        assert!(label(text).is_err(), "{text:?}");
    }
}

/// No text makes a validator panic.
#[test]
fn validators_accept_or_refuse_any_text() {
    const PIECES: [&str; 24] = [
        "0",
        "9",
        "18446744073709551615",
        "99999999999999999999",
        "2026-08-03",
        "T05:47:44",
        "Z",
        "+",
        "-",
        ":",
        ".",
        "s",
        "m",
        "h",
        "d",
        "y",
        "ns",
        "none",
        "é",
        "\u{1b}",
        " ",
        "=",
        "$",
        "",
    ];
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..100_000 {
        let text: String = (0..random.usize(0..8))
            .map(|_| *random.choice(&PIECES).unwrap())
            .collect();
        let _ = (
            times::point_in_time(&text),
            times::time_to_live(&text),
            times::seconds(&text),
        );
        let _ = (memory(&text), cpus(&text), user(&text), workdir(&text));
        let _ = (
            label(&text),
            key_value(&text),
            lines(&text),
            count(&text),
            bytes(&text),
        );
        let _ = (
            identifier(&text),
            container(&text),
            text.parse::<Policy>(),
            text.parse::<OnHangup>(),
        );
    }
}

#[test]
fn sizes_counts_and_names_are_validated() {
    for (text, expected) in [
        ("512", "512"),
        ("512m", "512m"),
        ("1.5G", "1.5g"),
        ("64MiB", "64mib"),
    ] {
        assert_eq!(memory(text).unwrap(), expected);
    }
    assert!(memory("8589934591g").is_err() && memory("8589934590g").is_ok());
    for text in [
        "",
        "m",
        "-1",
        "1x",
        "1 m",
        "0",
        "1mm",
        "--rm",
        "1e9",
        "18446744073709551616",
    ] {
        assert!(memory(text).is_err(), "{text:?}");
    }
    assert!(cpus("0.5").is_ok() && cpus("2").is_ok());
    for text in [
        "", "0", "0.0", "-1", "1e3", "inf", "NaN", ".", "1.", ".5", "1.2.3",
    ] {
        assert!(cpus(text).is_err(), "{text:?}");
    }
    for text in ["app", "1000", "1000:1000", "app:staff"] {
        assert!(user(text).is_ok(), "{text}");
    }
    for text in ["", ":", "app:", "-u", "a b", "a:b:c"] {
        assert!(user(text).is_err(), "{text:?}");
    }
    assert!(workdir("/srv").is_ok() && workdir("srv").is_err());
    assert!(lines("0").is_ok() && lines("all").is_ok());
    assert!(
        lines("").is_err() && lines("-1").is_err() && lines("+1").is_err() && lines("x").is_err()
    );
    assert!(count("0").is_ok() && count("100000").is_ok() && bytes("1048576").is_ok());
    for text in [
        "",
        "-1",
        "+1",
        "100001",
        "1k",
        "1.5",
        "99999999999999999999",
    ] {
        assert!(count(text).is_err(), "{text:?}");
    }
    assert!(bytes("1073741825").is_err() && bytes("1m").is_err());
    assert!(container("my.app.run.7").is_ok());
    for text in ["", "-a", "a b", "../a", "a/b", "a\n", ".a"] {
        assert!(container(text).is_err(), "{text:?}");
    }
    assert!(identifier("5cruaotm4yzzpnjlsdunblj8qyjp=").is_ok());
    for text in ["", "a b", "-x", "a;b", "../x"] {
        assert!(identifier(text).is_err(), "{text:?}");
    }
}
