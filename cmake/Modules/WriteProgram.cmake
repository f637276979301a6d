# SPDX-License-Identifier: GPL-3.0-or-later
# Copies the program SOURCE to TARGET with a first line that names PYTHON. A path with spaces, or one
# too long for the kernel, goes through sh, which Python reads as a string literal.
string(LENGTH "${PYTHON}" length)
if(PYTHON MATCHES " " OR length GREATER 120)
  set(first "#!/bin/sh\n'''exec' \"${PYTHON}\" \"$0\" \"$@\"\n' '''\n")
else()
  set(first "#!${PYTHON}\n")
endif()
file(READ ${SOURCE} text)
string(REGEX REPLACE "^#![^\n]*\n" "" text "${text}")
file(WRITE ${TARGET} "${first}${text}")
