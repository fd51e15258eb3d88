#pragma once

#include <cstdint>
#include <memory>
#include <utility>

struct io_uring_sqe;

namespace shmd::loop {

class Loop;

/**
 * Something that can be in flight in the kernel: at most one request at a time, which may
 * complete many times (multishot).
 *
 *     idle ── Submit (owner) ──► in flight ── last completion (kernel) ──► idle
 *       any ── Abandon (owner's handle) ──► abandoned ── last completion ──► freed
 *
 * While it is in flight it owns itself, so the memory that the kernel reads and writes is
 * there until the last completion, whatever the owner does. After Abandon the owner is
 * never called again: completions go to OnLateCompletion, which only cleans up.
 *
 * Thread: loop, for everything here.
 */
class Operation : public std::enable_shared_from_this<Operation> {
  public:
    /** user_data of requests whose completion is ignored: cancellations. */
    static constexpr uint64_t kNobody = 0;

    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    virtual ~Operation() = default;

    /**
     * The owner is gone: cancel the request and drop the callbacks. May be called inside
     * a callback of this. Errors: std::system_error when the ring takes no request at
     * all. The destructor of a handle then ends the process, because memory that the
     * kernel may still write cannot be freed.
     */
    void Abandon();

    /** For Loop alone: one completion of this operation. */
    void Complete(int result, uint32_t flags);

  protected:
    explicit Operation(Loop& loop) noexcept : loop_{loop} {}

    /** Queue the request that Prepare fills. @pre not in flight, not abandoned. */
    void Submit();

    /**
     * Ask the kernel to end what is in flight; its last completion still comes. A request
     * that the kernel has not seen yet becomes a no-op instead: before it ran, its
     * descriptor might be closed and the number used again. In both cases it completes
     * with -ECANCELED, unless it finished before.
     */
    void RequestCancel();

    /**
     * Submit, and take the completion at once if the kernel did not have to wait. If it
     * had to, the completion comes in a later turn. @pre as Submit.
     */
    void SubmitNow();

    [[nodiscard]] bool InFlight() const noexcept { return self_ != nullptr; }
    [[nodiscard]] bool Abandoned() const noexcept { return abandoned_; }
    [[nodiscard]] Loop& OwnLoop() const noexcept { return loop_; }

    /** Fill `request`, all but its user_data. */
    virtual void Prepare(io_uring_sqe& request) = 0;

    /** A completion for the owner. May call back, and may be abandoned by that. */
    virtual void OnCompletion(int result, uint32_t flags) = 0;

    /** A completion after Abandon: close and give back what it brought. */
    virtual void OnLateCompletion(int /*result*/, uint32_t /*flags*/) noexcept {}

    /** Drop the callbacks; none of them is running. */
    virtual void Detach() noexcept {}

  private:
    friend class Loop;
    class CallbackScope;

    /** Identifies this operation's request in the ring. */
    [[nodiscard]] uint64_t UserData() const noexcept;

    Loop& loop_;
    std::shared_ptr<Operation> self_;
    bool abandoned_ = false;
    bool in_callback_ = false;
    bool cancelling_ = false;
    bool unmade_ = false;
};

/** The owner's end of an operation: abandons it when destroyed. */
template <typename T>
class OperationHandle {
  public:
    explicit OperationHandle(std::shared_ptr<T> operation) noexcept
        : operation_{std::move(operation)} {}
    OperationHandle(const OperationHandle&) = delete;
    OperationHandle& operator=(const OperationHandle&) = delete;
    ~OperationHandle() { operation_->Abandon(); }

    T* operator->() const noexcept { return operation_.get(); }

  private:
    std::shared_ptr<T> operation_;
};

}  // namespace shmd::loop
