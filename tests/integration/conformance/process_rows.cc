// Threads, forks, many handles, and what is left behind.

#include "pcm.h"

#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>
#include <thread>

namespace shmd::conformance {

namespace {

long EntriesOf(const char* folder) {
    const std::filesystem::directory_iterator entries{folder};
    return std::distance(std::filesystem::begin(entries), std::filesystem::end(entries));
}

long Fds() {
    return EntriesOf("/proc/self/fd");
}

long Threads() {
    return EntriesOf("/proc/self/task");
}

/** Open and close it twice first: libraries keep some things for good. */
void WarmUp(const Bench& bench) {
    for (int i = 0; i < 2; ++i)
        Pcm{bench, Shape{}}.Run();
}

void ExpectNothingLeft(long fds, long threads) {
    // A thread that was joined may be listed a moment longer.
    WaitUntil("no thread is left behind", [&] { return Threads() <= threads; });
    Answers("open descriptors", fds, Fds());
}

void OpenClose(const Bench& bench) {
    WarmUp(bench);
    const long fds = Fds();
    const long threads = Threads();
    for (int i = 0; i < 100; ++i)
        Answers("close", 0, Pcm{bench}.Close());
    ExpectNothingLeft(fds, threads);
}

void PlayClose(const Bench& bench) {
    WarmUp(bench);
    const long fds = Fds();
    const long threads = Threads();
    for (int i = 0; i < 30; ++i) {
        Pcm pcm{bench, Shape{}};
        pcm.Run();
        Answers("close while RUNNING", 0, pcm.Close());
    }
    ExpectNothingLeft(fds, threads);
}

void CloseWithData(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(pcm.Buffer());
    Answers("close while PREPARED, with data", 0, pcm.Close());
}

void CloseDraining(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RunIntoDraining(pcm.Buffer());
    Answers("close while DRAINING", 0, pcm.Close());
}

void CloseXrun(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}};
    pcm.RunIntoXrun();
    Answers("close while XRUN", 0, pcm.Close());
}

void ClosePaused(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RequirePause();
    pcm.Run();
    pcm.Pause();
    Answers("close while PAUSED", 0, pcm.Close());
}

void Hundred(const Bench& bench) {
    std::vector<std::unique_ptr<Pcm>> pcms;
    const std::string& name = bench.Pcm(bench.direction);
    for (int i = 0; i < 100; ++i) {
        snd_pcm_t* probe = nullptr;
        const int answer =
            snd_pcm_open(&probe, name.c_str(), bench.direction, SND_PCM_NONBLOCK);
        if (answer == -EBUSY || answer == -EAGAIN)
            Refuse(answer, "no more than " + std::to_string(i) + " at once");
        Answers("snd_pcm_open", 0, answer);
        snd_pcm_close(probe);
        pcms.push_back(std::make_unique<Pcm>(bench, Shape{}));
    }
    for (const auto& pcm : pcms)
        pcm->Run();
    for (const auto& pcm : pcms)
        Answers("close", 0, pcm->Close());
}

/** Ask, in another thread, until told to end; a failure ends the row. */
class Asker {
  public:
    explicit Asker(Pcm& pcm) : pcm_{pcm}, thread_{[this] { Ask(); }} {}
    ~Asker() {
        done_ = true;
        if (thread_.joinable()) thread_.join();
    }
    void End() {
        done_ = true;
        thread_.join();
        Expect(problem_.empty(), problem_);
        Expect(asked_ > 0, "the other thread was answered");
    }

  private:
    void Ask() {
        const Status status;
        while (!done_) {
            snd_pcm_sframes_t delay = 0;
            for (const int answer :
                 {snd_pcm_status(pcm_, status), snd_pcm_delay(pcm_, &delay),
                  static_cast<int>(std::min(snd_pcm_avail(pcm_), 0L))})
                if (answer < 0) problem_ = "no error; saw " + Words(answer);
            ++asked_;
        }
    }

    Pcm& pcm_;
    std::atomic<bool> done_{false};
    std::string problem_;
    std::atomic<long> asked_{0};
    std::thread thread_;
};

void OtherAsks(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.Run();
    Asker asker{pcm};
    for (int i = 0; i < 16; ++i)
        pcm.MoveAll(pcm.Period());
    asker.End();
}

void OtherPauses(const Bench& bench) {
    Pcm pcm{bench, SND_PCM_NONBLOCK};
    pcm.Set({}, {.stop = kBoundary});
    pcm.RequirePause();
    pcm.Run();
    std::atomic<bool> done{false};
    std::thread pauser{[&] {
        const timespec time{.tv_sec = 0, .tv_nsec = 5'000'000};
        for (; !done; ::nanosleep(&time, nullptr)) {
            snd_pcm_pause(pcm, 1);
            ::nanosleep(&time, nullptr);
            snd_pcm_pause(pcm, 0);
        }
    }};
    bool moved_all = true;
    const double deadline = Seconds() + 15;
    for (const long wanted = pcm.Moved() + 8 * pcm.Period(); pcm.Moved() < wanted;) {
        const long seen = pcm.Move(pcm.Period());
        if (seen == -EAGAIN || seen == 0) snd_pcm_wait(pcm, 10);
        moved_all = moved_all && (seen >= 0 || seen == -EAGAIN) && Seconds() < deadline;
        if (!moved_all) break;
    }
    done = true;
    pauser.join();
    Expect(moved_all, "frames move on between the pauses");
}

