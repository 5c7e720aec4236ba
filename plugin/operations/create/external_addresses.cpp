// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/create/external_addresses.hpp"

#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/apply/resource_path.hpp"
#include "plugin/terminal/interrupt.hpp"
#include "shared/manifest/external.hpp"

namespace kredis::plugin {
namespace {

struct Found {
  std::vector<manifest::ExternalAddress> addresses;
  std::vector<std::string> missing;
};

Result<Found> look(ports::KubePort& kube, const std::vector<Json>& services) {
  Found found;
  for (const Json& service : services) {
    const ObjectName name = name_of(service);
    KREDIS_TRY(const Json there, kube.get(name.path));
    if (auto address = manifest::external_address(there)) {
      found.addresses.push_back(std::move(*address));
    } else {
      found.missing.push_back(name.path.name);
    }
  }
  return found;
}

}  // namespace

Status announce_external(ports::KubePort& kube,
                         const manifest::ClusterSpec& spec,
                         ports::Deadline deadline,
                         Progress& progress) {
  const std::vector<Json> services = manifest::external_services(spec);
  if (services.empty()) {
    return {};
  }
  progress.begin("waiting for external addresses");
  for (;;) {
    KREDIS_TRY(const Found found, look(kube, services));
    if (found.missing.empty()) {
      const Json map = manifest::external_map(spec, found.addresses);
      KREDIS_CHECK(kube.apply(name_of(map).path, map, ports::Force::no, ports::DryRun::no));
      progress.done(fmt::format("{} pods have external addresses", found.addresses.size()));
      return {};
    }
    if (interrupted()) {
      return Error::internal("interrupted");
    }
    if (ports::Clock::now() > deadline) {
      progress.fail();
      return Error::timeout(fmt::format("no external address was given to: {}",
                                        fmt::join(found.missing, ", ")))
          .with_hint("does this cluster have a load balancer? see kubectl describe service " +
                     found.missing.front() + " -n " + spec.namespace_ +
                     "; or use --external NodePort");
    }
    progress.line("", fmt::format("{} of {} have one", found.addresses.size(), services.size()));
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

}  // namespace kredis::plugin
