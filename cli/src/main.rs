//! The `nervecord` program; all of it is in the library's [`command`](nervecord_cli::command).

fn main() -> std::process::ExitCode {
    nervecord_cli::command::main()
}
