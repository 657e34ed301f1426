# The files that are built into the binary: modules with their templates, the long texts of the
# diagnostics, and the script that every bundle brings. Globbed on every build, so a new template needs no edit and no new configuration.
add_executable(kbgen_embed embed/embed.cc)
target_link_libraries(kbgen_embed PRIVATE kb_syntax)

file(GLOB_RECURSE embedded CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/templates/* ${PROJECT_SOURCE_DIR}/docs/diagnostics/*
  ${PROJECT_SOURCE_DIR}/generator/bundle/*.sh)
list(FILTER embedded EXCLUDE REGEX "/\\.|~$")
set(list "")
foreach(file ${embedded})
  file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${file})
  string(APPEND list "${path}\t${file}\n")
endforeach()
# A file of its own, which changes only with the set of files: a deleted template is noticed too.
file(CONFIGURE OUTPUT embedded.list CONTENT "${list}" @ONLY)

add_custom_command(OUTPUT embedded.cc
  COMMAND kbgen_embed ${CMAKE_CURRENT_BINARY_DIR}/embedded.list ${CMAKE_CURRENT_BINARY_DIR}/embedded.cc
  DEPENDS kbgen_embed ${CMAKE_CURRENT_BINARY_DIR}/embedded.list ${embedded}
  COMMENT "Embedding templates and diagnostics" VERBATIM)
add_library(kb_embedded STATIC ${CMAKE_CURRENT_BINARY_DIR}/embedded.cc)
target_link_libraries(kb_embedded PUBLIC kb_syntax)
