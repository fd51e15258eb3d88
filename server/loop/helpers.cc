#include "loop/helpers.h"

#include "base/clock.h"
#include "base/error.h"

#include <sys/eventfd.h>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace shmd::loop {

namespace {

// A thread costs some 50 us to start: worth keeping between the streams of one program.
constexpr std::chrono::seconds kIdle{2};
constexpr std::chrono::seconds kLastMoment{1};

}  // namespace

/** What the loop and the threads share, under one mutex. */
class Helpers::State : public std::enable_shared_from_this<State> {
  public:
    struct Piece {
        std::function<void()> work;
        std::function<void()> done;
    };

    /** @param event  written until End */
    State(int event, StartThread start_thread)
        : event_{event}, start_thread_{std::move(start_thread)} {}

    /** @return 0, or why no thread could be started: nothing was added then.
     * Errors: std::bad_alloc, and nothing was added. */
    int TryAdd(uid_t user, Piece piece) {
        std::list<Piece> one;  // if not added, destroyed without the lock
        one.push_back(std::move(piece));
        const auto fresh = std::make_shared<Queue>();
        const std::lock_guard lock{mutex_};
        const auto place = queues_.try_emplace(user, fresh).first;
        const int error = EnsureThread(user, place->second);
        if (error == 0)
            Append(*place->second, one);
        else if (place->second->pieces.empty())
            queues_.erase(place);
        return error;
    }

    /** If no thread can be started, the piece waits until StartMissing starts one.
     * Errors: std::bad_alloc, and nothing was added. */
    void Add(uid_t user, Piece piece) {
        std::list<Piece> one;
        one.push_back(std::move(piece));
        const auto fresh = std::make_shared<Queue>();
        const std::lock_guard lock{mutex_};
        const auto place = queues_.try_emplace(user, fresh).first;
        Append(*place->second, one);
        if (EnsureThread(user, place->second) != 0 && !is_ending_)
            ::eventfd_write(event_, 1);
    }

    /** Start the threads that pieces wait for. @return whether all have one now */
    bool StartMissing() {
        const std::lock_guard lock{mutex_};
        bool has_all = true;
        for (const auto& [user, queue] : queues_)
            has_all = EnsureThread(user, queue) == 0 && has_all;
        return has_all;
    }

    std::list<Piece> TakeFinished() {
        const std::lock_guard lock{mutex_};
        return std::exchange(finished_, {});
    }

    size_t Unfinished(uid_t user) {
        const std::lock_guard lock{mutex_};
        const auto queue = queues_.find(user);
        return queue == queues_.end() ? 0 : queue->second->unfinished;
    }

    /** From here on nothing is told, and threads end when they have nothing to do. */
    void End() {
        const std::lock_guard lock{mutex_};
        is_ending_ = true;
        last_moment_ = std::chrono::steady_clock::now() + kLastMoment;
        for (const auto& [user, queue] : queues_)
            queue->has_work.notify_one();
    }

    /** After End: wait until all have ended, or until the last moment. Before End, and on
     * a helper's own thread, it does nothing. */
    void AwaitEnd() {
        if (served_here_ == this) return;
        std::unique_lock lock{mutex_};
        if (!is_ending_) return;
        all_are_gone_.wait_until(lock, last_moment_, [this] { return threads_ == 0; });
    }

  private:
    struct Queue {
        std::list<Piece> pieces;
        size_t unfinished = 0;
        bool has_thread = false;
        std::condition_variable has_work;
    };

    static void Append(Queue& queue, std::list<Piece>& one) noexcept {
        queue.pieces.splice(queue.pieces.end(), one);
        ++queue.unfinished;
        queue.has_work.notify_one();
    }

    int EnsureThread(uid_t user, const std::shared_ptr<Queue>& queue) noexcept {
        if (queue->has_thread) return 0;
        const int error = TryStart(user, queue);
        queue->has_thread = error == 0;
        threads_ += queue->has_thread ? 1 : 0;
        return error;
    }

    int TryStart(uid_t user, const std::shared_ptr<Queue>& queue) noexcept {
        try {
            return start_thread_("shmd-helper", [state = shared_from_this(), user,
                                                 queue] { state->Serve(user, *queue); });
        } catch (const std::bad_alloc&) {
            return ENOMEM;
        }
    }

    /** The thread of a user. */
    void Serve(uid_t user, Queue& queue) {
        served_here_ = this;
        std::unique_lock lock{mutex_};
        const auto has_work = [&] { return is_ending_ || !queue.pieces.empty(); };
        while (queue.has_work.wait_for(lock, kIdle, has_work) && !queue.pieces.empty()) {
            std::list<Piece> one;
            one.splice(one.end(), queue.pieces, queue.pieces.begin());
            lock.unlock();
            one.front().work();
            one.front().work = nullptr;
            Tell(one, queue);
            one.clear();  // its captures may own what comes back here
            lock.lock();
        }
        queues_.erase(user);
        --threads_;
        all_are_gone_.notify_one();
    }

    void Tell(std::list<Piece>& one, Queue& queue) {
        const std::lock_guard lock{mutex_};
        --queue.unfinished;
        if (!one.front().done || is_ending_) return;
        finished_.splice(finished_.end(), one);
        ::eventfd_write(event_, 1);
    }

    static thread_local const State* served_here_;  // on a helper's thread

    int event_;
    const StartThread start_thread_;
    std::mutex mutex_;
    std::unordered_map<uid_t, std::shared_ptr<Queue>> queues_;
    std::list<Piece> finished_;
    size_t threads_ = 0;
    bool is_ending_ = false;
    std::chrono::steady_clock::time_point last_moment_;
    std::condition_variable all_are_gone_;
};

thread_local const Helpers::State* Helpers::State::served_here_ = nullptr;

Helpers::Helpers(Loop& loop, StartThread start_thread)
    : event_{base::RequireNonNegative(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                      "eventfd")},
      state_{std::make_shared<State>(event_.Get(), std::move(start_thread))},
      retry_{loop, [this] { StartMissing(); }},
      watch_{loop, event_.Get(), [this](uint64_t) {
                 for (auto& piece : state_->TakeFinished())
                     piece.done();
                 StartMissing();
             }} {}

Helpers::~Helpers() {
    state_->End();
    state_->AwaitEnd();
}

void Helpers::StartMissing() {
    if (!state_->StartMissing()) retry_.ArmAtNs(base::SystemClock{}.NowNs() + kRetryNs);
}

void Helpers::Run(uid_t user, std::function<void()> work, std::function<void()> done) {
    const int error = state_->TryAdd(user, {std::move(work), std::move(done)});
    if (error != 0) base::ThrowError(error, "starting a thread");
}

void Helpers::Dispose(State& state, uid_t user, void* object, Destroy destroy) noexcept {
    try {
        state.Add(user, {[object, destroy] { destroy(object); }, {}});
        state.AwaitEnd();
    } catch (const std::bad_alloc&) {
        destroy(object);
    }
}

void Helpers::Close(uid_t user, base::UniqueFd fd) noexcept {
    try {
        state_->Add(user, {[raw = fd.Get()] { base::UniqueFd{raw}.Reset(); }, {}});
        static_cast<void>(fd.Release());
    } catch (const std::bad_alloc&) {
        fd.Reset();
    }
}

size_t Helpers::Unfinished(uid_t user) const noexcept {
    return state_->Unfinished(user);
}

}  // namespace shmd::loop
