// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/jail.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <initializer_list>
#include <set>
#include <sstream>
#include <utility>

namespace kredis::sandbox {
namespace {

namespace fs = std::filesystem;

struct EtcFile {
  const char* name;
  const char* text;
};

// host.conf: without `multi on` the resolver returns only the first address of a Service.
constexpr std::array k_etc{
    EtcFile{"passwd",
            "root:x:0:0:root:/root:/bin/sh\n"
            "redis:x:999:999:redis:/data:/bin/sh\n"
            "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
    EtcFile{"group", "root:x:0:\ntty:x:5:\nredis:x:999:\nnogroup:x:65534:\n"},
    EtcFile{"nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"},
    EtcFile{"host.conf", "multi on\n"},
    EtcFile{"ld.so.preload", "/run/sandbox/netns.so\n"},
};

class Arguments {
 public:
  explicit Arguments(std::string program) : list_{std::move(program)} {}
  void add(std::initializer_list<std::string> more) { list_.insert(list_.end(), more); }
  void add(const std::vector<std::string>& more) {
    list_.insert(list_.end(), more.begin(), more.end());
  }
  std::vector<std::string> take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

void add_namespaces(Arguments& arguments, const JailSpec& spec, Privilege privilege) {
  arguments.add({"--die-with-parent",
                 "--as-pid-1",
                 "--json-status-fd",
                 "3",
                 "--unshare-pid",
                 "--unshare-uts",
                 "--unshare-ipc",
                 "--hostname",
                 spec.hostname});
  if (privilege == Privilege::user) {
    arguments.add({"--unshare-user", "--uid", "0", "--gid", "0"});
    return;
  }
  arguments.add({"--cap-drop", "ALL"});
  for (const char* capability : {"CAP_CHOWN",
                                 "CAP_DAC_OVERRIDE",
                                 "CAP_FOWNER",
                                 "CAP_FSETID",
                                 "CAP_KILL",
                                 "CAP_SETGID",
                                 "CAP_SETUID",
                                 "CAP_SETPCAP",
                                 "CAP_NET_BIND_SERVICE",
                                 "CAP_NET_RAW",
                                 "CAP_SYS_CHROOT"}) {
    arguments.add({"--cap-add", capability});
  }
}

// The programs of the image: its /usr, and what Debian keeps in /etc for them.
void add_image(Arguments& arguments, const fs::path& root) {
  const std::string from = root.string();
  arguments.add({"--tmpfs", "/", "--ro-bind", from + "/usr", "/usr"});
  for (const std::string folder : {"bin", "sbin", "lib", "lib32", "lib64"}) {
    std::error_code ignored;
    if (fs::exists((root.empty() ? fs::path("/") : root) / "usr" / folder, ignored)) {
      arguments.add({"--symlink", "usr/" + folder, "/" + folder});
    }
  }
  arguments.add({"--dir", "/etc"});
  for (const std::string part :
       {"ld.so.cache", "alternatives", "ssl", "ca-certificates", "localtime"}) {
    arguments.add({"--ro-bind-try", from + "/etc/" + part, "/etc/" + part});
  }
}

void add_system(Arguments& arguments, const JailParts& parts, const JailSpec& spec) {
  for (const EtcFile& file : k_etc) {
    arguments.add({"--ro-bind", parts.etc / file.name, std::string("/etc/") + file.name});
  }
  arguments.add({"--dir", "/run", "--ro-bind", spec.identity_dir, "/run/sandbox"});
  arguments.add({"--ro-bind", parts.shim, "/run/sandbox/netns.so"});
  // For tests that preload it: a server whose clock is wrong.
  arguments.add(
      {"--ro-bind-try", parts.shim.parent_path() / "libskewed_clock.so", "/run/skewed_clock.so"});
  arguments.add({"--ro-bind", parts.rules, "/run/sandbox/rules"});
  arguments.add({"--symlink", "/run/sandbox/hosts", "/etc/hosts"});
  arguments.add({"--symlink", "/run/sandbox/hostname", "/etc/hostname"});
  arguments.add({"--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--dir", "/tmp"});
  arguments.add(
      {"--dir", "/root", "--dir", "/home", "--dir", "/var/lib", "--symlink", "/run", "/var/run"});
}

std::string canonical(const std::string& folder) {
  // /var/run is a link here, as it is in Debian's images; bubblewrap wants the real place.
  return folder.starts_with("/var/run/") ? folder.substr(4) : folder;
}

// The image is read-only, so a place inside /usr that it lacks cannot be made there. Its closest
// folder is replaced by one that looks the same and can be added to.
void open_folder(Arguments& arguments, const fs::path& image_root, const fs::path& folder) {
  const fs::path real = (image_root.empty() ? fs::path("/") : image_root) / folder.relative_path();
  arguments.add({"--tmpfs", folder});
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(real, ignored)) {
    const std::string target = folder / entry.path().filename();
    if (entry.is_symlink()) {
      arguments.add({"--symlink", fs::read_symlink(entry.path(), ignored), target});
    } else {
      arguments.add({"--ro-bind", entry.path(), target});
    }
  }
}

void open_for(Arguments& arguments,
              const fs::path& image_root,
              const fs::path& target,
              std::set<fs::path>& opened) {
  const fs::path root = image_root.empty() ? fs::path("/") : image_root;
  std::error_code ignored;
  fs::path folder = target;
  while (folder != "/usr" && !fs::exists(root / folder.relative_path(), ignored)) {
    folder = folder.parent_path();
  }
  // Opened once more it would hide what is mounted in it by now.
  if (folder != target && opened.insert(folder).second) {
    open_folder(arguments, image_root, folder);
  }
}

void add_mounts(Arguments& arguments, const JailSpec& spec) {
  for (const std::string& folder : spec.scratch) {
    arguments.add({"--tmpfs", folder});
  }
  std::vector<Mount> mounts = spec.mounts;
  // A mount inside another one comes after it.
  std::stable_sort(mounts.begin(), mounts.end(), [](const Mount& left, const Mount& right) {
    return left.target < right.target;
  });
  std::set<fs::path> opened;
  for (const Mount& mount : mounts) {
    if (mount.target.starts_with("/usr/")) {
      open_for(arguments, spec.image_root, mount.target, opened);
    }
    arguments.add({mount.access == Access::writable ? "--bind" : "--ro-bind",
                   mount.source,
                   canonical(mount.target)});
  }
  if (spec.root_access == Access::read_only) {
    arguments.add({"--remount-ro", "/"});
  }
}

}  // namespace

Privilege own_privilege() { return ::geteuid() == 0 ? Privilege::root : Privilege::user; }

Status write_shared_etc(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  for (const EtcFile& file : k_etc) {
    std::ofstream out(folder / file.name, std::ios::trunc);
    out << file.text;
    if (!out.flush()) {
      return Error::internal("cannot write " + (folder / file.name).string());
    }
  }
  return {};
}

std::vector<std::string> jail_argv(const JailParts& parts,
                                   const JailSpec& spec,
                                   Privilege privilege) {
  Arguments arguments("bwrap");
  add_namespaces(arguments, spec, privilege);
  add_image(arguments, spec.image_root);
  add_system(arguments, parts, spec);
  add_mounts(arguments, spec);
  arguments.add({"--chdir", spec.work_dir, "--"});
  arguments.add(spec.argv);
  return arguments.take();
}

std::vector<std::string> enter_argv(pid_t pid,
                                    const std::vector<std::string>& command,
                                    Privilege privilege) {
  Arguments arguments("nsenter");
  arguments.add({"--target", std::to_string(pid), "--mount", "--uts", "--ipc", "--pid", "--wd"});
  if (privilege == Privilege::user) {
    arguments.add({"--user", "--preserve-credentials"});
  }
  arguments.add({"--"});
  arguments.add(command);
  return arguments.take();
}

Status check_program(pid_t pid, const std::string& program, const std::string& path) {
  const fs::path root = "/proc/" + std::to_string(pid) + "/root";
  std::error_code ignored;
  // A link inside the container may lead nowhere from here, so that it is there must do.
  const auto there = [&](const fs::path& file) {
    return fs::symlink_status(root / file.relative_path(), ignored).type() !=
           fs::file_type::not_found;
  };
  const std::string quoted = "exec: \"" + program + "\": ";
  if (program.find('/') != std::string::npos) {
    return there(program) || program.front() != '/'
               ? Status{}
               : Error::not_found(quoted + "stat " + program + ": no such file or directory");
  }
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!program.empty() && there(fs::path(folder) / program)) {
      return {};
    }
  }
  return Error::not_found(quoted + "executable file not found in $PATH");
}

}  // namespace kredis::sandbox
