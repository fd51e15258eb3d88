#include "bench/resamplers/measure.h"

#include "tests/support/allocation_count.h"
#include "tests/unit/audio/tone.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>

namespace shmd::bench {
namespace {

using audio::FitTone;
using audio::Tone;
using audio::ToneFit;

constexpr size_t kBlockFrames = 128;  // what a mixer's cycle would hand over

class Run {
  public:
    Run(const CandidateKind& kind, uint32_t in_rate_hz, uint32_t out_rate_hz)
        : candidate_{kind.make(in_rate_hz, out_rate_hz)},
          ratio_{static_cast<double>(out_rate_hz) / in_rate_hz} {}

    /** Resample a mono signal (on both channels), block by block. @return the left
     * channel */
    std::vector<float> Process(const std::vector<float>& mono) {
        const std::vector<float> in = OnBothChannels(mono);
        const auto out_most =
            static_cast<size_t>(static_cast<double>(mono.size()) * ratio_);
        std::vector<float> out((out_most + 4096) * kChannels);
        size_t out_frames = 0;
        for (size_t at = 0; at < mono.size(); at += kBlockFrames) {
            const size_t block = std::min(kBlockFrames, mono.size() - at);
            out_frames += Feed(std::span{in}.subspan(at * kChannels, block * kChannels),
                               std::span{out}.subspan(out_frames * kChannels));
            const double due = static_cast<double>(at + block) * ratio_;
            late_ = std::max(late_, due - static_cast<double>(out_frames));
        }
        return LeftChannel(out, out_frames);
    }

    /** The most output frames that were due by the rates and had not come. */
    [[nodiscard]] double LateOutFrames() const { return late_; }
    [[nodiscard]] uint64_t Allocations() const { return allocations_; }

  private:
    static std::vector<float> OnBothChannels(const std::vector<float>& mono) {
        std::vector<float> stereo;
        stereo.reserve(mono.size() * kChannels);
        for (const float sample : mono)
            stereo.insert(stereo.end(), kChannels, sample);
        return stereo;
    }

    static std::vector<float> LeftChannel(const std::vector<float>& stereo,
                                          size_t frames) {
        std::vector<float> left(frames);
        for (size_t i = 0; i < frames; ++i)
            left[i] = stereo[i * kChannels];
        return left;
    }

    size_t Feed(std::span<const float> in, std::span<float> out) {
        const uint64_t before = test::AllocationCount();
        size_t made = 0;
        while (!in.empty()) {
            const auto done = candidate_->Process(in, out.subspan(made * kChannels));
            in = in.subspan(done.in_frames * kChannels);
            made += done.out_frames;
        }
        allocations_ += test::AllocationCount() - before;
        return made;
    }

    std::unique_ptr<Candidate> candidate_;
    double ratio_;
    double late_ = 0;
    uint64_t allocations_ = 0;
};

/** One resampler under test, at one pair of rates. */
struct Subject {
    const CandidateKind& kind;
    uint32_t in_rate_hz;
    uint32_t out_rate_hz;

    /** The second half of a second of a tone: what was filled in the beginning is over.
     */
    [[nodiscard]] std::vector<float> SteadyTone(double frequency_hz,
                                                double amplitude) const {
        Run run{kind, in_rate_hz, out_rate_hz};
        auto out = run.Process(Tone(frequency_hz, in_rate_hz, amplitude, in_rate_hz));
        const auto skip = static_cast<ptrdiff_t>(out_rate_hz / 4);
        return {out.begin() + skip, out.end() - skip};
    }

    [[nodiscard]] ToneFit Fit(double frequency_hz, double amplitude) const {
        return FitTone(SteadyTone(frequency_hz, amplitude), frequency_hz, out_rate_hz);
    }
};

double Decibels(double ratio) {
    return 20 * std::log10(ratio);
}

double Rms(const std::vector<float>& signal) {
    double energy = 0;
    for (const float sample : signal)
        energy += static_cast<double>(sample * sample);
    return std::sqrt(energy / static_cast<double>(signal.size()));
}

void MeasureTones(const Subject& subject, Figures& figures) {
    constexpr double kLevel = 0.5;
    figures.snr_db = subject.Fit(997, std::pow(10, -1.0 / 20)).SnrDb();
    figures.rejection_db = 1e9;
    double least = 1e9;
    double most = 0;
    for (double hz = 20; hz <= 20000; hz += 499.5) {
        const ToneFit fit = subject.Fit(hz, kLevel);
        least = std::min(least, fit.amplitude);
        most = std::max(most, fit.amplitude);
        figures.rejection_db = std::min(figures.rejection_db, fit.SnrDb());
    }
    figures.ripple_db = Decibels(most / least);
    // A tone between the two Nyquist frequencies must not come out at all.
    if (subject.in_rate_hz > subject.out_rate_hz) {
        const double alias =
            Rms(subject.SteadyTone(23500, kLevel)) * std::sqrt(2) / kLevel;
        figures.rejection_db = std::min(figures.rejection_db, -Decibels(alias));
    }
}

void MeasureEdge(const Subject& subject, Figures& figures) {
    const double top = std::min(subject.in_rate_hz, subject.out_rate_hz) / 2.0;
    figures.edge_hz = 15000;
    for (double hz = 15100; hz < top; hz += 100) {
        if (Decibels(subject.Fit(hz, 0.5).amplitude / 0.5) < -0.1) break;
        figures.edge_hz = hz;
    }
}

/** An impulse's centre tells the delay of the filter; the rest is what is held back. */
void MeasureLatency(const Subject& subject, Figures& figures) {
    constexpr size_t kAt = 20000;
    std::vector<float> impulse(50000);
    impulse[kAt] = 1;
    Run run{subject.kind, subject.in_rate_hz, subject.out_rate_hz};
    const auto out = run.Process(impulse);
    double energy = 0;
    double moment = 0;
    for (size_t i = 0; i < out.size(); ++i) {
        const double power = std::pow(static_cast<double>(out[i]), 2);
        energy += power;
        moment += power * static_cast<double>(i);
    }
    const double ratio = static_cast<double>(subject.out_rate_hz) / subject.in_rate_hz;
    figures.latency_frames = (moment / energy + run.LateOutFrames()) / ratio - kAt;
    figures.allocations = run.Allocations();
}

double ProcessorSeconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void MeasureSpeed(const Subject& subject, Figures& figures) {
    constexpr uint32_t kSeconds = 5;
    const auto in =
        Tone(997, subject.in_rate_hz, 0.5, size_t{subject.in_rate_hz} * kSeconds);
    for (int round = 0; round < 5; ++round) {
        Run run{subject.kind, subject.in_rate_hz, subject.out_rate_hz};
        const double start = ProcessorSeconds();
        const auto out = run.Process(in);
        const double speed =
            static_cast<double>(out.size()) / (ProcessorSeconds() - start);
        figures.frames_per_second = std::max(figures.frames_per_second, speed);
    }
}

}  // namespace

Figures Measure(const CandidateKind& kind, uint32_t in_rate_hz, uint32_t out_rate_hz) {
    const Subject subject{kind, in_rate_hz, out_rate_hz};
    Figures figures;
    MeasureTones(subject, figures);
    MeasureEdge(subject, figures);
    MeasureLatency(subject, figures);
    MeasureSpeed(subject, figures);
    return figures;
}

}  // namespace shmd::bench
