// SPDX-License-Identifier: Apache-2.0
//
// `kubectl redis completion SHELL`: the script that makes a shell complete `kubectl-redis` itself.
// Completion of `kubectl redis` comes from kubectl, which calls kubectl_complete-redis.
#include <memory>
#include <ostream>

#include "plugin/commands/verbs.hpp"

namespace kredis::plugin {
namespace {

constexpr const char* k_bash =
    R"(# bash completion of kubectl-redis: source <(kubectl redis completion bash)
_kubectl_redis() {
  local out line
  out=$("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) [ "$line" = ":0" ] && compopt -o default ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done <<<"$out"
}
complete -F _kubectl_redis kubectl-redis
)";

constexpr const char* k_zsh = R"(#compdef kubectl-redis
# zsh completion of kubectl-redis: source <(kubectl redis completion zsh)
_kubectl_redis() {
  local -a choices
  local line
  while IFS= read -r line; do
    case $line in
      :0) _files ;;
      :*) ;;
      *) choices+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'kubectl redis' choices
}
compdef _kubectl_redis kubectl-redis
)";

constexpr const char* k_fish =
    R"(# fish completion of kubectl-redis: kubectl redis completion fish | source
function __kubectl_redis_complete
  set -l words (commandline -opc) (commandline -ct)
  kubectl-redis __complete $words[2..-1] 2>/dev/null | string match -v -r '^:\d+$'
end
complete -c kubectl-redis -f -a '(__kubectl_redis_complete)'
)";

struct CompletionFlags {
  const char* script = nullptr;
};

Result<ExitStatus> run_completion(const CompletionFlags& options, Session& session) {
  session.out() << options.script;
  return ExitStatus::done;
}

}  // namespace

void add_completion(Verb& root) {
  const auto flags = std::make_shared<CompletionFlags>();
  Verb verb = root.subcommand("completion", "Print the completion script of a shell");
  const Choices<const char*> shells = {{"bash", k_bash}, {"zsh", k_zsh}, {"fish", k_fish}};
  verb.choice("SHELL", flags->script, shells, "The shell").required();
  verb.footer(
      "kubectl itself completes `kubectl redis` when kubectl_complete-redis is on the PATH.\n"
      "Examples:\n  source <(kubectl redis completion bash)\n"
      "  kubectl redis completion fish | source");
  verb.run(flags, run_completion);
}

}  // namespace kredis::plugin
