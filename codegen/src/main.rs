//! The `nervecord` program; all of it is in the library's [`cli`](nervecord_codegen::cli).

fn main() -> std::process::ExitCode {
    nervecord_codegen::cli::main()
}
