# Third-party libraries, each behind one target. What the system lacks in a fit version was put into
# the cache by cmake/install-dependencies.sh; CONTRIBUTING says why each library is here.
set(KREDIS_CACHE "$ENV{HOME}/.cache/kubectl-redis" CACHE PATH "Where install-dependencies.sh built its libraries")
if(DEFINED ENV{KREDIS_CACHE})
  set(KREDIS_CACHE "$ENV{KREDIS_CACHE}")
endif()
set(KREDIS_DEPS "${KREDIS_CACHE}/deps")

# A build for another machine takes all of them from one folder (krew/build.sh makes it).
set(KREDIS_PORTABLE_PREFIX "" CACHE PATH "Headers and static libraries of every dependency, for cross builds")
if(KREDIS_PORTABLE_PREFIX)
  include(KredisPortable)
  return()
endif()

find_package(OpenSSL 3.0 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(tl-expected REQUIRED)
find_package(CLI11 2 REQUIRED)
find_package(PkgConfig REQUIRED)

# Third-party headers are SYSTEM, so that our warnings do not judge them.
function(kredis_dependency name)
  add_library(kredis_dep_${name} INTERFACE)
  add_library(kredis::dep_${name} ALIAS kredis_dep_${name})
endfunction()

kredis_dependency(expected)
target_link_libraries(kredis_dep_expected INTERFACE tl::expected)

kredis_dependency(json)
target_link_libraries(kredis_dep_json INTERFACE nlohmann_json::nlohmann_json)

# In builds for development compiled once; elsewhere in every file, which a release's link folds.
kredis_dependency(fmt)
if(CMAKE_BUILD_TYPE STREQUAL "Debug" AND fmt_VERSION VERSION_LESS 11)
  add_library(kredis_fmt STATIC "${CMAKE_CURRENT_LIST_DIR}/fmt_library.cpp")
  get_target_property(include_directories fmt::fmt-header-only INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(kredis_fmt SYSTEM PUBLIC ${include_directories})
  target_link_libraries(kredis_dep_fmt INTERFACE kredis_fmt)
else()
  target_link_libraries(kredis_dep_fmt INTERFACE fmt::fmt-header-only)
endif()

# The static library where there is one: the plugin is handed around as a single file.
kredis_dependency(yaml)
find_library(KREDIS_YAML_CPP_STATIC libyaml-cpp.a)
if(KREDIS_YAML_CPP_STATIC)
  target_link_libraries(kredis_dep_yaml INTERFACE "${KREDIS_YAML_CPP_STATIC}")
else()
  target_link_libraries(kredis_dep_yaml INTERFACE yaml-cpp)
endif()

kredis_dependency(openssl)
target_link_libraries(kredis_dep_openssl INTERFACE OpenSSL::SSL OpenSSL::Crypto)

kredis_dependency(cli11)
target_link_libraries(kredis_dep_cli11 INTERFACE CLI11::CLI11)

# Ours first: an older <hiredis/...> in /usr/include must not win over the one that was built.
kredis_dependency(hiredis)
if(EXISTS "${KREDIS_DEPS}/lib/libhiredis_ssl.a")
  target_include_directories(kredis_dep_hiredis SYSTEM BEFORE INTERFACE "${KREDIS_DEPS}/include")
  target_link_libraries(kredis_dep_hiredis INTERFACE
    "${KREDIS_DEPS}/lib/libhiredis_ssl.a" "${KREDIS_DEPS}/lib/libhiredis.a" kredis::dep_openssl)
else()
  pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis>=1.2.0 hiredis_ssl>=1.2.0)
  target_link_libraries(kredis_dep_hiredis INTERFACE PkgConfig::HIREDIS kredis::dep_openssl)
endif()

# As hiredis. Headers only.
kredis_dependency(boost)
if(EXISTS "${KREDIS_DEPS}/boost-1.81.done")
  target_include_directories(kredis_dep_boost SYSTEM BEFORE INTERFACE "${KREDIS_DEPS}/boost-1.81/usr/include")
else()
  find_package(Boost 1.81 REQUIRED)
  target_link_libraries(kredis_dep_boost INTERFACE Boost::headers)
endif()

if(KREDIS_BUILD_TESTS)
  find_package(doctest REQUIRED)
  find_package(ZLIB REQUIRED)
  kredis_dependency(doctest)
  target_link_libraries(kredis_dep_doctest INTERFACE doctest::doctest)
endif()
