//! `nervecord`, built where its tests can call it.

fn main() -> std::process::ExitCode {
    nervecord_cli::command::main()
}
