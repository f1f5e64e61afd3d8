use super::*;

#[test]
fn times_to_live() {
    for (text, expected) in [
        ("90", Some(90)),
        ("90s", Some(90)),
        ("10m", Some(600)),
        ("2h", Some(7200)),
        ("1d", Some(86_400)),
        ("none", None),
    ] {
        assert_eq!(time_to_live(text).unwrap(), TimeToLive(expected), "{text}");
    }
    for text in [
        "",
        "0",
        "-1",
        "+1",
        "1.5",
        "m",
        "1mm",
        "1 m",
        "1w",
        "never",
        "99999999999999999999",
        "9999999999d",
    ] {
        assert!(time_to_live(text).is_err(), "{text:?}");
    }
    for text in ["", "0", "+5", "5s", "x", "184467440737095516160"] {
        assert!(seconds(text).is_err(), "{text:?}");
    }
}

#[test]
fn pairs() {
    assert_eq!(
        key_value("A=b=c").unwrap(),
        ("A".to_owned(), "b=c".to_owned())
    );
    assert_eq!(key_value("A=").unwrap(), ("A".to_owned(), String::new()));
    for text in ["A", "", "=", "=b"] {
        assert!(key_value(text).is_err(), "{text:?}");
    }
    assert!(label("team=a b").is_ok());
    // Docker sets these two after the labels.
    assert!(label("name=x").is_ok() && label("image=x").is_ok());
    for text in [
        "team",
        "com.dokku.app-name=x",
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

/// Whatever is said, it is taken or refused.
#[test]
fn any_text_is_taken_or_refused() {
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
            moment(&text),
            since(&text),
            time_to_live(&text),
            seconds(&text),
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
            policy(&text),
            on_hangup(&text),
        );
    }
}

#[test]
fn zones_are_within_a_day() {
    for zone in [
        "+99999999999999999999:00",
        "+5124095576030432:00",
        "-25:00",
        "+00:60",
        "+1:2:3",
    ] {
        let text = format!("2026-08-03T05:47:44{zone}");
        assert!(moment(&text).is_err(), "{text}");
    }
    assert!(moment("1970-01-01T00:00:00+14:00").is_ok(), "before 1970");
}

#[test]
fn moments() {
    let expected = humantime::parse_rfc3339("2026-08-03T05:47:44Z").unwrap();
    for text in [
        "2026-08-03T05:47:44Z",
        "2026-08-03T05:47:44",
        "2026-08-03T05:47:44.0",
        "2026-08-03T07:47:44+02:00",
        "2026-08-03T02:17:44-03:30",
        "1785736064",
    ] {
        assert_eq!(moment(text).unwrap(), expected, "{text}");
    }
    let midnight = humantime::parse_rfc3339("2026-08-03T00:00:00Z").unwrap();
    assert_eq!(moment("2026-08-03").unwrap(), midnight);
    let then = moment("1h30m").unwrap();
    let ago = SystemTime::now().duration_since(then);
    assert_eq!(ago.unwrap().as_secs() / 60, 90);
    for text in [
        "",
        "soon",
        "10x",
        "2026-13-03",
        "2026-08-03T05:47:44+02",
        "10m+",
        "5:47",
    ] {
        assert!(moment(text).is_err(), "{text:?}");
    }
}

#[test]
fn sizes_counts_and_names() {
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
    assert!(since("10m").is_ok() && since("2026-08-03T05:47:44Z").is_ok());
    assert!(since("").is_err() && since("-1").is_err() && since("1 2").is_err());
    assert!(container("my.app.run.7").is_ok());
    for text in ["", "-a", "a b", "../a", "a/b", "a\n", ".a"] {
        assert!(container(text).is_err(), "{text:?}");
    }
    assert!(identifier("5cruaotm4yzzpnjlsdunblj8qyjp=").is_ok());
    for text in ["", "a b", "-x", "a;b", "../x"] {
        assert!(identifier(text).is_err(), "{text:?}");
    }
}
