// SPDX-License-Identifier: Apache-2.0
//
// The walls around a container: the bubblewrap command line that gives it a root, a /proc, a host
// name and a process tree of its own, and the one that steps inside later. Nothing starts here.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "shared/core/result.hpp"

namespace kredis::sandbox {

enum class Access { read_only, writable };

struct Mount {
  std::filesystem::path source;  ///< On this machine.
  std::string target;            ///< In the container.
  Access access = Access::writable;
};

/// What all pods share.
struct JailParts {
  std::filesystem::path shim;   ///< libsandbox_netns.so
  std::filesystem::path rules;  ///< net_rules.h
  std::filesystem::path etc;    ///< passwd, group, nsswitch.conf, ... (`write_shared_etc`)
};

struct JailSpec {
  std::filesystem::path image_root = {};  ///< Empty: this machine's own /usr.
  /// Holds `address`, `hostname` and `hosts`; a folder, so that a file can be replaced whole.
  std::filesystem::path identity_dir = {};
  std::string hostname;
  std::string work_dir = "/";
  std::vector<std::string> scratch =
      {};  ///< Empty writable folders, as an image's VOLUME makes them.
  std::vector<Mount> mounts = {};
  Access root_access = Access::writable;
  std::vector<std::string> argv = {};
};

/// Whether user namespaces are needed: root can do without.
enum class Privilege { root, user };
Privilege own_privilege();

/// Writes the files of /etc that are the same in every pod.
Status write_shared_etc(const std::filesystem::path& folder);

/// The argv that starts a container. Writes its status as JSON lines to descriptor 3.
std::vector<std::string> jail_argv(const JailParts& parts,
                                   const JailSpec& spec,
                                   Privilege privilege);

/// The argv that runs `command` in the container whose first process is `pid`.
std::vector<std::string> enter_argv(pid_t pid,
                                    const std::vector<std::string>& command,
                                    Privilege privilege);

/// Whether `program` would be found in that container. Errors: not_found, in runc's words.
Status check_program(pid_t pid, const std::string& program, const std::string& path);

}  // namespace kredis::sandbox
