// SPDX-License-Identifier: Apache-2.0
//
// The files that start scripts copy, rewrite and write before the server reads them.
#include <algorithm>
#include <array>
#include <utility>

#include "shared/policy/launch.hpp"
#include "shared/policy/launch_reader.hpp"

namespace kredis::policy {
namespace {

/// PATH_MAX of Linux: no file has a longer one.
constexpr std::size_t k_longest_path = 4096;

std::size_t bytes_of(const ConfigSource& file) {
  return file.added.size() + file.rewriting.size() + file.from.size() * sizeof(MountedFile);
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// Programs that print a file with changes.
bool is_filter(std::string_view program) {
  constexpr std::array<std::string_view, 8> programs{
      "sed", "envsubst", "awk", "perl", "tr", "grep", "gomplate", "gawk"};
  return std::ranges::find(programs, file_name(program)) != programs.end();
}

bool is_copier(std::string_view program) {
  constexpr std::array<std::string_view, 4> programs{"cp", "mv", "ln", "install"};
  return std::ranges::find(programs, file_name(program)) != programs.end();
}

/// Words that are no options, from the second on.
std::vector<std::string> operands(const std::vector<LaunchWord>& words) {
  std::vector<std::string> found;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!words[i].text.starts_with('-')) {
      found.push_back(words[i].text);
    }
  }
  return found;
}

std::string all_text(const std::vector<LaunchWord>& words) {
  std::string all;
  for (std::size_t i = 1; i < words.size(); ++i) {
    all += (i > 1 ? " " : "") + words[i].text;
  }
  return all;
}

/// What echo and printf print: "\n" is a line end to the one, and to many a shell's other.
std::string printed(const std::vector<LaunchWord>& words) {
  std::size_t first = 1;
  while (first < words.size() && (words[first].text == "-e" || words[first].text == "-n")) {
    ++first;
  }
  const std::string text =
      all_text({words.begin() + static_cast<std::ptrdiff_t>(first) - 1, words.end()});
  std::string all;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool line_end = text.compare(i, 2, "\\n") == 0;
    all += line_end ? '\n' : text[i];
    i += line_end ? 1U : 0U;
  }
  return all + "\n";
}

}  // namespace

std::string LaunchReader::whole(std::string_view path) const {
  std::string all =
      path.starts_with('/') || folder_.empty()
          ? std::string(path)
          : folder_ + "/" + std::string(path.starts_with("./") ? path.substr(2) : path);
  if (all.size() > k_longest_path) {
    return all;
  }
  for (const std::string_view twice : {"//", "/./"}) {
    for (std::size_t at = all.find(twice); at != std::string::npos; at = all.find(twice)) {
      all.replace(at, twice.size(), "/");
    }
  }
  return all;
}

/// A file of a volume is the same file for every container that mounts it.
std::string LaunchReader::place_of(std::string_view path) const {
  std::string best = "/:" + text(member(*container_, {"name"})) + std::string(path);
  std::size_t longest = 0;
  for (const Json& mount : items(member(*container_, {"volumeMounts"}))) {
    const std::string folder = bare_folder(text(member(mount, {"mountPath"})));
    const bool inside =
        path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
    if (!folder.empty() && inside && folder.size() >= longest) {
      longest = folder.size();
      const std::string below = text(member(mount, {"subPath"}));
      best = text(member(mount, {"name"})) + ":" + (below.empty() ? "" : "/" + below) +
             std::string(path.substr(folder.size()));
    }
  }
  return best;
}

ConfigSource LaunchReader::file_at(std::string_view path) const {
  const auto written = files_.find(place_of(path));
  if (written != files_.end()) {
    return written->second;
  }
  // `cp /conf/* /etc/redis` is kept by its folder.
  const std::size_t slash = path.rfind('/');
  const auto copied =
      slash == path.npos ? files_.end() : files_.find(place_of(path.substr(0, slash)) + "/*");
  if (copied != files_.end() && !copied->second.added.empty()) {
    return {.from = mounted_files(
                pod_, *container_, copied->second.added + std::string(path.substr(slash)))};
  }
  return {.from = mounted_files(pod_, *container_, path)};
}

void LaunchReader::keep_file(const std::string& path, ConfigSource file) {
  if (spend(bytes_of(file))) {
    files_[place_of(path)] = std::move(file);
  }
}

