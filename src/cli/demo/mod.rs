//! demo (being written)
use std::process::ExitCode;
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}
pub(super) fn demo(_: &Arguments) -> ExitCode { ExitCode::FAILURE }
