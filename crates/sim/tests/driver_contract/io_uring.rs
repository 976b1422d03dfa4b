//! What only the kernel's driver can get wrong: limits of the machine.