void LaunchReader::copy_files(const std::vector<LaunchWord>& words) {
  std::vector<std::string> paths = operands(words);
  if (paths.size() < 2) {
    return;
  }
  const std::string target = bare_folder(whole(paths.back()));
  paths.pop_back();
  for (const std::string& path : paths) {
    if (!spend()) {
      return;
    }
    const std::string source = whole(path);
    const std::string_view name = file_name(source);
    if (name == "*" || name == ".") {
      const std::string folder = source.substr(0, source.size() - name.size() - 1);
      for (const MountedFile& each : mounted_files(pod_, *container_, folder + "/redis.conf")) {
        files_[place_of(target) + "/*"] = {.from = {each}, .added = folder};
      }
      continue;
    }
    const ConfigSource file = file_at(source);
    // Whether the target is a folder cannot be seen: both names lead to the copy.
    keep_file(target, file);
    keep_file(target + "/" + std::string(name), file);
  }
}

/// What a command prints, as a file's content.
ConfigSource LaunchReader::output_of(const std::vector<LaunchWord>& words,
                                     const ShellCommand& command,
                                     const Frame& frame) {
  ConfigSource result;
  const std::string program(words.empty() ? "cat" : file_name(words.front().text));
  for (const ShellRedirection& each : command.redirections) {
    if (each.kind == ShellRedirection::Kind::here) {
      result.added += expand_text(each.target, frame);
    } else if (each.kind == ShellRedirection::Kind::from) {
      result = file_at(whole(expand_text(each.target, frame)));
    }
  }
  if (program == "echo" || program == "printf") {
    return {.added = printed(words)};
  }
  const bool filter = is_filter(program);
  const auto paths = operands(words);
  if (program == "cat" || program == "tee") {
    for (std::size_t i = 0; program == "cat" && i < paths.size(); ++i) {
      const ConfigSource file = file_at(whole(paths[i]));
      if (!spend(bytes_of(file))) {
        break;
      }
      result.from.insert(result.from.end(), file.from.begin(), file.from.end());
      result.added += file.added;
      result.rewriting += file.rewriting;
      result.complete =
          result.complete && file.complete && !(file.from.empty() && file.added.empty());
    }
    result.complete = result.complete && !(result.from.empty() && result.added.empty());
  } else if (filter) {
    if (result.from.empty() && result.added.empty() && !paths.empty()) {
      result = file_at(whole(paths.back()));
    }
    result.rewriting += all_text(words) + "\n";
    result.complete = result.complete && !(result.from.empty() && result.added.empty());
  } else {
    result.complete = false;
  }
  return result;
}

void LaunchReader::write_files(const std::vector<LaunchWord>& words,
                               const ShellCommand& command,
                               const Frame& frame) {
  const std::string program(words.empty() ? "" : file_name(words.front().text));
  if (is_copier(program)) {
    copy_files(words);
    return;
  }
  const bool in_place =
      is_filter(program) && std::ranges::any_of(words, [](const LaunchWord& each) {
        return each.text.starts_with("-i") || each.text.starts_with("--in-place");
      });
  if (in_place) {
    const std::string path = whole(words.back().text);
    ConfigSource file = file_at(path);
    file.rewriting += all_text(words) + "\n";
    keep_file(path, std::move(file));
    return;
  }
  const auto write = [&](const std::string& path, bool append) {
    const ConfigSource output = output_of(words, command, frame);
    ConfigSource file = append ? file_at(path) : ConfigSource{};
    file.from.insert(file.from.end(), output.from.begin(), output.from.end());
    file.added += output.added;
    file.rewriting += output.rewriting;
    file.complete = file.complete && output.complete;
    keep_file(path, std::move(file));
  };
  for (const ShellRedirection& each : command.redirections) {
    const bool append = each.kind == ShellRedirection::Kind::append;
    if (append || each.kind == ShellRedirection::Kind::to) {
      write(whole(expand_text(each.target, frame)), append);
    }
  }
  if (program == "tee") {
    const bool append = std::ranges::any_of(
        words, [](const LaunchWord& each) { return each.text == "-a" || each.text == "--append"; });
    for (const std::string& path : operands(words)) {
      write(whole(path), append);
    }
  }
}

}  // namespace kredis::policy
