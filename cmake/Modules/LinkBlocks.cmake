# SPDX-License-Identifier: GPL-3.0-or-later
# Install script: Companion does not search a per-user prefix, but always ~/.grc_gnuradio; so an
# installation into $HOME/.local links its blocks there, and the uninstall target removes the links.
file(GLOB blocks "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share/gnuradio/grc/blocks/scsc*.yml")
file(MAKE_DIRECTORY "$ENV{HOME}/.grc_gnuradio")
foreach(block ${blocks})
  get_filename_component(name ${block} NAME)
  set(link "$ENV{HOME}/.grc_gnuradio/${name}")
  file(REMOVE ${link})
  file(CREATE_LINK ${block} ${link} SYMBOLIC)
  message(STATUS "Linking: ${link}")
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${link})
endforeach()
