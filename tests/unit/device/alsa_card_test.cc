// AlsaPlayback and AlsaCapture on the kernel's own cards: snd-aloop, whose playback comes
// out as capture, snd-dummy and an HDA codec. tests/vm/hw_devices.py runs these in an
// emulated machine, which is late at times: hence the long periods.

#include "base/clock.h"
#include "device/alsa_capture.h"
#include "device/alsa_playback.h"
#include "tests/unit/device/alsa_drive.h"

#include <sys/mman.h>
#include <time.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <thread>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

constexpr uint32_t kRateHz = 48000;
constexpr uint32_t kCycle = 4800;
constexpr const char* kSizes = ",format=S16_LE,period=4800,buffer=48000";

using Frame = uint32_t;  // two channels of 16 bits

bool HasCard(const char* id) {
    return std::filesystem::exists(std::string{"/proc/asound/"} + id);
}

void SleepMs(int64_t ms) {
    const timespec time{.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * base::kNsPerMs};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

/** `count` frames, all different from their neighbours, none of them silent. */
std::vector<Frame> Ramp(size_t count, Frame first = 0) {
    std::vector<Frame> frames(count);
    for (Frame i = 0; i < count; ++i)
        frames[i] = 0x00010001U * (1 + (first + i) % 0x7fff) + ((first + i) >> 15 << 16);
    return frames;
}

void Append(std::vector<std::byte>& bytes, const std::vector<Frame>& frames) {
    const size_t before = bytes.size();
    bytes.resize(before + frames.size() * sizeof(Frame));
    std::memcpy(bytes.data() + before, frames.data(), frames.size() * sizeof(Frame));
}

std::vector<Frame> ToFrames(const std::vector<std::byte>& bytes) {
    std::vector<Frame> frames(bytes.size() / sizeof(Frame));
    std::memcpy(frames.data(), bytes.data(), frames.size() * sizeof(Frame));
    return frames;
}

/** From the first to the last that is not silent. */
std::vector<Frame> Trimmed(const std::vector<Frame>& frames) {
    const auto sounds = [](Frame frame) { return frame != 0; };
    const auto first = std::ranges::find_if(frames, sounds);
    const auto last =
        std::find_if(frames.rbegin(), std::make_reverse_iterator(first), sounds);
    return {first, last.base()};
}

std::vector<Frame> WithoutSilence(std::vector<Frame> frames) {
    std::erase(frames, 0);
    return frames;
}

/** Where two runs of frames part, for a message. */
std::string Difference(const std::vector<Frame>& wanted, const std::vector<Frame>& seen) {
    const auto [one, other] = std::ranges::mismatch(wanted, seen);
    if (one == wanted.end() && other == seen.end()) return "";
    return "wanted " + std::to_string(wanted.size()) + " frames, saw " +
           std::to_string(seen.size()) + ", the first difference is at " +
           std::to_string(one - wanted.begin()) + ", silent are " +
           std::to_string(std::ranges::count(seen, Frame{0})) + " of them";
}

/** Each frame once and in order, and between them as much silence as the device says that
 * the renderer was late: on a busy host that is not always none. */
void ExpectHeard(const std::vector<Frame>& ramp, const std::vector<Frame>& heard,
                 const Drive& drive) {
    EXPECT_EQ(Difference(ramp, WithoutSilence(heard)), "");
    EXPECT_EQ(heard.size(), ramp.size() + drive.gap_within);
}

/** Another program's end of a loopback, by plain alsa-lib calls, on a thread of its own.
 */
class Other {
  public:
    Other(const char* name, snd_pcm_stream_t direction) {
        EXPECT_EQ(snd_pcm_open(&pcm_, name, direction, 0), 0);
        EXPECT_EQ(
            snd_pcm_set_params(pcm_, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED,
                               2, kRateHz, 0, 1'000'000),
            0);
    }
    Other(const Other&) = delete;
    Other& operator=(const Other&) = delete;
    ~Other() {
        Join();
        snd_pcm_close(pcm_);
    }

    void Record() {
        EXPECT_EQ(snd_pcm_start(pcm_), 0);
        thread_ = std::thread{[this] {
            std::vector<Frame> frames(480);
            while (!done_ || !IsOver()) {
                const auto read = snd_pcm_readi(pcm_, frames.data(), frames.size());
                if (read < 0) ADD_FAILURE() << snd_strerror(static_cast<int>(read));
                if (read < 0) return;
                recorded_.insert(recorded_.end(), frames.begin(), frames.begin() + read);
            }
        }};
    }

    void Play(std::vector<Frame> frames) {
        // snd-aloop puts 4 ms of silence into the last frames of a stream that is
        // drained.
        frames.resize(frames.size() + kRateHz);
        thread_ = std::thread{[this, frames = std::move(frames)] {
            snd_pcm_uframes_t done = 0;
            while (done < frames.size()) {
                const auto went =
                    snd_pcm_writei(pcm_, frames.data() + done, frames.size() - done);
                if (went < 0) ADD_FAILURE() << snd_strerror(static_cast<int>(went));
                if (went < 0) return;
                done += static_cast<snd_pcm_uframes_t>(went);
            }
            snd_pcm_drain(pcm_);
        }};
    }

    /** What was recorded until now, with all that was played: until half a second is
     * silent. */
    const std::vector<Frame>& Recorded() {
        Join();
        return recorded_;
    }

  private:
    [[nodiscard]] bool IsOver() const {
        const auto is_silent = [](Frame frame) { return frame == 0; };
        return recorded_.size() > kRateHz / 2 &&
               std::all_of(recorded_.end() - kRateHz / 2, recorded_.end(), is_silent);
    }

    void Join() {
        done_ = true;
        if (thread_.joinable()) thread_.join();
    }

    snd_pcm_t* pcm_ = nullptr;
    std::atomic<bool> done_{false};
    std::vector<Frame> recorded_;
    std::thread thread_;
};

class OnACardLoopback : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (!HasCard("Loopback")) GTEST_SKIP() << "no card Loopback (snd-aloop)";
    }
    static std::string Spec(const char* pcm) {
        return std::string{pcm} + kSizes + ",access=" + GetParam();
    }
    static AlsaPlayback Playback() {
        return AlsaPlayback{ParseAlsaSpec(Spec("hw:Loopback,0,0"))};
    }
};

