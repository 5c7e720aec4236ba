// SPDX-License-Identifier: Apache-2.0
//
// Who is to be what: masters stay masters where they can, a role that must move goes to a replica
// that has the data already, and a replica stays with its master where that has not too many.
#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

#include "shared/core/plans/scale_model.hpp"

namespace kredis::core {
namespace {

/// Chooses the roles, one after the other.
class RoleChoice {
 public:
  RoleChoice(std::vector<ScaleNode> nodes, const ScaleWish& wish) : wish_(wish) {
    model_.nodes = std::move(nodes);
  }
  Result<ScaleModel> choose(const std::string& cluster);

 private:
  void find_shards();
  void dissolve();
  void find_heirs();
  void find_newcomers();
  void share_out();
  std::vector<std::size_t> masters() const;
  bool is_taken(std::size_t node) const;
  std::size_t copies_of(std::size_t node) const;
  template <typename Rank>
  std::optional<std::size_t> best(Rank rank) const;
  std::size_t masters_on(const FailureDomain& domain, bool zone) const;
  const FailureDomain& domain(std::size_t node) const {
    return model_.nodes[node].member->pod.domain;
  }
  std::size_t master_in_the_end(std::size_t node) const;
  bool is_apart(std::size_t one, std::size_t other) const {
    return domain(one).node != domain(other).node || domain(one).node.empty();
  }
  int shared(std::size_t replica, std::size_t master) const {
    return is_apart(replica, master) ? 0 : 1;
  }
  void stay_where_they_are(std::size_t most);
  void swap_to_other_hosts(const std::set<std::size_t>& moved);

  const ScaleWish& wish_;
  ScaleModel model_ = {};
};

void RoleChoice::find_shards() {
  for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
    if (model_.nodes[i].has_slots()) {
      model_.shards.push_back({.master = i, .heir = i});
    }
  }
}

/// The shards that are one too many: first those that lose their pods anyway.
void RoleChoice::dissolve() {
  std::vector<ScaleShard*> order;
  for (ScaleShard& shard : model_.shards) {
    order.push_back(&shard);
  }
  const auto rank = [&](const ScaleShard* shard) {
    const bool leaves = model_.nodes[shard->master].leaving;
    const bool has_heir = std::ranges::any_of(model_.nodes, [&](const ScaleNode& node) {
      return node.replica_of == shard->master && !node.leaving;
    });
    return std::tuple(!leaves, has_heir, model_.nodes.size() - shard->master);
  };
  std::ranges::sort(order, {}, rank);
  for (std::size_t i = 0; i + wish_.masters < model_.shards.size(); ++i) {
    order[i]->dissolved = true;
  }
}

bool RoleChoice::is_taken(std::size_t node) const {
  const bool heir = std::ranges::any_of(model_.shards, [&](const ScaleShard& shard) {
    return !shard.dissolved && shard.heir == node;
  });
  return heir || std::ranges::find(model_.newcomers, node) != model_.newcomers.end();
}

std::vector<std::size_t> RoleChoice::masters() const {
  std::vector<std::size_t> all;
  for (const ScaleShard& shard : model_.shards) {
    if (!shard.dissolved && !model_.nodes[shard.heir].leaving) {
      all.push_back(shard.heir);
    }
  }
  all.insert(all.end(), model_.newcomers.begin(), model_.newcomers.end());
  return all;
}

/// How many copies its shard has beside it.
std::size_t RoleChoice::copies_of(std::size_t node) const {
  const auto& mine = model_.nodes[node].replica_of;
  return !mine ? 0
               : static_cast<std::size_t>(
                     std::ranges::count_if(model_.nodes, [&](const ScaleNode& other) {
                       return other.replica_of == mine && !other.leaving;
                     }));
}

std::size_t RoleChoice::masters_on(const FailureDomain& where, bool zone) const {
  std::size_t count = 0;
  for (const std::size_t master : masters()) {
    const FailureDomain& other = domain(master);
    count += zone ? (!where.zone.empty() && other.zone == where.zone)
                  : (!where.node.empty() && other.node == where.node);
  }
  return count;
}

/// Of the pods that stay and are no master in the end, the one of the lowest rank.
template <typename Rank>
std::optional<std::size_t> RoleChoice::best(Rank rank) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
    const bool serves_on = model_.nodes[i].has_slots() && !model_.nodes[i].leaving;
    if (model_.nodes[i].leaving || is_taken(i) || serves_on) {
      continue;
    }
    if (!found || rank(i) < rank(*found)) {
      found = i;
    }
  }
  return found;
}

