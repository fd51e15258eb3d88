#pragma once

#include <utility>

namespace shmd::base {

/** Owns one file descriptor; -1 owns nothing. Move only. Thread: any. Realtime: no. */
class UniqueFd {
  public:
    UniqueFd() noexcept = default;
    explicit UniqueFd(int fd) noexcept : fd_{fd} {}
    UniqueFd(UniqueFd&& other) noexcept : fd_{other.Release()} {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        Reset(other.Release());
        return *this;
    }
    ~UniqueFd() { Reset(); }

    [[nodiscard]] int Get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

    /** Give the descriptor away: the caller closes it. */
    [[nodiscard]] int Release() noexcept { return std::exchange(fd_, -1); }

    /** Close what is owned, keeping errno, and own `fd` instead. */
    void Reset(int fd = -1) noexcept;

  private:
    int fd_ = -1;
};

}  // namespace shmd::base
