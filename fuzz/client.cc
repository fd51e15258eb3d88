// The client's side, as the plugin uses it, and a server that answers, lies and goes as
// the script says, at any moment.

#include "audio/format.h"
#include "base/clock.h"
#include "client/stream.h"
#include "fuzz/checks.h"
#include "fuzz/input.h"
#include "fuzz/scripted_server.h"
#include "fuzz/target.h"
#include "tests/unit/device/temp_dir.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace shmd::fuzz {

namespace {

constexpr int64_t kBeginNs = 1000 * base::kNsPerSecond;
constexpr std::array<int64_t, 6> kStepsNs{0,
                                          base::kNsPerMs,
                                          10 * base::kNsPerMs,
                                          100 * base::kNsPerMs,
                                          base::kNsPerSecond,
                                          20 * base::kNsPerSecond};
constexpr std::array<uint32_t, 4> kPeriodsFrames{480, 64, 1024, 16};

class Script {
  public:
    Script(Input& input, const std::string& path)
        : input_{input},
          direction_{input.TakeIndex(2) == 0 ? wire::Direction::kPlayback
                                             : wire::Direction::kCapture},
          patience_ns_{static_cast<int64_t>(input.TakeIndex(2)) * 10 *
                       base::kNsPerSecond},
          server_{input, path},
          path_{path} {}

    void Run() {
        server_.SetNow(now_ns_);
        if (!Try([this] { Open(); })) return;
        while (!input_.IsEmpty())
            Step();
    }

  private:
    /** Errors are what a hostile server makes, and what a stream may throw. */
    template <typename Do>
    static bool Try(Do something) {
        try {
            something();
            return true;
        } catch (const std::system_error&) {
            return false;
        }
    }

    void Open() {
        stream_.emplace(
            client::Connection::Options{
                .server = path_, .device = "", .direction = direction_},
            patience_ns_);
        const client::DeviceFormat& device = stream_->Device();
        Require(device.rate_hz == 0 || (device.rate_hz >= wire::kMinRateHz &&
                                        device.rate_hz <= wire::kMaxRateHz),
                "a device's rate that no stream can have");
        Require(device.channels <= wire::kMaxChannels,
                "a device with more channels than a stream can have");
    }

    void Step() {
        const uint8_t step = input_.TakeByte();
        if (step < 96) return server_.Act();
        if (step < 112) return PassTime();
        if (!has_params_ || step < 124) return SetParams();
        if (step < 128) return FreeParams();
        Use(step % 16);
    }

    void PassTime() {
        now_ns_ += input_.Pick(kStepsNs);
        server_.SetNow(now_ns_);
        if (has_params_) Look();
    }

    void SetParams() {
        params_.format = 3;
        params_.rate_hz = 48000;
        params_.channels = 2;
        params_.frame_bytes = 4;
        params_.period_frames = input_.Pick(kPeriodsFrames);
        params_.buffer_frames =
            params_.period_frames * static_cast<uint32_t>(2 + input_.TakeIndex(8));
        params_.direct = static_cast<wire::Direct>(input_.TakeIndex(3));
        has_params_ = Try([this] { stream_->SetParams(params_); });
    }

    void FreeParams() {
        has_params_ = false;
        Try([this] { stream_->FreeParams(); });
    }

    void Use(size_t what) {
        switch (what) {
            case 0:
            case 1:
            case 2:
            case 3:
                return Transfer();
            case 4:
                stream_->Start();
                break;
            case 5:
                stream_->Stop();
                break;
            case 6:
                stream_->Pause(input_.TakeIndex(2) == 0, now_ns_);
                break;
            case 7:
                stream_->Drain();
                break;
            case 8:
                stream_->Prepare();
                break;
            case 9:
                stream_->Reset(now_ns_);
                break;
            case 10:
                return Go();
            case 11:
                stream_->SetThresholds(input_.TakeWord(), input_.TakeWord());
                break;
            default:
                stream_->UpdateReadiness(now_ns_, input_.TakeIndex(2) == 1);
        }
    }

    void Look() {
        const auto snapshot = stream_->Look(now_ns_);
        hw_frames_ = snapshot.hw_frames;
        is_ready_ = stream_->IsReady(snapshot);
    }

    /** As much as there is room for, or frames to read, and no more than a buffer. */
    void Transfer() {
        Look();
        const uint64_t avail = stream_->Avail(hw_frames_);
        const auto most =
            static_cast<uint32_t>(std::min<uint64_t>(avail, params_.buffer_frames));
        const uint32_t frames = std::min<uint32_t>(most, input_.Take<uint16_t>());
        if (stream_->IsPlayback()) {
            const auto runs = stream_->WriteRuns(frames);
            std::ranges::fill(runs.first, std::byte{1});
            std::ranges::fill(runs.second, std::byte{2});
        } else {
            const auto runs = stream_->ReadRuns(frames);
            read_.assign(runs.first.begin(), runs.first.end());
            read_.insert(read_.end(), runs.second.begin(), runs.second.end());
        }
        Require(stream_->Commit(frames) <= frames, "no more is done than was asked for");
        stream_->UpdateReadiness(now_ns_);
    }

    /** Back or forward, as snd_pcm_rewind and snd_pcm_forward. */
    void Go() {
        const uint64_t appl = stream_->ApplFrames();
        const uint64_t frames = input_.Take<uint16_t>() % (params_.buffer_frames + 1);
        const bool is_back = input_.TakeIndex(2) == 0;
        stream_->SetApplFrames(is_back ? appl - std::min(appl, frames) : appl + frames);
    }

    Input& input_;
    wire::Direction direction_;
    int64_t patience_ns_;
    ScriptedServer server_;
    std::string path_;
    int64_t now_ns_ = kBeginNs;
    std::optional<client::Stream> stream_;
    client::Stream::Params params_;
    bool has_params_ = false;
    uint64_t hw_frames_ = 0;
    bool is_ready_ = false;
    std::vector<std::byte> read_;
};

void Run(Input input) {
    static const device::TempDir folder;
    const Held before = CountHeld();
    Script{input, folder.File("socket")}.Run();
    RequireSameHeld(before, CountHeld());
}

}  // namespace

}  // namespace shmd::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    shmd::fuzz::Run({data, size});
    return 0;
}
