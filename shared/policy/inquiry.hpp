// SPDX-License-Identifier: Apache-2.0
//
// One question to the guards, and what is needed to answer it. For the files of this layer:
// guard.cpp asks who goes (scaling, pods, workloads, claims), guard_changes.cpp what a change takes
// away, guard_moves.cpp what would interrupt a move of slots, guard_parts.cpp what goes beside a
// workload or around it.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "shared/policy/guard.hpp"

namespace kredis::policy {

/// What guards read of objects.
namespace guarded {

bool is_annotated(const Json& object, std::string_view key);
/// Whether its annotation allows that data goes.
bool is_allowed(const Json& object);
bool is_leaving(const Json& object);
std::string name_of(const Json& object);
bool is_stateful_set(const Json& workload);
/// Pods that it wants. `otherwise` stands for an absent number: 1 for a workload, which is its
/// default, but 0 for an autoscaling/v1 Scale, whose zero the API server leaves out.
std::int64_t replicas_of(const Json& object, std::int64_t otherwise = 1);
/// By the name: an Eviction carries neither labels nor owner references of its pod.
bool is_pod_of(std::string_view pod, const Json& workload);
bool has_claims(const Json& workload);
/// The first owner that `after` has and `before` has not, as "Kind NAME"; empty where there is
/// none.
std::string gained_owner(const Json& before, const Json& after);
/// Where the workload's data lies: "claim redis-data at db", "emptyDir", or nothing where that is
/// in the container.
std::string data_place(const Json& workload, const Surroundings& around);
/// Whether what lies there outlives its pod.
bool is_lasting(std::string_view place);

}  // namespace guarded

class Inquiry {
 public:
  Inquiry(const Act& act, const Surroundings& around, const Look& look)
      : act_(act), around_(around), look_(look) {}

  GuardAnswer answer();

 private:
  void ask();
  void ask_of_removal();
  void ask_of_update();
  void scaling();
  void judge_scaling(const Json& workload, const Json& after);
  void departure(const char* id);
  void judge_departure(const char* id, const Json& workload, const std::set<std::string>& pods);
  bool interrupts_move(const Json& allowing,
                       const std::set<std::string>& pods,
                       std::string path,
                       std::string found);
  void workload_deletion();
  void claim_deletion();

  void workload_change();
  bool rolls_out();
  void pod_change();
  void claim_change();

  void replica_set();
  void part_deletion();
  void part_change();
  void namespace_deletion();
  void loses_part(const Json& workload, std::string found);

  /// The workload of a claim of that name, the pod that has it, and whether that is wanted.
  struct ClaimUse {
    const Json* workload = nullptr;
    std::string pod = {};
    bool wanted = false;
  };
  ClaimUse use_of_claim() const;
  bool is_used(const ClaimUse& use);

  bool concerns(const Json* workload);
  bool looks(const Json& workload);
  /// Whether data would be lost with it, as far as can be seen.
  bool holds_data(const Json& workload);
  const Json* workload_where(const std::function<bool(const Json&)>& fits) const;
  /// Workloads that want pods and use the object, which is a ConfigMap, Service or budget.
  std::vector<const Json*> users_of(const Json& part);
  /// An error, unless an annotation of `object` allows it.
  void refuse(
      const char* id, const Json& object, std::string path, std::string found, std::string message);
  void warn(const char* id, std::string found, std::string wanted, std::string message);
  void blind(const char* id);

  const Act& act_;
  const Surroundings& around_;
  const Look& look_;
  Sight sight_;
  GuardAnswer answer_;
};

}  // namespace kredis::policy
