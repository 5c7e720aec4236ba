// SPDX-License-Identifier: Apache-2.0
//
// The one filter before a terminal: all that is written passes through here (clean_text.hpp), but
// what `Own` marks.
#pragma once

#include <iosfwd>
#include <streambuf>
#include <string_view>

#include "plugin/terminal/clean_text.hpp"

namespace kredis::plugin {

/// Writes what it is given, cleaned, to another buffer, which must outlive it.
class CleanBuffer : public std::streambuf {
 public:
  explicit CleanBuffer(std::streambuf& sink) : sink_(sink) {}
  ~CleanBuffer() override { CleanBuffer::sync(); }
  CleanBuffer(const CleanBuffer&) = delete;
  CleanBuffer& operator=(const CleanBuffer&) = delete;

  void set_colour(Colour colour) { cleaner_.set_colour(colour); }
  /// Writes a sequence of the program's own.
  bool write_own(std::string_view sequence);

 protected:
  int overflow(int character) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;

 private:
  bool write(std::string_view text);

  std::streambuf& sink_;
  Cleaner cleaner_;
};

/// A control sequence that the program itself means: `stream << Own{"\033[J"}`.
struct Own {
  std::string_view sequence;
};
std::ostream& operator<<(std::ostream& stream, Own own);

}  // namespace kredis::plugin
