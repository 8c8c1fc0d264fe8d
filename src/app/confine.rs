//! The program shuts itself in before it meets the network: it writes where its data lies and nowhere else (Landlock), makes
//! no system call that a telephone never needs (seccomp), and leaves no memory behind when it dies.
//!
//! This is the second wall. The first is the unit of `systemd/`, which lets through a list of calls; here a list is refused,
//! so that a box started by hand, or in a container, is not open either. What the kernel does not know is left out, and the
//! log says so: an old kernel is no reason not to answer the telephone.

use super::revision::FIRST_FILE;
use crate::config::{Config, Texts};
use crate::keeping::StorageKind;
use crate::upstream::Target;
use landlock::{
    ABI, Access as _, AccessFs, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus,
    path_beneath_rules,
};
use std::fmt;
use std::path::{Path, PathBuf};

/// The newest access rights that are asked for; older kernels enforce what they know of them.
const RIGHTS: ABI = ABI::V5;

/// What holds the process in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// By Landlock.
    pub files: Wall,
    /// By seccomp.
    pub calls: Wall,
    /// Whether other programs may be started: one that speaks texts, or writes down messages.
    pub may_start_programs: bool,
    /// Whether memory is kept out of core dumps and from debuggers.
    pub memory: Wall,
}

/// Whether a wall stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wall {
    /// As high as it was asked for.
    Stands,
    /// The kernel knows a part of what was asked for.
    Partly,
    /// Not here, and why.
    Missing(String),
}

impl Confinement {
    /// Whether every wall stands that this processor can have.
    pub fn is_whole(&self) -> bool {
        let filters_calls = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
        self.files == Wall::Stands
            && self.memory == Wall::Stands
            && (self.calls == Wall::Stands || !filters_calls)
    }

    /// Shuts this thread, and all that it starts, in. Cannot be undone, so it comes before the first thread.
    pub fn enter(config: &Config, texts: &Texts, data_dir: &Path) -> Self {
        let may_start_programs = config.transcription.is_on() || on_the_search_path("espeak-ng");
        // Where a changed configuration is written when it was only in the binary so far.
        let first = texts.file().is_none().then(|| folder_of(Path::new(FIRST_FILE)));
        for folder in config
            .recording
            .dir
            .iter()
            .map(PathBuf::as_path)
            .chain([data_dir])
            .chain(first.as_deref())
        {
            // What cannot be made now cannot be opened later either, and is told then.
            let _ = std::fs::create_dir_all(folder);
        }
        Self {
            memory: keep_memory(),
            files: confine_files(&writable(config, texts, data_dir)),
            calls: refuse_calls(may_start_programs),
            may_start_programs,
        }
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "files {}, system calls {}, memory {}{}",
            self.files,
            self.calls,
            self.memory,
            if self.may_start_programs {
                ", programs for speech may be started"
            } else {
                ""
            }
        )
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stands => out.write_str("confined"),
            Self::Partly => out.write_str("partly confined"),
            Self::Missing(reason) => write!(out, "not confined ({reason})"),
        }
    }
}

/// Every folder that this configuration has something written to.
fn writable(config: &Config, texts: &Texts, data_dir: &Path) -> Vec<PathBuf> {
    let mut folders = vec![data_dir.to_owned(), std::env::temp_dir()];
    // The configuration is changed over the network by those who may; where it is a link, in the place it leads to.
    let file = texts.file().unwrap_or(Path::new(FIRST_FILE));
    folders.push(folder_of(file));
    folders.extend(std::fs::canonicalize(file).ok().map(|real| folder_of(&real)));
    folders.extend(config.recording.dir.clone());
    folders.extend(
        config
            .upstreams
            .iter()
            .filter_map(|upstream| match &upstream.target {
                Target::File(section) => Some(folder_of(&section.path)),
                Target::Webhook(_)
                | Target::Nats(_)
                | Target::Postgres(_)
                | Target::Mqtt(_)
                | Target::Syslog(_) => None,
            }),
    );
    folders.extend(
        config
            .storages
            .iter()
            .filter(|storage| storage.kind == StorageKind::Local)
            // The folder above: a disk that is put in later is mounted over this one.
            .filter_map(|storage| storage.dir.as_deref().map(folder_of)),
    );
    folders
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn confine_files(folders: &[PathBuf]) -> Wall {
    let all = AccessFs::from_all(RIGHTS);
    let confined = Ruleset::default()
        .handle_access(all)
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rules(path_beneath_rules(["/"], AccessFs::from_read(RIGHTS))))
        .and_then(|rules| rules.add_rules(path_beneath_rules(folders, all & !AccessFs::Execute)))
        .and_then(|rules| {
            // Programs that are started have their output thrown away there.
            rules.add_rules(path_beneath_rules(["/dev/null"], AccessFs::from_file(RIGHTS)))
        })
        .and_then(|rules| rules.restrict_self());
    match confined {
        Ok(status) => match status.ruleset {
            RulesetStatus::FullyEnforced => Wall::Stands,
            RulesetStatus::PartiallyEnforced => Wall::Partly,
            RulesetStatus::NotEnforced => Wall::Missing("this kernel has no Landlock".to_owned()),
        },
        Err(error) => Wall::Missing(error.to_string()),
    }
}

