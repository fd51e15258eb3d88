#include "plugin/channel_maps.h"

#include <gtest/gtest.h>
#include <cerrno>
#include <cstdlib>
#include <memory>

namespace shmd::plugin {
namespace {

struct FreeMemory {
    void operator()(void* memory) const noexcept { std::free(memory); }
};
using Map = std::unique_ptr<snd_pcm_chmap_t, FreeMemory>;

Map MadeMap(const ChannelPositions& positions, unsigned channels) {
    return Map{MakeChannelMap(positions, channels)};
}

TEST(ChannelMaps, OffersOneUsualLayoutForEachNumberUpToEight) {
    snd_pcm_chmap_query_t** maps = UsualChannelMaps();
    ASSERT_NE(maps, nullptr);
    for (unsigned i = 0; i < 8; ++i) {
        ASSERT_NE(maps[i], nullptr) << i;
        EXPECT_EQ(maps[i]->map.channels, i + 1);
        EXPECT_EQ(maps[i]->type, SND_CHMAP_TYPE_VAR);
    }
    EXPECT_EQ(maps[8], nullptr);
    EXPECT_EQ(maps[1]->map.pos[0], SND_CHMAP_FL);
    EXPECT_EQ(maps[1]->map.pos[1], SND_CHMAP_FR);
    snd_pcm_free_chmaps(maps);
}

TEST(ChannelMaps, TellsTheUsualLayoutOfAStreamThatSetNone) {
    const Map map = MadeMap({}, 2);
    EXPECT_EQ(map->channels, 2U);
    EXPECT_EQ(map->pos[0], SND_CHMAP_FL);
    EXPECT_EQ(map->pos[1], SND_CHMAP_FR);
}

TEST(ChannelMaps, TellsTheLayoutThatAStreamSet) {
    ChannelPositions positions{};
    positions[0] = SND_CHMAP_FR;
    positions[1] = SND_CHMAP_FL;
    const Map map = MadeMap(positions, 2);
    EXPECT_EQ(map->pos[0], SND_CHMAP_FR);
    EXPECT_EQ(map->pos[1], SND_CHMAP_FL);
}

TEST(ChannelMaps, ReadsALayoutInAnyOrder) {
    const Map map = MadeMap({}, 2);
    std::swap(map->pos[0], map->pos[1]);
    ChannelPositions positions{};
    EXPECT_EQ(ReadChannelMap(*map, 2, positions), 0);
    EXPECT_EQ(positions[0], SND_CHMAP_FR);
    EXPECT_EQ(positions[1], SND_CHMAP_FL);
    EXPECT_EQ(positions[2], 0);
}

TEST(ChannelMaps, RefusesALayoutOfAnotherNumberOfChannels) {
    const Map map = MadeMap({}, 2);
    ChannelPositions positions{};
    EXPECT_EQ(ReadChannelMap(*map, 3, positions), -EINVAL);
    EXPECT_EQ(ReadChannelMap(*map, 1, positions), -EINVAL);
}

TEST(ChannelMaps, RefusesAPositionThatAlsaDoesNotName) {
    const Map map = MadeMap({}, 2);
    ChannelPositions positions{};
    map->pos[1] = SND_CHMAP_LAST;
    EXPECT_EQ(ReadChannelMap(*map, 2, positions), 0);
    map->pos[1] = SND_CHMAP_LAST + 1;
    EXPECT_EQ(ReadChannelMap(*map, 2, positions), -EINVAL);
}

TEST(ChannelMaps, RefusesAnInvertedPhase) {
    const Map map = MadeMap({}, 2);
    ChannelPositions positions{};
    map->pos[0] |= SND_CHMAP_PHASE_INVERSE;
    EXPECT_EQ(ReadChannelMap(*map, 2, positions), -EINVAL);
}

}  // namespace
}  // namespace shmd::plugin
