// SPDX-License-Identifier: Apache-2.0
//
// Minimum-cost flow whose costs are vectors compared in order, the first number that differs
// decides. What places replicas; knows nothing about them.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kredis::core {

/// A cost in several criteria; a lower one in an earlier criterion always wins.
template <std::size_t Criteria, typename Number>
struct LexicalCost {
  std::array<Number, Criteria> at = {};

  LexicalCost& operator+=(const LexicalCost& other) {
    for (std::size_t i = 0; i < Criteria; ++i) {
      at[i] += other.at[i];
    }
    return *this;
  }
  LexicalCost& operator-=(const LexicalCost& other) {
    for (std::size_t i = 0; i < Criteria; ++i) {
      at[i] -= other.at[i];
    }
    return *this;
  }
  friend LexicalCost operator+(LexicalCost left, const LexicalCost& right) { return left += right; }
  friend LexicalCost operator-(LexicalCost left, const LexicalCost& right) { return left -= right; }
  friend auto operator<=>(const LexicalCost&, const LexicalCost&) = default;
};

/// Build the network, `solve` once, then `pin` units to steer among the equally cheap flows.
class MinCostFlow {
 public:
  using Cost = LexicalCost<6, std::int32_t>;

  int add_vertex();
  /// Returns the arc's number. Requires: cost >= 0, before `solve`.
  int add_arc(int from, int to, int capacity, const Cost& cost);

  /// Sends as much as it can from `source` to `sink`, as cheaply as it can. Returns the amount.
  int solve(int source, int sink);

  Cost cost() const;
  int flow(int arc) const { return edges_[index(2 * arc + 1)].residual + pinned_[index(arc)]; }

  /// Makes one unit of flow use every arc of `path` for good, if that costs nothing and undoes no
  /// earlier pin; otherwise changes no pin and returns false. Quickest with the arc first that is
  /// most likely to be refused.
  bool pin(const std::vector<int>& path);

 private:
  struct Edge {
    int to;
    int residual;
    Cost cost;
  };

  static std::size_t index(int number) { return static_cast<std::size_t>(number); }
  int from(int edge) const { return edges_[index(edge ^ 1)].to; }
  bool is_tight(int edge) const;
  void index_edges(const std::vector<int>& edges);
  int push_along_tight_edges(int source, int sink);
  bool level_tight_edges(int source, int sink);
  int push(int vertex, int sink, int limit);
  bool raise_potentials(int source, int sink);
  bool pin_arc(int arc);
  bool find_tight_path(int source, int sink);
  void split_regions();

  // Edge 2a is arc a, edge 2a+1 its way back.
  std::vector<Edge> edges_;
  std::vector<int> pinned_;
  std::vector<Cost> potential_;
  // Edges by the vertex they leave: order_[first_[v]] to order_[first_[v + 1]], end excluded.
  std::vector<int> first_;
  std::vector<int> order_;
  // Scratch of one search.
  std::vector<int> level_;
  std::vector<int> next_;
  std::vector<int> seen_;
  std::vector<int> came_by_;
  std::vector<int> reached_;
  int search_ = 0;
  /// Vertices that differ here are on no common cycle of tight edges.
  std::vector<int> region_;
  int regions_ = 0;
  int vertices_ = 0;
};

}  // namespace kredis::core
