//! Arguments become a command, a command becomes an exit code.

fn main() -> std::process::ExitCode {
    callpost::cli::main()
}
