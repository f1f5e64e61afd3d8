//! The order of the rooms of `src/` (docs/architecture.md): a room uses rooms below it only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::repository;

/// From the top down. Rooms of one floor use nothing of each other.
const FLOORS: [&[&str]; 17] = [
    &["", "fuzzing"],
    &["cli", "trigger", "agent"],
    &["task::attach", "task::delegate"],
    &["task::launch"],
    &["task::control"],
    &["task::handoff"],
    &["task::teardown"],
    &["task::journal"],
    &["task::spec", "task::events"],
    &["task::model"],
    &["record"],
    &["logs"],
    &["settings"],
    &["docker"],
    &["dokku"],
    &["sys"],
    &["ui"],
];

/// The floor of a module path, 0 for the top, and the room.
fn floor_of(module: &str) -> Option<(usize, &'static str)> {
    FLOORS.iter().enumerate().find_map(|(floor, rooms)| {
        let room = rooms.iter().find(|room| {
            module == **room
                || module
                    .strip_prefix(**room)
                    .is_some_and(|rest| !room.is_empty() && rest.starts_with("::"))
        });
        Some((floor, *room?))
    })
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// `task::attach::monitor` of `src/task/attach/monitor/mod.rs`.
fn module_of(source: &Path, root: &Path) -> String {
    let path = source.strip_prefix(root).unwrap().with_extension("");
    let mut parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
    if matches!(parts.last(), Some(&"mod" | &"lib")) {
        parts.pop();
    }
    parts.join("::")
}

/// The paths after `crate::` in a source, groups in braces written out; comments are left out.
fn crate_paths(source: &str) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut paths = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let path: String = rest
            .chars()
            .take_while(|character| character.is_alphanumeric() || "_:".contains(*character))
            .collect();
        let group = rest[path.len()..]
            .strip_prefix('{')
            .filter(|_| path.ends_with("::") || path.is_empty());
        let Some(group) = group else {
            paths.insert(path.trim_end_matches(':').to_owned());
            continue;
        };
        let end = group.find('}').unwrap();
        for item in group[..end]
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let name: String = item
                .chars()
                .take_while(|character| character.is_alphanumeric() || "_:".contains(*character))
                .collect();
            paths.insert(format!("{path}{name}"));
        }
    }
    paths
}

#[test]
fn no_room_uses_a_room_above_it_or_beside_it() {
    let directory = repository().join("src");
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for source in sources(&directory) {
        let module = module_of(&source, &directory);
        if module.starts_with("bin::") {
            continue;
        }
        let Some((floor, room)) = floor_of(&module) else {
            // `task` itself only declares its rooms.
            assert_eq!(module, "task", "a module that is in no room of the list");
            continue;
        };
        for path in crate_paths(&fs::read_to_string(&source).unwrap()) {
            let Some((used_floor, used)) = floor_of(&path) else {
                continue;
            };
            arrows += usize::from(used != room);
            if used != room && used_floor <= floor {
                wrong.push(format!("{module} uses {path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        arrows > 100,
        "only {arrows} uses were found: the search misses them"
    );
}

#[test]
fn the_host_has_methods_in_one_file_only() {
    let directory = repository().join("src");
    let has_methods = |source: &PathBuf| {
        let text = fs::read_to_string(source).unwrap();
        text.lines().any(|line| line.trim_end() == "impl Host {")
    };
    let mut files = sources(&directory);
    files.retain(has_methods);
    assert_eq!(files, [directory.join("dokku/host.rs")]);
}

#[test]
fn the_search_reads_groups_and_single_paths() {
    let source = "use crate::a::b;\nuse crate::c::{self, D, e::F};\n// use crate::comment::x;\nfn f() { crate::g::h(); }\nuse crate::{i, j::k};\n";
    let expected = ["a::b", "c::D", "c::e::F", "c::self", "g::h", "i", "j::k"];
    assert_eq!(crate_paths(source), expected.map(str::to_owned).into());
    assert_eq!(floor_of("task::launch::create"), Some((3, "task::launch")));
    assert_eq!(floor_of("dokku_other"), None);
}

/// Whether this is a module `tests`, or is within one.
fn is_test_module(module: &str) -> bool {
    module.split("::").any(|part| part == "tests")
}

/// The rules of a container's status are methods of it, so that they exist once.
#[test]
fn only_container_state_matches_a_container_status() {
    let directory = repository().join("src");
    let mut uses = Vec::new();
    for source in sources(&directory) {
        let module = module_of(&source, &directory);
        let text = fs::read_to_string(&source).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let is_test = is_test_module(&module) || module == "docker::container_state";
        let names_a_status = |line: &&str| {
            line.match_indices("Status::").any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(char::is_alphanumeric)
            })
        };
        if !is_test {
            uses.extend(
                code.lines()
                    .filter(names_a_status)
                    .map(|line| format!("{module}: {line}")),
            );
        }
    }
    // Words of another process of the plugin, and docker's JSON, become a status there.
    uses.retain(|line| !line.contains("Status::from_word("));
    assert!(uses.is_empty(), "{uses:#?}");
}

/// Every process is started through the builder, whose options hold for every start.
#[test]
fn only_the_process_builder_uses_duct() {
    let directory = repository().join("src");
    // Test modules inside of a file are indented.
    let uses = |source: &PathBuf| {
        let module = module_of(source, &directory);
        let text = fs::read_to_string(source).unwrap();
        let is_exempt = is_test_module(&module) || module.starts_with("sys::process");
        !is_exempt && text.lines().any(|line| line.starts_with("use duct::"))
    };
    let uses: Vec<PathBuf> = sources(&directory).into_iter().filter(uses).collect();
    assert!(uses.is_empty(), "{uses:?}");
}