void Both(const Bench& bench) {
    Pcm player{bench, SND_PCM_STREAM_PLAYBACK, 0};
    Pcm recorder{bench, SND_PCM_STREAM_CAPTURE, 0};
    player.Set({}, {.stop = kBoundary});
    recorder.Set({}, {.stop = kBoundary});
    player.Run();
    recorder.Run();
    for (int i = 0; i < 10; ++i) {
        recorder.ReadAll(recorder.Period());
        player.WriteAll(player.Period());
    }
}

void Two(const Bench& bench) {
    Pcm one{bench, Shape{}};
    Pcm other{bench, Shape{}};
    one.Run();
    other.Run();
    WaitUntil("both move", [&] { return one.Position() > 0 && other.Position() > 0; });
}

/** What a forked child does; the status it ended with. */
int InChild(void (*act)(Pcm&), Pcm& pcm) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        act(pcm);
        ::_exit(0);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
}

void ForkExit(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.Run();
    Answers("the child's status", 0, InChild([](Pcm&) {}, pcm));
    const long at = pcm.Position();
    WaitUntil("it runs on", [&] { return pcm.Position() > at; });
    pcm.MoveAll(pcm.Period());
}

/** snd_pcm_close drops, and what it drops is the one stream that both have. */
void ForkClose(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.Run();
    Answers("the child's status", 0, InChild([](Pcm& same) { same.Close(); }, pcm));
    snd_pcm_avail(pcm);
    const std::string state = snd_pcm_state_name(pcm.State());
    const long seen = pcm.Move(16);
    const int closed = pcm.Close();
    Pcm next{bench, Shape{}};
    next.Run();
    PassWith("the parent is " + state + " then, and a move answers " + Words(seen) +
             ", close " + Words(closed));
}

void AfterFork(const Bench& bench) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        try {
            Pcm{bench, Shape{}}.Run();
        } catch (const Finding&) {
            ::_exit(1);
        }
        ::_exit(0);
    }
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    int status = -1;
    ::waitpid(pid, &status, 0);
    Answers("the child's status", 0, status);
}

void Quiet(const Bench& bench) {
    snd_lib_error_set_handler(nullptr);
    const off_t before = ::lseek(STDERR_FILENO, 0, SEEK_END);
    Expect(before >= 0, "a file as standard error");
    {
        Pcm pcm{bench, Shape{.periods = 4}};
        pcm.RunIntoXrun();
        Answers("recover", 0, snd_pcm_recover(pcm, -EPIPE, 1));
        pcm.Run();
        Answers("drop", 0, snd_pcm_drop(pcm));
        Answers("hw_free", 0, snd_pcm_hw_free(pcm));
    }
    Answers("bytes on standard error", before, ::lseek(STDERR_FILENO, 0, SEEK_END));
}

constexpr auto kEach = Where::kEach;
constexpr auto kPlayback = Where::kPlayback;

constexpr Row kRows[] = {
    {"open.often", "100 times open and close leave no descriptor and no thread", kEach,
     OpenClose},
    {"close.running", "30 times close while RUNNING leave no descriptor and no thread",
     kEach, PlayClose},
    {"close.data", "close while PREPARED, with data", kPlayback, CloseWithData},
    {"close.draining", "close while DRAINING", kPlayback, CloseDraining},
    {"close.xrun", "close while XRUN", kEach, CloseXrun},
    {"close.paused", "close while PAUSED", kEach, ClosePaused},
    {"handles.100", "100 handles in one process", kEach, Hundred, true},
    {"handles.two", "two handles in one process move on", kEach, Two},
    {"handles.both", "playback and capture in one process, at once", Where::kBoth, Both},
    {"threads.ask", "one thread moves frames while another asks", kEach, OtherAsks},
    {"threads.pause", "one thread moves frames while another pauses", kEach, OtherPauses},
    {"fork.exit", "a forked child that only exits does no harm", kEach, ForkExit},
    {"fork.close", "a forked child that closes the handle breaks nothing for good", kEach,
     ForkClose},
    {"fork.own", "parent and child with a handle each", kEach, AfterFork},
    {"quiet.stderr", "nothing is printed on standard error", kEach, Quiet},
};

}  // namespace

std::span<const Row> ProcessRows() {
    return kRows;
}

}  // namespace shmd::conformance
