#pragma once

#include <liburing.h>
#include <cstdint>

namespace shmd::loop {

/** How the ring is set up. kPlain is used when the kernel refuses kPreferred. */
enum class UringMode {
    kPreferred,  // one issuer, completions run only when this thread asks for them (6.1)
    kPlain,      // nothing beyond the size of the completion queue
};

/** What the kernel says about one request; flags are IORING_CQE_F_*. */
struct Completion {
    uint64_t user_data = 0;
    int result = 0;
    uint32_t flags = 0;
};

/**
 * One io_uring: requests queue up in memory, and one system call submits all of them and
 * waits for completions.
 *
 * Thread: the one that constructed it, for everything, the destructor included: with
 * IORING_SETUP_SINGLE_ISSUER the kernel refuses every other (EEXIST).
 */
class Uring {
  public:
    /** Requests that fit before an extra system call must flush them. */
    static constexpr unsigned kSubmissionEntries = 256;
    /** Completions that fit. The kernel keeps others aside, and then ends multishots. */
    static constexpr unsigned kCompletionEntries = 4096;

    /**
     * Errors: std::system_error; EPERM (kernel.io_uring_disabled, or a container's
     * seccomp filter) and ENOSYS (a kernel or a filter without it) mean that io_uring is
     * forbidden.
     */
    explicit Uring(UringMode mode = UringMode::kPreferred);
    Uring(const Uring&) = delete;
    Uring& operator=(const Uring&) = delete;
    ~Uring();

    /**
     * The next request to fill; zeroed. It is the caller's until the next call of any
     * method. A full queue is submitted first, so that no request is ever lost.
     * Errors: std::system_error, when the kernel takes no request at all.
     */
    io_uring_sqe& NextRequest();

    /**
     * The request with `user_data` that is queued and that the kernel has not seen, or
     * nullptr. Making a no-op of it is the only way to be sure that it never runs.
     */
    [[nodiscard]] io_uring_sqe* FindQueued(uint64_t user_data) noexcept;

    /** Whether there are requests that the kernel has not seen. No system call. */
    [[nodiscard]] bool HasQueued() const noexcept;

    /**
     * One system call: submit what is queued, wait for `completions` (0 or 1), and
     * collect all that are there. Returns early when a signal handler ran. Errors:
     * std::system_error.
     */
    void SubmitAndWait(unsigned completions);

    /** Take the oldest completion. No system call. @return false when there is none. */
    bool TryPop(Completion& completion) noexcept;

    /** io_uring_enter calls so far. */
    [[nodiscard]] uint64_t EnterCalls() const noexcept { return enter_calls_; }

    /** What the kernel accepted. */
    [[nodiscard]] UringMode Mode() const noexcept { return mode_; }

  private:
    void Flush();

    io_uring ring_{};
    UringMode mode_;
    uint64_t enter_calls_ = 0;
};

}  // namespace shmd::loop
