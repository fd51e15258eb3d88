#include "audio/mix.h"

#include <gtest/gtest.h>
#include <vector>

namespace shmd::audio {
namespace {

TEST(MixAdd, AddsEverySampleAtEveryLengthAndAlignment) {
    for (size_t offset = 0; offset < 4; ++offset) {
        for (size_t size = 0; size < 70; ++size) {
            std::vector<float> out(offset + size + 1);
            std::vector<float> in(offset + size + 1);
            for (size_t i = 0; i < out.size(); ++i) {
                out[i] = static_cast<float>(i);
                in[i] = 0.25F * static_cast<float>(i) + 1;
            }
            MixAdd(std::span{out}.subspan(offset, size),
                   std::span{in}.subspan(offset, size));
            for (size_t i = 0; i < out.size(); ++i) {
                const bool mixed = i >= offset && i < offset + size;
                const auto before = static_cast<float>(i);
                ASSERT_EQ(out[i], mixed ? before + in[i] : before) << i;
            }
        }
    }
}

}  // namespace
}  // namespace shmd::audio
