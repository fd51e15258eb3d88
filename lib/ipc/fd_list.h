#pragma once

#include "base/unique_fd.h"
#include "wire/limits.h"

#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace shmd::ipc {

/**
 * The descriptors that came with one message, as many as the protocol has. Takes no
 * memory, so that a message can be received where nothing may throw.
 * Thread: one at a time.
 */
class FdList {
  public:
    static constexpr size_t kMostFds = wire::kMaxMessageFds;

    /** @return false: there is no room, and `fd` is closed */
    bool Add(base::UniqueFd fd) noexcept {
        if (count_ == kMostFds) return false;
        fds_[count_++] = std::move(fd);
        return true;
    }

    /** Close all. */
    void Clear() noexcept {
        fds_ = {};
        count_ = 0;
    }

    [[nodiscard]] std::span<base::UniqueFd> All() noexcept {
        return std::span{fds_}.first(count_);
    }
    [[nodiscard]] size_t Count() const noexcept { return count_; }

  private:
    std::array<base::UniqueFd, kMostFds> fds_;
    size_t count_ = 0;
};

}  // namespace shmd::ipc
