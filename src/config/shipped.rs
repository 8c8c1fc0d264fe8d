/// The shipped configuration: what the box does when nobody has written a file.
pub(super) const CONFIG: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/callpost.toml"));

/// The shipped flows, with the names of their files.
pub(super) const FLOWS: &[(&str, &str)] = &[(
    "main.toml",
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/flows/main.toml")),
)];
