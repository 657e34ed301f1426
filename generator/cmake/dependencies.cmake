# Finds what kbgen builds with. Every dependency is a Debian 12 package; a missing one is named, all
# of them in one run, with the command that installs them.
set(KBGEN_MISSING "")

macro(kbgen_need package debian)
  find_package(${package} QUIET ${ARGN})
  if(NOT ${package}_FOUND)
    list(APPEND KBGEN_MISSING ${debian})
  endif()
endmacro()

kbgen_need(yaml-cpp libyaml-cpp-dev)
kbgen_need(nlohmann_json nlohmann-json3-dev)
kbgen_need(CLI11 libcli11-dev)
kbgen_need(fmt libfmt-dev)
kbgen_need(spdlog libspdlog-dev)
kbgen_need(OpenSSL libssl-dev COMPONENTS Crypto)
kbgen_need(Threads libc6-dev)
if(KBGEN_TESTS)
  kbgen_need(GTest libgtest-dev)
endif()

if(KBGEN_MISSING)
  list(JOIN KBGEN_MISSING " " missing)
  message(FATAL_ERROR "kbgen needs packages that are not installed. Run:\n  apt-get install ${missing}")
endif()
