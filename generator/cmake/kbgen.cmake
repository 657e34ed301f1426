# The program itself, and what is made by running it.
option(KBGEN_SELFCHECK "Prove every module after each build" ON)

set_source_files_properties(cli/version.cc PROPERTIES COMPILE_DEFINITIONS KBGEN_VERSION="${PROJECT_VERSION}")
# spdlog's headers with the {fmt} of everything else; its own library would be one more to link.
set_source_files_properties(cli/log.cc PROPERTIES COMPILE_DEFINITIONS SPDLOG_FMT_EXTERNAL)

add_executable(kbgen cli/main.cc)
target_link_libraries(kbgen PRIVATE kb_cli)
set_target_properties(kbgen PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
if(KBGEN_STATIC)
  # Half of the start-up time of a small run is the loader's. What is linked never looks up hosts or
  # users, and libcrypto never loads an engine, so the warnings about those speak of dead code.
  target_link_options(kbgen PRIVATE -static -Wl,--gc-sections -Wl,--no-warnings)
endif()

# A module with a mistake breaks the build that embeds it.
if(KBGEN_SELFCHECK AND NOT CMAKE_CROSSCOMPILING)
  add_custom_command(TARGET kbgen POST_BUILD COMMAND kbgen selfcheck --quiet VERBATIM
    COMMENT "Proving every module")
endif()

# The manual page and completions are printed by the program, from the grammar that it parses with.
set(generated "")
function(kbgen_generate file)
  add_custom_command(OUTPUT ${file} COMMAND kbgen ${ARGN} > ${file} DEPENDS kbgen VERBATIM)
  set(generated ${generated} ${CMAKE_CURRENT_BINARY_DIR}/${file} PARENT_SCOPE)
endfunction()
kbgen_generate(kbgen.1 man)
kbgen_generate(kbgen.bash completion bash)
kbgen_generate(_kbgen completion zsh)
kbgen_generate(kbgen.fish completion fish)
add_custom_target(kbgen_manual ALL DEPENDS ${generated})
