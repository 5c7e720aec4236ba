// SPDX-License-Identifier: Apache-2.0
#include "webhook/review_reader.hpp"

#include <string>
#include <utility>
#include <vector>

namespace kredis::webhook {
namespace {

/// Builds the tree as the parser goes, and stops it at the first thing that is too much.
class Builder final : public Json::json_sax_t {
 public:
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return fail("binary data"); }
  bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override;
  bool parse_error(std::size_t position,
                   const std::string& token,
                   const Json::exception& problem) override;

  Json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

 private:
  Json* place(Json value);
  bool put(Json value) { return place(std::move(value)) != nullptr || dropped_; }
  bool open(Json value);
  bool close();
  bool fail(std::string why);

  Json root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;  // Where the value of the last key goes.
  std::size_t values_ = 0;
  std::size_t skipped_depth_ = 0;  // Inside a value that is left out.
  bool skip_next_ = false;
  bool dropped_ = false;  // The last value was left out whole.
  std::string problem_;
};

bool Builder::fail(std::string why) {
  problem_ = std::move(why);
  return false;
}

bool Builder::key(string_t& name) {
  if (skipped_depth_ > 0) {
    return true;
  }
  if (name == "managedFields") {
    skip_next_ = true;
    return true;
  }
  const auto [found, is_new] = open_.back()->get_ref<Json::object_t&>().emplace(name, nullptr);
  if (!is_new) {
    return fail("a key that is there twice");
  }
  member_ = &found->second;
  return true;
}

/// Puts a value where it belongs; null when it is left out or one too many.
Json* Builder::place(Json value) {
  dropped_ = false;
  if (++values_ > k_value_limit) {
    fail("too many values");
    return nullptr;
  }
  if (skipped_depth_ > 0 || skip_next_) {
    skip_next_ = false;
    dropped_ = true;
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

bool Builder::open(Json value) {
  if (open_.size() + skipped_depth_ >= k_depth_limit) {
    return fail("nested too deeply");
  }
  Json* const there = place(std::move(value));
  if (there != nullptr) {
    open_.push_back(there);
    return true;
  }
  if (!dropped_) {
    return false;
  }
  ++skipped_depth_;
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

bool Builder::parse_error(std::size_t position,
                          const std::string& /*token*/,
                          const Json::exception& /*problem*/) {
  // The parser's own text would repeat what was sent.
  return fail("not JSON at byte " + std::to_string(position));
}

}  // namespace

Result<Json> read_review(std::string_view text) {
  Builder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return Error::invalid_argument("the body cannot be read: " + builder.problem());
  }
  return builder.take();
}

}  // namespace kredis::webhook
