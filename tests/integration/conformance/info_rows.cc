// What a PCM says of itself, channel maps, links and async.

#include "pcm.h"

#include <signal.h>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace shmd::conformance {

namespace {

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};
using ChannelMap = std::unique_ptr<snd_pcm_chmap_t, Free>;

void Info(const Bench& bench) {
    Pcm pcm{bench};
    snd_pcm_info_t* info = nullptr;
    snd_pcm_info_malloc(&info);
    const int answer = snd_pcm_info(pcm, info);
    const snd_pcm_stream_t stream = snd_pcm_info_get_stream(info);
    const std::string id = snd_pcm_info_get_id(info);
    const unsigned count = snd_pcm_info_get_subdevices_count(info);
    snd_pcm_info_free(info);
    Answers("snd_pcm_info", 0, answer);
    Answers("the stream", bench.direction, stream);
    Expect(!id.empty(), "an id");
    Expect(count >= 1, "at least one subdevice");
}

void Names(const Bench& bench) {
    Pcm pcm{bench};
    Expect(snd_pcm_name(pcm) == bench.Pcm(bench.direction), "the name it was opened by");
    Answers("snd_pcm_stream", bench.direction, snd_pcm_stream(pcm));
    const char* type = snd_pcm_type_name(snd_pcm_type(pcm));
    Expect(type != nullptr, "a type with a name");
    PassWith(type);
}

std::string Dump(const Pcm& pcm, int (*dump)(snd_pcm_t*, snd_output_t*)) {
    snd_output_t* out = nullptr;
    Answers("snd_output_buffer_open", 0, snd_output_buffer_open(&out));
    const int answer = dump(pcm, out);
    char* text = nullptr;
    const size_t size = snd_output_buffer_string(out, &text);
    const std::string copy{text == nullptr ? "" : text, size};
    snd_output_close(out);
    Answers("a dump", 0, answer);
    return copy;
}

void DumpOpen(const Bench& bench) {
    Pcm pcm{bench};
    Expect(!Dump(pcm, snd_pcm_dump).empty(), "some text");
}

void DumpSetup(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Expect(Dump(pcm, snd_pcm_dump).find("48000") != std::string::npos, "the rate in it");
    Expect(Dump(pcm, snd_pcm_dump_hw_setup).find("S16_LE") != std::string::npos,
           "the format in it");
    Expect(!Dump(pcm, snd_pcm_dump_sw_setup).empty(), "some text");
}

void MapBefore(const Bench& bench) {
    Pcm pcm{bench};
    const ChannelMap map{snd_pcm_get_chmap(pcm)};
    if (map == nullptr) PassWith("there is none");
    Answers("the channels of the map before hw_params", 0, map->channels);
}

void RequireMap(const ChannelMap& map, unsigned channels) {
    Answers("the channels of the map", channels, map->channels);
    for (unsigned i = 0; i < channels; ++i)
        Expect((map->pos[i] & SND_CHMAP_POSITION_MASK) <= SND_CHMAP_LAST,
               "positions that ALSA knows");
}

void Map(const Bench& bench) {
    for (unsigned channels = 1; channels <= 8; ++channels) {
        Pcm pcm{bench, Shape{.channels = channels}};
        const ChannelMap map{snd_pcm_get_chmap(pcm)};
        if (map == nullptr) Skip("the PCM has no channel map");
        RequireMap(map, channels);
    }
}

void Query(const Bench& bench) {
    Pcm pcm{bench};
    snd_pcm_chmap_query_t** maps = snd_pcm_query_chmaps(pcm);
    if (maps == nullptr) Skip("the PCM has no channel maps");
    int count = 0;
    for (; maps[count] != nullptr; ++count)
        Between("the channels of a map", 1, 1024, maps[count]->map.channels);
    snd_pcm_free_chmaps(maps);
    Expect(count > 0, "at least one map");
}

void QueryByName(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    snd_pcm_chmap_query_t** maps = snd_pcm_query_chmaps(pcm);
    if (maps == nullptr) Skip("the PCM has no channel maps");
    const ChannelMap map{snd_pcm_get_chmap(pcm)};
    bool found = false;
    for (int i = 0; maps[i] != nullptr && map != nullptr; ++i)
        found = found || (maps[i]->map.channels == map->channels &&
                          std::memcmp(maps[i]->map.pos, map->pos,
                                      map->channels * sizeof(map->pos[0])) == 0);
    snd_pcm_free_chmaps(maps);
    Expect(found, "the map in use among those that are offered");
}

void SetSame(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const ChannelMap map{snd_pcm_get_chmap(pcm)};
    if (map == nullptr) Skip("the PCM has no channel map");
    const int answer = snd_pcm_set_chmap(pcm, map.get());
    if (answer < 0) Refuse(answer, "snd_pcm_set_chmap of the map that it has");
    const ChannelMap now{snd_pcm_get_chmap(pcm)};
    Expect(now->pos[0] == map->pos[0] && now->pos[1] == map->pos[1], "the same map");
}

