#pragma once

#include "base/unique_fd.h"

#include <cstddef>
#include <span>
#include <string>

namespace shmd::fuzz {

/** A file in memory with a path, for what reads only files. Thread: any. */
class MemoryFile {
  public:
    /** Errors: std::system_error. */
    explicit MemoryFile(std::span<const std::byte> contents);

    /** Valid in this process, as long as this lives. */
    [[nodiscard]] std::string Path() const;

  private:
    base::UniqueFd fd_;
};

}  // namespace shmd::fuzz
