// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/yaml_documents.hpp"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace kredis::kube {
namespace {

/// As deep as the webhook takes it (k_depth_limit), so that both judge the same objects.
constexpr int k_deepest = 100;
/// Aliases can make a small text a huge tree (CVE-2019-11253 in the API server).
constexpr int k_most_nodes = 200'000;
constexpr const char* k_too_much = "the document is too large or too deep";
constexpr std::size_t k_longest_text = std::size_t{16} << 20;

/// Thrown inside this file only.
struct Malformed {
  std::string what;
  YAML::Mark mark;
};

std::string escaped(const std::string& key) {
  std::string result;
  for (const char c : key) {
    result += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  }
  return result;
}

TextPlace place(const YAML::Mark& mark) {
  return {.line = std::max(mark.line, 0) + 1, .column = std::max(mark.column, 0) + 1};
}

bool is_null_word(const std::string& word) {
  return word.empty() || word == "~" || word == "null" || word == "Null" || word == "NULL";
}

/// A scalar without quotes or tag may be a number, a boolean or nothing (YAML 1.2.2, section 10.3).
/// The booleans are YAML 1.1's, as kubectl's reader has them: `yes` in a list of arguments is true,
/// and the API server refuses it.
Json plain_value(const std::string& word) {
  if (is_null_word(word)) {
    return nullptr;
  }
  for (const char* yes :
       {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"}) {
    if (word == yes) {
      return true;
    }
  }
  for (const char* no :
       {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"}) {
    if (word == no) {
      return false;
    }
  }
  // JSON's numbers only: an octal (defaultMode: 0644) stays a text, which is fine as no rule reads
  // it.
  const Json number = Json::parse(word, nullptr, false);
  return number.is_number() ? number : Json(word);
}

class Reader {
 public:
  explicit Reader(YamlDocument& document) : document_(document) {}

  Json read(const YAML::Node& node, const std::string& path, int depth) {
    if (depth > k_deepest || ++count_ > k_most_nodes) {
      throw Malformed{k_too_much, node.Mark()};
    }
    // Of a member the key's place was put there before, and stays.
    document_.places.emplace(path, place(node.Mark()));
    switch (node.Type()) {
      case YAML::NodeType::Map:
        return read_map(node, path, depth);
      case YAML::NodeType::Sequence:
        return read_list(node, path, depth);
      case YAML::NodeType::Scalar:
        return node.Tag() == "?" ? plain_value(node.Scalar()) : Json(node.Scalar());
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        break;
    }
    return nullptr;
  }

 private:
  /// `<<: *defaults`, as kubectl reads it too: what the map itself says wins.
  void merge(Json& object, const YAML::Node& from, const std::string& path, int depth) {
    const Json value = read(from, path, depth + 1);
    for (const Json& each : value.is_array() ? value : Json::array({value})) {
      if (!each.is_object()) {
        throw Malformed{"<< names something that is no map", from.Mark()};
      }
      for (const auto& [key, inner] : each.items()) {
        object.emplace(key, inner);
      }
    }
  }

  Json read_map(const YAML::Node& node, const std::string& path, int depth) {
    Json object = Json::object();
    std::vector<YAML::Node> merged;
    for (const auto& each : node) {
      if (!each.first.IsScalar()) {
        throw Malformed{"a key that is no text", each.first.Mark()};
      }
      const std::string& key = each.first.Scalar();
      if (key == "<<" && each.first.Tag() == "?") {
        merged.push_back(each.second);
        continue;
      }
      const std::string below = path + "/" + escaped(key);
      // YAML allows no second one (1.2.2, section 3.2.1.3), and yaml-cpp would take the first in
      // silence.
      if (object.contains(key)) {
        throw Malformed{"the key is there twice: " + key.substr(0, 60), each.first.Mark()};
      }
      document_.places.emplace(below, place(each.first.Mark()));
      object[key] = read(each.second, below, depth + 1);
    }
    for (const YAML::Node& each : merged) {
      merge(object, each, path + "/<<", depth);
    }
    return object;
  }

  Json read_list(const YAML::Node& node, const std::string& path, int depth) {
    Json list = Json::array();
    for (const YAML::Node& each : node) {
      list.push_back(read(each, path + "/" + std::to_string(list.size()), depth + 1));
    }
    return list;
  }

  YamlDocument& document_;
  int count_ = 0;
};

Error malformed(const std::string& what, const YAML::Mark& mark) {
  return Error::invalid_argument("line " + std::to_string(place(mark).line) + ", column " +
                                 std::to_string(place(mark).column) + ": " + what)
      .with_hint("check the indentation and the quotes there");
}

/// Text that no JSON can carry would end in no report at all.
bool is_utf8(std::string_view text) {
  try {
    return !Json(text).dump().empty();
  } catch (const Json::exception&) {
    return false;
  }
}

/// Hears where documents begin: yaml-cpp takes no step past a comma between two, and would find
/// empty ones there for ever.
class Beginnings : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos == last_) {
      throw Malformed{"something that neither ends a document nor begins one", mark};
    }
    last_ = mark.pos;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&,
                const std::string&,
                YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&,
                       const std::string&,
                       YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&,
                  const std::string&,
                  YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  int last_ = -1;
};

/// Throws where the text has no end.
void require_end(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Beginnings beginnings;
  while (parser.HandleNextDocument(beginnings)) {
  }
}

Result<std::vector<YamlDocument>> read_documents(std::string_view text) {
  std::vector<YamlDocument> documents;
  try {
    // Before LoadAll, which would never come back.
    require_end(std::string(text));
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      YamlDocument document;
      document.value = Reader(document).read(node, "", 0);
      document.first_line = place(node.Mark()).line;
      // A "---" at either end makes an empty document; charts have many.
      if (!document.value.is_null()) {
        documents.push_back(std::move(document));
      }
    }
  } catch (const Malformed& error) {
    return malformed(error.what, error.mark);
  } catch (const YAML::DeepRecursion& error) {
    return malformed(k_too_much, error.mark);
  } catch (const YAML::Exception& error) {
    return malformed(error.msg, error.mark);
  } catch (const std::exception&) {
    return Error::invalid_argument("the file is no YAML").with_hint("give files of manifests");
  }
  return documents;
}

}  // namespace

Result<std::vector<YamlDocument>> parse_yaml_documents(std::string_view text) {
  if (text.size() > k_longest_text) {
    return Error::invalid_argument("the file has more than 16 MiB")
        .with_hint("give files of manifests");
  }
  if (!is_utf8(text)) {
    return Error::invalid_argument("the file is not UTF-8").with_hint("write it anew as UTF-8");
  }
  auto documents = read_documents(text);
  if (!documents && text.find("{{") != std::string_view::npos) {
    documents.error().hint =
        "templates are rendered first: helm template CHART | kubectl redis lint -f -";
  }
  return documents;
}

TextPlace place_of(const YamlDocument& document, std::string_view pointer) {
  while (true) {
    const auto found = document.places.find(std::string(pointer));
    if (found != document.places.end()) {
      return found->second;
    }
    if (pointer.empty()) {
      return {.line = document.first_line};
    }
    // What is missing has no place: the closest parent that is there stands in.
    pointer = pointer.substr(0, pointer.rfind('/'));
  }
}

}  // namespace kredis::kube