/// No core dump, and no other program of this user looks into this one.
fn keep_memory() -> Wall {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // The unit has forbidden both: cores, and changing what is forbidden.
    let no_cores = || getrlimit(Resource::Core).current == Some(0);
    let kept = setrlimit(Resource::Core, none)
        .or_else(|error| if no_cores() { Ok(()) } else { Err(error) })
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    match kept {
        Ok(()) => Wall::Stands,
        Err(error) => Wall::Missing(error.to_string()),
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn refuse_calls(may_start_programs: bool) -> Wall {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
    let programs: &[i64] = if may_start_programs {
        &[]
    } else {
        &[libc::SYS_execve, libc::SYS_execveat]
    };
    let refused = NEVER_NEEDED.iter().chain(programs);
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let apply = || -> Result<(), Box<dyn std::error::Error>> {
        let filter = SeccompFilter::new(
            refused.map(|call| (*call, Vec::new())).collect(),
            SeccompAction::Allow,
            refuse,
            TargetArch::try_from(std::env::consts::ARCH)?,
        )?;
        seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
        Ok(())
    };
    match apply() {
        Ok(()) => Wall::Stands,
        Err(error) => Wall::Missing(error.to_string()),
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn refuse_calls(_may_start_programs: bool) -> Wall {
    Wall::Missing(format!("by the unit alone on {}", std::env::consts::ARCH))
}

/// Looking into other processes, changing the kernel, the clock, the machine or the tree of files, and the ways into the
/// kernel that faults are found in most.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const NEVER_NEEDED: &[i64] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fsconfig,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_personality,
];

/// Whether a program of this name could be started.
fn on_the_search_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|folder| folder.join(program).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::process::Command;

    #[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
    fn skip(reason: &str) {
        eprintln!("skipped: {reason}");
    }

    /// In a thread of its own: what is shut in stays so, and the other tests go on.
    fn shut_in<T: Send + 'static>(attempt: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::spawn(attempt).join().unwrap()
    }

    /// ROBUSTNESS 73.
    #[test]
    fn files_are_written_where_the_data_lies_and_nowhere_else() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("flow.toml"), "read me").unwrap();
        let (data, elsewhere) = (inside.path().to_owned(), outside.path().to_owned());
        let seen = shut_in(move || {
            let wall = confine_files(std::slice::from_ref(&data));
            let attempts = (
                std::fs::write(data.join("callpost.db"), "a row"),
                std::fs::rename(data.join("callpost.db"), data.join("renamed.db")),
                std::fs::read_to_string(elsewhere.join("flow.toml")),
                std::fs::write(elsewhere.join("stolen"), "x"),
                std::fs::remove_file(elsewhere.join("flow.toml")),
            );
            (wall, attempts)
        });
        let (wall, (written, renamed, read, stolen, removed)) = seen;
        if let Wall::Missing(reason) = wall {
            return skip(&reason);
        }
        written.unwrap();
        renamed.unwrap();
        assert_eq!(
            read.unwrap(),
            "read me",
            "configuration and certificates can lie anywhere"
        );
        assert_eq!(stolen.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(removed.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }

    /// ROBUSTNESS 73: `execve` and `ptrace` are denied.
    #[test]
    fn no_program_is_started_where_none_speaks_or_writes_for_the_box() {
        let start = || Command::new("true").status();
        let (wall, refused) = shut_in(move || (refuse_calls(false), start()));
        if let Wall::Missing(reason) = wall {
            return skip(&reason);
        }
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::PermissionDenied);
        let (_, started) = shut_in(move || (refuse_calls(true), start()));
        assert!(started.unwrap().success(), "one that speaks texts can be");
        // unshare(1) makes the call of its name, and is a child of what is shut in.
        let apart = || Command::new("unshare").args(["--user", "true"]).output();
        let (_, apart) = shut_in(move || (refuse_calls(true), apart()));
        let Ok(apart) = apart else {
            return skip("unshare is not installed");
        };
        assert!(!apart.status.success(), "what is shut in shuts in its children");
    }

    #[test]
    fn what_is_written_is_found_in_the_configuration() {
        assert_eq!(
            folder_of(Path::new("/srv/out/records.jsonl")),
            Path::new("/srv/out")
        );
        assert_eq!(folder_of(Path::new("records.jsonl")), Path::new("."));
    }
}
