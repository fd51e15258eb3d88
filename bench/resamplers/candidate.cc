#include "bench/resamplers/candidate.h"

#include "base/error.h"

#include <cerrno>

#ifdef HAVE_SAMPLERATE
#include <samplerate.h>
#endif
#ifdef HAVE_SOXR
#include <soxr.h>
#endif
#ifdef HAVE_SPEEXDSP
#include <speex/speex_resampler.h>
#endif
#ifdef HAVE_ZITA_RESAMPLER
#include <zita-resampler/resampler.h>
#endif

namespace shmd::bench {
namespace {

#ifdef HAVE_SAMPLERATE
class Samplerate final : public Candidate {
  public:
    Samplerate(int converter, uint32_t in_rate_hz, uint32_t out_rate_hz)
        : ratio_{static_cast<double>(out_rate_hz) / in_rate_hz} {
        int error = 0;
        state_.reset(src_new(converter, kChannels, &error));
        if (state_ == nullptr) base::ThrowError(ENOMEM, src_strerror(error));
    }

    Progress Process(std::span<const float> in, std::span<float> out) override {
        SRC_DATA data{};
        data.data_in = in.data();
        data.data_out = out.data();
        data.input_frames = static_cast<long>(in.size() / kChannels);
        data.output_frames = static_cast<long>(out.size() / kChannels);
        data.src_ratio = ratio_;
        src_process(state_.get(), &data);
        return {static_cast<size_t>(data.input_frames_used),
                static_cast<size_t>(data.output_frames_gen)};
    }

  private:
    struct Delete {
        void operator()(SRC_STATE* state) const { src_delete(state); }
    };
    double ratio_;
    std::unique_ptr<SRC_STATE, Delete> state_;
};
#endif

#ifdef HAVE_SOXR
class Soxr final : public Candidate {
  public:
    Soxr(unsigned long recipe, uint32_t in_rate_hz, uint32_t out_rate_hz) {
        const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
        const soxr_quality_spec_t quality = soxr_quality_spec(recipe, 0);
        const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
        soxr_error_t error = nullptr;
        state_.reset(soxr_create(in_rate_hz, out_rate_hz, kChannels, &error, &io,
                                 &quality, &runtime));
        if (error != nullptr) base::ThrowError(EINVAL, error);
    }

    Progress Process(std::span<const float> in, std::span<float> out) override {
        Progress done;
        soxr_process(state_.get(), in.data(), in.size() / kChannels, &done.in_frames,
                     out.data(), out.size() / kChannels, &done.out_frames);
        return done;
    }

  private:
    struct Delete {
        void operator()(soxr_t state) const { soxr_delete(state); }
    };
    std::unique_ptr<soxr, Delete> state_;
};
#endif

#ifdef HAVE_SPEEXDSP
class Speex final : public Candidate {
  public:
    Speex(int quality, uint32_t in_rate_hz, uint32_t out_rate_hz) {
        int error = 0;
        state_.reset(
            speex_resampler_init(kChannels, in_rate_hz, out_rate_hz, quality, &error));
        if (state_ == nullptr) base::ThrowError(ENOMEM, speex_resampler_strerror(error));
    }

    Progress Process(std::span<const float> in, std::span<float> out) override {
        auto in_frames = static_cast<spx_uint32_t>(in.size() / kChannels);
        auto out_frames = static_cast<spx_uint32_t>(out.size() / kChannels);
        speex_resampler_process_interleaved_float(state_.get(), in.data(), &in_frames,
                                                  out.data(), &out_frames);
        return {in_frames, out_frames};
    }

  private:
    struct Delete {
        void operator()(SpeexResamplerState* state) const {
            speex_resampler_destroy(state);
        }
    };
    std::unique_ptr<SpeexResamplerState, Delete> state_;
};
#endif

#ifdef HAVE_ZITA_RESAMPLER
class Zita final : public Candidate {
  public:
    Zita(uint32_t half_length, uint32_t in_rate_hz, uint32_t out_rate_hz) {
        if (resampler_.setup(in_rate_hz, out_rate_hz, kChannels, half_length) != 0)
            base::ThrowError(EINVAL, "zita-resampler");
        resampler_.inp_count = static_cast<unsigned>(resampler_.inpsize() - 1);
        std::vector<float> out(kChannels);
        resampler_.out_count = 1;
        resampler_.out_data = out.data();
        resampler_.process();  // inp_data is null: silence, to be primed
    }

    Progress Process(std::span<const float> in, std::span<float> out) override {
        const size_t in_frames = in.size() / kChannels;
        const size_t out_frames = out.size() / kChannels;
        resampler_.inp_count = static_cast<unsigned>(in_frames);
        resampler_.out_count = static_cast<unsigned>(out_frames);
        resampler_.inp_data = const_cast<float*>(in.data());
        resampler_.out_data = out.data();
        resampler_.process();
        return {in_frames - resampler_.inp_count, out_frames - resampler_.out_count};
    }

  private:
    ::Resampler resampler_;
};
#endif

template <typename Library, typename Quality>
CandidateKind Kind(const char* name, Quality quality) {
    return {name, [quality](uint32_t in_rate_hz, uint32_t out_rate_hz) {
                return std::make_unique<Library>(quality, in_rate_hz, out_rate_hz);
            }};
}

}  // namespace

std::vector<CandidateKind> AllCandidates() {
    std::vector<CandidateKind> kinds;
#ifdef HAVE_SAMPLERATE
    kinds.push_back(Kind<Samplerate>("libsamplerate best", int{SRC_SINC_BEST_QUALITY}));
    kinds.push_back(
        Kind<Samplerate>("libsamplerate medium", int{SRC_SINC_MEDIUM_QUALITY}));
#endif
#ifdef HAVE_SOXR
    kinds.push_back(Kind<Soxr>("soxr VHQ", static_cast<unsigned long>(SOXR_VHQ)));
    kinds.push_back(Kind<Soxr>("soxr HQ", static_cast<unsigned long>(SOXR_HQ)));
#endif
#ifdef HAVE_SPEEXDSP
    kinds.push_back(Kind<Speex>("speexdsp 10", 10));
    kinds.push_back(Kind<Speex>("speexdsp 8", 8));
    kinds.push_back(Kind<Speex>("speexdsp 5", 5));
#endif
#ifdef HAVE_ZITA_RESAMPLER
    kinds.push_back(Kind<Zita>("zita-resampler 96", uint32_t{96}));
    kinds.push_back(Kind<Zita>("zita-resampler 64", uint32_t{64}));
    kinds.push_back(Kind<Zita>("zita-resampler 48", uint32_t{48}));
#endif
    return kinds;
}

}  // namespace shmd::bench
