// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/objects.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <random>

namespace kredis::sandbox {
namespace {

const Json& null_json() {
  static const Json null;
  return null;
}

std::string map_value(const Json& map, const std::string& key) {
  if (!map.is_object()) {
    return {};
  }
  const auto found = map.find(key);
  return found != map.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

struct Suffix {
  std::string_view text;
  double factor;
};

constexpr std::array k_suffixes{
    Suffix{"", 1.0},
    Suffix{"n", 1e-9},
    Suffix{"u", 1e-6},
    Suffix{"m", 1e-3},
    Suffix{"k", 1e3},
    Suffix{"M", 1e6},
    Suffix{"G", 1e9},
    Suffix{"T", 1e12},
    Suffix{"P", 1e15},
    Suffix{"E", 1e18},
    Suffix{"Ki", 1024.0},
    Suffix{"Mi", 1048576.0},
    Suffix{"Gi", 1073741824.0},
    Suffix{"Ti", 1099511627776.0},
    Suffix{"Pi", 1125899906842624.0},
    Suffix{"Ei", 1152921504606846976.0},
};

// The alphabet of Kubernetes' own generated names: no vowels, so no words.
constexpr std::string_view k_safe_letters = "bcdfghjklmnpqrstvwxz2456789";

}  // namespace

const Json& at(const Json& object, std::string_view path) {
  const Json* here = &object;
  while (!path.empty()) {
    const auto dot = path.find('.');
    if (!here->is_object()) {
      return null_json();
    }
    const auto found = here->find(std::string(path.substr(0, dot)));
    if (found == here->end()) {
      return null_json();
    }
    here = &*found;
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return *here;
}

std::string text_at(const Json& object, std::string_view path) {
  const Json& value = at(object, path);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

std::int64_t number_at(const Json& object, std::string_view path, std::int64_t otherwise) {
  const Json& value = at(object, path);
  return value.is_number() ? value.get<std::int64_t>() : otherwise;
}

bool true_at(const Json& object, std::string_view path) {
  const Json& value = at(object, path);
  return value.is_boolean() && value.get<bool>();
}

std::string name_of(const Json& object) { return text_at(object, "metadata.name"); }
std::string namespace_of(const Json& object) { return text_at(object, "metadata.namespace"); }
std::string uid_of(const Json& object) { return text_at(object, "metadata.uid"); }

bool is_terminating(const Json& object) {
  return at(object, "metadata.deletionTimestamp").is_string();
}

std::string label_of(const Json& object, const std::string& label) {
  return map_value(at(object, "metadata.labels"), label);
}

std::string annotation_of(const Json& object, const std::string& annotation) {
  return map_value(at(object, "metadata.annotations"), annotation);
}

bool has_finalizer(const Json& object, std::string_view finalizer) {
  const Json& all = at(object, "metadata.finalizers");
  return all.is_array() && std::find(all.begin(), all.end(), finalizer) != all.end();
}

void add_finalizer(Json& object, std::string_view finalizer) {
  if (!has_finalizer(object, finalizer)) {
    object["metadata"]["finalizers"].push_back(std::string(finalizer));
  }
}

void remove_finalizer(Json& object, std::string_view finalizer) {
  if (!has_finalizer(object, finalizer)) {
    return;
  }
  Json& all = object["metadata"]["finalizers"];
  all.erase(std::find(all.begin(), all.end(), finalizer));
  if (all.empty()) {
    object["metadata"].erase("finalizers");
  }
}

const Json& controller_of(const Json& object) {
  for (const Json& reference : at(object, "metadata.ownerReferences")) {
    if (true_at(reference, "controller")) {
      return reference;
    }
  }
  return null_json();
}

bool is_controlled_by(const Json& object, const Json& owner) {
  const std::string uid = text_at(controller_of(object), "uid");
  return !uid.empty() && uid == uid_of(owner);
}

Json controller_reference(const Json& owner) {
  return {{"apiVersion", text_at(owner, "apiVersion")},
          {"kind", text_at(owner, "kind")},
          {"name", name_of(owner)},
          {"uid", uid_of(owner)},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

std::string format_time(TimePoint time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

std::string format_micro_time(TimePoint time) {
  using std::chrono::microseconds;
  const auto all = std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count();
  std::string fraction = std::to_string(all % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  std::string text = format_time(time);
  text.pop_back();
  return text + "." + fraction + "Z";
}

std::optional<TimePoint> parse_time(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr || (*rest != 'Z' && *rest != '.')) {
    return std::nullopt;
  }
  auto time = std::chrono::system_clock::from_time_t(::timegm(&parts));
  if (*rest == '.') {
    std::string digits(rest + 1);
    digits.resize(6, '0');
    std::int64_t fraction = 0;
    std::from_chars(digits.data(), digits.data() + 6, fraction);
    time += std::chrono::microseconds(fraction);
  }
  return time;
}

std::optional<double> quantity(const Json& value) {
  if (value.is_number()) {
    return value.get<double>();
  }
  if (!value.is_string()) {
    return std::nullopt;
  }
  const std::string text = value.get<std::string>();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) {
    return std::nullopt;
  }
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const auto* const suffix =
      std::find_if(k_suffixes.begin(), k_suffixes.end(), [&](const Suffix& candidate) {
        return candidate.text == rest;
      });
  return suffix == k_suffixes.end() ? std::nullopt : std::optional(number * suffix->factor);
}

double quantity_at(const Json& object, std::string_view path) {
  return quantity(at(object, path)).value_or(0);
}

std::string short_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a.
  for (const char letter : text) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ULL;
  }
  std::string name;
  for (int i = 0; i < 10; ++i, hash /= k_safe_letters.size()) {
    name += k_safe_letters[hash % k_safe_letters.size()];
  }
  return name;
}

std::string random_suffix() {
  thread_local std::mt19937 generator{std::random_device{}()};
  std::uniform_int_distribution<std::size_t> pick(0, k_safe_letters.size() - 1);
  std::string text;
  for (int i = 0; i < 5; ++i) {
    text += k_safe_letters[pick(generator)];
  }
  return text;
}

const Json& condition_of(const Json& object, std::string_view type) {
  for (const Json& condition : at(object, "status.conditions")) {
    if (text_at(condition, "type") == type) {
      return condition;
    }
  }
  return null_json();
}

bool condition_is_true(const Json& object, std::string_view type) {
  return text_at(condition_of(object, type), "status") == "True";
}

void set_condition(Json& object, const Condition& wanted, TimePoint now) {
  Json& all = object["status"]["conditions"];
  if (!all.is_array()) {
    all = Json::array();
  }
  auto found = std::find_if(all.begin(), all.end(), [&](const Json& condition) {
    return text_at(condition, "type") == wanted.type;
  });
  if (found == all.end()) {
    all.push_back({{"type", wanted.type}});
    found = std::prev(all.end());
  }
  if (text_at(*found, "status") != wanted.status) {
    (*found)["lastTransitionTime"] = format_time(now);
  }
  (*found)["status"] = wanted.status;
  const auto put = [&](const char* field, const std::string& value) {
    if (value.empty()) {
      found->erase(field);
    } else {
      (*found)[field] = value;
    }
  };
  put("reason", wanted.reason);
  put("message", wanted.message);
}

bool pod_is_ready(const Json& pod) {
  return text_at(pod, "status.phase") == "Running" && condition_is_true(pod, "Ready");
}

bool pod_is_finished(const Json& pod) {
  const std::string phase = text_at(pod, "status.phase");
  return phase == "Succeeded" || phase == "Failed";
}

bool pod_is_available(const Json& pod,
                      std::chrono::seconds minimum_ready,
                      TimePoint now,
                      TimePoint* due) {
  if (!pod_is_ready(pod)) {
    return false;
  }
  if (minimum_ready.count() == 0) {
    return true;
  }
  const auto since = parse_time(text_at(condition_of(pod, "Ready"), "lastTransitionTime"));
  if (!since || *since + minimum_ready <= now) {
    return true;
  }
  if (due != nullptr) {
    *due = std::min(*due, *since + minimum_ready);
  }
  return false;
}

}  // namespace kredis::sandbox