TEST_P(OnACardLoopback, PlaysEachFrameOnceAndInOrder) {
    AlsaPlayback device = Playback();
    Other recorder{"hw:Loopback,1,0", SND_PCM_STREAM_CAPTURE};
    recorder.Record();
    const auto ramp = Ramp(kRateHz * 2);
    Drive drive{device, kCycle};
    Append(drive.to_play, ramp);
    ASSERT_TRUE(drive.Start(Drive::NowNs()));
    ASSERT_TRUE(drive.RunUntilPlayed());
    EXPECT_TRUE(device.Finish());
    ExpectHeard(ramp, Trimmed(recorder.Recorded()), drive);
}

TEST_P(OnACardLoopback, PlaysBlocksThatWrapInTheRing) {
    AlsaPlayback device = Playback();
    Other recorder{"hw:Loopback,1,0", SND_PCM_STREAM_CAPTURE};
    recorder.Record();
    const auto ramp = Ramp(kRateHz * 2);
    Drive drive{device, 3333};
    Append(drive.to_play, ramp);
    ASSERT_TRUE(drive.Start(Drive::NowNs()));
    ASSERT_TRUE(drive.RunUntilPlayed());
    EXPECT_TRUE(device.Finish());
    ExpectHeard(ramp, Trimmed(recorder.Recorded()), drive);
}

TEST_P(OnACardLoopback, CountsTheSilenceThatALateRendererCost) {
    AlsaPlayback device = Playback();
    Other recorder{"hw:Loopback,1,0", SND_PCM_STREAM_CAPTURE};
    recorder.Record();
    const auto ramp = Ramp(kRateHz);
    Drive drive{device, kCycle};
    Append(drive.to_play, ramp);
    ASSERT_TRUE(drive.Start(Drive::NowNs()));
    drive.RunUntil(Drive::NowNs() + 300 * base::kNsPerMs);
    const uint64_t before = device.GapFrames();
    SleepMs(600);
    drive.RunUntil(Drive::NowNs() + 10 * base::kNsPerMs);
    EXPECT_GT(device.GapFrames(), before);
    ASSERT_TRUE(drive.RunUntilPlayed());
    EXPECT_TRUE(device.Finish());
    ExpectHeard(ramp, Trimmed(recorder.Recorded()), drive);
}

TEST_P(OnACardLoopback, CountsTheSilenceOfMoreThanTheRing) {
    AlsaPlayback device = Playback();
    Other recorder{"hw:Loopback,1,0", SND_PCM_STREAM_CAPTURE};
    recorder.Record();
    const auto ramp = Ramp(kRateHz);
    Drive drive{device, kCycle};
    Append(drive.to_play, ramp);
    ASSERT_TRUE(drive.Start(Drive::NowNs()));
    drive.RunUntil(Drive::NowNs() + 300 * base::kNsPerMs);
    SleepMs(2300);
    ASSERT_TRUE(drive.RunUntilPlayed());
    EXPECT_GT(drive.gap_within, 2 * device.Setup().buffer_frames - kCycle);
    EXPECT_TRUE(device.Finish());
    ExpectHeard(ramp, Trimmed(recorder.Recorded()), drive);
}