void SetSwapped(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const ChannelMap map{snd_pcm_get_chmap(pcm)};
    if (map == nullptr) Skip("the PCM has no channel map");
    std::swap(map->pos[0], map->pos[1]);
    const int answer = snd_pcm_set_chmap(pcm, map.get());
    if (answer < 0) Refuse(answer, "snd_pcm_set_chmap of left and right exchanged");
    const ChannelMap now{snd_pcm_get_chmap(pcm)};
    Expect(now->pos[0] == map->pos[0] && now->pos[1] == map->pos[1], "the exchanged map");
}

void SetWrong(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const ChannelMap map{static_cast<snd_pcm_chmap_t*>(
        std::calloc(1, sizeof(snd_pcm_chmap_t) + 3 * sizeof(unsigned)))};
    map->channels = 3;
    for (unsigned i = 0; i < 3; ++i)
        map->pos[i] = SND_CHMAP_FL + i;
    Expect(snd_pcm_set_chmap(pcm, map.get()) < 0,
           "an error for a map of 3 of 2 channels");
    pcm.Run();
}

void Link(const Bench& bench) {
    Pcm one{bench, Shape{}};
    Pcm other{bench, Shape{}};
    const int answer = snd_pcm_link(one, other);
    if (answer == -ENOSYS && one.IsIoplug())
        Refuse(answer, "snd_pcm_ioplug_fast_ops of alsa-lib has no link");
    if (answer == -ENOSYS) Refuse(answer, "this type of PCM has no link");
    Answers("snd_pcm_link", 0, answer);
    if (one.IsPlayback()) {
        one.WriteAll(one.Buffer());
        other.WriteAll(other.Buffer());
    }
    one.Start();
    other.ExpectState(SND_PCM_STATE_RUNNING,
                      "after the start of the one it is linked to");
    Answers("snd_pcm_unlink", 0, snd_pcm_unlink(one));
}

void Unlink(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const int answer = snd_pcm_unlink(pcm);
    Answers("snd_pcm_unlink of what is not linked", {-EALREADY, -ENOSYS}, answer);
    PassWith("answers " + Words(answer));
}

volatile sig_atomic_t g_calls = 0;

void OnAsync(snd_async_handler_t*) {
    g_calls = g_calls + 1;
}

void Async(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    snd_async_handler_t* handler = nullptr;
    const int answer = snd_async_add_pcm_handler(&handler, pcm, OnAsync, nullptr);
    if (answer == -ENOSYS)
        Refuse(answer, pcm.IsIoplug() ? "snd_pcm_ioplug_async in alsa-lib"
                                      : "this type of PCM has no async handler");
    Answers("snd_async_add_pcm_handler", 0, answer);
    pcm.Run();
    WaitUntil("the handler is called", [&] { return g_calls > 0; });
}

void OpenUnknown(const Bench& bench) {
    snd_pcm_t* pcm = nullptr;
    Answers("snd_pcm_open of a PCM that nobody has", -ENOENT,
            snd_pcm_open(&pcm, "no_such_pcm_at_all", bench.direction, 0));
}

constexpr auto kEach = Where::kEach;

constexpr Row kRows[] = {
    {"open.unknown", "an unknown name answers -ENOENT", kEach, OpenUnknown},
    {"info.info", "snd_pcm_info tells stream, id and subdevices", kEach, Info},
    {"info.names", "name, stream and type are those it was opened by", kEach, Names},
    {"info.dump_open", "snd_pcm_dump before hw_params", kEach, DumpOpen},
    {"info.dump_setup", "the dumps show the parameters", kEach, DumpSetup},
    {"chmap.before", "before hw_params there is no channel map", kEach, MapBefore},
    {"chmap.get", "the channel map has as many channels as the stream", kEach, Map},
    {"chmap.query", "channel maps can be listed before hw_params", kEach, Query},
    {"chmap.offered", "the map in use is among those that are listed", kEach,
     QueryByName},
    {"chmap.set_same", "the map that it has can be set", kEach, SetSame},
    {"chmap.set_swapped", "left and right exchanged: taken and returned, or refused",
     kEach, SetSwapped},
    {"chmap.set_wrong", "a map with too many channels is refused", kEach, SetWrong},
    {"link.start", "linked streams start together", kEach, Link},
    {"link.unlink", "unlink of what is not linked is an error", kEach, Unlink},
    {"async.handler", "an async handler is called", kEach, Async},
};

}  // namespace

std::span<const Row> InfoRows() {
    return kRows;
}

}  // namespace shmd::conformance
