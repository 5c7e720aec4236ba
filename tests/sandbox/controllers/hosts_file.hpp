// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's DNS: the names that pods of a namespace see, because a name may be shortened only
// inside its own, and each pod's hosts file: its own line, as the kubelet wrote it, before them.
// https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
#pragma once

#include <filesystem>
#include <string>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Pure. What a pod in `seen_from` resolves: every service by its full names, those of its own
/// namespace by the short ones too, and the pods of headless services by name.
std::string hosts_file(const Objects& services, const Objects& pods, const std::string& seen_from);

/// What a pod calls its machine: `hostname`, else its own name.
std::string hostname_of(const Json& pod);

/// The line for a pod's own name, "ADDRESS NAME.SUBDOMAIN.NAMESPACE.svc... NAME", as the kubelet
/// writes it.
std::string own_hosts_line(const Json& pod, const std::string& address);

/// Where the names that pods of `namespace_` see are kept.
std::filesystem::path hosts_path(const std::filesystem::path& state_dir,
                                 const std::string& namespace_);

/// What is in a file; nothing where it cannot be read.
std::string read_file(const std::filesystem::path& file);

/// Replaces it whole, so that readers see the one or the other; leaves what is the same already.
void replace_file(const std::filesystem::path& file, const std::string& text);

/// Writes the names of every namespace, and behind the own line of every pod that a kubelet has.
void reconcile_hosts_files(Context& context);

}  // namespace kredis::sandbox
