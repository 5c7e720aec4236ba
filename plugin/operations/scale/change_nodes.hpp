// SPDX-License-Identifier: Apache-2.0
//
// The nodes of a cluster whose shape changes: plan_scale carried out, one stage after the other,
// with a look and a plan of the rest between them.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "plugin/apply/conduct.hpp"
#include "plugin/apply/site.hpp"
#include "shared/core/plans/plan_scale.hpp"

namespace kredis::plugin {

/// Looks again and again until `missing` has nothing to say. Pods are looked up each time: they may
/// come, go and get other addresses meanwhile.
Status look_until(Site& site,
                  const Conduct& conduct,
                  const std::function<std::string(const core::ClusterView&)>& missing);

class NodeChange {
 public:
  NodeChange(Site& site, core::ScaleWish wish, const Conduct& conduct)
      : site_(site), wish_(std::move(wish)), conduct_(conduct) {}

  /// To the end, or to an error that comes again and again. What surprises is planned around.
  Status run();
  /// Pods whose replicas were told to stay, by whatever came of it.
  const std::set<std::string>& set_off() const { return set_off_; }

 private:
  Status prepare(const core::Stage& stage);

  Site& site_;
  core::ScaleWish wish_;
  const Conduct& conduct_;
  std::set<std::string> set_off_ = {};
};

}  // namespace kredis::plugin
