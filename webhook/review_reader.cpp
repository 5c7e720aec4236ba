// SPDX-License-Identifier: Apache-2.0
#include "webhook/review_reader.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>

namespace kredis::webhook {
namespace {

using Code = boost::system::error_code;
using Text = boost::json::string_view;

/// Builds the tree as the parser goes, and stops it at the first thing that is too much.
/// Its functions have the names and results that boost::json::basic_parser calls for.
class Builder {
 public:
  // The server's limit on bodies bounds all four. The names are Boost.JSON's.
  // NOLINTBEGIN(readability-identifier-naming)
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;
  // NOLINTEND(readability-identifier-naming)

  bool on_document_begin(Code& /*code*/) { return true; }
  bool on_document_end(Code& /*code*/) { return true; }
  bool on_object_begin(Code& code) { return open(Json::object(), code); }
  bool on_object_end(std::size_t /*size*/, Code& /*code*/) { return close(); }
  bool on_array_begin(Code& code) { return open(Json::array(), code); }
  bool on_array_end(std::size_t /*size*/, Code& /*code*/) { return close(); }
  bool on_key_part(Text part, std::size_t /*size*/, Code& /*code*/) { return gather(part); }
  bool on_key(Text rest, std::size_t /*size*/, Code& code);
  bool on_string_part(Text part, std::size_t /*size*/, Code& /*code*/) { return gather(part); }
  bool on_string(Text rest, std::size_t /*size*/, Code& code);
  bool on_number_part(Text /*part*/, Code& /*code*/) { return true; }
  bool on_int64(std::int64_t value, Text /*digits*/, Code& code);
  bool on_uint64(std::uint64_t value, Text /*digits*/, Code& code) { return put(value, code); }
  bool on_double(double value, Text digits, Code& code);
  bool on_bool(bool value, Code& code) { return put(value, code); }
  bool on_null(Code& code) { return put(nullptr, code); }
  bool on_comment_part(Text /*part*/, Code& /*code*/) { return true; }
  bool on_comment(Text /*rest*/, Code& /*code*/) { return true; }

  Json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

 private:
  bool gather(Text part);
  std::string gathered(Text rest);
  bool is_left_out() { return skipped_depth_ > 0 || std::exchange(skip_next_, false); }
  bool put(Json value, Code& code) { return is_left_out() || place(std::move(value), code); }
  Json* place(Json value, Code& code);
  bool open(Json value, Code& code);
  bool close();
  bool fail(std::string why, Code& code);

  Json root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;  // Where the value of the last key goes.
  std::string parts_;       // Of a key or string with escapes in it.
  std::size_t values_ = 0;
  std::size_t skipped_depth_ = 0;  // Inside a value that is left out.
  bool skip_next_ = false;
  std::string problem_;
};

bool Builder::fail(std::string why, Code& code) {
  problem_ = std::move(why);
  code = boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
  return false;
}

bool Builder::gather(Text part) {
  parts_.append(part.data(), part.size());
  return true;
}

std::string Builder::gathered(Text rest) {
  if (parts_.empty()) {
    return {rest.data(), rest.size()};
  }
  gather(rest);
  return std::exchange(parts_, {});
}

bool Builder::on_key(Text rest, std::size_t /*size*/, Code& code) {
  std::string name = gathered(rest);
  if (skipped_depth_ > 0) {
    return true;
  }
  // At any depth: a field of that name elsewhere would be read by no rule either.
  if (name == "managedFields") {
    skip_next_ = true;
    return true;
  }
  const auto [found, is_new] =
      open_.back()->get_ref<Json::object_t&>().emplace(std::move(name), nullptr);
  if (!is_new) {
    // Readers differ in which of the two counts: what we judge must be what is stored.
    return fail("a key that is there twice", code);
  }
  member_ = &found->second;
  return true;
}

bool Builder::on_string(Text rest, std::size_t /*size*/, Code& code) {
  std::string text = gathered(rest);
  return is_left_out() || place(std::move(text), code);
}

/// nlohmann_json keeps numbers that are not negative as unsigned ones; the tree is to be the same.
bool Builder::on_int64(std::int64_t value, Text /*digits*/, Code& code) {
  return value < 0 ? put(value, code) : put(static_cast<std::uint64_t>(value), code);
}

/// The parser's own value may be off in its last digit; from_chars is exact.
bool Builder::on_double(double value, Text digits, Code& code) {
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return std::isfinite(value) ? put(value, code) : fail("a number out of range", code);
}

/// Puts a value where it belongs; null when it is one too many.
Json* Builder::place(Json value, Code& code) {
  if (++values_ > k_value_limit) {
    fail("too many values", code);
    return nullptr;
  }
  if (open_.empty()) {
    root_ = std::move(value);
    return &root_;
  }
  Json& parent = *open_.back();
  if (parent.is_array()) {
    parent.push_back(std::move(value));
    return &parent.back();
  }
  *member_ = std::move(value);
  return member_;
}

bool Builder::open(Json value, Code& code) {
  if (open_.size() + skipped_depth_ >= k_depth_limit) {
    return fail("nested too deeply", code);
  }
  if (is_left_out()) {
    ++skipped_depth_;
    return true;
  }
  Json* const there = place(std::move(value), code);
  if (there == nullptr) {
    return false;
  }
  open_.push_back(there);
  return true;
}

bool Builder::close() {
  if (skipped_depth_ > 0) {
    --skipped_depth_;
  } else {
    open_.pop_back();
  }
  return true;
}

}  // namespace

Result<Json> read_review(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = k_depth_limit + 1;  // So that it is the builder that refuses.
  boost::json::basic_parser<Builder> parser(options);
  Code code;
  // false: there is no more to come, so a text that ends early is an error here.
  const std::size_t read = parser.write_some(false, text.data(), text.size(), code);
  Builder& builder = parser.handler();
  if (!builder.problem().empty()) {
    return Error::invalid_argument("the body cannot be read: " + builder.problem());
  }
  if (code || read < text.size()) {
    // The parser's own text says less than where it stopped.
    return Error::invalid_argument("the body cannot be read: not JSON at byte " +
                                   std::to_string(read));
  }
  return builder.take();
}

}  // namespace kredis::webhook
