// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/init/bus_diagnosis.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace kredis::plugin {
namespace {

using core::ClusterView;
using core::Member;
using core::Node;
using namespace std::chrono_literals;

int bus_port_of(const Member& member) {
  const Node* self = member.self();
  const bool known = self != nullptr && self->address.bus_port != 0;
  return known ? self->address.bus_port : member.pod.port + core::k_bus_offset;
}

/// The pair to show: the pod that most others cannot reach is likelier the cause than they are.
BusPair worst_of(const std::vector<BusPair>& pairs) {
  std::map<std::string, int> blamed;
  for (const BusPair& pair : pairs) {
    ++blamed[pair.to];
  }
  return *std::ranges::max_element(pairs, {}, [&](const BusPair& pair) { return blamed[pair.to]; });
}

enum class Probe { listens, silent, unknown };

/// Looks from the API server's side whether anybody listens on the bus port.
Probe probe_bus(const ClusterView& view, const Member& member, ports::KubePort* kube) {
  if (kube == nullptr) {
    return Probe::unknown;
  }
  const auto deadline = std::chrono::steady_clock::now() + 3s;
  auto tunnel = kube->open_tunnel(view.namespace_, member.pod.name, bus_port_of(member), deadline);
  if (!tunnel) {
    return Probe::unknown;
  }
  // A bus port waits for its peer to speak; a closed one ends the tunnel at once.
  pollfd entry{(*tunnel)->take_fd(), POLLIN, 0};
  const bool ended = ::poll(&entry, 1, 1000) > 0;
  ::close(entry.fd);
  if (!ended) {
    return Probe::listens;
  }
  return (*tunnel)->failure().empty() ? Probe::unknown : Probe::silent;
}

std::string others(const std::vector<BusPair>& pairs, const BusPair& shown) {
  constexpr std::size_t k_named = 3;
  std::string text;
  std::size_t named = 0;
  for (const BusPair& pair : pairs) {
    if (pair != shown && named < k_named) {
      text += (named++ == 0 ? "; nor " : ", ") + pair.from + " -> " + pair.to;
    }
  }
  const std::size_t rest = pairs.size() - 1 - named;
  return rest == 0 ? text : text + " and " + std::to_string(rest) + " more";
}

}  // namespace

std::vector<BusPair> blocked_pairs(const ClusterView& view) {
  std::vector<BusPair> pairs;
  for (const Member& viewer : view.members) {
    for (const Member& other : view.members) {
      if (&viewer != &other && viewer.view && other.self() != nullptr && !reaches(viewer, other)) {
        pairs.push_back({viewer.pod.name, other.pod.name});
      }
    }
  }
  return pairs;
}

Error diagnose_bus(const ClusterView& view, const Error& late, ports::KubePort* kube) {
  const std::vector<BusPair> pairs = blocked_pairs(view);
  if (pairs.empty()) {
    return late;
  }
  const BusPair worst = worst_of(pairs);
  const Member& target = *view.by_pod(worst.to);
  const std::string port = std::to_string(bus_port_of(target));
  Error error = Error::timeout(worst.from + " cannot reach the bus port " + port + " of " +
                               worst.to + " (" + target.pod.ip + ")" + others(pairs, worst));
  error.context = late.context;
  switch (probe_bus(view, target, kube)) {
    case Probe::silent:
      return error.with_hint(
          "nothing listens on port " + port + " of " + worst.to +
          ": check `cluster-enabled`, `bind` and `cluster-port` in its redis.conf");
    case Probe::listens:
      return error.with_hint(worst.to + " does listen there: allow TCP " + port +
                             " between the pods (NetworkPolicy, firewall), then run this again");
    case Probe::unknown:
      break;
  }
  return error.with_hint("allow TCP " + port +
                         " between the pods (NetworkPolicy, firewall), then run this again");
}

}  // namespace kredis::plugin
