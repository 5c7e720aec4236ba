// SPDX-License-Identifier: Apache-2.0
//
// The primal-dual method: push all that fits along edges of reduced cost zero ("tight"), then raise
// the potentials by a shortest-path search until more edges are tight. No edge with room ever has a
// negative reduced cost, so by complementary slackness the flows of the same cost are exactly those
// that differ by cycles of tight edges. `pin` walks them.
#include "shared/core/placement/min_cost_flow.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <queue>
#include <utility>

namespace kredis::core {

int MinCostFlow::add_vertex() { return vertices_++; }

int MinCostFlow::add_arc(int from, int to, int capacity, const Cost& cost) {
  edges_.push_back({to, capacity, cost});
  edges_.push_back({from, 0, Cost{} - cost});
  pinned_.push_back(0);
  return static_cast<int>(pinned_.size()) - 1;
}

bool MinCostFlow::is_tight(int edge) const {
  const Edge& here = edges_[index(edge)];
  return potential_[index(from(edge))] + here.cost == potential_[index(here.to)];
}

void MinCostFlow::index_edges(const std::vector<int>& edges) {
  first_.assign(index(vertices_ + 1), 0);
  for (const int edge : edges) {
    ++first_[index(from(edge) + 1)];
  }
  for (int vertex = 0; vertex < vertices_; ++vertex) {
    first_[index(vertex + 1)] += first_[index(vertex)];
  }
  order_.resize(edges.size());
  std::vector<int> place(first_.begin(), first_.end());
  for (const int edge : edges) {
    order_[index(place[index(from(edge))]++)] = edge;
  }
}

int MinCostFlow::solve(int source, int sink) {
  std::vector<int> edges(edges_.size());
  std::iota(edges.begin(), edges.end(), 0);
  index_edges(edges);
  potential_.assign(index(vertices_), Cost{});
  int sent = push_along_tight_edges(source, sink);
  while (raise_potentials(source, sink)) {
    sent += push_along_tight_edges(source, sink);
  }
  // From here on only tight edges count, and which they are no longer changes.
  std::erase_if(edges, [this](int edge) { return !is_tight(edge); });
  index_edges(edges);
  seen_.assign(index(vertices_), 0);
  came_by_.assign(index(vertices_), -1);
  region_.assign(index(vertices_), 0);
  return sent;
}

int MinCostFlow::push_along_tight_edges(int source, int sink) {
  int sent = 0;
  while (level_tight_edges(source, sink)) {
    next_.assign(first_.begin(), first_.end() - 1);
    while (const int more = push(source, sink, std::numeric_limits<int>::max())) {
      sent += more;
    }
  }
  return sent;
}

bool MinCostFlow::level_tight_edges(int source, int sink) {
  level_.assign(index(vertices_), -1);
  level_[index(source)] = 0;
  std::vector<int> queue{source};
  for (std::size_t at = 0; at < queue.size(); ++at) {
    const int vertex = queue[at];
    for (int i = first_[index(vertex)]; i < first_[index(vertex + 1)]; ++i) {
      const int edge = order_[index(i)];
      const int to = edges_[index(edge)].to;
      if (edges_[index(edge)].residual > 0 && level_[index(to)] < 0 && is_tight(edge)) {
        level_[index(to)] = level_[index(vertex)] + 1;
        queue.push_back(to);
      }
    }
  }
  return level_[index(sink)] >= 0;
}

int MinCostFlow::push(int vertex, int sink, int limit) {
  if (vertex == sink) {
    return limit;
  }
  for (int& i = next_[index(vertex)]; i < first_[index(vertex + 1)]; ++i) {
    const int edge = order_[index(i)];
    const int to = edges_[index(edge)].to;
    const int room = std::min(limit, edges_[index(edge)].residual);
    if (room == 0 || level_[index(to)] != level_[index(vertex)] + 1 || !is_tight(edge)) {
      continue;
    }
    if (const int sent = push(to, sink, room); sent > 0) {
      edges_[index(edge)].residual -= sent;
      edges_[index(edge ^ 1)].residual += sent;
      return sent;
    }
  }
  return 0;
}

bool MinCostFlow::raise_potentials(int source, int sink) {
  std::vector<std::optional<Cost>> distance(index(vertices_));
  using Entry = std::pair<Cost, int>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  distance[index(source)] = Cost{};
  queue.emplace(Cost{}, source);
  Cost farthest;
  while (!queue.empty()) {
    const auto [near, vertex] = queue.top();
    queue.pop();
    if (near != *distance[index(vertex)]) {
      continue;
    }
    farthest = near;
    for (int i = first_[index(vertex)]; i < first_[index(vertex + 1)]; ++i) {
      const Edge& edge = edges_[index(order_[index(i)])];
      const Cost far = near + edge.cost + potential_[index(vertex)] - potential_[index(edge.to)];
      auto& known = distance[index(edge.to)];
      if (edge.residual > 0 && (!known || far < *known)) {
        known = far;
        queue.emplace(far, edge.to);
      }
    }
  }
  if (!distance[index(sink)]) {
    return false;
  }
  for (int vertex = 0; vertex < vertices_; ++vertex) {
    potential_[index(vertex)] += distance[index(vertex)].value_or(farthest);
  }
  return true;
}

MinCostFlow::Cost MinCostFlow::cost() const {
  Cost total;
  for (int arc = 0; arc < static_cast<int>(pinned_.size()); ++arc) {
    for (std::size_t i = 0; i < total.at.size(); ++i) {
      total.at[i] += flow(arc) * edges_[index(2 * arc)].cost.at[i];
    }
  }
  return total;
}

bool MinCostFlow::pin(const std::vector<int>& path) {
  for (std::size_t done = 0; done < path.size(); ++done) {
    if (pin_arc(path[done])) {
      continue;
    }
    if (done == 0) {
      split_regions();
    }
    for (std::size_t i = 0; i < done; ++i) {
      --pinned_[index(path[i])];
      ++edges_[index(2 * path[i] + 1)].residual;
    }
    return false;
  }
  return true;
}

bool MinCostFlow::pin_arc(int arc) {
  Edge& forth = edges_[index(2 * arc)];
  Edge& back = edges_[index(2 * arc + 1)];
  reached_.clear();
  if (back.residual > 0) {
    --back.residual;
  } else if (forth.residual > 0 && region_[index(forth.to)] == region_[index(back.to)] &&
             is_tight(2 * arc) && find_tight_path(forth.to, back.to)) {
    for (int vertex = back.to; vertex != forth.to;) {
      const int edge = came_by_[index(vertex)];
      --edges_[index(edge)].residual;
      ++edges_[index(edge ^ 1)].residual;
      vertex = from(edge);
    }
    --forth.residual;
  } else {
    return false;
  }
  ++pinned_[index(arc)];
  return true;
}

bool MinCostFlow::find_tight_path(int source, int sink) {
  ++search_;
  seen_[index(source)] = search_;
  reached_.assign(1, source);
  for (std::size_t at = 0; at < reached_.size(); ++at) {
    const int vertex = reached_[at];
    for (int i = first_[index(vertex)]; i < first_[index(vertex + 1)]; ++i) {
      const int edge = order_[index(i)];
      const int to = edges_[index(edge)].to;
      if (edges_[index(edge)].residual == 0 || seen_[index(to)] == search_) {
        continue;
      }
      seen_[index(to)] = search_;
      came_by_[index(to)] = edge;
      if (to == sink) {
        return true;
      }
      reached_.push_back(to);
    }
  }
  return false;
}

/// What a vain search reached can never be left again: later cycles are all within it or all
/// outside, and pins only close edges. So no cycle will ever pass between it and the rest.
void MinCostFlow::split_regions() {
  std::map<int, int> renamed;
  for (const int vertex : reached_) {
    const auto [name, is_new] = renamed.try_emplace(region_[index(vertex)], regions_ + 1);
    regions_ += is_new ? 1 : 0;
    region_[index(vertex)] = name->second;
  }
}

}  // namespace kredis::core
