// SPDX-License-Identifier: Apache-2.0
//
// Reading and building Kubernetes objects as JSON: what every controller of the sandbox needs.
// Pure, but for random names. No Store here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/store.hpp"

namespace kredis::sandbox {

using TimePoint = std::chrono::system_clock::time_point;
using Objects = std::vector<Object>;

/// Follows a dotted path ("status.phase"); null where it ends early.
const Json& at(const Json& object, std::string_view path);
/// The text at `path`; empty when absent or no text.
std::string text_at(const Json& object, std::string_view path);
/// The number at `path`, or `otherwise`.
std::int64_t number_at(const Json& object, std::string_view path, std::int64_t otherwise = 0);
/// Whether the value at `path` is `true`.
bool true_at(const Json& object, std::string_view path);

std::string name_of(const Json& object);
std::string namespace_of(const Json& object);
std::string uid_of(const Json& object);
bool is_terminating(const Json& object);
/// The value of a label; empty when there is none.
std::string label_of(const Json& object, const std::string& label);
/// The value of an annotation; empty when there is none.
std::string annotation_of(const Json& object, const std::string& annotation);

bool has_finalizer(const Json& object, std::string_view finalizer);
/// Adds `finalizer` unless it is there.
void add_finalizer(Json& object, std::string_view finalizer);
/// Takes `finalizer` away; removes the empty list.
void remove_finalizer(Json& object, std::string_view finalizer);

/// The reference with `controller: true`; null when nothing controls the object.
const Json& controller_of(const Json& object);
bool is_controlled_by(const Json& object, const Json& owner);
/// A controlling reference to `owner`, which must carry apiVersion and kind.
Json controller_reference(const Json& owner);

/// "2006-01-02T15:04:05Z".
std::string format_time(TimePoint time);
/// "2006-01-02T15:04:05.000000Z", as leases and events have it.
std::string format_micro_time(TimePoint time);
/// Reads both forms; nothing for any other text.
std::optional<TimePoint> parse_time(std::string_view text);

/// Reads "100m", "200M", "1Gi", "1e3"; nothing for any other text. Accepts JSON numbers too.
std::optional<double> quantity(const Json& value);
/// The quantity at `path`, or 0.
double quantity_at(const Json& object, std::string_view path);

/// Ten characters or so out of a text, as Kubernetes hashes templates: stable, safe in names.
std::string short_hash(std::string_view text);
/// Five random characters, as generateName appends.
std::string random_suffix();

/// The condition of that type; null when there is none.
const Json& condition_of(const Json& object, std::string_view type);
bool condition_is_true(const Json& object, std::string_view type);

struct Condition {
  std::string type;
  std::string status;
  std::string reason = {};
  std::string message = {};
};
/// Sets a condition in `status.conditions`; lastTransitionTime moves only when the status does.
void set_condition(Json& object, const Condition& condition, TimePoint now);

bool pod_is_ready(const Json& pod);
/// Succeeded or Failed: no container of it runs any more.
bool pod_is_finished(const Json& pod);
/// Ready for at least `minimum_ready`; `due` gets the time at which that will be so.
bool pod_is_available(const Json& pod,
                      std::chrono::seconds minimum_ready,
                      TimePoint now,
                      TimePoint* due);

}  // namespace kredis::sandbox
