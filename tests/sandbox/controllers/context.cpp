// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/context.hpp"

#include <utility>

namespace kredis::sandbox {

Key key_of(const std::string& group, const std::string& resource, const Json& object) {
  return {group, resource, namespace_of(object), name_of(object)};
}

void ensure(Store& store, const Key& key, Json object) {
  if (store.get(key) == nullptr) {
    // The only error is that it exists by now, which is what was wanted.
    static_cast<void>(store.create(key, std::move(object)));
  }
}

void request_deletion(Store& store, const Key& key, TimePoint now) {
  const Object object = store.get(key);
  if (object == nullptr || is_terminating(*object)) {
    return;
  }
  const bool pod_on_node = key.resource == "pods" && !text_at(*object, "spec.nodeName").empty() &&
                           !pod_is_finished(*object);
  const std::int64_t grace =
      pod_on_node ? number_at(*object, "spec.terminationGracePeriodSeconds", 30) : 0;
  static_cast<void>(store.update(key, [&](Json& changed) -> Status {
    changed["metadata"]["deletionTimestamp"] = format_time(now + std::chrono::seconds(grace));
    changed["metadata"]["deletionGracePeriodSeconds"] = grace;
    return {};
  }));
}

void record_event(Context& context, const Json& about, const Happening& happening) {
  const std::string in = namespace_of(about).empty() ? "default" : namespace_of(about);
  const std::string identity =
      uid_of(about) + happening.reason + happening.message + happening.component;
  const Key key{"", "events", in, name_of(about) + "." + short_hash(identity)};
  const std::string now = format_time(context.now);
  if (context.store.get(key) != nullptr) {
    static_cast<void>(context.store.update(key, [&](Json& event) -> Status {
      if (text_at(event, "lastTimestamp") == now) {
        return {};  // Once a second: an event is a change, and a change starts the next pass.
      }
      event["count"] = number_at(event, "count", 1) + 1;
      event["lastTimestamp"] = now;
      return {};
    }));
    return;
  }
  ensure(context.store,
         key,
         {{"apiVersion", "v1"},
          {"kind", "Event"},
          {"metadata", {{"name", key.name}, {"namespace", in}}},
          {"involvedObject",
           {{"apiVersion", text_at(about, "apiVersion")},
            {"kind", text_at(about, "kind")},
            {"name", name_of(about)},
            {"namespace", namespace_of(about)},
            {"uid", uid_of(about)}}},
          {"type", happening.severity == Severity::normal ? "Normal" : "Warning"},
          {"reason", happening.reason},
          {"message", happening.message},
          {"source", {{"component", happening.component}}},
          {"reportingComponent", happening.component},
          {"reportingInstance", ""},
          {"count", 1},
          {"firstTimestamp", now},
          {"lastTimestamp", now}});
}

void update_status(Store& store, const Key& key, const std::function<void(Json&)>& change) {
  // An object that is gone needs no status.
  static_cast<void>(store.update(key, [&](Json& object) -> Status {
    change(object);
    return {};
  }));
}

}  // namespace kredis::sandbox
