# Dependencies out of KREDIS_PORTABLE_PREFIX: include/ and lib/*.a, nothing of the machine that builds.
foreach(name boost cli11 expected fmt hiredis json openssl yaml)
  add_library(kredis_dep_${name} INTERFACE)
  add_library(kredis::dep_${name} ALIAS kredis_dep_${name})
  target_include_directories(kredis_dep_${name} SYSTEM INTERFACE "${KREDIS_PORTABLE_PREFIX}/include")
endforeach()
set(lib "${KREDIS_PORTABLE_PREFIX}/lib")
target_compile_definitions(kredis_dep_fmt INTERFACE FMT_HEADER_ONLY=1)
target_compile_definitions(kredis_dep_yaml INTERFACE YAML_CPP_STATIC_DEFINE)
target_link_libraries(kredis_dep_yaml INTERFACE "${lib}/libyaml-cpp.a")
target_link_libraries(kredis_dep_openssl INTERFACE "${lib}/libssl.a" "${lib}/libcrypto.a")
target_link_libraries(kredis_dep_hiredis INTERFACE
  "${lib}/libhiredis_ssl.a" "${lib}/libhiredis.a" kredis::dep_openssl)
