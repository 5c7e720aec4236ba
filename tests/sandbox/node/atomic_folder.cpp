// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/atomic_folder.hpp"

#include <fstream>
#include <set>

namespace kredis::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr const char* k_current = "..data";

bool leads_out(const fs::path& path) {
  if (path.is_absolute() || path.empty()) {
    return true;
  }
  for (const fs::path& part : path) {
    if (part == "..") {
      return true;
    }
  }
  return false;
}

Status write_file(const fs::path& path, const PayloadFile& file) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(file.bytes.data(), static_cast<std::streamsize>(file.bytes.size()));
  if (!out.flush()) {
    return Error::internal("cannot write " + path.string());
  }
  fs::permissions(path, fs::perms(file.mode), error);
  return {};
}

// A name that no earlier version of this folder had.
fs::path next_version(const fs::path& folder) {
  for (int number = 1;; ++number) {
    const std::string name = "..version_" + std::to_string(number);
    const bool used = fs::exists(fs::symlink_status(folder / name));
    if (!used) {
      return name;
    }
  }
}

void link_first_elements(const fs::path& folder, const Payload& payload) {
  std::error_code ignored;
  std::set<std::string> wanted;
  for (const auto& [path, file] : payload) {
    wanted.insert(fs::path(path).begin()->string());
  }
  for (const std::string& name : wanted) {
    fs::create_symlink(fs::path(k_current) / name, folder / name, ignored);  // Exists: still right.
  }
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("..") && !wanted.contains(name)) {
      fs::remove(entry.path(), ignored);
    }
  }
}

}  // namespace

Status write_atomic_folder(const fs::path& folder, const Payload& payload) {
  std::error_code error;
  fs::create_directories(folder, error);
  const fs::path version = next_version(folder);
  fs::create_directories(folder / version, error);
  for (const auto& [path, file] : payload) {
    if (leads_out(path)) {
      return Error::invalid_argument("the path \"" + path + "\" leads out of its volume");
    }
    KREDIS_CHECK(write_file(folder / version / path, file));
  }
  const fs::path before = fs::read_symlink(folder / k_current, error);
  fs::create_symlink(version, folder / "..data_tmp", error);
  fs::rename(folder / "..data_tmp", folder / k_current, error);
  if (error) {
    return Error::internal("cannot replace " + (folder / k_current).string() + ": " +
                           error.message());
  }
  link_first_elements(folder, payload);
  if (!before.empty()) {
    fs::remove_all(folder / before, error);
  }
  return {};
}

}  // namespace kredis::sandbox
