//! Which CPUs there are for us, and staying on one of them.
//!
//! A core thread that wanders loses its caches, and its ring's interrupts no longer meet it. Respects what the
//! operator allowed (cpusets, `taskset`): only those CPUs are ever named.

use std::io;

/// The CPUs that the calling thread may use, ascending.
///
/// # Errors
/// If the machine has more CPUs than the kernel interface used here can name (1024).
pub fn allowed_cpus() -> io::Result<Vec<usize>> {
    crate::sys::allowed_cpus()
}

/// Keeps the calling thread, and threads that it starts later, on `cpu`.
///
/// # Errors
/// If `cpu` does not exist or is not allowed.
pub fn pin_current_thread(cpu: usize) -> io::Result<()> {
    crate::sys::stay_on_cpus(&[cpu])
}

/// Keeps the calling thread off `cpus`, where others are pinned that must not be disturbed. Does nothing if no other is allowed.
///
/// # Errors
/// If the machine has more CPUs than the kernel interface used here can name (1024).
pub fn keep_current_thread_off(cpus: &[usize]) -> io::Result<()> {
    let mut rest = allowed_cpus()?;
    rest.retain(|cpu| !cpus.contains(cpu));
    if rest.is_empty() {
        return Ok(());
    }
    crate::sys::stay_on_cpus(&rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_has_one_allowed_cpu() {
        let last = *allowed_cpus().unwrap().last().unwrap();
        let after = std::thread::spawn(move || {
            pin_current_thread(last).unwrap();
            allowed_cpus().unwrap()
        });
        assert_eq!(after.join().unwrap(), [last]);
    }

    #[test]
    fn a_thread_keeps_off_what_others_need_if_it_can() {
        let all = allowed_cpus().unwrap();
        let after = |avoided: Vec<usize>| {
            std::thread::spawn(move || {
                keep_current_thread_off(&avoided).unwrap();
                allowed_cpus().unwrap()
            })
            .join()
            .unwrap()
        };
        assert_eq!(after(all.clone()), all, "there is no other");
        if let [first, rest @ ..] = &all[..]
            && !rest.is_empty()
        {
            assert_eq!(after(vec![*first]), rest);
        }
    }

    #[test]
    fn a_cpu_that_does_not_exist_is_refused() {
        assert!(pin_current_thread(1023).is_err());
        assert!(pin_current_thread(usize::MAX).is_err());
    }
}
