// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/clean_stream.hpp"

#include <ostream>

namespace kredis::plugin {

bool CleanBuffer::write(std::string_view text) {
  const auto size = static_cast<std::streamsize>(text.size());
  return sink_.sputn(text.data(), size) == size;
}

bool CleanBuffer::write_own(std::string_view sequence) {
  return write(cleaner_.end()) && write(sequence);
}

std::streamsize CleanBuffer::xsputn(const char* text, std::streamsize size) {
  return write(cleaner_.take({text, static_cast<std::size_t>(size)})) ? size : 0;
}

int CleanBuffer::overflow(int character) {
  if (character == traits_type::eof()) {
    return traits_type::not_eof(character);
  }
  const char c = traits_type::to_char_type(character);
  return xsputn(&c, 1) == 1 ? character : traits_type::eof();
}

int CleanBuffer::sync() { return write(cleaner_.end()) ? sink_.pubsync() : -1; }

std::ostream& operator<<(std::ostream& stream, Own own) {
  if (auto* const clean = dynamic_cast<CleanBuffer*>(stream.rdbuf())) {
    if (!clean->write_own(own.sequence)) {
      stream.setstate(std::ios::badbit);
    }
    return stream;
  }
  return stream << own.sequence;
}

}  // namespace kredis::plugin
