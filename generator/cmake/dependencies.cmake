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
if(KBGEN_STATIC)
  set(OPENSSL_USE_STATIC_LIBS TRUE)
endif()
kbgen_need(OpenSSL libssl-dev COMPONENTS Crypto)
kbgen_need(Threads libc6-dev)
if(KBGEN_TESTS)
  kbgen_need(GTest libgtest-dev)
endif()

# libyaml has no package file for CMake. It reads rendered YAML back.
find_path(KBGEN_LIBYAML_HEADERS yaml.h)
if(KBGEN_STATIC)
  find_library(KBGEN_LIBYAML libyaml.a)
else()
  find_library(KBGEN_LIBYAML yaml)
endif()
if(NOT KBGEN_LIBYAML OR NOT KBGEN_LIBYAML_HEADERS)
  list(APPEND KBGEN_MISSING libyaml-dev)
endif()

# libarchive writes and reads bundles: tar in zstd. Of its archive the linker takes only that much.
find_path(KBGEN_ARCHIVE_HEADERS archive.h)
if(KBGEN_STATIC)
  find_library(KBGEN_ARCHIVE libarchive.a)
  find_library(KBGEN_ZSTD libzstd.a)
else()
  find_library(KBGEN_ARCHIVE archive)
  find_library(KBGEN_ZSTD zstd)
endif()
if(NOT KBGEN_ARCHIVE OR NOT KBGEN_ARCHIVE_HEADERS)
  list(APPEND KBGEN_MISSING libarchive-dev)
endif()
if(NOT KBGEN_ZSTD)
  list(APPEND KBGEN_MISSING libzstd-dev)
endif()

if(KBGEN_MISSING)
  list(JOIN KBGEN_MISSING " " missing)
  message(FATAL_ERROR "kbgen needs packages that are not installed. Run:\n  apt-get install ${missing}")
endif()

# Static forms where Debian's packages have none, or hide it: kbgen_yaml and kbgen_fmt are what
# targets link, whatever stands behind them.
add_library(kbgen_yaml INTERFACE)
find_library(KBGEN_YAML_ARCHIVE libyaml-cpp.a)
if(KBGEN_STATIC AND KBGEN_YAML_ARCHIVE)
  target_link_libraries(kbgen_yaml INTERFACE ${KBGEN_YAML_ARCHIVE})
else()
  target_link_libraries(kbgen_yaml INTERFACE yaml-cpp)
endif()

if(KBGEN_STATIC AND fmt_VERSION VERSION_GREATER_EQUAL 9 AND fmt_VERSION VERSION_LESS 10)
  add_library(kbgen_fmt STATIC generator/cmake/fmt.cc)
  get_target_property(fmt_headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(kbgen_fmt SYSTEM PUBLIC ${fmt_headers})
else()
  add_library(kbgen_fmt INTERFACE)
  target_link_libraries(kbgen_fmt INTERFACE fmt::fmt)
endif()

add_library(kbgen_libyaml INTERFACE)
target_include_directories(kbgen_libyaml SYSTEM INTERFACE ${KBGEN_LIBYAML_HEADERS})
target_link_libraries(kbgen_libyaml INTERFACE ${KBGEN_LIBYAML})

add_library(kbgen_archive INTERFACE)
target_include_directories(kbgen_archive SYSTEM INTERFACE ${KBGEN_ARCHIVE_HEADERS})
target_link_libraries(kbgen_archive INTERFACE ${KBGEN_ARCHIVE} ${KBGEN_ZSTD})
if(KBGEN_STATIC)
  # One of its objects holds writers for several formats; what those would need of other libraries goes
  # with the functions that nobody calls.
  target_link_options(kbgen_archive INTERFACE -Wl,--gc-sections)
endif()
