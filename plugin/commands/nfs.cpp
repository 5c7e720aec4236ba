// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis nfs exports` and `check`: the NFS server's side of `create --nfs-server`.
#include <chrono>
#include <memory>
#include <ostream>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/commands/flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/operations/nfs/exports.hpp"
#include "shared/wire/nfs_exports.hpp"
#include "shared/wire/nfs_report.hpp"

namespace kredis::plugin {
namespace {

struct NfsFlags {
  std::string path = {};
  int count = 6;
  std::string clients = {};
  std::string server = {};
  int mount_port = 0;
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  Output output = Output::text;
};

Status check_options(const NfsFlags& options, const std::string& path_flag) {
  constexpr int k_most = 10'000;
  if (!options.path.starts_with('/') ||
      options.path.find_first_of(" \t\n#\"\\") != std::string::npos) {
    return Error::invalid_argument(path_flag + " \"" + options.path +
                                   "\" is not an absolute path without spaces")
        .with_hint("write the folder that holds pv1, pv2, ...: " + path_flag +
                   " /usr/local/k8s/redis");
  }
  if (options.count < 1 || options.count > k_most) {
    return Error::invalid_argument(
               fmt::format("--count {} is not between 1 and {}", options.count, k_most))
        .with_hint("give one folder to each pod: six for three masters with a replica each");
  }
  return options.clients.empty() ? Status{} : wire::check_nfs_client(options.clients);
}

Result<ExitStatus> run_exports(const NfsFlags& options, Session& session) {
  KREDIS_CHECK(check_options(options, "--server-path"));
  const auto folders = wire::nfs_folders(options.path, options.count);
  session.out() << "# On the NFS server, as root. The pods run as user 999.\n"
                << fmt::format("mkdir -p {0}\nchown 999:999 {0}\n", fmt::join(folders, " "))
                << "cat >>/etc/exports <<'EXPORTS'\n"
                << wire::exports_file(folders, options.clients) << "EXPORTS\n"
                << "exportfs -ra\n";
  return ExitStatus::done;
}

Result<ExitStatus> run_check(const NfsFlags& options, Session& session) {
  KREDIS_CHECK(check_options(options, "--nfs-path"));
  KREDIS_TRY(const auto exports,
             ask_exports({.host = options.server, .mount_port = options.mount_port},
                         session.clock().now() + options.timeout));
  const auto troubles = wire::missing_exports(
      wire::nfs_folders(options.path, options.count), exports, options.clients);
  const ExitStatus exit = troubles.empty() ? ExitStatus::done : ExitStatus::refused;
  if (options.output != Output::text) {
    session.print_object(wire::nfs_report({.server = options.server,
                                           .path = options.path,
                                           .folders = options.count,
                                           .troubles = troubles}),
                         options.output);
    return exit;
  }
  for (const wire::ExportTrouble& trouble : troubles) {
    session.out() << trouble.folder << " " << trouble.what << "\n  "
                  << session.style().green("fix:") << " " << trouble.fix << "\n";
  }
  session.out() << fmt::format("{} of {} folders below {} are exported by {}\n",
                               options.count - static_cast<int>(troubles.size()),
                               options.count,
                               options.path,
                               options.server);
  return exit;
}

void add_count(Verb& verb, NfsFlags& flags) {
  verb.option("--count", flags.count, "Folders, one for each pod");
}

void add_exports(Verb& nfs) {
  const auto flags = std::make_shared<NfsFlags>();
  Verb verb = nfs.subcommand("exports", "Print what to run on the NFS server");
  verb.option("--server-path", flags->path, "Folder on the server for pv1, pv2, ...").required();
  add_count(verb, *flags);
  verb.option("--clients", flags->clients, "Who may mount them: the network of the nodes")
      .required();
  verb.footer(
      "Prints the folders to make and the lines of /etc/exports; changes nothing.\n\n"
      "Example:\n"
      "  kubectl redis nfs exports --server-path /usr/local/k8s/redis --count 6 --clients 192.168.0.0/24");
  verb.run(flags, run_exports);
}

void add_check(Verb& nfs) {
  const auto flags = std::make_shared<NfsFlags>();
  Verb verb = nfs.subcommand("check", "Ask the NFS server whether it exports the folders");
  verb.option("--nfs-server", flags->server, "The NFS server").required();
  verb.option("--nfs-path", flags->path, "Folder there that holds pv1, pv2, ...").required();
  add_count(verb, *flags);
  verb.option(
      "--clients", flags->clients, "Also check that this address or network may mount them");
  verb.option("--mount-port",
              flags->mount_port,
              "Port of its mount service, where its port mapper cannot be asked")
      .between(1, 65535)
      .hide_default();
  add_timeout(verb, flags->timeout, "Longest wait for the server");
  add_output(verb, flags->output, {Output::text, Output::json, Output::yaml});
  verb.footer(
      "Asks what `showmount -e` asks, from this machine. Exit status 3 when a folder is missing.\n\n"
      "Example:\n"
      "  kubectl redis nfs check --nfs-server 192.168.0.222 --nfs-path /usr/local/k8s/redis");
  verb.run(flags, run_check);
}

}  // namespace

void add_nfs(Verb& root) {
  Verb group = root.group("nfs", "Prepare and check an NFS server for static volumes");
  group.footer(
      "Examples:\n"
      "  kubectl redis nfs exports --server-path /usr/local/k8s/redis --clients 192.168.0.0/24\n"
      "  kubectl redis nfs check --nfs-server 192.168.0.222 --nfs-path /usr/local/k8s/redis");
  add_exports(group);
  add_check(group);
}

}  // namespace kredis::plugin
