# SPDX-License-Identifier: GPL-3.0-or-later
"""BPG decoding in a subprocess with limited memory and time, for files from unknown sources."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np

from .base import DecodeError

MEMORY_LIMIT_BYTES = 2 << 30
TIME_LIMIT_S = 30

# The answer comes back as arrays that hold no objects: a decoder taken over by a hostile file must not
# be able to run code here.
_CHILD = """
import io, json, resource, sys
import numpy as np
from scsc_core.codecs import DecodeError, get
limit, method, keywords = json.loads(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    result = getattr(get("bpg"), method)(sys.stdin.buffer.read(), **keywords)
except (DecodeError, MemoryError) as error:
    sys.exit(str(error) or "out of memory")
arrays = result if isinstance(result, tuple) else (result,)
answer = io.BytesIO()
np.savez(answer, *arrays)
sys.stdout.buffer.write(answer.getvalue())
"""


def isolated(method: str, data: bytes, **keywords):
    """Result of a method of the BPG codec on `data`, run in a process of its own.

    Args:
        method: "decode" or "decode_damaged".
        data: bytes of the file.
        keywords: further arguments of the method, numbers and tuples only.
    Raises:
        DecodeError: what the method raises, or the process crashed, ran too long or out of memory.
    """
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    known = os.environ.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join([package_root()] + ([known] if known else []))
    request = json.dumps((MEMORY_LIMIT_BYTES, method, keywords))
    try:
        child = subprocess.run(
            [sys.executable, "-c", _CHILD, request],
            input=data,
            capture_output=True,
            env=environment,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DecodeError(f"decoding took longer than {TIME_LIMIT_S} s") from error
    if child.returncode != 0:
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        reason = last[0] if last else f"exit code {child.returncode}"
        raise DecodeError(f"the isolated decoder failed: {reason}")
    try:
        with np.load(io.BytesIO(child.stdout), allow_pickle=False) as answer:
            arrays = tuple(answer[name] for name in answer.files)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise DecodeError("the isolated decoder gave no picture") from error
    return arrays if len(arrays) > 1 else arrays[0]


def package_root() -> str:
    """Folder from which the running scsc_core was imported (links are kept as they are)."""
    return str(Path(os.path.abspath(__file__)).parents[2])
