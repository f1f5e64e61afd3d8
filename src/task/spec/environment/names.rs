//! Which variables may be passed to docker's client in its own environment.
//!
//! There is no other way for a value that an env file cannot carry: docker's client accepts a
//! value from a line of a file, from its command line, which `ps` shows, or from its own
//! environment (`opts/env.go` and `pkg/kvfile` of docker/cli). So the name of a variable
//! decides whether the variable may be passed.
//!
//! A client that is an executable file (ELF) is a Go program: docker's or podman's. This client
//! and the programs that it starts (ssh for `DOCKER_HOST=ssh://…`, a shell for ssh's
//! `ProxyCommand`, credential helpers, its plugins) read a closed set of names, which are
//! listed below. None of them reads the variables of interpreters and other tools (`PERL5LIB`,
//! `NODE_OPTIONS`, `JAVA_TOOL_OPTIONS`, `GIT_SSH_COMMAND`); those variables belong to apps.
//!
//! A client that is a script is run by an unknown interpreter, and may start any program: only
//! the names of credentials are passed to it, since programs read such variables only when they
//! are told to.

/// The kernel's loader, C libraries, and variables of the user's session that any program may
/// read.
const SYSTEM: &[&str] = &[
    "CREDENTIALS_DIRECTORY",
    "DBUS_*",
    "DISPLAY",
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_*",
    "HOME",
    "HOSTALIASES",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "KRB5*",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "LD_*",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LOCALDOMAIN",
    "LOCPATH",
    "LOGNAME",
    "MALLOC_*",
    "NLSPATH",
    "NOTIFY_SOCKET",
    "NSS_*",
    "OLDPWD",
    "OPENSSL_*",
    "P11_*",
    "PATH",
    "POSIXLY_CORRECT",
    "PWD",
    "RES_OPTIONS",
    "SASL_*",
    "SHELL",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "SSH_AUTH_SOCK",
    "SSH_ORIGINAL_COMMAND",
    "SSH_SK_HELPER",
    "SSH_SK_PROVIDER",
    "SSLKEYLOGFILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SUDO_*",
    "SYSTEMD_*",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TZ",
    "TZDIR",
    "UID",
    "USER",
    "WATCHDOG_*",
    "XDG_*",
    "ZONEINFO",
];

/// Docker's client and podman, their libraries, plugins and helpers, and Dokku: the client may
/// be a wrapper of Dokku's.
const DOCKER: &[&str] = &[
    "BUILDAH_*",
    "BUILDKIT_*",
    "BUILDX_*",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "CNI_*",
    "COLORTERM",
    "COLUMNS",
    "COMPOSE_*",
    "CONTAINERD_*",
    "CONTAINERS_*",
    "CONTAINER_*",
    "DOCKER_*",
    "DOKKU_*",
    "FORCE_COLOR",
    "GNUPGHOME",
    "GO_*",
    "GPG_*",
    "GRPC_*",
    "HTTP2*",
    "LINES",
    "MOBY_*",
    "NETAVARK_*",
    "NOTARY_*",
    "NO_COLOR",
    "OTEL_*",
    "PASSWORD_STORE_*",
    "PLUGIN_*",
    "PODMAN_*",
    "REGISTRIES_*",
    "REGISTRY_AUTH_FILE",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "TERM",
    "TERMCAP",
    "TERMINFO",
    "TERMINFO_DIRS",
    "_CONTAINERS_*",
];

/// Shells.
const SHELLS: &[&str] = &[
    "BASH*",
    "CDPATH",
    "ENV",
    "EXECIGNORE",
    "FCEDIT",
    "FPATH",
    "FUNCNEST",
    "GLOBIGNORE",
    "HISTFILE",
    "IFS",
    "INPUTRC",
    "PROMPT_COMMAND",
    "PS1",
    "PS2",
    "PS4",
    "SHELLOPTS",
    "SHLVL",
    "TIMEFORMAT",
    "TMOUT",
    "ZDOTDIR",
    "_",
];

/// The last part of the names of credentials, after the last `_`.
const CREDENTIALS: &[&str] = &[
    "CERT",
    "CERTIFICATE",
    "CERTIFICATES",
    "CERTS",
    "CHAIN",
    "CREDENTIAL",
    "CREDENTIALS",
    "JSON",
    "KEY",
    "KEYS",
    "PASSPHRASE",
    "PASSWORD",
    "PEM",
    "SECRET",
    "SECRETS",
    "TOKEN",
];

/// Names with such an ending that a program reads without being told to: those of node and git.
const NO_CREDENTIALS: &[&str] = &["GIT_SSL_CERT", "GIT_SSL_KEY", "NODE_EXTRA_CA_CERTS"];

/// Whether docker's client or a program that it starts may read a variable of this name.
pub(crate) fn is_read_by_client(name: &str) -> bool {
    let is_meant = |listed: &&str| match listed.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *listed,
    };
    [SYSTEM, DOCKER, SHELLS]
        .iter()
        .any(|list| list.iter().any(is_meant))
        // The variables of Go's runtime have no `_`: `GODEBUG`, `GOMAXPROCS`;
        // `GOOGLE_CREDENTIALS` has one.
        || (name.starts_with("GO") && !name.contains('_'))
        || name.to_ascii_lowercase().ends_with("_proxy")
}

/// Whether the name is that of a credential.
pub(crate) fn is_credential(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let ending = name.rsplit_once('_').map(|(_, ending)| ending);
    name.bytes().all(is_plain)
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && ending.is_some_and(|ending| CREDENTIALS.contains(&ending))
        && !NO_CREDENTIALS.contains(&name)
}
