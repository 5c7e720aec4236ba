// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are a script: they are cut into commands of words, and no letter is invented.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shared/policy/shell.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kredis::policy;
  const ShellScript script = parse_shell({reinterpret_cast<const char*>(data), size});
  std::size_t letters = 0;
  for (const ShellCommand& command : script.commands) {
    for (const ShellWord& word : command.words) {
      for (const ShellPart& part : word) {
        letters += part.text.size();
      }
    }
  }
  if (letters > size || script.code.size() > size + 1) {
    std::abort();
  }
  return 0;
}