/// A master whose pod leaves hands over: to a replica of its own, else to who becomes one first.
void RoleChoice::find_heirs() {
  for (const bool own : {true, false}) {
    for (ScaleShard& shard : model_.shards) {
      if (shard.dissolved || !model_.nodes[shard.heir].leaving) {
        continue;
      }
      const auto heir = best([&](std::size_t node) {
        const auto& follows = model_.nodes[node].replica_of;
        return std::tuple(follows != shard.master,
                          follows.has_value(),
                          masters_on(domain(node), false),
                          masters_on(domain(node), true),
                          model_.nodes.size() - copies_of(node),
                          node);
      });
      if (heir && (!own || model_.nodes[*heir].replica_of == shard.master)) {
        shard.heir = *heir;
      }
    }
  }
}

/// New masters: pods without a part first, then replicas of whom there are most.
void RoleChoice::find_newcomers() {
  while (masters().size() < wish_.masters) {
    const auto newcomer = best([&](std::size_t node) {
      const bool followed = std::ranges::any_of(
          model_.nodes, [node](const ScaleNode& other) { return other.replica_of == node; });
      return std::tuple(!followed,  // As a run before this one chose.
                        model_.nodes[node].replica_of.has_value(),
                        model_.nodes.size() - copies_of(node),
                        masters_on(domain(node), false),
                        masters_on(domain(node), true),
                        node);
    });
    if (!newcomer) {
      return;
    }
    model_.newcomers.push_back(*newcomer);
  }
}

/// Who is master of the shard whose copy `node` has.
std::size_t RoleChoice::master_in_the_end(std::size_t node) const {
  for (const ScaleShard& shard : model_.shards) {
    const bool mine = model_.nodes[node].replica_of == shard.master;
    if (mine && !shard.dissolved) {
      return shard.heir;
    }
  }
  for (const std::size_t master : model_.newcomers) {
    if (model_.nodes[node].replica_of == master) {
      return master;
    }
  }
  return node;
}

/// Replicas keep their masters, up to so many of each; those apart from them first.
void RoleChoice::stay_where_they_are(std::size_t most) {
  std::map<std::size_t, std::size_t> count;
  for (const bool apart : {true, false}) {
    for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
      const std::size_t master = master_in_the_end(i);
      const bool may = !model_.nodes[i].leaving && !is_taken(i) && master != i;
      if (may && is_apart(i, master) == apart && count[master] < most) {
        ++count[master];
        model_.master_of[i] = master;
      }
    }
  }
}

/// One that needs a master and another replica change theirs where fewer then share a node with
/// their master.
void RoleChoice::swap_to_other_hosts(const std::set<std::size_t>& moved) {
  for (auto one = model_.master_of.begin(); one != model_.master_of.end(); ++one) {
    for (auto other = std::next(one); other != model_.master_of.end(); ++other) {
      const int now = shared(one->first, one->second) + shared(other->first, other->second);
      const int then = shared(one->first, other->second) + shared(other->first, one->second);
      if (then < now && (moved.contains(one->first) || moved.contains(other->first))) {
        std::swap(one->second, other->second);
      }
    }
  }
}

/// Every pod that stays and is no master copies one: whoever has too few, on another node.
void RoleChoice::share_out() {
  const std::vector<std::size_t> all = masters();
  std::size_t stay = 0;
  for (const ScaleNode& node : model_.nodes) {
    stay += node.leaving ? 0U : 1U;
  }
  const std::size_t copies = stay - all.size();
  stay_where_they_are((copies + all.size() - 1) / all.size());
  std::map<std::size_t, std::size_t> count;
  for (const auto& each : model_.master_of) {
    ++count[each.second];
  }
  std::set<std::size_t> moved;
  for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
    if (model_.nodes[i].leaving || is_taken(i) || model_.master_of.contains(i)) {
      continue;
    }
    const auto rank = [&](std::size_t master) {
      const bool zone = !domain(i).zone.empty() && domain(i).zone == domain(master).zone;
      const bool enough = count[master] >= wish_.replicas;
      return std::tuple(enough, !is_apart(i, master), zone, count[master], master);
    };
    const std::size_t master = *std::ranges::min_element(all, {}, rank);
    model_.master_of[i] = master;
    ++count[master];
    moved.insert(i);
  }
  swap_to_other_hosts(moved);
}

Result<ScaleModel> RoleChoice::choose(const std::string& cluster) {
  find_shards();
  dissolve();
  find_heirs();
  find_newcomers();
  const std::size_t found = masters().size();
  if (found != wish_.masters) {
    return Error::invalid_argument("cluster " + cluster + " has pods for " + std::to_string(found) +
                                   " masters, and " + std::to_string(wish_.masters) +
                                   " were asked for")
        .with_hint("ask for fewer masters, or make more pods first");
  }
  share_out();
  return std::move(model_);
}

}  // namespace

Result<ScaleModel> roles_for_scale(const ClusterView& view, const ScaleWish& wish) {
  KREDIS_TRY(std::vector<ScaleNode> nodes, survey_for_scale(view, wish));
  return RoleChoice(std::move(nodes), wish).choose(view.name);
}

}  // namespace kredis::core
