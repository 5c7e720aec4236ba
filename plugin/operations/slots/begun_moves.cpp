// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/slots/begun_moves.hpp"

#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "shared/core/open_slots.hpp"
#include "shared/json/json.hpp"

namespace kredis::plugin {
namespace {

Json wish_json(const core::ReshardWish& wish) {
  return {{"from", wish.from}, {"to", wish.to}, {"count", wish.count}};
}

/// The slots by the node that they go to; nothing where `text` is not of `wish`.
std::optional<std::map<core::NodeId, core::SlotSet>> read_begun(const core::ReshardWish& wish,
                                                                const std::string& text) {
  const Json begun = Json::parse(text, nullptr, false);
  if (!begun.is_object() || begun.value("wish", Json()) != wish_json(wish)) {
    return std::nullopt;
  }
  std::map<core::NodeId, core::SlotSet> goes;
  const Json moves = begun.value("moves", Json());
  for (const auto& [target, slots] : moves.items()) {
    const auto node = core::NodeId::parse(target);
    const auto set = core::SlotSet::parse(slots.is_string() ? slots.get<std::string>() : "");
    if (!node || !set || set->empty()) {
      return std::nullopt;
    }
    goes.emplace(*node, *set);
  }
  return goes;
}

}  // namespace

std::string begun_text(const core::ReshardWish& wish, const std::vector<core::MoveSlots>& moves) {
  std::map<std::string, core::SlotSet> goes;
  for (const core::MoveSlots& move : moves) {
    goes[move.target.to_text()].insert(move.slots);
  }
  Json begun{{"wish", wish_json(wish)}, {"moves", Json::object()}};
  for (const auto& [target, slots] : goes) {
    begun["moves"][target] = slots.to_text();
  }
  return begun.dump();
}

Result<std::optional<std::vector<core::MoveSlots>>> left_of_begun(const core::ClusterView& view,
                                                                  const core::ReshardWish& wish,
                                                                  const std::string& text) {
  const auto goes = read_begun(wish, text);
  if (!goes) {
    return std::optional<std::vector<core::MoveSlots>>();
  }
  std::vector<core::MoveSlots> left;
  for (const auto& [target, slots] : *goes) {
    const core::Member* master = core::master_now(view, target);
    if (master == nullptr) {
      return Error::conflict("node " + target.short_text() +
                             ", to which an earlier run was moving slots, does not answer")
          .with_hint("see why: " + core::status_command(view));
    }
    core::ReshardWish rest{.to = {master->self()->id.to_text()}, .slots = slots};
    KREDIS_TRY(auto moves, core::plan_reshard(view, rest));
    left.insert(
        left.end(), std::make_move_iterator(moves.begin()), std::make_move_iterator(moves.end()));
  }
  KREDIS_CHECK(core::check_moves(view, left));
  return std::optional(std::move(left));
}

}  // namespace kredis::plugin
