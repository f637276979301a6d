# SPDX-License-Identifier: GPL-3.0-or-later
# ctest entries for the Python side: every folder of tests/ and every qa file, run on the build tree.
function(scsc_add_pytest name target)
  add_test(NAME ${name}
           COMMAND ${PYTHON_EXECUTABLE} -m pytest -q -c ${CMAKE_SOURCE_DIR}/pyproject.toml ${target}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "PYTHONPATH=${CMAKE_BINARY_DIR}/test_modules;GRC_BLOCKS_PATH=${CMAKE_SOURCE_DIR}/grc"
    LABELS python)
endfunction()

set(suites unit golden link cli docs)
if(ENABLE_GNURADIO)
  list(APPEND suites flowgraph radio)
  file(GLOB qa_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/python/scsc/qa_*.py)
  foreach(qa ${qa_files})
    get_filename_component(name ${qa} NAME_WE)
    scsc_add_pytest(${name} ${qa})
  endforeach()
endif()
foreach(suite ${suites})
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${suite}/test_*.py)
  if(files)
    scsc_add_pytest(pytest_${suite} ${CMAKE_SOURCE_DIR}/tests/${suite})
  endif()
endforeach()
