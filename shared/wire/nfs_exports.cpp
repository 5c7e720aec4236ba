// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/nfs_exports.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "shared/core/text.hpp"

namespace kredis::wire {
namespace {

using core::Error;

/// An IPv4 network: its first address and how many bits are fixed.
struct Network {
  std::uint32_t address = 0;
  int bits = 32;

  bool covers(const Network& other) const {
    return bits <= other.bits && (bits == 0 || (address ^ other.address) >> (32 - bits) == 0);
  }
};

std::optional<std::uint32_t> address_of(std::string_view text) {
  const auto parts = core::split(text, '.');
  std::uint32_t address = 0;
  for (const std::string_view part : parts) {
    const auto number = core::to_number<std::uint32_t>(part);
    if (!number || *number > 255 || part.size() > 3) {
      return std::nullopt;
    }
    address = (address << 8U) | *number;
  }
  return parts.size() == 4 ? std::optional{address} : std::nullopt;
}

/// "10.0.0.0/8" or, as some servers print it, "10.0.0.0/255.0.0.0".
std::optional<Network> network_of(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = address_of(text.substr(0, slash));
  if (!address) {
    return std::nullopt;
  }
  if (slash == std::string_view::npos) {
    return Network{.address = *address, .bits = 32};
  }
  const std::string_view length = text.substr(slash + 1);
  if (const auto mask = address_of(length)) {
    int bits = 0;
    while (bits < 32 && ((*mask >> (31 - bits)) & 1U) != 0) {
      ++bits;
    }
    return Network{.address = *address, .bits = bits};
  }
  const auto bits = core::to_number<int>(length);
  return bits && *bits >= 0 && *bits <= 32
             ? std::optional{Network{.address = *address, .bits = *bits}}
             : std::nullopt;
}

bool is_everybody(const std::string& client) {
  return client == "*" || client == "(everyone)" || client == "0.0.0.0/0";
}

bool allows(const NfsExport& one, const std::string& client) {
  if (client.empty() || one.clients.empty()) {
    return true;
  }
  const auto wanted = network_of(client);
  return std::ranges::any_of(one.clients, [&](const std::string& allowed) {
    if (is_everybody(allowed) || allowed == client) {
      return true;
    }
    const auto network = network_of(allowed);
    return wanted && network && network->covers(*wanted);
  });
}

std::string without_end_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.pop_back();
  }
  return path;
}

std::string exports_line(const std::string& folder, const std::string& client) {
  return folder + " " + client + "(rw,sync,no_root_squash)";
}

std::string clients_text(const std::vector<std::string>& clients) {
  std::string text;
  for (const std::string& client : clients) {
    text += (text.empty() ? "" : ", ") + client;
  }
  return text;
}

}  // namespace

std::vector<std::string> nfs_folders(const std::string& path, int count) {
  std::vector<std::string> folders;
  const std::string base = without_end_slash(path);
  for (int i = 1; i <= count; ++i) {
    folders.push_back((base == "/" ? "" : base) + "/pv" + std::to_string(i));
  }
  return folders;
}

core::Status check_nfs_client(const std::string& client) {
  const bool one_word =
      !client.empty() && client.find_first_of(" \t\n()\"'\\#,") == std::string::npos;
  const bool looks_like_address = client.find_first_not_of("0123456789./") == std::string::npos;
  if (!one_word || (looks_like_address && !network_of(client))) {
    return Error::invalid_argument("--clients got " + core::quoted(client) +
                                   ", which is no address, network, name or *")
        .with_hint("write the network of the nodes, for example --clients 192.168.0.0/24");
  }
  return {};
}

std::string exports_file(const std::vector<std::string>& folders, const std::string& client) {
  std::string text;
  for (const std::string& folder : folders) {
    text += exports_line(folder, client) + "\n";
  }
  return text;
}

std::vector<ExportTrouble> missing_exports(const std::vector<std::string>& folders,
                                           const std::vector<NfsExport>& exports,
                                           const std::string& client) {
  std::vector<ExportTrouble> troubles;
  const std::string shown_client = client.empty() ? "CLIENTS" : client;
  for (const std::string& folder : folders) {
    const auto found = std::ranges::find_if(
        exports, [&](const NfsExport& one) { return without_end_slash(one.path) == folder; });
    if (found == exports.end()) {
      troubles.push_back({.folder = folder,
                          .what = "is not exported",
                          .fix = "mkdir -p " + folder + "; add to /etc/exports: " +
                                 exports_line(folder, shown_client) + "; exportfs -ra"});
    } else if (!allows(*found, client)) {
      troubles.push_back(
          {.folder = folder,
           .what = "is exported to " + clients_text(found->clients) + ", not to " + client,
           .fix = "in /etc/exports: " + exports_line(folder, client) + "; exportfs -ra"});
    }
  }
  return troubles;
}

}  // namespace kredis::wire