TEST_P(OnACardLoopback, IsSilentWhileItIsStoppedAndGoesOn) {
    AlsaPlayback device = Playback();
    Other recorder{"hw:Loopback,1,0", SND_PCM_STREAM_CAPTURE};
    recorder.Record();
    Drive drive{device, kCycle};
    Append(drive.to_play, Ramp(kRateHz / 2));
    ASSERT_TRUE(drive.Start(Drive::NowNs()));
    ASSERT_TRUE(drive.RunUntilPlayed());
    device.Stop();
    SleepMs(2500);  // more than twice the ring

    Append(drive.to_play, Ramp(kRateHz / 2, kRateHz / 2));
    const int64_t now_ns = Drive::NowNs();
    ASSERT_TRUE(drive.Start(now_ns));
    EXPECT_EQ(device.PositionFrames(now_ns) / kCycle, drive.rendered / kCycle);
    ASSERT_TRUE(drive.RunUntilPlayed());
    EXPECT_TRUE(device.Finish());
    const auto heard = Trimmed(recorder.Recorded());
    EXPECT_EQ(Difference(Ramp(kRateHz), WithoutSilence(heard)), "");
    EXPECT_GT(heard.size(), size_t{kRateHz} * 3);
}

TEST_P(OnACardLoopback, CapturesEachFrameOnceAndInOrder) {
    AlsaCapture device{ParseAlsaSpec(Spec("hw:Loopback,1,0"))};
    device.KeepCaptured(true);
    Drive drive{device, kCycle};
    ASSERT_TRUE(drive.Start(Drive::NowNs()));
    const auto ramp = Ramp(kRateHz * 2);
    {
        Other player{"hw:Loopback,0,0", SND_PCM_STREAM_PLAYBACK};
        player.Play(ramp);
        drive.RunUntil(Drive::NowNs() + 4 * base::kNsPerSecond);
    }
    device.Stop();
    EXPECT_EQ(device.GapFrames(), 0U);
    EXPECT_EQ(Difference(ramp, Trimmed(ToFrames(drive.captured))), "");
}

TEST_P(OnACardLoopback, CountsWhatWasNotCapturedInTime) {
    AlsaCapture device{ParseAlsaSpec(Spec("hw:Loopback,1,0"))};
    device.KeepCaptured(true);
    Drive drive{device, kCycle};
    ASSERT_TRUE(drive.Start(Drive::NowNs()));
    const auto ramp = Ramp(kRateHz * 3);
    uint64_t gap = 0;
    {
        Other player{"hw:Loopback,0,0", SND_PCM_STREAM_PLAYBACK};
        player.Play(ramp);
        drive.RunUntil(Drive::NowNs() + base::kNsPerSecond);
        SleepMs(1500);
        drive.RunUntil(Drive::NowNs() + 2 * base::kNsPerSecond + base::kNsPerSecond / 2);
        gap = device.GapFrames();
    }
    device.Stop();
    EXPECT_GT(gap, 0U);
    const auto heard = Trimmed(ToFrames(drive.captured));
    EXPECT_EQ(heard.size() + gap, ramp.size());
}

INSTANTIATE_TEST_SUITE_P(Access, OnACardLoopback, ::testing::Values("mmap", "rw"),
                         [](const auto& one) { return std::string{one.param}; });

