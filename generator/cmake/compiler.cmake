# What every target of kbgen is compiled with.
add_library(kbgen_flags INTERFACE)
target_include_directories(kbgen_flags INTERFACE ${PROJECT_SOURCE_DIR}/generator)
target_compile_options(kbgen_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Wcast-qual -Wimplicit-fallthrough -Wno-missing-field-initializers
  $<$<BOOL:${KBGEN_WERROR}>:-Werror>
  # g++ 12 sees an overlap in every optimised `"x" + string` (gcc.gnu.org/PR105329), and members that
  # may be uninitialised in moved-from optionals (PR80635).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release,RelWithDebInfo>>:-Wno-restrict;-Wno-maybe-uninitialized>
  # The output of a build must not depend on where it was built.
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
if(KBGEN_SANITIZE)
  target_compile_options(kbgen_flags INTERFACE
    -fsanitize=${KBGEN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(kbgen_flags INTERFACE -fsanitize=${KBGEN_SANITIZE})
endif()
