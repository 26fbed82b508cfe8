"""File capabilities as people write them.

Format of the attribute: `struct vfs_cap_data` in the kernel's linux/capability.h; names: capabilities(7).
"""

from __future__ import annotations

import struct

_NAMES = (
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
    "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
    "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
    "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
    "checkpoint_restore",
)  # fmt: skip
_WORDS = {0x01000000: 1, 0x02000000: 2, 0x03000000: 2}
"""By revision: how many 32-bit words each set has."""


def told(attribute: str) -> str:
    """`cap_net_raw+ep` of the attribute in hex; the hex itself where it is of no known form."""
    try:
        raw = bytes.fromhex(attribute)
        magic = struct.unpack_from("<I", raw)[0]
        words = _WORDS[magic & 0xFF000000]
        sets = struct.unpack_from(f"<{2 * words}I", raw, 4)
    except (ValueError, struct.error, KeyError):
        return attribute[:200]
    permitted = sum(word << 32 * at for at, word in enumerate(sets[::2]))
    inheritable = sum(word << 32 * at for at, word in enumerate(sets[1::2]))
    effective = bool(magic & 1)
    found = []
    for bit in range(32 * words):
        flags = ("e" if effective else "") + ("p" if permitted >> bit & 1 else "") + ("i" * (inheritable >> bit & 1))
        if flags.strip("e"):
            name = _NAMES[bit] if bit < len(_NAMES) else str(bit)
            found.append(f"cap_{name}+{''.join(sorted(flags, key='eip'.index))}")
    return ",".join(found)
