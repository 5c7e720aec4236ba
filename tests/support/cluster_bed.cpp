// SPDX-License-Identifier: Apache-2.0
#include "tests/support/cluster_bed.hpp"

#include <stdexcept>

namespace kredis::tests {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

RedisServersOptions options_for(int count,
                                int node_timeout_ms,
                                const std::vector<std::string>& more) {
  RedisServersOptions options{.count = count, .arguments = cluster_arguments(node_timeout_ms)};
  options.arguments.insert(options.arguments.end(), more.begin(), more.end());
  return options;
}

}  // namespace

ClusterBed::ClusterBed(int count,
                       int node_timeout_ms,
                       const std::vector<std::string>& more_arguments)
    : servers(options_for(count, node_timeout_ms, more_arguments)) {
  redis = std::move(*redis::make_redis(redis::Via::direct, nullptr, {}));
  view.name = "redis";
  view.namespace_ = "shop";
  for (int i = 0; i < count; ++i) {
    core::Member member;
    member.pod.name = "redis-app-" + std::to_string(i);
    member.pod.ordinal = i;
    member.pod.owner = "statefulset/redis-app";
    member.pod.ip = servers[static_cast<std::size_t>(i)].address;
    member.pod.domain.node = "node-" + std::to_string(i % 3);
    member.pod.running = true;
    member.pod.ready = true;
    view.members.push_back(std::move(member));
  }
}

Result<plugin::InitOutcome> ClusterBed::init(std::uint32_t masters,
                                             std::chrono::milliseconds time,
                                             plugin::FormQuickly quickly) {
  const auto replicas = static_cast<std::uint32_t>(view.members.size()) / masters - 1;
  return plugin::initialise(
      *cluster(),
      nullptr,
      {.shape = {.masters = masters, .replicas = replicas}, .form_quickly = quickly},
      {.deadline = steady_clock::now() + time});
}

core::Reply ClusterBed::ask(std::size_t node, const core::Command& command) const {
  auto connection = redis->connect({.host = servers[node].address}, steady_clock::now() + 10s);
  if (!connection) {
    throw std::runtime_error(connection.error().message);
  }
  auto replies = (*connection)->pipeline({command}, steady_clock::now() + 10s);
  if (!replies) {
    throw std::runtime_error(replies.error().message);
  }
  return replies->front();
}

std::string ClusterBed::setting(std::size_t node, const std::string& name) const {
  return ask(node, {"CONFIG", "GET", name}).items.at(1).text;
}

}  // namespace kredis::tests
