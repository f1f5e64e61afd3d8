#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| dokku_oneoff::fuzzing::ssh_command(text));
