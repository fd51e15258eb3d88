/*
 * refused PCM
 *
 * Plays two channels, says "ready", and waits for a line. The server is killed then. A
 * child that inherits the handle sets eight channels and a longer buffer, which fails. It
 * says what the PCM's callbacks answer afterwards; alsa-lib's own checks, which differ
 * between versions and plugins, are left out. After one more line, with a new server, it
 * sets them again and plays.
 *
 * alsa-lib hands the callbacks to snd_pcm_ioplug_create. The program has a function of
 * that name, which the plugin finds first.
 */

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <dlfcn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kRate = 48000, kFew = 2, kMany = 8, kShortUs = 50000, kLongUs = 500000 };
enum { kLongFrames = 24000 };

static snd_pcm_ioplug_t* plug;
static int sound[kMany * kLongFrames];

int snd_pcm_ioplug_create(snd_pcm_ioplug_t* io, const char* name, snd_pcm_stream_t stream,
                          int mode) {
    int (*const real)(snd_pcm_ioplug_t*, const char*, snd_pcm_stream_t, int) =
        (int (*)(snd_pcm_ioplug_t*, const char*, snd_pcm_stream_t, int))dlsym(
            RTLD_NEXT, "snd_pcm_ioplug_create");
    plug = io;
    return real(io, name, stream, mode);
}

static void Wait(const char* word) {
    char line[16];
    printf("%s\n", word);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) _exit(2);
}

static int Set(snd_pcm_t* pcm, unsigned channels, unsigned latency_us) {
    return snd_pcm_set_params(pcm, SND_PCM_FORMAT_S32_LE, SND_PCM_ACCESS_RW_INTERLEAVED,
                              channels, kRate, 1, latency_us);
}

static void SayAnswers(void) {
    snd_pcm_channel_area_t areas[kMany];
    for (unsigned i = 0; i < kMany; ++i)
        areas[i] = (snd_pcm_channel_area_t){sound, i * 32, kMany * 32};
    printf("channels %u\n", plug->channels);
    printf("transfer %ld\n", (long)plug->callback->transfer(plug, areas, 0, kLongFrames));
    printf("prepare %d\n", plug->callback->prepare(plug));
    printf("start %d\n", plug->callback->start(plug));
}

static int Inherit(snd_pcm_t* pcm) {
    printf("set %d\n", Set(pcm, kMany, kLongUs) < 0);
    SayAnswers();
    Wait("again");
    printf("set %d\n", Set(pcm, kMany, kLongUs) < 0);
    printf("written %ld\n", (long)snd_pcm_writei(pcm, sound, kRate / 100));
    fflush(stdout);
    return 0;
}

int main(int argc, char** argv) {
    int status = 0;
    snd_pcm_t* pcm;
    if (argc != 2 || snd_pcm_open(&pcm, argv[1], SND_PCM_STREAM_PLAYBACK, 0) < 0)
        return 2;
    if (Set(pcm, kFew, kShortUs) < 0) return 2;
    Wait("ready");
    const pid_t child = fork();
    if (child == 0) _exit(Inherit(pcm));
    waitpid(child, &status, 0);
    return status == 0 ? 0 : 1;
}
