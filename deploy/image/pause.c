// SPDX-License-Identifier: Apache-2.0
//
// Holds a pod's namespaces open: waits for a signal, and buries the children it inherits.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void stop(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void bury(int signal_number) {
  (void)signal_number;
  while (waitpid(-1, 0, WNOHANG) > 0) {
  }
}

int main(void) {
  signal(SIGINT, stop);
  signal(SIGTERM, stop);
  signal(SIGCHLD, bury);
  for (;;) {
    pause();
  }
}
