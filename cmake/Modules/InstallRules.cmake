# SPDX-License-Identifier: GPL-3.0-or-later
# Python packages, blocks for Companion, programs, flowgraphs, configurations and trained models.
set(scsc_packages ${GR_PYTHON_DIR}/scsc_core)
if(ENABLE_GNURADIO)
  list(APPEND scsc_packages ${GR_PYTHON_DIR}/gnuradio/scsc)
endif()
set(scsc_own_folders ${scsc_packages} share/scsc share/gnuradio/examples/scsc)

# These folders are ours alone: emptied first, so that a file deleted from the sources is gone there too.
foreach(folder ${scsc_own_folders})
  install(CODE "file(REMOVE_RECURSE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${folder}\")")
endforeach()

install(TARGETS _native LIBRARY DESTINATION ${GR_PYTHON_DIR}/scsc_core)
set(scsc_skip PATTERN __pycache__ EXCLUDE PATTERN "*.so" EXCLUDE PATTERN "qa_*.py" EXCLUDE)
install(DIRECTORY python/scsc_core DESTINATION ${GR_PYTHON_DIR} ${scsc_skip})
foreach(folder configs trained_models)
  if(EXISTS ${CMAKE_SOURCE_DIR}/${folder})
    install(DIRECTORY ${folder} DESTINATION share/scsc)
  endif()
endforeach()

function(scsc_install_program source name)
  add_custom_command(
    OUTPUT ${CMAKE_BINARY_DIR}/programs/${name}
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${source} -DTARGET=${CMAKE_BINARY_DIR}/programs/${name}
            -DPYTHON=${PYTHON_EXECUTABLE} -P ${CMAKE_SOURCE_DIR}/cmake/Modules/WriteProgram.cmake
    DEPENDS ${source} ${CMAKE_SOURCE_DIR}/cmake/Modules/WriteProgram.cmake VERBATIM)
  set_property(GLOBAL APPEND PROPERTY SCSC_PROGRAMS ${CMAKE_BINARY_DIR}/programs/${name})
  install(PROGRAMS ${CMAKE_BINARY_DIR}/programs/${name} DESTINATION bin)
endfunction()

scsc_install_program(${CMAKE_SOURCE_DIR}/cmake/scsc_command.py scsc)
if(ENABLE_GNURADIO)
  install(DIRECTORY python/scsc DESTINATION ${GR_PYTHON_DIR}/gnuradio ${scsc_skip})
  file(GLOB apps CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/apps/scsc_*.py)
  foreach(app ${apps})
    get_filename_component(name ${app} NAME)
    scsc_install_program(${app} ${name})
  endforeach()
  file(GLOB blocks CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/grc/*.yml)
  install(FILES ${blocks} DESTINATION share/gnuradio/grc/blocks)
  if(EXISTS ${CMAKE_SOURCE_DIR}/flowgraphs)
    install(DIRECTORY flowgraphs/ DESTINATION share/gnuradio/examples/scsc
            FILES_MATCHING PATTERN "*.grc" PATTERN "*.md")
  endif()
  if(CMAKE_INSTALL_PREFIX STREQUAL "$ENV{HOME}/.local")
    install(SCRIPT ${CMAKE_SOURCE_DIR}/cmake/Modules/LinkBlocks.cmake)
  endif()
endif()

get_property(programs GLOBAL PROPERTY SCSC_PROGRAMS)
add_custom_target(programs ALL DEPENDS ${programs})

foreach(package ${scsc_packages})
  install(CODE "execute_process(COMMAND \"${PYTHON_EXECUTABLE}\" -m compileall -q
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${package}\")")
endforeach()

add_custom_target(
  uninstall
  COMMAND ${CMAKE_COMMAND} -DMANIFEST=${CMAKE_BINARY_DIR}/install_manifest.txt
          -DPREFIX=${CMAKE_INSTALL_PREFIX} "-DFOLDERS=${scsc_own_folders}"
          -P ${CMAKE_SOURCE_DIR}/cmake/Modules/Uninstall.cmake
  VERBATIM)
