// SPDX-License-Identifier: Apache-2.0
//
// Golden files: the text a program should print, kept in tests/golden. Run a test with
// KREDIS_UPDATE_GOLDEN=1 to write what it printed, then read the difference before committing it.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace kredis::testing {

/// Compares `text` with tests/golden/`name`.
inline void check_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::path(KREDIS_SOURCE_DIR) / "tests" / "golden" / name;
  if (std::getenv("KREDIS_UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  INFO("golden file: ", path.string());
  CHECK(text == expected);
}

}  // namespace kredis::testing
