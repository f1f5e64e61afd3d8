use super::*;

/// The exports of plugin `my-plugin` with these two files, as `A=B C=D`; `plugn` if only plugn
/// can determine them.
fn exported(plugin_toml: &str, config_toml: &str, variables: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let available = directory.path().join("available/my-plugin");
    fs::create_dir_all(&available).unwrap();
    fs::write(available.join("plugin.toml"), plugin_toml).unwrap();
    fs::write(directory.path().join("config.toml"), config_toml).unwrap();
    let exports = exports(directory.path(), "my-plugin", |name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| value.into())
    });
    let Some(exports) = exports else {
        return "plugn".to_owned();
    };
    let pairs: Vec<String> = exports
        .iter()
        .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
        .collect();
    pairs.join(" ")
}

#[test]
fn plugin_config_is_read_from_the_environment_and_then_the_file() {
    let keys = "[plugin.config]\na-key = \"ignored\"\nother = \"\"\n";
    let config = "[my-plugin]\na-key = \"of the file\"\n[another]\nother = \"x\"\n";
    assert_eq!(
        exported(keys, config, &[]),
        "CONFIG_A_KEY=of the file CONFIG_OTHER="
    );
    let variables = [("MY_PLUGIN_A_KEY", "set"), ("MY_PLUGIN_OTHER", "")];
    assert_eq!(
        exported(keys, config, &variables),
        "CONFIG_A_KEY=set CONFIG_OTHER="
    );
}

#[test]
fn a_plugin_without_config_keys_exports_nothing() {
    for toml in [
        "",
        "[plugin]\nversion = \"1\"\n",
        "[plugin]\ndescription = \"the config of x\"\n[plugin.config]\n\n# none\n",
    ] {
        assert_eq!(exported(toml, "not = TOML at all", &[]), "", "{toml}");
    }
}

#[test]
fn ambiguous_plugin_config_is_delegated_to_plugn() {
    for toml in [
        "[plugin]\nconfig = { key = \"\" }\n",
        "[plugin]\nconfig.key = \"\"\n",
        "[plugin . config]\nkey = \"\"\n",
        "[plugin.config.key]\n",
        "[plugin.config]\nkey = [\n]\n",
    ] {
        assert_eq!(exported(toml, "", &[]), "plugn", "{toml}");
    }
    for config in [
        "[my-plugin]\nkey = 1\n",
        "[another]\nkey = true\n",
        "[my-plugin]\nkey = \"$(id)\"\n",
        "[my-plugin]\nkey = 'a\"b'\n",
        "[my-plugin.sub]\nkey = \"\"\n",
        "key = \"\"\n",
    ] {
        let keys = "[plugin.config]\nkey = \"\"\n";
        assert_eq!(exported(keys, config, &[]), "plugn", "{config}");
    }
}
