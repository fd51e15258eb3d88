#pragma once

#include "base/thread.h"
#include "base/unique_fd.h"
#include "loop/event.h"
#include "loop/loop.h"
#include "loop/timer.h"

#include <sys/types.h>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace shmd::loop {

/**
 * Runs work that may take long, so that the loop does not wait for it: closing
 * descriptors that a client has sent, building a resampler's tables.
 *
 * Each user who causes such work has one thread, which starts with the first piece of
 * work and ends some time after the last. The pieces of one user run in order. If a piece
 * never ends, only its user waits.
 *
 *     loop:      Run(user, work, done) ─► the user's queue                ─► done
 *     helper:                               └─► work ─► finished, eventfd ──┘
 *
 * The destructor waits a moment for the threads to finish. It leaves behind those that
 * take longer; they use nothing of this object.
 */
class Helpers {
  public:
    /** As base::StartDetached, which a test replaces. */
    using StartThread = std::function<int(const char* name, std::function<void()> body)>;

    /** While no thread can be started (EAGAIN), how often to try again. */
    static constexpr int64_t kRetryNs = 100'000'000;

    /** Thread: loop, for everything. Errors: std::system_error. */
    explicit Helpers(Loop& loop, StartThread start_thread = &base::StartDetached);
    Helpers(const Helpers&) = delete;
    Helpers& operator=(const Helpers&) = delete;
    ~Helpers();

    /**
     * @param work  runs on the user's thread; must not throw
     * @param done  runs on the loop after it, and must not throw; may be empty
     * Errors: std::system_error (EAGAIN: no thread could be started), std::bad_alloc: the
     * work is then not done.
     */
    void Run(uid_t user, std::function<void()> work, std::function<void()> done = {});

    /**
     * Share an object that may take long to destroy: a socket, a mapping. It is destroyed
     * on the user's thread, as soon as there can be one; without memory to queue that, by
     * its last owner.
     * The last owner may be any thread but an audio thread.
     */
    template <typename T>
    std::shared_ptr<T> Own(uid_t user, std::unique_ptr<T> object) {
        const auto destroy = [](void* last) noexcept {
            std::unique_ptr<T>{static_cast<T*>(last)}.reset();
        };
        return {object.release(), [state = state_, user, destroy](T* last) {
                    Dispose(*state, user, last, destroy);
                }};
    }

    /** Close `fd` on the user's thread, as soon as there can be one. */
    void Close(uid_t user, base::UniqueFd fd) noexcept;

    /** Pieces of work of this user that are not finished. */
    [[nodiscard]] size_t Unfinished(uid_t user) const noexcept;

  private:
    class State;
    using Destroy = void (*)(void*) noexcept;

    void StartMissing();
    static void Dispose(State& state, uid_t user, void* object, Destroy destroy) noexcept;

    base::UniqueFd event_;  // written when a piece is finished, or has no thread
    std::shared_ptr<State> state_;
    Timer retry_;
    EventWatch watch_;
};

}  // namespace shmd::loop
