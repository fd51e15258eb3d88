#include "session/socket_closer.h"

#include "base/clock.h"
#include "loop/timer.h"
#include "loop/user_task.h"

#include <list>
#include <utility>

namespace shmd::session {

namespace {

// One message may bring AcceptedSocket::kMaxFds more. Even so a user stays below half of
// the usual limit of 1,024 open files.
constexpr size_t kMostForHelper = 128;
constexpr int64_t kLookAgainNs = 100 * base::kNsPerMs;

}  // namespace

class SocketCloser::State {
  public:
    /** A socket, from Own until it is closed: what closing it takes is made before. */
    struct Entry {
        Entry(State& state, uid_t user, AcceptedSocket accepted,
              loop::Receiver::Discard discard_fd)
            : socket{std::move(accepted)},
              discard{std::move(discard_fd)},
              task{state.loop_, user, [this, &state] { state.Step(*this); },
                   [](int64_t) {}} {}

        AcceptedSocket socket;
        loop::Receiver::Discard discard;
        loop::UserTask task;
        bool is_closing = false;
        bool waits_for_helper = false;
        std::list<Entry>::iterator place;
    };

    State(loop::Loop& loop, loop::Helpers& helpers)
        : loop_{loop}, helpers_{helpers}, look_again_{loop, [this] {
                                                          RequestWaiting();
                                                      }} {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ~State() {
        for (Entry& entry : entries_)
            entry.socket.Leave();
    }

    Entry& Add(uid_t user, AcceptedSocket socket, loop::Receiver::Discard discard) {
        entries_.emplace_front(*this, user, std::move(socket), std::move(discard));
        entries_.front().place = entries_.begin();
        return entries_.front();
    }

    static void Close(Entry& entry) noexcept { entry.task.Request(); }

    [[nodiscard]] size_t Count() const noexcept { return entries_.size(); }

    [[nodiscard]] bool MayTakeFrom(uid_t user,
                                   const AcceptedSocket& socket) const noexcept {
        return !socket.MayBringFds() || helpers_.Unfinished(user) <= kMostForHelper;
    }

  private:
    /** At the user's turn. */
    void Step(Entry& entry) {
        if (!MayTakeFrom(entry.task.User(), entry.socket)) return WaitForHelper(entry);
        if (!std::exchange(entry.is_closing, true)) entry.socket.BeginToClose();
        if (entry.socket.DiscardOne(entry.discard)) return entry.task.Request();
        entries_.erase(entry.place);
    }

    void WaitForHelper(Entry& entry) {
        entry.waits_for_helper = true;
        if (!look_again_.Armed())
            look_again_.ArmAtNs(base::SystemClock{}.NowNs() + kLookAgainNs);
    }

    void RequestWaiting() {
        for (Entry& entry : entries_)
            if (std::exchange(entry.waits_for_helper, false)) entry.task.Request();
    }

    loop::Loop& loop_;
    loop::Helpers& helpers_;
    std::list<Entry> entries_;
    loop::Timer look_again_;
};

SocketCloser::SocketCloser(loop::Loop& loop, loop::Helpers& helpers)
    : loop_{loop}, state_{std::make_shared<State>(loop, helpers)} {}

SocketCloser::~SocketCloser() = default;

std::shared_ptr<AcceptedSocket> SocketCloser::Own(uid_t user, AcceptedSocket socket,
                                                  loop::Receiver::Discard discard) {
    State::Entry& entry = state_->Add(user, std::move(socket), std::move(discard));
    // Operations of the loop may own a socket for longer than there is this.
    return {&entry.socket, [&entry, state = std::weak_ptr{state_}](AcceptedSocket*) {
                if (state.lock()) State::Close(entry);
            }};
}

size_t SocketCloser::Count() const noexcept {
    return state_->Count();
}

bool SocketCloser::MayTakeFrom(uid_t user, const AcceptedSocket& socket) const noexcept {
    return state_->MayTakeFrom(user, socket);
}

void SocketCloser::Finish(int64_t most_ns) {
    bool is_over = false;
    loop::Timer timer{loop_, [&] { is_over = true; }};
    timer.ArmAtNs(base::SystemClock{}.NowNs() + most_ns);
    while (!is_over && Count() > 0)
        loop_.RunOnce();
}

}  // namespace shmd::session
