# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the folder, relative to the prefix in argv[1], from which this interpreter imports."""

import os
import site
import sys
import sysconfig

prefix = os.path.abspath(sys.argv[1])
known = [path for path in site.getsitepackages() if path.startswith(os.path.join(prefix, ""))]
if prefix == "/usr":
    chosen = "/usr/lib/python3/dist-packages"
elif len(known) == 1:
    chosen = known[0]
else:
    # Python 3.10 of Ubuntu 22.04 has no scheme "venv"; its default would be <prefix>/local/lib.
    scheme = "venv" if "venv" in sysconfig.get_scheme_names() else "posix_prefix"
    base = {"base": prefix, "platbase": prefix}
    chosen = sysconfig.get_path("platlib", scheme=scheme, vars=base)
print(os.path.relpath(chosen, prefix))
