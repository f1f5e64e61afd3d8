//! Our bus and Dokku's: the same hooks, through plugn and through ours.
//!
//! plugn is the embedded host's, or the installed one; the plugins are a test's own.

mod scene;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::support::{Host, Image, Log};
use scene::Scene;

#[test]
fn hooks_run_in_byte_order_of_their_plugins() {
    let scene = Scene::new();
    for plugin in ["b", "B", "_x", "10_a", "9", "a-b", "a.b", "a_b", ".hidden"] {
        scene.hook(
            plugin,
            "ask",
            &format!("printf '%s;' {plugin}; echo {plugin} >&2"),
        );
    }
    let output = scene.served("ask", &[]);
    assert_eq!(output.stdout, "10_a;9;B;_x;a-b;a.b;a_b;b;");
}

#[test]
fn hook_arguments_arrive_byte_for_byte() {
    let scene = Scene::new();
    scene.hook("a", "ask", r#"printf '<%s>' "$#" "$@""#);
    let odd: [&OsStr; 6] = [
        OsStr::new(""),
        OsStr::new("a  b\n"),
        OsStr::new("--app"),
        OsStr::new("$(id)*\"'\\"),
        OsStr::new("é"),
        OsStr::from_bytes(b"\xff"),
    ];
    scene.served("ask", &odd);
}

#[test]
fn the_first_hook_that_reads_stdin_consumes_all_of_it() {
    let scene = Scene::new();
    scene.hook("a", "ask", "echo first; head -c 3");
    scene.hook("b", "ask", "echo second; cat");
    scene.hook("c", "ask", "echo third; cat");
    scene.input("one\ntwo\n");
    let output = scene.served("ask", &[]);
    assert!(output.stdout.ends_with("third\n"), "{output:?}");
}

#[test]
fn the_first_failing_hook_ends_the_trigger() {
    for (end, code) in [
        ("exit 3", 3),
        ("exit 255", 255),
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
    ] {
        let scene = Scene::new();
        scene.hook("a", "ask", "echo a");
        scene.hook("b", "ask", &format!("echo b; {end}"));
        scene.hook("c", "ask", "echo c");
        // plugn's shell says on stderr that a hook was killed.
        let (plugns, ours) = scene.both("ask", &[]);
        assert_eq!((plugns.code, plugns.stdout), (code, "a\nb\n".to_owned()));
        assert_eq!((ours.code, ours.stdout), (code, "a\nb\n".to_owned()));
    }
}

#[test]
fn a_hook_that_is_not_executable_is_skipped_with_a_message() {
    let scene = Scene::new();
    scene.hook("a", "ask", "echo a >&2");
    scene.hook("b", "ask", "echo b >&2");
    scene.hook("c", "ask", "echo c >&2");
    scene.set_mode("b", "ask", 0o644);
    let output = scene.served("ask", &[]);
    assert_eq!(
        output.stderr,
        "a\nTrigger 'ask' is not executable, skipping plugin (b)\nc\n"
    );
}

#[test]
fn a_directory_or_broken_link_is_not_run_as_a_hook() {
    let scene = Scene::new();
    scene.hook("a", "ask", "echo a");
    scene.directory("b", "ask");
    scene.link_to_nothing("c", "ask");
    scene.served("ask", &[]).assert_stdout("a\n");
    scene.served("nobody-has-it", &[]).assert_stdout("");
    scene.served("", &[]).assert_stdout("");
}

#[test]
fn a_hook_without_a_shebang_is_run_by_bash() {
    let scene = Scene::new();
    scene.file(
        "a",
        "ask",
        "echo \"$1\"; [[ -n $BASH_VERSION ]] && echo bash\n",
    );
    scene
        .served("ask", &[OsStr::new("x y")])
        .assert_stdout("x y\nbash\n");
}

#[test]
fn a_hook_with_a_missing_interpreter_ends_the_trigger_with_126() {
    let scene = Scene::new();
    scene.file("a", "ask", "#!/no/such/program\n");
    scene.hook("b", "ask", "echo b");
    let (plugns, ours) = scene.both("ask", &[]);
    assert_eq!((plugns.code, plugns.stdout), (126, String::new()));
    assert_eq!((ours.code, ours.stdout), (126, String::new()));
}

#[test]
fn plugin_config_is_exported_to_its_hook_and_all_later_hooks() {
    const SHOW: &str = "env | grep '^CONFIG_' | sort";
    let scene = Scene::new();
    for plugin in ["a", "b-c", "d"] {
        scene.hook(plugin, "ask", &format!("echo {plugin}; {SHOW}; true"));
    }
    scene.toml("b-c", "[plugin]\nversion = \"1\"\n[plugin.config]\nfrom-file = \"x\"\nempty = ''\nset = \"\" # said\nboth = \"\"\n");
    scene.configuration("[b-c]\nfrom-file = \"it's one  value; # &\"\nboth = \"file\"\nno-key = \"1\"\n[d]\nset = \"not d's\"\n");
    scene.variable("B_C_SET", "of the environment");
    scene.variable("B_C_BOTH", "environment");
    let output = scene.served("ask", &[]);
    let configured = "CONFIG_BOTH=environment\nCONFIG_EMPTY=\n\
                      CONFIG_FROM_FILE=it's one  value; # &\nCONFIG_SET=of the environment\n";
    assert_eq!(
        output.stdout,
        format!("a\nb-c\n{configured}d\n{configured}")
    );
}

#[test]
fn a_hook_runs_silently_without_a_plugin_config_table() {
    for toml in [Some("[plugin]\nversion = \"1\"\n"), None] {
        let scene = Scene::new();
        scene.hook("a", "ask", "echo a");
        match toml {
            Some(text) => scene.toml("a", text),
            None => scene.remove("a", "plugin.toml"),
        }
        let (plugns, ours) = scene.both("ask", &[]);
        assert_eq!((plugns.code, plugns.stdout.as_str()), (0, "a\n"));
        assert_ne!(plugns.stderr, "");
        ours.assert_stdout("a\n");
    }
}

#[test]
fn config_with_shell_expansions_is_delegated_to_plugn() {
    let scene = Scene::new();
    scene.hook("a", "ask", "echo \"$CONFIG_KEY\"");
    scene.toml("a", "[plugin.config]\nkey = \"\"\n");
    scene.configuration("[a]\nkey = \"$((6 * 7)) $WHO\"\n");
    scene.variable("WHO", "me");
    let (plugns, ours) = scene.both("ask", &[]);
    plugns.assert_stdout("42 me\n");
    assert_eq!(ours, plugns);
}

#[test]
fn a_plugin_name_with_a_space_fails_as_with_plugn() {
    let scene = Scene::new();
    scene.hook("a", "ask", "echo a");
    scene.hook("b c", "ask", "echo b c");
    let (plugns, ours) = scene.both("ask", &[]);
    assert_eq!((plugns.code, plugns.stdout.as_str()), (127, "a\n"));
    assert_eq!((ours.code, ours.stdout), (plugns.code, plugns.stdout));
}

#[test]
fn the_events_plugin_logs_only_when_dokku_events_is_set() {
    for (value, written) in [(None, ""), (Some(""), ""), (Some("1"), "an event\n")] {
        let scene = Scene::new();
        scene.hook(
            "20_events",
            "ask",
            "[ -z \"$DOKKU_EVENTS\" ] || echo an event",
        );
        scene.hook("a", "ask", "echo a");
        if let Some(value) = value {
            scene.variable("DOKKU_EVENTS", value);
        }
        scene
            .served("ask", &[])
            .assert_stdout(&format!("{written}a\n"));
    }
}

#[test]
fn every_call_except_trigger_is_delegated_to_plugn() {
    let scene = Scene::new();
    scene.hook("a", "ask", "echo a");
    for words in [
        &["version"][..],
        &["list"],
        &["no-such-word"],
        &[],
        &["trigger"],
    ] {
        let (plugns, ours) = scene.both_say(&words.iter().map(OsStr::new).collect::<Vec<_>>());
        assert_eq!(ours, plugns, "{words:?}");
    }
    scene.variable("PLUGIN_PATH", "");
    let (plugns, ours) = scene.both("ask", &[]);
    assert_eq!(ours, plugns);
}

#[test]
fn two_installed_trees_do_not_delegate_to_each_other_forever() {
    let scene = Scene::new();
    let (plugns, ours) = scene.with_another_tree(&[OsStr::new("version")]);
    assert_eq!(ours, plugns);
}

#[test]
fn hooks_of_run_find_only_our_plugn_first_on_path() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let log = Log::new();
    let script = format!(
        "[ \"$1\" != {} ] || {{ command -v plugn; printf '%s\\n' \"$PATH\"; plugn trigger oneoff-test-inner; }} >{}",
        app.name,
        log.path().display()
    );
    host.add_hook("oneoff-test-path", "docker-args-run", &script);
    host.add_hook(
        "oneoff-test-inner",
        "oneoff-test-inner",
        "printf '%s\\n' \"$PATH\"",
    );
    app.run(["true"]).assert_stdout("");
    let found = log.read();
    let [plugn, path, inner] = found.lines().collect::<Vec<_>>()[..] else {
        panic!("{found:?}");
    };
    let ours = scene::own_directory(&host);
    assert_eq!(plugn, ours.join("plugn").to_str().unwrap());
    assert!(path.starts_with(&format!("{}:", ours.display())), "{path}");
    assert_eq!(inner, path, "a hook of a hook has the same");
    let beside: Vec<OsString> = std::fs::read_dir(&ours)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(beside, ["plugn"], "it would stand before another program");
}
