# How every target of ours is compiled: language level, warnings, sanitizers, compiler cache.
find_program(KREDIS_CCACHE ccache)
if(KREDIS_CCACHE)
  # Paths below the checkout do not count, so that a second checkout finds what the first compiled.
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${KREDIS_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${launcher}")
  set(CMAKE_C_COMPILER_LAUNCHER "${launcher}")
endif()

find_package(Threads REQUIRED)

add_library(kredis_build_options INTERFACE)
add_library(kredis::build_options ALIAS kredis_build_options)
target_compile_features(kredis_build_options INTERFACE cxx_std_20)
target_include_directories(kredis_build_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(kredis_build_options INTERFACE
  KREDIS_VERSION="${PROJECT_VERSION}")
target_compile_options(kredis_build_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Wswitch-enum -Wno-missing-field-initializers>)
# g++ 12 reports null dereferences inside its own inlined library code when it optimises.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(kredis_build_options INTERFACE -Wno-null-dereference)
endif()
# In a unity build the files that are compiled together look to g++ like headers of the file that includes
# them, whose classes must not hold types of an anonymous namespace.
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(kredis_build_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
endif()
if(KREDIS_WARNINGS_AS_ERRORS)
  target_compile_options(kredis_build_options INTERFACE -Werror)
endif()
# ThreadSanitizer knows no fences, of which g++ warns; Asio's are on top of its locks.
if(KREDIS_SANITIZE MATCHES "thread")
  add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()
if(KREDIS_SANITIZE)
  add_compile_options(-fsanitize=${KREDIS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${KREDIS_SANITIZE})
endif()
