# SPDX-License-Identifier: GPL-3.0-or-later
"""What a computer needs for a USRP, apart from the device: images, permissions, buffers, priority.

Every check looks at files and limits of Linux only; none needs UHD, and none touches a device.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from ..doctor import Finding

RECEIVE_BUFFER_BYTES = 50_000_000  # of sockets; UHD's documentation asks for them above 1 Gbit/s
SEND_BUFFER_BYTES = 2_500_000
_VENDORS = ("2500", "3923")  # Ettus, National Instruments
_USB3_MBIT_S = 5000
_ROOT = Path("/")


def host_findings(root: Path = _ROOT) -> Iterator[Finding]:
    """All checks; `root` is the folder that stands for / in tests."""
    yield images(root)
    yield usb(root)
    yield socket_buffers(root)
    yield real_time()


def images(root: Path = _ROOT) -> Finding:
    """Firmware and FPGA images, which most devices load at their start."""
    named = os.environ.get("UHD_IMAGES_DIR")
    folders = [Path(named)] if named else []
    folders += [
        root / "usr/share/uhd/images",
        *sorted((root / "usr/share/uhd").glob("*/images")),
    ]
    found = next((folder for folder in folders if any(folder.glob("usrp_*"))), None)
    if found is None:
        return Finding("UHD images", "note", "none found", "uhd_images_downloader, as root")
    return Finding("UHD images", "ok", str(found))


def usb(root: Path = _ROOT) -> Finding:
    """A USRP on USB may be opened, and hangs at a port that is fast enough."""
    name, devices = "USB", _usb_devices(root)
    if not devices:
        return Finding(name, "note", "no USRP is plugged in; those on the network need none")
    for product, node, speed in devices:
        if not os.access(node, os.R_OK | os.W_OK):
            cure = (
                "apt-get install uhd-host, or copy uhd-usrp.rules of UHD to /etc/udev/rules.d; "
                "then udevadm control --reload-rules, and plug it in again"
            )
            return Finding(name, "problem", f"{product}: {node} may not be opened", cure)
        if speed < _USB3_MBIT_S:
            detail = f"{product} runs at {speed} Mbit/s"
            return Finding(name, "note", detail, "use a USB 3 port and cable above 3 Msps")
    return Finding(name, "ok", ", ".join(product for product, _, _ in devices))


def _usb_devices(root: Path) -> list[tuple[str, Path, int]]:
    """(product, device file, Mbit/s) of every USRP on the bus."""
    devices = []
    for folder in sorted((root / "sys/bus/usb/devices").glob("*")):
        vendor = _text(folder / "idVendor")
        if vendor in _VENDORS:
            bus, number = (int(_text(folder / entry) or 0) for entry in ("busnum", "devnum"))
            product = _text(folder / "product") or f"{vendor}:{_text(folder / 'idProduct')}"
            node = root / f"dev/bus/usb/{bus:03d}/{number:03d}"
            devices.append((product, node, int(float(_text(folder / "speed") or 0))))
    return devices


def socket_buffers(root: Path = _ROOT) -> Finding:
    """Socket buffers of the size that network devices want."""
    name, core = "socket buffers", root / "proc/sys/net/core"
    sizes = [_text(core / entry) for entry in ("rmem_max", "wmem_max")]
    if not all(size.isdigit() for size in sizes):
        return Finding(name, "note", "their limits cannot be read", "only for network devices")
    receive, send = map(int, sizes)
    detail = f"{receive} bytes to receive, {send} to send"
    if receive < RECEIVE_BUFFER_BYTES or send < SEND_BUFFER_BYTES:
        cure = (
            f"sysctl -w net.core.rmem_max={RECEIVE_BUFFER_BYTES} "
            f"net.core.wmem_max={SEND_BUFFER_BYTES}, for network devices"
        )
        return Finding(name, "note", f"{detail} are small", cure)
    return Finding(name, "ok", detail)


def real_time() -> Finding:
    """This user may ask for real-time priority, which keeps samples from being late."""
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[1]
    if limit == 0 and os.geteuid():
        cure = (
            "add '@usrp - rtprio 99' to /etc/security/limits.conf and your user to the group usrp, "
            "then log in again"
        )
        return Finding("real-time priority", "note", "not allowed", cure)
    return Finding("real-time priority", "ok", "allowed")


def _text(path: Path) -> str:
    """Content without spaces around it; empty where there is none."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
