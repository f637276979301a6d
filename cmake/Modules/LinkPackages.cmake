# SPDX-License-Identifier: GPL-3.0-or-later
# Lays links to python/scsc_core/* beside the built module and to python/scsc under gnuradio/, so that
# the sources run from the build tree; links whose source is gone are dropped.
file(MAKE_DIRECTORY ${TARGET}/scsc_core ${TARGET}/gnuradio)
file(GLOB stale ${TARGET}/scsc_core/*)
foreach(entry ${stale})
  if(IS_SYMLINK ${entry} AND NOT EXISTS ${entry})
    file(REMOVE ${entry})
  endif()
endforeach()
file(GLOB entries RELATIVE ${SOURCE}/scsc_core ${SOURCE}/scsc_core/*)
list(FILTER entries EXCLUDE REGEX "__pycache__|\\.so$")
foreach(entry ${entries})
  file(CREATE_LINK ${SOURCE}/scsc_core/${entry} ${TARGET}/scsc_core/${entry} SYMBOLIC)
endforeach()
file(CREATE_LINK ${SOURCE}/scsc ${TARGET}/gnuradio/scsc SYMBOLIC)
