// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/launch.hpp"

#include <algorithm>
#include <array>

#include "shared/core/text.hpp"

namespace kredis::policy {
namespace {

constexpr std::array<std::string_view, 2> k_servers{"redis-server", "valkey-server"};
constexpr std::array<std::string_view, 2> k_products{"redis", "valkey"};

/// A path without a slash stays whole: npos + 1 is 0.
std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_server(std::string_view word) {
  return std::ranges::find(k_servers, base_name(word)) != k_servers.end();
}

bool is_shell(std::string_view word) {
  constexpr std::array<std::string_view, 4> shells{"sh", "bash", "ash", "dash"};
  return std::ranges::find(shells, base_name(word)) != shells.end();
}

bool mentions_server(std::string_view script) {
  return std::ranges::any_of(
      k_servers, [&](std::string_view server) { return script.find(server) != script.npos; });
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

/// Anywhere in a word: `sh -c "... redis-server ..."` is one word.
bool starts_server(const Json& container) {
  for (const char* key : {"command", "args"}) {
    for (const Json& word : items(member(container, {key}))) {
      if (word.is_string() && mentions_server(word.get_ref<const std::string&>())) {
        return true;
      }
    }
  }
  return false;
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

struct Word {
  std::string text;
  std::string path;
};

std::vector<Word> words_of(const Json& container, std::string_view base) {
  std::vector<Word> words;
  for (const char* key : {"command", "args"}) {
    const Json& list = items(member(container, {key}));
    for (std::size_t i = 0; i < list.size(); ++i) {
      words.push_back({text(list[i]), joined(joined(base, key), i)});
    }
  }
  return words;
}

/// The words of `sh -c TEXT`, as far as blanks tell them apart.
/// Every word keeps the path of the whole script, as an objection can point no closer.
std::vector<Word> shell_words(const Word& script) {
  std::vector<Word> words;
  std::string line = script.text;
  std::ranges::replace(line, '\n', ' ');
  for (std::string_view word : core::split_words(line)) {
    while (!word.empty() && (word.front() == '"' || word.front() == '\'')) {
      word.remove_prefix(1);
    }
    while (!word.empty() && (word.back() == '"' || word.back() == '\'' || word.back() == ';')) {
      word.remove_suffix(1);
    }
    words.push_back({std::string(word), script.path});
  }
  return words;
}

/// From the server's name on: the file that it reads, then --KEY VALUE...
/// As main() in Redis's server.c does: only the word next to the program can be the file, "-"
/// stands for standard input, and each option with its values is appended to the file as one more
/// line. loadServerConfigFromString() in config.c lowers the name.
void read_server_words(const std::vector<Word>& words, std::size_t server, Launch& launch) {
  launch.server = words[server].text;
  for (std::size_t i = server + 1; i < words.size(); ++i) {
    const std::string& word = words[i].text;
    if (word.starts_with("--") && word.size() > 2) {
      launch.arguments.directives.push_back({.name = core::to_lower(word.substr(2))});
      launch.arguments_paths.push_back(words[i].path);
    } else if (!launch.arguments.directives.empty()) {
      launch.arguments.directives.back().arguments.push_back(word);
    } else if (launch.config_path.empty() && word != "-") {
      launch.config_path = word;
    }
  }
}

std::string script_text(const Json& pod,
                        const Json& container,
                        std::string_view path,
                        const Surroundings& around,
                        std::string_view namespace_) {
  const MountedFile file = mounted_file(pod, container, path);
  if (file.object.empty() || around.blind()) {
    return {};
  }
  // `create` and most charts keep their start scripts in a ConfigMap.
  const Json* map = around.find("ConfigMap", namespace_, file.object);
  return map == nullptr ? std::string{} : text(member(*map, {"data", file.key}));
}

std::size_t find_server(const std::vector<Word>& words) {
  return static_cast<std::size_t>(
      std::ranges::find_if(words, [](const Word& word) { return is_server(word.text); }) -
      words.begin());
}

/// Whether a script hands its own arguments on.
/// Only then does what a patch appends to the container's arguments reach the server.
bool hands_on(std::string_view script) {
  return script.find("\"$@\"") != script.npos || script.find("$*") != script.npos;
}

}  // namespace

MountedFile mounted_file(const Json& pod,
                         const Json& container,
                         std::string_view path,
                         VolumeOf source) {
  const bool is_map = source == VolumeOf::config_map;
  // Mounts may lie inside each other: the container sees the innermost one.
  MountedFile best;
  std::size_t longest = 0;
  for (const Json& mount : items(member(container, {"volumeMounts"}))) {
    std::string folder = text(member(mount, {"mountPath"}));
    while (folder.size() > 1 && folder.ends_with('/')) {
      folder.pop_back();
    }
    const std::string sub_path = text(member(mount, {"subPath"}));
    // With subPath the mount path may be the file itself.
    const bool whole = !sub_path.empty() && path == folder;
    const bool inside =
        path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
    if (folder.empty() || folder.size() < longest || (!whole && !inside)) {
      continue;
    }
    const Json& volume =
        member(volume_named(pod, text(member(mount, {"name"}))), {is_map ? "configMap" : "secret"});
    longest = folder.size();
    best = {text(member(volume, {is_map ? "name" : "secretName"})),
            key_for(volume, whole ? std::string_view(sub_path) : path.substr(folder.size() + 1))};
  }
  return best.key.empty() || best.object.empty() ? MountedFile{} : best;
}

std::size_t redis_container(const Json& pod) {
  const Json& containers = items(member(pod, {"containers"}));
  // What is started says more than names: a sidecar may run the product's image for its redis-cli.
  for (const auto& test : {&starts_server, &looks_like_redis, &declares_port}) {
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
  std::vector<Word> words = words_of(container, base);
  for (const Word& word : words) {
    launch.words.push_back(word.text);
  }
  std::size_t server = find_server(words);
  const std::size_t last_wrapper = std::min(server, words.size());
  bool direct = true;
  for (std::size_t i = 0; i < last_wrapper; ++i) {
    if (is_shell(words[i].text) || words[i].text.starts_with('-')) {
      continue;
    }
    const bool inline_script =
        i > 0 && words[i - 1].text.ends_with('c') && words[i - 1].text.starts_with('-');
    // A script of the image itself cannot be read here. It counts as one that hands nothing on, so
    // that no patch appends arguments which may never arrive.
    const std::string script = inline_script
                                   ? words[i].text
                                   : script_text(pod, container, words[i].text, around, namespace_);
    direct = direct && hands_on(script);
    launch.scripts += script + "\n";
    if (inline_script && mentions_server(script)) {
      words = shell_words(words[i]);
      server = find_server(words);
      break;
    }
  }
  if (server < words.size()) {
    launch.direct = direct;
    read_server_words(words, server, launch);
  } else if (mentions_server(launch.scripts)) {
    launch.server =
        launch.scripts.find(k_servers[0]) != std::string::npos ? k_servers[0] : k_servers[1];
  } else if (words.empty() && looks_like_redis(container)) {
    // No command at all: the entrypoint of the official images starts their server and hands its
    // arguments on.
    const bool valkey = image_base(text(member(container, {"image"}))) == k_products[1];
    launch.server = k_servers[valkey ? 1 : 0];
    launch.direct = true;
  }
  return launch;
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
