// The audio thread's work, turned by hand: streams whose words and frames lie at any
// moment, also in the middle of a turn, beside one that keeps to the rules.

#include "fuzz/checks.h"
#include "fuzz/honest_player.h"
#include "fuzz/hooked_device.h"
#include "fuzz/input.h"
#include "fuzz/pool_double.h"
#include "fuzz/target.h"
#include "render/renderer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

namespace shmd::fuzz {

namespace {

using Words = std::array<std::atomic<uint64_t>, sizeof(wire::ClientBlock) / 8>;
using audio::SampleFormat;

constexpr size_t kMostStreams = 4;
constexpr int64_t kBeginNs = 1000 * base::kNsPerSecond;
constexpr int64_t kMostNs = 2 * base::kNsPerSecond;
constexpr std::array<int64_t, 4> kLateNs{0, base::kNsPerMs, 5 * base::kNsPerMs,
                                         19 * base::kNsPerMs};
constexpr std::array<audio::StreamFormat, 6> kDeviceFormats{{
    {SampleFormat::kS16Le, 48000, 2},
    {SampleFormat::kS16Le, 44100, 1},
    {SampleFormat::kS24_3Le, 48000, 2},
    {SampleFormat::kS32Le, 96000, 6},
    {SampleFormat::kFloatLe, 48000, 2},
    {SampleFormat::kS16Be, 8000, 3},
}};
constexpr std::array<uint32_t, 8> kRatesHz{48000, 48000, 44100,  8000,
                                           96000, 4000,  384000, 32000};
constexpr std::array<uint32_t, 6> kChannels{2, 1, 2, 3, 6, 32};
constexpr std::array<uint32_t, 6> kPeriodsFrames{480, 64, 16, 1, 1024, 4800};
constexpr std::array<uint32_t, 4> kPeriods{2, 3, 10, 100};
constexpr std::array<float, 4> kGains{1.0F, 0.0F, 0.5F, 4.0F};

PoolDouble::Options TakeOptions(Input& input) {
    PoolDouble::Options options;
    const uint8_t choice = input.TakeByte();
    options.format.sample = *audio::FindFormat(
        static_cast<uint8_t>(1 + input.TakeIndex(audio::kFormatCount)));
    options.format.rate_hz = input.Pick(kRatesHz);
    options.format.channels = input.Pick(kChannels);
    options.period_frames = input.Pick(kPeriodsFrames);
    options.buffer_frames = options.period_frames * input.Pick(kPeriods);
    options.is_over_socket = (choice & 1) != 0;
    options.gain = kGains[choice / 2 % kGains.size()];
    return options;
}

class Script {
  public:
    explicit Script(Input& input)
        : input_{input},
          is_quiet_{input.TakeIndex(2) == 0},
          lie_every_{input.TakeByte()},
          device_{{.format = input.Pick(kDeviceFormats)}, [this] { InTurn(); }},
          honest_{1, device_.PlaybackFormat()} {
        Publish();
        honest_.Start();
        Turn(0);
    }

    void Run() {
        while (!input_.IsEmpty() && now_ns_ < kBeginNs + kMostNs)
            Step();
        lie_every_ = 0;
        honest_.Feed();
        Turn(0);
        honest_.Check(device_.Played(), is_quiet_);
    }

  private:
    void Step() {
        switch (input_.TakeIndex(8)) {
            case 0:
                return Add();
            case 1:
                return Remove();
            case 2:
            case 3:
            case 4:
                return Lie();
            default:
                return Turn(input_.Pick(kLateNs));
        }
    }

    enum class Kind : uint8_t { kPlayer, kRecorder, kMonitor };

    struct Stream {
        PoolDouble pool;
        Kind kind;
        std::shared_ptr<render::PlaybackSource> source;
        std::shared_ptr<render::CaptureSink> sink;
        uint32_t epoch = 0;
    };

