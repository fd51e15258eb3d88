#pragma once

#include "base/unique_fd.h"
#include "ipc/socket.h"
#include "session/charge.h"

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace shmd::session {

/**
 * A client's socket, which is emptied before it is closed.
 *
 * close(2) frees what was not received all at once. Each message that is freed wakes all
 * that waits on the client's end: 278 messages and 300,000 idle epoll entries held a
 * processor for 2.2 s, inside the kernel, where one without preemption runs nothing else,
 * not even an audio thread. And each descriptor that was not received is closed, which
 * takes as long as its sender likes.
 *
 * Thread: loop.
 */
class AcceptedSocket {
  public:
    /** kernel SCM_MAX_FD: a message cannot carry more. */
    static constexpr size_t kMaxFds = 253;

    /** @param charge  given back when the socket is closed
     *  @param token   destroyed when the socket is closed */
    explicit AcceptedSocket(base::UniqueFd socket, Charge charge = {},
                            std::shared_ptr<const void> token = {}) noexcept
        : charge_{std::move(charge)},
          token_{std::move(token)},
          socket_{std::move(socket)},
          may_bring_fds_{ipc::DescriptorsMayCome(socket_.Get())} {}

    [[nodiscard]] int Get() const noexcept { return socket_.Get(); }

    /** Whether unreceived messages may contain descriptors. */
    [[nodiscard]] bool MayBringFds() const noexcept { return may_bring_fds_; }

    /** From here on the client may send descriptors. */
    void LetFdsCome() noexcept;

    /** From here on the client can send no more, and its messages are discarded. */
    void BeginToClose() noexcept;

    /**
     * Take one message out.
     * @param discard  is given each descriptor that came with it
     * @return false when there was none: closing the socket is quick now
     * @pre BeginToClose
     */
    template <typename Discard>
    bool DiscardOne(Discard&& discard) noexcept {
        Fds fds;
        const bool was_there = TakeOne(fds);
        for (size_t i = 0; i < fds.count; ++i)
            discard(base::UniqueFd{fds.numbers[i]});
        return was_there;
    }

    /** The process is about to end: the kernel closes the socket, and does not linger.
     */
    void Leave() noexcept { static_cast<void>(socket_.Release()); }

  private:
    struct Fds {
        std::array<int, kMaxFds> numbers;
        size_t count = 0;
    };

    bool TakeOne(Fds& fds) noexcept;

    Charge charge_;
    std::shared_ptr<const void> token_;
    base::UniqueFd socket_;
    bool may_bring_fds_;
};

}  // namespace shmd::session
