// SPDX-License-Identifier: Apache-2.0
#include "shared/redis/reply_reader.hpp"

#include <hiredis/read.h>

#include <atomic>
#include <new>
#include <string>
#include <utility>

namespace kredis::redis {

using core::Reply;

namespace {

std::atomic<std::size_t> g_all{0};
std::atomic<std::size_t> g_limit{k_all_replies_bytes};

/// One reader's share of what all replies take.
class Share {
 public:
  Share() = default;
  ~Share() { clear(); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  /// False when it is too much; it counts all the same, until it is cleared.
  bool add(std::size_t bytes) noexcept {
    mine_ += bytes;
    return g_all.fetch_add(bytes) + bytes <= g_limit;
  }
  void clear() noexcept { g_all -= std::exchange(mine_, 0); }

 private:
  std::size_t mine_ = 0;
};

}  // namespace

void limit_all_replies(std::size_t bytes) noexcept { g_limit = bytes; }

std::size_t all_replies_bytes() noexcept { return g_all; }

struct ReplyReader::State {
  ReplyBounds bounds;
  Share share = {};
  std::size_t bytes = 0;
  std::size_t elements = 0;
  bool over_share = false;
  bool over_bounds = false;
  bool root_is_push = false;

  /// Makes the object for `task`: the root, or the next item of the array that it belongs to.
  /// Null tells hiredis to give up; an exception must not cross its C code.
  static Reply* place(const redisReadTask* task, Reply value) noexcept {
    auto& state = *static_cast<State*>(task->privdata);
    int depth = 0;
    for (const redisReadTask* at = task->parent; at != nullptr; at = at->parent) {
      ++depth;
    }
    if (++state.elements > state.bounds.elements || depth > state.bounds.depth) {
      state.over_bounds = true;
      return nullptr;
    }
    // An element takes far more than the four bytes that it may be on the wire.
    if (!state.share.add(sizeof(Reply))) {
      state.over_share = true;
      return nullptr;
    }
    try {
      if (task->parent == nullptr) {
        state.root_is_push = task->type == REDIS_REPLY_PUSH;
        return std::make_unique<Reply>(std::move(value)).release();
      }
      // Growing may move finished items, which nobody points into any more.
      auto& items = static_cast<Reply*>(task->parent->obj)->items;
      items.push_back(std::move(value));
      return &items.back();
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
};

namespace {

Reply::Kind text_kind(int type) {
  switch (type) {
    case REDIS_REPLY_ERROR:
      return Reply::Kind::error;
    case REDIS_REPLY_STATUS:
      return Reply::Kind::status;
    default:
      return Reply::Kind::text;
  }
}

Error too_much_together() {
  return Error::protocol("the answers of all nodes together are larger than " +
                         std::to_string(g_limit / (1024 * 1024)) + " MiB");
}

}  // namespace

void ReplyReader::FreeReader::operator()(redisReader* reader) const noexcept {
  redisReaderFree(reader);
}

ReplyReader::ReplyReader(ReplyBounds bounds) : state_(std::make_unique<State>()) {
  static redisReplyObjectFunctions functions{
      .createString = [](const redisReadTask* task, char* text, std::size_t size) -> void* {
        // A verbatim string starts with its format, "txt:".
        const std::size_t skip = task->type == REDIS_REPLY_VERB && size >= 4 ? 4 : 0;
        try {
          return State::place(
              task, {.kind = text_kind(task->type), .text = std::string(text + skip, size - skip)});
        } catch (const std::bad_alloc&) {
          return nullptr;
        }
      },
      .createArray = [](const redisReadTask* task, std::size_t) -> void* {
        return State::place(task, {.kind = Reply::Kind::array});
      },
      .createInteger = [](const redisReadTask* task, long long value) -> void* {
        return State::place(task, {.kind = Reply::Kind::integer, .integer = value});
      },
      .createDouble = [](const redisReadTask* task, double, char* text, std::size_t size) -> void* {
        try {
          return State::place(task, {.kind = Reply::Kind::real, .text = std::string(text, size)});
        } catch (const std::bad_alloc&) {
          return nullptr;
        }
      },
      .createNil = [](const redisReadTask* task) -> void* { return State::place(task, {}); },
      .createBool = [](const redisReadTask* task, int value) -> void* {
        return State::place(task, {.kind = Reply::Kind::boolean, .integer = value});
      },
      .freeObject = [](void* root) { std::unique_ptr<Reply>(static_cast<Reply*>(root)).reset(); },
  };
  state_->bounds = bounds;
  reader_.reset(redisReaderCreateWithFunctions(&functions));
  if (!reader_) {
    throw std::bad_alloc();
  }
  reader_->privdata = state_.get();
  reader_->maxelements = static_cast<long long>(bounds.elements);
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::restart() {
  state_->share.clear();
  state_->bytes = 0;
  state_->elements = 0;
}

Status ReplyReader::feed(std::string_view bytes) {
  state_->bytes += bytes.size();
  if (state_->bytes > state_->bounds.bytes) {
    return Error::protocol("its answer is larger than " +
                           std::to_string(state_->bounds.bytes / (1024 * 1024)) + " MiB");
  }
  if (!state_->share.add(bytes.size())) {
    return too_much_together();
  }
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    return Error::protocol(reader_->errstr);
  }
  return {};
}

Result<std::optional<Reply>> ReplyReader::next() {
  for (;;) {
    void* object = nullptr;
    if (redisReaderGetReply(reader_.get(), &object) != REDIS_OK) {
      if (state_->over_share) {
        return too_much_together();
      }
      return Error::protocol(state_->over_bounds ? "its answer has too many or too deep elements"
                                                 : reader_->errstr);
    }
    if (object == nullptr) {
      return std::optional<Reply>{};
    }
    const std::unique_ptr<Reply> root(static_cast<Reply*>(object));
    if (!state_->root_is_push) {
      return std::optional<Reply>(std::move(*root));
    }
  }
}

}  // namespace kredis::redis
