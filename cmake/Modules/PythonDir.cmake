# SPDX-License-Identifier: GPL-3.0-or-later
# Chooses PYTHON_EXECUTABLE (one that has GNU Radio, unless ENABLE_GNURADIO is off) and GR_PYTHON_DIR,
# the folder below the prefix from which that interpreter imports. Asking the interpreter makes
# gnuradio-dev unnecessary: nothing of GNU Radio is compiled or linked here.
function(scsc_python_runs python code result)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env --unset=PYTHONPATH ${python} -c "${code}"
                  RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status EQUAL 0)
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

set(_has_gnuradio "import gnuradio.gr, sys; sys.exit(gnuradio.gr.version() < '3.10')")
if(NOT PYTHON_EXECUTABLE)
  find_program(_path_python NAMES python3 NO_CACHE)
  foreach(candidate /usr/bin/python3 ${_path_python})
    if(EXISTS ${candidate} AND NOT PYTHON_EXECUTABLE)
      if(ENABLE_GNURADIO)
        scsc_python_runs(${candidate} "${_has_gnuradio}" usable)
      else()
        set(usable TRUE)
      endif()
      if(usable)
        set(PYTHON_EXECUTABLE ${candidate})
      endif()
    endif()
  endforeach()
  if(NOT PYTHON_EXECUTABLE)
    message(FATAL_ERROR
      "No Python with GNU Radio 3.10 found. Install the package gnuradio, name the interpreter with "
      "-DPYTHON_EXECUTABLE=..., or build without the blocks with -DENABLE_GNURADIO=OFF.")
  endif()
elseif(ENABLE_GNURADIO)
  scsc_python_runs(${PYTHON_EXECUTABLE} "${_has_gnuradio}" usable)
  if(NOT usable)
    message(FATAL_ERROR
      "${PYTHON_EXECUTABLE} cannot import GNU Radio 3.10 (a venv needs --system-site-packages, and "
      "numpy must be < 2). Name another with -DPYTHON_EXECUTABLE=..., or use -DENABLE_GNURADIO=OFF.")
  endif()
endif()
set(PYTHON_EXECUTABLE ${PYTHON_EXECUTABLE} CACHE FILEPATH "Python interpreter with GNU Radio" FORCE)
set(Python_EXECUTABLE ${PYTHON_EXECUTABLE})

if(NOT GR_PYTHON_DIR)
  execute_process(
    COMMAND ${PYTHON_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/python_dir.py ${CMAKE_INSTALL_PREFIX}
    OUTPUT_VARIABLE GR_PYTHON_DIR OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${PYTHON_EXECUTABLE} did not tell its folder; pass -DGR_PYTHON_DIR=...")
  endif()
endif()
message(STATUS "Python ${PYTHON_EXECUTABLE}, packages go to ${CMAKE_INSTALL_PREFIX}/${GR_PYTHON_DIR}")
