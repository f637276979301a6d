# SPDX-License-Identifier: GPL-3.0-or-later
# Turns the data lines of a CSV of integers (comments start with #, one header line of names) into
# "{a, b, c}," lines that a C++ array can include.
file(STRINGS ${CSV} lines)
set(text "")
foreach(line ${lines})
  if(line MATCHES "^[-0-9]")
    string(APPEND text "{${line}},\n")
  endif()
endforeach()
file(WRITE ${OUT} "${text}")
