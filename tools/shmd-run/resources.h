#pragma once

#include <sys/types.h>
#include <map>
#include <string>
#include <vector>

namespace shmd::run {

/**
 * What a process holds: its descriptors and its mappings of memfds, by what they are of.
 * "fd socket:[4711]" or "mapping /memfd:pool (deleted)", each with how many there are.
 */
class Resources {
  public:
    /** What `pid` holds now. Errors: throws std::filesystem::filesystem_error. */
    static Resources Of(pid_t pid);

    /** What is here and was not in `before`, one line each; empty: nothing. */
    [[nodiscard]] std::vector<std::string> BeyondThose(const Resources& before) const;

  private:
    std::map<std::string, int> counts_;
};

/** Connections accepted from, or queued at, the listening socket `path`. Thread: any. */
size_t CountConnections(const std::string& path);

/** Processes whose environment has `variable` ("NAME=value"), as "PID (name)". */
std::vector<std::string> ProcessesWith(const std::string& variable);

}  // namespace shmd::run
