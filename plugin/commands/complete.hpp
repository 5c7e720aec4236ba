// SPDX-License-Identifier: Apache-2.0
//
// What could come next on the command line, in the form that kubectl asks plugins for: choices one
// a line, a tab before a description, and a last line ":N" with Cobra's directive.
// https://pkg.go.dev/k8s.io/kubectl/pkg/cmd (plugin_completion.go)
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugin/commands/verb.hpp"

namespace kredis::plugin {

/// Names that only the server knows. May be slow or fail; then it returns nothing.
struct CompletionSources {
  std::function<std::vector<std::string>()> clusters;
  std::function<std::vector<std::string>()> namespaces;
};

/// `words` are what follows "kubectl redis"; the last one is being typed and may be empty.
std::string complete(const VerbInfo& root,
                     const std::vector<std::string>& words,
                     const CompletionSources& sources);

}  // namespace kredis::plugin