std::string StatusOf(const char* pcm) {
    std::ifstream file{std::string{"/proc/asound/"} + pcm + "/sub0/status"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

TEST(OnACard, DoesNotListenWhenItIsStopped) {
    if (!HasCard("Loopback")) GTEST_SKIP() << "no card Loopback (snd-aloop)";
    AlsaCapture device{ParseAlsaSpec("hw:Loopback,1,0")};
    EXPECT_EQ(StatusOf("Loopback/pcm1c").find("RUNNING"), std::string::npos);
    ASSERT_TRUE(device.Start(Drive::NowNs()));
    EXPECT_NE(StatusOf("Loopback/pcm1c").find("RUNNING"), std::string::npos);
    device.Stop();
    EXPECT_EQ(StatusOf("Loopback/pcm1c").find("RUNNING"), std::string::npos);
}

TEST(OnACard, LetsTheCardGoAndTakesItBack) {
    if (!HasCard("Loopback")) GTEST_SKIP() << "no card Loopback (snd-aloop)";
    AlsaPlayback device{ParseAlsaSpec("hw:Loopback,0,0")};
    const AlsaSetup before = device.Setup();
    try {
        AlsaPlayback other{ParseAlsaSpec("hw:Loopback,0,0")};
        FAIL() << "two have it";
    } catch (const std::system_error& busy) {
        EXPECT_EQ(busy.code().value(), EBUSY) << busy.what();
    }
    ASSERT_TRUE(device.Close());
    EXPECT_EQ(StatusOf("Loopback/pcm0p"), "closed\n");
    {
        AlsaPlayback other{ParseAlsaSpec("hw:Loopback,0,0")};
        EXPECT_THROW(device.Open(), std::system_error);
        EXPECT_FALSE(device.Start(Drive::NowNs()));
    }
    device.Open();
    EXPECT_EQ(device.Setup(), before);
    EXPECT_TRUE(device.Start(Drive::NowNs()));
    EXPECT_FALSE(device.Close());
    device.Stop();
}

TEST(OnACard, NamesWhatTheCardCanDoWhenItRefuses) {
    if (!HasCard("Intel")) GTEST_SKIP() << "no card Intel (snd-hda-intel)";
    try {
        AlsaPlayback device{ParseAlsaSpec("hw:Intel,channels=6")};
        FAIL();
    } catch (const std::system_error& refusal) {
        EXPECT_EQ(refusal.code().value(), EINVAL);
        EXPECT_NE(std::string{refusal.what()}.find(
                      "channels=6 is not possible for hw:Intel: 2 is possible"),
                  std::string::npos)
            << refusal.what();
    }
}

/** A card's frames, those that came too late included, are those of its rate. */
void PlayTwoSeconds(const std::string& spec) {
    AlsaPlayback device{ParseAlsaSpec(spec)};
    Drive drive{device, device.Setup().period_frames};
    const int64_t start_ns = Drive::NowNs();
    ASSERT_TRUE(drive.Start(start_ns));
    drive.RunUntil(start_ns + 2 * base::kNsPerSecond);
    drive.Turn(Drive::NowNs());
    const auto seconds = static_cast<double>(Drive::NowNs() - start_ns) / 1e9;
    const auto rate = static_cast<double>(device.PlaybackFormat().rate_hz);
    EXPECT_NEAR(static_cast<double>(drive.position + device.GapFrames()) / rate, seconds,
                0.3)
        << device.Description();
    EXPECT_FALSE(device.HasFailed());
    EXPECT_TRUE(device.Finish());
}

class OnACardDummy : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (!HasCard("Dummy")) GTEST_SKIP() << "no card Dummy (snd-dummy)";
    }
};

TEST_P(OnACardDummy, PlaysInRealTime) {
    PlayTwoSeconds(std::string{"hw:Dummy,period=2400,buffer=12000,access="} + GetParam());
}

TEST_P(OnACardDummy, CountsAGapWhenItIsLate) {
    AlsaPlayback device{ParseAlsaSpec(
        std::string{"hw:Dummy,period=2400,buffer=12000,access="} + GetParam())};
    Drive drive{device, 2400};
    ASSERT_TRUE(drive.Start(Drive::NowNs()));
    drive.RunUntil(Drive::NowNs() + 200 * base::kNsPerMs);
    const uint64_t before = device.GapFrames();
    SleepMs(400);
    drive.RunUntil(Drive::NowNs() + 200 * base::kNsPerMs);
    // 400 ms, less the period and the cycle that were in the ring.
    EXPECT_GT(device.GapFrames() - before, uint64_t{kRateHz} * 200 / 1000);
    EXPECT_FALSE(device.HasFailed());
    device.Stop();
}

INSTANTIATE_TEST_SUITE_P(Access, OnACardDummy, ::testing::Values("mmap", "rw"),
                         [](const auto& one) { return std::string{one.param}; });

/** How often the card interrupted, on whichever processor. */
uint64_t Interrupts() {
    std::ifstream file{"/proc/interrupts"};
    for (std::string line; std::getline(file, line);) {
        if (line.find("snd_hda_intel") == std::string::npos) continue;
        std::istringstream counts{line.substr(line.find(':') + 1)};
        uint64_t sum = 0;
        for (uint64_t count = 0; counts >> count;)
            sum += count;
        return sum;
    }
    ADD_FAILURE() << "no interrupt of snd_hda_intel in /proc/interrupts";
    return 0;
}

