#pragma once

#include "tools/shmd-run/child.h"
#include "tools/shmd-run/resources.h"

#include <string>

namespace shmd::run {

/** Compares what the server holds when COMMAND has ended with what it held before. */
class LeakCheck {
  public:
    /** Take the baseline. @pre the server is ready. Errors: throws filesystem_error. */
    LeakCheck(Child& server, std::string socket_path);

    /**
     * Give the server a bounded time to let go of what COMMAND used, then tell on
     * standard error what it still holds. Connections that a process of COMMAND's keeps
     * open are told too, but are no leak, and hide what else there may be.
     *
     * @return whether there is a leak; false when the server ended meanwhile
     * Errors: throws std::system_error.
     */
    bool FindsLeak();

  private:
    bool TellsOfLeak();
    bool LetGo();
    [[nodiscard]] bool HeldByOthers() const;

    Child& server_;
    std::string socket_path_;
    Resources baseline_;
};

}  // namespace shmd::run
