//! How the program is linked.

/// A megabyte of the file is addresses that the loader puts right at the start. Written down as a bitmap (DT_RELR) they
/// are some kilobytes; glibc reads that since 2.36, which is Debian 12, and the linkers of that time write it for x86. The
/// `mold` of that time writes it so that glibc refuses it, and is not asked.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |key: &str| std::env::var(key).unwrap_or_default();
    let target = |key: &str| variable(&format!("CARGO_CFG_TARGET_{key}"));
    let is_ours = target("ARCH") == "x86_64" && target("OS") == "linux" && target("ENV") == "gnu";
    let is_release =
        variable("PROFILE") == "release" && !variable("CARGO_ENCODED_RUSTFLAGS").contains("mold");
    if is_ours && is_release {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