/** The card's ring, as a client in direct mode sees it. */
std::vector<Frame> RingOf(AlsaPlayback& device) {
    const SharedRing ring = device.ShareRing(true);
    const size_t bytes = ring.ring_frames * sizeof(Frame);
    void* const memory = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, ring.fd.Get(), 0);
    if (memory == MAP_FAILED) ADD_FAILURE() << std::strerror(errno);
    if (memory == MAP_FAILED) return {};
    const auto* const frames = static_cast<const Frame*>(memory);
    std::vector<Frame> copy{frames, frames + ring.ring_frames};
    ::munmap(memory, bytes);
    return copy;
}

class OnACardHda : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!HasCard("Intel")) GTEST_SKIP() << "no card Intel (snd-hda-intel)";
    }

    /** @return how often it interrupted for that */
    static uint64_t PlayASecond(AlsaPlayback& device) {
        const uint64_t before = Interrupts();
        Drive drive{device, kCycle};
        Append(drive.to_play, Ramp(kRateHz));
        EXPECT_TRUE(drive.Start(Drive::NowNs()));
        EXPECT_TRUE(drive.RunUntilPlayed());
        EXPECT_NE(WithoutSilence(RingOf(device)), std::vector<Frame>{});
        device.Stop();
        for (int64_t next_ns = 0; next_ns != base::kNever;) {
            next_ns = device.Rest(Drive::NowNs());
            if (next_ns != base::kNever) SleepMs((next_ns - Drive::NowNs()) / 1'000'000);
        }
        return Interrupts() - before;
    }
};

TEST_F(OnACardHda, PlaysWithoutInterruptsAndLeavesNothingThatIsHeardAgain) {
    AlsaPlayback device{ParseAlsaSpec("hw:Intel,format=S16_LE,period=4800,buffer=48000")};
    EXPECT_FALSE(device.Setup().has_interrupts) << device.Description();
    for (int time = 0; time < 2; ++time) {
        EXPECT_EQ(PlayASecond(device), 0U);
        EXPECT_EQ(WithoutSilence(RingOf(device)), std::vector<Frame>{});
        SleepMs(1500);  // longer than the ring: the next start finds the place
    }
    EXPECT_FALSE(device.HasFailed());
}

TEST_F(OnACardHda, PlaysInRealTime) {
    PlayTwoSeconds("hw:Intel,period=4800,buffer=24000");
}

TEST_F(OnACardHda, HasInterruptsWhereTheyAreAskedFor) {
    AlsaPlayback device{
        ParseAlsaSpec("hw:Intel,format=S16_LE,period=4800,buffer=48000,interrupts=on")};
    EXPECT_GE(PlayASecond(device), 8U);
}

TEST(OnACard, RefusesToDoWithoutInterruptsThatItNeeds) {
    if (!HasCard("Dummy")) GTEST_SKIP() << "no card Dummy (snd-dummy)";
    try {
        AlsaPlayback device{ParseAlsaSpec("hw:Dummy,interrupts=off")};
        FAIL();
    } catch (const std::system_error& refusal) {
        EXPECT_NE(std::string{refusal.what()}.find(
                      "interrupts=off is not possible for hw:Dummy: its driver needs"),
                  std::string::npos)
            << refusal.what();
    }
}

TEST(OnACard, PlaysThroughAPlugin) {
    if (!HasCard("Loopback")) GTEST_SKIP() << "no card Loopback (snd-aloop)";
    AlsaPlayback device{
        ParseAlsaSpec("plughw:Loopback,0,0,format=S16_LE,period=4800,buffer=48000")};
    EXPECT_FALSE(device.Setup().is_clockless);
    EXPECT_FALSE(device.Setup().is_hardware);
    Other recorder{"hw:Loopback,1,0", SND_PCM_STREAM_CAPTURE};
    recorder.Record();
    Drive drive{device, kCycle};
    Append(drive.to_play, Ramp(kRateHz / 2));
    ASSERT_TRUE(drive.Start(Drive::NowNs()));
    ASSERT_TRUE(drive.RunUntilPlayed());
    device.Stop();
    SleepMs(2500);
    Append(drive.to_play, Ramp(kRateHz / 2, kRateHz / 2));
    ASSERT_TRUE(drive.Start(Drive::NowNs()));
    ASSERT_TRUE(drive.RunUntilPlayed());
    EXPECT_TRUE(device.Finish());
    EXPECT_EQ(Difference(Ramp(kRateHz), WithoutSilence(Trimmed(recorder.Recorded()))),
              "");
}

}  // namespace
}  // namespace shmd::device
