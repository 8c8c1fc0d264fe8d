//! simulate (being written)
use std::process::ExitCode;
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}
pub(super) fn simulate(_: &Arguments) -> ExitCode { ExitCode::FAILURE }
