// A C++ program whose handler of alsa-lib's error messages throws, and one that asks the
// handle about which it is told.
//
//     host refused PCM     opens it, with a handler that throws; prints the answer
//     host asked PCM       ends the server, and sets a channel map with a handler that
//     asks

#include <alsa/asoundlib.h>
#include <signal.h>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace {

snd_pcm_t* g_pcm = nullptr;
int g_told = 0;

void Throw(const char*, int, const char*, int, const char*, ...) {
    ++g_told;
    throw std::runtime_error{"of the program's own handler"};
}

void Ask(const char*, int, const char*, int, const char*, ...) {
    snd_lib_error_set_handler(nullptr);  // it may be told of something in here too
    ++g_told;
    snd_pcm_sframes_t delay = 0;
    snd_pcm_delay(g_pcm, &delay);
    snd_pcm_drop(g_pcm);
}

int Refused(const char* name) {
    snd_lib_error_set_handler(&Throw);
    const int error = snd_pcm_open(&g_pcm, name, SND_PCM_STREAM_PLAYBACK, 0);
    std::printf("told %d answer %d\n", g_told, error);
    return 0;
}

int Asked(const char* name) {
    if (snd_pcm_open(&g_pcm, name, SND_PCM_STREAM_PLAYBACK, 0) < 0) return 1;
    const int error = snd_pcm_set_params(
        g_pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED, 2, 48000, 1, 100000);
    if (error < 0) return 1;
    kill(std::atoi(std::getenv("SHMD_SERVER_PID")), SIGKILL);
    snd_pcm_chmap_t* map = snd_pcm_get_chmap(g_pcm);
    std::swap(map->pos[0], map->pos[1]);
    snd_lib_error_set_handler(&Ask);
    const int answer = snd_pcm_set_chmap(g_pcm, map);
    std::free(map);
    std::printf("told %d answer %d\n", g_told, answer);
    return snd_pcm_close(g_pcm);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const std::string_view what = argv[1];
    return what == "refused" ? Refused(argv[2]) : Asked(argv[2]);
}
