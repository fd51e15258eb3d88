#include "render/render_thread.h"

#include "audio/denormals.h"
#include "base/thread_role.h"

#include <pthread.h>
#include <unistd.h>
#include <ctime>

namespace shmd::render {

RenderThread::RenderThread(Renderer& renderer, base::Clock& clock, const Options& options)
    : renderer_{renderer},
      clock_{clock},
      options_{options},
      thread_{"shmd-audio", [this] { Run(); }} {}

RenderThread::~RenderThread() {
    stopping_.store(true, std::memory_order_release);
    Kick();
}

void RenderThread::Run() noexcept {
    clockid_t processor_clock{};
    if (::pthread_getcpuclockid(::pthread_self(), &processor_clock) == 0)
        processor_clock_.store(processor_clock, std::memory_order_relaxed);
    if (options_.on_start) options_.on_start();
    // A client's samples must not say how long arithmetic takes.
    audio::FlushDenormals();
    base::SetThreadRole(base::ThreadRole::kAudio);
    Counters& counters = renderer_.MutableCounters();
    Renderer::Result turn{.next_ns = base::kNever, .has_news = false};
    for (;;) {
        // Consumed before the turn: a signal during it makes the next wait return at
        // once. And before the look at stopping_: the destructor's own signal must not be
        // consumed behind a look that did not see it yet.
        wakeup_.Consume();
        if (stopping_.load(std::memory_order_acquire)) return;
        const int64_t now_ns = clock_.NowNs();
        Counters::Raise(counters.most_late_ns, now_ns - turn.next_ns);
        turn = renderer_.Turn(now_ns);
        renderer_.NoteTurnTime(clock_.NowNs() - now_ns);
        if (turn.has_news) TellLoop();
        clock_.WaitUntil(turn.next_ns, wakeup_);
        Counters::Add(counters.system_calls);
    }
}

void RenderThread::TellLoop() noexcept {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(options_.news_fd, &one, sizeof one);
    Counters::Add(renderer_.MutableCounters().system_calls);
}

int64_t RenderThread::ProcessorTimeNs() const noexcept {
    timespec time{};
    const clockid_t clock = processor_clock_.load(std::memory_order_relaxed);
    if (clock == 0 || ::clock_gettime(clock, &time) != 0) return 0;
    return int64_t{time.tv_sec} * base::kNsPerSecond + time.tv_nsec;
}

}  // namespace shmd::render
