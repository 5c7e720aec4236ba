// SPDX-License-Identifier: Apache-2.0
//
// How a pod runs Redis: in which of its containers, on which port, with which file, and where its
// password and certificates come from. Read from the pod's spec and the ConfigMaps that it mounts,
// by the same reading that the rules use; what cannot be seen is left at its default.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "shared/json/json.hpp"
#include "shared/policy/review.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/wire/kube_objects.hpp"

namespace kredis::observe {

/// One key of a ConfigMap or of a Secret; empty where none is meant.
struct KeyIn {
  std::string object = {};
  std::string key = {};
  bool empty() const noexcept { return object.empty(); }
  friend bool operator==(const KeyIn&, const KeyIn&) = default;
};

/// The Secrets' keys with a client's certificates.
struct CertificateKeys {
  KeyIn ca = {};
  KeyIn certificate = {};
  KeyIn key = {};
  friend bool operator==(const CertificateKeys&, const CertificateKeys&) = default;
};

/// Paths in the container of what a client needs for TLS; empty without.
struct CertificateFiles {
  std::string ca = {};
  std::string certificate = {};
  std::string key = {};
};

struct RedisProcess {
  wire::RedisPlace place = {};
  std::string container = {};       ///< Its name.
  KeyIn config = {};                ///< The file that it starts with, of a ConfigMap.
  KeyIn password = {};              ///< Of a Secret, from a variable or a mounted file.
  std::string plain_password = {};  ///< Where redis.conf itself has it.
  bool knows_password = false;      ///< A redis-cli in the container logs in by itself.
  bool tls = false;                 ///< No port but tls-port is open.
  CertificateKeys certificates = {};
  CertificateFiles certificate_files = {};
};

/// The ConfigMaps of one namespace, each read once. One that may not be read counts as unseen.
/// Threads: one at a time.
class ConfigMaps {
 public:
  ConfigMaps(ports::KubePort& kube, std::string where) : kube_(kube), where_(std::move(where)) {}
  /// Null where there is none, or none that may be read.
  const Json* find(const std::string& name);
  policy::Surroundings surroundings();

 private:
  ports::KubePort& kube_;
  std::string where_;
  std::map<std::string, Json> known_;  ///< Null for those that cannot be had.
};

/// A pod in the shape of a workload that would make it: what reads workloads reads pods, too.
Json as_workload(const Json& pod);

/// `workload` is one, or a pod in its shape. Blind surroundings show no ConfigMap: enough for what
/// `create` made, which declares its port.
RedisProcess read_process(const Json& workload, const policy::Surroundings& around);

}  // namespace kredis::observe