    void Add() {
        const auto kind = static_cast<Kind>(input_.TakeIndex(4) % 3);
        PoolDouble::Options options = TakeOptions(input_);
        if (streams_.size() == kMostStreams) return;
        options.is_capture = kind != Kind::kPlayer;
        Stream stream{PoolDouble{next_id_++, options}, kind, {}, {}};
        const render::StreamSetup setup = stream.pool.Setup();
        const auto& format = device_.PlaybackFormat();
        if (kind == Kind::kPlayer)
            stream.source = std::make_shared<render::PlaybackSource>(setup, format);
        else
            stream.sink = std::make_shared<render::CaptureSink>(setup, format);
        streams_.push_back(std::move(stream));
        Publish();
    }

    void Remove() {
        const size_t index = input_.TakeByte();
        if (index >= streams_.size()) return;
        streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(index));
        Publish();
    }

    void Publish() {
        auto plan = std::make_unique<render::Plan>();
        plan->sources.push_back(honest_source_);
        for (const Stream& stream : streams_) {
            if (stream.source) plan->sources.push_back(stream.source);
            if (stream.kind == Kind::kRecorder) plan->recorders.push_back(stream.sink);
            if (stream.kind == Kind::kMonitor) plan->monitors.push_back(stream.sink);
        }
        renderer_.Publish(std::move(plan));
    }

    /** Turn when the renderer wants to, or as much later as it can bear. */
    void Turn(int64_t late_ns) {
        now_ns_ = std::max(now_ns_, std::min(next_ns_, now_ns_ + base::kNsPerSecond));
        now_ns_ += late_ns;
        honest_.Feed();
        next_ns_ = renderer_.Turn(now_ns_).next_ns;
        renderer_.FreeRetired();
        base::EventRecord record;
        while (renderer_.Events().TryPop(record)) {
        }
    }

    void InTurn() {
        if (lie_every_ != 0 && ++calls_ % lie_every_ == 0 && !input_.IsEmpty()) Lie();
    }

    void Lie() {
        if (streams_.empty()) return;
        const uint8_t choice = input_.TakeByte();
        Stream& stream = streams_[choice % streams_.size()];
        if (choice < 64)
            Command(stream);
        else if (choice < 96)
            Write(stream);
        else if (choice < 192)
            StoreWord(stream, input_.TakeWord());
        else
            StoreWord(stream, stream.pool.Answers().limit_frames + input_.TakeWord());
    }

    void Command(Stream& stream) {
        const uint8_t choice = input_.TakeByte();
        if (choice % 2 == 0) ++stream.epoch;
        const auto wanted = static_cast<wire::Wanted>(choice / 2 % 4);
        stream.pool.Words().command =
            wire::Command{stream.epoch, PoolDouble::kGeneration, wanted}.Pack();
    }

    void StoreWord(const Stream& stream, uint64_t word) {
        auto& words = reinterpret_cast<Words&>(stream.pool.Words());
        words[input_.TakeIndex(words.size())] = word;
    }

    /** Quiet ones hold only silence, so that what is heard is the honest one's alone. */
    void Write(const Stream& stream) {
        const auto bytes = input_.TakeBytes(32);
        const auto ring = stream.pool.Ring();
        if ((is_quiet_ && stream.source) || bytes.empty()) return;
        for (size_t at = 0; at < std::min(ring.size(), size_t{4096}); ++at)
            ring[at] = bytes[at % bytes.size()];
    }

    Input& input_;
    bool is_quiet_;
    uint32_t lie_every_;  // so many of the renderer's calls; 0: not in a turn
    uint32_t calls_ = 0;
    HookedDevice device_;
    render::Counters counters_;
    render::Renderer renderer_{device_, 1200, counters_};
    HonestPlayer honest_;
    std::shared_ptr<render::PlaybackSource> honest_source_ =
        std::make_shared<render::PlaybackSource>(honest_.Pool().Setup(),
                                                 device_.PlaybackFormat());
    std::vector<Stream> streams_;
    uint32_t next_id_ = 2;
    int64_t now_ns_ = kBeginNs;
    int64_t next_ns_ = kBeginNs;
};

void Run(Input input) {
    Script{input}.Run();
}

}  // namespace

}  // namespace shmd::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    shmd::fuzz::Run({data, size});
    return 0;
}
