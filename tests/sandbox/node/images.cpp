// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/images.hpp"

#include <unistd.h>

#include <array>
#include <cctype>
#include <cstdlib>
#include <sstream>
#include <utility>

namespace kredis::sandbox {
namespace {

constexpr const char* k_own_program = "kubectl-redis-webhook";

struct StandIn {
  const char* image;    // How the image's name begins.
  const char* program;  // What is in it.
  const char* by;       // What runs where this machine has none.
};

constexpr std::array k_stand_ins{StandIn{"valkey", "valkey-server", "redis-server"},
                                 StandIn{"valkey", "valkey-cli", "redis-cli"},
                                 StandIn{"redis-stack", "redis-stack-server", "redis-server"}};

struct Name {
  std::string repository;  // Without tag and digest.
  std::string last;        // Its last element.
  std::string tag;
  bool has_digest = false;
};

Name split(std::string_view text) {
  Name name;
  const std::size_t at = text.find('@');
  name.has_digest = at != std::string_view::npos;
  text = text.substr(0, at);
  const std::size_t slash = text.rfind('/');
  const std::size_t colon = text.rfind(':');
  // A colon before the last slash belongs to the registry's port.
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    name.tag = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  name.repository = text;
  name.last = slash == std::string_view::npos ? text : text.substr(slash + 1);
  return name;
}

bool plausible_tag(const std::string& tag) {
  if (tag.empty() || std::isdigit(static_cast<unsigned char>(tag.front())) != 0) {
    return true;
  }
  constexpr std::array<std::string_view, 9> k_known = {
      "latest", "alpine", "bookworm", "trixie", "stable", "slim", "unstable", "testing", "noble"};
  for (const std::string_view known : k_known) {
    if (tag.starts_with(known)) {
      return true;
    }
  }
  return tag.starts_with("v") && tag.size() > 1 &&
         std::isdigit(static_cast<unsigned char>(tag[1])) != 0;
}

/// "redis:x" as the registry that nobody named would call it.
std::string full_reference(std::string_view text) {
  const Name name = split(text);
  std::string reference(text);
  if (name.tag.empty() && !name.has_digest) {
    reference += ":latest";
  }
  const std::size_t slash = name.repository.find('/');
  if (slash == std::string::npos) {
    return "docker.io/library/" + reference;
  }
  const std::string host = name.repository.substr(0, slash);
  const bool is_host = host.find_first_of(".:") != std::string::npos || host == "localhost";
  return is_host ? reference : "docker.io/" + reference;
}

Error pull_failure(std::string_view text) {
  const std::string reference = full_reference(text);
  return Error::not_found("rpc error: code = NotFound desc = failed to pull and unpack image \"" +
                          reference + "\": failed to resolve reference \"" + reference +
                          "\": " + reference + ": not found");
}

std::filesystem::path on_own_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) {
      return folder + "/" + program;
    }
  }
  return {};
}

}  // namespace

ImageTable::ImageTable(std::map<std::string, std::filesystem::path> roots,
                       Locate locate,
                       std::filesystem::path programs)
    : roots_(std::move(roots)),
      locate_(locate ? std::move(locate) : Locate(&on_own_path)),
      programs_(std::move(programs)) {}

Result<Image> ImageTable::find(std::string_view text) const {
  const Name name = split(text);
  Image image;
  const auto root = roots_.find(std::string(text));
  if (root != roots_.end()) {
    image.root = root->second;
  }
  for (const std::string_view family : {"redis", "valkey"}) {
    if (name.last.starts_with(family)) {
      image.server = std::string(family) + "-server";
      image.command = {image.server};
      image.work_dir = "/data";
    }
  }
  if (!image.root.empty()) {
    return image;
  }
  constexpr std::array<std::string_view, 4> k_shells = {"busybox", "debian", "ubuntu", "alpine"};
  for (const std::string_view shell : k_shells) {
    if (name.last == shell) {
      image.command = {"sh"};
    }
  }
  std::error_code ignored;
  if (name.last == k_own_program && !programs_.empty() &&
      std::filesystem::exists(programs_ / k_own_program, ignored)) {
    image.entrypoint = std::string("/") + k_own_program;
    image.command = {image.entrypoint};
    image.programs[image.entrypoint] = programs_ / k_own_program;
  }
  for (const StandIn& each : k_stand_ins) {
    if (name.last.starts_with(each.image) && locate_(each.program).empty()) {
      if (const auto file = locate_(each.by); !file.empty()) {
        image.programs[std::string("/usr/local/bin/") + each.program] = file;
      }
    }
  }
  const bool known = !image.command.empty() && (name.has_digest || plausible_tag(name.tag));
  const bool here = image.server.empty() || !locate_(image.server).empty() ||
                    image.programs.contains("/usr/local/bin/" + image.server);
  if (!known || !here) {
    return pull_failure(text);
  }
  return image;
}

std::vector<std::string> argv_of(const Image& image,
                                 const std::vector<std::string>& command,
                                 const std::vector<std::string>& args) {
  std::vector<std::string> argv = command;
  argv.insert(argv.end(), args.begin(), args.end());
  if (!command.empty()) {
    return argv;
  }
  if (argv.empty()) {
    return image.command;
  }
  if (!image.entrypoint.empty()) {
    argv.insert(argv.begin(), image.entrypoint);
    return argv;
  }
  // docker-entrypoint.sh of redis and valkey: options or a file alone are the server's.
  const bool bare = argv.front().starts_with("-") || argv.front().ends_with(".conf");
  if (bare && !image.server.empty()) {
    argv.insert(argv.begin(), image.server);
  }
  return argv;
}

}  // namespace kredis::sandbox
