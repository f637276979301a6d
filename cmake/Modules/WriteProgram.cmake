# SPDX-License-Identifier: GPL-3.0-or-later
# Copies the program SOURCE to TARGET with a first line that names PYTHON. The kernel splits that line
# at spaces; env -S reads the quotes.
set(first "#!${PYTHON}")
if(PYTHON MATCHES " ")
  set(first "#!/usr/bin/env -S \"${PYTHON}\"")
endif()
file(READ ${SOURCE} text)
string(REGEX REPLACE "^#![^\n]*\n" "" text "${text}")
file(WRITE ${TARGET} "${first}\n${text}")
