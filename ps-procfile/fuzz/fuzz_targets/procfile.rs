//! Any bytes as a Procfile. Invariant: it checks what the property tests check, on inputs that reach new code.
#![no_main]

#[path = "../../tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|source: &[u8]| checks::check_input(source));
