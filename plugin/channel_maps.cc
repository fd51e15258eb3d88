#include "plugin/channel_maps.h"

#include "audio/channel_map.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace shmd::plugin {

namespace {

constexpr unsigned kMostUsualChannels = 8;

void FillUsual(snd_pcm_chmap_t& map, unsigned channels) noexcept {
    const audio::ChannelMap usual = audio::DefaultChannelMap(channels);
    map.channels = channels;
    for (unsigned i = 0; i < channels; ++i)
        map.pos[i] = static_cast<unsigned>(usual.positions[i]);
}

}  // namespace

snd_pcm_chmap_query_t** UsualChannelMaps() noexcept {
    auto** maps = static_cast<snd_pcm_chmap_query_t**>(
        std::calloc(kMostUsualChannels + 1, sizeof(snd_pcm_chmap_query_t*)));
    if (maps == nullptr) return nullptr;
    for (unsigned channels = 1; channels <= kMostUsualChannels; ++channels) {
        const size_t size = sizeof(snd_pcm_chmap_query_t) + channels * sizeof(unsigned);
        auto* query = static_cast<snd_pcm_chmap_query_t*>(std::calloc(1, size));
        if (query == nullptr) {
            snd_pcm_free_chmaps(maps);
            return nullptr;
        }
        query->type = SND_CHMAP_TYPE_VAR;
        FillUsual(query->map, channels);
        maps[channels - 1] = query;
    }
    return maps;
}

snd_pcm_chmap_t* MakeChannelMap(const ChannelPositions& positions,
                                unsigned channels) noexcept {
    const size_t size = sizeof(snd_pcm_chmap_t) + channels * sizeof(unsigned);
    auto* map = static_cast<snd_pcm_chmap_t*>(std::calloc(1, size));
    if (map == nullptr) return nullptr;
    FillUsual(*map, channels);
    if (positions != ChannelPositions{})
        std::copy_n(positions.begin(), channels, map->pos);
    return map;
}

int ReadChannelMap(const snd_pcm_chmap_t& map, unsigned channels,
                   ChannelPositions& positions) noexcept {
    positions = {};
    if (map.channels != channels || channels > positions.size()) return -EINVAL;
    for (unsigned i = 0; i < channels; ++i) {
        if (map.pos[i] > audio::kLastChannelPosition) return -EINVAL;
        positions[i] = static_cast<uint8_t>(map.pos[i]);
    }
    return 0;
}

}  // namespace shmd::plugin
