#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dokku_oneoff::fuzzing::task_lines(bytes));
