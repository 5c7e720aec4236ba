// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/launch.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "shared/core/text.hpp"
#include "shared/policy/launch_reader.hpp"

namespace kredis::policy {
namespace {

constexpr std::array<std::string_view, 2> k_products{"redis", "valkey"};

/// Two words, as patches add them: an option and its value.
constexpr std::array<std::string_view, 2> k_probe_words{"--kubectl-redis", "reaches"};

bool continues_name(char c) {
  return c == '-' || c == '.' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/// The server that a script names; empty where it names none. A file redis-server.log is none.
std::string_view named_server(std::string_view script) {
  for (const std::string_view server : {"redis-server", "valkey-server", "redis-stack-server"}) {
    for (std::size_t at = script.find(server); at != script.npos;
         at = script.find(server, at + 1)) {
      const std::size_t end = at + server.size();
      const bool begins = at == 0 || !continues_name(script[at - 1]);
      if (begins && (end == script.size() || !continues_name(script[end]))) {
        return server;
      }
    }
  }
  return {};
}

/// Equal, not contained: the exporter that often runs in the same pod has "redis" in its name and
/// in its image, too.
bool looks_like_redis(const Json& container) {
  const std::string name = text(member(container, {"name"}));
  const std::string image = text(member(container, {"image"}));
  return std::ranges::any_of(k_products, [&](std::string_view product) {
    return name == product || image_base(image) == product;
  });
}

bool declares_port(const Json& container) {
  return std::ranges::any_of(items(member(container, {"ports"})), [](const Json& port) {
    return number(member(port, {"containerPort"})) == k_redis_port ||
           text(member(port, {"name"})) == "redis";
  });
}

const Json& volume_named(const Json& pod, std::string_view name) {
  for (const Json& volume : items(member(pod, {"volumes"}))) {
    if (text(member(volume, {"name"})) == name) {
      return volume;
    }
  }
  return member(pod, {"volumes", "none"});
}

/// The key of a ConfigMap volume that becomes the file `path` in it; empty when none does.
/// Without `items` each key is a file of that name; with it only the listed keys are there, under
/// the names given (Kubernetes docs, ConfigMaps).
std::string key_for(const Json& source, std::string_view path) {
  const Json& chosen = items(member(source, {"items"}));
  if (chosen.empty()) {
    return std::string(path);
  }
  for (const Json& item : chosen) {
    if (text(member(item, {"path"})) == path) {
      return text(member(item, {"key"}));
    }
  }
  return {};
}

std::vector<LaunchWord> words_of(const Json& container, std::string_view base) {
  std::vector<LaunchWord> words;
  for (const char* key : {"command", "args"}) {
    const Json& list = items(member(container, {key}));
    for (std::size_t i = 0; i < list.size(); ++i) {
      // YAML 1.1 makes a boolean of yes; RC077 reports it.
      const bool truth = list[i].is_boolean();
      words.push_back({.text = truth ? (is_true(list[i]) ? "yes" : "no") : text(list[i]),
                       .path = joined(joined(base, key), i)});
    }
  }
  return words;
}

/// Puts in front what the entry point of the official images does: their server is started where
/// nothing else is said, with arguments or a file alone too (docker-entrypoint.sh).
std::vector<LaunchWord> with_entry_point(const Json& container, std::vector<LaunchWord> words) {
  if (!items(member(container, {"command"})).empty()) {
    return words;
  }
  const std::string image = text(member(container, {"image"}));
  if (!is_official_image(image)) {
    // Its entry point may do anything with its arguments.
    words.insert(words.begin(), LaunchWord{.text = "entry-point"});
  } else if (words.empty() || words[0].text.starts_with('-') || words[0].text.ends_with(".conf")) {
    const bool valkey = image_base(image) == k_products[1];
    words.insert(words.begin(), LaunchWord{.text = valkey ? "valkey-server" : "redis-server"});
  }
  return words;
}

bool is_sentinel(const Start& start) {
  return start.words.front().text.ends_with("-sentinel") ||
         std::ranges::any_of(start.words,
                             [](const LaunchWord& each) { return each.text == "--sentinel"; });
}

/// The last that is no Sentinel: what comes before may be of another branch, or only prepare.
const Start* chosen(const std::vector<Start>& starts) {
  const auto last = std::find_if(
      starts.rbegin(), starts.rend(), [](const Start& each) { return !is_sentinel(each); });
  return last == starts.rend() ? nullptr : &*last;
}

bool is_same(const Start& one, const Start& other) {
  return std::ranges::equal(one.words, other.words, {}, &LaunchWord::text, &LaunchWord::text);
}

/// Whether all servers that may be started are started alike.
bool agree(const std::vector<Start>& starts) {
  return std::ranges::all_of(starts, [&](const Start& each) {
    return is_sentinel(each) || is_same(each, *chosen(starts));
  });
}

void add_argument(const LaunchWord& word, Launch& launch) {
  // One word may hold the value too, and even several lines: Redis puts it into the file's text as
  // it is (main() in server.c) and reads that.
  const auto lines = wire::parse_redis_conf(std::string_view(word.text).substr(2));
  if (!lines || lines->directives.empty()) {
    launch.arguments.directives.push_back({.name = core::to_lower(word.text.substr(2))});
    launch.arguments_paths.push_back(word.path);
    launch.arguments_known.push_back(false);
    return;
  }
  for (wire::RedisDirective directive : lines->directives) {
    directive.line = 0;
    launch.arguments.directives.push_back(std::move(directive));
    launch.arguments_paths.push_back(word.path);
    launch.arguments_known.push_back(word.known);
  }
}

/// From the server's name on: the file that it reads, then --KEY VALUE...
/// As main() in Redis's server.c does: only the word next to the program can be the file, "-"
/// stands for standard input, and each option with its values is appended to the file as one more
/// line. loadServerConfigFromString() in config.c lowers the name.
void read_server_words(const Start& start, Launch& launch) {
  launch.server = start.words.front().text;
  launch.config_path = start.config_path;
  launch.config = start.config;
  launch.folder = start.folder;
  for (std::size_t i = 1; i < start.words.size(); ++i) {
    const LaunchWord& word = start.words[i];
    auto& directives = launch.arguments.directives;
    if (word.text.starts_with("--") && word.text.size() > 2) {
      add_argument(word, launch);
    } else if (!directives.empty()) {
      // Behind a whole option an open word may be more options.
      launch.sure = launch.sure && (word.known || directives.back().arguments.empty());
      directives.back().arguments.push_back(word.text);
      launch.arguments_known.back() = launch.arguments_known.back() && word.known;
    } else if (i > 1 || !word.known) {
      launch.sure = launch.sure && word.known;
    }
  }
}

const Json& volume_with_source(const Json& pod, const Json& mount) {
  return volume_named(pod, text(member(mount, {"name"})));
}

/// The ConfigMaps, or Secrets, that fill a volume: one, or those of a projected one.
std::vector<std::pair<std::string, const Json*>> sources_of(const Json& volume, VolumeOf source) {
  const bool is_map = source == VolumeOf::config_map;
  std::vector<std::pair<std::string, const Json*>> sources;
  const Json& own = member(volume, {is_map ? "configMap" : "secret"});
  if (own.is_object()) {
    sources.emplace_back(text(member(own, {is_map ? "name" : "secretName"})), &own);
  }
  for (const Json& each : items(member(volume, {"projected", "sources"}))) {
    const Json& one = member(each, {is_map ? "configMap" : "secret"});
    if (one.is_object()) {
      sources.emplace_back(text(member(one, {"name"})), &one);
    }
  }
  return sources;
}

}  // namespace

std::vector<MountedFile> mounted_files(const Json& pod,
                                       const Json& container,
                                       std::string_view path,
                                       VolumeOf source) {
  // Mounts may lie inside each other: the container sees the innermost one.
  std::vector<MountedFile> best;
  std::size_t longest = 0;
  for (const Json& mount : items(member(container, {"volumeMounts"}))) {
    const std::string folder = bare_folder(text(member(mount, {"mountPath"})));
    const std::string sub_path = text(member(mount, {"subPath"}));
    // With subPath the mount path may be the file itself.
    const bool file = !sub_path.empty() && path == folder;
    const bool inside =
        path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
    if (folder.empty() || folder.size() < longest || (!file && !inside)) {
      continue;
    }
    longest = folder.size();
    best.clear();
    const std::string_view below =
        file ? std::string_view(sub_path) : path.substr(folder.size() + 1);
    for (const auto& [object, volume] : sources_of(volume_with_source(pod, mount), source)) {
      const MountedFile each{object, key_for(*volume, below)};
      if (!each.object.empty() && !each.key.empty()) {
        best.push_back(each);
      }
    }
  }
  return best;
}

MountedFile mounted_file(const Json& pod,
                         const Json& container,
                         std::string_view path,
                         VolumeOf source) {
  const auto all = mounted_files(pod, container, path, source);
  return all.empty() ? MountedFile{} : all.front();
}

bool is_left_by_stack(const Launch& launch, std::string_view key) {
  constexpr std::array<std::string_view, 5> k_set_by_it{
      "dir", "protected-mode", "daemonize", "maxclients", "loadmodule"};
  return launch.server.ends_with("redis-stack-server") &&
         std::ranges::find(k_set_by_it, key) == k_set_by_it.end();
}

bool is_official_image(std::string_view image) {
  if (std::ranges::find(k_products, image_base(image)) == k_products.end()) {
    return false;
  }
  const std::size_t slash = image.substr(0, image.find('@')).rfind('/');
  const std::string_view folder = image.substr(0, slash == image.npos ? 0 : slash);
  const std::string_view last = folder.substr(folder.rfind('/') + 1);
  // Mirrors keep the name behind an address of their own. Of other folders (bitnami/redis) come
  // images with entry points of their own.
  const bool host = folder.find('/') == folder.npos && folder.find_first_of(".:") != folder.npos;
  return folder.empty() || host || folder == "localhost" || last == "library" || last == "valkey";
}

std::size_t redis_container(const Json& pod) {
  const Json& containers = items(member(pod, {"containers"}));
  if (containers.size() == 1) {
    return 0;
  }
  // Each takes the init containers into account anew.
  constexpr std::size_t k_most_containers = 20;
  const auto starts = [&](const Json& container) {
    return containers.size() <= k_most_containers &&
           read_launch(pod, container, "", Surroundings{}, "").seen;
  };
  const auto names = [](const Json& container) {
    for (const LaunchWord& word : words_of(container, "")) {
      if (!named_server(parse_shell(word.text).code).empty()) {
        return true;
      }
    }
    return false;
  };
  // What is started says more than names: a sidecar may run the product's image for its redis-cli.
  for (const std::function<bool(const Json&)>& test :
       {std::function<bool(const Json&)>(starts), {names}, {looks_like_redis}, {declares_port}}) {
    const auto found = std::ranges::find_if(containers, test);
    if (found != containers.end()) {
      return static_cast<std::size_t>(found - containers.begin());
    }
  }
  return 0;
}

Launch read_launch(const Json& pod,
                   const Json& container,
                   std::string_view base,
                   const Surroundings& around,
                   std::string_view namespace_) {
  Launch launch;
  std::vector<LaunchWord> words = words_of(container, base);
  for (const LaunchWord& word : words) {
    launch.words.push_back(word.text);
  }
  LaunchReader reader(pod, around, namespace_);
  reader.read(container, with_entry_point(container, std::move(words)));
  launch.scripts = reader.scripts();
  if (const Start* start = chosen(reader.starts())) {
    launch.seen = true;
    launch.sure = start->sure && agree(reader.starts()) && reader.sees_all();
    read_server_words(*start, launch);
    if (!agree(reader.starts())) {
      // Another branch may start it: what this one says is a guess, but for what server it is.
      for (std::size_t i = 0; i < launch.arguments_known.size(); ++i) {
        const bool mode = launch.arguments.directives[i].name == "cluster-enabled";
        launch.arguments_known[i] = launch.arguments_known[i] && mode;
      }
      launch.config.certain = false;
    }
  } else if (!reader.starts().empty()) {
    launch.sentinel = true;
  } else {
    launch.server = named_server(launch.scripts);
  }
  return launch;
}

std::string bare_folder(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.pop_back();
  }
  return path;
}

bool passes_on(const Json& pod,
               const Json& container,
               const Surroundings& around,
               std::string_view namespace_) {
  std::vector<LaunchWord> words = with_entry_point(container, words_of(container, ""));
  for (const std::string_view word : k_probe_words) {
    words.push_back({.text = std::string(word)});
  }
  LaunchReader reader(pod, around, namespace_);
  reader.read(container, std::move(words));
  const std::vector<Start>& starts = reader.starts();
  return !starts.empty() && reader.sees_all() && std::ranges::all_of(starts, [](const Start& each) {
    const std::size_t count = each.words.size();
    return each.sure && count > k_probe_words.size() &&
           each.words[count - 2].text == k_probe_words[0] &&
           each.words[count - 1].text == k_probe_words[1];
  });
}

/// yesnotoi() in Redis's config.c compares without regard to case.
bool enables_cluster(std::string_view config) {
  const auto parsed = wire::parse_redis_conf(config);
  return parsed && std::ranges::any_of(parsed->directives, [](const wire::RedisDirective& each) {
           return each.name == "cluster-enabled" && !each.arguments.empty() &&
                  core::to_lower(each.arguments.front()) == "yes";
         });
}

}  // namespace kredis::policy
