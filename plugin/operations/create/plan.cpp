// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/create/plan.hpp"

#include <string>

#include <fmt/format.h>

#include "plugin/apply/object_steps.hpp"
#include "shared/manifest/names.hpp"

namespace kredis::plugin {
namespace {

std::string label_selector_of(const manifest::ClusterSpec& spec) {
  std::string selector;
  for (const auto& [key, value] : manifest::selector_labels(spec.name)) {
    selector += (selector.empty() ? "" : ",") + key + "=" + value;
  }
  return selector;
}

}  // namespace

core::Stage apply_stage(const manifest::ClusterSpec& spec,
                        const std::vector<Json>& objects,
                        const std::vector<Json>& before) {
  return {
      .title = fmt::format("applying {} objects in namespace {}", objects.size(), spec.namespace_),
      .steps = steps_to_apply(objects, before),
      .done = fmt::format("applied {} objects in namespace {}", objects.size(), spec.namespace_)};
}

core::Stage pods_stage(const manifest::ClusterSpec& spec) {
  const auto count = static_cast<std::uint32_t>(spec.nodes());
  const core::PodsReady ready{.namespace_ = spec.namespace_,
                              .label_selector = label_selector_of(spec),
                              .count = count,
                              .workload = manifest::names_of(spec.name).workload};
  return {.title = fmt::format("waiting for {} pods", count),
          .steps = {{.what = core::WaitFor{ready}}},
          .done = fmt::format("{0} of {0} pods ready", count)};
}

core::Plan plan_create(const manifest::ClusterSpec& spec,
                       const std::vector<Json>& objects,
                       const std::vector<Json>& before) {
  return {.stages = {apply_stage(spec, objects, before), pods_stage(spec)}};
}

}  // namespace kredis::plugin
