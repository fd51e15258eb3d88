#pragma once

#include <sysexits.h>

#include <stdexcept>
#include <string>

namespace shmd {

/** The user asked for something impossible: what() is one line for stderr, or for the
 * log. */
class UsageError : public std::runtime_error {
  public:
    /** @param status  EX_USAGE (64): the command line; EX_CONFIG (78): the file */
    UsageError(int status, const std::string& message)
        : std::runtime_error{message}, status_{status} {}

    /** What the process exits with. */
    [[nodiscard]] int Status() const noexcept { return status_; }

  private:
    int status_;
};

}  // namespace shmd
