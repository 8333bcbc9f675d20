//! The machine that a run was made on.

use std::fs::read_to_string;

/// In a few words: processor, cores, memory, system.
pub fn describe() -> String {
    let cpu = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.trim()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = memory.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let virtual_machine = if cpu.contains("hypervisor") { ", a virtual machine" } else { "" };
    format!(
        "{cores} cores of {}{virtual_machine}, {} GiB of memory, Linux {}",
        model.unwrap_or("an unknown processor"),
        (kibibytes + (1 << 19)) >> 20,
        kernel.trim().split('-').next().unwrap_or_default()
    )
}

/// The first line that a command prints.
pub fn version(command: &str, argument: &str) -> String {
    let output = std::process::Command::new(command).arg(argument).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

/// The sets of instructions that libraries choose their routines by, as far as this processor has them.
pub fn vector_instructions() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let known = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("adx", is_x86_feature_detected!("adx")),
        ("sha", is_x86_feature_detected!("sha")),
        ("rdrand", is_x86_feature_detected!("rdrand")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let known: [(&str, bool); 0] = [];
    known.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}
