// SPDX-License-Identifier: Apache-2.0
//
// Shell scripts cut into simple commands, as POSIX's "Token Recognition" has it: quotes, comments,
// separators, redirections and here-documents. Nothing is run, and no flow is followed.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kredis::policy {

/// A piece of a word.
struct ShellPart {
  enum class Kind {
    text,       ///< As it stands.
    variable,   ///< $NAME or ${NAME}, with `otherwise` of ${NAME:-otherwise}.
    folder_of,  ///< ${NAME%/*}
    arguments,  ///< $@ or $*
    unknown,    ///< $(...), `...` and expansions that are read by nobody here.
  };
  Kind kind = Kind::text;
  std::string text = {};
  std::string otherwise = {};
  bool quoted = false;  ///< Not cut at blanks.
  friend bool operator==(const ShellPart&, const ShellPart&) = default;
};

using ShellWord = std::vector<ShellPart>;

struct ShellRedirection {
  enum class Kind { from, to, append, here };
  Kind kind = Kind::from;
  ShellWord target = {};  ///< Of `here`: the whole text.
};

struct ShellCommand {
  std::vector<ShellWord> words = {};
  std::vector<ShellRedirection> redirections = {};
  bool fallback = false;  ///< Behind `||`.
  bool branch = false;    ///< Of an if, a case or a loop: it may run or not.
};

struct ShellScript {
  std::vector<ShellCommand> commands = {};
  std::string code = {};  ///< The text without its comments.
  bool whole = true;      ///< False where it was too long to be cut to its end.
  std::size_t parts = 0;  ///< Of all words together.
};

/// Reads any text; quotes that nobody closes end with it.
ShellScript parse_shell(std::string_view text);

/// The scripts of one review, of which each is read many times: by rules, and for the objects
/// around. What takes too much memory is read anew each time.
class ShellMemory {
 public:
  std::shared_ptr<const ShellScript> read(std::string_view text);

 private:
  std::map<std::string, std::shared_ptr<const ShellScript>, std::less<>> scripts_;
  std::size_t bytes_ = 0;
};

}  // namespace kredis::policy
