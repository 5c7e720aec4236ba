// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/shuffle_baseline.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <random>
#include <string>
#include <utility>

namespace kredis::bench {
namespace {

/// One pod of every host in turn.
std::vector<std::size_t> dealt_by_host(const std::vector<core::Candidate>& candidates) {
  std::map<std::string, std::vector<std::size_t>> hosts;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    hosts[candidates[i].domain.node].push_back(i);
  }
  std::vector<std::size_t> dealt;
  for (std::size_t round = 0; dealt.size() < candidates.size(); ++round) {
    for (const auto& [host, pods] : hosts) {
      if (round < pods.size()) {
        dealt.push_back(pods[round]);
      }
    }
  }
  return dealt;
}

class Shuffle {
 public:
  Shuffle(const std::vector<core::Candidate>& candidates, std::size_t masters)
      : candidates_(candidates),
        dealt_(dealt_by_host(candidates)),
        masters_(masters),
        shard_of_(dealt_.size()) {
    for (std::size_t i = 0; i < dealt_.size(); ++i) {
      shard_of_[i] = i % masters;
    }
  }

  void run() {
    const std::size_t most_swaps = 500 * dealt_.size();
    std::mt19937_64 random{1};
    std::size_t score = look();
    for (std::size_t swap = 0; swap < most_swaps && score > 0; ++swap) {
      const std::size_t one = offenders_[random() % offenders_.size()];
      const std::size_t other = masters_ + random() % (dealt_.size() - masters_);
      std::swap(shard_of_[one], shard_of_[other]);
      if (const std::size_t after = look(); after > score) {
        std::swap(shard_of_[one], shard_of_[other]);
        score = look();
      } else {
        score = after;
      }
    }
  }

  core::Placement result() const {
    core::Placement placement;
    for (std::size_t i = 0; i < dealt_.size(); ++i) {
      const int ordinal = candidates_[dealt_[i]].ordinal;
      if (i < masters_) {
        placement.shards.push_back({ordinal});
      } else {
        placement.shards[shard_of_[i]].replicas.push_back(ordinal);
      }
    }
    placement.compromises = core::compromises_of(placement, candidates_);
    return placement;
  }

 private:
  /// Scores the whole assignment anew and notes the replicas that share a host.
  std::size_t look() {
    offenders_.clear();
    std::vector<std::vector<std::size_t>> shards(masters_);
    for (std::size_t i = 0; i < dealt_.size(); ++i) {
      for (const std::size_t fellow : shards[shard_of_[i]]) {
        if (candidates_[dealt_[i]].domain.node == candidates_[dealt_[fellow]].domain.node) {
          offenders_.push_back(i);
        }
      }
      shards[shard_of_[i]].push_back(i);
    }
    return offenders_.size();
  }

  const std::vector<core::Candidate>& candidates_;
  std::vector<std::size_t> dealt_;
  std::size_t masters_;
  std::vector<std::size_t> shard_of_;
  std::vector<std::size_t> offenders_;
};

}  // namespace

core::Placement place_by_shuffling(const std::vector<core::Candidate>& candidates,
                                   std::uint32_t masters) {
  Shuffle shuffle(candidates, masters);
  shuffle.run();
  return shuffle.result();
}

}  // namespace kredis::bench
