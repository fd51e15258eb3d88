#include "audio/resample.h"

#include "tests/support/allocation_count.h"
#include "tests/unit/audio/tone.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <new>
#include <random>
#include <system_error>
#include <utility>

namespace shmd::audio {
namespace {

struct Rates {
    uint32_t in_hz;
    uint32_t out_hz;
};

// The usual pairs, pairs without a common factor (interpolated), both ends of the range,
// and pairs that take two stages.
constexpr Rates kRates[] = {
    {44100, 48000},  {48000, 44100},  {48000, 96000},  {96000, 48000},  {44100, 192000},
    {192000, 44100}, {8000, 48000},   {48000, 8000},   {11025, 48000},  {22050, 384000},
    {44100, 384000}, {11025, 384000}, {384000, 44100}, {44101, 48000},  {48000, 47999},
    {7919, 104729},  {104729, 7919},  {4000, 384000},  {384000, 4000},  {4001, 383999},
    {383999, 4001},  {64001, 4000},   {64000, 4000},   {192000, 11025}, {48000, 48000},
    {383987, 23999},
};

/** A mono signal through `resampler`, in blocks that change size all the time. */
std::vector<float> Resample(Resampler& resampler, const std::vector<float>& in,
                            size_t out_most) {
    std::vector<float> out(out_most);
    size_t taken = 0;
    size_t made = 0;
    size_t block = 1;
    while (taken < in.size() && made < out_most) {
        block = block % 257 + 1;
        const auto frames =
            std::span{in}.subspan(taken, std::min(block, in.size() - taken));
        const auto done = resampler.Process(frames, std::span{out}.subspan(made));
        taken += done.in_frames;
        made += done.out_frames;
    }
    out.resize(made);
    return out;
}

/** A second of a tone, without its beginning and its end. */
std::vector<float> SteadyTone(Rates rates, double frequency_hz, double amplitude) {
    Resampler resampler{rates.in_hz, rates.out_hz, 1};
    const auto in = Tone(frequency_hz, rates.in_hz, amplitude, rates.in_hz);
    const auto out = Resample(resampler, in, rates.out_hz + 100);
    const auto edge = static_cast<ptrdiff_t>(rates.out_hz / 8);
    return {out.begin() + edge, out.end() - edge};
}

ToneFit Fit(Rates rates, double frequency_hz, double amplitude) {
    return FitTone(SteadyTone(rates, frequency_hz, amplitude), frequency_hz,
                   rates.out_hz);
}

double Decibels(double ratio) {
    return 20 * std::log10(ratio);
}

TEST(Resampler, TakesNoMoreInputThanThePaceOfTheRatesAllows) {
    for (const Rates rates : kRates) {
        for (const size_t block : {size_t{1}, size_t{7}, size_t{128}, size_t{1000}}) {
            Resampler resampler{rates.in_hz, rates.out_hz, 1};
            const std::vector<float> in(200000, 0.5F);
            std::vector<float> out(block);
            uint64_t taken = 0;
            uint64_t made = 0;
            while (made < 20 * block + 100) {
                // Ample input: how much it takes is its own choice.
                const auto done = resampler.Process(in, out);
                taken += done.in_frames;
                made += done.out_frames;
                const uint64_t pace =
                    (made * rates.in_hz + rates.out_hz - 1) / rates.out_hz;
                ASSERT_EQ(done.out_frames, block);
                ASSERT_LE(taken, pace + 1) << rates.in_hz << " to " << rates.out_hz;
            }
        }
    }
}

TEST(Resampler, GivesAllThatIsDueWhenItsInputIsUsedUp) {
    for (const Rates rates : kRates) {
        for (const size_t block : {size_t{1}, size_t{3}, size_t{64}, size_t{441}}) {
            Resampler resampler{rates.in_hz, rates.out_hz, 1};
            const std::vector<float> in(block, 0.5F);
            std::vector<float> out(block * 100 + 100);
            uint64_t taken = 0;
            uint64_t made = 0;
            for (int round = 0; round < 300; ++round) {
                const auto done = resampler.Process(in, out);
                ASSERT_EQ(done.in_frames, block);
                taken += done.in_frames;
                made += done.out_frames;
                const uint64_t due = taken * rates.out_hz / rates.in_hz;
                ASSERT_GE(made + 1, due) << rates.in_hz << " to " << rates.out_hz;
            }
        }
    }
}

TEST(Resampler, KeepsThePaceOverAnHour) {
    for (const Rates rates : {Rates{4001, 4000}, Rates{8000, 4410}}) {
        Resampler resampler{rates.in_hz, rates.out_hz, 1};
        const std::vector<float> in(rates.in_hz);
        std::vector<float> out(size_t{rates.out_hz} + 100);
        int64_t made = 0;
        for (int second = 0; second < 3600; ++second)
            made += resampler.Process(in, out).out_frames;
        EXPECT_NEAR(static_cast<double>(made), 3600.0 * rates.out_hz, 1.0);
    }
}

TEST(Resampler, GivesTheSameFramesWhateverTheBlocksAre) {
    for (const Rates rates : kRates) {
        const auto in = Tone(997, rates.in_hz, 0.5, 5000);
        Resampler pieces{rates.in_hz, rates.out_hz, 1};
        Resampler whole{rates.in_hz, rates.out_hz, 1};
        const auto expected = Resample(pieces, in, 500000);
        std::vector<float> out(expected.size());
        const auto done = whole.Process(in, out);
        EXPECT_EQ(done.out_frames, expected.size());
        EXPECT_EQ(out, expected) << rates.in_hz << " to " << rates.out_hz;
    }
}

TEST(Resampler, DelaysBySoManyFramesAsItSays) {
    for (const Rates rates : kRates) {
        Resampler resampler{rates.in_hz, rates.out_hz, 1};
        std::vector<float> in(30000);
        // A pulse that both rates can carry: about 20 frames of the lower one wide.
        const double width = 10.0 * std::max(1.0, double{1} * rates.in_hz / rates.out_hz);
        for (size_t i = 0; i < in.size(); ++i)
            in[i] = static_cast<float>(
                std::exp(-0.5 * std::pow((static_cast<double>(i) - 10000) / width, 2)));
        const auto out = Resample(resampler, in, 4000000);
        double weight = 0;
        double moment = 0;
        for (size_t i = 0; i < out.size(); ++i) {
            weight += static_cast<double>(out[i]);
            moment += static_cast<double>(out[i]) * static_cast<double>(i);
        }
        const double arrived = moment / weight * rates.in_hz / rates.out_hz;
        EXPECT_NEAR(arrived - 10000, resampler.LatencyFrames(), 0.5)
            << rates.in_hz << " to " << rates.out_hz;
    }
}

TEST(Resampler, HasALatencyOfAboutOneAndAHalfMilliseconds) {
    EXPECT_EQ((Resampler{44100, 48000, 2}.LatencyFrames()), 64);
    EXPECT_EQ((Resampler{48000, 44100, 2}.LatencyFrames()), 72);
}

TEST(Resampler, KeepsAToneMoreThan100DbAboveAllThatItAdds) {
    const double level = std::pow(10, -1.0 / 20);
    for (const Rates rates :
         {Rates{44100, 48000}, Rates{48000, 44100}, Rates{48000, 192000},
          Rates{44100, 384000}, Rates{44101, 48000}, Rates{384000, 11025}})
        EXPECT_GE(Fit(rates, 997, level).SnrDb(), 100)
            << rates.in_hz << " to " << rates.out_hz;
}

TEST(Resampler, IsFlatToATwentiethOfADecibelUpTo20kHz) {
    for (const Rates rates : {Rates{44100, 48000}, Rates{48000, 44100}}) {
        for (double hz = 20; hz <= 20000; hz += 370) {
            const ToneFit fit = Fit(rates, hz, 0.5);
            EXPECT_NEAR(Decibels(fit.amplitude / 0.5), 0, 0.05) << hz;
            EXPECT_GE(fit.SnrDb(), 100) << hz;
        }
        EXPECT_NEAR(Decibels(Fit(rates, 20000, 0.5).amplitude / 0.5), 0, 0.05);
    }
}

TEST(Resampler, IsAsCleanAtTheTopOfTheBandForTheUsualRates) {
    for (const Rates rates :
         {Rates{44100, 384000}, Rates{11025, 384000}, Rates{22050, 384000},
          Rates{8000, 44100}, Rates{88200, 48000}, Rates{384000, 44100}}) {
        const double hz = 0.45 * std::min(rates.in_hz, rates.out_hz);
        EXPECT_GE(Fit(rates, hz, 0.5).SnrDb(), 100)
            << rates.in_hz << " to " << rates.out_hz;
    }
}

TEST(Resampler, RejectsWhatTheLowerRateCannotCarry) {
    for (const double hz : {24000.5, 30000.0, 60000.0}) {
        double most = 0;
        for (const float sample : SteadyTone({192000, 44100}, hz, 1))
            most = std::max(most, std::abs(static_cast<double>(sample)));
        EXPECT_LE(Decibels(most), -100) << hz;
    }
}

TEST(Resampler, RejectsAliasesAlsoInTwoStages) {
    for (const double hz : {3000.0, 24000.0, 45000.0, 97000.0}) {
        double most = 0;
        for (const float sample : SteadyTone({384000, 4000}, hz, 1))
            most = std::max(most, std::abs(static_cast<double>(sample)));
        EXPECT_LE(Decibels(most), -100) << hz;
    }
}

TEST(Resampler, KeepsChannelsApart) {
    for (const uint32_t channels : {1U, 2U, 3U, 6U, 32U}) {
        Resampler mono{44100, 48000, 1};
        Resampler many{44100, 48000, channels};
        const auto tone = Tone(997, 44100, 0.5, 2000);
        const auto expected = Resample(mono, tone, 4000);
        std::vector<float> in(tone.size() * channels);
        for (size_t i = 0; i < in.size(); ++i)
            in[i] = tone[i / channels] / static_cast<float>(1U << i % channels % 8);
        std::vector<float> out(expected.size() * channels);
        ASSERT_EQ(many.Process(in, out).out_frames, expected.size());
        for (size_t i = 0; i < out.size(); ++i)
            ASSERT_NEAR(out[i] * static_cast<float>(1U << i % channels % 8),
                        expected[i / channels], 1e-6);
    }
}

TEST(Resampler, ForgetsEverythingOnReset) {
    for (const Rates rates : kRates) {
        const auto in = Tone(997, rates.in_hz, 0.5, 5000);
        Resampler resampler{rates.in_hz, rates.out_hz, 1};
        const auto first = Resample(resampler, in, 500000);
        const std::vector<float> loud(777, 1.0F);
        Resample(resampler, loud, 100);
        resampler.Reset();
        EXPECT_EQ(Resample(resampler, in, 500000), first)
            << rates.in_hz << " to " << rates.out_hz;
    }
}

TEST(Resampler, DoesNotAllocateOnceItIsMade) {
    for (const Rates rates : kRates) {
        Resampler resampler{rates.in_hz, rates.out_hz, 2};
        const std::vector<float> in(2000, 0.5F);
        std::vector<float> out(2000);
        const uint64_t before = test::AllocationCount();
        for (int round = 0; round < 50; ++round)
            resampler.Process(in, out);
        resampler.Reset();
        resampler.Process(in, out);
        EXPECT_EQ(test::AllocationCount(), before);
    }
}

TEST(Resampler, TakesAndGivesNothingWithoutInputOrSpace) {
    for (const Rates rates : kRates) {
        Resampler resampler{rates.in_hz, rates.out_hz, 2};
        std::vector<float> out(20);
        const std::vector<float> in(20);
        EXPECT_EQ(resampler.Process({}, out).out_frames, 0U);
        EXPECT_EQ(resampler.Process(in, {}).in_frames, 0U);
    }
}

TEST(Resampler, RefusesWhatIsOutOfRange) {
    EXPECT_THROW((Resampler{3999, 48000, 2}), std::system_error);
    EXPECT_THROW((Resampler{48000, 384001, 2}), std::system_error);
    EXPECT_THROW((Resampler{48000, 44100, 0}), std::system_error);
    EXPECT_THROW((Resampler{48000, 44100, 33}), std::system_error);
}

TEST(Resampler, TakesNoMoreMemoryThanItSays) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's malloc does not tell";
#endif
    const auto in_use = [] {
        const auto info = ::mallinfo2();
        return info.uordblks + info.hblkhd;
    };
    std::mt19937 random{1};
    std::uniform_int_distribution<uint32_t> rate{kRateMinHz, kRateMaxHz};
    for (int i = 0; i < 300; ++i) {
        const uint32_t one = i % 3 == 0 ? 48000 : rate(random);
        const uint32_t other = i % 5 == 0 ? rate(random) / 48 * 48 : rate(random);
        for (const auto& [in, out] : {std::pair{one, other}, std::pair{other, one}}) {
            const size_t before = in_use();
            const Resampler resampler{in, out, 32};
            EXPECT_LE(in_use() - before, Resampler::MostBytes(in, out, 32))
                << in << " to " << out;
        }
    }
    EXPECT_EQ(Resampler::MostBytes(48000, 48000, 32), 0U);
}

TEST(AllocationCount, SeesWhatIsAllocated) {
    const uint64_t before = test::AllocationCount();
    auto* volatile memory = new int{1};
    EXPECT_GT(test::AllocationCount(), before);
    delete memory;
}

TEST(ResamplerMemory, IsRefusedWhereMemoryEndsAndMadeWhenThereIsSome) {
    if (!test::kCanFailAllocations)
        GTEST_SKIP() << "allocations cannot be made to fail in a sanitizer's build";
    size_t bytes = 0;
    const auto is_made = [&](Rates rates) {
        const test::LimitMemory limit{bytes};
        try {
            const Resampler resampler{rates.in_hz, rates.out_hz, 2};
            return true;
        } catch (const std::bad_alloc&) {
            return false;
        }
    };
    // An exact one, one that interpolates, and one of two stages.
    for (const Rates rates : {Rates{44100, 48000}, {44101, 48000}, {384000, 4001}}) {
        for (bytes = 0; !is_made(rates); bytes += 1009)
            ASSERT_LT(bytes, size_t{16} << 20);
        EXPECT_GT(bytes, size_t{100} << 10);
    }
}

}  // namespace
}  // namespace shmd::audio
