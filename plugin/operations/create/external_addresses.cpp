// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/create/external_addresses.hpp"

#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/apply/apply_plan.hpp"
#include "plugin/apply/object_name.hpp"
#include "shared/manifest/external.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

struct Found {
  std::vector<manifest::ExternalAddress> addresses;
  std::vector<std::string> missing;
};

Result<Found> look(ports::KubePort& kube, const std::vector<Json>& services) {
  Found found;
  for (const Json& service : services) {
    const core::ObjectName name = name_of(service);
    KREDIS_TRY(const Json there, kube.get(path_of(name)));
    if (auto address = manifest::external_address(there)) {
      found.addresses.push_back(std::move(*address));
    } else {
      found.missing.push_back(name.name);
    }
  }
  return found;
}

Error none_given(const Found& found, const manifest::ClusterSpec& spec) {
  return Error::timeout(
             fmt::format("no external address was given to: {}", fmt::join(found.missing, ", ")))
      .with_hint("does this cluster have a load balancer? see kubectl describe service " +
                 found.missing.front() + " -n " + spec.namespace_ + "; or use --external NodePort");
}

}  // namespace

Status announce_external(ports::KubePort& kube,
                         const manifest::ClusterSpec& spec,
                         const Conduct& conduct) {
  const std::vector<Json> services = manifest::external_services(spec);
  if (services.empty()) {
    return {};
  }
  conduct.begin("waiting for external addresses");
  Found found;
  const Status waited = wait_until(conduct, 500ms, [&]() -> Result<std::string> {
    KREDIS_TRY(found, look(kube, services));
    return found.missing.empty()
               ? ""
               : fmt::format("{} of {} have one", found.addresses.size(), services.size());
  });
  if (!waited) {
    conduct.failed();
    return waited.error().code == ErrorCode::timeout ? none_given(found, spec) : waited.error();
  }
  const Json map = manifest::external_map(spec, found.addresses);
  Site site{.kube = &kube};
  const core::Stage stage{
      .title = "announcing them",
      .steps = {{.what = core::ApplyObject{.object = name_of(map), .json = map.dump()},
                 .reason = "the pods wait for the addresses to announce"}},
      .done = fmt::format("{} pods have external addresses", found.addresses.size())};
  return apply_plan(site, {.stages = {stage}}, conduct);
}

}  // namespace kredis::plugin
