# SPDX-License-Identifier: GPL-3.0-or-later
"""What a computer needs for a USRP, looked up in a folder that stands for its file system."""

import os
import resource

import pytest

from scsc_core.radio import usrp_host


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")


def plug_in(root, speed="5000", vendor="2500"):
    """A B210 as device 7 of bus 2."""
    folder = "sys/bus/usb/devices/2-1"
    values = {"idVendor": vendor, "idProduct": "0020", "busnum": "2", "devnum": "7"}
    values |= {"speed": speed, "product": "USRP B210"}
    write(root, {f"{folder}/{name}": f"{value}\n" for name, value in values.items()})
    write(root, {"dev/bus/usb/002/007": ""})


def test_bare_computer_gets_notes_only(tmp_path):
    findings = list(usrp_host.host_findings(tmp_path))

    assert [finding.name for finding in findings] == [
        *("UHD images", "USB", "socket buffers", "real-time priority")
    ]
    assert "problem" not in {finding.status for finding in findings}
    assert all("\n" not in finding.detail + finding.cure for finding in findings)


@pytest.mark.parametrize("folder", ["usr/share/uhd/images", "usr/share/uhd/4.3.0/images"])
def test_images_are_found_where_packages_and_downloader_put_them(tmp_path, monkeypatch, folder):
    monkeypatch.delenv("UHD_IMAGES_DIR", raising=False)
    before = usrp_host.images(tmp_path)
    write(tmp_path, {f"{folder}/usrp_b200_fw.hex": ""})

    finding = usrp_host.images(tmp_path)

    assert (before.status, before.cure) == ("note", "uhd_images_downloader, as root")
    assert (finding.status, finding.detail) == ("ok", str(tmp_path / folder))


def test_images_that_are_named_come_first(tmp_path, monkeypatch):
    write(tmp_path, {"own/usrp_b200_fw.hex": "", "usr/share/uhd/images/usrp_b200_fw.hex": ""})
    monkeypatch.setenv("UHD_IMAGES_DIR", str(tmp_path / "own"))

    assert usrp_host.images(tmp_path).detail == str(tmp_path / "own")


def test_usrp_on_usb_is_named(tmp_path):
    plug_in(tmp_path)

    finding = usrp_host.usb(tmp_path)

    assert (finding.status, finding.detail) == ("ok", "USRP B210")


def test_device_file_that_may_not_be_opened_is_a_problem(tmp_path, monkeypatch):
    plug_in(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    finding = usrp_host.usb(tmp_path)

    assert finding.status == "problem" and "/dev/bus/usb/002/007" in finding.detail
    assert "udevadm" in finding.cure


def test_slow_port_is_a_note(tmp_path):
    plug_in(tmp_path, speed="480")

    finding = usrp_host.usb(tmp_path)

    assert finding.status == "note" and "480 Mbit/s" in finding.detail and "USB 3" in finding.cure


def test_other_devices_are_none_of_ours(tmp_path):
    plug_in(tmp_path, vendor="1d6b")
    write(tmp_path, {"sys/bus/usb/devices/usb1/idVendor": ""})

    assert "no USRP" in usrp_host.usb(tmp_path).detail


@pytest.mark.parametrize(
    ("sizes", "status"),
    [(("50000000", "2500000"), "ok"), (("4194304", "2500000"), "note"), (("x", ""), "note")],
)
def test_socket_buffers_are_compared_with_what_uhd_asks_for(tmp_path, sizes, status):
    names = ("rmem_max", "wmem_max")
    write(tmp_path, {f"proc/sys/net/core/{n}": f"{s}\n" for n, s in zip(names, sizes)})

    finding = usrp_host.socket_buffers(tmp_path)

    assert finding.status == status
    assert sizes[0] != "4194304" or "net.core.rmem_max=50000000" in finding.cure


@pytest.mark.parametrize(("limit", "user", "status"), [(0, 1000, "note"), (99, 1000, "ok")])
def test_real_time_priority_is_a_matter_of_limits(monkeypatch, limit, user, status):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit, limit))
    monkeypatch.setattr(os, "geteuid", lambda: user)

    assert usrp_host.real_time().status == status
